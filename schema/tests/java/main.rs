//! Differential tests: Weir and Apache Avro's Java library are asked the same, and agree.
//!
//! `WEIR_ORACLE_PAIRS` (default 3000) says how many pairs of schemas, `WEIR_ORACLE_SEED` (default
//! 1) where the first starts; each failure prints the seed of its pair.

#![allow(clippy::unwrap_used)] // how a test fails

mod generate;
mod oracle;
mod values;

use generate::Generator;
use oracle::Oracle;
use serde_json::{Value, json};
use values::{Any, Typed};
use weir_schema::avro::codec::{Encoder, Plan};
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
    let as_java = ParseOptions { odd_defaults: false, ..ParseOptions::STORED };
    let stored = |text| parse(text, as_java);
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

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Our Avro JSON of `data`, as a value: the order of a record's fields is not the matter here.
fn our_json(plan: &Plan, data: &[u8]) -> Result<Value, String> {
    let mut out = Vec::new();
    plan.to_json(data, &mut out).map_err(|e| e.to_string())?;
    serde_json::from_slice(&out).map_err(|e| format!("not JSON: {e}"))
}

/// Data read with serde, if it is what its JSON says.
fn by_serde(plan: &Plan, data: &[u8], reader: &Schema, json: &Value) -> Result<(), String> {
    let Any(value) = plan.decode(data).map_err(|e| e.to_string())?;
    let wanted = Typed { schema: reader, node: reader.root(), json }.untagged();
    match equal(&value, &wanted) {
        true => Ok(()),
        false => Err(format!("{value} and not {wanted}")),
    }
}

/// Data read as apache-avro's value and written again, if it is what its JSON says.
fn by_value(
    plan: &Plan,
    encoder: &Encoder,
    own: &Plan,
    data: &[u8],
    json: &Value,
) -> Result<(), String> {
    let value = plan.decode_value(data).map_err(|e| e.to_string())?;
    let mut written = Vec::new();
    encoder.encode_value(&value, &mut written).map_err(|e| format!("{value:?}: {e}"))?;
    match our_json(own, &written)? {
        same if equal(&same, json) => Ok(()),
        other => Err(format!("{other} and not {json}")),
    }
}

/// Equality of values; numbers are equal if they are the same float, which Java 17 does not print
/// in its shortest form.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            x == y || x.as_f64().map(|x| x as f32) == y.as_f64().map(|y| y as f32)
        }
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| equal(v, w)))
        }
        _ => a == b,
    }
}

/// What is known to differ, and why: data nested deeper than `codec::DEPTH_MAX` is refused; Java's
/// encoder prints nothing at all for a record without fields at the top, Java puts U+FFFD where bytes
/// read as a string are not UTF-8, which we refuse, and Java 1.12.2 counts an empty record that is
/// read with defaults as one that takes a byte of data.
fn known_difference(java: &Value, ours: &Result<Value, String>) -> bool {
    let claims = |error: &str| error.starts_with("Collection claims");
    java["json"] == ""
        || ours.is_ok() && java["error"].as_str().is_some_and(claims)
        || matches!(ours, Err(e) if e.contains("nested deeper"))
        || matches!(ours, Err(e) if e.ends_with("a string is not UTF-8")
            && java["json"].as_str().is_some_and(|t| t.contains('\u{fffd}')))
}

/// Whether two writings are of the same value: a map's entries stand in any order.
fn is_same(one: &[u8], other: &[u8], plan: &Plan) -> bool {
    one == other || one.len() == other.len() && our_json(plan, one) == our_json(plan, other)
}

fn agree(ours: &Result<Value, String>, theirs: &Option<Value>) -> bool {
    match (ours, theirs) {
        (Ok(ours), Some(theirs)) => equal(ours, theirs),
        (ours, theirs) => ours.is_err() && theirs.is_none(),
    }
}

fn value(text: &str) -> Value {
    let text = if text.is_empty() { "null" } else { text };
    serde_json::from_str(text).expect("Java writes JSON")
}

/// serde_json's values, with which the test compares, end at 128 levels.
fn comparable(json: &str) -> bool {
    !serde_json::from_str::<Value>(json).is_err_and(|e| e.to_string().contains("recursion"))
}

