//! The schema of a Rust type, as text: named types in full where they come first, then by name.
//! Properties stand in the order in which Java and registries print them.

use std::collections::HashMap;

use serde_json::Value;

use super::CompileError;
use super::logical::Logical;
use crate::avro::{Kind, Schema};

/// A schema that is being written.
#[derive(Debug, Default)]
pub struct SchemaText {
    out: String,
    /// Names of the named types around, outermost first.
    namespaces: Vec<Option<String>>,
    /// The Rust type of each full name.
    types: HashMap<String, String>,
    /// The fields that lead here, with their records' names.
    path: Vec<String>,
    /// What is to be said of the next primitive.
    logical_type: Option<String>,
    by_serde: bool,
    /// For the unions around, the names that serde finds their branches by.
    branches: Vec<Vec<String>>,
    error: Option<CompileError>,
}

/// What a record or an enum is called.
pub struct Named<'a> {
    pub name: &'a str,
    /// That of the type around, if it says nothing.
    pub namespace: Option<&'a str>,
    pub aliases: &'a [&'a str],
    pub doc: Option<&'a str>,
}

/// A record's field but for its type.
pub struct Field<'a> {
    pub name: &'a str,
    pub aliases: &'a [&'a str],
    pub doc: Option<&'a str>,
    /// As JSON. Without one, what is optional has null.
    pub default: Option<&'a str>,
    /// `timestamp-micros`, or `decimal(10, 2)` with precision and scale.
    pub logical_type: Option<&'a str>,
}

