//! Schema texts to [`Schema`]s, with Java's verdict on each. Source: Apache Avro 1.12
//! `Schema.Parser`, `ParseContext`, `SchemaResolver`.
//!
//! A name may be used before its definition; it stands as [`Kind::Unresolved`] until the text is
//! read, and defaults are checked twice, as Java does: as read, and once all names are known.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::attributes::{
    ENUM_RESERVED, FIELD_RESERVED, SCHEMA_RESERVED, aliases, parse_java_double, parse_order, props,
    required_text, text,
};
use super::default_check::DefaultCheck;
use super::print::node_text;
use super::{Enum, Field, Fixed, Kind, Name, NameRule, Named, Node, NodeId, Order, Record, Schema};
use crate::budget::{Budget, WRITTEN_BYTES_PER_STEP};
use crate::json::{Json, JsonError, same_members};

/// From so many bytes on, an error that lists types says how many more there are.
const SAID_BYTES_MAX: usize = 64 << 10;

/// What a type takes in the arena, or a field in its record, but for names.
const NODE_BYTES: usize = 256;

/// How strict a [`Parser`] is.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions {
    pub names: NameRule,
    pub validate_defaults: bool,
    /// Takes two defaults that Java refuses however it is told to read, and that registries before
    /// Avro 1.9 took: an enum's that is none of its symbols, and a text of a float that is no number.
    pub odd_defaults: bool,
}

impl Default for ParseOptions {
    /// Avro's own defaults: names in UTF-8, default values checked.
    fn default() -> Self {
        ParseOptions { names: NameRule::Utf8, validate_defaults: true, odd_defaults: false }
    }
}

impl ParseOptions {
    /// What a registry asks of a schema that is new to it.
    pub const NEW: ParseOptions =
        ParseOptions { names: NameRule::Strict, validate_defaults: true, odd_defaults: false };
    /// What it asks of one that is stored already: nothing but structure.
    pub const STORED: ParseOptions =
        ParseOptions { names: NameRule::None, validate_defaults: false, odd_defaults: true };
}

/// Why a text is not an Avro schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub message: String,
    /// Line and column, from 1, where the text is not even JSON.
    pub position: Option<(usize, usize)>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

impl From<JsonError> for ParseError {
    fn from(error: JsonError) -> Self {
        ParseError { message: error.to_string(), position: Some((error.line, error.column)) }
    }
}

/// What is said where a budget is used up.
pub(super) fn within<T>(budget: &Budget, value: T) -> Result<T, ParseError> {
    match budget.over() {
        None => Ok(value),
        Some(over) => wrong(over.to_string()),
    }
}

pub(super) fn wrong<T>(message: impl Into<String>) -> Result<T, ParseError> {
    Err(ParseError { message: message.into(), position: None })
}

/// Parses schemas that may refer to each other's named types.
pub struct Parser {
    options: ParseOptions,
    nodes: Vec<Node>,
    named: HashMap<String, NodeId>,
    /// Named types defined by the text being read, in the order of their completion.
    fresh: Vec<NodeId>,
    /// Names of the references themselves; types nested in them print in full, as in Java.
    referenced: HashSet<String>,
    /// Types that stand again, and the first of the same name, which they equal.
    again: HashMap<NodeId, NodeId>,
    budget: Budget,
}

impl Parser {
    pub fn new(options: ParseOptions) -> Parser {
        Parser::within(options, &Budget::default())
    }

    /// A parser whose texts are paid from one budget. What it returns once that is used up is an error.
    pub fn within(options: ParseOptions, budget: &Budget) -> Parser {
        Parser {
            options,
            nodes: Vec::new(),
            named: HashMap::new(),
            fresh: Vec::new(),
            referenced: HashSet::new(),
            again: HashMap::new(),
            budget: budget.clone(),
        }
    }

    /// Reads a schema that the one to come refers to. References are read in order, each with only
    /// the names of those before it.
    pub fn reference(&mut self, text: &str) -> Result<(), ParseError> {
        let root = self.read(text)?;
        if let Some(named) = self.nodes[root.0 as usize].kind.named() {
            self.referenced.insert(named.name.full().to_string());
        }
        Ok(())
    }

    /// Reads the schema itself.
    pub fn parse(mut self, text: &str) -> Result<Schema, ParseError> {
        let root = self.read(text)?;
        Ok(Schema { nodes: self.nodes, root, referenced: self.referenced })
    }

    fn read(&mut self, text: &str) -> Result<NodeId, ParseError> {
        let json = Json::parse_within(text, &self.budget)?;
        let first = self.nodes.len();
        self.fresh.clear();
        let root = self.schema(&json, None)?;
        let root = self.resolve(first, root)?;
        if self.options.validate_defaults {
            self.validate_resolved_defaults(first, root)?;
        }
        let name = self.nodes[root.0 as usize].kind.named().map(|n| n.name.full());
        let root = name.map_or(root, |name| self.named[name]);
        within(&self.budget, root)
    }

    fn push(&mut self, kind: Kind, props: Vec<(String, Json)>) -> NodeId {
        self.budget.hold(NODE_BYTES);
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a text has under 2^32 types"));
        self.nodes.push(Node { kind, props });
        id
    }

