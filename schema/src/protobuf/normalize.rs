//! Files in normal form. Source: Confluent `ProtobufSchemaUtils#toNormalizedString`.

use std::collections::{HashMap, HashSet};

use super::element::{
    Constant, Enum, Extend, Extensions, Field, FieldType, File, Group, Label, Message, OneOf, Opt,
    Reserved, Rpc, Service, Syntax, Type, Value,
};
use super::names::{Declared, Names, joined};
use super::read::text::integer;

/// The normal form of a file. A name that nothing declares stays as it is.
pub fn normalized(file: &File, names: &Names) -> File {
    let mut file = file.clone();
    let normalizer = Normalizer { names };
    if file.syntax == Some(Syntax::Proto2) {
        file.syntax = None;
    }
    file.imports.sort();
    file.imports.dedup();
    let scope = file.package().to_string();
    normalizer.options(&mut file.options, &scope);
    normalizer.types(&mut file.types, &scope);
    normalizer.extends(&mut file.extends, &scope);
    for Service { name, options, rpcs, .. } in &mut file.services {
        let scope = joined(&scope, name);
        normalizer.options(options, &scope);
        for Rpc { request, response, options, .. } in rpcs {
            normalizer.name(request, &scope);
            normalizer.name(response, &scope);
            normalizer.options(options, &scope);
        }
    }
    file
}

struct Normalizer<'s> {
    names: &'s Names<'s>,
}

impl Normalizer<'_> {
    fn name(&self, name: &mut String, scope: &str) {
        if let Some(full) = self.names.resolve(name, scope) {
            *name = format!(".{full}");
        }
    }

    fn types(&self, types: &mut Vec<Type>, scope: &str) {
        types.retain(|declared| declared.message().is_none_or(|m| m.map_entry().is_none()));
        for declared in types {
            match declared {
                Type::Message(message) => self.message(message, scope),
                Type::Enum(enumeration) => self.enumeration(enumeration, scope),
            }
        }
    }

    fn message(&self, message: &mut Message, scope: &str) {
        let scope = joined(scope, &message.name);
        split_reserved(&mut message.reserved);
        self.options(&mut message.options, &scope);
        self.fields(&mut message.fields, &scope);
        for OneOf { options, fields, groups, .. } in &mut message.oneofs {
            self.options(options, &scope);
            self.fields(fields, &scope);
            self.groups(groups, &scope);
        }
        let first = |oneof: &OneOf| {
            let groups = oneof.groups.iter().map(|group| group.number);
            oneof.fields.iter().map(|field| field.number).chain(groups).min()
        };
        message.oneofs.retain(|oneof| first(oneof).is_some());
        message.oneofs.sort_by_key(first);
        self.groups(&mut message.groups, &scope);
        self.extensions(&mut message.extensions, &scope);
        self.extends(&mut message.extends, &scope);
        self.types(&mut message.types, &scope);
    }

    fn groups(&self, groups: &mut [Group], scope: &str) {
        for group in groups.iter_mut() {
            self.options(&mut group.options, scope);
            self.message(&mut group.body, scope);
        }
        groups.sort_by_key(|group| group.number);
    }

    fn extensions(&self, extensions: &mut Vec<Extensions>, scope: &str) {
        let split = std::mem::take(extensions).into_iter().flat_map(|mut one| {
            self.options(&mut one.options, scope);
            let Extensions { at, ranges, options } = one;
            ranges.into_iter().map(move |range| Extensions {
                at,
                ranges: vec![range],
                options: options.clone(),
            })
        });
        *extensions = split.collect();
        extensions.sort_by_key(|one| one.ranges[0].0);
    }

    /// What extends the same message comes together.
    fn extends(&self, extends: &mut Vec<Extend>, scope: &str) {
        let mut merged: Vec<Extend> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for mut extend in std::mem::take(extends) {
            self.name(&mut extend.name, scope);
            match places.get(&extend.name) {
                Some(place) => {
                    merged[*place].fields.append(&mut extend.fields);
                    merged[*place].groups.append(&mut extend.groups);
                }
                None => {
                    places.insert(extend.name.clone(), merged.len());
                    merged.push(extend);
                }
            }
        }
        for extend in &mut merged {
            self.fields(&mut extend.fields, scope);
            self.groups(&mut extend.groups, scope);
        }
        *extends = merged;
    }

    fn fields(&self, fields: &mut [Field], scope: &str) {
        for field in fields.iter_mut() {
            self.options(&mut field.options, scope);
            self.field_type(field, scope);
            if let Some(default) = &mut field.default {
                number_form(default);
            }
        }
        fields.sort_by_key(|field| field.number);
    }

    fn field_type(&self, field: &mut Field, scope: &str) {
        if let FieldType::Named(name) = &mut field.kind {
            self.name(name, scope);
            let declared = self.names.get(name.trim_start_matches('.')).map(|n| n.declared);
            if let Some(Declared::Message(message)) = declared
                && let Some((key, value)) = message.map_entry()
            {
                field.kind = FieldType::Map(Box::new((key.kind.clone(), value.kind.clone())));
            }
        }
        if let FieldType::Map(pair) = &mut field.kind {
            if let FieldType::Named(name) = &mut pair.1 {
                self.name(name, scope);
            }
            field.label = None;
        }
    }

    fn enumeration(&self, enumeration: &mut Enum, scope: &str) {
        let scope = joined(scope, &enumeration.name);
        split_reserved(&mut enumeration.reserved);
        self.options(&mut enumeration.options, &scope);
        for Constant { options, .. } in &mut enumeration.constants {
            self.options(options, &scope);
        }
        enumeration.constants.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
    }

    /// Full names, sorted; what is said of one option in several places comes together.
    fn options(&self, options: &mut Vec<Opt>, scope: &str) {
        for option in options.iter_mut() {
            if option.is_extension
                && let Some(full) = self.names.resolve_extension(&option.name, scope)
            {
                option.name = full;
                option.value = as_map(std::mem::replace(&mut option.value, Value::Bool(false)));
            }
            self.value(&mut option.value, scope);
        }
        options.sort_by(|a, b| a.name.cmp(&b.name));
        let mut merged: Vec<Opt> = Vec::with_capacity(options.len());
        let mut same: Vec<Value> = Vec::new();
        let mut given = std::mem::take(options).into_iter().peekable();
        while let Some(option) = given.next() {
            let known = self.names.extension(&option.name).filter(|_| option.is_extension);
            let single = known.is_some_and(|(e, _)| e.field.label != Some(Label::Repeated));
            let Opt { name, is_extension, value } = option;
            same.push(value);
            let more = given.peek().is_some_and(|o| o.name == name && o.is_extension);
            if !single || !more {
                let value = merge(std::mem::take(&mut same));
                merged.push(Opt { name, is_extension, value });
            }
        }
        for option in &mut merged {
            if let Value::Map(entries) = &mut option.value {
                map_form(entries);
            }
        }
        *options = merged;
    }

    fn value(&self, value: &mut Value, scope: &str) {
        match value {
            Value::Number(_) => number_form(value),
            Value::Part(part) => self.value(&mut part.value, scope),
            Value::List(values) => values.iter_mut().for_each(|value| self.value(value, scope)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    let name = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
                    let full = name.and_then(|name| self.names.resolve_extension(name, scope));
                    full.into_iter().for_each(|full| *key = format!("[{full}]"));
                    self.value(value, scope);
                }
            }
            _ => {}
        }
    }
}

