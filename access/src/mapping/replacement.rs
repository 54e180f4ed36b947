//! The replacement of a mapping rule: text in which `$1` stands for a group of the pattern.

use regex::{Captures, Regex};

/// The replacement of a mapping rule, ready to be filled in.
#[derive(Debug)]
pub(super) struct Replacement(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(char),
    Group(usize),
}

impl Replacement {
    /// Reads the replacement of a rule with this pattern: `\c` is the character itself, `$1` and `${name}` are groups. The number
    /// of a group has as many digits as there is a group for, and one that is beyond all groups is text.
    pub(super) fn parse(text: &str, pattern: &Regex) -> Result<Replacement, String> {
        let mut parts = Vec::new();
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                // the rule has been cut at a slash, so that something follows
                '\\' => parts.extend(rest.next().map(Part::Text)),
                '$' => {
                    let (part, behind) = reference(rest.as_str(), pattern)?;
                    parts.push(part);
                    rest = behind.chars();
                }
                _ => parts.push(Part::Text(character)),
            }
        }
        Ok(Replacement(parts))
    }

    /// Appends the replacement of what has been found. A group that took no part is empty.
    pub(super) fn append(&self, found: &Captures<'_>, name: &mut String) {
        for part in &self.0 {
            match part {
                Part::Text(character) => name.push(*character),
                Part::Group(group) => {
                    name.push_str(found.get(*group).map_or("", |group| group.as_str()));
                }
            }
        }
    }
}

/// What comes behind a `$`: the group that it means, and the rest of the text.
fn reference<'t>(text: &'t str, pattern: &Regex) -> Result<(Part, &'t str), String> {
    let groups = pattern.captures_len() - 1;
    if let Some(named) = text.strip_prefix('{') {
        let (name, behind) = named.split_once('}').ok_or("${ has no }")?;
        let group = pattern.capture_names().position(|group| group == Some(name));
        let group = group.ok_or_else(|| format!("${{{name}}} is no group of the pattern"))?;
        return Ok((Part::Group(group), behind));
    }
    let Some(first) = text.chars().next().and_then(|digit| digit.to_digit(10)) else {
        return Err("behind $ is the number of a group; a dollar itself is \\$".into());
    };
    let mut group = first as usize;
    if group > groups {
        return match groups {
            0 => Err(format!("${first} needs a group in the pattern, as in CN=(.*)")),
            _ => Ok((Part::Text('$'), text)),
        };
    }
    let mut behind = &text[1..];
    while let Some(digit) = behind.chars().next().and_then(|digit| digit.to_digit(10)) {
        let longer = group * 10 + digit as usize;
        if longer > groups {
            break;
        }
        group = longer;
        behind = &behind[1..];
    }
    Ok((Part::Group(group), behind))
}
