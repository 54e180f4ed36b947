//! Regular expressions of schemas: whether they are any, and whether they find a name.
//!
//! Both are bounded: the expression's program by [`PROGRAM_BYTES_MAX`], a search by
//! [`BACKTRACK_MAX`] steps. An expression beyond the bounds finds nothing.

use std::collections::HashMap;

use fancy_regex::{Error, Expr, ParseError, Regex, RegexBuilder, RuntimeError};

use crate::budget::Budget;

/// Memory of one compiled expression.
const PROGRAM_BYTES_MAX: usize = 64 << 10;

/// Steps of one search in an expression with look-around or back references.
const BACKTRACK_MAX: usize = 10_000;

/// Steps of the first search, which is enough for most. Another one costs [`LONG_SEARCH_STEPS`].
const SHORT_BACKTRACK_MAX: usize = 200;

/// What a search by [`BACKTRACK_MAX`] costs a budget.
const LONG_SEARCH_STEPS: usize = 2_000;

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
    compiled: HashMap<String, Option<Compiled>>,
}

/// An expression by how long it may search.
enum Compiled {
    Short(Regex),
    Long(Regex),
}

impl Patterns {
    /// Whether the expression is compiled already: compiling is what costs.
    pub fn knows(&self, pattern: &str) -> bool {
        self.compiled.contains_key(pattern)
    }

    /// Whether `pattern` finds anything in `name`.
    pub fn find(&mut self, pattern: &str, name: &str, budget: &Budget) -> bool {
        if !self.compiled.contains_key(pattern) {
            budget.hold(2 * PROGRAM_BYTES_MAX + pattern.len());
            let compiled = compiled(pattern, SHORT_BACKTRACK_MAX).map(Compiled::Short);
            self.compiled.insert(pattern.to_string(), compiled);
        }
        let Some(Some(regex)) = self.compiled.get_mut(pattern) else { return false };
        if let Compiled::Short(short) = regex {
            match short.is_match(name) {
                Err(Error::RuntimeError(RuntimeError::BacktrackLimitExceeded)) => {}
                found => return found.unwrap_or(false),
            }
            let Some(long) = compiled(pattern, BACKTRACK_MAX) else { return false };
            budget.hold(2 * PROGRAM_BYTES_MAX);
            *regex = Compiled::Long(long);
        }
        let Compiled::Long(long) = regex else { return false };
        budget.spend(LONG_SEARCH_STEPS) && long.is_match(name).unwrap_or(false)
    }
}

fn compiled(pattern: &str, backtrack_max: usize) -> Option<Regex> {
    RegexBuilder::new(pattern)
        .delegate_size_limit(PROGRAM_BYTES_MAX)
        .delegate_dfa_size_limit(PROGRAM_BYTES_MAX)
        .backtrack_limit(backtrack_max)
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
        let (mut patterns, budget) = (Patterns::default(), Budget::default());
        assert!(patterns.find("I_", "xI_1", &budget));
        assert!(!patterns.find("^I_", "xI_1", &budget));
        assert!(patterns.find("^(?!x_)", "y_1", &budget));
        assert!(!patterns.find("(", "(", &budget));
    }

    #[test]
    fn an_expression_that_would_search_forever_finds_nothing() {
        let (mut patterns, budget) = (Patterns::default(), Budget::default());
        assert!(!patterns.find("^(?=(a+)+$)(a+)+b\\2$", &"a".repeat(40), &budget));
        assert!(!patterns.find("(\\pL{1000}){1000}", "a", &budget));
    }
}
