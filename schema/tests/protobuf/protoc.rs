//! protoc's word on every text that is stored: canonical and normal forms of the files that the
//! packages of `tests/python/requirements-protoc.txt` bring, and of generated ones, can be posted
//! back, are compatible with what they were made of, and are compiled to the same descriptors.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};
use weir_schema::protobuf::{Schema, compatibility, differences};

use super::generate;

/// How many files are generated.
const GENERATED: usize = 200;

#[derive(Deserialize)]
struct Found {
    path: String,
    text: String,
    /// All files that it needs, each after its own imports.
    imports: Vec<String>,
}

#[derive(Serialize)]
struct Question<'a> {
    files: BTreeMap<&'a str, &'a str>,
    variants: BTreeMap<&'a str, BTreeMap<&'a str, String>>,
}

/// Runs `protoc.py`, or says that it is skipped. In CI it has to be there. `Err` is what it printed
/// where it failed.
fn protoc(command: &str, input: &str) -> Option<Result<String, String>> {
    let Ok(python) = std::env::var("WEIR_TEST_PYTHON") else {
        let why = "skipped: no WEIR_TEST_PYTHON; `tests/run` sets it";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("{why}");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/protoc.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // what reads nothing may have ended before it was written to
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    Some(if output.status.success() { Ok(text) } else { Err(text) })
}

/// Files that only import what is bundled.
fn generated() -> Vec<Found> {
    let mut runner = TestRunner::deterministic();
    let imports = [
        "google/protobuf/timestamp.proto",
        "google/protobuf/descriptor.proto",
        "confluent/meta.proto",
    ];
    let made = (0..GENERATED).map(|i| Found {
        path: format!("generated/{i}.proto"),
        text: generate::text_beside(i)
            .new_tree(&mut runner)
            .expect("texts are made without rejections")
            .current(),
        imports: imports.map(String::from).to_vec(),
    });
    made.collect()
}

/// Checks all that can be said without protoc of what would be stored for a schema, and returns it:
/// canonical and normal form.
fn stored(text: &str, references: &[(&str, &str)]) -> [String; 2] {
    let parse = |text: &str| {
        Schema::parse(text, references, true).unwrap_or_else(|error| panic!("{error}\n{text}"))
    };
    let schema = parse(text);
    let (canonical, normal) = (schema.canonical(), schema.normalized().canonical());
    assert_eq!(parse(&canonical).canonical(), canonical);
    assert_eq!(parse(&canonical).normalized().canonical(), normal);
    assert_eq!(parse(&normal).normalized().canonical(), normal);
    let descriptor = parse(&schema.serialized().unwrap());
    assert_eq!(parse(&descriptor.canonical()).canonical(), descriptor.canonical());
    for stored in [parse(&canonical), parse(&normal), descriptor] {
        assert!(stored.same_resolved(&schema), "{text}");
        assert_eq!(differences(&stored, &stored), []);
        assert_eq!(compatibility(&stored, &schema), []);
        assert_eq!(compatibility(&schema, &stored), []);
    }
    [canonical, normal]
}

#[test]
fn what_is_stored_can_be_posted_back_and_compiled() {
    let Some(found) = protoc("corpus", "") else { return };
    let mut files: Vec<Found> = serde_json::from_str(&found.unwrap()).unwrap();
    files.extend(generated());
    let texts: BTreeMap<&str, &str> =
        files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let (mut canonical, mut normal) = (BTreeMap::new(), BTreeMap::new());
    for Found { path, text, imports } in &files {
        let references: Vec<(&str, &str)> =
            imports.iter().map(|import| (import.as_str(), texts[import.as_str()])).collect();
        let [canonical_text, normal_text] = stored(text, &references);
        canonical.insert(path.as_str(), canonical_text);
        normal.insert(path.as_str(), normal_text);
    }
    let variants = [("canonical", canonical), ("normalized", normal)].into();
    let question = serde_json::to_string(&Question { files: texts, variants }).unwrap();
    match protoc("compile", &question).expect("it was there a moment ago") {
        Ok(said) => print!("{said}"),
        Err(said) => panic!("{said}"),
    }
}
