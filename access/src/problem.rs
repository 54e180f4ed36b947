//! Mistakes in `access.toml`.

use std::fmt;

/// A mistake in an `access.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.text)
    }
}

/// Characters of a name that a mistake repeats.
const SHOWN_CHARS_MAX: usize = 80;

/// A name as a mistake repeats it: on one line, and not longer than a reader needs.
pub(crate) fn shown(name: &str) -> String {
    let start: String = name.chars().take(SHOWN_CHARS_MAX).flat_map(visible).collect();
    match name.chars().nth(SHOWN_CHARS_MAX) {
        Some(_) => format!("{start}.."),
        None => start,
    }
}

/// A character, or its escape if it would not be seen or would end the line.
fn visible(character: char) -> Vec<char> {
    match character.is_control() {
        true => character.escape_default().collect(),
        false => vec![character],
    }
}
