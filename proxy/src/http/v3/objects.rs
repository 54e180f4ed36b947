//! JSON objects that stand one after the other in a stream of bytes, whose pieces end anywhere.

use crate::error::ProxyError;

/// Bytes of one object: a record of 16 MiB.
const OBJECT_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Objects {
    bytes: Vec<u8>,
    /// Before it, all is given out.
    start: usize,
    /// How far `bytes` is known.
    seen: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Objects {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.bytes.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(chunk);
    }

    /// The next object, if it is there as a whole. 400 something else stands in its place · 413.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, ProxyError> {
        if self.depth == 0 {
            let rest = &self.bytes[self.start..];
            self.start += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
            self.seen = self.start;
            match self.bytes.get(self.start) {
                None => return Ok(None),
                Some(b'{') => {}
                Some(_) => return Err(not_json("expected a JSON object")),
            }
        }
        while let Some(byte) = self.bytes.get(self.seen) {
            self.seen += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        let object = self.bytes[self.start..self.seen].to_vec();
                        self.start = self.seen;
                        return Ok(Some(object));
                    }
                }
                _ => {}
            }
        }
        match self.bytes.len() - self.start > OBJECT_BYTES_MAX {
            true => Err(ProxyError::BodyTooLarge),
            false => Ok(None),
        }
    }

    /// What is wrong if nothing more comes.
    pub(super) fn end(&self) -> Option<ProxyError> {
        let nothing = self.bytes[self.start..].iter().all(u8::is_ascii_whitespace);
        (!nothing).then(|| not_json("the body ends within an object"))
    }
}

fn not_json(why: &str) -> ProxyError {
    ProxyError::BadRequest { reason: format!("Error processing JSON: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = " {\"a\":\"}\\\"{\"}\r\n{\"b\":[{}]}{} \t";

    fn all(chunks: &[&[u8]]) -> Vec<String> {
        let mut objects = Objects::default();
        let mut found = Vec::new();
        for chunk in chunks {
            objects.push(chunk);
            while let Some(object) = objects.next().unwrap() {
                found.push(String::from_utf8(object).unwrap());
            }
        }
        assert_eq!(objects.end(), None);
        found
    }

    #[test]
    fn objects_are_found_wherever_the_pieces_end() {
        let expected = ["{\"a\":\"}\\\"{\"}", "{\"b\":[{}]}", "{}"];
        assert_eq!(all(&[BODY.as_bytes()]), expected);
        assert_eq!(all(&BODY.as_bytes().chunks(1).collect::<Vec<_>>()), expected);
        for cut in 0..BODY.len() {
            let (a, b) = BODY.as_bytes().split_at(cut);
            assert_eq!(all(&[a, b]), expected);
        }
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for body in ["1", "[{}]", "}", "\"a\"", "null", "{} ,{}"] {
            let mut objects = Objects::default();
            objects.push(body.as_bytes());
            let found = std::iter::from_fn(|| objects.next().transpose()).find(Result::is_err);
            assert_eq!(found.map(|error| error.unwrap_err().code()), Some(400), "{body}");
        }
        let mut objects = Objects::default();
        objects.push(b"{\"a\":");
        assert_eq!(objects.next(), Ok(None));
        assert_eq!(objects.end().unwrap().code(), 400);
        objects.push(&vec![b'1'; OBJECT_BYTES_MAX]);
        assert_eq!(objects.next().unwrap_err().code(), 413);
    }
}
