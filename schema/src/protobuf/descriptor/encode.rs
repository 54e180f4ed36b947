//! A file as a `FileDescriptorProto`, with names resolved and options interpreted, in the bytes in
//! which protoc writes it but for `json_name`, which is there only where the author said it.

use super::super::element::{
    Enum, Extend, Extensions, Field, FieldType, File, Group, Import, ImportKind, Label, Message,
    NumberRange, Opt, Reserved, Rpc, Service, Syntax, Type,
};
use super::super::names::{Declared, Names};
use super::default::default_text;
use super::members::{MemberKind, Synthetic, members};
use super::options;
use super::wire::Writer;

/// Encodes a file under a name. Imports that `has` does not know are left out, as in Confluent's
/// registry, which takes schemas whose imports nobody gave it.
pub fn encode(
    file: &File,
    name: &str,
    names: &Names,
    has: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, String> {
    let encoder = Encoder { file, names };
    let imports: Vec<&Import> = file.imports.iter().filter(|import| has(&import.path)).collect();
    let mut out = Writer::default();
    out.text(1, name);
    if let Some(package) = &file.package {
        out.text(2, package);
    }
    imports.iter().for_each(|import| out.text(3, &import.path));
    let made = encoder.groups(&file.extends, file.package())?;
    encoder.types(&mut out, &file.types, (4, 5), file.package(), made)?;
    for service in &file.services {
        out.data(6, &encoder.service(service)?);
    }
    let mut extends: Vec<&Extend> = file.extends.iter().collect();
    extends.sort_by_key(|extend| extend.at);
    encoder.extends(&mut out, 7, &extends, file.package())?;
    encoder.options(&mut out, 8, &file.options, "FileOptions", file.package());
    for (number, kind) in [(10, ImportKind::Public), (11, ImportKind::Weak)] {
        let places = imports.iter().enumerate().filter(|(_, import)| import.kind == kind);
        places.for_each(|(place, _)| out.int(number, place as i32));
    }
    match &file.syntax {
        Some(Syntax::Proto3) => out.text(12, "proto3"),
        Some(Syntax::Edition(year)) => {
            out.text(12, "editions");
            out.int(14, year.parse().map_or(0, |year: i32| year.saturating_sub(1023)));
        }
        _ => {}
    }
    Ok(out.bytes)
}

struct Encoder<'s> {
    file: &'s File,
    names: &'s Names<'s>,
}

type Bytes = Result<Vec<u8>, String>;

impl<'s> Encoder<'s> {
    fn options(&self, out: &mut Writer, number: i32, given: &[Opt], kind: &str, scope: &str) {
        if !given.is_empty() {
            let message = format!("google.protobuf.{kind}");
            out.data(number, &options::encode(given, &message, scope, self.names));
        }
    }

    /// Messages and enums under their two numbers. `made` are messages that fields stand for, each
    /// with its place.
    fn types(
        &self,
        out: &mut Writer,
        types: &[Type],
        numbers: (i32, i32),
        scope: &str,
        mut made: Vec<(usize, Vec<u8>)>,
    ) -> Result<(), String> {
        for message in types.iter().filter_map(Type::message) {
            made.push((message.at, self.message(message, scope)?));
        }
        made.sort_by_key(|(at, _)| *at);
        made.iter().for_each(|(_, bytes)| out.data(numbers.0, bytes));
        for declared in types {
            if let Type::Enum(enumeration) = declared {
                out.data(numbers.1, &self.enumeration(enumeration, scope));
            }
        }
        Ok(())
    }

    fn message(&self, message: &Message, scope: &str) -> Bytes {
        let name = self.names.joined(scope, &message.name);
        let mut out = Writer::default();
        out.text(1, &message.name);
        let mut made = Vec::new();
        let mut synthetic = Synthetic::of(message, self.file.is_proto3());
        for member in members(message) {
            let oneof = member.oneof.or_else(|| synthetic.place(&member));
            match member.kind {
                MemberKind::Field(field) => {
                    if let FieldType::Map(pair) = &field.kind {
                        made.push((field.at, self.map_entry(field, pair, &name)?));
                    }
                    out.data(2, &self.field(field, None, oneof, &name)?);
                }
                MemberKind::Group(group) => {
                    made.push((group.body.at, self.message(&group.body, &name)?));
                    out.data(2, &self.group(group, None, oneof, &name)?);
                }
            }
        }
        made.extend(self.groups(&message.extends, &name)?);
        self.types(&mut out, &message.types, (3, 4), &name, made)?;
        for extensions in &message.extensions {
            self.extensions(&mut out, extensions, &name);
        }
        let mut extends: Vec<&Extend> = message.extends.iter().collect();
        extends.sort_by_key(|extend| extend.at);
        self.extends(&mut out, 6, &extends, &name)?;
        self.options(&mut out, 7, &message.options, "MessageOptions", &name);
        for oneof in &message.oneofs {
            let mut inner = Writer::default();
            inner.text(1, &oneof.name);
            self.options(&mut inner, 2, &oneof.options, "OneofOptions", &name);
            out.data(8, &inner.bytes);
        }
        for oneof in &synthetic.names {
            let mut inner = Writer::default();
            inner.text(1, oneof);
            out.data(8, &inner.bytes);
        }
        reserved(&mut out, (9, 10), &message.reserved, 1);
        Ok(out.bytes)
    }

