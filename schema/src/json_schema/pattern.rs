//! Regular expressions of schemas: whether they are any, and whether they find a name.
//!
//! Both are bounded: the expression's program by [`PROGRAM_BYTES_MAX`], a search by
//! [`BACKTRACK_MAX`] steps. An expression beyond the bounds finds nothing.

use std::collections::HashMap;

use fancy_regex::{Error, Expr, ParseError, Regex, RegexBuilder};

/// Memory of one compiled expression.
const PROGRAM_BYTES_MAX: usize = 64 << 10;

/// Steps of one search in an expression with look-around or back references.
const BACKTRACK_MAX: usize = 10_000;

/// Why `pattern` is no regular expression, if Java would say so too. What only Java knows
/// (`\Q..\E`, its names of classes) is not called wrong.
pub(super) fn error(pattern: &str) -> Option<String> {
    let Err(Error::ParseError(at, kind)) = Expr::parse_tree(pattern) else { return None };
    let reason = match kind {
        ParseError::UnclosedOpenParen => "Unclosed group",
        ParseError::InvalidRepeat => "Illegal repetition",
        ParseError::TargetNotRepeatable => "Dangling meta character",
        ParseError::TrailingBackslash => "Unexpected escape at the end",
        ParseError::InvalidClass => "Unclosed character class",
        ParseError::GeneralParseError(_)
            if pattern.get(at..).is_some_and(|rest| rest.starts_with(')')) =>
        {
            "Unmatched closing ')'"
        }
        _ => return None,
    };
    Some(format!("{reason} near index {at}"))
}

/// Compiled expressions, each compiled once.
#[derive(Default)]
pub(super) struct Patterns {
    compiled: HashMap<String, Option<Regex>>,
}

impl Patterns {
    /// Whether the expression is compiled already: compiling is what costs.
    pub fn knows(&self, pattern: &str) -> bool {
        self.compiled.contains_key(pattern)
    }

    /// Whether `pattern` finds anything in `name`.
    pub fn find(&mut self, pattern: &str, name: &str) -> bool {
        if !self.compiled.contains_key(pattern) {
            self.compiled.insert(pattern.to_string(), compiled(pattern));
        }
        let regex = self.compiled.get(pattern).and_then(Option::as_ref);
        regex.is_some_and(|regex| regex.is_match(name).unwrap_or(false))
    }
}

fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern)
        .delegate_size_limit(PROGRAM_BYTES_MAX)
        .delegate_dfa_size_limit(PROGRAM_BYTES_MAX)
        .backtrack_limit(BACKTRACK_MAX)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_java_refuses_is_an_error_and_what_it_reads_is_none() {
        for wrong in ["(", "a)", "[a", "*a", "a\\"] {
            assert!(error(wrong).is_some(), "{wrong}");
        }
        for right in ["^(?=a)b$", "(a)\\1", "[a-z&&[^b]]", "\\Qa.b\\E", "\\p{IsLatin}", "a{2,3}+"] {
            assert_eq!(error(right), None, "{right}");
        }
    }

    #[test]
    fn a_pattern_finds_anywhere_unless_it_is_anchored() {
        let mut patterns = Patterns::default();
        assert!(patterns.find("I_", "xI_1"));
        assert!(!patterns.find("^I_", "xI_1"));
        assert!(patterns.find("^(?!x_)", "y_1"));
        assert!(!patterns.find("(", "("));
    }

    #[test]
    fn an_expression_that_would_search_forever_finds_nothing() {
        let mut patterns = Patterns::default();
        assert!(!patterns.find("^(?=(a+)+$)(a+)+b\\2$", &"a".repeat(40)));
        assert!(!patterns.find("(\\pL{1000}){1000}", "a"));
    }
}
