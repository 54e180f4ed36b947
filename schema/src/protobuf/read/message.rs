//! Messages: fields, oneofs, groups, ranges.

use super::super::element::{
    Extensions, Field, FieldType, Group, Label, Message, NUMBER_MAX, NumberRange, OneOf, Opt,
    Reserved, Type, Value,
};
use super::option::{bracketed_options, option_statement};
use super::text::{Result, Text};
use super::{body, enumeration, extend, field_type};

pub enum Member {
    Field(Field),
    Group(Group),
}

/// `message Name { ... }`, whose first word is read.
pub fn message(text: &mut Text, at: usize) -> Result<Message> {
    let name = text.identifier()?;
    message_body(text, at, name)
}

fn message_body(text: &mut Text, at: usize, name: String) -> Result<Message> {
    let mut read = Message { at, name, ..Message::default() };
    body(text, |text| statement(text, &mut read))?;
    Ok(read)
}

fn statement(text: &mut Text, read: &mut Message) -> Result<()> {
    text.peek()?;
    let at = text.at;
    match text.word()? {
        "message" => read.types.push(Type::Message(message(text, at)?)),
        "enum" => read.types.push(Type::Enum(enumeration(text, at)?)),
        "extend" => read.extends.push(extend(text, at)?),
        "option" => read.options.push(option_statement(text)?),
        "oneof" => read.oneofs.push(oneof(text, at)?),
        "reserved" => read.reserved.push(reserved(text, NUMBER_MAX)?),
        "extensions" => read.extensions.push(extensions(text, at)?),
        _ => {
            text.at = at;
            match field_or_group(text)? {
                Member::Field(field) => read.fields.push(field),
                Member::Group(group) => read.groups.push(group),
            }
        }
    }
    Ok(())
}

/// A field with or without a label, or a group.
pub fn field_or_group(text: &mut Text) -> Result<Member> {
    text.peek()?;
    let at = text.at;
    let word = text.word()?;
    let label = match word {
        "optional" => Some(Label::Optional),
        "required" => Some(Label::Required),
        "repeated" => Some(Label::Repeated),
        _ => None,
    };
    let word = if label.is_some() { text.word()? } else { word };
    if word == "group" {
        return Ok(Member::Group(group(text, at, label)?));
    }
    let kind = field_type(text, word)?;
    if label.is_some() && matches!(kind, FieldType::Map(_)) {
        return text.wrong_at(at, "'map' type cannot have label");
    }
    Ok(Member::Field(field(text, at, label, kind)?))
}

fn field(text: &mut Text, at: usize, label: Option<Label>, kind: FieldType) -> Result<Field> {
    let name = text.identifier()?;
    text.expect(b'=')?;
    let number = text.integer()?;
    let mut options = bracketed_options(text)?;
    text.expect(b';')?;
    let default = special(&mut options, "default");
    let json_name = match special(&mut options, "json_name") {
        None => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return text.wrong_at(at, "'json_name' is a string"),
    };
    Ok(Field { at, label, kind, name, number, default, json_name, options })
}

/// `default` and `json_name` stand among a field's options but are none.
fn special(options: &mut Vec<Opt>, name: &str) -> Option<Value> {
    let place = options.iter().position(|option| option.name == name && !option.is_extension)?;
    Some(options.remove(place).value)
}

fn group(text: &mut Text, at: usize, label: Option<Label>) -> Result<Group> {
    let name = text.identifier()?;
    text.expect(b'=')?;
    let number = text.integer()?;
    let options = bracketed_options(text)?;
    Ok(Group { label, number, options, body: message_body(text, at, name)? })
}

fn oneof(text: &mut Text, at: usize) -> Result<OneOf> {
    let name = text.identifier()?;
    let mut read = OneOf { at, name, options: vec![], fields: vec![], groups: vec![] };
    body(text, |text| {
        text.peek()?;
        let at = text.at;
        if text.word()? == "option" {
            read.options.push(option_statement(text)?);
            return Ok(());
        }
        text.at = at;
        match field_or_group(text)? {
            Member::Field(Field { label: Some(_), .. })
            | Member::Group(Group { label: Some(_), .. }) => {
                return text.wrong_at(at, "fields of a oneof have no label");
            }
            Member::Field(field) => read.fields.push(field),
            Member::Group(group) => read.groups.push(group),
        }
        Ok(())
    })?;
    Ok(read)
}

/// `reserved 1, 3 to 5, "name";`, whose first word is read. In editions names have no quotes.
pub fn reserved(text: &mut Text, max: i32) -> Result<Vec<Reserved>> {
    let mut values = Vec::new();
    loop {
        let value = match text.peek()? {
            Some(b'"' | b'\'') => Reserved::Name(text.string()?),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => Reserved::Name(text.identifier()?),
            _ => Reserved::Numbers(range(text, max)?),
        };
        values.push(value);
        if text.next_is(b';')? {
            return Ok(values);
        }
        text.expect(b',')?;
    }
}

fn extensions(text: &mut Text, at: usize) -> Result<Extensions> {
    let mut ranges = vec![range(text, NUMBER_MAX)?];
    while text.next_is(b',')? {
        ranges.push(range(text, NUMBER_MAX)?);
    }
    let options = bracketed_options(text)?;
    text.expect(b';')?;
    Ok(Extensions { at, ranges, options })
}

fn range(text: &mut Text, max: i32) -> Result<NumberRange> {
    let first = text.integer()?;
    if matches!(text.peek()?, Some(b',' | b';' | b'[')) {
        return Ok(NumberRange::new(first, first));
    }
    match text.word()? {
        "to" => {}
        word => return text.wrong(format!("expected ',', ';', or 'to' but was {word}")),
    }
    let at = text.at;
    let last = if text.word()? == "max" {
        max
    } else {
        text.at = at;
        text.integer()?
    };
    Ok(NumberRange { first, last, has_both_ends: true })
}