    /// The messages of groups that are extensions, each with its place.
    fn groups(&self, extends: &[Extend], scope: &str) -> Result<Vec<(usize, Vec<u8>)>, String> {
        let groups = extends.iter().flat_map(|extend| &extend.groups);
        groups.map(|group| Ok((group.body.at, self.message(&group.body, scope)?))).collect()
    }

    fn extensions(&self, out: &mut Writer, extensions: &Extensions, scope: &str) {
        for NumberRange { first, last, .. } in &extensions.ranges {
            let mut inner = Writer::default();
            inner.int(1, *first);
            inner.int(2, last.saturating_add(1));
            self.options(&mut inner, 3, &extensions.options, "ExtensionRangeOptions", scope);
            out.data(5, &inner.bytes);
        }
    }

    fn extends(
        &self,
        out: &mut Writer,
        number: i32,
        extends: &[&Extend],
        scope: &str,
    ) -> Result<(), String> {
        for extend in extends {
            let extendee = format!(".{}", self.resolved(&extend.name, scope)?);
            for field in &extend.fields {
                out.data(number, &self.field(field, Some(&extendee), None, scope)?);
            }
            for group in &extend.groups {
                out.data(number, &self.group(group, Some(&extendee), None, scope)?);
            }
        }
        Ok(())
    }

    fn resolved(&self, name: &str, scope: &str) -> Result<String, String> {
        let full = self.names.resolve(name, scope);
        full.as_ref().map(|full| self.names.budget.hold(full.len()));
        full.ok_or_else(|| format!("Could not resolve type: {name}"))
    }

    fn field(
        &self,
        field: &Field,
        extendee: Option<&str>,
        oneof: Option<usize>,
        scope: &str,
    ) -> Bytes {
        let (type_number, type_name, label) = match &field.kind {
            FieldType::Map(_) => {
                let entry = self.names.joined(scope, &map_entry_name(&field.name));
                (11, Some(format!(".{entry}")), Label::Repeated)
            }
            kind => {
                let (number, name) = self.type_of(kind, scope)?;
                (number, name, field.label.unwrap_or(Label::Optional))
            }
        };
        let mut out = Writer::default();
        out.text(1, &field.name);
        extendee.iter().for_each(|extendee| out.text(2, extendee));
        out.int(3, field.number);
        out.int(4, label_number(label));
        out.int(5, type_number);
        type_name.iter().for_each(|name| out.text(6, name));
        if let Some(default) = &field.default {
            out.text(7, &default_text(default, &field.kind));
        }
        self.options(&mut out, 8, &field.options, "FieldOptions", scope);
        oneof.iter().for_each(|place| out.int(9, *place as i32));
        field.json_name.iter().for_each(|name| out.text(10, name));
        out.flag(17, self.file.is_proto3() && field.label == Some(Label::Optional));
        Ok(out.bytes)
    }

    fn group(
        &self,
        group: &Group,
        extendee: Option<&str>,
        oneof: Option<usize>,
        scope: &str,
    ) -> Bytes {
        let mut out = Writer::default();
        out.text(1, &group.body.name.to_ascii_lowercase());
        extendee.iter().for_each(|extendee| out.text(2, extendee));
        out.int(3, group.number);
        out.int(4, label_number(group.label.unwrap_or(Label::Optional)));
        out.int(5, 10);
        out.text(6, &format!(".{}", self.names.joined(scope, &group.body.name)));
        self.options(&mut out, 8, &group.options, "FieldOptions", scope);
        oneof.iter().for_each(|place| out.int(9, *place as i32));
        Ok(out.bytes)
    }

    /// A field's `Type`, and its full name if it has one.
    fn type_of(&self, kind: &FieldType, scope: &str) -> Result<(i32, Option<String>), String> {
        match kind {
            FieldType::Scalar(name) => Ok((scalar_number(name), None)),
            FieldType::Map(_) => Err("a map holds no maps".to_string()),
            FieldType::Named(name) => {
                let full = self.resolved(name, scope)?;
                let number = match self.names.get(&full).map(|named| named.declared) {
                    Some(Declared::Enum(_)) => 14,
                    _ => 11,
                };
                Ok((number, Some(format!(".{full}"))))
            }
        }
    }

