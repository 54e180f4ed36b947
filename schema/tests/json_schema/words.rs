//! The words of differences, as a registry prints them and as it advises.

use weir_schema::Side;
use weir_schema::json_schema::{DifferenceType, Incompatibility, Policy, compatibility};

use crate::schema;

fn only(reader: &str, writer: &str) -> Incompatibility {
    let mut found = compatibility(&schema(reader), &schema(writer), Policy::Strict).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn every_template_has_its_exact_words() {
    const CLOSED: &str = r#""additionalProperties":false"#;
    for (reader, writer, wanted) in [
        (
            r#"{"type":"string","maxLength":3}"#.to_string(),
            r#"{"type":"string"}"#.to_string(),
            r#"{errorType:"MAX_LENGTH_ADDED", description:"The keyword at path '#/maxLength' in the new schema is not present in the old schema'}"#,
        ),
        (
            r#"{"type":"number","minimum":3}"#.into(),
            r#"{"type":"number","minimum":2}"#.into(),
            r#"{errorType:"MINIMUM_INCREASED", description:"The value at path '#/minimum' in the new schema is more than its value in the old schema'}"#,
        ),
        (
            r#"{"type":"number","maximum":2}"#.into(),
            r#"{"type":"number","maximum":3}"#.into(),
            r#"{errorType:"MAXIMUM_DECREASED", description:"The value at path '#/maximum' in the new schema is less than its value in the old schema'}"#,
        ),
        (
            r#"{"type":"string","pattern":"a"}"#.into(),
            r#"{"type":"string","pattern":"b"}"#.into(),
            r#"{errorType:"PATTERN_CHANGED", description:"The value at path '#/pattern' is different between the new and old schema'}"#,
        ),
        (
            r#"{"enum":[1]}"#.into(),
            r#"{"enum":[1,2]}"#.into(),
            r#"{errorType:"ENUM_ARRAY_NARROWED", description:"An array or combined type at path '#/enum' has fewer elements in the new schema than the old schema'}"#,
        ),
        (
            r#"{"not":{"type":"number"}}"#.into(),
            r#"{"not":{"type":"integer"}}"#.into(),
            r#"{errorType:"NOT_TYPE_EXTENDED", description:"An array or combined type at path '#/not' has more elements in the new schema than the old schema'}"#,
        ),
        (
            r#"{"type":"string"}"#.into(),
            r#"{"type":"null"}"#.into(),
            r#"{errorType:"TYPE_CHANGED", description:"A type at path '#/' is different between the new schema and the old schema'}"#,
        ),
        (
            r#"{"properties":{"a":{"type":"string"}}}"#.into(),
            r#"{"properties":{}}"#.into(),
            r#"{errorType:"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", description:"The new schema has an open content model and has a property or item at path '#/properties/a' which is missing in the old schema'}"#,
        ),
        (
            format!(r#"{{"properties":{{"a":true}},"required":["a"],{CLOSED}}}"#),
            format!("{{{CLOSED}}}"),
            r#"{errorType:"REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", description:"The new schema has an unopen content model and has a required property at path '#/properties/a' which is missing in the old schema'}"#,
        ),
        (
            format!("{{{CLOSED}}}"),
            format!(r#"{{"properties":{{"a":true}},{CLOSED}}}"#),
            r#"{errorType:"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", description:"The new has a closed content model and is missing a property or item present at path '#/properties/a' in the old schema'}"#,
        ),
        (
            r#"{"type":"array","items":{"type":"string"}}"#.into(),
            r#"{"type":"array"}"#.into(),
            r#"{errorType:"SCHEMA_ADDED", description:"'}"#,
        ),
    ] {
        assert_eq!(only(&reader, &writer).describe("new", "old"), wanted);
    }
}

#[test]
fn what_a_partially_open_model_does_not_cover_has_its_exact_words() {
    let partial = schema(r#"{"additionalProperties":{"type":"number"}}"#);
    let named = schema(
        r#"{"properties":{"a":{"type":"string"}},"additionalProperties":{"type":"number"}}"#,
    );
    let last = |reader, writer| {
        let found = compatibility(reader, writer, Policy::Strict).unwrap();
        found.last().unwrap().describe("old", "new")
    };
    assert_eq!(
        last(&partial, &named),
        r#"{errorType:"PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", description:"A property or item is missing in the old schema but present at path '#/properties/a' in the new schema and is not covered by its partially open content model'}"#
    );
    assert_eq!(
        last(&named, &partial),
        r#"{errorType:"PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", description:"The old schema has a property or item at path '#/properties/a' which is missing in the new schema and is not covered by its partially open content model'}"#
    );
}

#[test]
fn advice_goes_to_the_side_that_was_submitted() {
    let found = only(
        r#"{"properties":{"id":{"type":"string"}},"required":["id"]}"#,
        r#"{"properties":{"id":{"type":"string"}}}"#,
    );
    assert_eq!(
        found.fix(Side::Reader),
        "Take the property at '#/required/id' out of `required`, or give it a `default`."
    );
    assert_eq!(
        found.fix(Side::Writer),
        "Keep the property at '#/required/id' in `required`, as the registered schema demands it."
    );
}

#[test]
fn every_incompatible_difference_has_advice_of_one_sentence_for_each_side() {
    let text = include_str!("corpus.json");
    let rows: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    for row in rows {
        let (r, w) = (schema(&row["reader"].to_string()), schema(&row["writer"].to_string()));
        for found in compatibility(&r, &w, Policy::Strict).unwrap() {
            let (reader, writer) = (found.fix(Side::Reader), found.fix(Side::Writer));
            for advice in [&reader, &writer] {
                assert!(advice.ends_with('.') && advice.contains(found.path()), "{advice}");
            }
            assert_ne!(reader, writer, "{}", found.rule());
        }
    }
}

#[test]
fn pointers_lead_to_the_nearest_place_that_exists_in_each_document() {
    let reader = r##"{"type":"object","properties":{"a/b":{"$ref":"#/definitions/x~y"},"l":{"items":[{"type":"null"}]}},"required":["a/b"],"definitions":{"x~y":{"type":"number"}}}"##;
    let writer = r##"{"type":"object","properties":{"a/b":{"type":"string"},"l":{"items":[{"type":"boolean"}]}}}"##;
    let found = compatibility(&schema(reader), &schema(writer), Policy::Strict).unwrap();
    let mut seen: Vec<_> =
        found.iter().map(|d| (d.path(), d.reader_pointer(), d.writer_pointer())).collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            ("#/properties/a/b", "/definitions/x~0y", "/properties/a~1b"),
            ("#/properties/l/items/0", "/properties/l/items/0", "/properties/l/items/0"),
            ("#/required/a/b", "/required/0", ""),
        ]
    );
}

#[test]
fn what_differs_inside_a_reference_points_at_the_place_that_refers_to_it() {
    use weir_schema::json_schema::Schema;
    let text = r#"{"properties":{"a":{"$ref":"other.json"}}}"#;
    let parse = |other: &str| Schema::parse(text, &[("other.json", other)], true).unwrap();
    let reader = parse(r#"{"properties":{"b":{"type":"string"}}}"#);
    let writer = parse(r#"{"properties":{"b":{"type":"number"}}}"#);
    let found = compatibility(&reader, &writer, Policy::Strict).unwrap();
    assert_eq!(found[0].path(), "#/properties/a/properties/b");
    assert_eq!(found[0].reader_pointer(), "/properties/a");
    assert_eq!(found[0].writer_pointer(), "/properties/a");
}

#[test]
fn names_are_distinct() {
    let mut names: Vec<_> = DifferenceType::ALL.iter().map(|kind| kind.name()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
