//! Options and their values. Source: Square Wire's `OptionReader`.

use super::super::element::{Opt, Value};
use super::text::{NAME_PARTS_MAX, Result, Text};

/// `[a = 1, (b).c = "d"]`, or nothing.
pub fn bracketed_options(text: &mut Text) -> Result<Vec<Opt>> {
    let mut options = Vec::new();
    if !text.next_is(b'[')? {
        return Ok(options);
    }
    loop {
        options.push(option(text)?);
        if text.next_is(b']')? {
            return Ok(options);
        }
        text.expect(b',')?;
    }
}

/// `option a = 1;`, whose first word is read.
pub fn option_statement(text: &mut Text) -> Result<Opt> {
    let option = option(text)?;
    text.expect(b';')?;
    Ok(option)
}

fn option(text: &mut Text) -> Result<Opt> {
    let mut names: Vec<(String, bool)> = Vec::new();
    let mut joined = true; // whether a dot stands before what comes, or nothing at all
    while joined || text.peek()? != Some(b'=') {
        if joined && text.next_is(b'(')? {
            names.push((text.dotted()?, true));
            text.expect(b')')?;
            joined = false;
            if names.len() > NAME_PARTS_MAX {
                return too_long(text);
            }
            continue;
        }
        let word = text.word()?;
        let tail = if joined { word } else { word.strip_prefix('.').unwrap_or("") };
        let open = tail.strip_suffix('.').unwrap_or(tail);
        if open.is_empty() && word != "." {
            return text.wrong("expected '='");
        }
        if !open.is_empty() {
            text.check_dotted(open)?;
            part_names(&mut names, open);
        }
        if names.len() > NAME_PARTS_MAX {
            return too_long(text);
        }
        joined = word.ends_with('.');
        if text.peek()? == Some(b'=') {
            break;
        }
    }
    if joined || names.is_empty() {
        return text.wrong("expected a name");
    }
    text.expect(b'=')?;
    let mut value = value(text)?;
    while names.len() > 1 {
        let (name, is_extension) = names.pop().expect("there are several");
        value = Value::Part(Box::new(Opt { name, is_extension, value }));
    }
    let (name, is_extension) = names.pop().expect("the loop reads one at least");
    Ok(Opt { name, is_extension, value })
}

fn too_long<T>(text: &Text) -> Result<T> {
    text.wrong(format!("a name has at most {NAME_PARTS_MAX} parts"))
}

/// Dots part the names behind an extension; a plain option keeps its dots, as in Wire.
fn part_names(names: &mut Vec<(String, bool)>, word: &str) {
    match &mut names[..] {
        [] => names.push((word.to_string(), false)),
        [(plain, false)] => {
            plain.push('.');
            plain.push_str(word);
        }
        _ => names.extend(word.split('.').map(|part| (part.to_string(), false))),
    }
}

fn value(text: &mut Text) -> Result<Value> {
    match text.peek()? {
        Some(b'{') => map(text, b'{', b'}'),
        Some(b'<') => map(text, b'<', b'>'),
        Some(b'[') => list(text),
        Some(b'"' | b'\'') => Ok(Value::String(text.string()?)),
        Some(b'0'..=b'9' | b'-' | b'.') => Ok(Value::Number(text.number()?)),
        _ => Ok(match text.word()? {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            word => Value::Enum(word.to_string()),
        }),
    }
}

fn list(text: &mut Text) -> Result<Value> {
    text.enter()?;
    text.expect(b'[')?;
    let mut values = Vec::new();
    while !text.next_is(b']')? {
        values.push(value(text)?);
        if !text.next_is(b',')? && text.peek()? != Some(b']') {
            return text.wrong("expected ',' or ']'");
        }
    }
    text.leave();
    Ok(Value::List(values))
}

fn map(text: &mut Text, open: u8, close: u8) -> Result<Value> {
    text.enter()?;
    text.expect(open)?;
    let mut entries = Entries::default();
    while !text.next_is(close)? {
        let key = match text.peek()? {
            Some(b'[') => format!("[{}]", text.bracketed()?),
            _ => text.identifier()?,
        };
        let nested = matches!(text.peek()?, Some(b'{' | b'<'));
        if !text.next_is(b':')? && !nested {
            return text.wrong("expected ':'");
        }
        let value = value(text)?;
        entries.add(key, value);
        let _ = text.next_is(b',')? || text.next_is(b';')?;
    }
    text.leave();
    Ok(Value::Map(entries.list))
}

/// The entries of a map in order; what a key has twice becomes a list.
#[derive(Default)]
struct Entries {
    list: Vec<(String, Value)>,
    places: std::collections::HashMap<String, usize>,
}

impl Entries {
    fn add(&mut self, key: String, value: Value) {
        let Some(place) = self.places.get(&key) else {
            self.places.insert(key.clone(), self.list.len());
            self.list.push((key, value));
            return;
        };
        let before = &mut self.list[*place].1;
        if !matches!(before, Value::List(_)) {
            let first = std::mem::replace(before, Value::List(Vec::new()));
            *before = Value::List(vec![first]);
        }
        if let Value::List(values) = before {
            match value {
                Value::List(more) => values.extend(more),
                one => values.push(one),
            }
        }
    }
}
