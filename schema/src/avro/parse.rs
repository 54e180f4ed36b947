//! Schema texts to [`Schema`]s, with Java's verdict on each. Source: Apache Avro 1.12
//! `Schema.Parser`, `ParseContext`, `SchemaResolver`.
//!
//! A name may be used before its definition; it stands as [`Kind::Unresolved`] until the text is
//! read, and defaults are checked twice, as Java does: as read, and once all names are known.

mod define;
mod error;
mod resolve;
mod types;

use std::collections::{HashMap, HashSet};

use super::{Kind, NameRule, Node, NodeId, Schema};
use crate::budget::Budget;
use crate::json::Json;
pub use error::ParseError;
pub(super) use error::{within, wrong};

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
}
