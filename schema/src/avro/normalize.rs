//! `normalize=true`: what Confluent's registry makes of an Avro schema before it stores it. Source:
//! Confluent's `AvroSchemaUtils#toNormalizedString`, whose text is parsed and printed again.
//!
//! It is not the Parsing Canonical Form: fields, docs, defaults and properties all stay. Properties
//! are sorted, also inside their values, and aliases are sorted; what makes a logical type comes
//! first; a default is written as a value of its type, so that a float's `1` becomes `1.0`; an
//! error becomes a record, and the empty doc of a type is none.

use std::collections::HashSet;

use super::default_check::DefaultCheck;
use super::{Fixed, Kind, Named, Node, NodeId, Schema};
use crate::budget::Budget;
use crate::json::{Json, java_order};

impl Schema {
    /// The schema that `normalize=true` stores.
    pub fn normalized(self) -> Schema {
        self.normalized_within(&Budget::default())
    }

    /// As `normalized` does, within a budget.
    pub fn normalized_within(mut self, budget: &Budget) -> Schema {
        let defaults = Defaults { nodes: &self.nodes, budget }.all();
        for (node, defaults) in self.nodes.iter_mut().zip(defaults) {
            let first = logical_properties(node);
            sort_props(&mut node.props, first);
            match &mut node.kind {
                Kind::Record(record) => {
                    normalize_names(&mut record.named);
                    record.is_error = false;
                    for (field, default) in record.fields.iter_mut().zip(defaults) {
                        budget.spend(1 + field.aliases.len());
                        field.aliases.sort_by(|a, b| java_order(a, b));
                        sort_props(&mut field.props, &[]);
                        field.default = default;
                    }
                }
                Kind::Enum(e) => normalize_names(&mut e.named),
                Kind::Fixed(f) => normalize_names(&mut f.named),
                _ => {}
            }
        }
        self
    }
}

fn normalize_names(named: &mut Named) {
    named.aliases.sort_by(|a, b| java_order(a.full(), b.full()));
    named.doc = named.doc.take().filter(|doc| !doc.is_empty());
}

/// Defaults, and the types that they are values of.
struct Defaults<'a> {
    nodes: &'a [Node],
    budget: &'a Budget,
}

impl Defaults<'_> {
    /// The defaults of each record's fields, by the place of the record.
    fn all(&self) -> Vec<Vec<Option<Json>>> {
        let of_node = |node: &Node| match &node.kind {
            Kind::Record(record) => {
                let default = |field: &super::Field| {
                    field.default.as_ref().map(|value| self.normal(field.node, value))
                };
                record.fields.iter().map(default).collect()
            }
            _ => Vec::new(),
        };
        self.nodes.iter().map(of_node).collect()
    }

    /// A default as a value of its type prints; what does not fit stays as it is. The depth of the
    /// recursion is that of the default's text, which is bounded.
    fn normal(&self, id: NodeId, value: &Json) -> Json {
        if !(self.budget.spend(1) && self.budget.hold(size_of::<Json>())) {
            return Json::Null;
        }
        match (&self.nodes[id.0 as usize].kind, value) {
            (Kind::Float, number) => as_float(number).unwrap_or_else(|| number.sorted()),
            (Kind::Double, number) => as_double(number).unwrap_or_else(|| number.sorted()),
            (Kind::Array(items), Json::Array(values)) => {
                Json::Array(values.iter().map(|value| self.normal(*items, value)).collect())
            }
            (Kind::Map(values), Json::Object(members)) => {
                self.sorted_object(members.iter().map(|(key, value)| (key, Some(*values), value)))
            }
            (Kind::Record(record), Json::Object(members)) => {
                self.budget.spend(record.fields.len());
                let by_name: std::collections::HashMap<&str, NodeId> =
                    record.fields.iter().map(|field| (field.name.as_str(), field.node)).collect();
                let typed = |(key, value)| {
                    let key: &String = key;
                    (key, by_name.get(key.as_str()).copied(), value)
                };
                self.sorted_object(members.iter().map(|(key, value)| typed((key, value))))
            }
            (Kind::Union(branches), value) => match self.first_that_fits(branches, value) {
                Some(branch) => self.normal(branch, value),
                None => value.sorted(),
            },
            (_, value) => value.sorted(),
        }
    }

    fn sorted_object<'j>(
        &self,
        members: impl Iterator<Item = (&'j String, Option<NodeId>, &'j Json)>,
    ) -> Json {
        let normal = |(key, id, value): (&'j String, Option<NodeId>, &'j Json)| {
            let value = id.map_or_else(|| value.sorted(), |id| self.normal(id, value));
            (key.clone(), value)
        };
        let mut members: Vec<(String, Json)> = members.map(normal).collect();
        members.sort_by(|(a, _), (b, _)| java_order(a, b));
        Json::Object(members)
    }

    fn first_that_fits(&self, branches: &[NodeId], value: &Json) -> Option<NodeId> {
        let open = HashSet::new();
        let fits = |id: &NodeId| {
            DefaultCheck::new(self.nodes, &open, self.budget).fits(*id, value) == Ok(true)
        };
        branches.iter().copied().find(fits)
    }
}

/// A number as the float that is nearest to it, in as few digits as name that float.
fn as_float(number: &Json) -> Option<Json> {
    let float = number.as_double()? as f32;
    let shortest = float.to_string().parse().ok()?;
    float.is_finite().then_some(Json::Double(shortest))
}

fn as_double(number: &Json) -> Option<Json> {
    number.as_double().filter(|double| double.is_finite()).map(Json::Double)
}

