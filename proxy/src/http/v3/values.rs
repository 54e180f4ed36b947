//! JSON values that stand one after the other in a stream of bytes, whose pieces end anywhere. Where a
//! value ends is found here; whether it is JSON is not.

use crate::error::ProxyError;

/// Bytes of one value: a record of 16 MiB.
const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Values {
    bytes: Vec<u8>,
    /// All values that end before this place were given out.
    start: usize,
    /// How far `bytes` is known.
    seen: usize,
    /// What has begun at `start`.
    begun: Option<Kind>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An object or an array: it ends with its own bracket.
    Nested,
    /// A string: it ends with its quote.
    Text,
    /// A number, `null`, ..: it ends before whatever is no part of it.
    Word,
}

impl Values {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.bytes.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(chunk);
    }

    /// Bytes that are kept of a value that is not there as a whole.
    pub(super) fn begun_bytes(&self) -> usize {
        self.begun.map_or(0, |_| self.bytes.len() - self.start)
    }

    /// The next value, if it is there as a whole. 400 something else stands in its place · 413.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, ProxyError> {
        let Some(kind) = self.begin()? else { return Ok(None) };
        while let Some(byte) = self.bytes.get(self.seen).copied() {
            if kind == Kind::Word && !is_of_word(byte) {
                return Ok(Some(self.take()));
            }
            self.seen += 1;
            if kind != Kind::Word && self.is_last(byte) {
                return Ok(Some(self.take()));
            }
        }
        match self.bytes.len() - self.start > VALUE_BYTES_MAX {
            true => Err(ProxyError::BodyTooLarge),
            false => Ok(None),
        }
    }

    /// The last value, if nothing more comes. 400 it has no end.
    pub(super) fn end(&mut self) -> Result<Option<Vec<u8>>, ProxyError> {
        match self.begun {
            None => Ok(None),
            Some(Kind::Word) => Ok(Some(self.take())),
            Some(Kind::Nested | Kind::Text) => Err(not_json("the body ends within a value")),
        }
    }

    /// What has begun, past white space. 400 nothing can begin like this.
    fn begin(&mut self) -> Result<Option<Kind>, ProxyError> {
        if self.begun.is_none() {
            let rest = &self.bytes[self.start..];
            self.start += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
            self.seen = self.start;
            self.begun = match self.bytes.get(self.start) {
                None => None,
                Some(b'{' | b'[') => Some(Kind::Nested),
                Some(b'"') => Some(Kind::Text),
                Some(byte) if is_of_word(*byte) => Some(Kind::Word),
                Some(_) => return Err(not_json("expected a value")),
            };
        }
        Ok(self.begun)
    }

    /// Whether a value that is no word ends with this byte.
    fn is_last(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => {
                self.in_string = !self.in_string;
                return !self.in_string && self.depth == 0;
            }
            _ if self.in_string => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }

    fn take(&mut self) -> Vec<u8> {
        let value = self.bytes[self.start..self.seen].to_vec();
        self.start = self.seen;
        self.begun = None;
        value
    }
}

/// Whether a byte can be of a number or a name. More than JSON's is none of it.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)
}

fn not_json(why: &str) -> ProxyError {
    ProxyError::BadRequest { reason: format!("Error processing JSON: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = " {\"a\":\"}\\\"{\"}\r\n{\"b\":[{}]}{}1null\"a\\\"\"[[]] -1.5e3 \ttrue";

    fn all(chunks: &[&[u8]]) -> Vec<String> {
        let mut values = Values::default();
        let mut found = Vec::new();
        for chunk in chunks {
            values.push(chunk);
            while let Some(value) = values.next().unwrap() {
                found.push(String::from_utf8(value).unwrap());
            }
        }
        found.extend(values.end().unwrap().map(|value| String::from_utf8(value).unwrap()));
        found
    }

    #[test]
    fn values_are_found_wherever_the_pieces_end() {
        let expected = [
            "{\"a\":\"}\\\"{\"}",
            "{\"b\":[{}]}",
            "{}",
            "1null", // is no JSON, as whoever reads it finds out
            "\"a\\\"\"",
            "[[]]",
            "-1.5e3",
            "true",
        ];
        assert_eq!(all(&[BODY.as_bytes()]), expected);
        assert_eq!(all(&BODY.as_bytes().chunks(1).collect::<Vec<_>>()), expected);
        for cut in 0..BODY.len() {
            let (a, b) = BODY.as_bytes().split_at(cut);
            assert_eq!(all(&[a, b]), expected);
        }
    }

    #[test]
    fn what_no_value_begins_with_is_an_error() {
        for body in ["}", "]", "{} ,{}", ":", "'a'", "\u{fc}"] {
            let mut values = Values::default();
            values.push(body.as_bytes());
            let found = std::iter::from_fn(|| values.next().transpose()).find(Result::is_err);
            assert_eq!(found.map(|error| error.unwrap_err().code()), Some(400), "{body}");
        }
    }

    #[test]
    fn a_value_without_an_end_is_an_error() {
        for body in ["{\"a\":", "[", "\"a", "\"a\\\""] {
            let mut values = Values::default();
            values.push(body.as_bytes());
            assert_eq!(values.next(), Ok(None), "{body}");
            assert_eq!(values.end().unwrap_err().code(), 400, "{body}");
            values.push(&vec![b'1'; VALUE_BYTES_MAX]);
            assert_eq!(values.next().unwrap_err().code(), 413, "{body}");
        }
    }
}
