//! Input that means harm: it gets an answer or an error, in bounded time, on a small stack.

use std::fmt::Write;
use std::time::{Duration, Instant};

use weir_schema::budget::LISTED_MAX;
use weir_schema::json_schema::{Incompatibility, Policy, Schema, TooComplex, compatibility};

/// The longest that a check may take, in an optimised build; `checked` makes two.
const WORST: Duration = Duration::from_secs(2);

/// Runs on the stack of a worker thread.
fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap()
}

type Verdict = Result<Vec<Incompatibility>, TooComplex>;

/// All that a registry does with two texts.
fn checked(reader: String, writer: String) -> Verdict {
    on_a_small_stack(move || {
        #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
        let start = Instant::now();
        let reader = Schema::parse(&reader, &[], true).unwrap();
        let writer = Schema::parse(&writer, &[], true).unwrap();
        let verdict = compatibility(&reader, &writer, Policy::Strict);
        let _ = compatibility(&writer, &reader, Policy::Lenient);
        assert!(reader.same_resolved(&reader.clone()));
        assert!(!reader.normalized().canonical().is_empty());
        let _ = (reader.tags(), reader.top_level_fields());
        let taken = start.elapsed();
        assert!(cfg!(debug_assertions) || taken < 2 * WORST, "{taken:?}");
        verdict
    })
}