/// `(a).b = 1` as `(a) = { b: 1 }`.
pub fn as_map(value: Value) -> Value {
    match value {
        Value::Part(part) => {
            let key = if part.is_extension { format!("[{}]", part.name) } else { part.name };
            Value::Map(vec![(key, as_map(part.value))])
        }
        other => other,
    }
}

/// What is said of one option in several places: entries of maps become lists without repetition,
/// of anything else the last counts.
pub fn merge(mut values: Vec<Value>) -> Value {
    let last = values.iter().rposition(|value| !matches!(value, Value::Map(_)));
    let maps = values.split_off(last.map_or(0, |place| place + 1));
    if maps.len() < 2 {
        return maps.into_iter().next().or(values.pop()).unwrap_or(Value::Map(Vec::new()));
    }
    let mut entries: Vec<(String, Value)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut repeated = HashSet::new();
    for value in maps {
        let Value::Map(more) = value else { continue };
        for (key, value) in more {
            let place = *places.entry(key.clone()).or_insert(entries.len());
            if place == entries.len() {
                entries.push((key, value));
                continue;
            }
            repeated.insert(place);
            let mut values = list(std::mem::replace(&mut entries[place].1, Value::Bool(false)));
            values.extend(list(value));
            entries[place].1 = Value::List(values);
        }
    }
    for place in repeated {
        if let Value::List(values) = &mut entries[place].1 {
            let mut seen = HashSet::new();
            values.retain(|value| seen.insert(format!("{value:?}")));
        }
    }
    Value::Map(entries)
}

pub fn list(value: Value) -> Vec<Value> {
    match value {
        Value::List(values) => values,
        one => vec![one],
    }
}

/// Keys sorted, empty lists gone, a list of one as that one.
fn map_form(entries: &mut Vec<(String, Value)>) {
    entries.retain(|(_, value)| !matches!(value, Value::List(values) if values.is_empty()));
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.dedup_by(|later, first| later.0 == first.0);
    entries.iter_mut().for_each(|(_, value)| value_form(value));
}

fn value_form(value: &mut Value) {
    if let Value::List(values) = value
        && values.len() == 1
    {
        *value = values.remove(0);
        return value_form(value);
    }
    match value {
        Value::Map(entries) => map_form(entries),
        Value::List(values) => values.iter_mut().for_each(value_form),
        _ => {}
    }
}

/// Whole numbers in decimal; others without what they can do without: `1.50` is `1.5`.
fn number_form(value: &mut Value) {
    let Value::Number(text) = value else { return };
    if let Some(number) = integer(text) {
        *text = number.to_string();
    } else if let Ok(number) = text.parse::<f64>()
        && number.is_finite()
    {
        let plain = number == 0.0 || (1e-15..1e15).contains(&number.abs());
        *text = if plain { number.to_string() } else { format!("{number:e}") };
    }
}

fn split_reserved(reserved: &mut Vec<Vec<Reserved>>) {
    let mut values: Vec<Reserved> = std::mem::take(reserved).into_iter().flatten().collect();
    values.sort_by(|a, b| match (a, b) {
        (Reserved::Numbers(a, c), Reserved::Numbers(b, d)) => (a, c).cmp(&(b, d)),
        (Reserved::Name(a), Reserved::Name(b)) => a.cmp(b),
        (a, b) => matches!(a, Reserved::Name(_)).cmp(&matches!(b, Reserved::Name(_))),
    });
    *reserved = values.into_iter().map(|value| vec![value]).collect();
}
