//! Tags inside a schema (`confluent:tags`) and the paths by which a registry's API names what they
//! stand on. Source: Confluent's `JsonSchema#inlineTaggedEntities`, `JsonSchemaUtils`,
//! `JsonSchemaComparator`.
//!
//! A path names kinds of schema and properties: `object.address.object.city`, `object.list.array.
//! object.id`, `oneof.1.object.x`. The branches of a combination are numbered in an order of their
//! own, so that the paths do not change with the text. References are not followed.

use super::node::{Combined, Kind, Node, NodeId};
use super::{Schema, tokens};
use crate::Tagged;
use crate::budget::Budget;
use crate::json::Json;

const KEYWORD: &str = "confluent:tags";

/// What an entity takes, but for its path.
const ENTITY_BYTES: usize = 64;

/// A record or a field of a schema.
struct Entity {
    path: String,
    is_field: bool,
    node: NodeId,
}

impl Schema {
    /// What is tagged in the document, in its order.
    pub fn tags(&self) -> Vec<Tagged> {
        self.tags_within(&Budget::default())
    }

    /// As `tags` does, within a budget.
    pub fn tags_within(&self, budget: &Budget) -> Vec<Tagged> {
        let tagged = self.entities(budget).into_iter().filter_map(|entity| {
            let tags = self.node(entity.node).notes.as_ref().map(|notes| notes.tags.clone());
            let tags = tags.filter(|tags| !tags.is_empty())?;
            Some(Tagged { path: entity.path, is_field: entity.is_field, tags })
        });
        tagged.collect()
    }

    /// The schema with tags added, and then removed, in its text. A path that names nothing in the
    /// schema is an error, and so is a record where a field is wanted; what is wanted as a record
    /// may be a field, as in Confluent's registry.
    pub fn with_tags(&self, add: &[Tagged], remove: &[Tagged]) -> Result<Schema, String> {
        self.with_tags_within(add, remove, &Budget::default())
    }

    /// As `with_tags` does, within a budget.
    pub fn with_tags_within(
        &self,
        add: &[Tagged],
        remove: &[Tagged],
        budget: &Budget,
    ) -> Result<Schema, String> {
        let entities = self.entities(budget);
        let mut json = self.json().clone();
        for (edits, is_removal) in [(add, false), (remove, true)] {
            for edit in edits {
                if !budget.spend(entities.len() + edit.tags.len() * edit.tags.len() / 8) {
                    break;
                }
                let is_it = |e: &&Entity| e.path == edit.path && (e.is_field || !edit.is_field);
                let place = entities.iter().find(is_it).and_then(|e| self.node(e.node).place);
                let nowhere = || format!("No matching path '{}' found in the schema", edit.path);
                let at = tokens(&self.places, place.ok_or_else(nowhere)?);
                let target = at.iter().try_fold(&mut json, |json, token| member_mut(json, token));
                retag(target.ok_or_else(nowhere)?, &edit.tags, is_removal)?;
            }
        }
        Ok(self.with_json(json, budget))
    }

    /// Every record and field, from the outside in.
    fn entities(&self, budget: &Budget) -> Vec<Entity> {
        let mut entities = Vec::new();
        let mut stack = vec![Visit { node: NodeId(0), scope: String::new(), in_field: false }];
        while let Some(visit) = stack.pop() {
            let (first, made) = (stack.len(), entities.len());
            self.visit(visit, &mut entities, &mut stack, budget);
            let paths = entities[made..].iter().map(|entity: &Entity| entity.path.len());
            let scopes = stack[first..].iter().map(|visit: &Visit| visit.scope.len());
            if !budget.write(paths.chain(scopes).map(|bytes| ENTITY_BYTES + bytes).sum()) {
                break;
            }
            stack[first..].reverse();
        }
        entities
    }

    fn visit(
        &self,
        visit: Visit,
        entities: &mut Vec<Entity>,
        stack: &mut Vec<Visit>,
        budget: &Budget,
    ) {
        let Visit { node: id, scope, in_field } = visit;
        let node = self.node(id);
        let mut later = |node: NodeId, scope: String, in_field: bool| {
            stack.push(Visit { node, scope, in_field });
        };
        match &node.kind {
            Kind::Combined(combined) => {
                let name = combined.criterion.keyword().to_lowercase();
                for (at, branch) in self.sorted(combined).into_iter().enumerate() {
                    later(branch, format!("{scope}{name}.{at}."), false);
                }
            }
            Kind::Array(rules) => {
                if let Some(items) = rules.all_items {
                    later(items, format!("{scope}array."), false);
                }
            }
            // its names have not been paid for yet, and stand behind a path that may be long
            Kind::Object(rules)
                if !budget
                    .affords(0, (ENTITY_BYTES + 2 * scope.len()) * rules.properties.len()) =>
            {
                budget.hold((ENTITY_BYTES + 2 * scope.len()) * rules.properties.len());
            }
            Kind::Object(rules) => {
                let scope = format!("{scope}object");
                if !in_field {
                    entities.push(Entity { path: scope.clone(), is_field: false, node: id });
                }
                for property in &rules.properties {
                    let path = format!("{scope}.{}", property.name);
                    later(property.node, format!("{path}."), true);
                    entities.push(Entity { path, is_field: true, node: property.node });
                }
                for (keyword, name, definition) in node.notes.iter().flat_map(|n| &n.definitions) {
                    later(*definition, format!("{scope}.{keyword}.{name}."), false);
                }
            }
            Kind::Conditional(branches) => {
                for (name, branch) in ["if", "then", "else"].into_iter().zip(branches) {
                    if let Some(branch) = branch {
                        later(*branch, format!("{scope}conditional.{name}."), false);
                    }
                }
            }
            Kind::Not(inner) => later(*inner, format!("{scope}not."), false),
            _ => {}
        }
    }

