//! The JSON of a schema as nodes of the arena, with names that may wait for their definitions.

use std::collections::{HashMap, HashSet};

use super::super::attributes::{
    ENUM_RESERVED, FIELD_RESERVED, SCHEMA_RESERVED, aliases, parse_java_double, parse_order, props,
    required_text, text,
};
use super::super::print::node_text;
use super::super::{Enum, Field, Fixed, Kind, Name, Named, NodeId, Order, Record};
use super::error::{ParseError, within, wrong};
use super::{NODE_BYTES, Parser};
use crate::budget::WRITTEN_BYTES_PER_STEP;
use crate::json::Json;

/// An error that lists types stops after this many bytes, and says how many more there are.
const SAID_BYTES_MAX: usize = 64 << 10;

impl Parser {
    /// Reads a type: its name, a list of branches, or an object that says what it is. Names without a namespace
    /// are in `space`.
    pub(super) fn schema(
        &mut self,
        json: &Json,
        space: Option<&str>,
    ) -> Result<NodeId, ParseError> {
        within(&self.budget, ())?;
        match json {
            Json::String(name) => Ok(self.find(name, space)),
            Json::Array(branches) => self.union(branches, space),
            Json::Object(_) => {
                let kind = required_text(json, "type", "No type")?;
                match kind {
                    "record" | "error" => self.record(json, kind == "error", space),
                    "enum" => self.enumeration(json, space),
                    "array" => {
                        let Some(items) = json.get("items") else {
                            return wrong(format!("Array has no items type: {json}"));
                        };
                        let items = self.schema(items, space)?;
                        Ok(self.push(Kind::Array(items), props(json, SCHEMA_RESERVED)))
                    }
                    "map" => {
                        let Some(values) = json.get("values") else {
                            return wrong(format!("Map has no values type: {json}"));
                        };
                        let values = self.schema(values, space)?;
                        Ok(self.push(Kind::Map(values), props(json, SCHEMA_RESERVED)))
                    }
                    "fixed" => self.fixed(json, space),
                    name => match Kind::primitive(name) {
                        Some(kind) => Ok(self.push(kind, props(json, SCHEMA_RESERVED))),
                        None => Ok(self.find(name, space)),
                    },
                }
            }
            other => wrong(format!("Schema not yet supported: {other}")),
        }
    }

    /// The type of a name, which may be defined further on.
    fn find(&mut self, name: &str, space: Option<&str>) -> NodeId {
        if let Some(kind) = Kind::primitive(name) {
            return self.push(kind, Vec::new());
        }
        let full = match space {
            Some(space) if !name.contains('.') => {
                // it is made, hashed and compared
                self.budget.spend(3 * space.len() / WRITTEN_BYTES_PER_STEP);
                format!("{space}.{name}")
            }
            _ => name.to_string(),
        };
        match self.named.get(&full).or_else(|| self.named.get(name)) {
            Some(id) => *id,
            None => {
                self.budget.hold(full.len());
                self.push(Kind::Unresolved(full), Vec::new())
            }
        }
    }

    fn union(&mut self, branches: &[Json], space: Option<&str>) -> Result<NodeId, ParseError> {
        let mut ids = Vec::with_capacity(branches.len());
        for branch in branches {
            ids.push(self.schema(branch, space)?);
        }
        self.check_union(&ids)?;
        Ok(self.push(Kind::Union(ids), Vec::new()))
    }

