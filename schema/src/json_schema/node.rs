//! The parsed form: an arena of typed schemas, which the comparison walks.
//!
//! A JSON object becomes one node if its keywords are of one kind, and else an `allOf` of one node
//! for each kind: `{"type":"string","enum":["a"]}` is both an enum and a string. A list of types is
//! an `anyOf`. `$ref`s are resolved to node ids, so that recursion is a cycle of ids.

/// The place of a schema in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(pub u32);

/// A place in the document itself, as a link to the place that it is in; 0 is the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaceId(pub u32);

#[derive(Clone, Debug)]
pub(super) struct Place {
    pub parent: PlaceId,
    pub token: String,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: Kind,
    /// Where it stands; nothing for what stands in a reference.
    pub place: Option<PlaceId>,
    /// Nothing for most.
    pub notes: Option<Box<Notes>>,
}

/// Keywords that hold for any kind of schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Notes {
    pub id: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    /// As a text that equal values share.
    pub default: Option<String>,
    /// `connect.type` is `bytes`: such schemas are compatible whatever their type.
    pub connect_bytes: bool,
    /// `confluent:tags`.
    pub tags: Vec<String>,
    /// What stands under `definitions` or `$defs`: the keyword, the name, the schema.
    pub definitions: Vec<(&'static str, String, NodeId)>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// `{}`, and what could not be read.
    Empty,
    True,
    False,
    Null,
    Boolean,
    String(StringRules),
    Number(NumberRules),
    /// The values as texts that equal values share, sorted and distinct.
    Enum(Vec<String>),
    Const(String),
    Object(Box<ObjectRules>),
    Array(Box<ArrayRules>),
    Combined(Combined),
    Not(NodeId),
    /// `if`, `then`, `else`: the comparison does not look inside.
    Conditional([Option<NodeId>; 3]),
    /// Resolved to what is no reference itself.
    Reference(NodeId),
}

#[derive(Clone, Debug, Default)]
pub(super) struct StringRules {
    pub max_length: Option<i64>,
    pub min_length: Option<i64>,
    pub pattern: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct NumberRules {
    pub maximum: Option<f64>,
    pub minimum: Option<f64>,
    pub exclusive_maximum: Option<f64>,
    pub exclusive_minimum: Option<f64>,
    pub multiple_of: Option<f64>,
    pub integer: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ObjectRules {
    /// In the document's order.
    pub properties: Vec<Property>,
    /// Places in `properties`, sorted by name.
    pub by_name: Vec<u32>,
    pub pattern_properties: Vec<(String, NodeId)>,
    pub additional: Additional,
    pub unevaluated: Option<NodeId>,
    /// In the document's order; the required names are sorted and distinct.
    pub dependent_required: Vec<(String, Vec<String>)>,
    /// In the document's order.
    pub dependent_schemas: Vec<(String, NodeId)>,
    /// Bytes of all the names above: what walking through them costs.
    pub name_bytes: usize,
    pub max_properties: Option<i64>,
    pub min_properties: Option<i64>,
}

#[derive(Clone, Debug)]
pub(super) struct Property {
    pub name: String,
    pub node: NodeId,
    pub required: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ArrayRules {
    /// `items` with one schema for all.
    pub all_items: Option<NodeId>,
    /// `prefixItems`, or `items` with a list.
    pub items: Vec<NodeId>,
    pub additional: Additional,
    pub unevaluated: Option<NodeId>,
    pub max_items: Option<i64>,
    pub min_items: Option<i64>,
    pub unique_items: bool,
    pub max_contains: Option<i64>,
    pub min_contains: Option<i64>,
}

/// What an object or an array may hold beyond what is named in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Additional {
    Anything,
    Nothing,
    Only(NodeId),
}

#[derive(Clone, Debug)]
pub(super) struct Combined {
    pub criterion: Criterion,
    /// In the document's order.
    pub subschemas: Vec<NodeId>,
    /// The same without repetitions.
    pub distinct: Vec<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    All,
    Any,
    One,
}

impl Criterion {
    pub fn keyword(self) -> &'static str {
        match self {
            Criterion::All => "allOf",
            Criterion::Any => "anyOf",
            Criterion::One => "oneOf",
        }
    }
}

impl Node {
    pub fn bare(kind: Kind, place: Option<PlaceId>) -> Node {
        Node { kind, place, notes: None }
    }

    pub fn has_default(&self) -> bool {
        self.notes.as_ref().is_some_and(|notes| notes.default.is_some())
    }

    /// `true` or `{}`: anything is valid.
    pub fn accepts_all(&self) -> bool {
        matches!(self.kind, Kind::Empty | Kind::True)
    }
}

impl ObjectRules {
    pub fn property(&self, name: &str) -> Option<&Property> {
        let name_at = |at: &u32| self.properties[*at as usize].name.as_str().cmp(name);
        let found = self.by_name.binary_search_by(name_at).ok()?;
        Some(&self.properties[self.by_name[found] as usize])
    }
}
