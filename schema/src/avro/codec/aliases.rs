//! What a reader calls the types and fields of others. Source: Apache Avro 1.12 `applyAliases`.

use std::collections::{HashMap, HashSet};

use crate::avro::{Kind, Record, Schema};

/// The reader's aliases: what it calls the types and fields of others.
pub(super) struct Aliases<'s> {
    types: HashMap<&'s str, &'s str>,
    fields: HashMap<&'s str, HashMap<&'s str, &'s str>>,
}

impl<'s> Aliases<'s> {
    pub(super) fn none() -> Aliases<'s> {
        Aliases { types: HashMap::new(), fields: HashMap::new() }
    }

    pub(super) fn of(reader: &'s Schema) -> Aliases<'s> {
        let mut aliases = Aliases::none();
        let mut seen = HashSet::new();
        let mut stack = vec![reader.root()];
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            let kind = reader.kind(id);
            if let Some(named) = kind.named() {
                for alias in &named.aliases {
                    aliases.types.insert(alias.full(), named.name.full());
                }
            }
            match kind {
                Kind::Record(record) => {
                    aliases.record(record);
                    stack.extend(record.fields.iter().map(|f| f.node));
                }
                Kind::Array(child) | Kind::Map(child) => stack.push(*child),
                Kind::Union(branches) => stack.extend(branches),
                _ => {}
            }
        }
        aliases
    }

    fn record(&mut self, record: &'s Record) {
        for field in &record.fields {
            for alias in &field.aliases {
                let fields = self.fields.entry(record.named.name.full()).or_default();
                fields.insert(alias, &field.name);
            }
        }
    }

    /// The reader's name for a type of the writer's.
    pub(super) fn type_name<'w>(&self, writer: &'w str) -> &'w str
    where
        's: 'w,
    {
        self.types.get(writer).copied().unwrap_or(writer)
    }

    pub(super) fn field_name<'w>(&self, record: &str, field: &'w str) -> &'w str
    where
        's: 'w,
    {
        self.fields.get(record).and_then(|f| f.get(field)).copied().unwrap_or(field)
    }
}
