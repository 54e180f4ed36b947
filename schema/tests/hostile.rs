//! Schemas that nobody means well with get a verdict or a clear error: no overflow, no abort, no
//! work that grows faster than the text. How fast is measured in `bench/`.
#![allow(clippy::unwrap_used)] // how a test fails

use std::fmt::Write;

use weir_schema::Budget;
use weir_schema::avro::codec::Plan;
use weir_schema::avro::{ParseOptions, Parser, Schema, compatibility, compatibility_within};
use weir_schema::budget::{LISTED_BYTES_MAX, LISTED_MAX};

fn compatible(reader: &Schema, writer: &Schema) -> bool {
    compatibility(reader, writer).unwrap().is_empty()
}

#[test]
fn an_enum_of_a_hundred_thousand_symbols() {
    let symbols: Vec<String> = (0..100_000).map(|i| format!("\"S{i}\"")).collect();
    let text = format!(r#"{{"type":"enum","name":"E","symbols":[{}]}}"#, symbols.join(","));
    let schema = Schema::parse(&text).unwrap();
    assert_eq!(schema.canonical().len(), text.len());
    schema.fingerprints();
    assert!(compatible(&schema, &Schema::parse(&text).unwrap()));
}

#[test]
fn a_record_of_a_hundred_thousand_fields() {
    let fields: Vec<String> =
        (0..100_000).map(|i| format!(r#"{{"name":"f{i}","type":"int"}}"#)).collect();
    let text = format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","));
    let schema = Schema::parse(&text).unwrap();
    schema.fingerprints();
    assert!(compatible(&schema, &Schema::parse(&text).unwrap()));
    Plan::compile(&schema, &Schema::parse(r#"{"type":"record","name":"R","fields":[]}"#).unwrap())
        .unwrap();
}

#[test]
fn a_union_of_ten_thousand_records() {
    let branches: Vec<String> = (0..10_000)
        .map(|i| {
            format!(r#"{{"type":"record","name":"R{i}","fields":[{{"name":"a","type":"int"}}]}}"#)
        })
        .collect();
    let text = format!("[{}]", branches.join(","));
    let schema = Schema::parse(&text).unwrap();
    assert!(compatible(&schema, &Schema::parse(&text).unwrap()));
}

/// Record i refers to record i - 1, each a text of its own, as the references of a registry are.
fn chain(length: usize, last: &str) -> Schema {
    let mut parser = Parser::new(ParseOptions::NEW);
    for i in 0..length {
        let next = if i == 0 { last.to_string() } else { format!("\"R{}\"", i - 1) };
        let text = format!(
            r#"{{"type":"record","name":"R{i}","fields":[{{"name":"next","type":{next}}}]}}"#
        );
        parser.reference(&text).unwrap();
    }
    parser.parse(&format!(r#"{{"type":"array","items":"R{}"}}"#, length - 1)).unwrap()
}

#[test]
fn ten_thousand_references_that_each_refer_to_the_next() {
    let (ints, strings) = (chain(10_000, "\"int\""), chain(10_000, "\"string\""));
    assert!(compatible(&ints, &ints));
    let found = compatibility(&ints, &strings).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path.matches("/fields/0/type").count(), 10_000);
    assert!(ints.resolved().len() > ints.canonical().len());
    ints.fingerprints();
    Plan::compile(&ints, &strings).unwrap();
}

#[test]
fn a_hundred_thousand_levels_of_nesting_are_refused_and_a_thousand_are_not() {
    let arrays = |levels: usize| {
        let open = r#"{"type":"array","items":"#.repeat(levels);
        format!("{open}\"int\"{}", "}".repeat(levels))
    };
    let error = Schema::parse(&arrays(100_000)).unwrap_err();
    assert!(error.message.contains("nesting depth"), "{error}");
    let deep = Schema::parse(&arrays(1000)).unwrap();
    assert!(compatible(&deep, &Schema::parse(&arrays(1000)).unwrap()));
    Plan::compile(&deep, &deep).unwrap();
    let mut records = String::from("\"int\"");
    for i in 0..300 {
        records = format!(
            r#"{{"type":"record","name":"R{i}","fields":[{{"name":"f","type":{records}}}]}}"#
        );
    }
    Schema::parse(&records).unwrap();
}

/// Record i holds record i - 1 twice: 2^60 paths to the innermost type.
fn bomb(innermost: &str) -> Schema {
    let mut parser = Parser::new(ParseOptions::NEW);
    for i in 0..60 {
        let inner = if i == 0 { innermost.to_string() } else { format!("\"R{}\"", i - 1) };
        let mut text = format!(r#"{{"type":"record","name":"R{i}","fields":["#);
        write!(text, r#"{{"name":"a","type":{inner}}},{{"name":"b","type":{inner}}}]}}"#).unwrap();
        parser.reference(&text).unwrap();
    }
    parser.parse("\"R59\"").unwrap()
}

#[test]
fn a_bomb_of_sixty_records_that_each_hold_the_next_twice() {
    let (ints, strings) = (bomb("\"int\""), bomb("\"string\""));
    assert!(compatible(&ints, &ints));
    let found = compatibility_within(&ints, &strings, &Budget::default()).unwrap();
    let bytes: usize = found.items.iter().map(|one| one.path.len() + one.message.len()).sum();
    assert!(found.items.len() <= LISTED_MAX && bytes <= LISTED_BYTES_MAX, "the list is bounded");
    assert_eq!(found.items.len() as u64 + found.left_out, 1 << 60, "and says what it lacks");
    Plan::compile(&ints, &strings).unwrap();
    let defaults = bomb(r#"{"type":"record","name":"D","fields":[]}"#);
    assert!(compatible(&defaults, &defaults));
}

#[test]
fn defaults_that_hold_defaults_are_bounded() {
    let mut parser = Parser::new(ParseOptions::NEW);
    parser
        .reference(
            r#"{"type":"record","name":"R0","fields":[{"name":"a","type":"int","default":1}]}"#,
        )
        .unwrap();
    for i in 1..60 {
        let j = i - 1;
        let text = format!(
            r#"{{"type":"record","name":"R{i}","fields":[{{"name":"a","type":"R{j}","default":{{}}}},{{"name":"b","type":"R{j}","default":{{}}}}]}}"#
        );
        parser.reference(&text).unwrap();
    }
    let schema = parser.parse("\"R59\"").unwrap();
    let empty = Schema::parse(r#"{"type":"record","name":"R59","fields":[]}"#).unwrap();
    assert!(Plan::compile(&empty, &schema).is_err(), "2^60 ints are no default");
}
