//! JSON as Apache Avro's Java library reads it, which is Jackson's way and not quite serde_json's.
//!
//! What a schema text needs and serde_json does not give: comments are allowed, nesting is bounded
//! at [`DEPTH_MAX`] and not at 128, the order of keys is kept, and numbers print as Jackson prints
//! them (`1e3` becomes `1000.0`), because canonical texts must be equal byte for byte.

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
        let mut reader = Reader { bytes: text.as_bytes(), text, at: 0, depth: 0 };
        let result = reader.document();
        result.map_err(|reason| {
            let before = &text[..floor_char_boundary(text, reader.at)];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            JsonError { reason, line, column }
        })
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
        match (self, other) {
            (Json::Array(a), Json::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.same(y))
            }
            (Json::Object(a), Json::Object(b)) => same_members(a, b),
            _ => self == other,
        }
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

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Json, String> {
        self.space()?;
        if self.at == self.bytes.len() {
            return Err("No content to parse".into());
        }
        let value = self.value()?;
        self.space()?;
        if self.at < self.bytes.len() {
            let rest: String = self.text[self.at..].trim().chars().take(200).collect();
            return Err(format!("dangling content after end of schema: {rest}"));
        }
        Ok(value)
    }

    fn value(&mut self) -> Result<Json, String> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, String>) -> Result<Json, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!(
                "Document nesting depth ({}) exceeds the maximum allowed ({DEPTH_MAX})",
                self.depth
            ));
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Json, String> {
        let mut members: Vec<(String, Json)> = Vec::new();
        self.space()?;
        if self.eat(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.space()?;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a double-quote to start field name"));
            }
            let key = self.string()?;
            self.space()?;
            if !self.eat(b':') {
                return Err(self.unexpected("a colon to separate field name and value"));
            }
            self.space()?;
            let value = self.value()?;
            members.push((key, value));
            self.space()?;
            if self.eat(b'}') {
                return Ok(Json::Object(last_of_each_key(members)));
            }
            if !self.eat(b',') {
                return Err(self.unexpected("a comma to separate Object entries"));
            }
        }
    }

    fn array(&mut self) -> Result<Json, String> {
        let mut items = Vec::new();
        self.space()?;
        if self.eat(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            self.space()?;
            items.push(self.value()?);
            self.space()?;
            if self.eat(b']') {
                return Ok(Json::Array(items));
            }
            if !self.eat(b',') {
                return Err(self.unexpected("a comma to separate Array entries"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b != b'"' && b != b'\\' && b >= 0x20) {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(control) => {
                    return Err(format!(
                        "Illegal unquoted character (code {control}): has to be escaped"
                    ));
                }
                None => return Err("Unexpected end of input in a string".into()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let c = self.peek().ok_or("Unexpected end of input in an escape")?;
        self.at += 1;
        Ok(match c {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                if (0xD800..0xDC00).contains(&high)
                    && self.bytes[self.at..].starts_with(b"\\u")
                    && let Some(low) = self.low_surrogate()
                {
                    let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    return char::from_u32(code).ok_or_else(|| "Invalid surrogate pair".into());
                }
                char::from_u32(high).ok_or("Lone surrogate in a string")?
            }
            other => return Err(format!("Unrecognized character escape (code {other})")),
        })
    }

    fn low_surrogate(&mut self) -> Option<u32> {
        let back = self.at;
        self.at += 2;
        match self.hex4() {
            Ok(low) if (0xDC00..0xE000).contains(&low) => Some(low),
            _ => {
                self.at = back;
                None
            }
        }
    }

    fn hex4(&mut self) -> Result<u32, String> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or("Unexpected end of an escape")?;
        let mut code = 0;
        for d in digits {
            let digit = (*d as char).to_digit(16).ok_or("Expected a hex-digit in an escape")?;
            code = code * 16 + digit;
        }
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<Json, String> {
        let start = self.at;
        self.eat(b'-');
        let first = self.at;
        self.digits()?;
        if self.bytes[first] == b'0' && self.at - first > 1 {
            return Err("Invalid numeric value: Leading zeroes not allowed".into());
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            self.digits()?;
        }
        if self.peek().is_some_and(|b| b == b'e' || b == b'E') {
            whole = false;
            self.at += 1;
            if self.peek().is_some_and(|b| b == b'+' || b == b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        if !whole {
            return Ok(Json::Double(text.parse().map_err(|_| "Invalid numeric value")?));
        }
        Ok(text.parse().map_or_else(|_| Json::BigInt(text.into()), Json::Int))
    }

    fn digits(&mut self) -> Result<(), String> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit in a number")) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, String> {
        let rest = &self.bytes[self.at..];
        let ends = rest.get(word.len()).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
        if rest.starts_with(word.as_bytes()) && ends {
            self.at += word.len();
            return Ok(value);
        }
        let token: String = self.text[self.at..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .take(100)
            .collect();
        Err(format!(
            "Unrecognized token '{token}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        ))
    }

    /// Skips white space and comments (`/* */` and `//`), which Avro's reader allows.
    fn space(&mut self) -> Result<(), String> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), String> {
        let rest = &self.text[self.at..];
        if rest.starts_with("//") {
            self.at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(inside) = rest.strip_prefix("/*") {
            let end = inside.find("*/").ok_or("Unexpected end of input in a comment")?;
            self.at += end + 4;
        } else {
            return Err(self.unexpected("a comment"));
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, wanted: &str) -> String {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => {
                format!("Unexpected character ('{c}' (code {})): was expecting {wanted}", c as u32)
            }
            None => format!("Unexpected end-of-input: was expecting {wanted}"),
        }
    }
}

fn last_of_each_key(members: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let distinct = if members.len() <= 8 {
        (1..members.len()).all(|i| members[..i].iter().all(|(k, _)| *k != members[i].0))
    } else {
        let mut seen = std::collections::HashSet::with_capacity(members.len());
        members.iter().all(|(k, _)| seen.insert(k.as_str()))
    };
    if distinct {
        return members;
    }
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<(String, Json)> = Vec::new();
    for (key, value) in members {
        match place.get(&key) {
            Some(&at) => kept[at].1 = value,
            None => {
                place.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
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
