//! Texts: what is one, what it refers to, its canonical forms, its tags.

use weir_schema::Tagged;
use weir_schema::json_schema::{Policy, Schema, compatibility};

use crate::schema;

const MODERN: &str = r#""$schema":"https://json-schema.org/draft/2020-12/schema""#;

fn refused(text: &str) -> String {
    let error = Schema::parse(text, &[], true).err().unwrap_or_else(|| panic!("{text}"));
    assert!(Schema::parse(text, &[], false).is_ok() || !text.starts_with('{'), "{text}");
    error.to_string()
}

#[test]
fn what_is_wrong_with_a_text_is_said_with_its_place() {
    for (text, wanted) in [
        ("3", "#: expected type is one of Boolean or JsonObject, found: Integer"),
        (r#"{"type":"strnig"}"#, "#: unknown type: [strnig]"),
        (r#"{"minLength":"1"}"#, "#/minLength: expected type: Integer, found: String"),
        (r#"{"minLength":1.5}"#, "#/minLength: expected type: Integer, found: Number"),
        (r#"{"properties":[]}"#, "#/properties: expected type: JsonObject, found: JsonArray"),
        (
            r#"{"properties":{"a/b":3}}"#,
            "#/properties/a~1b: expected type is one of Boolean or JsonObject, found: Integer",
        ),
        (r#"{"required":"a"}"#, "#/required: expected type: JsonArray, found: String"),
        (r#"{"allOf":{}}"#, "#/allOf: expected type: JsonArray, found: JsonObject"),
        (r#"{"title":null}"#, "#/title: expected type: String, found: null"),
        (r#"{"pattern":"(a"}"#, "#/pattern: Unclosed group near index 2"),
        (
            r#"{"exclusiveMaximum":true}"#,
            "#/exclusiveMaximum: expected type: Number, found: Boolean",
        ),
        (
            r##"{"items":{"$ref":"#/definitions/none"}}"##,
            "#/items/$ref: cannot resolve reference '#/definitions/none': it is neither in this schema nor the name of one of its references, and nothing is fetched",
        ),
        (
            r#"{"properties":{"$$a":{}}}"#,
            "#/properties/$$a: Field names cannot start with $$ prefix",
        ),
    ] {
        assert_eq!(refused(text), wanted);
    }
}

#[test]
fn what_is_no_json_is_refused_with_line_and_column() {
    let error = Schema::parse("{\n \"type\": }", &[], false).unwrap_err();
    assert_eq!(error.position, Some((2, 10)));
}

#[test]
fn nothing_is_fetched_for_any_reference() {
    for url in ["http://127.0.0.1:1/x.json", "file:///etc/passwd", "https://example.com/a#/b"] {
        let text = format!(r#"{{"$ref":"{url}"}}"#);
        assert!(refused(&text).contains("nothing is fetched"), "{url}");
    }
}

#[test]
fn each_draft_has_keywords_of_its_own() {
    let draft4 = r#"{"$schema":"http://json-schema.org/draft-04/schema#","maximum":3,"exclusiveMaximum":true,"const":1}"#;
    assert!(Schema::parse(draft4, &[], true).is_ok());
    assert!(Schema::parse(r#"{"items":[{}]}"#, &[], true).is_ok());
    let listed = format!(r#"{{{MODERN},"items":[{{}}]}}"#);
    assert_eq!(
        refused(&listed),
        "#/items: expected type is one of Boolean or JsonObject, found: JsonArray"
    );
    let draft2019 =
        r#"{"$schema":"https://json-schema.org/draft/2019-09/schema","items":[{"type":"string"}]}"#;
    assert!(Schema::parse(draft2019, &[], true).is_ok());
}

/// `text` must mean the same as a string.
fn is_string(text: &str, references: &[(&str, &str)]) {
    let read = Schema::parse(text, references, true).unwrap_or_else(|e| panic!("{e}: {text}"));
    let (string, number) = (schema(r#"{"type":"string"}"#), schema(r#"{"type":"number"}"#));
    assert!(compatibility(&read, &string, Policy::Strict).unwrap().is_empty(), "{text}");
    assert!(!compatibility(&read, &number, Policy::Strict).unwrap().is_empty(), "{text}");
}

#[test]
fn a_reference_finds_pointers_ids_and_anchors_in_its_own_document() {
    for text in [
        r##"{"$ref":"#/definitions/a~1b","definitions":{"a/b":{"type":"string"}}}"##,
        r##"{"$ref":"#/definitions/a%20b","definitions":{"a b":{"type":"string"}}}"##,
        r##"{"$ref":"#/allOf/1","allOf":[{},{"type":"string"}]}"##,
        r##"{"$ref":"#here","definitions":{"x":{"$id":"#here","type":"string"}}}"##,
        r#"{"$id":"http://a.example/root.json","$ref":"x.json","definitions":{"x":{"$id":"x.json","type":"string"}}}"#,
        r#"{"$id":"http://a.example/root.json","$ref":"http://a.example/root.json#/definitions/x","definitions":{"x":{"type":"string"}}}"#,
    ] {
        is_string(text, &[]);
    }
    is_string(
        &format!(
            r##"{{{MODERN},"$ref":"#here","$defs":{{"x":{{"$anchor":"here","type":"string"}}}}}}"##
        ),
        &[],
    );
    is_string(
        &format!(
            r##"{{{MODERN},"$dynamicRef":"#here","$defs":{{"x":{{"$dynamicAnchor":"here","type":"string"}}}}}}"##
        ),
        &[],
    );
}

#[test]
fn a_reference_finds_other_schemas_by_their_names() {
    const OTHER: &str = r#"{"type":"string","definitions":{"x":{"type":"string"}}}"#;
    for (name, reference, id) in [
        ("other.json", "other.json", ""),
        ("other.json", "./other.json", ""),
        ("other.json", "other.json#", ""),
        ("other.json", "other.json#/definitions/x", ""),
        ("other.json", "http://a.example/b/other.json", "http://a.example/b/own.json"),
        ("other.json", "other.json", "http://a.example/b/own.json"),
        ("http://c.example/other.json", "http://c.example/other.json", "http://a.example/own"),
    ] {
        let id = if id.is_empty() { String::new() } else { format!(r#""$id":"{id}","#) };
        is_string(&format!(r#"{{{id}"$ref":"{reference}"}}"#), &[(name, OTHER)]);
    }
}

#[test]
fn a_reference_inside_a_reference_is_found_too() {
    let references =
        [("c.json", r#"{"type":"string"}"#), ("b.json", r#"{"allOf":[{"$ref":"c.json"}]}"#)];
    is_string(r#"{"$ref":"b.json"}"#, &references);
}

#[test]
fn the_canonical_text_keeps_the_order_of_keys_and_the_normalized_one_sorts_them() {
    let given = schema(
        "{ \"type\": \"object\",\n \"properties\": {\"b\": true, \"a\": {\"type\": \"number\", \"maximum\": 1e3}} }",
    );
    assert_eq!(
        given.canonical(),
        r#"{"type":"object","properties":{"b":true,"a":{"type":"number","maximum":1000.0}}}"#
    );
    assert_eq!(
        given.normalized().canonical(),
        r#"{"properties":{"a":{"maximum":1000.0,"type":"number"},"b":true},"type":"object"}"#
    );
    assert_eq!(given.top_level_fields(), ["b", "a"]);
}

#[test]
fn a_schema_with_its_references_inlined_is_the_same_resolved() {
    let inlined = schema(r#"{"properties":{"a":{"type":"string"},"b":{"type":"null"}}}"#);
    let text = r#"{"properties":{"a":{"$ref":"a.json"},"b":{"type":"null"}}}"#;
    let referring = Schema::parse(text, &[("a.json", r#"{"type":"string"}"#)], true).unwrap();
    assert!(inlined.same_resolved(&referring) && referring.same_resolved(&inlined));
    let other = Schema::parse(text, &[("a.json", r#"{"type":"number"}"#)], true).unwrap();
    assert!(!inlined.same_resolved(&other) && !other.same_resolved(&referring));
    let reordered = schema(r#"{"properties":{"b":{"type":"null"},"a":{"type":"string"}}}"#);
    assert!(!inlined.same_resolved(&reordered));
}

fn tagged(path: &str, is_field: bool, tags: &[&str]) -> Tagged {
    Tagged { path: path.into(), is_field, tags: tags.iter().map(ToString::to_string).collect() }
}

const TAGGED: &str = r#"{"type":"object","confluent:tags":["R"],"properties":{
    "name":{"type":"string","confluent:tags":["PII","X"]},
    "list":{"type":"array","items":{"type":"object","confluent:tags":["L"],"properties":{"id":{"type":"integer","confluent:tags":["I"]}}}},
    "one":{"oneOf":[{"type":"string"},{"type":"object","properties":{"x":{"confluent:tags":["Y"]}}}]}},
    "definitions":{"d":{"type":"object","properties":{"z":{"confluent:tags":["Z"]}}}}}"#;

#[test]
fn tags_are_listed_with_the_paths_of_what_they_stand_on() {
    assert_eq!(
        schema(TAGGED).tags(),
        [
            tagged("object", false, &["R"]),
            tagged("object.name", true, &["PII", "X"]),
            tagged("object.list.array.object", false, &["L"]),
            tagged("object.list.array.object.id", true, &["I"]),
            tagged("object.one.oneof.0.object.x", true, &["Y"]),
            tagged("object.definitions.d.object.z", true, &["Z"]),
        ]
    );
}

#[test]
fn tags_are_added_and_removed_in_the_text() {
    let given = schema(
        r#"{"type":"object","properties":{"a":{"type":"string","confluent:tags":["P"]},"b":{"type":"null"}}}"#,
    );
    let edited = given
        .with_tags(
            &[tagged("object.b", true, &["N"]), tagged("object", false, &["R"])],
            &[tagged("object.a", true, &["P"])],
        )
        .unwrap();
    assert_eq!(
        edited.canonical(),
        r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"null","confluent:tags":["N"]}},"confluent:tags":["R"]}"#
    );
    assert_eq!(
        given.with_tags(&[tagged("object.c", true, &["N"])], &[]).unwrap_err(),
        "No matching path 'object.c' found in the schema"
    );
}
