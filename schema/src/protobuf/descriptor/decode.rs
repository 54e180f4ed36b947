//! Serialized `FileDescriptorProto`s to files, as confluent-kafka for Python and JavaScript send
//! them. The tree is the one that Confluent's registry makes of it: full names, a message with
//! `map_entry` for each map. Groups become groups again, and custom options stay where their
//! declaration is known.

use std::collections::{HashMap, HashSet};

use super::super::ParseError;
use super::super::element::{
    Constant, Enum, Extend, Extensions, Field, FieldType, File, Group, Import, ImportKind, Label,
    Message, NumberRange, OneOf, Opt, Reserved, Rpc, Service, Syntax, Type,
};
use super::super::names::Names;
use super::super::print::print;
use super::super::read::read;
use super::super::read::text::NESTING_MAX;
use super::default::default_value;
use super::encode::SCALAR_NUMBERS;
use super::options_decode;
use super::wire::{Fields, Held};
use crate::budget::Budget;

/// A field of six bytes takes some two hundred in a tree.
const TREE_BYTES_PER_BYTE: usize = 16;

/// Decodes a file that has these imports; `None` if the bytes are no descriptor.
pub fn decode(
    bytes: &[u8],
    imports: &[&File],
    budget: &Budget,
) -> Option<Result<File, ParseError>> {
    // the tree, twice, and its text
    if !(budget.spend(bytes.len()) && budget.hold(TREE_BYTES_PER_BYTE * bytes.len())) {
        return None;
    }
    let names = Names::of(imports.iter().copied(), budget);
    let proto3 = syntax(bytes)? == Some(Syntax::Proto3);
    let mut file = Decoder { names: &names, proto3 }.file(bytes)?;
    if !file.extends.is_empty() || !file.types.is_empty() {
        // its options may be extensions that it declares itself
        let declared = file.clone();
        let names = Names::of(imports.iter().copied().chain([&declared]), budget);
        file = Decoder { names: &names, proto3 }.file(bytes)?;
    }
    // names in a descriptor may be any text: what cannot be read back is refused
    let _text = budget.loan();
    Some(read(&print(&file, false, budget), budget).map(|_| file))
}

struct Decoder<'s> {
    names: &'s Names<'s>,
    proto3: bool,
}

