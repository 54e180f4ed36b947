//! Options as the bytes of an options message. Built-in ones are fields of
//! `google.protobuf.*Options`, whose file is bundled; custom ones are extensions of it.
//!
//! An option that nothing declares, or whose value does not fit, is left out: Confluent's registry
//! takes such schemas, because it reads no options but its own.

use std::collections::BTreeMap;

use super::super::element::{Field, FieldType, Label, Opt, Value};
use super::super::names::{Declared, Names};
use super::super::raw_bytes;
use super::super::read::text::integer;
use super::default::parse_float;
use super::wire::Writer;

/// Encodes the options of something within `scope` as a message of the type `message`.
pub fn encode(options: &[Opt], message: &str, scope: &str, names: &Names) -> Vec<u8> {
    let encoder = Encoder { scope, names };
    let mut tree = Tree::default();
    for option in options {
        // tried on the side first, so that an option that fits in part leaves nothing
        if encoder.option(&mut Tree::default(), message, option).is_some() {
            let _ = encoder.option(&mut tree, message, option);
        }
    }
    tree.encode()
}

/// A message being put together: options name its parts in any order.
#[derive(Default)]
struct Tree {
    fields: BTreeMap<i32, Vec<Node>>,
}

enum Node {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Data(Vec<u8>),
    Tree(Tree),
    Packed(Vec<Node>),
}

impl Tree {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        for (number, nodes) in &self.fields {
            for node in nodes {
                match node {
                    Node::Varint(value) => out.number(*number, *value),
                    Node::Fixed64(value) => out.fixed64(*number, *value),
                    Node::Fixed32(value) => out.fixed32(*number, *value),
                    Node::Data(bytes) => out.data(*number, bytes),
                    Node::Tree(tree) => out.data(*number, &tree.encode()),
                    Node::Packed(nodes) => out.data(*number, &packed(nodes)),
                }
            }
        }
        out.bytes
    }
}

/// A field of an options message and the scope that its type's name is in.
struct Target<'s> {
    field: &'s Field,
    scope: String,
    packs: bool,
}

impl<'s> Target<'s> {
    fn new(field: &'s Field, scope: &str, packs: bool) -> Target<'s> {
        let said = field.options.iter().find(|option| option.name == "packed");
        let packs = said.map_or(packs, |option| option.value == Value::Bool(true));
        let packs = packs && field.label == Some(Label::Repeated);
        Target { field, scope: scope.to_string(), packs }
    }
}

fn packed(nodes: &[Node]) -> Vec<u8> {
    let mut out = Writer::default();
    for node in nodes {
        match node {
            Node::Varint(value) => out.varint(*value),
            Node::Fixed64(value) => out.bytes.extend_from_slice(&value.to_le_bytes()),
            Node::Fixed32(value) => out.bytes.extend_from_slice(&value.to_le_bytes()),
            _ => {}
        }
    }
    out.bytes
}

struct Encoder<'s> {
    scope: &'s str,
    names: &'s Names<'s>,
}

impl<'s> Encoder<'s> {
    fn option(&self, tree: &mut Tree, message: &str, option: &Opt) -> Option<()> {
        if !option.is_extension && option.name.contains('.') {
            let (first, rest) = option.name.split_once('.')?;
            let part = Opt { name: rest.into(), is_extension: false, value: option.value.clone() };
            let target = self.target(message, first, false)?;
            return self.part(tree, &target, &part);
        }
        let target = self.target(message, &option.name, option.is_extension)?;
        match &option.value {
            Value::Part(part) => self.part(tree, &target, part),
            value => self.add(tree, &target, value),
        }
    }

    /// Goes on within the message that a field holds.
    fn part(&self, tree: &mut Tree, target: &Target, part: &Opt) -> Option<()> {
        let inner = self.message_of(target)?;
        let nodes = tree.fields.entry(target.field.number).or_default();
        if nodes.is_empty() {
            nodes.push(Node::Tree(Tree::default()));
        }
        match nodes.last_mut() {
            Some(Node::Tree(tree)) => self.option(tree, &inner, part),
            _ => None,
        }
    }

