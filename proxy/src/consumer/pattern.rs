//! Patterns of topics: Java's syntax, as the reference takes it, matched in time that is linear in a topic's name.
//!
//! Topics have ASCII names, so a pattern is matched byte by byte: what it says of other characters never matches. What a linear
//! engine cannot do is refused by name, and what would take much memory is refused before it is taken.

use std::fmt;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

/// Bytes of a pattern.
const PATTERN_BYTES_MAX: usize = 1000;

/// Bytes of a pattern that is compiled: enough for any of [`PATTERN_BYTES_MAX`] that repeats little, and compiled in about a
/// millisecond.
const COMPILED_BYTES_MAX: usize = 128 << 10;

/// Bytes of the states that are remembered while names are matched: with fewer, some patterns take five times as long.
const CACHE_BYTES_MAX: usize = 2 << 20;

/// Groups and classes in each other.
const NESTED_MAX: u32 = 100;

/// Names of Java's character properties, and the POSIX classes that have the same ASCII characters. Of punctuation, only what names of
/// topics have counts.
const PROPERTIES: &[(&str, &[&str])] = &[
    ("alnum", &["Alnum"]),
    ("alpha", &["Alpha", "L", "IsAlphabetic", "IsLetter"]),
    ("ascii", &["ASCII"]),
    ("blank", &["Blank"]),
    ("cntrl", &["Cntrl"]),
    ("digit", &["Digit", "N", "Nd", "IsDigit"]),
    ("graph", &["Graph"]),
    ("lower", &["Lower", "Ll", "IsLowercase", "javaLowerCase"]),
    ("print", &["Print"]),
    ("punct", &["Punct", "P", "IsPunctuation"]),
    ("space", &["Space", "IsWhite_Space"]),
    ("upper", &["Upper", "Lu", "IsUppercase", "javaUpperCase"]),
    ("xdigit", &["XDigit", "IsHex_Digit"]),
];

/// Matches whole names of topics.
pub(crate) struct TopicPattern {
    /// As the client wrote it.
    text: String,
    regex: Regex,
}

/// A pattern that an instance is subscribed to.
pub(super) struct Followed {
    pub(super) pattern: Arc<TopicPattern>,
    /// The topics that were last compared with the pattern.
    pub(super) compared: Arc<[String]>,
    /// Those of them that match.
    pub(super) matching: Arc<[String]>,
    pub(super) readable: Readable,
}

/// Topics of a pattern, as far as somebody may read them.
pub(super) struct Readable {
    pub(super) topics: Arc<[String]>,
    /// The generation of the rules that say so.
    pub(super) rules: u64,
    /// Some were taken out because they may not be read any more: records of them may wait.
    pub(super) is_narrowed: bool,
}

/// Why a pattern cannot be used.
#[derive(Debug)]
pub(crate) struct BadPattern(String);

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "topic_pattern cannot be used: {}", self.0)
    }
}

impl TopicPattern {
    pub(crate) fn parse(pattern: &str) -> Result<TopicPattern, BadPattern> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(bad(&format!("it has more than {PATTERN_BYTES_MAX} bytes")));
        }
        if pattern.contains('\0') {
            return Err(bad("it has a character that is 0"));
        }
        let compiled = RegexBuilder::new(&translated(pattern)?)
            .unicode(false)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(CACHE_BYTES_MAX)
            .nest_limit(NESTED_MAX)
            .build();
        let named = |regex| TopicPattern { text: pattern.to_string(), regex };
        compiled.map(named).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => bad("it repeats too much"),
            // the last line says why, those before show the pattern
            error => {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default();
                bad(why.trim_start_matches("error: "))
            }
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Those of the topics whose whole names match.
    pub(crate) fn matching(&self, topics: &[String]) -> Arc<[String]> {
        // a clone has a cache of its own, which goes with it: an instance would keep it for nothing
        let regex = self.regex.clone();
        topics.iter().filter(|topic| regex.is_match(topic.as_bytes())).cloned().collect()
    }
}

/// The pattern in the syntax of the `regex` crate, without groups that capture.
fn translated(pattern: &str) -> Result<String, BadPattern> {
    let mut translation =
        Translation { input: pattern, output: String::from(r"\A(?:"), groups: 0, classes: 0 };
    while let Some(next) = translation.take() {
        translation.one(next)?;
    }
    Ok(translation.output + r")\z")
}

struct Translation<'a> {
    /// What is left of the pattern.
    input: &'a str,
    output: String,
    /// Groups that are open.
    groups: usize,
    /// Classes that are open.
    classes: usize,
}