    /// Refuses branches of which two are of one kind, and unions in unions.
    pub(super) fn check_union(&self, branches: &[NodeId]) -> Result<(), ParseError> {
        let mut seen = HashSet::with_capacity(branches.len());
        for branch in branches {
            match &self.nodes[branch.0 as usize].kind {
                Kind::Union(_) => {
                    return wrong(self.nested_union(branches));
                }
                Kind::Unresolved(_) => {}
                kind if !seen.insert(kind.branch_name()) => {
                    return wrong(format!("Duplicate in union:{}", kind.branch_name()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says which branches there are. Each prints as if it stood alone, so that together they may have far more
    /// text than the schema.
    fn nested_union(&self, branches: &[NodeId]) -> String {
        let mut all = String::new();
        for (at, id) in branches.iter().enumerate() {
            if all.len() > SAID_BYTES_MAX {
                let left_out = branches.len() - at;
                return format!("Nested union: [{all}, and {left_out} more]");
            }
            let kind = &self.nodes[id.0 as usize].kind;
            all += if at > 0 { "," } else { "" };
            all += &node_text(&self.nodes, *id, kind, &self.budget);
        }
        format!("Nested union: [{all}]")
    }

    fn record(
        &mut self,
        json: &Json,
        is_error: bool,
        space: Option<&str>,
    ) -> Result<NodeId, ParseError> {
        let mut named = self.names(json, space)?;
        let Some(given) = json.get("fields").and_then(Json::as_array) else {
            return wrong(format!("Record has no fields: {json}"));
        };
        let space = named.name.namespace().map(str::to_string);
        let mut fields = Vec::with_capacity(given.len());
        for field in given {
            fields.push(self.field(field, space.as_deref())?);
        }
        self.check_fields(&fields, named.name.full())?;
        named.aliases = self.type_aliases(json, &named.name)?;
        let kind = Kind::Record(Record { named, fields, is_error });
        let id = self.push(kind, props(json, SCHEMA_RESERVED));
        self.define(id)
    }

    fn check_fields(&self, fields: &[Field], record: &str) -> Result<(), ParseError> {
        let mut seen: HashMap<&str, usize> = HashMap::with_capacity(fields.len());
        let described = |at: usize| {
            let kind = &self.nodes[fields[at].node.0 as usize].kind;
            let kind = kind.type_name().to_ascii_uppercase();
            format!("{} type:{kind} pos:{at}", fields[at].name)
        };
        for (at, Field { name, .. }) in fields.iter().enumerate() {
            if let Some(before) = seen.insert(name, at) {
                let (this, other) = (described(at), described(before));
                return wrong(format!(
                    "Duplicate field {name} in record {record}: {this} and {other}."
                ));
            }
        }
        Ok(())
    }

    fn field(&mut self, json: &Json, space: Option<&str>) -> Result<Field, ParseError> {
        let name = required_text(json, "name", "No field name")?.to_string();
        let Some(kind) = json.get("type") else {
            return wrong(format!("No field type: {json}"));
        };
        let node = self.schema(kind, space)?;
        self.budget.hold(NODE_BYTES);
        let order = match json.get("order") {
            None => Order::Ascending,
            Some(order) => parse_order(order)?,
        };
        let floating = matches!(self.nodes[node.0 as usize].kind, Kind::Float | Kind::Double);
        let default = match json.get("default") {
            Some(Json::String(text)) if floating => match parse_java_double(text) {
                Ok(double) => Some(Json::Double(double)),
                Err(_) if self.options.odd_defaults => Some(Json::String(text.clone())),
                Err(why) => return Err(why),
            },
            other => other.cloned(),
        };
        self.check_name(&name)?;
        let mut field = Field {
            name,
            node,
            doc: text(json, "doc"),
            default,
            order,
            aliases: Vec::new(),
            props: Vec::new(),
        };
        if self.options.validate_defaults {
            self.validate_default(&field, &HashSet::new())?;
        }
        field.props = props(json, FIELD_RESERVED);
        field.aliases = aliases(json)?;
        Ok(field)
    }

    fn enumeration(&mut self, json: &Json, space: Option<&str>) -> Result<NodeId, ParseError> {
        let mut named = self.names(json, space)?;
        let Some(given) = json.get("symbols").and_then(Json::as_array) else {
            return wrong(format!("Enum has no symbols: {json}"));
        };
        let mut symbols = Vec::with_capacity(given.len());
        let mut seen = HashSet::with_capacity(given.len());
        for symbol in given {
            let Some(symbol) = symbol.as_str() else { return wrong("Null name") };
            self.check_name(symbol)?;
            if !seen.insert(symbol) {
                return wrong(format!("Duplicate enum symbol: {symbol}"));
            }
            symbols.push(symbol.to_string());
        }
        let default = text(json, "default");
        if let Some(default) = &default
            && !self.options.odd_defaults
            && !seen.contains(default.as_str())
        {
            let symbols = symbols.join(", ");
            return wrong(format!(
                "The Enum Default: {default} is not in the enum symbol set: [{symbols}]"
            ));
        }
        named.aliases = self.type_aliases(json, &named.name)?;
        let kind = Kind::Enum(Enum { named, symbols, default });
        let id = self.push(kind, props(json, ENUM_RESERVED));
        self.define(id)
    }

    fn fixed(&mut self, json: &Json, space: Option<&str>) -> Result<NodeId, ParseError> {
        let mut named = self.names(json, space)?;
        let size = match json.get("size") {
            Some(Json::Int(size)) if i32::try_from(*size).is_ok() => *size,
            _ => return wrong(format!("Invalid or no size: {json}")),
        };
        if size < 0 {
            return wrong(format!("Malformed data. Length is negative: {size}"));
        }
        if size > i64::from(i32::MAX) - 8 {
            return wrong(format!(
                "Cannot read arrays longer than {} bytes in Java VM",
                i32::MAX - 8
            ));
        }
        named.aliases = self.type_aliases(json, &named.name)?;
        let kind = Kind::Fixed(Fixed { named, size: size as usize });
        let id = self.push(kind, props(json, SCHEMA_RESERVED));
        self.define(id)
    }

    fn names(&self, json: &Json, space: Option<&str>) -> Result<Named, ParseError> {
        let own = json.get("namespace").and_then(Json::as_str);
        // a namespace that others inherit is in the name of each, and in the list of names
        let space_bytes = own.or(space).map_or(0, str::len);
        self.budget.write(4 * space_bytes);
        within(&self.budget, ())?;
        let name = Name::new(required_text(json, "name", "No name in schema")?, own.or(space));
        self.check_name(name.simple())?;
        if Kind::primitive(name.full()).is_some() {
            return wrong(format!("Schemas may not be named after primitives: {}", name.full()));
        }
        Ok(Named { name, doc: text(json, "doc"), aliases: Vec::new() })
    }

    fn type_aliases(&self, json: &Json, owner: &Name) -> Result<Vec<Name>, ParseError> {
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        for alias in aliases(json)? {
            if !self.budget.write(2 * owner.namespace().map_or(0, str::len)) {
                break;
            }
            let name = Name::new(&alias, owner.namespace());
            self.check_name(name.simple())?;
            if seen.insert(name.clone()) {
                names.push(name);
            }
        }
        within(&self.budget, names)
    }

    fn check_name(&self, name: &str) -> Result<(), ParseError> {
        self.options.names.check(name).or_else(wrong)
    }
}
