//! Any text as an Avro schema: whatever is one prints as one with the same canonical form, reads what it
//! writes itself, and is compatible with itself. And its two halves, parted by a byte of zero or in the
//! middle, as schemas of each language that are compared: within a budget, and with a bounded list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_schema::avro::codec::Plan;
use weir_schema::avro::{self, ParseOptions, Parser, Schema, compatibility};
use weir_schema::budget::LISTED_MAX;
use weir_schema::json_schema::{self, Policy};
use weir_schema::{Budget, Limits, protobuf};

/// A millisecond or two: what is over it has to end at once.
const LIMITS: Limits = Limits { steps: 50_000, bytes: 4 << 20 };

fuzz_target!(|text: &str| {
    halves(text);
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

fn halves(text: &str) {
    let middle = (text.len() / 2..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (a, b) = text.split_once('\0').unwrap_or(text.split_at(middle));
    let budget = Budget::new(LIMITS);
    let parse = |text| Parser::within(ParseOptions::STORED, &budget).parse(text);
    if let (Ok(a), Ok(b)) = (parse(a), parse(b))
        && let Ok(found) = avro::compatibility_within(&a, &b, &budget)
    {
        assert!(found.items.len() <= LISTED_MAX);
        a.equivalent_within(&b, &budget);
    }
    let budget = Budget::new(LIMITS);
    let parse = |text| json_schema::Schema::parse_within(text, &[], false, &budget);
    if let (Ok(a), Ok(b)) = (parse(a), parse(b)) {
        let found = json_schema::compatibility_within(&a, &b, Policy::Strict, &budget);
        assert!(found.items.len() <= LISTED_MAX);
        a.same_resolved_within(&b, &budget);
    }
    let budget = Budget::new(LIMITS);
    let parse = |text| protobuf::Schema::parse_within(text, &[], false, &budget);
    if let (Ok(a), Ok(b)) = (parse(a), parse(b)) {
        assert!(protobuf::compatibility_within(&a, &b, &budget).items.len() <= LISTED_MAX);
        a.same_resolved_within(&b, &budget);
    }
}