#[test]
fn data_is_read_resolved_and_written_as_java_does() {
    let Some(mut oracle) = Oracle::start() else { return };
    let first = setting("WEIR_ORACLE_SEED", 1);
    let pairs = setting("WEIR_ORACLE_PAIRS", 3000) / 2;
    let (mut data, mut evolved, mut errors, mut differences) = (0, 0, 0, Vec::new());
    for seed in first..first + pairs {
        let mut generator = Generator::new(seed);
        let writer = generator.schema();
        let reader = generator.evolve(&writer);
        let (writer, reader) = (writer.to_string(), reader.to_string());
        let (Ok(w), Ok(r)) = (parse(&writer, ParseOptions::NEW), parse(&reader, ParseOptions::NEW))
        else {
            continue;
        };
        let random =
            oracle.ask(&json!({"op": "random", "schema": writer, "seed": seed, "count": 3}));
        let (Some(samples), Ok(encoder)) = (random["hex"].as_array(), Encoder::new(&w)) else {
            continue; // a record that must hold itself has no data
        };
        let same = Plan::compile(&w, &w).unwrap();
        let resolved = Plan::compile(&w, &r);
        for sample in samples {
            let bytes = unhex(sample.as_str().unwrap());
            data += 1;
            let java = oracle.ask(&json!({"op": "to_json", "writer": writer, "hex": sample}));
            if !java["json"].as_str().is_none_or(comparable) {
                continue;
            }
            let ours = our_json(&same, &bytes);
            let theirs = java["json"].as_str().map(value);
            if !agree(&ours, &theirs) && !known_difference(&java, &ours) {
                differences.push(format!(
                    "seed {seed}: {writer}\n {sample}\n java {java}\n ours {ours:?}"
                ));
                continue;
            }
            if ours.is_err() {
                continue;
            }
            let mut text = Vec::new();
            same.to_json(&bytes, &mut text).unwrap();
            let mut back = Vec::new();
            let result = encoder.json_to_avro(std::str::from_utf8(&text).unwrap(), &mut back);
            if result.is_err() || back != bytes {
                differences.push(format!(
                    "seed {seed}: {writer}\n {sample} came back as {} {result:?}",
                    hex(&back)
                ));
            }
            if let Some(cut) = (seed as usize).checked_rem(bytes.len()) {
                let early = hex(&bytes[..cut]);
                let java = oracle.ask(&json!({"op": "to_json", "writer": writer, "hex": early}));
                let ours = our_json(&same, &bytes[..cut]);
                if ours.is_ok() || java["json"].is_string() {
                    differences.push(format!("seed {seed}: {writer}\n {early}: {java} {ours:?}"));
                }
            }
            let json: Value = serde_json::from_slice(&text).unwrap();
            let mut written = Vec::new();
            let result =
                encoder.encode(&Typed { schema: &w, node: w.root(), json: &json }, &mut written);
            let read = by_serde(&same, &bytes, &w, &json);
            if result.is_err() || !is_same(&written, &bytes, &same) || read.is_err() {
                differences.push(format!(
                    "seed {seed}: {writer}\n {sample} by serde is {} {result:?}, {read:?}",
                    hex(&written)
                ));
            }
            if let Err(why) = by_value(&same, &encoder, &same, &bytes, &json) {
                differences.push(format!("seed {seed}: {writer}\n {sample} as a value: {why}"));
            }
            let java = oracle
                .ask(&json!({"op": "to_json", "writer": writer, "reader": reader, "hex": sample}));
            let ours = match &resolved {
                Ok(plan) => our_json(plan, &bytes),
                Err(error) => Err(error.to_string()),
            };
            if let (Ok(plan), Ok(json)) = (&resolved, &ours)
                && let Err(why) = by_serde(plan, &bytes, &r, json).and_then(|()| {
                    let own = Plan::compile(&r, &r).unwrap();
                    by_value(plan, &Encoder::new(&r).unwrap(), &own, &bytes, json)
                })
            {
                differences.push(format!(
                    "seed {seed}: writer {writer}\n reader {reader}\n {sample} by serde: {why}"
                ));
            }
            if let (Ok(plan), Err(_)) = (&resolved, &ours) {
                assert!(plan.decode::<Any>(&bytes).is_err(), "seed {seed}: serde reads {sample}");
            }
            let theirs = java["json"].as_str().map(value);
            errors += usize::from(theirs.is_none());
            evolved += usize::from(theirs.is_some());
            if !agree(&ours, &theirs) && !known_difference(&java, &ours) {
                differences.push(format!("seed {seed}: writer {writer}\n reader {reader}\n {sample}\n java {java}\n ours {ours:?}"));
            }
        }
    }
    println!(
        "{data} data: {evolved} read with another schema, {errors} refused, {} differences",
        differences.len()
    );
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.iter().take(6).cloned().collect::<Vec<_>>().join("\n\n")
    );
}

