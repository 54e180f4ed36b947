//! JSON Schema, drafts 4, 6, 7, 2019-09 and 2020-12: what Confluent's registry asks of a schema.
//!
//! A [`Schema`] is a document and its references, resolved to an arena of nodes. Nothing is ever
//! fetched: a `$ref` means a place in the document, an `$id` or an anchor, or a reference by its
//! name. [`compatibility`] tells the differences that keep one schema from accepting what another
//! accepted. Nothing here recurses deeper than a JSON text may nest.

mod arrays;
mod build;
mod combined;
mod compatibility;
mod difference;
mod draft;
mod fingerprint;
mod fix;
mod java_order;
mod judge;
mod keywords;
mod library;
mod matching;
mod members;
mod meta_schema;
mod node;
mod objects;
mod pattern;
mod resolved;
mod tags;
mod typed;
mod uri;

use std::fmt;

pub use compatibility::{
    Incompatibility, TooComplex, compatibility, compatibility_within, differences,
};
pub use difference::DifferenceType;
pub use draft::Draft;

use self::build::{Built, build};
use self::library::Document;
use self::members::Members;
use self::node::{Kind, Node, NodeId, Place, PlaceId};
use crate::budget::Budget;
use crate::json::{Json, JsonError};

/// What a place takes, with the value that stands there.
const PLACE_BYTES: usize = 128;

/// A parsed document with its references resolved.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The schema itself, then its references and the meta-schemas that any of them refers to.
    documents: Vec<Document>,
    nodes: Vec<Node>,
    places: Vec<Place>,
}

/// Which differences are compatible: a registry's `compatibilityPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Strict,
    /// An open content model may be given properties, and be closed.
    Lenient,
}

/// Why a text is not a JSON Schema.
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

impl Schema {
    /// Parses a schema. `references` are names as used in `$ref`, and texts, each after those that
    /// it refers to itself. With `validate`, as for a schema that is new, keywords of a wrong type,
    /// unknown types, broken patterns and `$ref`s that lead nowhere are errors; without, as for
    /// one that is stored, they are as if they were not there.
    pub fn parse(
        text: &str,
        references: &[(&str, &str)],
        validate: bool,
    ) -> Result<Schema, ParseError> {
        Schema::parse_within(text, references, validate, &Budget::default())
    }

    /// As `parse` does, within a budget. What it returns once that is used up is an error.
    pub fn parse_within(
        text: &str,
        references: &[(&str, &str)],
        validate: bool,
        budget: &Budget,
    ) -> Result<Schema, ParseError> {
        let json = Json::parse_exact_within(text, budget)?;
        let mut documents = vec![Document { name: String::new(), json }];
        for (name, text) in references {
            let json = Json::parse_exact_within(text, budget).map_err(|error| ParseError {
                message: format!("reference '{name}': {error}"),
                position: None,
            })?;
            documents.push(Document { name: (*name).to_string(), json });
        }
        let (schema, problem) = Schema::built(documents, budget);
        if let Some(over) = budget.over() {
            return Err(ParseError { message: over.to_string(), position: None });
        }
        problem.filter(|_| validate).map_or(Ok(schema), Err)
    }

    fn built(mut documents: Vec<Document>, budget: &Budget) -> (Schema, Option<ParseError>) {
        let meta_schemas = meta_schema::referred(&documents);
        documents.extend(meta_schemas);
        let Built { nodes, places, problem } = build(&documents, budget);
        (Schema { documents, nodes, places }, problem)
    }

    /// The same schema with another text of its own.
    fn with_json(&self, json: Json, budget: &Budget) -> Schema {
        budget.hold(PLACE_BYTES * self.places.len());
        let mut documents = self.documents.clone();
        documents[0].json = json;
        Schema::built(documents, budget).0
    }

    fn json(&self) -> &Json {
        &self.documents[0].json
    }

    /// The draft by whose rules it is read: what `$schema` names, or else draft 7.
    pub fn draft(&self) -> Draft {
        Draft::of(self.json())
    }

    /// The document without white space, its keys in the order in which they were given.
    pub fn canonical(&self) -> String {
        self.json().to_string()
    }

    /// As `canonical` does, within a budget.
    pub fn canonical_within(&self, budget: &Budget) -> String {
        let text = self.canonical();
        budget.write(text.len());
        text
    }

    /// Whether the two documents say the same, whatever the order of their keys and however their
    /// numbers are written. What their references mean is not compared: see [`Schema::same_resolved`].
    pub fn same_content(&self, other: &Schema) -> bool {
        self.json().same_value(other.json())
    }

