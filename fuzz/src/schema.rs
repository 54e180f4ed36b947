//! Any text as an Avro schema: whatever is one prints as one with the same canonical form, reads what it
//! writes itself, and is compatible with itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_schema::avro::codec::Plan;
use weir_schema::avro::{ParseOptions, Parser, Schema, compatibility};

fuzz_target!(|text: &str| {
    let stored = Parser::new(ParseOptions::STORED).parse(text);
    let Ok(schema) = Schema::parse(text) else { return };
    assert!(stored.is_ok(), "what is new can be stored");
    let form = schema.parsing_canonical_form();
    let again = Schema::parse(&schema.canonical()).expect("what is printed is read");
    assert_eq!(again.parsing_canonical_form(), form);
    assert_eq!(again.canonical(), schema.canonical());
    let _ = Plan::compile(&schema, &again);
    if let Ok(reasons) = compatibility(&schema, &again) {
        assert!(reasons.is_empty(), "{reasons:?}");
    }
});