fn nested(depth: usize, open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn nesting_up_to_the_bound_is_compared_and_beyond_it_an_error() {
    for (depth, open, close) in [
        (998, r#"{"not":"#, "}"),
        (498, r#"{"properties":{"a":"#, "}}"),
        (498, r#"{"allOf":["#, "]}"),
        (998, r#"{"items":"#, "}"),
    ] {
        let reader = nested(depth, open, r#"{"type":"string"}"#, close);
        let writer = nested(depth, open, r#"{"type":"number"}"#, close);
        assert_eq!(checked(reader.clone(), reader.clone()), Ok(Vec::new()));
        assert_ne!(checked(reader, writer), Ok(Vec::new()));
    }
    for (depth, open, close) in [
        (498, r#"{"allOf":[{},"#, "]}"),
        (998, r#"{"default":"#, "}"),
        (498, r#"{"enum":["#, "]}"),
        (998, r#"{"definitions":"#, "}"),
    ] {
        let given = nested(depth, open, "true", close);
        assert_eq!(checked(given.clone(), given), Ok(Vec::new()), "{open}");
    }
    let deep = nested(100_000, r#"{"not":"#, "{}", "}");
    let error = on_a_small_stack(move || Schema::parse(&deep, &[], false).unwrap_err());
    assert!(error.to_string().contains("nesting depth"), "{error}");
}

#[test]
fn references_that_lead_only_to_each_other_end() {
    for text in [
        r##"{"$ref":"#"}"##,
        r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##,
        r##"{"allOf":[{"$ref":"#"}]}"##,
        r##"{"anyOf":[{"$ref":"#"},{"not":{"$ref":"#"}}]}"##,
        r##"{"not":{"$ref":"#"}}"##,
        r##"{"properties":{"a":{"$ref":"#"}},"additionalProperties":{"$ref":"#/properties/a"}}"##,
    ] {
        assert_eq!(checked(text.into(), text.into()), Ok(Vec::new()), "{text}");
    }
}

#[test]
fn a_chain_of_twenty_thousand_references_is_followed() {
    let mut text = String::from(r##"{"$ref":"#/definitions/d0","definitions":{"##);
    for i in 0..20_000 {
        let _ = write!(text, r##""d{i}":{{"items":{{"$ref":"#/definitions/d{}"}}}},"##, i + 1);
    }
    text.push_str(r#""d20000":{"type":"string"}}}"#);
    let changed = text.replace(r#""string""#, r#""number""#);
    assert_eq!(checked(text.clone(), text.clone()), Ok(Vec::new()));
    assert_eq!(checked(changed, text).unwrap().len(), 1);
}

/// Definitions of which each refers to the next one twice: 2^`levels` paths.
fn doubling(levels: usize, keyword: &str, last: &str) -> String {
    let mut text = String::from(r##"{"$ref":"#/definitions/d0","definitions":{"##);
    for i in 0..levels {
        let next = format!(r##"{{"$ref":"#/definitions/d{}"}}"##, i + 1);
        let two = match keyword {
            "properties" => format!(r#"{{"a":{next},"b":{next}}}"#),
            _ => format!(r#"[{next},{{"type":"object","items":{next}}}]"#),
        };
        let _ = write!(text, r#""d{i}":{{"{keyword}":{two}}},"#);
    }
    let _ = write!(text, r#""d{levels}":{last}}}}}"#);
    text
}

#[test]
fn exponentially_many_paths_are_walked_once() {
    for keyword in ["properties", "anyOf", "allOf", "oneOf"] {
        let string = doubling(60, keyword, r#"{"type":"string"}"#);
        let number = doubling(60, keyword, r#"{"type":"number"}"#);
        assert_eq!(checked(string.clone(), string.clone()), Ok(Vec::new()), "{keyword}");
        let found = checked(string, number).unwrap();
        assert!(!found.is_empty() && found.len() <= LISTED_MAX, "{keyword}: {}", found.len());
    }
}

fn branches(count: usize, branch: impl Fn(usize) -> String) -> String {
    let list: Vec<String> = (0..count).map(branch).collect();
    format!(r#"{{"oneOf":[{}]}}"#, list.join(","))
}

#[test]
fn ten_thousand_branches_against_ten_thousand_are_too_complex() {
    let reader = branches(10_000, |i| format!(r#"{{"properties":{{"a{i}":{{"const":{i}}}}}}}"#));
    let writer = branches(10_000, |i| format!(r#"{{"properties":{{"b{i}":{{"const":{i}}}}}}}"#));
    assert_eq!(checked(reader, writer), Err(TooComplex));
    let strings = branches(10_000, |i| format!(r#"{{"type":"string","maxLength":{i}}}"#));
    let numbers = branches(10_000, |i| format!(r#"{{"type":"number","maximum":{i}}}"#));
    assert_eq!(checked(strings, numbers), Err(TooComplex));
}

#[test]
fn a_long_id_is_not_copied_to_every_schema_below_it() {
    let list: Vec<String> = (0..10_000)
        .map(|i| format!(r##""p{i}":{{"$id":"i{i}","$ref":"#/definitions/x"}}"##))
        .collect();
    let (id, list) = ("a/".repeat(200_000), list.join(","));
    let given = format!(
        r#"{{"$id":"http://a.example/{id}","properties":{{{list}}},"definitions":{{"x":true}}}}"#
    );
    assert_eq!(checked(given.clone(), given), Ok(Vec::new()));
}

#[test]
fn long_names_and_large_values_count_as_work() {
    let named = |c: &str| {
        let name = c.repeat(450);
        branches(1000, |i| {
            format!(
                r#"{{"properties":{{"{name}{i}":true}},"dependencies":{{"{name}":["a"]}},"default":{{"a":[{i}],"b":{{"{name}":1}}}}}}"#
            )
        })
    };
    assert_eq!(checked(named("a"), named("b")), Err(TooComplex));
}

#[test]
fn a_hundred_branches_against_a_hundred_are_matched() {
    let given = |last: &str| {
        branches(100, |i| {
            format!(
                r#"{{"type":"object","properties":{{"kind":{{"const":{i}}},"v":{{"type":"{last}"}}}}}}"#
            )
        })
    };
    assert_eq!(checked(given("string"), given("string")), Ok(Vec::new()));
    let found = checked(given("string"), given("number")).unwrap();
    assert_eq!(found[0].rule(), "COMBINED_TYPE_SUBSCHEMAS_CHANGED");
}

#[test]
fn a_megabyte_of_properties_is_compared() {
    let wide = |kind: &str| {
        let list: Vec<String> =
            (0..30_000).map(|i| format!(r#""p{i}":{{"type":"{kind}"}}"#)).collect();
        format!(r#"{{"type":"object","properties":{{{}}}}}"#, list.join(","))
    };
    assert_eq!(checked(wide("string"), wide("string")), Ok(Vec::new()));
    assert_eq!(checked(wide("string"), wide("number")).unwrap().len(), LISTED_MAX);
}

#[test]
fn patterns_that_are_slow_to_compile_or_to_search_use_up_the_work_and_not_the_clock() {
    let patterns: Vec<String> =
        (0..20_000).map(|i| format!(r#""^(\\pL{{900}}){{90}}{i}$":{{"type":"string"}}"#)).collect();
    let writer = format!(
        r#"{{"patternProperties":{{{}}},"additionalProperties":false}}"#,
        patterns.join(",")
    );
    let reader = r#"{"properties":{"a":{"type":"string"}},"additionalProperties":false}"#;
    assert_eq!(checked(reader.into(), writer), Err(TooComplex));
    let slow =
        r#"{"patternProperties":{"^(a+)+$|(?=b)(a+)+\\1c":true},"additionalProperties":false}"#;
    let long = format!(
        r#"{{"properties":{{"{}!":true}},"additionalProperties":false}}"#,
        "a".repeat(5000)
    );
    assert!(checked(long, slow.into()).is_ok());
}

/// A changes, and A and B lead to each other: whichever is looked at first, neither may count as
/// compatible for good because the other was taken to be while it was looked at.
#[test]
fn what_was_taken_for_granted_about_recursion_is_looked_at_again() {
    let given = |kind: &str| {
        let one_of = |name: &str| format!(r##"{{"oneOf":[{{"$ref":"#/definitions/{name}"}}]}}"##);
        let (to_a, to_b) = (one_of("A"), one_of("B"));
        let definitions = |end: &str| {
            let (to_a, to_b) = (to_a.replace('A', end), to_b.replace('B', &format!("{end}B")));
            format!(
                r#""{end}":{{"properties":{{"id":{{"type":"{kind}"}},"ref":{to_b}}}}},"{end}B":{{"properties":{{"ref":{to_a}}}}}"#
            )
        };
        format!(
            r##"{{"properties":{{"a":{{"$ref":"#/definitions/X"}},"b":{},"c":{},"d":{{"$ref":"#/definitions/Y"}}}},"definitions":{{{},{}}}}}"##,
            one_of("XB"),
            one_of("YB"),
            definitions("X"),
            definitions("Y"),
        )
    };
    let found = checked(given("string"), given("number")).unwrap();
    for name in ["a", "b", "c", "d"] {
        let path = format!("#/properties/{name}");
        assert!(found.iter().any(|d| d.path().starts_with(&path)), "{name}: {found:?}");
    }
}