/// Takes a named type out of a schema, to be a reference: the type alone and what is left, which
/// names it. Types without a name of their own stay where they are.
fn take_out(schema: &Value) -> Option<(Value, Value)> {
    let fields = schema["fields"].as_array()?;
    for (i, field) in fields.iter().enumerate() {
        let mut named = field["type"].clone();
        let Some(name) = named["name"].as_str().map(str::to_string) else { continue };
        let own = match (name.rsplit_once('.'), named["namespace"].as_str()) {
            (Some((space, _)), _) => space.to_string(),
            (None, Some(space)) => space.to_string(),
            // inherited: the reference has to say it, since it stands alone
            (None, None) => {
                match (schema["name"].as_str()?.rsplit_once('.'), schema["namespace"].as_str()) {
                    (Some((space, _)), _) => space.to_string(),
                    (None, space) => space.unwrap_or_default().to_string(),
                }
            }
        };
        let simple = name.rsplit('.').next()?.to_string();
        let full = if own.is_empty() { simple.clone() } else { format!("{own}.{simple}") };
        named["name"] = json!(simple);
        named["namespace"] = json!(own);
        let mut rest = schema.clone();
        rest["fields"][i]["type"] = json!(full);
        return Some((named, rest));
    }
    None
}

#[test]
fn schemas_that_refer_to_others_print_as_javas_do() {
    let Some(mut oracle) = Oracle::start() else { return };
    let first = setting("WEIR_ORACLE_SEED", 1);
    let pairs = setting("WEIR_ORACLE_PAIRS", 3000);
    let (mut compared, mut refused, mut differences) = (0, 0, Vec::new());
    for seed in first..first + pairs {
        let mut generator = Generator::new(seed);
        let Some((reference, schema)) = take_out(&generator.schema()) else { continue };
        let (reference, schema) = (reference.to_string(), schema.to_string());
        let java = oracle.ask(&json!({"op": "parse", "schema": schema, "references": [reference],
            "names": "strict", "defaults": true}));
        let mut parser = Parser::new(ParseOptions::NEW);
        let ours = parser.reference(&reference).and_then(|()| parser.parse(&schema));
        let ours = match ours {
            Ok(s) => json!([s.canonical(), s.parsing_canonical_form()]),
            Err(_) => Value::Null,
        };
        let theirs = match java["ok"].as_bool().unwrap() {
            true => json!([java["text_refs"], java["pcf"]]),
            false => Value::Null,
        };
        compared += 1;
        refused += usize::from(theirs.is_null());
        if theirs != ours {
            differences.push(format!(
                "seed {seed}: {reference}\n {schema}\n java {theirs} {}\n ours {ours}",
                java["error"]
            ));
        }
    }
    println!(
        "{compared} schemas with a reference, {refused} refused, {} differences",
        differences.len()
    );
    assert!(
        differences.is_empty(),
        "{}",
        differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n")
    );
    assert!(pairs < 100 || compared > 100);
}

#[test]
fn avros_own_schema_files_are_read_as_java_does() {
    let Some(mut oracle) = Oracle::start() else { return };
    for text in [
        include_str!("../../../tests/schemas/interop.avsc"),
        include_str!("../../../tests/schemas/HandshakeRequest.avsc"),
        include_str!("../../../tests/schemas/HandshakeResponse.avsc"),
    ] {
        let (theirs, ours, errors) = parse_both(&mut oracle, text);
        assert!(!theirs.is_null(), "{errors}");
        assert_eq!(theirs, ours);
    }
}