fn text(held: Held) -> Option<String> {
    match held {
        Held::Data(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    }
}

fn int(held: Held) -> Option<i32> {
    match held {
        Held::Varint(value) => Some(value as i32),
        _ => None,
    }
}

fn data(held: Held<'_>) -> Option<&[u8]> {
    match held {
        Held::Data(bytes) => Some(bytes),
        _ => None,
    }
}

/// The numbers of a repeated field, one by one or packed.
fn ints(held: Held, into: &mut Vec<usize>) -> Option<()> {
    let Held::Data(bytes) = held else {
        into.push(usize::try_from(int(held)?).ok()?);
        return Some(());
    };
    let mut packed = Fields::of(bytes);
    while !packed.is_empty() {
        into.push(usize::try_from(packed.varint()?).ok()?);
    }
    Some(())
}

fn syntax(bytes: &[u8]) -> Option<Option<Syntax>> {
    let (mut word, mut edition) = (None, 0);
    for field in Fields::of(bytes) {
        match field? {
            (12, held) => word = Some(text(held)?),
            (14, held) => edition = int(held)?,
            _ => {}
        }
    }
    Some(match word.as_deref() {
        Some("proto3") => Some(Syntax::Proto3),
        Some("proto2") => Some(Syntax::Proto2),
        Some("editions") => Some(Syntax::Edition(edition.saturating_add(1023).to_string())),
        _ => None,
    })
}

/// A field of a descriptor and what its element does not say.
struct Raw {
    field: Field,
    oneof: Option<usize>,
    extendee: String,
    is_group: bool,
}

impl Decoder<'_> {
    fn options(&self, held: Held, kind: &str) -> Option<Vec<Opt>> {
        options_decode::decode(data(held)?, &format!("google.protobuf.{kind}"), self.names)
    }

    fn file(&self, bytes: &[u8]) -> Option<File> {
        let mut file = File { syntax: syntax(bytes)?, ..File::default() };
        let (mut public, mut weak) = (Vec::new(), Vec::new());
        let (mut enums, mut extensions) = (Vec::new(), Vec::new());
        for field in Fields::of(bytes) {
            match field? {
                (2, held) => file.package = text(held).map(Some)?.filter(|name| !name.is_empty()),
                (3, held) => {
                    file.imports.push(Import { kind: ImportKind::Plain, path: text(held)? });
                }
                (4, held) => {
                    let at = file.types.len();
                    file.types.push(Type::Message(self.message(data(held)?, at, 0)?));
                }
                (5, held) => enums.push(self.enumeration(data(held)?)?),
                (6, held) => file.services.push(self.service(data(held)?)?),
                (7, held) => extensions.push(self.field(data(held)?, extensions.len())?),
                (8, held) => file.options = self.options(held, "FileOptions")?,
                (10, held) => ints(held, &mut public)?,
                (11, held) => ints(held, &mut weak)?,
                _ => {}
            }
        }
        for (places, kind) in [(weak, ImportKind::Weak), (public, ImportKind::Public)] {
            places.into_iter().for_each(|place| {
                file.imports.get_mut(place).into_iter().for_each(|import| import.kind = kind);
            });
        }
        let mut bodies = bodies(&mut file.types, extensions.iter());
        file.extends = extends(extensions, &mut bodies);
        file.types.extend(bodies.into_values().map(Type::Message));
        file.types.extend(enums.into_iter().map(Type::Enum));
        Some(file)
    }

    fn message(&self, bytes: &[u8], at: usize, depth: usize) -> Option<Message> {
        if depth > NESTING_MAX {
            return None;
        }
        let mut read = Message { at, ..Message::default() };
        let (mut fields, mut extensions, mut enums) = (Vec::new(), Vec::new(), Vec::new());
        for field in Fields::of(bytes) {
            match field? {
                (1, held) => read.name = text(held)?,
                (2, held) => fields.push(self.field(data(held)?, fields.len())?),
                (3, held) => {
                    let at = read.types.len();
                    read.types.push(Type::Message(self.message(data(held)?, at, depth + 1)?));
                }
                (4, held) => enums.push(self.enumeration(data(held)?)?),
                (5, held) => read.extensions.push(self.extension_range(data(held)?)?),
                (6, held) => extensions.push(self.field(data(held)?, extensions.len())?),
                (7, held) => read.options = self.options(held, "MessageOptions")?,
                (8, held) => read.oneofs.push(self.oneof(data(held)?)?),
                (9, held) => read.reserved.push(vec![range(data(held)?, 1)?]),
                (10, held) => read.reserved.push(vec![Reserved::Name(text(held)?)]),
                _ => {}
            }
        }
        read.reserved.sort_by_key(|values| matches!(values[0], Reserved::Name(_)));
        let mut bodies = bodies(&mut read.types, fields.iter().chain(&extensions));
        for raw in fields {
            add_field(&mut read, raw, &mut bodies)?;
        }
        read.oneofs.retain(|oneof| !oneof.fields.is_empty() || !oneof.groups.is_empty());
        read.extends = extends(extensions, &mut bodies);
        read.types.extend(bodies.into_values().map(Type::Message));
        read.types.extend(enums.into_iter().map(Type::Enum));
        Some(read)
    }

    fn oneof(&self, bytes: &[u8]) -> Option<OneOf> {
        let mut read =
            OneOf { at: 0, name: "".into(), options: vec![], fields: vec![], groups: vec![] };
        for field in Fields::of(bytes) {
            match field? {
                (1, held) => read.name = text(held)?,
                (2, held) => read.options = self.options(held, "OneofOptions")?,
                _ => {}
            }
        }
        Some(read)
    }

    fn extension_range(&self, bytes: &[u8]) -> Option<Extensions> {
        let mut read = Extensions { at: 0, ranges: vec![], options: vec![] };
        if let Reserved::Numbers(numbers) = range(bytes, 1)? {
            read.ranges.push(numbers);
        }
        for field in Fields::of(bytes) {
            if let (3, held) = field? {
                read.options = self.options(held, "ExtensionRangeOptions")?;
            }
        }
        Some(read)
    }

    fn field(&self, bytes: &[u8], at: usize) -> Option<Raw> {
        let (mut name, mut json_name, mut extendee) = (String::new(), None, String::new());
        let (mut number, mut label, mut type_number, mut type_name) = (0, 1, 1, None);
        let (mut default, mut options, mut oneof, mut optional) = (None, vec![], None, false);
        for field in Fields::of(bytes) {
            match field? {
                (1, held) => name = text(held)?,
                (2, held) => extendee = text(held)?,
                (3, held) => number = int(held)?,
                (4, held) => label = int(held)?,
                (5, held) => type_number = int(held)?,
                (6, held) => type_name = Some(text(held)?),
                (7, held) => default = Some(text(held)?),
                (8, held) => options = self.options(held, "FieldOptions")?,
                (9, held) => oneof = Some(usize::try_from(int(held)?).ok()?),
                (10, held) => json_name = Some(text(held)?),
                (17, held) => optional = int(held)? != 0,
                _ => {}
            }
        }
        let kind = match type_name {
            Some(name) => FieldType::Named(name),
            None => FieldType::Scalar(scalar(type_number)?),
        };
        let label = match label {
            3 => Some(Label::Repeated),
            _ if optional => Some(Label::Optional),
            _ if self.proto3 => None,
            2 => Some(Label::Required),
            _ => Some(Label::Optional),
        };
        let default = default.filter(|_| !self.proto3).map(|text| default_value(text, &kind));
        let field = Field { at, label, kind, name, number, default, json_name, options };
        let oneof = oneof.filter(|_| !optional);
        Some(Raw { field, oneof, extendee, is_group: type_number == 10 })
    }

    fn enumeration(&self, bytes: &[u8]) -> Option<Enum> {
        let mut read =
            Enum { at: 0, name: "".into(), reserved: vec![], options: vec![], constants: vec![] };
        for field in Fields::of(bytes) {
            match field? {
                (1, held) => read.name = text(held)?,
                (2, held) => read.constants.push(self.constant(data(held)?)?),
                (3, held) => read.options = self.options(held, "EnumOptions")?,
                (4, held) => read.reserved.push(vec![range(data(held)?, 0)?]),
                (5, held) => read.reserved.push(vec![Reserved::Name(text(held)?)]),
                _ => {}
            }
        }
        read.reserved.sort_by_key(|values| matches!(values[0], Reserved::Name(_)));
        Some(read)
    }

    fn constant(&self, bytes: &[u8]) -> Option<Constant> {
        let mut read = Constant { at: 0, name: "".into(), number: 0, options: vec![] };
        for field in Fields::of(bytes) {
            match field? {
                (1, held) => read.name = text(held)?,
                (2, held) => read.number = int(held)?,
                (3, held) => read.options = self.options(held, "EnumValueOptions")?,
                _ => {}
            }
        }
        Some(read)
    }

    fn service(&self, bytes: &[u8]) -> Option<Service> {
        let mut read = Service { name: "".into(), options: vec![], rpcs: vec![] };
        for field in Fields::of(bytes) {
            match field? {
                (1, held) => read.name = text(held)?,
                (2, held) => read.rpcs.push(self.rpc(data(held)?)?),
                (3, held) => read.options = self.options(held, "ServiceOptions")?,
                _ => {}
            }
        }
        Some(read)
    }

    fn rpc(&self, bytes: &[u8]) -> Option<Rpc> {
        let mut read = Rpc {
            name: "".into(),
            request: "".into(),
            request_streams: false,
            response: "".into(),
            response_streams: false,
            options: vec![],
        };
        for field in Fields::of(bytes) {
            match field? {
                (1, held) => read.name = text(held)?,
                (2, held) => read.request = text(held)?,
                (3, held) => read.response = text(held)?,
                (4, held) => read.options = self.options(held, "MethodOptions")?,
                (5, held) => read.request_streams = int(held)? != 0,
                (6, held) => read.response_streams = int(held)? != 0,
                _ => {}
            }
        }
        Some(read)
    }
}

