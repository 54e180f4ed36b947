//! Options as the canonical text has them: several stand on lines of their own, as do the entries
//! of a map. Source: Confluent `ProtobufSchemaUtils#appendOptions`, `#formatOptionMap`.

use std::fmt::{Display, Formatter, Result, Write};

use super::element::{Opt, Value};
use super::raw_bytes;

/// `name = value`.
pub struct Printed<'o>(pub &'o Opt);

/// ` [name = value]` behind a field, a constant or a range; nothing if there are no options.
pub struct Options<'o>(pub &'o [Opt]);

/// A text between quotes.
pub struct Quoted<'o>(pub &'o str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_char('"')?;
        escape(f, self.0)?;
        f.write_char('"')
    }
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        option(f, self.0, 0)
    }
}

impl Display for Options<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            [] => Ok(()),
            [one] => {
                f.write_str(" [")?;
                option(f, one, 0)?;
                f.write_char(']')
            }
            several => {
                f.write_str(" ")?;
                lines(f, '[', several, ']', 0, |f, one| option(f, one, 1))
            }
        }
    }
}

/// Each thing on a line of its own, one level deeper than what opens and closes.
fn lines<T>(
    f: &mut Formatter<'_>,
    open: char,
    things: &[T],
    close: char,
    depth: usize,
    mut write: impl FnMut(&mut Formatter<'_>, &T) -> Result,
) -> Result {
    writeln!(f, "{open}")?;
    for (i, thing) in things.iter().enumerate() {
        indent(f, depth + 1)?;
        write(f, thing)?;
        f.write_str(if i + 1 < things.len() { ",\n" } else { "\n" })?;
    }
    indent(f, depth)?;
    f.write_char(close)
}

fn indent(f: &mut Formatter<'_>, depth: usize) -> Result {
    (0..depth).try_for_each(|_| f.write_str("  "))
}

fn option(f: &mut Formatter<'_>, option: &Opt, depth: usize) -> Result {
    let mut last = option;
    name(f, last)?;
    while let Value::Part(part) = &last.value {
        last = part;
        f.write_char('.')?;
        name(f, last)?;
    }
    f.write_str(" = ")?;
    match &last.value {
        Value::List(values) if values.len() == 1 => {
            f.write_char('[')?;
            value(f, &values[0], depth)?;
            f.write_char(']')
        }
        other => value(f, other, depth),
    }
}

fn name(f: &mut Formatter<'_>, option: &Opt) -> Result {
    let Opt { name, is_extension, .. } = option;
    if *is_extension { write!(f, "({name})") } else { f.write_str(name) }
}

fn value(f: &mut Formatter<'_>, printed: &Value, depth: usize) -> Result {
    match printed {
        Value::String(text) => write!(f, "{}", Quoted(text)),
        Value::Bool(value) => write!(f, "{value}"),
        Value::Number(text) | Value::Enum(text) => f.write_str(text),
        Value::Part(part) => option(f, part, depth),
        Value::Map(entries) => lines(f, '{', entries, '}', depth, |f, (key, entry)| {
            write!(f, "{key}: ")?;
            value(f, entry, depth + 1)
        }),
        Value::List(values) => lines(f, '[', values, ']', depth, |f, one| value(f, one, depth + 1)),
    }
}

fn escape(f: &mut Formatter<'_>, text: &str) -> Result {
    for character in text.chars() {
        match character {
            '\u{07}' => f.write_str("\\a")?,
            '\u{08}' => f.write_str("\\b")?,
            '\u{0c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{0b}' => f.write_str("\\v")?,
            '\\' => f.write_str("\\\\")?,
            '\'' => f.write_str("\\'")?,
            '"' => f.write_str("\\\"")?,
            other => match raw_bytes::byte(other) {
                Some(byte) => write!(f, "\\{byte:03o}")?,
                None if other.is_ascii_control() => write!(f, "\\{:03o}", u32::from(other))?,
                None => f.write_char(other)?,
            },
        }
    }
    Ok(())
}
