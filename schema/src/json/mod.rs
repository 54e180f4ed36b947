//! JSON as the reference registry reads it, which is Jackson's way and not quite serde_json's.
//!
//! What a schema text needs and serde_json does not give: nesting is bounded at [`DEPTH_MAX`] and not
//! at 128, the order of keys is kept, and numbers print as Jackson prints them, because canonical
//! texts must be equal byte for byte. There are two dialects: Avro's library allows comments and
//! takes `1e3` for a double, which prints as `1000.0`; the reader of JSON Schemas refuses comments and
//! keeps decimals, so that `1e3` prints as `1E+3` and `1.50` as itself.

mod locate;
mod number;
mod read;
mod same;

pub use locate::Locator;

use self::read::Dialect;
use crate::budget::Budget;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::{self, Write};

/// Levels of nesting that a document may have; Jackson's `StreamReadConstraints` default.
pub const DEPTH_MAX: usize = 1000;

/// A JSON value. Objects keep the order of their keys; of a key given twice the last value stays,
/// in the place of the first.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits, as its digits.
    BigInt(String),
    Double(f64),
    /// A number with a fraction or an exponent, as Java's `BigDecimal` prints it: no digit of it is
    /// lost. [`Json::parse_exact`] makes these; [`Json::parse`] only of what no double can hold.
    Decimal(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Why a text is not JSON, and where: line and column count from 1, in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    pub reason: String,
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.reason, self.line, self.column)
    }
}

impl std::error::Error for JsonError {}

impl Json {
    /// Parses one JSON value as Avro's library does; nothing but white space and comments may follow.
    pub fn parse(text: &str) -> Result<Json, JsonError> {
        Json::parse_within(text, &Budget::default())
    }

    /// As `parse` does, within a budget.
    pub fn parse_within(text: &str, budget: &Budget) -> Result<Json, JsonError> {
        read::document(text, Dialect::Avro, budget)
    }

    /// Parses one JSON value with its numbers as they are, and without comments.
    pub fn parse_exact(text: &str) -> Result<Json, JsonError> {
        Json::parse_exact_within(text, &Budget::default())
    }

