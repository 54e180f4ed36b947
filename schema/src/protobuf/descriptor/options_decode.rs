//! Options out of the bytes of an options message, in the order in which Confluent's registry lists
//! them. What nothing declares is left out.

use super::super::element::{Field, FieldType, Label, Opt, Value};
use super::super::names::{Declared, Names};
use super::super::raw_bytes;
use super::encode::SCALAR_NUMBERS;
use super::wire::{Fields, Held};

/// Built-in options in their order; others come behind them.
const ORDER: &[&str] = &[
    "java_package",
    "java_outer_classname",
    "java_multiple_files",
    "java_generate_equals_and_hash",
    "java_string_check_utf8",
    "optimize_for",
    "go_package",
    "cc_generic_services",
    "java_generic_services",
    "py_generic_services",
    "php_generic_services",
    "no_standard_descriptor_accessor",
    "allow_alias",
    "ctype",
    "packed",
    "jstype",
    "deprecated",
    "map_entry",
    "idempotency_level",
    "cc_enable_arenas",
    "objc_class_prefix",
    "csharp_namespace",
    "swift_prefix",
    "php_class_prefix",
    "php_namespace",
    "php_metadata_namespace",
    "ruby_package",
];

/// How deep an option's value may nest, as in a text.
const NESTING_MAX: usize = super::super::read::text::NESTING_MAX;

/// Decodes a message of the type `message`; `None` if its bytes are no message.
pub fn decode(bytes: &[u8], message: &str, names: &Names) -> Option<Vec<Opt>> {
    let decoder = Decoder { names };
    let mut options = Vec::new();
    for (key, value) in decoder.message(bytes, message, 0)? {
        let extension = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
        let name = extension.unwrap_or(&key).to_string();
        let is_extension = extension.is_some();
        let values = match value {
            Value::List(values) => values,
            one => vec![one],
        };
        options.extend(values.into_iter().map(|value| Opt {
            name: name.clone(),
            is_extension,
            value,
        }));
    }
    options.sort_by_key(place);
    Some(options)
}

fn place(option: &Opt) -> (usize, usize) {
    match (option.is_extension, option.name.starts_with("confluent.")) {
        (true, true) => (1, 0),
        (true, false) => (2, 0),
        _ => (0, ORDER.iter().position(|name| *name == option.name).unwrap_or(ORDER.len())),
    }
}

struct Decoder<'s> {
    names: &'s Names<'s>,
}

