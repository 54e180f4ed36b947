//! Patterns of mapping rules, which are Java's regular expressions, as expressions of the `regex` crate.
//!
//! A pattern that is taken means what it means in Java. What the crate has no words for, and what the two understand differently, is
//! refused.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled pattern may take.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;

/// Compiles an expression. The error is for whoever has written the pattern.
pub(super) fn compiled(expression: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(expression);
    let compiled = builder.size_limit(COMPILED_BYTES_MAX).build();
    compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".into(),
        error => {
            // of several lines, which show where the mistake is in the translation, the last says what it is
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the pattern is not understood: {last}")
        }
    })
}

/// A pattern as an expression of the crate.
pub(super) fn translated(pattern: &str) -> Result<String, String> {
    let mut translation = Translation {
        rest: pattern.chars().peekable(),
        out: String::new(),
        before: Before::Nothing,
        open: Vec::new(),
        closed: None,
    };
    while let Some(character) = translation.rest.next() {
        translation.one(character)?;
    }
    Ok(translation.out)
}

/// What stands before a place in a pattern, as far as a quantifier has to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that could be repeated.
    Nothing,
    /// What could be repeated.
    Atom,
    /// A quantifier: `?` would make it reluctant.
    Quantifier,
}

/// A pattern that is being translated.
struct Translation<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
    before: Before,
    /// Where the groups that are open begin in `out`.
    open: Vec<usize>,
    /// Where the group begins in `out` that has been closed just now.
    closed: Option<usize>,
}

/// A piece of a pattern that an escape stands for.
enum Escaped {
    Literal(char),
    /// What stands in brackets for a set of characters.
    Set(&'static str),
}

impl Translation<'_> {
    /// Translates what begins with a character that has been taken.
    fn one(&mut self, character: char) -> Result<(), String> {
        match character {
            '*' | '+' | '?' => return self.quantifier(character),
            '{' => return self.counted(),
            '(' => return self.group(),
            '|' => {
                self.out.push('|');
                self.before = Before::Nothing;
                return Ok(());
            }
            '[' => self.set()?,
            '\\' => self.escape()?,
            '.' | '^' | '$' => self.out.push(character),
            ')' => {
                self.out.push(character);
                self.closed = self.open.pop();
                self.before = Before::Atom;
                return Ok(());
            }
            _ => self.literal(character),
        }
        self.closed = None;
        self.before = Before::Atom;
        Ok(())
    }

    fn literal(&mut self, character: char) {
        self.out.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
    }