impl SchemaText {
    /// The text, and whether straight-line code writes and reads all of it.
    pub(super) fn finish(self) -> Result<(String, bool), CompileError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok((self.out, !self.by_serde)),
        }
    }

    /// What the type that was written is called, without its namespace.
    pub(super) fn simple_name(&self) -> String {
        branch_name(&self.out).unwrap_or_else(|| "union".into())
    }

    /// A type without parts.
    pub fn primitive(&mut self, name: &str) {
        match self.logical_type.take() {
            None => self.out.push_str(&Value::from(name).to_string()),
            Some(logical) => {
                let start = self.out.len();
                self.out.push_str(&format!(r#"{{"type":"{name}",{logical}}}"#));
                self.check_logical(start);
            }
        }
    }

    /// Avro passes over a logical type that it does not know, or that is not of its type; whoever wrote
    /// it here meant something.
    fn check_logical(&mut self, start: usize) {
        let text = &self.out[start..];
        let known = match Schema::parse(text) {
            // a logical type of strings has no other form than their own
            Ok(schema) if matches!(schema.kind(schema.root()), Kind::String) => {
                text.contains(r#""logicalType":"uuid""#)
            }
            Ok(schema) => Logical::of(&schema, schema.root()) != Logical::None,
            Err(_) => false,
        };
        if !known {
            let why = format!("{text} is no logical type of Avro");
            self.fail(why);
        }
    }

    pub fn fixed(&mut self, size: usize) {
        let name = format!("Fixed{size}");
        let named = Named { name: &name, namespace: None, aliases: &[], doc: None };
        if !self.begins(&named, "[u8]".into()) {
            return;
        }
        let start = self.out.len();
        let logical = self.logical_type.take().map(|logical| format!(",{logical}"));
        let (says, logical) = (logical.is_some(), logical.unwrap_or_default());
        self.out.push_str(&format!(r#"{{"type":"fixed","name":"{name}","size":{size}{logical}}}"#));
        if says {
            self.check_logical(start);
        }
        self.namespaces.pop();
    }

    pub fn array(&mut self, items: impl FnOnce(&mut SchemaText)) {
        self.is_not_logical();
        self.out.push_str(r#"{"type":"array","items":"#);
        items(self);
        self.out.push('}');
    }

    pub fn map(&mut self, values: impl FnOnce(&mut SchemaText)) {
        self.is_not_logical();
        self.out.push_str(r#"{"type":"map","values":"#);
        values(self);
        self.out.push('}');
    }

    /// A union of null and another type, or of null and the branches of a union.
    pub fn optional(&mut self, value: impl FnOnce(&mut SchemaText)) {
        self.out.push_str(r#"["null","#);
        let start = self.out.len();
        value(self);
        // Avro has no union in a union
        match self.out[start..].starts_with('[') {
            true => drop(self.out.remove(start)),
            false => self.out.push(']'),
        }
    }

    /// A type of which a logical type is said: `timestamp-micros`, or `decimal(10, 2)`.
    pub fn logical(&mut self, text: &str, kind: impl FnOnce(&mut SchemaText)) {
        self.is_not_logical();
        self.logical_type = Some(logical_type(text));
        kind(self);
        self.is_not_logical();
    }

    /// A union of the branches that `branches` adds.
    pub fn union(&mut self, branches: impl FnOnce(&mut SchemaText)) {
        self.is_not_logical();
        self.out.push('[');
        self.branches.push(Vec::new());
        branches(self);
        self.branches.pop();
        self.out.push(']');
    }

    /// A branch, which serde finds by the variant's name: it has to be the type's own.
    pub fn branch(&mut self, variant: &str, held: impl FnOnce(&mut SchemaText)) {
        if !self.out.ends_with('[') {
            self.out.push(',');
        }
        let start = self.out.len();
        held(self);
        let name = branch_name(&self.out[start..]);
        if name.as_deref().is_none_or(|name| !name.eq_ignore_ascii_case(variant)) {
            let name = name.unwrap_or_else(|| "a union".into());
            self.fail(format!("the variant {variant} holds {name}: it has to be called that"));
        }
        let known = self.branches.last_mut().expect("a branch is one of a union");
        let name = variant.to_ascii_lowercase();
        if known.contains(&name) {
            self.fail(format!("two variants are called {variant}, but for case"));
        } else {
            known.push(name);
        }
    }

    /// A record; `R` is the Rust type that it is of.
    pub fn record<R: ?Sized>(&mut self, named: Named, fields: impl FnOnce(&mut SchemaText)) {
        self.record_of(std::any::type_name::<R>().into(), named, fields);
    }

    /// A record of the fields that a variant of the enum `E` has.
    pub fn variant<E: ?Sized>(&mut self, named: Named, fields: impl FnOnce(&mut SchemaText)) {
        let rust = format!("{}::{}", std::any::type_name::<E>(), named.name);
        self.record_of(rust, named, fields);
    }

    fn record_of(&mut self, rust: String, named: Named, fields: impl FnOnce(&mut SchemaText)) {
        self.is_not_logical();
        if !self.begins(&named, rust) {
            return;
        }
        self.path.push(named.name.to_string());
        self.out.push_str(r#"{"type":"record","#);
        self.named(&named);
        self.out.push_str(r#","fields":["#);
        fields(self);
        self.out.push(']');
        self.aliases(named.aliases);
        self.out.push('}');
        self.namespaces.pop();
        self.path.pop();
    }

    pub fn field(&mut self, field: Field, kind: impl FnOnce(&mut SchemaText)) {
        if !self.out.ends_with('[') {
            self.out.push(',');
        }
        self.out.push_str(&format!(r#"{{"name":{}"#, Value::from(field.name)));
        self.out.push_str(r#","type":"#);
        let start = self.out.len();
        self.logical_type = field.logical_type.map(logical_type);
        self.path.push(field.name.to_string());
        kind(self);
        self.is_not_logical();
        self.path.pop();
        let written = serde_json::from_str::<Value>(&self.out[start..]);
        let optional = matches!(&written, Ok(Value::Array(branches)) if branches.first() == Some(&"null".into()));
        self.doc(field.doc);
        if let Some(default) = field.default.or(optional.then_some("null")) {
            self.out.push_str(&format!(r#","default":{default}"#));
        }
        self.aliases(field.aliases);
        self.out.push('}');
    }

    /// An enum of these symbols.
    pub fn symbols<E: ?Sized>(&mut self, named: Named, symbols: &[&str], default: Option<&str>) {
        self.is_not_logical();
        if !self.begins(&named, std::any::type_name::<E>().into()) {
            return;
        }
        self.out.push_str(r#"{"type":"enum","#);
        self.named(&named);
        self.out.push_str(&format!(r#","symbols":{}"#, Value::from(symbols)));
        if let Some(default) = default {
            self.out.push_str(&format!(r#","default":{}"#, Value::from(default)));
        }
        self.aliases(named.aliases);
        self.out.push('}');
        self.namespaces.pop();
    }

    /// A schema written by hand, for a type that only serde writes and reads.
    pub fn by_serde(&mut self, json: &str) {
        self.by_serde = true;
        self.out.push_str(json);
    }

    /// A logical type has to be of the type that is written next.
    fn is_not_logical(&mut self) {
        if let Some(logical) = self.logical_type.take() {
            self.fail(format!("{logical} is said of a type that cannot be a logical one"));
        }
    }

    /// Whether a named type is to be written in full; else its name is there now.
    fn begins(&mut self, named: &Named, rust: String) -> bool {
        let around = self.namespaces.last().cloned().flatten();
        let namespace = named.namespace.map(str::to_string).or(around).filter(|n| !n.is_empty());
        let full = match &namespace {
            Some(namespace) => format!("{namespace}.{}", named.name),
            None => named.name.to_string(),
        };
        match self.types.get(&full) {
            Some(known) if *known == rust => {
                self.out.push_str(&Value::from(full).to_string());
                false
            }
            Some(known) => {
                let why = format!("{known} and {rust} are both called {full}");
                self.fail(why);
                self.out.push_str(&Value::from(full).to_string());
                false
            }
            None => {
                self.types.insert(full, rust);
                self.namespaces.push(namespace);
                true
            }
        }
    }

    fn named(&mut self, named: &Named) {
        self.out.push_str(&format!(r#""name":{}"#, Value::from(named.name)));
        if let Some(namespace) = named.namespace {
            self.out.push_str(&format!(r#","namespace":{}"#, Value::from(namespace)));
        }
        self.doc(named.doc);
    }

    fn doc(&mut self, doc: Option<&str>) {
        if let Some(doc) = doc {
            self.out.push_str(&format!(r#","doc":{}"#, Value::from(doc)));
        }
    }

    fn aliases(&mut self, aliases: &[&str]) {
        if !aliases.is_empty() {
            self.out.push_str(&format!(r#","aliases":{}"#, Value::from(aliases)));
        }
    }

    /// Keeps the first error, with the fields that led to it.
    fn fail(&mut self, why: String) {
        let path = self.path.join(".");
        self.error.get_or_insert_with(|| match path.is_empty() {
            true => CompileError(why),
            false => CompileError(format!("{path}: {why}")),
        });
    }
}

/// The properties of `decimal(10, 2)` or of a name alone.
fn logical_type(text: &str) -> String {
    let (name, arguments) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((name, arguments)) => (name, arguments),
        None => (text, ""),
    };
    let mut properties = format!(r#""logicalType":{}"#, Value::from(name.trim()));
    for (property, argument) in ["precision", "scale"].iter().zip(arguments.split(',')) {
        if !argument.trim().is_empty() {
            properties.push_str(&format!(r#","{property}":{}"#, argument.trim()));
        }
    }
    properties
}

/// What serde's variants have to be called to find a branch: its simple name.
fn branch_name(schema: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(schema).ok()?;
    let full = match &schema {
        Value::String(name) => name,
        Value::Object(o) => match o.get("type")?.as_str()? {
            "record" | "enum" | "fixed" => o.get("name")?.as_str()?,
            other => other,
        },
        _ => return None,
    };
    Some(full.rsplit('.').next().unwrap_or(full).to_string())
}
