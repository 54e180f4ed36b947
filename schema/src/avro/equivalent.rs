//! Are two schemas one? Source: `Schema.equals` of Apache Avro's Java library and what Confluent's
//! `AvroSchema` compares beside it: docs, aliases and the defaults of enums.
//!
//! Types are merged as they are found to agree here, so that each pair of types is looked at once and
//! recursion ends: the time grows with the number of types, however they refer to each other.

use std::collections::HashSet;
use std::hash::Hash;

use super::{Field, Kind, Named, NodeId, Schema};
use crate::budget::Budget;
use crate::json::{Json, same_members};

impl Schema {
    /// Whether the two say the same, however their texts are written: the order of keys does not
    /// count, nor whether a type stands by its name. Names, the order of fields and symbols, defaults,
    /// docs, aliases and properties count. References are compared as what they mean.
    pub fn equivalent(&self, other: &Schema) -> bool {
        self.equivalent_within(other, &Budget::default())
    }

    /// As `equivalent` does, within a budget.
    pub fn equivalent_within(&self, other: &Schema, budget: &Budget) -> bool {
        budget.hold(8 * (self.nodes.len() + other.nodes.len()));
        let mut merged = Merged::new(self.nodes.len() + other.nodes.len());
        let mut stack = vec![(self.root, other.root)];
        while let Some((a, b)) = stack.pop() {
            if !budget.spend(self.parts_of(a)) {
                return false;
            }
            let is_new = merged.unite(a.0 as usize, self.nodes.len() + b.0 as usize);
            if is_new && !same_here(self, a, other, b, &mut stack) {
                return false;
            }
        }
        true
    }

    /// What a comparison of a type costs, without those inside it.
    fn parts_of(&self, id: NodeId) -> usize {
        match self.kind(id) {
            Kind::Union(branches) => 1 + branches.len(),
            Kind::Record(record) => 1 + 2 * record.fields.len(),
            Kind::Enum(e) => 1 + e.symbols.len() / 4,
            _ => 1,
        }
    }
}

/// Compares two types without those inside them, which wait on the stack.
fn same_here(
    left: &Schema,
    a: NodeId,
    right: &Schema,
    b: NodeId,
    stack: &mut Vec<(NodeId, NodeId)>,
) -> bool {
    let (x, y) = (left.node(a), right.node(b));
    let kinds = match (&x.kind, &y.kind) {
        (Kind::Array(i), Kind::Array(j)) | (Kind::Map(i), Kind::Map(j)) => {
            stack.push((*i, *j));
            true
        }
        (Kind::Union(i), Kind::Union(j)) => {
            stack.extend(i.iter().copied().zip(j.iter().copied()));
            i.len() == j.len()
        }
        (Kind::Record(i), Kind::Record(j)) => {
            stack.extend(i.fields.iter().zip(&j.fields).map(|(f, g)| (f.node, g.node)));
            i.is_error == j.is_error
                && same_names(&i.named, &j.named)
                && i.fields.len() == j.fields.len()
                && i.fields.iter().zip(&j.fields).all(|(f, g)| same_field(f, g))
        }
        (Kind::Enum(i), Kind::Enum(j)) => {
            same_names(&i.named, &j.named) && i.symbols == j.symbols && i.default == j.default
        }
        (Kind::Fixed(i), Kind::Fixed(j)) => same_names(&i.named, &j.named) && i.size == j.size,
        (i, j) => std::mem::discriminant(i) == std::mem::discriminant(j),
    };
    kinds && same_members(&x.props, &y.props)
}

fn same_names(a: &Named, b: &Named) -> bool {
    a.name == b.name && a.doc == b.doc && same_set(&a.aliases, &b.aliases)
}

/// Compares two fields without their types.
fn same_field(a: &Field, b: &Field) -> bool {
    let same_default = match (&a.default, &b.default) {
        (Some(x), Some(y)) => Json::same(x, y),
        (x, y) => x.is_none() && y.is_none(),
    };
    same_default
        && a.name == b.name
        && a.order == b.order
        && a.doc == b.doc
        && same_set(&a.aliases, &b.aliases)
        && same_members(&a.props, &b.props)
}

/// Compares two lists in which nothing stands twice, whatever their order.
fn same_set<T: Eq + Hash>(a: &[T], b: &[T]) -> bool {
    a == b || a.len() == b.len() && a.iter().collect::<HashSet<_>>() == b.iter().collect()
}

/// Sets of types that are taken for one: a forest in which each set is a tree.
struct Merged {
    parents: Vec<usize>,
}

impl Merged {
    fn new(size: usize) -> Merged {
        Merged { parents: (0..size).collect() }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    /// Makes one set of two. Returns true if they were two.
    fn unite(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a] = b;
        a != b
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ParseOptions, Parser};
    use super::*;

    fn parsed(text: &str) -> Schema {
        Parser::new(ParseOptions::STORED).parse(text).unwrap()
    }

