//! Which principal a certificate's subject is: the rules of Kafka's setting `ssl.principal.mapping.rules`.

mod pattern;
mod replacement;

use regex::Regex;

use crate::problem::shown;
use replacement::Replacement;

/// Rules that turn the distinguished name of a certificate's subject into a principal's name, in Kafka's syntax: a list of
/// `DEFAULT` and `RULE:pattern/replacement/[L|U]`, of which the first that matches decides.
#[derive(Debug)]
pub struct MappingRules(Vec<MappingRule>);

#[derive(Debug)]
enum MappingRule {
    /// The name is the distinguished name itself.
    Default,
    Pattern(Box<PatternRule>),
}

#[derive(Debug)]
struct PatternRule {
    /// Matches a whole distinguished name that the rule is for.
    whole: Regex,
    /// Finds each piece of it that is replaced.
    piece: Regex,
    replacement: Replacement,
    case: Case,
}

/// The letters of a name.
#[derive(Clone, Copy, Debug)]
enum Case {
    AsIs,
    Lower,
    Upper,
}

/// The most bytes that rules may have.
const RULES_BYTES_MAX: usize = 64 * 1024;

/// The most bytes that a distinguished name may have, and the most that a name may have. A longer one has no name.
const NAME_BYTES_MAX: usize = 16 * 1024;

/// After these a pattern's `.` and `$` would mean different things in Kafka and here.
const LINE_ENDS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// `DEFAULT` alone, as where the setting is not set.
impl Default for MappingRules {
    fn default() -> MappingRules {
        MappingRules(vec![MappingRule::Default])
    }
}

impl MappingRules {
    /// Reads the value of the setting. Rules that Kafka does not take are errors, and so are those that would fail in Kafka whenever
    /// they match, and patterns that need more than time linear in the name's length: groups that look ahead or
    /// behind, possessive quantifiers, references back to a group.
    pub fn parse(text: &str) -> Result<MappingRules, String> {
        if text.len() > RULES_BYTES_MAX {
            return Err(format!("mapping rules have more than {RULES_BYTES_MAX} bytes"));
        }
        let mut rules = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (rule, behind) = first_rule(rest)?;
            rules.extend(rule);
            rest = behind;
        }
        Ok(MappingRules(rules))
    }

    /// The name of the principal that a distinguished name, as RFC 2253 writes it, is mapped to by the first rule that matches.
    ///
    /// None: no rule matches, or the name would be empty, and the certificate proves nothing.
    pub fn name(&self, dn: &str) -> Option<String> {
        if dn.len() > NAME_BYTES_MAX {
            return None;
        }
        let matching = self.0.iter().find(|rule| rule.matches(dn))?;
        matching.apply(dn).filter(|name| !name.is_empty())
    }
}

/// Reads the first item of a list that is not empty. Returns its rule, none for an empty item, and what comes behind its comma.
fn first_rule(list: &str) -> Result<(Option<MappingRule>, &str), String> {
    let Some(rule) = list.strip_prefix("RULE:") else {
        let (item, behind) = list.split_once(',').unwrap_or((list, ""));
        return match item.trim() {
            "" => Ok((None, behind.trim_start())),
            "DEFAULT" => Ok((Some(MappingRule::Default), behind.trim_start())),
            _ => Err(format!(
                "mapping rule {}: expected DEFAULT or RULE:pattern/replacement/",
                shown(item.trim())
            )),
        };
    };
    let slashes = "expected RULE:pattern/replacement/ with both slashes; a slash itself is \\/";
    let refused = |why: &str| format!("mapping rule {}: {why}", shown(list));
    let (pattern, rest) = until_slash(rule).ok_or_else(|| refused(slashes))?;
    let (replacement, rest) = until_slash(rest).ok_or_else(|| refused(slashes))?;
    let (case, rest) = match rest.chars().next() {
        Some('L') => (Case::Lower, &rest[1..]),
        Some('U') => (Case::Upper, &rest[1..]),
        _ => (Case::AsIs, rest),
    };
    let (left, behind) = rest.split_once(',').unwrap_or((rest, ""));
    if !left.trim().is_empty() {
        let left = shown(left.trim());
        return Err(refused(&format!(
            "behind its last slash may be L or U and then a comma, not {left}"
        )));
    }
    let rule = pattern_rule(pattern, replacement, case).map_err(|why| refused(&why))?;
    Ok((Some(MappingRule::Pattern(Box::new(rule))), behind.trim_start()))
}

/// What comes before the first slash that no backslash escapes, and what comes behind it.
fn until_slash(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '/' if !escaped => return Some((&text[..at], &text[at + 1..])),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    None
}

fn pattern_rule(pattern: &str, replacement: &str, case: Case) -> Result<PatternRule, String> {
    let translated = pattern::translated(pattern)?;
    let piece = pattern::compiled(&translated)?;
    let whole = pattern::compiled(&format!("\\A(?:{translated})\\z"))?;
    let replacement = Replacement::parse(replacement, &piece)?;
    Ok(PatternRule { whole, piece, replacement, case })
}

impl MappingRule {
    fn matches(&self, dn: &str) -> bool {
        match self {
            MappingRule::Default => true,
            MappingRule::Pattern(rule) => !dn.contains(LINE_ENDS) && rule.whole.is_match(dn),
        }
    }

    /// The name, or none if it is too long.
    fn apply(&self, dn: &str) -> Option<String> {
        match self {
            MappingRule::Default => Some(dn.into()),
            MappingRule::Pattern(rule) => {
                let name = rule.replaced(dn)?;
                Some(match rule.case {
                    Case::AsIs => name,
                    Case::Lower => name.to_lowercase(),
                    Case::Upper => name.to_uppercase(),
                })
            }
        }
    }
}

impl PatternRule {
    /// The name with each piece that the pattern matches replaced; none if that is too long.
    ///
    /// As in Java, a pattern that can match nothing does so once more behind a match that ends the name: `.*` is replaced twice.
    fn replaced(&self, dn: &str) -> Option<String> {
        let mut name = String::new();
        let mut copied = 0;
        let mut from = 0;
        while from <= dn.len() {
            let Some(found) = self.piece.captures_at(dn, from) else { break };
            let Some(piece) = found.get(0) else { break };
            name.push_str(&dn[copied..piece.start()]);
            self.replacement.append(&found, &mut name);
            if name.len() > NAME_BYTES_MAX {
                return None;
            }
            copied = piece.end();
            from = match piece.is_empty() {
                true => copied + dn[copied..].chars().next().map_or(1, char::len_utf8),
                false => copied,
            };
        }
        name.push_str(&dn[copied..]);
        (name.len() <= NAME_BYTES_MAX).then_some(name)
    }
}

#[cfg(test)]
mod tests;
