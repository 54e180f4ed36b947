//! `corpus.json`: two schemas, what differs when the one reads the other, and the other way round.

use serde::Deserialize;
use weir_schema::Side;
use weir_schema::protobuf::{Rule, Schema, compatibility, differences, locate};

#[derive(Deserialize)]
struct Row {
    rule: String,
    reader: String,
    writer: String,
    reader_reference: Option<String>,
    writer_reference: Option<String>,
    differences: Vec<String>,
    reverse: Vec<String>,
    compatible: bool,
}

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("corpus.json")).unwrap()
}

fn schema(text: &str, reference: &Option<String>) -> Schema {
    let references: Vec<(&str, &str)> = reference.iter().map(|r| ("r.proto", r.as_str())).collect();
    Schema::parse(text, &references, true).unwrap()
}

fn found(reader: &Schema, writer: &Schema) -> Vec<String> {
    let found = differences(reader, writer);
    found.iter().map(|one| format!("{} @ {}", one.rule(), one.path())).collect()
}

#[test]
fn every_row_gives_its_differences_both_ways() {
    for row in rows() {
        let reader = schema(&row.reader, &row.reader_reference);
        let writer = schema(&row.writer, &row.writer_reference);
        assert_eq!(found(&reader, &writer), row.differences, "{} <- {}", row.reader, row.writer);
        assert_eq!(found(&writer, &reader), row.reverse, "{} <- {}", row.writer, row.reader);
        assert_eq!(compatibility(&reader, &writer).is_empty(), row.compatible, "{}", row.reader);
    }
}

#[test]
fn every_rule_has_a_row_that_shows_it() {
    let rows = rows();
    for rule in Rule::ALL {
        let shown = rows.iter().any(|row| {
            row.rule == rule.name() && row.differences.iter().any(|d| d.starts_with(rule.name()))
        });
        assert!(shown, "no row for {}", rule.name());
    }
}

#[test]
fn rows_of_a_rule_agree_with_whether_it_does_harm() {
    for row in rows() {
        let rules = row.differences.iter().map(|d| d.split(' ').next().unwrap());
        let rules: Vec<_> = rules.map(|d| Rule::ALL.iter().find(|r| r.name() == d)).collect();
        assert_eq!(rules.iter().all(|r| r.unwrap().is_compatible()), row.compatible);
    }
}

#[test]
fn places_exist_in_the_schema_that_they_are_of() {
    for row in rows() {
        let reader = schema(&row.reader, &row.reader_reference);
        let writer = schema(&row.writer, &row.writer_reference);
        for one in differences(&reader, &writer) {
            for (text, path) in [(&row.reader, one.reader_path()), (&row.writer, one.writer_path())]
            {
                let text = &format!("\n{text}"); // nothing begins where the file does
                let place = locate(text, path).unwrap();
                let above = path.rsplit_once('/').unwrap().0;
                assert!(path == "#/" || place != locate(text, above).unwrap(), "{path} in {text}");
            }
        }
    }
}

fn described(reader: &str, writer: &str) -> Vec<String> {
    let parse = |body: &str| Schema::parse(body, &[], true).unwrap();
    let found = compatibility(&parse(reader), &parse(writer));
    found.iter().map(|one| one.describe("new", "old")).collect()
}

