//! Default values against their types. Source: Apache Avro 1.12 `Schema.isValidDefault`.

use std::collections::{HashMap, HashSet};

use super::parse::{ParseError, within, wrong};
use super::{Kind, Node, NodeId, Record};
use crate::budget::Budget;
use crate::json::Json;

/// Levels of defaults inside defaults that are followed; beyond, a schema is refused.
const DEFAULT_DEPTH_MAX: usize = 500;

/// One check; what it finds out of a record and a value it remembers.
pub(super) struct DefaultCheck<'a> {
    nodes: &'a [Node],
    open: &'a HashSet<NodeId>,
    known: HashMap<(NodeId, *const Json), bool>,
    depth: usize,
    budget: &'a Budget,
}

impl<'a> DefaultCheck<'a> {
    /// `open` are records whose fields are not known yet: asking for them is an error.
    pub(super) fn new(
        nodes: &'a [Node],
        open: &'a HashSet<NodeId>,
        budget: &'a Budget,
    ) -> DefaultCheck<'a> {
        DefaultCheck { nodes, open, known: HashMap::new(), depth: 0, budget }
    }

    /// Whether a default value fits a type, by Java's rules: any branch of a union will do.
    pub(super) fn fits(&mut self, id: NodeId, value: &'a Json) -> Result<bool, ParseError> {
        let nodes = self.nodes;
        self.budget.spend(2);
        within(self.budget, ())?;
        Ok(match (&nodes[id.0 as usize].kind, value) {
            (Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Fixed(_), value) => {
                matches!(value, Json::String(_))
            }
            (Kind::Int, Json::Int(i)) => i32::try_from(*i).is_ok(),
            (Kind::Long, Json::Int(_)) => true,
            (Kind::Float | Kind::Double, value) => {
                matches!(value, Json::Int(_) | Json::BigInt(_) | Json::Double(_))
            }
            (Kind::Boolean, value) => matches!(value, Json::Bool(_)),
            (Kind::Null, value) => matches!(value, Json::Null),
            (Kind::Unresolved(_), value) => matches!(value, Json::Object(_)),
            (Kind::Array(items), Json::Array(values)) => {
                self.all(values.iter().map(|v| (*items, v)))?
            }
            (Kind::Map(values), Json::Object(members)) => {
                self.all(members.iter().map(|(_, v)| (*values, v)))?
            }
            (Kind::Union(branches), value) => {
                for branch in branches {
                    if self.fits(*branch, value)? {
                        return Ok(true);
                    }
                }
                false
            }
            (Kind::Record(record), Json::Object(_)) => self.record(id, record, value)?,
            _ => false,
        })
    }

    fn all(&mut self, pairs: impl Iterator<Item = (NodeId, &'a Json)>) -> Result<bool, ParseError> {
        for (id, value) in pairs {
            if !self.fits(id, value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn record(
        &mut self,
        id: NodeId,
        record: &'a Record,
        value: &'a Json,
    ) -> Result<bool, ParseError> {
        if self.open.contains(&id) {
            return wrong("Schema fields not set yet");
        }
        if let Some(known) = self.known.get(&(id, std::ptr::from_ref(value))) {
            return Ok(*known);
        }
        self.depth += 1;
        if self.depth > DEFAULT_DEPTH_MAX {
            return wrong(format!("Defaults are nested deeper than {DEFAULT_DEPTH_MAX} levels"));
        }
        let mut fits = true;
        let Json::Object(members) = value else { return Ok(false) };
        self.budget.spend(2 * members.len());
        let given: HashMap<&str, &Json> = members.iter().map(|(k, v)| (k.as_str(), v)).collect();
        for field in &record.fields {
            let Some(given) = given.get(field.name.as_str()).copied().or(field.default.as_ref())
            else {
                fits = false;
                break;
            };
            if !self.fits(field.node, given)? {
                fits = false;
                break;
            }
        }
        self.depth -= 1;
        self.known.insert((id, std::ptr::from_ref(value)), fits);
        Ok(fits)
    }
}