    fn map_entry(&self, field: &Field, pair: &(FieldType, FieldType), scope: &str) -> Bytes {
        let mut out = Writer::default();
        out.text(1, &map_entry_name(&field.name));
        for (name, number, kind) in [("key", 1, &pair.0), ("value", 2, &pair.1)] {
            let (type_number, type_name) = self.type_of(kind, scope)?;
            let mut inner = Writer::default();
            inner.text(1, name);
            inner.int(3, number);
            inner.int(4, label_number(Label::Optional));
            inner.int(5, type_number);
            type_name.iter().for_each(|name| inner.text(6, name));
            out.data(2, &inner.bytes);
        }
        let mut options = Writer::default();
        options.flag(7, true);
        out.data(7, &options.bytes);
        Ok(out.bytes)
    }

    fn enumeration(&self, enumeration: &Enum, scope: &str) -> Vec<u8> {
        let name = self.names.joined(scope, &enumeration.name);
        let mut out = Writer::default();
        out.text(1, &enumeration.name);
        for constant in &enumeration.constants {
            let mut inner = Writer::default();
            inner.text(1, &constant.name);
            inner.int(2, constant.number);
            self.options(&mut inner, 3, &constant.options, "EnumValueOptions", &name);
            out.data(2, &inner.bytes);
        }
        self.options(&mut out, 3, &enumeration.options, "EnumOptions", &name);
        reserved(&mut out, (4, 5), &enumeration.reserved, 0);
        out.bytes
    }

    fn service(&self, service: &Service) -> Bytes {
        let scope = self.names.joined(self.file.package(), &service.name);
        let mut out = Writer::default();
        out.text(1, &service.name);
        for rpc in &service.rpcs {
            out.data(2, &self.rpc(rpc, &scope)?);
        }
        self.options(&mut out, 3, &service.options, "ServiceOptions", &scope);
        Ok(out.bytes)
    }

    fn rpc(&self, rpc: &Rpc, scope: &str) -> Bytes {
        let mut out = Writer::default();
        out.text(1, &rpc.name);
        out.text(2, &format!(".{}", self.resolved(&rpc.request, scope)?));
        out.text(3, &format!(".{}", self.resolved(&rpc.response, scope)?));
        self.options(&mut out, 4, &rpc.options, "MethodOptions", scope);
        out.flag(5, rpc.request_streams);
        out.flag(6, rpc.response_streams);
        Ok(out.bytes)
    }
}

/// `past` is what a range's end exceeds its last number by: one in messages, nothing in enums.
fn reserved(out: &mut Writer, numbers: (i32, i32), reserved: &[Vec<Reserved>], past: i32) {
    for value in reserved.iter().flatten() {
        match value {
            Reserved::Numbers(NumberRange { first, last, .. }) => {
                let mut inner = Writer::default();
                inner.int(1, *first);
                inner.int(2, last.saturating_add(past));
                out.data(numbers.0, &inner.bytes);
            }
            Reserved::Name(name) => out.text(numbers.1, name),
        }
    }
}

/// `foo_bar` has the entry message `FooBarEntry`.
pub fn map_entry_name(field: &str) -> String {
    let mut name = String::with_capacity(field.len() + 5);
    let mut capital = true;
    for character in field.chars() {
        if character == '_' {
            capital = true;
        } else {
            name.push(if capital { character.to_ascii_uppercase() } else { character });
            capital = false;
        }
    }
    name + "Entry"
}

fn label_number(label: Label) -> i32 {
    match label {
        Label::Optional => 1,
        Label::Required => 2,
        Label::Repeated => 3,
    }
}

/// Scalars by their number in `FieldDescriptorProto.Type`; the gaps are group, message and enum.
pub const SCALAR_NUMBERS: &[(i32, &str)] = &[
    (1, "double"),
    (2, "float"),
    (3, "int64"),
    (4, "uint64"),
    (5, "int32"),
    (6, "fixed64"),
    (7, "fixed32"),
    (8, "bool"),
    (9, "string"),
    (12, "bytes"),
    (13, "uint32"),
    (15, "sfixed32"),
    (16, "sfixed64"),
    (17, "sint32"),
    (18, "sint64"),
];

fn scalar_number(name: &str) -> i32 {
    let found = SCALAR_NUMBERS.iter().find(|(_, scalar)| *scalar == name);
    found.map(|(number, _)| *number).expect("every scalar has a number")
}