    fn record(inside: &str) -> String {
        format!(r#"{{"type":"record","name":"R",{inside}}}"#)
    }

    #[test]
    fn a_schema_may_be_written_in_other_ways() {
        for (a, b) in [
            (r#"{"type":"string"}"#, r#""string""#),
            (
                r#"{"name":"n.E","symbols":["A"],"type":"enum"}"#,
                r#"{"type":"enum","namespace":"n","name":"E","symbols":["A"]}"#,
            ),
            (
                r#"{"type":"record","name":"R","fields":[{"type":"int","name":"a","default":1,"p":{"x":1,"y":2}}],"q":1}"#,
                r#"{"q":1,"fields":[{"name":"a","p":{"y":2,"x":1},"default":1,"type":{"type":"int"}}],"name":"R","type":"record"}"#,
            ),
            (
                r#"{"type":"record","name":"R","aliases":["A","B"],"fields":[{"name":"a","type":"int","aliases":["x","y"]}]}"#,
                r#"{"type":"record","name":"R","aliases":["B","A"],"fields":[{"name":"a","type":"int","aliases":["y","x"]}]}"#,
            ),
        ] {
            assert!(parsed(a).equivalent(&parsed(b)), "{a} {b}");
        }
    }

    #[test]
    fn what_a_schema_says_counts() {
        let field = |inside: &str| record(&format!(r#""fields":[{{"name":"a",{inside}}}]"#));
        for (a, b) in [
            (r#""string""#.to_string(), r#"{"type":"string","p":1}"#.to_string()),
            (r#"["null","int"]"#.into(), r#"["int","null"]"#.into()),
            (r#"["null","int"]"#.into(), r#"["null"]"#.into()),
            (record(r#""fields":[]"#), record(r#""fields":[],"doc":"d""#)),
            (record(r#""fields":[]"#), record(r#""fields":[],"aliases":["A"]"#)),
            (record(r#""fields":[]"#), record(r#""fields":[],"namespace":"n""#)),
            (record(r#""fields":[]"#), r#"{"type":"error","name":"R","fields":[]}"#.into()),
            (
                record(r#""fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]"#),
                record(r#""fields":[{"name":"b","type":"int"},{"name":"a","type":"int"}]"#),
            ),
            (field(r#""type":"int""#), field(r#""type":"long""#)),
            (field(r#""type":"int""#), field(r#""type":"int","default":1"#)),
            (field(r#""type":"float","default":1"#), field(r#""type":"float","default":1.0"#)),
            (field(r#""type":"int""#), field(r#""type":"int","order":"ignore""#)),
            (field(r#""type":"int""#), field(r#""type":"int","doc":"""#)),
            (field(r#""type":"int""#), field(r#""type":"int","aliases":["x"]"#)),
            (field(r#""type":"int""#), field(r#""type":"int","p":null"#)),
            (
                r#"{"type":"enum","name":"E","symbols":["A","B"]}"#.into(),
                r#"{"type":"enum","name":"E","symbols":["B","A"]}"#.into(),
            ),
            (
                r#"{"type":"enum","name":"E","symbols":["A"]}"#.into(),
                r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#.into(),
            ),
            (
                r#"{"type":"fixed","name":"F","size":1}"#.into(),
                r#"{"type":"fixed","name":"F","size":2}"#.into(),
            ),
        ] {
            assert!(!parsed(&a).equivalent(&parsed(&b)), "{a} {b}");
            assert!(parsed(&a).equivalent(&parsed(&a)) && parsed(&b).equivalent(&parsed(&b)));
        }
    }

    #[test]
    fn a_reference_is_what_it_means() {
        let part = r#"{"type":"record","name":"P","fields":[{"name":"next","type":["null","P"]}]}"#;
        let mut parser = Parser::new(ParseOptions::NEW);
        parser.reference(part).unwrap();
        let whole = r#"{"type":"record","name":"W","fields":[{"name":"p","type":"P"}]}"#;
        let referring = parser.parse(whole).unwrap();
        let inlined = whole.replace(r#""P""#, part);
        assert!(referring.equivalent(&parsed(&inlined)));
        assert!(!referring.equivalent(&parsed(&inlined.replace("next", "other"))));
    }

    #[test]
    fn types_that_refer_to_each_other_are_compared_in_linear_time() {
        let count = 2_000;
        let all = |last: &str| {
            let types = (0..count).rev().map(|i| {
                let other = if i + 1 == count { last.to_string() } else { format!("\"T{}\"", i + 1) };
                format!(r#"{{"type":"record","name":"T{i}","fields":[{{"name":"a","type":{other}}},{{"name":"b","type":{other}}}]}}"#)
            });
            parsed(&format!("[{}]", types.collect::<Vec<_>>().join(",")))
        };
        assert!(all("\"int\"").equivalent(&all("\"int\"")));
        assert!(!all("\"int\"").equivalent(&all("\"long\"")));
    }
}