/// Puts a field where it belongs: into the message, its oneof, or a group with its message.
fn add_field(message: &mut Message, raw: Raw, bodies: &mut Bodies) -> Option<()> {
    let Raw { mut field, oneof, is_group, .. } = raw;
    if oneof.is_some() {
        field.label = None;
    }
    let group = if is_group { take_group(bodies, &field) } else { None };
    let (fields, groups) = match oneof {
        None => (&mut message.fields, &mut message.groups),
        Some(place) => {
            let oneof = message.oneofs.get_mut(place)?;
            (&mut oneof.fields, &mut oneof.groups)
        }
    };
    match group {
        Some(group) => groups.push(group),
        None => fields.push(field),
    }
    Some(())
}

/// The messages of groups by name. A descriptor has them among the types beside the field.
type Bodies = std::collections::BTreeMap<String, Message>;

fn type_name(field: &Field) -> Option<&str> {
    match &field.kind {
        FieldType::Named(name) => name.rsplit('.').next(),
        _ => None,
    }
}

/// Takes the messages of groups out of the types.
fn bodies<'r>(types: &mut Vec<Type>, fields: impl Iterator<Item = &'r Raw>) -> Bodies {
    let groups = fields.filter(|raw| raw.is_group);
    let names: HashSet<&str> = groups.filter_map(|raw| type_name(&raw.field)).collect();
    let taken = types.extract_if(.., |declared| names.contains(declared.name()));
    taken
        .filter_map(|t| if let Type::Message(m) = t { Some((m.name.clone(), m)) } else { None })
        .collect()
}

