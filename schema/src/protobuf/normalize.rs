//! Files in normal form. Source: Confluent `ProtobufSchemaUtils#toNormalizedString`.

use std::collections::HashMap;

use super::element::{
    Constant, Enum, Extend, Extensions, Field, FieldType, File, Group, Message, NumberRange, OneOf,
    Reserved, Rpc, Service, Syntax, Type,
};
use super::names::{Declared, Names};
use super::normalize_option::number_form;

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
        let scope = names.joined(&scope, name);
        normalizer.options(options, &scope);
        for Rpc { request, response, options, .. } in rpcs {
            normalizer.name(request, &scope);
            normalizer.name(response, &scope);
            normalizer.options(options, &scope);
        }
    }
    file
}

pub(super) struct Normalizer<'s> {
    pub(super) names: &'s Names<'s>,
}

impl Normalizer<'_> {
    fn name(&self, name: &mut String, scope: &str) {
        if let Some(full) = self.names.resolve(name, scope) {
            self.names.budget.hold(full.len());
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
        let scope = self.names.joined(scope, &message.name);
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
            ranges.into_iter().map(move |NumberRange { first, last, .. }| Extensions {
                at,
                ranges: vec![NumberRange::new(first, last)],
                options: options.clone(),
            })
        });
        *extensions = split.collect();
        extensions.sort_by_key(|one| one.ranges[0].first);
    }

    /// What extends the same message comes together, and what adds nothing to it goes.
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
        merged.retain(|extend| !extend.fields.is_empty() || !extend.groups.is_empty());
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
        let scope = self.names.joined(scope, &enumeration.name);
        split_reserved(&mut enumeration.reserved);
        self.options(&mut enumeration.options, &scope);
        for Constant { options, .. } in &mut enumeration.constants {
            self.options(options, &scope);
        }
        // Confluent's registry sorts by number alone. With a negative constant before 0 protoc takes
        // the enum neither in proto3 nor in a map, and the default of fields is another.
        let zero_is_first = enumeration.constants.first().is_some_and(|c| c.number == 0);
        let order = |c: &Constant| (zero_is_first && c.number != 0, c.number);
        enumeration.constants.sort_by(|a, b| (order(a), &a.name).cmp(&(order(b), &b.name)));
    }
}

fn split_reserved(reserved: &mut Vec<Vec<Reserved>>) {
    let mut values: Vec<Reserved> = std::mem::take(reserved).into_iter().flatten().collect();
    values.sort_by(|a, b| match (a, b) {
        (Reserved::Numbers(a), Reserved::Numbers(b)) => a.cmp(b),
        (Reserved::Name(a), Reserved::Name(b)) => a.cmp(b),
        (a, b) => matches!(a, Reserved::Name(_)).cmp(&matches!(b, Reserved::Name(_))),
    });
    let shortest = |value| match value {
        Reserved::Numbers(NumberRange { first, last, .. }) => {
            Reserved::Numbers(NumberRange::new(first, last))
        }
        name => name,
    };
    *reserved = values.into_iter().map(|value| vec![shortest(value)]).collect();
}
