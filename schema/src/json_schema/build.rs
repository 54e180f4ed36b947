//! Documents to nodes. Source: how everit-json-schema reads drafts 4 to 7, which is how Confluent's
//! registry reads them; for later drafts the same with their keywords.
//!
//! Only what the root reaches is read, so what is wrong in a definition that nobody uses is no
//! error. Schemas wait in a queue: the depth of a document costs heap and not stack.

use std::collections::{HashMap, HashSet, VecDeque};

use super::fingerprint::Fingerprints;
use super::keywords::{Keywords, expected};
use super::library::{Document, Library, Spot};
use super::node::{Combined, Criterion, Kind, Node, NodeId, Notes, Place};
use super::{ParseError, meta_schema};
use crate::budget::Budget;
use crate::json::Json;

/// What [`build`] makes of documents; node 0 is the root.
pub(super) struct Built {
    pub nodes: Vec<Node>,
    pub places: Vec<Place>,
    /// The first thing that is wrong.
    pub problem: Option<ParseError>,
}

/// Reads `documents`: the schema itself, then its references.
pub(super) fn build(documents: &[Document], budget: &Budget) -> Built {
    let library = Library::new(documents, budget);
    let mut builder = Builder {
        library,
        nodes: Vec::new(),
        known: HashMap::new(),
        queue: VecDeque::new(),
        definitions: Vec::new(),
        fingerprints: Fingerprints::default(),
        problem: None,
        budget: budget.clone(),
    };
    let root = builder.library.root();
    builder.node(&root);
    builder.run();
    let problem = builder.problem.take();
    builder.define();
    builder.end_references();
    Built { nodes: builder.nodes, places: builder.library.places, problem }
}

pub(super) struct Builder<'d> {
    pub library: Library<'d>,
    nodes: Vec<Node>,
    /// Nodes by the address of their JSON.
    known: HashMap<usize, NodeId>,
    queue: VecDeque<(NodeId, Spot<'d>)>,
    /// Read last: they matter to tags alone.
    definitions: Vec<(NodeId, &'static str, String, Spot<'d>)>,
    fingerprints: Fingerprints,
    problem: Option<ParseError>,
    budget: Budget,
}

impl<'d> Builder<'d> {
    /// The node of the schema at `spot`, which is read now or later.
    pub fn node(&mut self, spot: &Spot<'d>) -> NodeId {
        let address = std::ptr::from_ref(spot.json).addr();
        if let Some(id) = self.known.get(&address) {
            return *id;
        }
        let id = self.push(Node::bare(Kind::Empty, spot.place));
        self.known.insert(address, id);
        self.queue.push_back((id, spot.clone()));
        id
    }

    /// Notes the first thing that is wrong in the schema itself.
    pub fn wrong(&mut self, spot: &Spot<'d>, keyword: &str, reason: &str) {
        let (Some(place), None) = (spot.place, &self.problem) else { return };
        let mut tokens = super::tokens(&self.library.places, place);
        tokens.extend((!keyword.is_empty()).then(|| keyword.to_string()));
        let path: String = tokens.iter().map(|t| format!("/{}", super::escaped(t))).collect();
        self.problem = Some(ParseError { message: format!("#{path}: {reason}"), position: None });
    }

    pub fn push(&mut self, node: Node) -> NodeId {
        self.budget.hold(2 * size_of::<Node>());
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a text has under 2^32 schemas"));
        self.nodes.push(node);
        id
    }

    fn run(&mut self) {
        while let Some((id, spot)) = self.queue.pop_front()
            && self.budget.spend(4)
        {
            match spot.json {
                Json::Bool(true) => self.nodes[id.0 as usize].kind = Kind::True,
                Json::Bool(false) => self.nodes[id.0 as usize].kind = Kind::False,
                Json::Object(_) => self.object(id, &spot),
                other => self.wrong(&spot, "", &expected("Boolean or JsonObject", other)),
            }
        }
    }

    /// Reads the definitions, which nothing can be wrong in.
    fn define(&mut self) {
        while let Some((owner, keyword, name, spot)) = self.definitions.pop() {
            let node = self.node(&spot);
            self.run();
            let notes = self.nodes[owner.0 as usize].notes.get_or_insert_default();
            notes.definitions.push((keyword, name, node));
        }
    }

    fn object(&mut self, id: NodeId, spot: &Spot<'d>) {
        let mut kinds = self.kinds(spot);
        let kind = match kinds.len() {
            0 => Kind::Empty,
            1 => kinds.remove(0),
            _ => {
                let parts: Vec<NodeId> =
                    kinds.into_iter().map(|k| self.push(Node::bare(k, spot.place))).collect();
                let (subschemas, distinct) = (parts.clone(), parts);
                Kind::Combined(Combined { criterion: Criterion::All, subschemas, distinct })
            }
        };
        let notes = self.notes(spot);
        let node = &mut self.nodes[id.0 as usize];
        node.kind = kind;
        node.notes = (notes != Notes::default()).then(|| Box::new(notes));
        self.find_definitions(id, spot);
    }

