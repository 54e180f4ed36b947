//! `.proto` texts to elements. The reader goes down with what it reads, and not further than
//! [`text::NESTING_MAX`]: no text overflows the machine's stack.
//!
//! It reads what Square Wire reads; what a valid file is beyond its syntax is in `check.rs`.

mod message;
mod option;
pub mod text;

use super::element::{
    Constant, Enum, Extend, FieldType, File, Import, ImportKind, Rpc, Service, Syntax, Type,
};
use super::{ParseError, raw_bytes};
use crate::budget::Budget;
use text::{Result, Text};

/// Bytes of text that are read in the time of a step.
const READ_BYTES_PER_STEP: usize = 8;

/// Reads a whole text.
pub fn read(text: &str, budget: &Budget) -> std::result::Result<File, ParseError> {
    budget.spend(text.len() / READ_BYTES_PER_STEP);
    let mut text = Text::new(text, budget);
    let mut file = File::default();
    let mut first = true;
    while text.peek()?.is_some() {
        if !text.next_is(b';')? {
            declaration(&mut text, &mut file, first)?;
        }
        first = false;
    }
    Ok(file)
}

fn declaration(text: &mut Text, file: &mut File, first: bool) -> Result<()> {
    let at = text.at;
    match text.word()? {
        word @ ("syntax" | "edition") => {
            if !first {
                return text.wrong_at(at, format!("'{word}' must be the first declaration"));
            }
            text.expect(b'=')?;
            file.syntax = Some(syntax(text, word)?);
            text.expect(b';')
        }
        "package" => {
            if file.package.is_some() {
                return text.wrong_at(at, "too many package names");
            }
            file.package_at = at;
            file.package = Some(text.dotted()?);
            text.expect(b';')
        }
        "import" => {
            file.imports.push(import(text)?);
            text.expect(b';')
        }
        "option" => {
            file.options.push(option::option_statement(text)?);
            Ok(())
        }
        "message" => {
            file.types.push(Type::Message(message::message(text, at)?));
            Ok(())
        }
        "enum" => {
            file.types.push(Type::Enum(enumeration(text, at)?));
            Ok(())
        }
        "extend" => {
            file.extends.push(extend(text, at)?);
            Ok(())
        }
        "service" => {
            file.services.push(service(text)?);
            Ok(())
        }
        word => text.wrong_at(at, format!("unexpected label: {word}")),
    }
}

fn syntax(text: &mut Text, word: &str) -> Result<Syntax> {
    let value = text.string()?;
    match (word, value.as_str()) {
        ("syntax", "proto2") => Ok(Syntax::Proto2),
        ("syntax", "proto3") => Ok(Syntax::Proto3),
        ("edition", year) if !year.is_empty() && year.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Syntax::Edition(value))
        }
        _ => text.wrong(format!("unexpected {word}: {value}")),
    }
}

fn import(text: &mut Text) -> Result<Import> {
    let kind = match text.peek()? {
        Some(b'"' | b'\'') => ImportKind::Plain,
        _ => match text.word()? {
            "public" => ImportKind::Public,
            "weak" => ImportKind::Weak,
            word => return text.wrong(format!("expected a file's name but was {word}")),
        },
    };
    let path = text.string()?;
    let is_odd = |c: char| c.is_control() || c == '"' || c == '\\' || raw_bytes::byte(c).is_some();
    if path.is_empty() || path.chars().any(is_odd) {
        return text.wrong("expected a file's name");
    }
    Ok(Import { kind, path })
}

/// Reads what is between braces: `statement` is called for each thing in them.
fn body(text: &mut Text, mut statement: impl FnMut(&mut Text) -> Result<()>) -> Result<()> {
    text.enter()?;
    text.expect(b'{')?;
    while !text.next_is(b'}')? {
        if !text.next_is(b';')? {
            statement(text)?;
        }
    }
    text.leave();
    Ok(())
}

fn enumeration(text: &mut Text, at: usize) -> Result<Enum> {
    let name = text.identifier()?;
    let mut read = Enum { at, name, reserved: vec![], options: vec![], constants: vec![] };
    body(text, |text| {
        text.peek()?;
        let at = text.at;
        match text.word()? {
            "option" if text.peek()? != Some(b'=') => {
                read.options.push(option::option_statement(text)?);
            }
            "reserved" if text.peek()? != Some(b'=') => {
                read.reserved.push(message::reserved(text, i32::MAX)?);
            }
            word if text::is_identifier(word) => {
                text.expect(b'=')?;
                let number = text.integer()?;
                let options = option::bracketed_options(text)?;
                text.expect(b';')?;
                read.constants.push(Constant { at, name: word.to_string(), number, options });
            }
            word => return text.wrong_at(at, format!("expected a name but was {word}")),
        }
        Ok(())
    })?;
    Ok(read)
}

fn extend(text: &mut Text, at: usize) -> Result<Extend> {
    let name = text.dotted()?;
    let mut read = Extend { at, name, fields: vec![], groups: vec![] };
    body(text, |text| {
        match message::field_or_group(text)? {
            message::Member::Field(field) => read.fields.push(field),
            message::Member::Group(group) => read.groups.push(group),
        }
        Ok(())
    })?;
    Ok(read)
}

fn service(text: &mut Text) -> Result<Service> {
    let name = text.identifier()?;
    let mut read = Service { name, options: vec![], rpcs: vec![] };
    body(text, |text| {
        text.peek()?;
        let at = text.at;
        match text.word()? {
            "option" => read.options.push(option::option_statement(text)?),
            "rpc" => read.rpcs.push(rpc(text)?),
            word => return text.wrong_at(at, format!("unexpected label: {word}")),
        }
        Ok(())
    })?;
    Ok(read)
}

fn rpc(text: &mut Text) -> Result<Rpc> {
    let name = text.identifier()?;
    let (request_streams, request) = rpc_type(text)?;
    match text.word()? {
        "returns" => {}
        word => return text.wrong(format!("expected 'returns' but was {word}")),
    }
    let (response_streams, response) = rpc_type(text)?;
    let mut options = Vec::new();
    if text.peek()? == Some(b'{') {
        body(text, |text| match text.word()? {
            "option" => {
                options.push(option::option_statement(text)?);
                Ok(())
            }
            word => text.wrong(format!("expected 'option' but was {word}")),
        })?;
    } else {
        text.expect(b';')?;
    }
    Ok(Rpc { name, request, request_streams, response, response_streams, options })
}

fn rpc_type(text: &mut Text) -> Result<(bool, String)> {
    text.expect(b'(')?;
    let word = text.word()?;
    let streams = word == "stream" && text.peek()? != Some(b')');
    let name = if streams { text.dotted()? } else { text.dotted_from(word)? };
    text.expect(b')')?;
    Ok((streams, name))
}

fn field_type(text: &mut Text, word: &str) -> Result<FieldType> {
    if word != "map" || text.peek()? != Some(b'<') {
        return Ok(FieldType::of_word(text.dotted_from(word)?));
    }
    text.expect(b'<')?;
    let key = FieldType::of_word(text.dotted()?);
    text.expect(b',')?;
    let value = FieldType::of_word(text.dotted()?);
    text.expect(b'>')?;
    Ok(FieldType::Map(Box::new((key, value))))
}