    /// A text that two schemas share exactly if they are the same by [`Schema::same_content`].
    pub fn content_text(&self) -> String {
        self.json().value_text()
    }

    /// As `content_text` does, within a budget.
    pub fn content_text_within(&self, budget: &Budget) -> String {
        let text = self.content_text();
        budget.spend(text.len() / 8);
        text
    }

    /// What `normalize=true` makes of it: the keys of every object sorted.
    pub fn normalized(&self) -> Schema {
        self.normalized_within(&Budget::default())
    }

    /// As `normalized` does, within a budget.
    pub fn normalized_within(&self, budget: &Budget) -> Schema {
        self.with_json(self.json().sorted(), budget)
    }

    /// The names of the properties of the document's root.
    pub fn top_level_fields(&self) -> Vec<String> {
        match self.json().get("properties") {
            Some(Json::Object(members)) => members.iter().map(|(name, _)| name.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// The first of the root's properties whose name begins with `$$`, which a registry keeps for itself:
    /// one that validates fields refuses it.
    pub fn reserved_property(&self) -> Option<&str> {
        let Kind::Object(rules) = &self.node(NodeId(0)).kind else { return None };
        rules.properties.iter().map(|p| p.name.as_str()).find(|name| name.starts_with("$$"))
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// What a schema is once it is no reference.
    fn end(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            Kind::Reference(to) => to,
            _ => id,
        }
    }

    /// The JSON pointer of a place, and of the words below it as far as they exist.
    fn pointer<'s>(
        &'s self,
        place: Option<PlaceId>,
        words: &str,
        members: &mut Members<'s>,
    ) -> String {
        let mut tokens = place.map_or_else(Vec::new, |place| tokens(&self.places, place));
        let step = |json, token: &String| members.inside(json, token);
        let mut at = tokens.iter().try_fold(self.json(), step);
        let mut rest = words;
        while let Some(json) = at.filter(|_| !rest.is_empty()) {
            let Some((token, after)) = next_word(json, rest, members) else { break };
            at = members.inside(json, &token);
            tokens.push(token);
            rest = after;
        }
        tokens.iter().map(|token| format!("/{}", escaped(token))).collect()
    }
}

/// The step that the next word means in `json`, a key or an index, and what is left of the words.
/// A name with slashes in it is one word.
fn next_word<'j, 'w>(
    json: &'j Json,
    words: &'w str,
    members: &mut Members<'j>,
) -> Option<(String, &'w str)> {
    if members.inside(json, words).is_some() {
        return Some((words.to_string(), ""));
    }
    if let Some(at) = members.position(json, words) {
        return Some((at.to_string(), ""));
    }
    let (word, rest) = words.split_once('/').unwrap_or((words, ""));
    let also = if word == "items" { "prefixItems" } else { word };
    let found = [also, word].into_iter().find(|word| members.inside(json, word).is_some())?;
    Some((found.to_string(), rest))
}

/// The steps from the root to a place.
fn tokens(places: &[Place], mut place: PlaceId) -> Vec<String> {
    let mut tokens = Vec::new();
    while place != PlaceId(0) {
        let Place { parent, token } = &places[place.0 as usize];
        tokens.push(token.clone());
        place = *parent;
    }
    tokens.reverse();
    tokens
}

/// A step of a JSON pointer, escaped.
fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Schema {
        Schema::parse(text, &[], true).unwrap()
    }

    #[test]
    fn the_same_content_may_have_its_keys_and_numbers_in_another_form() {
        let schema =
            parsed(r#"{"type":"object","properties":{"a":{"minimum":1.50},"b":{"maximum":10}}}"#);
        for same in [
            r#"{"properties":{"b":{"maximum":10},"a":{"minimum":1.5}},"type":"object"}"#,
            r#"{"type":"object","properties":{"a":{"minimum":15e-1},"b":{"maximum":10.0}}}"#,
        ] {
            assert!(schema.same_content(&parsed(same)), "{same}");
        }
        for other in [
            r#"{"type":"object","properties":{"a":{"minimum":1.51},"b":{"maximum":10}}}"#,
            r#"{"type":"object","properties":{"a":{"minimum":1.5}}}"#,
            r#"{"type":"object","title":"","properties":{"a":{"minimum":1.5},"b":{"maximum":10}}}"#,
            "true",
        ] {
            assert!(!schema.same_content(&parsed(other)), "{other}");
        }
        assert!(!parsed(r#"{"enum":[1,2]}"#).same_content(&parsed(r#"{"enum":[2,1]}"#)));
    }
}
