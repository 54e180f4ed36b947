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
        (r#"{"multipleOf":0}"#, "#/multipleOf: must not be 0"),
        (r#"{"multipleOf":0.0}"#, "#/multipleOf: must not be 0"),
        (
            r#"{"dependencies":{"a":["b",1]}}"#,
            "#/dependencies/a/1: expected type: String, found: Integer",
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
fn a_stored_text_that_would_be_refused_is_read_and_is_compatible_with_itself() {
    for text in [
        "5",
        "null",
        "[]",
        r#""string""#,
        r#"{"multipleOf":0}"#,
        r#"{"type":"strnig","required":[1],"dependencies":{"a":[1]},"items":7}"#,
        r##"{"$ref":"#/none","pattern":"(a"}"##,
    ] {
        assert!(Schema::parse(text, &[], true).is_err(), "{text}");
        let stored = Schema::parse(text, &[], false).unwrap();
        assert_eq!(stored.canonical(), text);
        assert!(compatibility(&stored, &stored, Policy::Strict).unwrap().is_empty(), "{text}");
        assert!(stored.same_content(&stored) && stored.same_resolved(&stored));
        assert!(stored.tags().is_empty() && stored.top_level_fields().is_empty());
    }
}

#[test]
fn names_that_begin_with_two_dollars_are_told_apart_and_not_refused() {
    let property = schema(r#"{"properties":{"a":{},"$$a":{}}}"#);
    assert_eq!(property.reserved_property(), Some("$$a"));
    assert_eq!(
        schema(r#"{"$$title":"t","properties":{"a":{"properties":{"$$a":{}}}}}"#)
            .reserved_property(),
        None
    );
}

#[test]
fn a_list_of_dependencies_may_be_empty_and_demands_nothing() {
    let (with, without) = (
        schema(r#"{"type":"object","properties":{"a":{}},"dependencies":{"bar":[]}}"#),
        schema(r#"{"type":"object","properties":{"a":{}}}"#),
    );
    assert!(compatibility(&with, &without, Policy::Strict).unwrap().is_empty());
    assert!(compatibility(&without, &with, Policy::Strict).unwrap().is_empty());
}

#[test]
fn a_reference_into_a_meta_schema_counts_as_what_it_says() {
    for (schema_uri, reference) in [
        ("", "http://json-schema.org/draft-07/schema#/definitions/nonNegativeInteger"),
        ("", "https://json-schema.org/draft-07/schema#/definitions/nonNegativeInteger"),
        ("", "http://json-schema.org/draft-06/schema#/definitions/nonNegativeInteger"),
        (
            "http://json-schema.org/draft-04/schema#",
            "http://json-schema.org/draft-04/schema#/definitions/positiveInteger",
        ),
        (
            "https://json-schema.org/draft/2020-12/schema",
            "https://json-schema.org/draft/2020-12/meta/validation#/$defs/nonNegativeInteger",
        ),
        (
            "https://json-schema.org/draft/2019-09/schema",
            "https://json-schema.org/draft/2019-09/meta/validation#/$defs/nonNegativeInteger",
        ),
    ] {
        let dialect = if schema_uri.is_empty() {
            String::new()
        } else {
            format!(r#""$schema":"{schema_uri}","#)
        };
        let referring = schema(&format!(r#"{{{dialect}"$ref":"{reference}"}}"#));
        let meant = schema(r#"{"type":"integer","minimum":0}"#);
        let narrower = schema(r#"{"type":"integer","minimum":1}"#);
        for (reader, writer, compatible) in [
            (&referring, &meant, true),
            (&meant, &referring, true),
            (&referring, &narrower, true),
            (&narrower, &referring, false),
        ] {
            let found = compatibility(reader, writer, Policy::Strict).unwrap();
            assert_eq!(found.is_empty(), compatible, "{reference}: {found:?}");
        }
        assert!(schema(&referring.canonical()).same_resolved(&referring));
    }
    let whole = schema(r#"{"items":{"$ref":"http://json-schema.org/draft-07/schema#"}}"#);
    assert!(compatibility(&whole, &whole, Policy::Strict).unwrap().is_empty());
    assert!(
        compatibility(&whole, &schema(r#"{"items":{"type":"string"}}"#), Policy::Strict)
            .unwrap()
            .len()
            > 0
    );
    let missing = r#"{"$ref":"http://json-schema.org/draft-07/schema#/definitions/none"}"#;
    assert!(Schema::parse(missing, &[], true).is_ok(), "known by name");
}

#[test]
fn numbers_and_texts_print_as_jackson_prints_them() {
    for (given, wanted) in [
        (
            r#"{"a":1.50,"b":0.1000,"c":1e400,"d":1E-3,"e":-0}"#,
            r#"{"a":1.50,"b":0.1000,"c":1E+400,"d":0.001,"e":0}"#,
        ),
        (r#"{"a":123456789012345678901234567890}"#, r#"{"a":123456789012345678901234567890}"#),
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        (r#"{"a":"\u00e9\/\u001f\u007f\ud83d\ude00\b\f"}"#, "{\"a\":\"é/\\u001F\u{7f}😀\\b\\f\"}"),
    ] {
        let read = schema(given);
        assert_eq!(read.canonical(), wanted);
        assert_eq!(schema(wanted).canonical(), wanted);
        assert!(read.same_content(&schema(wanted)));
    }
    for refused in
        ["{} // comment", "{/* */}", r#"{"a":NaN}"#, r#"{"a":1e9999999999}"#, r#"{"a":01}"#]
    {
        assert!(Schema::parse(refused, &[], true).is_err(), "{refused}");
    }
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
        r##"{"$id":"http://a.example/root.json","$ref":"#here","definitions":{"x":{"$id":"#here","type":"string"}}}"##,
        r##"{"allOf":[{"$ref":"#here"}],"definitions":{"x":{"$id":"#here","type":"string"}}}"##,
        r#"{"$id":"http://a.example/root.json","allOf":[{"$id":"folder/","allOf":[{"$ref":"x.json"}]}],"definitions":{"x":{"$id":"folder/x.json","type":"string"}}}"#,
        r#"{"allOf":[{"$id":"http://a.example/folder/","allOf":[{"$ref":"x.json"}]}],"definitions":{"x":{"$id":"http://a.example/folder/x.json","type":"string"}}}"#,
        r##"{"allOf":[{"$id":"http://a.example/inner.json","allOf":[{"$ref":"#/definitions/x"}],"definitions":{"x":{"type":"string"}}}],"definitions":{"x":{"type":"number"}}}"##,
        r##"{"allOf":[{"$id":"http://a.example/inner.json","allOf":[{"$ref":"#/definitions/x"}]}],"definitions":{"x":{"type":"string"}}}"##,
        r##"{"allOf":[{"$id":"inner.json","allOf":[{"$ref":"#here"}],"definitions":{"x":{"$id":"#here","type":"string"}}}]}"##,
        r##"{"$id":"http://a.example/b/","allOf":[{"$id":"c/","allOf":[{"$id":"d.json","allOf":[{"$ref":"e.json"}]}],"definitions":{"e":{"$id":"e.json","type":"string"}}}]}"##,
        r##"{"$id":"http://a.example/root","allOf":[{"$ref":"http://a.example/nested.json#foo"}],"definitions":{"A":{"$id":"nested.json","definitions":{"B":{"$id":"#foo","type":"string"}}}}}"##,
        r##"{"$id":"http://a.example/root.json","allOf":[{"$ref":"nested.json#/definitions/x"}],"definitions":{"n":{"$id":"nested.json","definitions":{"x":{"type":"string"}}},"x":{"type":"number"}}}"##,
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
        ("http://a.example/b/other.json", "other.json", "http://a.example/b/own.json"),
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
        r#"{"type":"object","properties":{"b":true,"a":{"type":"number","maximum":1E+3}}}"#
    );
    assert_eq!(
        given.normalized().canonical(),
        r#"{"properties":{"a":{"maximum":1E+3,"type":"number"},"b":true},"type":"object"}"#
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