    /// The branches in the order in which paths count them.
    fn sorted(&self, combined: &Combined) -> Vec<NodeId> {
        let mut branches = combined.subschemas.clone();
        branches.sort_by_cached_key(|id| self.rank(*id));
        branches
    }

    fn rank(&self, id: NodeId) -> Rank {
        let Node { kind, notes, .. } = self.node(id);
        let notes = notes.as_deref();
        let mut names = match kind {
            Kind::Object(rules) => rules.properties.iter().map(|p| p.name.clone()).collect(),
            Kind::Enum(values) => values.clone(),
            Kind::Const(value) => vec![value.clone()],
            Kind::Combined(combined) => vec![combined.criterion.keyword().to_string()],
            _ => Vec::new(),
        };
        names.sort_unstable();
        Rank {
            kind: kind_rank(kind),
            title: notes.and_then(|n| n.title.clone()),
            description: notes.and_then(|n| n.description.clone()),
            default: notes.and_then(|n| n.default.clone()),
            names: (names.len(), names),
        }
    }
}

struct Visit {
    node: NodeId,
    /// The path up to here, with a dot at its end.
    scope: String,
    in_field: bool,
}

/// What branches are sorted by, in this order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    kind: u8,
    title: Option<String>,
    description: Option<String>,
    default: Option<String>,
    names: (usize, Vec<String>),
}

/// Kinds by the alphabet.
fn kind_rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Array(_) => 0,
        Kind::Boolean => 1,
        Kind::Combined(_) => 2,
        Kind::Conditional(_) => 3,
        Kind::Const(_) => 4,
        Kind::Empty => 5,
        Kind::Enum(_) => 6,
        Kind::False => 7,
        Kind::Not(_) => 8,
        Kind::Null => 9,
        Kind::Number(_) => 10,
        Kind::Object(_) => 11,
        Kind::Reference(_) => 12,
        Kind::String(_) => 13,
        Kind::True => 14,
    }
}

fn member_mut<'j>(json: &'j mut Json, token: &str) -> Option<&'j mut Json> {
    match json {
        Json::Array(items) => items.get_mut(token.parse::<usize>().ok()?),
        Json::Object(members) => {
            members.iter_mut().find(|(key, _)| key == token).map(|(_, value)| value)
        }
        _ => None,
    }
}

/// Edits the tags of one schema; without any left the keyword goes.
fn retag(json: &mut Json, tags: &[String], is_removal: bool) -> Result<(), String> {
    let Json::Object(members) = json else {
        return Err("a schema that is true or false cannot be tagged".into());
    };
    let at = members.iter().position(|(key, _)| key == KEYWORD);
    let mut all: Vec<Json> = match at.map(|at| &members[at].1) {
        Some(Json::Array(given)) => given.clone(),
        _ => Vec::new(),
    };
    for tag in tags {
        let tag = Json::String(tag.clone());
        if is_removal {
            all.retain(|given| *given != tag);
        } else if !all.contains(&tag) {
            all.push(tag);
        }
    }
    match at {
        Some(at) if all.is_empty() => {
            members.remove(at);
        }
        Some(at) => members[at].1 = Json::Array(all),
        None if all.is_empty() => {}
        None => members.push((KEYWORD.to_string(), Json::Array(all))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(path: &str, is_field: bool) -> Tagged {
        Tagged { path: path.into(), is_field, tags: vec!["T".into()] }
    }

    #[test]
    fn a_field_is_found_under_either_kind_and_a_record_only_as_one() {
        let text = r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":"object","properties":{"c":{"type":"number"}}}}}}"#;
        let schema = Schema::parse(text, &[], true).unwrap();
        for (path, is_field) in [
            ("object.a", true),
            ("object.a", false),
            ("object", false),
            ("object.b.array.object.c", true),
            ("object.b.array.object", false),
        ] {
            let with = schema.with_tags(&[tagged(path, is_field)], &[]).unwrap();
            assert_eq!(with.tags().len(), 1, "{path}");
            assert_eq!(with.tags()[0].path, path);
            let again = with.with_tags(&[tagged(path, is_field)], &[]).unwrap();
            assert_eq!(again.canonical(), with.canonical());
        }
        for (path, is_field) in
            [("object", true), ("object.b.array.object", true), ("object.x", true), ("x", false)]
        {
            let refused = schema.with_tags(&[tagged(path, is_field)], &[]).unwrap_err();
            assert_eq!(refused, format!("No matching path '{path}' found in the schema"));
        }
    }
}
