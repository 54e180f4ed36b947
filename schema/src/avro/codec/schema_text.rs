//! The schema of a Rust type, as text: named types in full where they come first, then by name.
//! Properties stand in the order in which Java and registries print them.

use std::collections::HashMap;

use serde_json::Value;

use super::CompileError;

/// A schema that is being written.
#[derive(Debug, Default)]
pub struct SchemaText {
    out: String,
    /// Of the named types around, outermost first.
    namespaces: Vec<Option<String>>,
    /// The Rust type of each full name.
    types: HashMap<String, &'static str>,
    /// What is to be said of the next primitive.
    logical_type: Option<String>,
    by_serde: bool,
    /// Of the unions around, the names that serde finds their branches by.
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

    /// A type without parts.
    pub fn primitive(&mut self, name: &str) {
        let name = Value::from(name);
        match self.logical_type.take() {
            None => self.out.push_str(&name.to_string()),
            Some(logical) => self.out.push_str(&format!("{{\"type\":{name},{logical}}}")),
        }
    }

    pub fn fixed(&mut self, size: usize) {
        let name = format!("Fixed{size}");
        if !self.begins(&Named { name: &name, namespace: None, aliases: &[], doc: None }, "[u8]") {
            return;
        }
        let logical = self.logical_type.take().map(|logical| format!(",{logical}"));
        let logical = logical.unwrap_or_default();
        self.out.push_str(&format!(r#"{{"type":"fixed","name":"{name}","size":{size}{logical}}}"#));
        self.namespaces.pop();
    }

    pub fn array(&mut self, items: impl FnOnce(&mut SchemaText)) {
        self.out.push_str(r#"{"type":"array","items":"#);
        items(self);
        self.out.push('}');
    }

    pub fn map(&mut self, values: impl FnOnce(&mut SchemaText)) {
        self.out.push_str(r#"{"type":"map","values":"#);
        values(self);
        self.out.push('}');
    }

    /// A union of null and another type.
    pub fn optional(&mut self, value: impl FnOnce(&mut SchemaText)) {
        self.out.push_str(r#"["null","#);
        value(self);
        self.out.push(']');
    }

    /// A union of the branches that `branches` adds.
    pub fn union(&mut self, branches: impl FnOnce(&mut SchemaText)) {
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
        if !self.begins(&named, std::any::type_name::<R>()) {
            return;
        }
        self.out.push_str(r#"{"type":"record","#);
        self.named(&named);
        self.out.push_str(r#","fields":["#);
        fields(self);
        self.out.push(']');
        self.aliases(named.aliases);
        self.out.push('}');
        self.namespaces.pop();
    }

    pub fn field(&mut self, field: Field, kind: impl FnOnce(&mut SchemaText)) {
        if !self.out.ends_with('[') {
            self.out.push(',');
        }
        self.out.push_str(&format!(r#"{{"name":{}"#, Value::from(field.name)));
        self.out.push_str(r#","type":"#);
        let start = self.out.len();
        self.logical_type = field.logical_type.map(logical_type);
        kind(self);
        if self.logical_type.take().is_some() {
            self.fail(format!("field {} has no type that can be a logical one", field.name));
        }
        let optional = self.out[start..].starts_with(r#"["null","#);
        self.doc(field.doc);
        if let Some(default) = field.default.or(optional.then_some("null")) {
            self.out.push_str(&format!(r#","default":{default}"#));
        }
        self.aliases(field.aliases);
        self.out.push('}');
    }

    /// An enum of these symbols.
    pub fn symbols<E: ?Sized>(&mut self, named: Named, symbols: &[&str], default: Option<&str>) {
        if !self.begins(&named, std::any::type_name::<E>()) {
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

    /// Whether a named type is to be written in full; else its name is there now.
    fn begins(&mut self, named: &Named, rust: &'static str) -> bool {
        let around = self.namespaces.last().cloned().flatten();
        let namespace = named.namespace.map(str::to_string).or(around).filter(|n| !n.is_empty());
        let full = match &namespace {
            Some(namespace) => format!("{namespace}.{}", named.name),
            None => named.name.to_string(),
        };
        match self.types.get(&full).copied() {
            Some(known) if known == rust => {
                self.out.push_str(&Value::from(full).to_string());
                false
            }
            Some(known) => {
                self.fail(format!("{known} and {rust} are both called {full}"));
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

    fn fail(&mut self, why: String) {
        self.error.get_or_insert(CompileError(why));
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
