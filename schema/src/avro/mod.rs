//! Avro: schemas as an arena of nodes, equal in every verdict to Apache Avro's Java library 1.12.
//!
//! A [`Schema`] is made by a [`Parser`] and never changes. References between named types are
//! resolved to node ids, so that two nodes are one type exactly if their ids are equal: recursion
//! is a cycle of ids, and nothing here follows it on the machine's stack.

mod attributes;
mod compatibility;
mod default_check;
mod equivalent;
mod fingerprint;
mod incompatibility;
mod name;
mod normalize;
mod parse;
mod print;
mod reasons;
mod tags;

pub mod codec;

pub use compatibility::{AmbiguousField, compatibility, compatibility_within};
pub use fingerprint::{Fingerprints, crc64_avro};
pub use incompatibility::{Incompatibility, IncompatibilityKind};
pub use name::{Name, NameRule};
pub use parse::{ParseError, ParseOptions, Parser};

use crate::json::Json;

/// The place of a type in its schema's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// A parsed, resolved Avro schema.
#[derive(Clone, Debug)]
pub struct Schema {
    nodes: Vec<Node>,
    root: NodeId,
    /// Full names that came with references: [`Schema::canonical`] prints them as names.
    referenced: std::collections::HashSet<String>,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub kind: Kind,
    /// Properties that Avro does not know, in the order in which they were given.
    pub props: Vec<(String, Json)>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(NodeId),
    Map(NodeId),
    Union(Vec<NodeId>),
    Record(Record),
    Enum(Enum),
    Fixed(Fixed),
    /// A name met before its definition; none is left once a schema is parsed.
    Unresolved(String),
}

/// What records, enums and fixed types have in common.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: Name,
    pub doc: Option<String>,
    pub aliases: Vec<Name>,
}

#[derive(Clone, Debug)]
pub struct Record {
    pub named: Named,
    pub fields: Vec<Field>,
    pub is_error: bool,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub node: NodeId,
    pub doc: Option<String>,
    pub default: Option<Json>,
    pub order: Order,
    pub aliases: Vec<String>,
    pub props: Vec<(String, Json)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
    Ignore,
}

#[derive(Clone, Debug)]
pub struct Enum {
    pub named: Named,
    pub symbols: Vec<String>,
    pub default: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Fixed {
    pub named: Named,
    pub size: usize,
}

impl Schema {
    /// Parses a schema that stands alone, as a client would: names in UTF-8, defaults checked.
    pub fn parse(text: &str) -> Result<Schema, ParseError> {
        Parser::new(ParseOptions::default()).parse(text)
    }

    pub fn root(&self) -> NodeId {
        self.root
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub fn kind(&self, id: NodeId) -> &Kind {
        &self.node(id).kind
    }

    /// The full name of the schema's own type, if that is a record, an enum or a fixed.
    pub fn full_name(&self) -> Option<&str> {
        self.kind(self.root).named().map(|named| named.name.full())
    }
}

impl Kind {
    pub fn named(&self) -> Option<&Named> {
        match self {
            Kind::Record(r) => Some(&r.named),
            Kind::Enum(e) => Some(&e.named),
            Kind::Fixed(f) => Some(&f.named),
            _ => None,
        }
    }

    /// The type's name in schemas: `"string"`, `"record"`, ...
    pub fn type_name(&self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Record(_) | Kind::Unresolved(_) => "record",
            Kind::Enum(_) => "enum",
            Kind::Fixed(_) => "fixed",
        }
    }

    /// What names this type as a branch of a union: the full name of a named type, else the type.
    pub fn branch_name(&self) -> &str {
        self.named().map_or(self.type_name(), |named| named.name.full())
    }

    pub(crate) fn primitive(name: &str) -> Option<Kind> {
        Some(match name {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "bytes" => Kind::Bytes,
            "string" => Kind::String,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Schema {
        Parser::new(ParseOptions::STORED).parse(text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    fn field(inside: &str) -> String {
        format!(r#"{{"type":"record","name":"R","fields":[{{"name":"a",{inside}}}]}}"#)
    }

    #[test]
    fn a_stored_text_that_would_be_refused_is_read_and_is_compatible_with_itself() {
        for text in [
            field(r#""type":"string","default":null"#),
            field(r#""type":"int","default":"x""#),
            field(r#""type":"double","default":"x""#),
            field(r#""type":"double","default":1E+400"#),
            field(r#""type":["int","null"],"default":{"b":1}"#),
            r#"{"type":"record","name":"R","namespace":"1ns","fields":[]}"#.into(),
            r#"{"type":"record","name":"my-record","fields":[{"name":"a b","type":"int"}]}"#.into(),
            r#"{"type":"enum","name":"E","symbols":["1","b-c"]}"#.into(),
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#.into(),
        ] {
            assert!(Parser::new(ParseOptions::NEW).parse(&text).is_err(), "{text}");
            let schema = stored(&text);
            assert_eq!(schema.canonical(), text);
            assert_eq!(compatibility(&schema, &schema), Ok(Vec::new()), "{text}");
            assert!(schema.equivalent(&schema));
        }
    }

    #[test]
    fn a_number_that_no_double_can_hold_is_no_default_and_stays_a_number_in_a_property() {
        let error =
            Parser::new(ParseOptions::NEW).parse(&field(r#""type":"double","default":1e400"#));
        let message = error.unwrap_err().message;
        assert_eq!(message, r#"Invalid default for field a: 1E+400 not a "double""#);
        let property = Schema::parse(r#"{"type":"string","p":[1e400,-1e400,1e300]}"#).unwrap();
        assert_eq!(property.canonical(), r#"{"type":"string","p":[1E+400,-1E+400,1.0E300]}"#);
    }

    #[test]
    fn what_is_wrong_is_said_in_javas_words() {
        for (text, wanted) in [
            (
                "x",
                "Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false') at line 1, column 1",
            ),
            (r#"["int",["int"]]"#, r#"Nested union: ["int",["int"]]"#),
            (
                r#""int"#,
                "Unexpected end-of-input: was expecting closing quote for a string value at line 1, column 5",
            ),
            (
                r#"{"type":"record","name":"A","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
                "Duplicate field a in record A: a type:INT pos:1 and a type:INT pos:0.",
            ),
            (
                &field(r#""type":"int","order":"up""#),
                "No enum constant org.apache.avro.Schema.Field.Order.UP",
            ),
        ] {
            assert_eq!(Schema::parse(text).unwrap_err().message, wanted);
        }
    }
}
