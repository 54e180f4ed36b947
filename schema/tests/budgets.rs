//! What a budget is for: twice the text takes twice the steps and bytes, what grows faster is refused,
//! and what is listed is bounded.
#![allow(clippy::unwrap_used)] // how a test fails

use weir_schema::avro::{self, ParseOptions, Parser};
use weir_schema::budget::{LISTED_BYTES_MAX, LISTED_MAX};
use weir_schema::json_schema::{self, Policy};
use weir_schema::protobuf;
use weir_schema::{Budget, Limits, OverBudget, Tagged};

/// How much more twice as much may take: more than two for what a large one has and a small one not.
const GROWTH_MAX: f64 = 2.3;

const REGISTRY: Limits = Limits { steps: 40_000_000, bytes: 64 << 20 };

/// Steps and bytes of all that a registry does with two texts of a language; what it finds is its own.
fn used(reader: &str, writer: &str, language: Language) -> [u64; 2] {
    let budget = Budget::default();
    language.compared(reader, writer, &budget);
    assert_eq!(budget.over(), None);
    [budget.steps_used(), budget.bytes_used()]
}

#[derive(Clone, Copy)]
enum Language {
    Avro,
    Json,
    Protobuf,
}

impl Language {
    /// Reads, prints, normalises and compares; how many differences there are.
    fn compared(self, reader: &str, writer: &str, budget: &Budget) -> Option<u64> {
        match self {
            Language::Avro => {
                let parse = |text| Parser::within(ParseOptions::NEW, budget).parse(text).ok();
                let (reader, writer) = (parse(reader)?, parse(writer)?);
                reader.canonical_within(budget);
                reader.clone().normalized_within(budget).resolved_within(budget);
                reader.equivalent_within(&writer, budget);
                reader.tags_within(budget);
                let found = avro::compatibility_within(&reader, &writer, budget).unwrap();
                Some(found.items.len() as u64 + found.left_out)
            }
            Language::Json => {
                let parse = |text| json_schema::Schema::parse_within(text, &[], true, budget).ok();
                let (reader, writer) = (parse(reader)?, parse(writer)?);
                reader.canonical_within(budget);
                reader.normalized_within(budget).content_text_within(budget);
                reader.same_resolved_within(&writer, budget);
                reader.tags_within(budget);
                let policy = Policy::Strict;
                let found = json_schema::compatibility_within(&reader, &writer, policy, budget);
                Some(found.items.len() as u64 + found.left_out)
            }
            Language::Protobuf => {
                let parse = |text| protobuf::Schema::parse_within(text, &[], true, budget).ok();
                let (reader, writer) = (parse(reader)?, parse(writer)?);
                reader.canonical_within(budget);
                reader.normalized_within(budget).content_text_within(budget);
                reader.same_resolved_within(&writer, budget);
                reader.tags_within(budget);
                reader.serialized_within(budget).ok()?;
                let found = protobuf::compatibility_within(&reader, &writer, budget);
                Some(found.items.len() as u64 + found.left_out)
            }
        }
    }
}

fn listed(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

fn avro_fields(count: usize, kind: &str) -> String {
    let fields = listed(count, |i| format!(r#"{{"name":"f{i}","type":{kind}}}"#));
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

/// Records of which each is in the one before, by its name.
fn avro_chain(count: usize, kind: &str) -> String {
    let records = listed(count, |i| {
        format!(
            r#"{{"type":"record","name":"R{i}","fields":[{{"name":"own","type":{kind}}},{{"name":"next","type":["null","R{}"]}}]}}"#,
            (i + 1) % count
        )
    });
    format!("[{records}]")
}

fn avro_aliases(count: usize, letter: &str) -> String {
    let aliases = listed(count, |i| format!("\"{letter}{i}\""));
    format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"a","type":"int","aliases":[{aliases}]}}],"aliases":[{aliases}]}}"#
    )
}

fn avro_symbols(count: usize, letter: &str) -> String {
    format!(
        r#"{{"type":"enum","name":"E","symbols":[{}]}}"#,
        listed(count, |i| format!("\"{letter}{i}\""))
    )
}