    /// As `parse_exact` does, within a budget.
    pub fn parse_exact_within(text: &str, budget: &Budget) -> Result<Json, JsonError> {
        read::document(text, Dialect::Exact, budget)
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(s) => Some(s),
            _ => None,
        }
    }

    /// The double that is nearest to a number.
    pub fn as_double(&self) -> Option<f64> {
        match self {
            Json::Int(value) => Some(*value as f64),
            Json::Double(value) => Some(*value),
            Json::BigInt(digits) | Json::Decimal(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Equality as Jackson has it: the order of an object's keys does not count.
    pub fn same(&self, other: &Json) -> bool {
        same::exact(self, other)
    }

    /// Equality as JSON Schema has it: neither the order of keys counts nor how a number is written,
    /// so that `1`, `1.0` and `10e-1` are one value.
    pub fn same_value(&self, other: &Json) -> bool {
        same::by_value(self, other)
    }

    /// This value with the keys of every object in it sorted, at all depths.
    pub fn sorted(&self) -> Json {
        match self {
            Json::Array(items) => Json::Array(items.iter().map(Json::sorted).collect()),
            Json::Object(members) => {
                let mut members: Vec<_> =
                    members.iter().map(|(k, v)| (k.clone(), v.sorted())).collect();
                members.sort_by(|a, b| java_order(&a.0, &b.0));
                Json::Object(members)
            }
            other => other.clone(),
        }
    }

    /// A text that two values share exactly if they are the same by [`Json::same_value`].
    pub fn value_text(&self) -> String {
        let mut sorted = self.sorted();
        sorted.replace_numbers();
        sorted.to_string()
    }

    /// Writes every number as its value, whatever form it had.
    fn replace_numbers(&mut self) {
        let mut stack = vec![self];
        while let Some(json) = stack.pop() {
            if let Some(value) = number::value(json) {
                *json = Json::Decimal(value.to_string());
            }
            match json {
                Json::Array(items) => stack.extend(items),
                Json::Object(members) => stack.extend(members.iter_mut().map(|(_, value)| value)),
                _ => {}
            }
        }
    }

    /// Appends this value as Jackson prints it: no white space, non-ASCII left as it is.
    pub fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Json::Int(i) => {
                let _ = write!(out, "{i}");
            }
            Json::BigInt(digits) | Json::Decimal(digits) => out.push_str(digits),
            Json::Double(d) if d.is_finite() => out.push_str(&java_double(*d)),
            Json::Double(d) => {
                let _ = write!(out, "\"{}\"", java_double(*d));
            }
            Json::String(s) => write_string(s, out),
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (i, (key, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

/// Equality of two lists of properties, whatever their order.
pub fn same_members(a: &[(String, Json)], b: &[(String, Json)]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let index: HashMap<&str, &Json> = b.iter().map(|(k, v)| (k.as_str(), v)).collect();
    a.iter().all(|(k, v)| index.get(k.as_str()).is_some_and(|w| v.same(w)))
}

/// The order in which Java sorts strings: by their UTF-16 units.
pub(crate) fn java_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Appends `s` as a JSON string, escaped as Jackson escapes it.
pub fn write_string(s: &str, out: &mut String) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A double as `Double.toString` of Java writes it: shortest digits, always with a point, in
/// scientific form outside `10^-3 .. 10^7`.
pub fn java_double(d: f64) -> String {
    if d.is_nan() {
        return "NaN".into();
    }
    if d.is_infinite() {
        return if d > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if d == 0.0 {
        return if d.is_sign_negative() { "-0.0".into() } else { "0.0".into() };
    }
    if (1e-3..1e7).contains(&d.abs()) {
        let plain = format!("{d}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let scientific = format!("{d:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("{:e} always prints an e");
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        Json::parse(text).unwrap().to_string()
    }

    #[test]
    fn numbers_print_as_jackson_prints_them() {
        for (given, wanted) in [
            ("1e3", "1000.0"),
            ("1.10", "1.1"),
            ("1E10", "1.0E10"),
            ("0.0001", "1.0E-4"),
            ("-0.0", "-0.0"),
            ("12345678901234567890", "12345678901234567890"),
            ("1234567.5", "1234567.5"),
            ("12345678.5", "1.23456785E7"),
        ] {
            assert_eq!(printed(given), wanted);
        }
    }

    #[test]
    fn decimals_of_a_json_schema_print_as_javas_decimals() {
        for (given, wanted) in [
            ("1.50", "1.50"),
            ("0.1000", "0.1000"),
            ("1e3", "1E+3"),
            ("12.5e3", "1.25E+4"),
            ("1e0", "1"),
            ("100e-2", "1.00"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1E-7"),
            ("0.00000010", "1.0E-7"),
            ("-0.0", "0.0"),
            ("-0", "0"),
            ("0e5", "0E+5"),
            ("0e-7", "0E-7"),
            ("0.00", "0.00"),
            ("0.0000000", "0E-7"),
            ("123.456e-12", "1.23456E-10"),
            ("1e2147483647", "1E+2147483647"),
            ("-1.5E-10", "-1.5E-10"),
            ("1e400", "1E+400"),
            ("3.14159265358979323846264338327950288", "3.14159265358979323846264338327950288"),
            ("12345678901234567890", "12345678901234567890"),
        ] {
            let printed = Json::parse_exact(given).unwrap().to_string();
            assert_eq!(printed, wanted, "{given}");
            assert_eq!(Json::parse_exact(&printed).unwrap().to_string(), printed);
        }
        for refused in ["1e99999999999", "1e2147483648", "1e-2147483648", "{} // no", "NaN", "01"] {
            assert!(Json::parse_exact(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_number_that_no_double_can_hold_stays_a_number() {
        assert_eq!(printed("1e400"), "1E+400");
        assert_eq!(printed("-1.5e999"), "-1.5E+999");
    }

    #[test]
    fn equal_values_have_one_text() {
        let text = |given| Json::parse_exact(given).unwrap().value_text();
        assert_eq!(text(r#"{"b":1.50,"a":[10,0.0]}"#), text(r#"{"a":[1e1,0],"b":1.5}"#));
        assert_ne!(text("1"), text("\"1\""));
        assert_ne!(text("1"), text("-1"));
    }

    #[test]
    fn keys_are_sorted_as_java_sorts_them() {
        let json = Json::parse("{\"\u{ff21}\":1,\"\u{1f600}\":2,\"b\":3,\"B\":4}").unwrap();
        assert_eq!(json.sorted().to_string(), "{\"B\":4,\"b\":3,\"\u{1f600}\":2,\"\u{ff21}\":1}");
    }

    #[test]
    fn comments_are_skipped_and_the_last_of_two_equal_keys_stays_in_the_first_place() {
        assert_eq!(printed("/* a */ {\"a\":1, // b\n \"b\":2,\"a\":3}"), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn strings_keep_their_characters() {
        assert_eq!(printed(r#""\u00e9\ud83d\ude00\u0001\/""#), "\"é😀\\u0001/\"");
    }

    #[test]
    fn errors_name_line_and_column() {
        let error = Json::parse("{\n \"a\": x}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 7));
    }

    #[test]
    fn nesting_beyond_the_bound_is_an_error_and_not_an_overflow() {
        let deep = "[".repeat(100_000);
        assert!(Json::parse(&deep).unwrap_err().reason.contains("nesting depth"));
        let allowed = "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX);
        assert!(Json::parse(&allowed).is_ok());
    }
}
