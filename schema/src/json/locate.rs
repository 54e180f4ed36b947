//! Where in a text a JSON pointer leads.

/// Line and column, from 1 and in characters, of the value that a pointer names, or of the nearest
/// value around it that the text has; none if the text is no JSON up to there. `#` before the pointer
/// is ignored.
pub fn locate(text: &str, pointer: &str) -> Option<(u32, u32)> {
    let mut at = Scanner { bytes: text.as_bytes(), at: 0 };
    at.skip_space();
    let mut found = at.at;
    let pointer = pointer.trim_start_matches('#');
    for token in pointer.split('/').skip(1).filter(|token| !token.is_empty()) {
        let token = token.replace("~1", "/").replace("~0", "~");
        match at.enter(&token) {
            Some(true) => found = at.at,
            Some(false) => break,
            None => return None,
        }
    }
    text.is_char_boundary(found).then(|| position(&text[..found]))
}

fn position(before: &str) -> (u32, u32) {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line as u32, column as u32)
}

struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Scanner<'_> {
    /// Goes to a member or an item of the value at hand; whether it has one of that name.
    fn enter(&mut self, token: &str) -> Option<bool> {
        let is_object = match self.bytes.get(self.at)? {
            b'{' => true,
            b'[' => false,
            _ => return Some(false),
        };
        self.at += 1;
        for index in 0_usize.. {
            self.skip_space();
            if matches!(self.bytes.get(self.at)?, b'}' | b']') {
                return Some(false);
            }
            let matches = if is_object {
                let key = self.string()?;
                self.skip_space();
                self.at += 1; // the colon
                self.skip_space();
                key == token
            } else {
                token.parse() == Ok(index)
            };
            if matches {
                return Some(true);
            }
            self.skip_value()?;
            self.skip_space();
            match self.bytes.get(self.at)? {
                b',' => self.at += 1,
                _ => return Some(false),
            }
        }
        None
    }

    fn skip_space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.skip_string()?;
        serde_json::from_slice(&self.bytes[start..self.at]).ok()
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b'}' | b']' if depth == 0 => return Some(()),
                _ => self.at += 1,
            }
            if depth == 0 && matches!(self.bytes.get(self.at), None | Some(b',' | b'}' | b']')) {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::locate;

    #[test]
    fn a_pointer_leads_to_its_value_or_the_nearest_around_it() {
        let text = "{\n  \"name\": \"\u{e9}, {[\",\n  \"fields\": [ {\"a\": 1},\n    {\"b/c\": [true]} ]\n}";
        assert_eq!(locate(text, "/"), Some((1, 1)));
        assert_eq!(locate(text, "/name"), Some((2, 11)));
        assert_eq!(locate(text, "#/fields/1"), Some((4, 5)));
        assert_eq!(locate(text, "/fields/1/b~1c/0"), Some((4, 14)));
        assert_eq!(locate(text, "/fields/1/type/items"), Some((4, 5)));
        assert_eq!(locate(text, "/fields/7"), Some((3, 13)));
        assert_eq!(locate("\"string\"", "/fields"), Some((1, 1)));
        for broken in ["", "{", "{\"a", "{\"a\":", "[1", "{\"a\":\"\\"] {
            assert!(locate(broken, "/b/1").is_none_or(|(line, _)| line == 1), "{broken}");
        }
    }
}
