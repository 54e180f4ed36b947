//! JSON as Apache Avro's Java library reads it, which is Jackson's way and not quite serde_json's.
//!
//! What a schema text needs and serde_json does not give: comments are allowed, nesting is bounded
//! at [`DEPTH_MAX`] and not at 128, the order of keys is kept, and numbers print as Jackson prints
//! them (`1e3` becomes `1000.0`), because canonical texts must be equal byte for byte.

mod locate;
mod number;
mod read;
mod same;

pub use locate::locate;

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
    /// Parses one JSON value; nothing but white space and comments may follow it.
    pub fn parse(text: &str) -> Result<Json, JsonError> {
        read::document(text)
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
                members.sort_by(|a, b| a.0.cmp(&b.0));
                Json::Object(members)
            }
            other => other.clone(),
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
            Json::BigInt(digits) => out.push_str(digits),
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
