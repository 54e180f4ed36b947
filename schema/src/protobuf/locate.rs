//! Where in a text a path of a difference leads.

use super::element::{Enum, Field, File, Group, Message, Type};
use super::read::read;
use super::read::text::position;

/// Line and column, from 1, of a path such as `#/MyMessage/3` in a `.proto` text, or of the nearest
/// place above it. A path of nothing but the file is its package, or its beginning. Nothing for a
/// text that is no `.proto`.
pub fn locate(text: &str, path: &str) -> Option<(u32, u32)> {
    let file = read(text).ok()?;
    let (line, column) = position(text, offset(&file, path));
    Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
}

fn offset(file: &File, path: &str) -> usize {
    let mut steps = path.trim_start_matches('#').split('/').filter(|step| !step.is_empty());
    let Some(first) = steps.next() else { return file.package_at };
    let mut place = match file.types.iter().find(|declared| declared.name() == first) {
        Some(Type::Message(message)) => Where::Message(message),
        Some(Type::Enum(enumeration)) => Where::Enum(enumeration),
        None => return file.package_at,
    };
    let mut at = place.at();
    for step in steps {
        let Some(next) = place.step(step) else { return at };
        place = next;
        at = place.at();
    }
    at
}

enum Where<'f> {
    Message(&'f Message),
    Enum(&'f Enum),
    /// A oneof of a message; its fields are found in the message.
    OneOf(&'f Message, usize),
    Leaf(usize),
}

impl<'f> Where<'f> {
    fn at(&self) -> usize {
        match self {
            Where::Message(message) => message.at,
            Where::Enum(enumeration) => enumeration.at,
            Where::OneOf(_, at) | Where::Leaf(at) => *at,
        }
    }

    fn step(&self, name: &str) -> Option<Where<'f>> {
        match self {
            Where::Message(message) => step_in(message, name),
            Where::OneOf(message, _) => member(message, name.parse().ok()?),
            Where::Enum(enumeration) => {
                let number: i32 = name.parse().ok()?;
                let constant = enumeration.constants.iter().find(|c| c.number == number)?;
                Some(Where::Leaf(constant.at))
            }
            Where::Leaf(_) => None,
        }
    }
}

fn step_in<'f>(message: &'f Message, name: &str) -> Option<Where<'f>> {
    if let Ok(number) = name.parse() {
        return member(message, number);
    }
    match message.types.iter().find(|declared| declared.name() == name) {
        Some(Type::Message(nested)) => return Some(Where::Message(nested)),
        Some(Type::Enum(enumeration)) => return Some(Where::Enum(enumeration)),
        None => {}
    }
    let oneof = message.oneofs.iter().find(|oneof| oneof.name == name)?;
    Some(Where::OneOf(message, oneof.at))
}

fn member(message: &Message, number: i32) -> Option<Where<'_>> {
    if let Some(group) = message.all_groups().find(|Group { number: own, .. }| *own == number) {
        return Some(Where::Message(&group.body));
    }
    let field = message.all_fields().find(|Field { number: own, .. }| *own == number)?;
    Some(Where::Leaf(field.at))
}
