//! The reader: bytes to [`Json`], one pass.

use std::collections::HashMap;

use super::number::java_decimal;
use super::{DEPTH_MAX, Json, JsonError};
use crate::budget::Budget;

/// Bytes of text that are read in the time of a step.
const READ_BYTES_PER_STEP: usize = 8;

/// What a value takes in a list that grows, with its key, but for the bytes of texts.
const VALUE_BYTES: usize = 72;

/// How numbers are kept, and whether comments are allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Numbers with a fraction or an exponent are doubles, and comments are skipped.
    Avro,
    /// Numbers are kept digit for digit, and there are no comments.
    Exact,
}

/// Parses one JSON value; nothing but white space, and comments where they are allowed, may follow it.
pub(super) fn document(text: &str, dialect: Dialect, budget: &Budget) -> Result<Json, JsonError> {
    let mut reader = Reader { bytes: text.as_bytes(), text, at: 0, depth: 0, dialect, budget };
    budget.spend(text.len() / READ_BYTES_PER_STEP);
    let result = reader.document();
    result.map_err(|reason| {
        let before = &text[..floor_char_boundary(text, reader.at)];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        JsonError { reason, line, column }
    })
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
    dialect: Dialect,
    budget: &'a Budget,
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
        if !(self.budget.spend(1) && self.budget.hold(VALUE_BYTES)) {
            return Err(self.budget.over().map_or_else(String::new, |over| over.to_string()));
        }
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ if self.token().is_empty() => Err(self.unexpected("a value")),
            _ => Err(self.unrecognized()),
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
                    self.budget.hold(out.len());
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
                None => {
                    return Err(
                        "Unexpected end-of-input: was expecting closing quote for a string value"
                            .into(),
                    );
                }
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
            return self.decimal(text);
        }
        Ok(text.parse().map_or_else(|_| Json::BigInt(text.into()), Json::Int))
    }

    /// A number with a fraction or an exponent. One that no double can hold is kept as it is: else
    /// it would be printed as the text `"Infinity"`.
    fn decimal(&self, text: &str) -> Result<Json, String> {
        if self.dialect == Dialect::Avro
            && let Ok(double) = text.parse::<f64>()
            && double.is_finite()
        {
            return Ok(Json::Double(double));
        }
        let exact = java_decimal(text).map(Json::Decimal);
        exact.ok_or_else(|| "Invalid numeric value: the exponent is out of range".into())
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
        Err(self.unrecognized())
    }

    /// The letters and digits that come next.
    fn token(&self) -> String {
        let rest = self.text.get(self.at..).unwrap_or_default().chars();
        rest.take_while(|c| c.is_alphanumeric() || *c == '_').take(100).collect()
    }

    fn unrecognized(&self) -> String {
        format!(
            "Unrecognized token '{}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            self.token()
        )
    }

    /// Skips white space, and comments (`/* */` and `//`) where they are allowed.
    fn space(&mut self) -> Result<(), String> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') if self.dialect == Dialect::Avro => self.comment()?,
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