impl<'a> Translation<'a> {
    fn take(&mut self) -> Option<char> {
        let next = self.input.chars().next()?;
        self.input = &self.input[next.len_utf8()..];
        Some(next)
    }

    /// Takes the text if it is next.
    fn takes(&mut self, text: &str) -> bool {
        match self.input.strip_prefix(text) {
            Some(rest) => {
                self.input = rest;
                true
            }
            None => false,
        }
    }

    /// What stands before the next `end`, which is taken too.
    fn until(&mut self, end: &str) -> Option<&'a str> {
        let (before, rest) = self.input.split_once(end)?;
        self.input = rest;
        Some(before)
    }

    fn one(&mut self, next: char) -> Result<(), BadPattern> {
        match next {
            '\\' => return self.escape(),
            '[' => self.class(),
            _ if self.classes > 0 => return self.in_class(next),
            '(' => return self.group(),
            ')' if self.groups == 0 => return Err(bad("a group is closed that is not open")),
            ')' => {
                self.groups -= 1;
                self.output.push(')');
            }
            '*' | '+' | '?' | '{' => return self.quantifier(next),
            '.' | '^' | '$' | '|' => self.output.push(next),
            _ => self.literal(next),
        }
        Ok(())
    }

    fn literal(&mut self, character: char) {
        match character {
            // no topic has such a character; one byte stands for it, which no topic has either
            _ if !character.is_ascii() => self.output.push_str(r"\xFF"),
            '<' | '>' => self.output.push(character),
            _ if character.is_ascii_punctuation() => self.output.extend(['\\', character]),
            _ => self.output.push(character),
        }
    }

    fn escape(&mut self) -> Result<(), BadPattern> {
        let Some(escaped) = self.take() else { return Err(bad("it ends after a \\")) };
        match escaped {
            'Q' => {
                let quoted = match self.until(r"\E") {
                    Some(quoted) => quoted,
                    None => std::mem::take(&mut self.input),
                };
                quoted.chars().for_each(|character| self.literal(character));
            }
            '0' => return Err(unsupported("an octal escape")),
            '1'..='9' | 'k' => return Err(unsupported("a backreference")),
            'p' | 'P' => return self.property(escaped == 'P'),
            'Z' => self.output.push_str(r"\z"),
            'A' | 'B' | 'D' | 'S' | 'W' | 'a' | 'b' | 'd' | 'f' | 'n' | 'r' | 's' | 't' | 'u'
            | 'w' | 'x' | 'z' => self.output.extend(['\\', escaped]),
            _ if escaped.is_ascii_alphanumeric() => {
                return Err(unsupported(&format!("\\{escaped}")));
            }
            _ => self.literal(escaped),
        }
        Ok(())
    }

    fn property(&mut self, negated: bool) -> Result<(), BadPattern> {
        let braced = if self.takes("{") { self.until("}") } else { None };
        let mut letter = [0; 4];
        let name = match braced {
            Some(name) => name,
            None => match self.take() {
                Some(next) => next.encode_utf8(&mut letter),
                None => return Err(bad("a property has no name")),
            },
        };
        let Some((class, _)) = PROPERTIES.iter().find(|(_, names)| names.contains(&name)) else {
            return Err(unsupported(&format!("the property {name}")));
        };
        let not = if negated { "^" } else { "" };
        self.output.push_str(&format!("[[:{not}{class}:]]"));
        Ok(())
    }

    /// After `[`.
    fn class(&mut self) {
        if self.classes > 0 && self.input.starts_with(':') {
            // a POSIX class, which only the engine knows
            if let Some((class, rest)) = self.input.split_once(":]") {
                self.output.push_str(&format!("[{class}:]"));
                self.input = rest;
                return;
            }
        }
        self.classes += 1;
        self.output.push('[');
        if self.takes("^") {
            self.output.push('^');
        }
        if self.takes("]") {
            self.output.push_str(r"\]");
        }
    }

    fn in_class(&mut self, next: char) -> Result<(), BadPattern> {
        match next {
            ']' => {
                self.classes -= 1;
                self.output.push(']');
            }
            '&' if self.takes("&") => self.output.push_str("&&"),
            // the engine would take it for a difference
            '-' if self.input.starts_with('-') => return Err(unsupported("-- in a class")),
            '-' => self.output.push('-'),
            _ => self.literal(next),
        }
        Ok(())
    }

    /// After `(`.
    fn group(&mut self) -> Result<(), BadPattern> {
        let lookarounds = ["?=", "?!", "?<=", "?<!"];
        if lookarounds.iter().any(|start| self.input.starts_with(start)) {
            return Err(unsupported("lookaround"));
        }
        if self.input.starts_with("?>") {
            return Err(unsupported("an atomic group"));
        }
        if self.takes("?<") {
            if self.until(">").is_none() {
                return Err(bad("a group's name does not end"));
            }
        } else if self.takes("?") {
            self.output.push_str("(?");
            return self.flags();
        }
        self.output.push_str("(?:");
        self.groups += 1;
        Ok(())
    }

    /// After `(?`: flags for the rest of the group, or for a group of their own.
    fn flags(&mut self) -> Result<(), BadPattern> {
        while let Some(flag) = self.take() {
            match flag {
                'i' | 'm' | 's' | '-' => self.output.push(flag),
                ')' | ':' => {
                    self.groups += usize::from(flag == ':');
                    self.output.push(flag);
                    return Ok(());
                }
                _ => return Err(unsupported(&format!("(?{flag}"))),
            }
        }
        Err(bad("a group is not closed"))
    }

    /// Which of the ways to match is tried first does not matter to whether there is one.
    fn quantifier(&mut self, first: char) -> Result<(), BadPattern> {
        self.output.push(first);
        if first == '{' {
            let Some(counts) = self.until("}") else { return Err(bad("a { is not closed")) };
            if !counts.chars().all(|c| c.is_ascii_digit() || c == ',') {
                return Err(bad("what stands between { and } is no number"));
            }
            self.output.push_str(counts);
            self.output.push('}');
        }
        if self.input.starts_with('+') {
            return Err(unsupported("a possessive quantifier"));
        }
        self.takes("?");
        match self.input.chars().next() {
            Some('*' | '+' | '?' | '{') => Err(bad("a quantifier follows a quantifier")),
            _ => Ok(()),
        }
    }
}