    fn target(&self, message: &str, name: &str, is_extension: bool) -> Option<Target<'s>> {
        if is_extension {
            let full = self.names.resolve_extension(name, self.scope)?;
            let (extension, scope) = self.names.extension(&full)?;
            let right = self.names.extension_number(message, extension.field.number)? == full;
            return right.then(|| Target::new(extension.field, scope, extension.packs));
        }
        let field = self.names.field(message, name)?;
        Some(Target::new(field, message, self.names.get(message)?.packs))
    }

    fn message_of(&self, target: &Target) -> Option<String> {
        let FieldType::Named(name) = &target.field.kind else { return None };
        let full = self.names.resolve(name, &target.scope)?;
        let declared = self.names.get(&full)?.declared;
        matches!(declared, Declared::Message(_)).then_some(full)
    }

    fn add(&self, tree: &mut Tree, target: &Target, value: &Value) -> Option<()> {
        let repeated = target.field.label == Some(Label::Repeated)
            || matches!(target.field.kind, FieldType::Map(_));
        match value {
            Value::List(values) if repeated => {
                values.iter().try_for_each(|value| self.add_one(tree, target, value))
            }
            Value::List(_) => None,
            one if repeated || !tree.fields.contains_key(&target.field.number) => {
                self.add_one(tree, target, one)
            }
            Value::Map(entries) => match tree.fields.get_mut(&target.field.number)?.last_mut() {
                Some(Node::Tree(tree)) => self.entries(tree, &self.message_of(target)?, entries),
                _ => None,
            },
            _ => None,
        }
    }

    fn add_one(&self, tree: &mut Tree, target: &Target, value: &Value) -> Option<()> {
        let node = self.node(&target.field.kind, &target.scope, value)?;
        let nodes = tree.fields.entry(target.field.number).or_default();
        match (&node, nodes.last_mut()) {
            (Node::Varint(_) | Node::Fixed64(_) | Node::Fixed32(_), last) if target.packs => {
                match last {
                    Some(Node::Packed(packed)) => packed.push(node),
                    _ => nodes.push(Node::Packed(vec![node])),
                }
            }
            _ => nodes.push(node),
        }
        Some(())
    }

    fn node(&self, kind: &FieldType, scope: &str, value: &Value) -> Option<Node> {
        match (kind, value) {
            (FieldType::Scalar(name), value) => scalar(name, value),
            (FieldType::Map(pair), Value::Map(entries)) => {
                let mut tree = Tree::default();
                for (name, value) in entries {
                    let (number, kind) = match name.as_str() {
                        "key" => (1, &pair.0),
                        "value" => (2, &pair.1),
                        _ => return None,
                    };
                    tree.fields.insert(number, vec![self.node(kind, scope, value)?]);
                }
                Some(Node::Tree(tree))
            }
            (FieldType::Named(name), value) => {
                let full = self.names.resolve(name, scope)?;
                match (self.names.get(&full)?.declared, value) {
                    (Declared::Enum(_), Value::Enum(name)) => {
                        let constant = self.names.constant(&full, name)?;
                        Some(Node::Varint(i64::from(constant.number) as u64))
                    }
                    (Declared::Message(_), Value::Map(entries)) => {
                        let mut tree = Tree::default();
                        self.entries(&mut tree, &full, entries)?;
                        Some(Node::Tree(tree))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn entries(&self, tree: &mut Tree, message: &str, entries: &[(String, Value)]) -> Option<()> {
        entries.iter().try_for_each(|(key, value)| {
            let extension = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
            let name = extension.unwrap_or(key);
            let target = self.target(message, name, extension.is_some())?;
            self.add(tree, &target, value)
        })
    }
}

fn scalar(name: &str, value: &Value) -> Option<Node> {
    let number = |least: i128, most: i128| match value {
        Value::Number(text) => integer(text).filter(|n| (least..=most).contains(n)),
        _ => None,
    };
    let signed32 = || number(i32::MIN.into(), i32::MAX.into());
    let signed64 = || number(i64::MIN.into(), i64::MAX.into());
    let float = || match value {
        Value::Number(text) | Value::Enum(text) => parse_float(text),
        _ => None,
    };
    Some(match (name, value) {
        ("bool", Value::Bool(value)) => Node::Varint(u64::from(*value)),
        ("string" | "bytes", Value::String(text)) => Node::Data(raw_bytes::bytes(text)),
        ("int32", _) => Node::Varint(signed32()? as i64 as u64),
        ("int64", _) => Node::Varint(signed64()? as i64 as u64),
        ("uint32", _) => Node::Varint(number(0, u32::MAX.into())? as u64),
        ("uint64", _) => Node::Varint(number(0, u64::MAX.into())? as u64),
        ("sint32" | "sint64", _) => {
            let value = if name == "sint32" { signed32()? } else { signed64()? } as i64;
            Node::Varint((value << 1 ^ value >> 63) as u64)
        }
        ("fixed32", _) => Node::Fixed32(number(0, u32::MAX.into())? as u32),
        ("sfixed32", _) => Node::Fixed32(signed32()? as i32 as u32),
        ("fixed64", _) => Node::Fixed64(number(0, u64::MAX.into())? as u64),
        ("sfixed64", _) => Node::Fixed64(signed64()? as i64 as u64),
        ("float", _) => Node::Fixed32((float()? as f32).to_bits()),
        ("double", _) => Node::Fixed64(float()?.to_bits()),
        _ => return None,
    })
}