fn take_group(bodies: &mut Bodies, field: &Field) -> Option<Group> {
    let mut body = bodies.remove(type_name(field)?)?;
    body.at = field.at;
    Some(Group { label: field.label, number: field.number, options: field.options.clone(), body })
}

/// Extensions, those of the same message together.
fn extends(extensions: Vec<Raw>, bodies: &mut Bodies) -> Vec<Extend> {
    let mut extends: Vec<Extend> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for raw in extensions {
        let place = *places.entry(raw.extendee.clone()).or_insert_with(|| {
            let name = raw.extendee.clone();
            extends.push(Extend { at: raw.field.at, name, fields: vec![], groups: vec![] });
            extends.len() - 1
        });
        let group = if raw.is_group { take_group(bodies, &raw.field) } else { None };
        match group {
            Some(group) => extends[place].groups.push(group),
            None => extends[place].fields.push(raw.field),
        }
    }
    extends
}

fn scalar(number: i32) -> Option<&'static str> {
    SCALAR_NUMBERS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// A range of numbers; `past` is what its end exceeds the last by.
fn range(bytes: &[u8], past: i32) -> Option<Reserved> {
    let (mut first, mut end) = (0, 0);
    for field in Fields::of(bytes) {
        match field? {
            (1, held) => first = int(held)?,
            (2, held) => end = int(held)?,
            _ => {}
        }
    }
    let last = end.checked_sub(past)?;
    (first <= last).then_some(Reserved::Numbers(NumberRange::new(first, last)))
}