    fn quantifier(&mut self, character: char) -> Result<(), String> {
        self.before = match (self.before, character) {
            (Before::Atom, _) => Before::Quantifier,
            (Before::Quantifier, '?') => Before::Nothing,
            (Before::Quantifier, '+') => {
                return Err("possessive quantifiers, such as *+, are not understood".into());
            }
            _ => return Err(format!("{character} has nothing to repeat")),
        };
        if character != '?' {
            self.repeats_something()?;
        }
        self.out.push(character);
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,5}`, of which the brace has been taken.
    fn counted(&mut self) -> Result<(), String> {
        let mut counts = String::new();
        while let Some(character) = self.rest.next_if(|next| next.is_ascii_digit() || *next == ',')
        {
            counts.push(character);
        }
        let starts = counts.starts_with(|first: char| first.is_ascii_digit());
        let closed = self.rest.next() == Some('}');
        if self.before != Before::Atom || !starts || !closed || counts.matches(',').count() > 1 {
            return Err("{ begins a count, such as a{2,5}; a brace itself is \\{".into());
        }
        self.repeats_something()?;
        self.out.push_str(&format!("{{{counts}}}"));
        self.before = Before::Quantifier;
        Ok(())
    }

    /// Refuses to repeat a group that can match nothing: what such a group holds in the end is not the same in Java.
    fn repeats_something(&mut self) -> Result<(), String> {
        let Some(start) = self.closed.take() else { return Ok(()) };
        match compiled(&format!("\\A{}\\z", &self.out[start..]))?.is_match("") {
            true => Err("a group that can match nothing cannot be repeated".into()),
            false => Ok(()),
        }
    }

    /// The start of a group, of which the parenthesis has been taken.
    fn group(&mut self) -> Result<(), String> {
        self.open.push(self.out.len());
        self.out.push('(');
        self.before = Before::Nothing;
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        let looks =
            "groups that look ahead or behind, (?=..) (?!..) (?<=..) (?<!..), are not understood";
        match self.rest.next() {
            Some(':') => self.out.push_str("?:"),
            Some('<') => {
                if matches!(self.rest.peek(), Some('=' | '!')) {
                    return Err(looks.into());
                }
                self.out.push_str("?<");
                while let Some(letter) = self.rest.next_if(char::is_ascii_alphanumeric) {
                    self.out.push(letter);
                }
                match self.rest.next_if_eq(&'>') {
                    Some(end) => self.out.push(end),
                    None => return Err("the name of a group has letters and digits".into()),
                }
            }
            Some('=' | '!') => return Err(looks.into()),
            _ => {
                return Err(
                    "of groups that begin with (? only (?: and (?<name> are understood".into()
                );
            }
        }
        Ok(())
    }

    /// An escape outside of brackets, of which the backslash has been taken.
    fn escape(&mut self) -> Result<(), String> {
        match self.escaped()? {
            Escaped::Literal(character) => self.literal(character),
            Escaped::Set(set) => self.out.push_str(&format!("[{set}]")),
        }
        Ok(())
    }

    /// What an escape means. Java's sets have ASCII characters alone.
    fn escaped(&mut self) -> Result<Escaped, String> {
        let Some(character) = self.rest.next() else { return Err("a \\ escapes nothing".into()) };
        Ok(match character {
            'd' => Escaped::Set("0-9"),
            'D' => Escaped::Set("^0-9"),
            'w' => Escaped::Set("a-zA-Z0-9_"),
            'W' => Escaped::Set("^a-zA-Z0-9_"),
            's' => Escaped::Set(" \\t\\n\\x0B\\f\\r"),
            'S' => Escaped::Set("^ \\t\\n\\x0B\\f\\r"),
            't' => Escaped::Literal('\t'),
            '1'..='9' => {
                return Err(format!(
                    "\\{character}, a reference back to a group, is not understood"
                ));
            }
            _ if character.is_ascii_alphanumeric() => {
                return Err(format!("the escape \\{character} is not understood"));
            }
            _ => Escaped::Literal(character),
        })
    }

    /// A set in brackets, of which the first has been taken.
    fn set(&mut self) -> Result<(), String> {
        self.out.push('[');
        self.out.extend(self.rest.next_if_eq(&'^'));
        let mut empty = true;
        loop {
            let Some(character) = self.rest.next() else { return Err("a [ has no ]".into()) };
            if character == ']' {
                if empty {
                    return Err("[] has nothing in it; a bracket itself is \\]".into());
                }
                self.out.push(']');
                return Ok(());
            }
            self.set_item(character)?;
            empty = false;
        }
    }

    /// A character, a range or an escape in brackets.
    fn set_item(&mut self, character: char) -> Result<(), String> {
        let low = match self.set_character(character)? {
            Escaped::Literal(low) => low,
            Escaped::Set(set) => {
                self.out.push_str(&format!("[{set}]"));
                return match self.rest.peek() {
                    Some('-') => self.last_hyphen(),
                    _ => Ok(()),
                };
            }
        };
        self.literal(low);
        if self.rest.next_if_eq(&'-').is_none() {
            return Ok(());
        }
        // a hyphen that ends the brackets is itself
        match self.rest.peek() {
            Some(']') | None => self.literal('-'),
            Some(_) => {
                let next = self.rest.next().unwrap_or('-');
                let Escaped::Literal(high) = self.set_character(next)? else {
                    return Err("a range in brackets ends with a character".into());
                };
                self.out.push('-');
                self.literal(high);
            }
        }
        Ok(())
    }

    /// A hyphen behind an escape for a set, which is itself if it ends the brackets.
    fn last_hyphen(&mut self) -> Result<(), String> {
        self.rest.next();
        if self.rest.peek() != Some(&']') {
            return Err("in brackets, put a - last or write \\-".into());
        }
        self.literal('-');
        Ok(())
    }

    /// What a character in brackets, which has been taken, means with what follows it.
    fn set_character(&mut self, character: char) -> Result<Escaped, String> {
        match character {
            '\\' => self.escaped(),
            '[' => {
                Err("brackets inside brackets are not understood; a bracket itself is \\[".into())
            }
            '&' if self.rest.peek() == Some(&'&') => Err("&& in brackets is not understood".into()),
            _ => Ok(Escaped::Literal(character)),
        }
    }
}
