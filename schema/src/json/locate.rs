//! Where in a text JSON pointers lead.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::budget::{Budget, WRITTEN_BYTES_PER_STEP};
use crate::lines::Lines;

/// What a member of an object that was looked into takes.
const MEMBER_BYTES: usize = 96;

/// The places of a text, for as many pointers as there are: what one of them leads through is read
/// once.
pub struct Locator<'t> {
    text: &'t str,
    lines: Lines<'t>,
    /// What was looked into, by where it begins.
    containers: HashMap<usize, Container<'t>>,
    budget: &'t Budget,
}

/// Where the members or items of a value begin.
struct Container<'t> {
    members: HashMap<Cow<'t, str>, usize>,
    items: Vec<usize>,
    /// Whether the text is no JSON before the value ends.
    is_broken: bool,
}

impl<'t> Locator<'t> {
    /// What the budget does not pay for has no place.
    pub fn new(text: &'t str, budget: &'t Budget) -> Locator<'t> {
        Locator { text, lines: Lines::new(text), containers: HashMap::new(), budget }
    }

    /// Line and column, from 1 and in characters, of the value that a pointer names, or of the nearest
    /// value around it that the text has; none if the text is no JSON up to there. `#` before the
    /// pointer is ignored.
    pub fn locate(&mut self, pointer: &str) -> Option<(u32, u32)> {
        let mut at = Scanner { text: self.text, bytes: self.text.as_bytes(), at: 0 };
        at.skip_space();
        let mut found = at.at;
        let pointer = pointer.trim_start_matches('#');
        for token in pointer.split('/').skip(1).filter(|token| !token.is_empty()) {
            let token = token.replace("~1", "/").replace("~0", "~");
            match self.inside(found, &token)? {
                Some(inner) => found = inner,
                None => break,
            }
        }
        self.text.is_char_boundary(found).then(|| self.lines.position(found))
    }

    /// Where a member or an item of the value at a place begins; `None` if the text is broken, or
    /// nobody pays for looking.
    fn inside(&mut self, at: usize, token: &str) -> Option<Option<usize>> {
        if !self.containers.contains_key(&at) {
            let steps = (self.text.len() - at) / WRITTEN_BYTES_PER_STEP * 4 + 1;
            if !self.budget.affords(steps, 0) {
                return None;
            }
            let mut scanner = Scanner { text: self.text, bytes: self.text.as_bytes(), at };
            let container = scanner.container(self.budget)?;
            self.budget.spend((scanner.at - at) / WRITTEN_BYTES_PER_STEP * 4 + 1);
            self.containers.insert(at, container);
        }
        let container = &self.containers[&at];
        let index = || token.parse::<usize>().ok().and_then(|index| container.items.get(index));
        match container.members.get(token).or_else(index) {
            Some(found) => Some(Some(*found)),
            None if container.is_broken => None,
            None => Some(None),
        }
    }
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Scanner<'t> {
    /// What is in the value at hand; nothing if it is neither an object nor an array. None if nobody
    /// pays for it.
    fn container(&mut self, budget: &Budget) -> Option<Container<'t>> {
        let (members, items) = (HashMap::new(), Vec::new());
        let mut container = Container { members, items, is_broken: false };
        let is_object = match self.bytes.get(self.at) {
            Some(b'{') => true,
            Some(b'[') => false,
            Some(_) => return Some(container),
            None => {
                container.is_broken = true;
                return Some(container);
            }
        };
        self.at += 1;
        loop {
            if !budget.affords(0, MEMBER_BYTES) {
                return None;
            }
            match self.member(is_object, &mut container) {
                Some(true) => budget.hold(MEMBER_BYTES),
                Some(false) => return Some(container),
                None => {
                    container.is_broken = true;
                    return Some(container);
                }
            };
        }
    }

    /// Reads a member or an item; whether another may follow.
    fn member(&mut self, is_object: bool, container: &mut Container<'t>) -> Option<bool> {
        self.skip_space();
        if matches!(self.bytes.get(self.at)?, b'}' | b']') {
            return Some(false);
        }
        if is_object {
            let key = self.string()?;
            self.skip_space();
            self.at += 1; // the colon
            self.skip_space();
            container.members.entry(key).or_insert(self.at);
        } else {
            container.items.push(self.at);
        }
        self.skip_value()?;
        self.skip_space();
        let follows = *self.bytes.get(self.at)? == b',';
        self.at += usize::from(follows);
        Some(follows)
    }

    fn skip_space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<Cow<'t, str>> {
        let start = self.at;
        self.skip_string()?;
        let inner = self.text.get(start + 1..self.at - 1)?;
        if !inner.contains('\\') && self.bytes[start] == b'"' {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_slice(self.bytes.get(start..self.at)?).ok().map(Cow::Owned)
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
    use super::*;

    fn locate(text: &str, pointer: &str) -> Option<(u32, u32)> {
        Locator::new(text, &Budget::default()).locate(pointer)
    }

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