    fn schema(&mut self, json: &Json, space: Option<&str>) -> Result<NodeId, ParseError> {
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

    fn check_union(&self, branches: &[NodeId]) -> Result<(), ParseError> {
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

    /// Each branch prints as if it stood alone, so that they may have far more text together than there is.
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

    /// Makes a complete named type known. The same definition may stand twice; another may not.
    fn define(&mut self, id: NodeId) -> Result<NodeId, ParseError> {
        let named = self.nodes[id.0 as usize].kind.named().expect("only named types are defined");
        let full = named.name.full().to_string();
        for part in named.name.namespace().into_iter().flat_map(|space| space.split('.')) {
            if let Err(why) = self.options.names.check(part) {
                return wrong(format!("Namespace part \"{part}\" is invalid: {why}"));
            }
        }
        match self.named.get(&full) {
            Some(known) if !self.equal(id, *known) => wrong(format!("Can't redefine: {full}")),
            Some(known) => {
                self.again.insert(id, *known);
                Ok(id)
            }
            None => {
                self.named.insert(full, id);
                self.fresh.push(id);
                Ok(id)
            }
        }
    }

    /// Java's `Schema.equals`. `a` is new, so its nesting, and with it the recursion, is bounded by
    /// the nesting of its text.
    fn equal(&self, a: NodeId, b: NodeId) -> bool {
        if a == b || self.again.get(&a) == Some(&b) || !self.budget.spend(1) {
            return true;
        }
        let (x, y) = (&self.nodes[a.0 as usize], &self.nodes[b.0 as usize]);
        let kinds = match (&x.kind, &y.kind) {
            (Kind::Array(i), Kind::Array(j)) | (Kind::Map(i), Kind::Map(j)) => self.equal(*i, *j),
            (Kind::Union(i), Kind::Union(j)) => {
                i.len() == j.len() && i.iter().zip(j).all(|(i, j)| self.equal(*i, *j))
            }
            (Kind::Record(i), Kind::Record(j)) => {
                i.named.name == j.named.name
                    && i.fields.len() == j.fields.len()
                    && i.fields.iter().zip(&j.fields).all(|(f, g)| self.equal_fields(f, g))
            }
            (Kind::Enum(i), Kind::Enum(j)) => {
                self.budget.spend(i.symbols.len());
                i.named.name == j.named.name && i.symbols == j.symbols
            }
            (Kind::Fixed(i), Kind::Fixed(j)) => i.named.name == j.named.name && i.size == j.size,
            (Kind::Unresolved(_), _) | (_, Kind::Unresolved(_)) => false,
            (i, j) => std::mem::discriminant(i) == std::mem::discriminant(j),
        };
        kinds && same_members(&x.props, &y.props)
    }

    fn equal_fields(&self, f: &Field, g: &Field) -> bool {
        let defaults = match (&f.default, &g.default) {
            (Some(a), Some(b)) => a.same(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        f.name == g.name
            && f.order == g.order
            && defaults
            && self.equal(f.node, g.node)
            && same_members(&f.props, &g.props)
    }

    /// Puts the types that names were waiting for in their places.
    fn resolve(&mut self, first: usize, root: NodeId) -> Result<NodeId, ParseError> {
        let mut target: HashMap<NodeId, NodeId> = HashMap::new();
        for (index, node) in self.nodes.iter().enumerate().skip(first) {
            if let Kind::Unresolved(name) = &node.kind {
                let Some(found) = self.named.get(name) else {
                    return wrong(format!("Undefined schema: {name}"));
                };
                target.insert(NodeId(index as u32), *found);
            }
        }
        if target.is_empty() {
            return Ok(root);
        }
        if target.contains_key(&root) {
            return wrong("A schema cannot be a name alone that it does not define");
        }
        let point = |id: &mut NodeId| *id = target.get(id).copied().unwrap_or(*id);
        for node in &mut self.nodes[first..] {
            match &mut node.kind {
                Kind::Array(id) | Kind::Map(id) => point(id),
                Kind::Union(ids) => ids.iter_mut().for_each(point),
                Kind::Record(record) => record.fields.iter_mut().for_each(|f| point(&mut f.node)),
                _ => {}
            }
        }
        for node in &self.nodes[first..] {
            if let Kind::Union(branches) = &node.kind {
                self.check_union(branches)?;
            }
        }
        Ok(root)
    }

    /// Checks defaults against resolved types, depth first, as Java's copy of a resolved schema
    /// does: a default that needs the fields of a record around it has no answer, and is refused.
    fn validate_resolved_defaults(&self, first: usize, root: NodeId) -> Result<(), ParseError> {
        let mut open: HashSet<NodeId> = HashSet::new();
        let mut entered: HashSet<NodeId> = HashSet::new();
        for start in self.fresh.iter().copied().chain([root]) {
            let mut stack = vec![(start, false)];
            while let Some((id, leave)) = stack.pop() {
                let kind = &self.nodes[id.0 as usize].kind;
                if leave {
                    if let Kind::Record(record) = kind {
                        for field in &record.fields {
                            self.validate_default(field, &open)?;
                        }
                        open.remove(&id);
                    }
                    continue;
                }
                // what came with earlier texts has been checked with them
                if (id.0 as usize) < first || !entered.insert(id) {
                    continue;
                }
                stack.push((id, true));
                match kind {
                    Kind::Array(child) | Kind::Map(child) => stack.push((*child, false)),
                    Kind::Union(branches) => {
                        stack.extend(branches.iter().rev().map(|b| (*b, false)));
                    }
                    Kind::Record(record) => {
                        open.insert(id);
                        stack.extend(record.fields.iter().rev().map(|f| (f.node, false)));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn validate_default(&self, field: &Field, open: &HashSet<NodeId>) -> Result<(), ParseError> {
        let Some(default) = &field.default else { return Ok(()) };
        if DefaultCheck::new(&self.nodes, open, &self.budget).fits(field.node, default)? {
            return Ok(());
        }
        let kind = &self.nodes[field.node.0 as usize].kind;
        wrong(format!(
            "Invalid default for field {}: {default} not a {}",
            field.name,
            node_text(&self.nodes, field.node, kind, &self.budget),
        ))
    }
}
