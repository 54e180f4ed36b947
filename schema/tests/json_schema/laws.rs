//! Laws that hold for every schema.

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_schema::json_schema::{Policy, Schema, compatibility};

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "id", "name", "x_1"]).prop_map(String::from)
}

fn leaf() -> impl Strategy<Value = Value> {
    let small = 0..4i64;
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        Just(json!({})),
        Just(json!({"type": "null"})),
        Just(json!({"type": ["string", "integer"]})),
        Just(json!({"$ref": "#"})),
        Just(json!({"$ref": "#/definitions/shared"})),
        small.clone().prop_map(|n| json!({"type": "string", "maxLength": n, "pattern": "^a"})),
        small.clone().prop_map(|n| json!({"type": "number", "minimum": n, "multipleOf": n + 1})),
        small.clone().prop_map(|n| json!({"type": "integer", "exclusiveMaximum": n})),
        small.clone().prop_map(|n| json!({"enum": (0..=n).collect::<Vec<_>>(), "title": "t"})),
        small.prop_map(|n| json!({"const": n, "default": n})),
    ]
}

fn inner() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        let map = || prop::collection::btree_map(name(), inner.clone(), 0..4);
        prop_oneof![
            (map(), prop::collection::vec(name(), 0..2), inner.clone()).prop_map(
                |(properties, required, more)| json!({
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": more,
                })
            ),
            map().prop_map(|map| json!({"properties": map, "dependencies": {"a": ["b"]}})),
            list.clone().prop_map(|items| json!({"type": "array", "items": items})),
            inner.clone().prop_map(|items| json!({"type": "array", "items": items, "minItems": 1})),
            list.clone().prop_map(|list| json!({"anyOf": list})),
            list.clone().prop_map(|list| json!({"oneOf": list, "description": "d"})),
            list.prop_map(|list| json!({"allOf": list})),
            inner.clone().prop_map(|not| json!({"not": not})),
            inner.prop_map(|branch| json!({"if": branch, "patternProperties": {"^x": true}})),
        ]
    })
}

/// A text with a definition that is always there.
fn text() -> impl Strategy<Value = String> {
    (inner(), leaf()).prop_map(|(root, shared)| {
        let mut root = root;
        if let Value::Object(members) = &mut root {
            members.insert("definitions".into(), json!({"shared": shared}));
            return root.to_string();
        }
        json!({"not": root, "definitions": {"shared": shared}}).to_string()
    })
}

fn parse(text: &str) -> Schema {
    Schema::parse(text, &[], true).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_schema_is_compatible_with_itself(text in text()) {
        let schema = parse(&text);
        for policy in [Policy::Strict, Policy::Lenient] {
            let found = compatibility(&schema, &schema, policy).unwrap();
            prop_assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn the_canonical_text_is_canonical(text in text()) {
        let canonical = parse(&text).canonical();
        prop_assert_eq!(parse(&canonical).canonical(), canonical);
    }

    #[test]
    fn normalising_twice_is_normalising_once_and_changes_no_meaning(text in text()) {
        let schema = parse(&text);
        let normalized = schema.normalized();
        prop_assert_eq!(normalized.normalized().canonical(), normalized.canonical());
        prop_assert!(compatibility(&schema, &normalized, Policy::Strict).unwrap().is_empty());
        prop_assert!(compatibility(&normalized, &schema, Policy::Strict).unwrap().is_empty());
    }

    #[test]
    fn what_is_strictly_compatible_is_leniently_compatible(reader in text(), writer in text()) {
        let (reader, writer) = (parse(&reader), parse(&writer));
        let strict = compatibility(&reader, &writer, Policy::Strict).unwrap();
        let lenient = compatibility(&reader, &writer, Policy::Lenient).unwrap();
        prop_assert!(!strict.is_empty() || lenient.is_empty(), "{lenient:?}");
    }

    #[test]
    fn a_schema_is_the_same_as_itself_resolved(text in text()) {
        prop_assert!(parse(&text).same_resolved(&parse(&text)));
    }
}
