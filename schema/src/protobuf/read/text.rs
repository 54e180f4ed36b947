//! The characters of a `.proto` text: white space and comments, words, numbers, strings.

use super::super::{ParseError, raw_bytes};
use crate::budget::Budget;

/// How deep messages, groups and option values may nest. protoc stops at 32 messages, and decoders
/// of descriptors at 100.
pub const NESTING_MAX: usize = 64;

/// Bounds of a dotted name. A name is looked for in every scope around it.
const NAME_BYTES_MAX: usize = 512;
pub const NAME_PARTS_MAX: usize = 32;

pub type Result<T> = std::result::Result<T, ParseError>;

pub struct Text<'t> {
    text: &'t str,
    pub at: usize,
    depth: usize,
    budget: &'t Budget,
}

/// What a word, a text or a pair of braces takes in the tree that is made of them, at the most.
const WORD_BYTES: usize = 72;
const BRACES_BYTES: usize = 320;

impl<'t> Text<'t> {
    pub fn new(text: &'t str, budget: &'t Budget) -> Text<'t> {
        Text { text, at: 0, depth: 0, budget }
    }

    fn pay(&self, bytes: usize) -> Result<()> {
        if self.budget.spend(1) && self.budget.hold(bytes) {
            return Ok(());
        }
        self.wrong(self.budget.over().map_or_else(String::new, |over| over.to_string()))
    }

    /// Goes into something that may nest; [`Text::leave`] comes out of it.
    pub fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        self.pay(BRACES_BYTES)?;
        if self.depth > NESTING_MAX {
            return self.wrong(format!("nested more than {NESTING_MAX} levels deep"));
        }
        Ok(())
    }

    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    pub fn wrong<T>(&self, what: impl Into<String>) -> Result<T> {
        self.wrong_at(self.at, what)
    }

    pub fn wrong_at<T>(&self, at: usize, what: impl Into<String>) -> Result<T> {
        let (line, column) = position(self.text, at);
        let what = what.into();
        Err(ParseError {
            message: format!("Could not parse Protobuf - Syntax error in :{line}:{column}: {what}"),
            position: Some((line, column)),
        })
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The next byte that is neither white space nor comment.
    pub fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            match (self.byte(self.at), self.byte(self.at + 1)) {
                (Some(b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c), _) => self.at += 1,
                (Some(b'/'), Some(b'/')) => {
                    let rest = &self.text.as_bytes()[self.at..];
                    self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                }
                (Some(b'/'), Some(b'*')) => match self.text[self.at + 2..].find("*/") {
                    Some(end) => self.at += end + 4,
                    None => return self.wrong("unterminated comment"),
                },
                (Some(0xef), _) if self.at == 0 && self.text.starts_with('\u{feff}') => {
                    self.at += 3;
                }
                (byte, _) => return Ok(byte),
            }
        }
    }

    pub fn next_is(&mut self, byte: u8) -> Result<bool> {
        let found = self.peek()? == Some(byte);
        if found {
            self.at += 1;
        }
        Ok(found)
    }

    pub fn expect(&mut self, byte: u8) -> Result<()> {
        if self.next_is(byte)? {
            return Ok(());
        }
        let found = self.text[self.at..].chars().next();
        match found {
            Some(found) => self.wrong(format!("expected '{}' but found '{found}'", byte as char)),
            None => self.wrong(format!("expected '{}' but the text ends", byte as char)),
        }
    }

    /// The next word: letters, digits and `_ . -`, or nothing.
    pub fn word_if_any(&mut self) -> Result<&'t str> {
        self.peek()?;
        let rest = &self.text[self.at..];
        let end = rest
            .bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')))
            .unwrap_or(rest.len());
        self.pay(WORD_BYTES + end)?;
        self.at += end;
        Ok(&rest[..end])
    }

    pub fn word(&mut self) -> Result<&'t str> {
        let word = self.word_if_any()?;
        if word.is_empty() { self.wrong("expected a word") } else { Ok(word) }
    }

    /// A name without dots.
    pub fn identifier(&mut self) -> Result<String> {
        let word = self.word()?;
        self.check_name(word, word)?;
        Ok(word.to_string())
    }

    /// A name with dots between its parts, and one before it where it is a full name.
    pub fn dotted(&mut self) -> Result<String> {
        let word = self.word()?;
        self.dotted_from(word)
    }

    /// A name with dots whose first word is read. White space and comments may stand around its
    /// dots: long names go on in the next line.
    pub fn dotted_from(&mut self, word: &str) -> Result<String> {
        let mut name = word.to_string();
        while name.ends_with('.') || self.peek()? == Some(b'.') {
            name += self.word()?;
            self.check_length(&name)?;
        }
        self.check_dotted(&name)?;
        Ok(name)
    }

    pub fn check_dotted(&self, word: &str) -> Result<()> {
        let parts = word.strip_prefix('.').unwrap_or(word).split('.');
        if parts.clone().count() > NAME_PARTS_MAX {
            return self.wrong(format!("a name has at most {NAME_PARTS_MAX} parts"));
        }
        parts.clone().try_for_each(|part| self.check_name(part, word))
    }

    fn check_length(&self, name: &str) -> Result<()> {
        if name.len() > NAME_BYTES_MAX {
            return self.wrong(format!("a name has at most {NAME_BYTES_MAX} bytes"));
        }
        Ok(())
    }

    fn check_name(&self, part: &str, word: &str) -> Result<()> {
        self.check_length(word)?;
        if is_identifier(part) {
            Ok(())
        } else {
            self.wrong(format!("expected a name but was {word}"))
        }
    }

    /// A whole number, decimal, hexadecimal or octal.
    pub fn integer(&mut self) -> Result<i32> {
        let word = self.word()?;
        match integer(word).and_then(|number| i32::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => self.wrong(format!("expected an integer but was {word}")),
        }
    }

    /// A number as written, or a word such as `inf`; `1e+5` is one.
    pub fn number(&mut self) -> Result<String> {
        let mut number = self.word()?.to_string();
        if number == "-" {
            number += self.word()?;
        }
        let decimal = !number.starts_with("0x") && !number.starts_with("-0x");
        if decimal && number.ends_with(['e', 'E']) && self.byte(self.at) == Some(b'+') {
            self.at += 1;
            number += self.word()?;
        }
        Ok(number)
    }

    /// One string, or several that stand side by side.
    pub fn string(&mut self) -> Result<String> {
        let mut string = String::new();
        let Some(b'"' | b'\'') = self.peek()? else { return self.wrong("expected a string") };
        while let Some(quote @ (b'"' | b'\'')) = self.peek()? {
            self.at += 1;
            self.string_until(quote, &mut string)?;
        }
        self.pay(WORD_BYTES + string.len())?;
        Ok(string)
    }

    fn string_until(&mut self, quote: u8, string: &mut String) -> Result<()> {
        let start = self.at;
        loop {
            let Some(character) = self.text[self.at..].chars().next() else {
                return self.wrong_at(start, "unterminated string");
            };
            self.at += character.len_utf8();
            match character {
                '\n' => return self.wrong_at(start, "a string ends on its line"),
                '\\' => string.push(self.escape()?),
                _ if u32::from(character) == u32::from(quote) => return Ok(()),
                _ => string.push(character),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let Some(letter) = self.text[self.at..].chars().next() else {
            return self.wrong("unterminated string");
        };
        self.at += letter.len_utf8();
        Ok(match letter {
            'a' => '\u{07}',
            'b' => '\u{08}',
            'f' => '\u{0c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{0b}',
            'x' | 'X' => self.escaped_byte(16, 2)?,
            'u' => self.escaped_digits(16, 4, 4)?,
            'U' => self.escaped_digits(16, 8, 8)?,
            '0'..='7' => {
                self.at -= 1;
                self.escaped_byte(8, 3)?
            }
            other => other,
        })
    }

    fn escaped_byte(&mut self, radix: u32, most: usize) -> Result<char> {
        let character = self.escaped_digits(radix, 1, most)?;
        Ok(u8::try_from(character).map_or(character, raw_bytes::character))
    }

    fn escaped_digits(&mut self, radix: u32, least: usize, most: usize) -> Result<char> {
        let rest = &self.text[self.at..];
        let count = rest.chars().take(most).take_while(|c| c.is_digit(radix)).count();
        let number = u32::from_str_radix(&rest[..count], radix).ok();
        match number.and_then(char::from_u32) {
            Some(character) if count >= least => {
                self.at += count;
                Ok(character)
            }
            _ => self.wrong("a backslash that escapes nothing"),
        }
    }

    /// What stands between brackets in an option's value: an extension's name, or a URL of a type.
    pub fn bracketed(&mut self) -> Result<String> {
        self.expect(b'[')?;
        let mut name = String::new();
        loop {
            match self.peek()? {
                Some(b']') if !name.is_empty() => {
                    self.at += 1;
                    return Ok(name);
                }
                Some(byte) if byte.is_ascii_alphanumeric() || b"._-/%~".contains(&byte) => {
                    name.push(char::from(byte));
                    self.at += 1;
                    self.check_length(&name)?;
                }
                Some(_) => return self.wrong("expected a name between brackets"),
                None => return self.wrong("expected ']'"),
            }
        }
    }
}

/// A number as protoc reads it: `10`, `0x1F`, `017`, each with a minus or without.
pub fn integer(word: &str) -> Option<i128> {
    let (sign, digits) = word.strip_prefix('-').map_or((1, word), |digits| (-1, digits));
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => u64::from_str_radix(digits, 16),
        None if digits.starts_with('0') && digits.len() > 1 => u64::from_str_radix(digits, 8),
        None if digits.starts_with('+') => return None,
        None => digits.parse(),
    };
    number.ok().map(|number| sign * i128::from(number))
}

pub fn is_identifier(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Line and column of an offset, from 1.
pub fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    (line, column)
}
