//! The documents that a schema can refer to: itself and its references, by name, `$id` and anchor.
//!
//! A `$ref` is looked up here and nowhere else: there is no network and no file behind it.

use std::collections::HashMap;
use std::rc::Rc;

use super::draft::Draft;
use super::members::Members;
use super::node::{Place, PlaceId};
use super::uri;
use crate::budget::Budget;
use crate::json::Json;

/// Bytes of a URI that an `$id` may make: each schema below it carries one. A longer one names
/// nothing.
const URI_BYTES_MAX: usize = 1024;

/// A text that was read: the schema itself, or a reference under its name.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// As used in `$ref`; empty for the schema itself.
    pub name: String,
    pub json: Json,
}

/// A place in a document.
#[derive(Clone)]
pub(super) struct Spot<'d> {
    pub document: usize,
    pub json: &'d Json,
    /// Nothing inside references: only places in the schema itself are reported.
    pub place: Option<PlaceId>,
    /// What `$ref`s here are relative to.
    pub base: Rc<str>,
}

pub(super) struct Library<'d> {
    drafts: Vec<Draft>,
    /// By absolute URI, without an empty fragment.
    targets: HashMap<String, Spot<'d>>,
    roots: Vec<Spot<'d>>,
    members: Members<'d>,
    pub places: Vec<Place>,
    budget: Budget,
}

impl<'d> Library<'d> {
    /// `documents`: the schema itself, then its references.
    pub fn new(documents: &'d [Document], budget: &Budget) -> Library<'d> {
        let mut library = Library {
            drafts: documents.iter().map(|d| Draft::of(&d.json)).collect(),
            targets: HashMap::new(),
            roots: Vec::new(),
            members: Members::default(),
            places: vec![Place { parent: PlaceId(0), token: String::new() }],
            budget: budget.clone(),
        };
        let mut own_base: Rc<str> = Rc::from("");
        for (index, Document { name, json }) in documents.iter().enumerate() {
            let registered = uri::join(&own_base, name);
            let place = (index == 0).then_some(PlaceId(0));
            let root = Spot { document: index, json, place, base: Rc::from(registered.as_str()) };
            let dotted = format!("./{name}");
            for uri in [registered.as_str(), name.as_str(), dotted.as_str()] {
                library.add(uri, &root);
            }
            let based = library.based(root.clone());
            if index == 0 {
                own_base = based.base.clone();
            }
            library.roots.push(based);
            library.index(root);
        }
        library
    }

    pub fn draft(&self, spot: &Spot<'d>) -> Draft {
        self.drafts[spot.document]
    }

    pub fn root(&self) -> Spot<'d> {
        self.roots[0].clone()
    }

    /// The place of a member or an item; `spot` is the object or the array.
    pub fn inside(&mut self, spot: &Spot<'d>, token: &str, json: &'d Json) -> Spot<'d> {
        let place = spot.place.map(|parent| self.place(parent, token));
        self.based(Spot { document: spot.document, json, place, base: spot.base.clone() })
    }

    pub fn place(&mut self, parent: PlaceId, token: &str) -> PlaceId {
        self.budget.hold(super::PLACE_BYTES + token.len());
        let id = u32::try_from(self.places.len()).expect("a text has under 2^32 places");
        self.places.push(Place { parent, token: token.to_string() });
        PlaceId(id)
    }

    /// What `reference` means in a schema at `from`.
    pub fn resolve(&mut self, reference: &str, from: &Spot<'d>) -> Option<Spot<'d>> {
        self.budget.spend(8 + (from.base.len() + reference.len()) / 16);
        let absolute = uri::join(&from.base, reference);
        if let Some(found) = self.target(&absolute).or_else(|| self.target(reference)) {
            return Some(found);
        }
        let own = uri::join(&self.roots[0].base, reference);
        if let Some(found) = self.target(&own) {
            return Some(found);
        }
        let pointer = reference.strip_prefix('#')?;
        let root = self.roots[from.document].clone();
        self.walk(root, pointer)
    }

    fn target(&mut self, absolute: &str) -> Option<Spot<'d>> {
        if let Some(found) = self.targets.get(absolute) {
            return Some(found.clone());
        }
        let (resource, fragment) = uri::split_fragment(absolute);
        let resource = self.targets.get(resource)?.clone();
        self.walk(resource, fragment.unwrap_or_default())
    }

    /// Follows a JSON pointer, escaped as in a URI.
    fn walk(&mut self, root: Spot<'d>, pointer: &str) -> Option<Spot<'d>> {
        self.budget.spend(1 + pointer.len() / 16);
        let pointer = uri::decoded(pointer);
        if pointer.is_empty() {
            return Some(root);
        }
        let mut spot = root;
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            let json = self.members.inside(spot.json, &token)?;
            spot = self.inside(&spot, &token, json);
        }
        Some(spot)
    }

    /// The same spot with the base that its own `$id` gives it.
    fn based(&mut self, mut spot: Spot<'d>) -> Spot<'d> {
        let keyword = self.drafts[spot.document].id_keyword();
        let id = match spot.json {
            Json::Object(_) => self.members.inside(spot.json, keyword).and_then(Json::as_str),
            _ => None,
        };
        if let Some(id) = id.filter(|id| !id.starts_with('#') && id.len() <= URI_BYTES_MAX) {
            let base = uri::join(&spot.base, id);
            if base.len() <= URI_BYTES_MAX {
                spot.base = Rc::from(uri::split_fragment(&base).0);
            }
        }
        spot
    }

    /// Adds every `$id` and anchor at or below `root`.
    fn index(&mut self, root: Spot<'d>) {
        let mut stack = vec![root];
        while let Some(spot) = stack.pop()
            && self.budget.spend(2)
        {
            let inner = self.based(spot.clone());
            self.add_names(&spot, &inner);
            match spot.json {
                Json::Array(items) => {
                    for (at, item) in items.iter().enumerate() {
                        self.descend(&inner, &at.to_string(), item, &mut stack);
                    }
                }
                Json::Object(members) => {
                    for (key, value) in members {
                        if !matches!(key.as_str(), "enum" | "const" | "default" | "examples") {
                            self.descend(&inner, key, value, &mut stack);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn descend(&mut self, at: &Spot<'d>, token: &str, json: &'d Json, stack: &mut Vec<Spot<'d>>) {
        if matches!(json, Json::Array(_) | Json::Object(_)) {
            let place = at.place.map(|parent| self.place(parent, token));
            stack.push(Spot { document: at.document, json, place, base: at.base.clone() });
        }
    }

    fn add_names(&mut self, spot: &Spot<'d>, inner: &Spot<'d>) {
        let draft = self.drafts[spot.document];
        let short = |text: &&str| text.len() <= URI_BYTES_MAX;
        if let Some(id) = spot.json.get(draft.id_keyword()).and_then(Json::as_str).filter(short) {
            self.add(&uri::join(&spot.base, id), inner);
        }
        let anchors: &[&str] = if draft.is_modern() { &["$anchor", "$dynamicAnchor"] } else { &[] };
        for keyword in anchors {
            if let Some(name) = spot.json.get(keyword).and_then(Json::as_str).filter(short) {
                self.add(&format!("{}#{name}", inner.base), inner);
            }
        }
    }

    /// The first to have a name keeps it.
    fn add(&mut self, absolute: &str, spot: &Spot<'d>) {
        self.budget.write(super::PLACE_BYTES + absolute.len());
        let key = absolute.strip_suffix('#').unwrap_or(absolute).to_string();
        let spot = self.based(spot.clone());
        self.targets.entry(key).or_insert(spot);
    }
}
