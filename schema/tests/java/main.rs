//! Differential tests: Weir and Apache Avro's Java library are asked the same, and agree.
//!
//! `WEIR_ORACLE_PAIRS` (default 3000) says how many pairs of schemas, `WEIR_ORACLE_SEED` (default
//! 1) where the first starts; each failure prints the seed of its pair.

mod generate;
mod oracle;

use generate::Generator;
use oracle::Oracle;
use serde_json::{Value, json};
use weir_schema::avro::{ParseOptions, Parser, Schema, compatibility};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |v| v.parse().expect("a number"))
}

fn parse(text: &str, options: ParseOptions) -> Result<Schema, String> {
    Parser::new(options).parse(text).map_err(|e| e.message)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What Java says of a schema and what we say, in the same words.
fn parse_both(oracle: &mut Oracle, text: &str) -> (Value, Value, String) {
    let java =
        oracle.ask(&json!({"op": "parse", "schema": text, "names": "strict", "defaults": true}));
    let error = format!("java {} ours ", java["error"]);
    let theirs = match java["ok"].as_bool().unwrap() {
        true => json!([java["text"], java["pcf"], java["crc64"], java["md5"], java["sha256"]]),
        false => Value::Null,
    };
    match parse(text, ParseOptions::NEW) {
        Err(message) => (theirs, Value::Null, error + &message),
        Ok(schema) => {
            let prints = schema.fingerprints();
            let ours = json!([
                schema.canonical(),
                schema.parsing_canonical_form(),
                format!("{:016x}", prints.crc64),
                hex(&prints.md5),
                hex(&prints.sha256)
            ]);
            (theirs, ours, error)
        }
    }
}

fn compatibility_both(oracle: &mut Oracle, reader: &str, writer: &str) -> (Value, Value) {
    let java = oracle.ask(&json!({"op": "compat", "reader": reader, "writer": writer}));
    let theirs = match java["ok"].as_bool().unwrap() {
        true => java["incompatibilities"].clone(),
        false => Value::Null,
    };
    let stored = |text| parse(text, ParseOptions::STORED);
    let (Ok(r), Ok(w)) = (stored(reader), stored(writer)) else { return (theirs, Value::Null) };
    let ours = match compatibility(&r, &w) {
        Err(_) => Value::Null,
        Ok(found) => found
            .iter()
            .map(|i| json!({"type": i.kind.name(), "location": i.path, "message": i.message}))
            .collect(),
    };
    (theirs, ours)
}

#[test]
fn schemas_and_pairs_get_javas_verdict_kind_and_path() {
    let Some(mut oracle) = Oracle::start() else { return };
    let first = setting("WEIR_ORACLE_SEED", 1);
    let pairs = setting("WEIR_ORACLE_PAIRS", 3000);
    let (mut refused, mut incompatible, mut differences) = (0, 0, Vec::new());
    for seed in first..first + pairs {
        let mut generator = Generator::new(seed);
        let writer = generator.schema();
        let reader = generator.evolve(&writer);
        let (writer, reader) = (writer.to_string(), reader.to_string());
        let mut valid = true;
        for text in [&writer, &reader] {
            let (theirs, ours, errors) = parse_both(&mut oracle, text);
            valid &= !theirs.is_null();
            if theirs != ours {
                differences
                    .push(format!("seed {seed}: {text}\n {errors}\n java {theirs}\n ours {ours}"));
            }
        }
        refused += usize::from(!valid);
        for (r, w) in [(&reader, &writer), (&writer, &reader)] {
            let (theirs, ours) = compatibility_both(&mut oracle, r, w);
            incompatible += usize::from(theirs.as_array().is_some_and(|a| !a.is_empty()));
            if theirs != ours {
                differences.push(format!(
                    "seed {seed}: reader {r}\n writer {w}\n java {theirs}\n ours {ours}"
                ));
            }
        }
    }
    println!(
        "{pairs} pairs from seed {first}: {refused} with a refused schema, {incompatible} of {} \
         directions incompatible, {} differences",
        2 * pairs,
        differences.len()
    );
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.iter().take(8).cloned().collect::<Vec<_>>().join("\n\n")
    );
    // a generator that makes one kind only would prove little
    assert!(pairs < 100 || (incompatible > pairs as usize / 4 && refused < pairs as usize / 2));
}