fn json_properties(count: usize, kind: &str) -> String {
    let properties = listed(count, |i| format!(r#""p{i}":{{"type":"{kind}"}}"#));
    format!(r#"{{"type":"object","properties":{{{properties}}}}}"#)
}

fn json_enum(count: usize, letter: &str) -> String {
    format!(r#"{{"enum":[{}]}}"#, listed(count, |i| format!("\"{letter}{i}\"")))
}

fn json_chain(count: usize, kind: &str) -> String {
    let definitions = listed(count, |i| {
        format!(
            r##""d{i}":{{"properties":{{"own":{{"type":"{kind}"}},"next":{{"$ref":"#/definitions/d{}"}}}}}}"##,
            (i + 1) % count
        )
    });
    format!(r##"{{"$ref":"#/definitions/d0","definitions":{{{definitions}}}}}"##)
}

fn protobuf_fields(count: usize, kind: &str) -> String {
    let fields: Vec<String> =
        (0..count).map(|i| format!("{kind} f{i} = {};", i + 20_000)).collect();
    format!("syntax = \"proto3\"; message M {{ {} }}", fields.join("\n"))
}

fn protobuf_messages(count: usize, kind: &str) -> String {
    let messages: Vec<String> = (0..count)
        .map(|i| format!("message M{i} {{ {kind} own = 1; M{} next = 2; }}", (i + 1) % count))
        .collect();
    format!("syntax = \"proto3\"; {}", messages.join("\n"))
}

#[test]
fn twice_the_text_takes_twice_the_steps_and_bytes() {
    type Text = fn(usize, &str) -> String;
    let (avro, json, protobuf) = (Language::Avro, Language::Json, Language::Protobuf);
    let texts: [(&str, Language, Text, [&str; 2]); 9] = [
        ("fields of Avro", avro, avro_fields, ["\"int\"", "\"string\""]),
        ("records of Avro", avro, avro_chain, ["\"int\"", "\"string\""]),
        ("aliases of Avro", avro, avro_aliases, ["A", "B"]),
        ("symbols of Avro", avro, avro_symbols, ["A", "B"]),
        ("properties of JSON Schema", json, json_properties, ["string", "number"]),
        ("values of JSON Schema", json, json_enum, ["a", "b"]),
        ("a chain of JSON Schema", json, json_chain, ["string", "number"]),
        ("fields of Protobuf", protobuf, protobuf_fields, ["int32", "string"]),
        ("messages of Protobuf", protobuf, protobuf_messages, ["int32", "string"]),
    ];
    for (name, language, text, [a, b]) in texts {
        let [small, large] =
            [2_000, 4_000].map(|count| used(&text(count, a), &text(count, b), language));
        for (what, small, large) in [("steps", small[0], large[0]), ("bytes", small[1], large[1])] {
            let growth = large as f64 / small as f64;
            assert!(growth <= GROWTH_MAX, "{name}: {small} and then {large} {what}");
        }
    }
}

#[test]
fn what_is_large_and_honest_is_within_a_registrys_budget() {
    for (reader, writer, language) in [
        (avro_fields(10_000, "\"int\""), avro_fields(10_000, "\"string\""), Language::Avro),
        (json_properties(10_000, "string"), json_properties(10_000, "number"), Language::Json),
        (protobuf_fields(10_000, "int32"), protobuf_fields(10_000, "string"), Language::Protobuf),
    ] {
        let budget = Budget::new(REGISTRY);
        assert_eq!(language.compared(&reader, &writer, &budget), Some(10_000));
        assert_eq!(budget.over(), None);
    }
}

#[test]
fn a_list_is_bounded_and_says_how_much_it_lacks() {
    let budget = Budget::default();
    let parse = |text: &str| Parser::within(ParseOptions::NEW, &budget).parse(text).unwrap();
    let (reader, writer) =
        (parse(&avro_fields(5_000, "\"int\"")), parse(&avro_fields(5_000, "\"string\"")));
    let found = avro::compatibility_within(&reader, &writer, &budget).unwrap();
    assert_eq!((found.items.len(), found.left_out), (LISTED_MAX, 4_000));
    // long words fill it sooner
    let long = avro_symbols(20_000, "Symbol");
    let other = avro_symbols(20_000, "Other");
    let found = avro::compatibility_within(&parse(&long), &parse(&other), &budget).unwrap();
    assert_eq!((found.items.len(), found.left_out), (1, 0), "one is always listed");
    let path = |name: &str| {
        let name = name.repeat(2_000);
        format!(
            r#"{{"properties":{{{}}}}}"#,
            listed(500, |i| format!(r#""{name}{i}":{{"type":"string"}}"#))
        )
    };
    let parse = |text: &str| json_schema::Schema::parse_within(text, &[], true, &budget).unwrap();
    let (reader, writer) = (parse(&path("a")), parse(r#"{"type":"object"}"#));
    let found = json_schema::compatibility_within(&reader, &writer, Policy::Strict, &budget);
    let bytes: usize = found.items.iter().map(|one| one.path().len()).sum();
    assert!(bytes < 2 * LISTED_BYTES_MAX, "{bytes}");
    assert_eq!(found.items.len() as u64 + found.left_out, 500);
}

#[test]
fn what_grows_faster_than_its_text_is_refused_and_says_why() {
    let namespace = "n".repeat(1_000_000);
    let records = listed(4_000, |i| {
        format!(r#"{{"name":"f{i}","type":{{"type":"record","name":"R{i}","fields":[]}}}}"#)
    });
    let inherited =
        format!(r#"{{"type":"record","name":"R","namespace":"{namespace}","fields":[{records}]}}"#);
    let budget = Budget::new(REGISTRY);
    let refused = Parser::within(ParseOptions::NEW, &budget).parse(&inherited).unwrap_err();
    assert_eq!(budget.over(), Some(OverBudget::Bytes(REGISTRY.bytes)));
    assert_eq!(refused.message, OverBudget::Bytes(REGISTRY.bytes).to_string());

    let branches = |letter: &str| {
        let branch = |i| format!(r#"{{"properties":{{"{letter}{i}":{{"const":{i}}}}}}}"#);
        format!(r#"{{"oneOf":[{}]}}"#, listed(4_000, branch))
    };
    let budget = Budget::new(REGISTRY);
    Language::Json.compared(&branches("a"), &branches("b"), &budget);
    assert!(budget.is_over());

    let defaults = listed(2_000, |i| format!(r#"{{"name":"f{i}","type":"int","default":1}}"#));
    let values = listed(100_000, |_| "{}".to_string());
    let products = format!(
        r#"{{"type":"record","name":"Q","fields":[{{"name":"a","type":{{"type":"array","items":{{"type":"record","name":"R","fields":[{defaults}]}}}},"default":[{values}]}}]}}"#
    );
    let budget = Budget::new(REGISTRY);
    assert!(Parser::within(ParseOptions::NEW, &budget).parse(&products).is_err());
    assert_eq!(budget.over(), Some(OverBudget::Steps(REGISTRY.steps)));
}

#[test]
fn cancelled_work_ends_with_an_error() {
    let budget = Budget::default();
    budget.cancel();
    let text = avro_fields(10, "\"int\"");
    assert!(Parser::within(ParseOptions::NEW, &budget).parse(&text).is_err());
    assert!(json_schema::Schema::parse_within("{}", &[], true, &budget).is_err());
    let text = protobuf_fields(10, "int32");
    assert!(protobuf::Schema::parse_within(&text, &[], true, &budget).is_err());
}

#[test]
fn tags_of_many_records_are_found_in_one_walk() {
    let steps = |count: usize| {
        let records = listed(count, |i| {
            format!(
                r#"{{"name":"f{i}","type":{{"type":"record","name":"X{i}","fields":[{{"name":"a","type":"int"}}]}}}}"#
            )
        });
        let text = format!(r#"{{"type":"record","name":"R","fields":[{records}]}}"#);
        let schema = avro::Schema::parse(&text).unwrap();
        let tag = |i| Tagged { path: format!("X{i}.a"), is_field: true, tags: vec!["T".into()] };
        let tags: Vec<Tagged> = (0..count).map(tag).collect();
        let budget = Budget::default();
        let with = schema.with_tags_within(&tags, &[], &budget).unwrap();
        assert_eq!(with.tags().len(), count);
        budget.steps_used()
    };
    let (small, large) = (steps(1_000), steps(2_000));
    assert!(large as f64 / small as f64 <= GROWTH_MAX, "{small} and then {large} steps");
}