    fn find_definitions(&mut self, id: NodeId, spot: &Spot<'d>) {
        for keyword in ["$defs", "definitions"] {
            if let Some(Json::Object(members)) = spot.json.get(keyword) {
                let group = self.library.inside(spot, keyword, &Json::Null);
                for (name, json) in members.iter().rev() {
                    let inner = self.library.inside(&group, name, json);
                    self.definitions.push((id, keyword, name.clone(), inner));
                }
            }
        }
    }

    fn notes(&mut self, spot: &Spot<'d>) -> Notes {
        let mut keys = Keywords { builder: self, spot };
        let id_keyword = keys.draft().id_keyword();
        let tags = match spot.json.get("confluent:tags") {
            Some(Json::Array(tags)) => tags.iter().map(tag_text).collect(),
            _ => Vec::new(),
        };
        Notes {
            id: keys.text(id_keyword),
            title: keys.text("title"),
            description: keys.text("description"),
            default: spot.json.get("default").map(Json::value_text),
            connect_bytes: spot.json.get("connect.type").and_then(Json::as_str) == Some("bytes"),
            tags,
            definitions: Vec::new(),
        }
    }

    /// The kinds of schema that the keywords make, one for each group of keywords.
    fn kinds(&mut self, spot: &Spot<'d>) -> Vec<Kind> {
        let mut kinds = Vec::new();
        let modern = self.library.draft(spot).is_modern();
        let references: &[&str] =
            if modern { &["$ref", "$dynamicRef", "$recursiveRef"] } else { &["$ref"] };
        for keyword in references {
            if spot.json.get(keyword).is_some() {
                kinds.push(self.reference(spot, keyword));
            }
        }
        if !kinds.is_empty() && !modern {
            return kinds;
        }
        self.valued(spot, &mut kinds);
        for criterion in [Criterion::All, Criterion::Any, Criterion::One] {
            let list = Keywords { builder: self, spot }.schema_list(criterion.keyword());
            kinds.extend(list.map(|list| self.combined(criterion, list)));
        }
        let not = Keywords { builder: self, spot }.schema("not");
        kinds.extend(not.map(Kind::Not));
        self.typed(spot, &mut kinds);
        if modern || self.library.draft(spot) == super::draft::Draft::Draft7 {
            let mut keys = Keywords { builder: self, spot };
            let branches = ["if", "then", "else"].map(|keyword| keys.schema(keyword));
            if branches.iter().any(Option::is_some) {
                kinds.push(Kind::Conditional(branches));
            }
        }
        kinds
    }

    fn reference(&mut self, spot: &Spot<'d>, keyword: &str) -> Kind {
        let Some(text) = (Keywords { builder: self, spot }).text(keyword) else {
            return Kind::Empty;
        };
        if let Some(target) = self.library.resolve(&text, spot) {
            return Kind::Reference(self.node(&target));
        }
        if !meta_schema::is_one(&text) {
            let reason = format!(
                "cannot resolve reference '{text}': it is neither in this schema nor the name of one of its references, and nothing is fetched"
            );
            self.wrong(spot, keyword, &reason);
        }
        Kind::Empty
    }

    fn valued(&mut self, spot: &Spot<'d>, kinds: &mut Vec<Kind>) {
        let draft = self.library.draft(spot);
        if let Some(values) = (Keywords { builder: self, spot }).list("enum") {
            let mut texts: Vec<String> = values.iter().map(Json::value_text).collect();
            self.budget.hold(texts.iter().map(|text| size_of::<String>() + text.len()).sum());
            texts.sort_unstable();
            texts.dedup();
            kinds.push(Kind::Enum(texts));
        }
        if let Some(value) = spot.json.get("const").filter(|_| draft > super::draft::Draft::Draft4)
        {
            kinds.push(Kind::Const(value.value_text()));
        }
    }

    fn combined(&mut self, criterion: Criterion, list: Vec<Spot<'d>>) -> Kind {
        let mut seen = HashSet::new();
        let (mut subschemas, mut distinct) = (Vec::new(), Vec::new());
        for spot in &list {
            let node = self.node(spot);
            subschemas.push(node);
            if list.len() == 1 || seen.insert(self.fingerprints.of(spot.json)) {
                distinct.push(node);
            }
        }
        Kind::Combined(Combined { criterion, subschemas, distinct })
    }

    /// Makes every reference point to what is none; one that only leads to itself accepts all.
    fn end_references(&mut self) {
        // from which start a node was last met
        let mut met = vec![usize::MAX; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let mut trail = Vec::new();
            let mut at = start;
            let end = loop {
                match self.nodes[at].kind {
                    Kind::Reference(_) if met[at] == start => break None,
                    Kind::Reference(to) => {
                        met[at] = start;
                        trail.push(at);
                        at = to.0 as usize;
                    }
                    _ => break Some(NodeId(at as u32)),
                }
            };
            for node in trail {
                if let Kind::Reference(to) = &mut self.nodes[node].kind {
                    match end {
                        Some(end) => *to = end,
                        None => self.nodes[node].kind = Kind::Empty,
                    }
                }
            }
        }
    }
}

fn tag_text(tag: &Json) -> String {
    tag.as_str().map_or_else(|| tag.to_string(), str::to_string)
}