impl Decoder<'_> {
    /// The entries of a message, extensions in brackets. A repeated field is a list.
    fn message(&self, bytes: &[u8], message: &str, depth: usize) -> Option<Vec<(String, Value)>> {
        if depth > NESTING_MAX {
            return None;
        }
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut places: std::collections::HashMap<i32, usize> = Default::default();
        for field in Fields::of(bytes) {
            let (number, held) = field?;
            let Some((key, declared, scope)) = self.declared(message, number) else { continue };
            let mut values = self.values(&held, &declared.kind, &scope, depth)?;
            let repeated = declared.label == Some(Label::Repeated)
                || matches!(declared.kind, FieldType::Map(_));
            match places.get(&number).map(|place| &mut entries[*place].1) {
                Some(Value::List(list)) => list.append(&mut values),
                Some(one) => *one = values.pop().unwrap_or_else(|| one.clone()),
                None => {
                    let value = if repeated { Some(Value::List(values)) } else { values.pop() };
                    places.insert(number, entries.len());
                    entries.extend(value.map(|value| (key, value)));
                }
            }
        }
        Some(entries)
    }

    fn declared(&self, message: &str, number: i32) -> Option<(String, Field, String)> {
        if let Some(field) = self.names.field_number(message, number) {
            return Some((field.name.clone(), field.clone(), message.to_string()));
        }
        let full = self.names.extension_number(message, number)?;
        let (extension, scope) = self.names.extension(full)?;
        Some((format!("[{full}]"), extension.field.clone(), scope.to_string()))
    }

    /// What a field holds: one value, or several of a packed field. None where an enum has no name
    /// for a number.
    fn values(
        &self,
        held: &Held,
        kind: &FieldType,
        scope: &str,
        depth: usize,
    ) -> Option<Vec<Value>> {
        match (kind, held) {
            (FieldType::Scalar("string"), Held::Data(bytes)) => {
                Some(vec![Value::String(String::from_utf8(bytes.to_vec()).ok()?)])
            }
            (FieldType::Scalar("bytes"), Held::Data(bytes)) => {
                Some(vec![Value::String(bytes.iter().map(|b| raw_bytes::character(*b)).collect())])
            }
            (FieldType::Scalar(name), Held::Data(bytes)) => packed(name, bytes),
            (FieldType::Scalar(name), held) => Some(vec![scalar(name, held)?]),
            (FieldType::Map(pair), Held::Data(bytes)) => {
                let mut entries = Vec::new();
                for field in Fields::of(bytes) {
                    let (number, held) = field?;
                    let (key, kind) = match number {
                        1 => ("key", &pair.0),
                        2 => ("value", &pair.1),
                        _ => continue,
                    };
                    let value = self.values(&held, kind, scope, depth + 1)?.pop()?;
                    entries.push((key.to_string(), value));
                }
                // Confluent's registry has these two the other way round
                let quirk = |text: &str| text == "precision" || text == "scale";
                if matches!(entries.first(), Some((_, Value::String(key))) if quirk(key)) {
                    entries.reverse();
                }
                Some(vec![Value::Map(entries)])
            }
            (FieldType::Named(name), held) => {
                let full = self.names.resolve(name, scope)?;
                match (self.names.get(&full)?.declared, held) {
                    (Declared::Message(_), Held::Data(bytes)) => {
                        Some(vec![Value::Map(self.message(bytes, &full, depth + 1)?)])
                    }
                    (Declared::Enum(_), Held::Varint(number)) => {
                        let found = self.names.constant_number(&full, *number as i32);
                        Some(found.map(|c| Value::Enum(c.name.clone())).into_iter().collect())
                    }
                    (Declared::Enum(_), Held::Data(bytes)) => {
                        let mut numbers = Fields::of(bytes);
                        let mut values = Vec::new();
                        while !numbers.is_empty() {
                            let found = self.names.constant_number(&full, numbers.varint()? as i32);
                            values.extend(found.map(|c| Value::Enum(c.name.clone())));
                        }
                        Some(values)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn packed(name: &str, bytes: &[u8]) -> Option<Vec<Value>> {
    let mut fields = Fields::of(bytes);
    let mut values = Vec::new();
    while !fields.is_empty() {
        let held = match name {
            "fixed32" | "sfixed32" | "float" => Held::Fixed32(fields.fixed32()?),
            "fixed64" | "sfixed64" | "double" => Held::Fixed64(fields.fixed64()?),
            _ => Held::Varint(fields.varint()?),
        };
        values.push(scalar(name, &held)?);
    }
    Some(values)
}

fn scalar(name: &str, held: &Held) -> Option<Value> {
    debug_assert!(SCALAR_NUMBERS.iter().any(|(_, scalar)| *scalar == name));
    let number = |text: String| Some(Value::Number(text));
    match (name, *held) {
        ("bool", Held::Varint(value)) => Some(Value::Bool(value != 0)),
        ("int32", Held::Varint(value)) => number((value as i32).to_string()),
        ("int64", Held::Varint(value)) => number((value as i64).to_string()),
        ("uint32" | "uint64", Held::Varint(value)) => number(value.to_string()),
        ("sint32" | "sint64", Held::Varint(value)) => {
            number(((value >> 1) as i64 ^ -((value & 1) as i64)).to_string())
        }
        ("fixed32", Held::Fixed32(value)) => number(value.to_string()),
        ("sfixed32", Held::Fixed32(value)) => number((value as i32).to_string()),
        ("float", Held::Fixed32(value)) => {
            Some(float(f64::from(f32::from_bits(value)), || f32::from_bits(value).to_string()))
        }
        ("fixed64", Held::Fixed64(value)) => number(value.to_string()),
        ("sfixed64", Held::Fixed64(value)) => number((value as i64).to_string()),
        ("double", Held::Fixed64(value)) => {
            Some(float(f64::from_bits(value), || f64::from_bits(value).to_string()))
        }
        _ => None,
    }
}

/// A number as Java prints it: `1.0`, or a word.
fn float(value: f64, text: impl Fn() -> String) -> Value {
    if value.is_nan() {
        return Value::Enum("nan".into());
    }
    if value.is_infinite() {
        let sign = if value < 0.0 { "-" } else { "" };
        return Value::Number(format!("{sign}inf"));
    }
    let text = text();
    Value::Number(if text.contains('.') { text } else { text + ".0" })
}
