//! `normalize=true`: what Confluent's registry makes of an Avro schema before it stores it.
//!
//! It is not the Parsing Canonical Form: fields, docs, defaults and properties all stay. Properties
//! are sorted, also inside their values, and aliases are sorted; `logicalType`, `precision` and
//! `scale` come first, in that order.

use super::{Kind, Schema};
use crate::json::Json;

impl Schema {
    pub fn normalized(mut self) -> Schema {
        for node in &mut self.nodes {
            sort_props(&mut node.props);
            match &mut node.kind {
                Kind::Record(record) => {
                    record.named.aliases.sort_by(|a, b| a.full().cmp(b.full()));
                    for field in &mut record.fields {
                        field.aliases.sort();
                        sort_props(&mut field.props);
                    }
                }
                Kind::Enum(e) => e.named.aliases.sort_by(|a, b| a.full().cmp(b.full())),
                Kind::Fixed(f) => f.named.aliases.sort_by(|a, b| a.full().cmp(b.full())),
                _ => {}
            }
        }
        self
    }
}

fn sort_props(props: &mut Vec<(String, Json)>) {
    let rank = |key: &str| match key {
        "logicalType" => 0,
        "precision" => 1,
        "scale" => 2,
        _ => 3,
    };
    props.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    for (_, value) in props {
        *value = value.sorted();
    }
}