/// The properties that make a type's logical type, in the order in which they come first. A name that
/// Avro does not know, or that the type cannot have, is a property like any other.
fn logical_properties(node: &Node) -> &'static [&'static str] {
    let prop = |name: &str| node.props.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let Some(Json::String(name)) = prop("logicalType") else { return &[] };
    match (name.as_str(), &node.kind) {
        ("date" | "time-millis", Kind::Int)
        | (
            "time-micros"
            | "timestamp-millis"
            | "timestamp-micros"
            | "timestamp-nanos"
            | "local-timestamp-millis"
            | "local-timestamp-micros"
            | "local-timestamp-nanos",
            Kind::Long,
        )
        | ("uuid", Kind::String)
        | ("uuid", Kind::Fixed(Fixed { size: 16, .. }))
        | ("duration", Kind::Fixed(Fixed { size: 12, .. }))
        | ("big-decimal", Kind::Bytes) => &["logicalType"],
        ("decimal", Kind::Bytes) => decimal_properties(prop("precision"), prop("scale"), None),
        ("decimal", Kind::Fixed(fixed)) => {
            decimal_properties(prop("precision"), prop("scale"), Some(fixed.size))
        }
        _ => &[],
    }
}

fn decimal_properties(
    precision: Option<&Json>,
    scale: Option<&Json>,
    size: Option<usize>,
) -> &'static [&'static str] {
    let Some(Json::Int(precision)) = precision else { return &[] };
    let scale = match scale {
        None => 0,
        Some(Json::Int(scale)) => *scale,
        Some(_) => return &[],
    };
    let holds = size.is_none_or(|size| {
        let bits = (size as f64) * 8.0 - 1.0;
        (*precision as f64) <= (bits * std::f64::consts::LOG10_2).floor()
    });
    match scale {
        _ if *precision <= 0 || !holds => &[],
        0 => &["logicalType", "precision"],
        scale if scale > 0 && scale <= *precision => &["logicalType", "precision", "scale"],
        _ => &[],
    }
}

fn sort_props(props: &mut Vec<(String, Json)>, first: &[&str]) {
    let rank = |key: &str| first.iter().position(|name| *name == key).unwrap_or(first.len());
    props.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| java_order(a, b)));
    for (_, value) in props {
        *value = value.sorted();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        let normal = Schema::parse(text).unwrap().normalized();
        let printed = normal.canonical();
        assert_eq!(Schema::parse(&printed).unwrap().normalized().canonical(), printed);
        printed
    }

    fn with_default(kind: &str, default: &str) -> String {
        format!(
            r#"{{"type":"record","name":"R","fields":[{{"name":"a","type":{kind},"default":{default}}}]}}"#
        )
    }

    #[test]
    fn a_default_is_written_as_a_value_of_its_type() {
        for (kind, given, wanted) in [
            (r#""float""#, "1", "1.0"),
            (r#""float""#, "0.12345678901", "0.12345679"),
            (r#""float""#, "16777217", "1.6777216E7"),
            (r#""double""#, "1", "1.0"),
            (r#""double""#, "1e10", "1.0E10"),
            (r#""float""#, r#""NaN""#, r#""NaN""#),
            (r#""long""#, "5", "5"),
            (r#"["null","float"]"#, "null", "null"),
            (r#"["float","null"]"#, "1", "1.0"),
            (r#"{"type":"array","items":"float"}"#, "[1,2.5]", "[1.0,2.5]"),
            (r#"{"type":"map","values":"double"}"#, r#"{"b":1,"a":2}"#, r#"{"a":2.0,"b":1.0}"#),
            (
                r#"{"type":"record","name":"I","fields":[{"name":"z","type":"float"},{"name":"y","type":"int"}]}"#,
                r#"{"z":1,"y":2}"#,
                r#"{"y":2,"z":1.0}"#,
            ),
        ] {
            assert_eq!(normal(&with_default(kind, given)), with_default(kind, wanted));
        }
    }

    #[test]
    fn what_makes_a_logical_type_comes_first_and_else_properties_are_sorted() {
        for (given, wanted) in [
            (
                r#"{"type":"bytes","b":1,"scale":2,"precision":4,"logicalType":"decimal"}"#,
                r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2,"b":1}"#,
            ),
            (
                r#"{"type":"bytes","b":1,"scale":0,"precision":4,"logicalType":"decimal"}"#,
                r#"{"type":"bytes","logicalType":"decimal","precision":4,"b":1,"scale":0}"#,
            ),
            (
                r#"{"type":"bytes","b":1,"scale":5,"precision":4,"logicalType":"decimal"}"#,
                r#"{"type":"bytes","b":1,"logicalType":"decimal","precision":4,"scale":5}"#,
            ),
            (
                r#"{"type":"int","b":{"y":1,"x":2},"logicalType":"date"}"#,
                r#"{"type":"int","logicalType":"date","b":{"x":2,"y":1}}"#,
            ),
            (
                r#"{"type":"string","logicalType":"mine","b":1}"#,
                r#"{"type":"string","b":1,"logicalType":"mine"}"#,
            ),
        ] {
            assert_eq!(normal(given), wanted);
        }
    }

    #[test]
    fn an_error_becomes_a_record_and_an_empty_doc_of_a_type_is_none() {
        assert_eq!(
            normal(
                r#"{"type":"error","name":"R","doc":"","fields":[{"name":"a","type":"int","doc":""}]}"#
            ),
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","doc":""}]}"#
        );
    }
}