fn bad(why: &str) -> BadPattern {
    BadPattern(why.to_string())
}

fn unsupported(what: &str) -> BadPattern {
    BadPattern(format!("{what} is not supported"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_syntax_matches_whole_names() {
        for (pattern, matching, others) in [
            (
                "stocks-(nasdaq|nyse)",
                &["stocks-nasdaq", "stocks-nyse"][..],
                &["stocks-nyse-old"][..],
            ),
            ("a|b.*", &["a", "bc"], &["ac", "xa"]),
            (r"\Qa.b\E.*", &["a.b", "a.bc"], &["axb"]),
            (r"\Qa.b", &["a.b"], &["axb"]),
            (r"(?i)stocks\.\d{2,3}", &["STOCKS.12"], &["stocks.1", "stocksx12"]),
            ("(?i:a)b", &["Ab"], &["AB"]),
            (r"(?<year>\d+)-\w+?", &["2026-x"], &["x-2026"]),
            (r"\p{Lower}+\P{Alpha}\pL", &["abc-D"], &["abcxD", "ABC-D"]),
            ("[a-z&&[^bc]]+", &["ad"], &["ab"]),
            ("[[:digit:]_-]+", &["1-2_3"], &["a"]),
            ("[]a]+|[^]a]", &["a", "b"], &["ab"]),
            ("^a$", &["a"], &["ab"]),
            ("ä?x[ö-ü]?", &["x"], &["ax"]),
            ("[^ä]", &["x"], &[]),
            ("a??b*?c+?", &["ac", "bbcc"], &["aac"]),
            (r"a\<|\<a\-\_", &[], &["a"]),
            ("", &[], &["a"]),
        ] {
            let parsed = TopicPattern::parse(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
            let topics: Vec<String> =
                [matching, others].concat().iter().map(|t| t.to_string()).collect();
            assert_eq!(*parsed.matching(&topics), topics[..matching.len()], "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_matched_in_linear_time_is_named() {
        for (pattern, named) in [
            ("(?=a)b", "lookaround"),
            ("a(?<!b)", "lookaround"),
            (r"(a)\1", "a backreference"),
            (r"(?<x>a)\k<x>", "a backreference"),
            ("a*+", "a possessive quantifier"),
            ("a{1,2}+b", "a possessive quantifier"),
            ("(?>a)", "an atomic group"),
            ("(?x)a", "(?x"),
            (r"\p{IsGreek}", "the property IsGreek"),
            (r"\R", r"\R"),
            ("[a--b]", "-- in a class"),
        ] {
            let error = TopicPattern::parse(pattern).err().unwrap_or_else(|| panic!("{pattern}"));
            assert_eq!(
                error.to_string(),
                format!("topic_pattern cannot be used: {named} is not supported")
            );
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "a)|(b", "(", ")", "[", "[a", "*", "a**", "a{", "a{x}", r"a\", r"\p", r"\p{", "(?",
            "(?<a", "[b-a]",
        ] {
            assert!(TopicPattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