#[test]
fn messages_are_confluents_word_for_word() {
    let proto3 = |body: &str| {
        format!("syntax = \"proto3\"; message M {{ {body} }} message N {{}} message O {{}}")
    };
    let three = |r: &str, w: &str| described(&proto3(r), &proto3(w));
    let two = |r: &str, w: &str| {
        described(&format!("message M {{ {r} }}"), &format!("message M {{ {w} }}"))
    };
    assert_eq!(
        described("package b;", "package a;"),
        [
            r#"{errorType:"PACKAGE_CHANGED", description:"The package at '#/' in the new schema does not match the package in the old schema"}"#
        ]
    );
    assert_eq!(
        described("", "message A {}"),
        [
            r#"{errorType:"MESSAGE_REMOVED", description:"The new schema is missing a MESSAGE type at path '#/A' in the old schema"}"#
        ]
    );
    assert_eq!(
        three("int32 a = 1;", "N a = 1;"),
        [
            r#"{errorType:"FIELD_KIND_CHANGED", description:"The type of a field at path '#/M/1' in the new schema does not match the old schema"}"#
        ]
    );
    assert_eq!(
        three("int32 a = 1;", "string a = 1;"),
        [
            r#"{errorType:"FIELD_SCALAR_KIND_CHANGED", description:"The kind of a SCALAR field at path '#/M/1' in the new schema does not match its kind in the old schema"}"#
        ]
    );
    assert_eq!(
        three("N a = 1;", "O a = 1;"),
        [
            r#"{errorType:"FIELD_NAMED_TYPE_CHANGED", description:"The type of a MESSAGE field at path '#/M/1' in the new schema does not match its type in the old schema"}"#
        ]
    );
    assert_eq!(
        two("repeated int32 a = 1;", "optional int32 a = 1;"),
        [
            r#"{errorType:"FIELD_NUMERIC_LABEL_CHANGED", description:"The label for a NUMERIC field at path '#/M/1' in the new schema does not match its label in the old schema"}"#
        ]
    );
    assert_eq!(
        two("required int32 a = 1;", ""),
        [
            r#"{errorType:"REQUIRED_FIELD_ADDED", description:"A required field  at path '#/M/1' in the new schema is missing in the old schema"}"#
        ]
    );
    assert_eq!(
        two("", "required int32 a = 1;"),
        [
            r#"{errorType:"REQUIRED_FIELD_REMOVED", description:"The new schema is missing a required field at path: '#/M/1' in the old schema"}"#
        ]
    );
    assert_eq!(
        three("oneof o { int32 a = 1; }", "oneof o { int32 a = 1; int32 b = 2; }"),
        [
            r#"{errorType:"ONEOF_FIELD_REMOVED", description:"The new schema is missing a oneof field at path '#/M/o/2' in the old schema"}"#
        ]
    );
    assert_eq!(
        three("oneof o { int32 a = 1; int32 b = 2; }", "int32 a = 1; int32 b = 2;"),
        [
            r#"{errorType:"MULTIPLE_FIELDS_MOVED_TO_ONEOF", description:"Multiple fields in the oneof at path '#/M/o' in the new schema are outside a oneof in the old schema"}"#
        ]
    );
    assert_eq!(
        three("oneof o { int32 a = 1; int32 b = 2; }", "oneof o { int32 a = 1; } int32 b = 2;"),
        [
            r#"{errorType:"FIELD_MOVED_TO_EXISTING_ONEOF", description:"A field in the oneof at path '#/M/o' in the new schema is outside an existing oneof in the old schema"}"#
        ]
    );
}

#[test]
fn a_fix_names_the_field_and_what_the_other_schema_has() {
    let parse = |body: &str| Schema::parse(body, &[], true).unwrap();
    let reader = parse("syntax = \"proto3\"; message M { string total = 3; }");
    let writer = parse("syntax = \"proto3\"; message M { int32 total = 3; } message N {}");
    let found = compatibility(&reader, &writer);
    assert_eq!(
        found[0].fix(Side::Reader),
        "Give field 3 (`total`) the type `int32`, as in the other schema, and use a new number for another type."
    );
    assert!(found[0].fix(Side::Writer).contains("`string`"));
    assert_eq!(
        found[1].fix(Side::Reader),
        "Keep the message `N`, even if nothing uses it any more."
    );
    assert_ne!(found[1].fix(Side::Reader), found[1].fix(Side::Writer));
}

#[test]
fn what_differs_in_an_import_is_shown_where_the_text_has_it() {
    let reference =
        |kind: &str| Some(format!("syntax = \"proto3\"; message R {{ {kind} x = 1; }}"));
    let text = "syntax = \"proto3\";\nimport \"r.proto\";\nmessage M {\n  R a = 1;\n}\n";
    let (reader, writer) = (schema(text, &reference("int32")), schema(text, &reference("string")));
    let found = compatibility(&reader, &writer);
    assert_eq!(found[0].path(), "#/R/1");
    assert_eq!(found[0].reader_path(), "#/M/1");
    assert_eq!(locate(text, found[0].writer_path()), Some((4, 3)));
    assert!(found[1].fix(Side::Reader).contains("Import a version of `R`"));
}
