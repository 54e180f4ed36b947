//! Tags in the text: the property `confluent:tags` of records and fields. A record goes by its full
//! name, a field by its record's and its own. Source: Confluent's `AvroSchema#inlineTaggedEntities`.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Kind, NodeId, Schema};
use crate::Tagged;
use crate::budget::Budget;
use crate::json::Json;

const TAGS: &str = "confluent:tags";

impl Schema {
    /// Names of the fields, if the schema is a record.
    pub fn top_level_fields(&self) -> Vec<String> {
        match self.kind(self.root) {
            Kind::Record(record) => record.fields.iter().map(|f| f.name.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// Records and fields that have tags.
    pub fn tags(&self) -> Vec<Tagged> {
        self.tags_within(&Budget::default())
    }

    /// As `tags` does, within a budget.
    pub fn tags_within(&self, budget: &Budget) -> Vec<Tagged> {
        let mut found = Vec::new();
        for node in &self.nodes {
            let Kind::Record(record) = &node.kind else { continue };
            let path = record.named.name.full();
            if self.referenced.contains(path) {
                continue;
            }
            budget.spend(1 + record.fields.len());
            found.extend(tagged(|| path.into(), false, &node.props));
            for field in &record.fields {
                let path = || {
                    budget.write(path.len() + field.name.len());
                    format!("{path}.{}", field.name)
                };
                found.extend(tagged(path, true, &field.props));
            }
            if budget.is_over() {
                break;
            }
        }
        found
    }

    /// The schema with tags put in and taken out. Nothing may be named that is not there.
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
        let mut schema = self.clone();
        let mut entities = Entities::of(self, budget);
        for change in add {
            let props = schema.props_at(entities.find(change)?);
            let mut tags = tags_in(props);
            budget.spend(tags.len() * change.tags.len());
            if budget.is_over() {
                break;
            }
            if change.tags.iter().all(|tag| tags.contains(tag)) {
                continue; // the text stays as it is
            }
            tags.extend(change.tags.iter().cloned());
            set_tags(props, tags);
        }
        for change in remove {
            let props = schema.props_at(entities.find(change)?);
            let mut tags = tags_in(props);
            budget.spend(tags.len() * change.tags.len());
            if budget.is_over() {
                break;
            }
            let before = tags.len();
            tags.retain(|tag| !change.tags.contains(tag));
            if tags.len() < before {
                set_tags(props, tags);
            }
        }
        Ok(schema)
    }

    fn props_at(&mut self, (id, field): Place) -> &mut Vec<(String, Json)> {
        let node = &mut self.nodes[id.0 as usize];
        match (field, &mut node.kind) {
            (Some(at), Kind::Record(record)) => &mut record.fields[at].props,
            _ => &mut node.props,
        }
    }
}

/// A record, or one of its fields.
type Place = (NodeId, Option<usize>);

/// The records of a schema by name, and their fields, for as many paths as there are.
struct Entities<'s> {
    schema: &'s Schema,
    /// By their names with a namespace and without: of two the first from the outside in.
    records: HashMap<&'s str, NodeId>,
    /// Tags among those that were asked for.
    fields: HashMap<NodeId, HashMap<&'s str, usize>>,
    budget: &'s Budget,
}

impl<'s> Entities<'s> {
    fn of(schema: &'s Schema, budget: &'s Budget) -> Entities<'s> {
        let mut records = HashMap::new();
        schema.visit_records(budget, |id, name| {
            budget.hold(RECORD_BYTES);
            records.entry(name).or_insert(id);
            records.entry(own_name(name)).or_insert(id);
            Walk::Inside
        });
        Entities { schema, records, fields: HashMap::new(), budget }
    }

    /// The record of a path, and which of its fields. A name without a namespace is found in any, and
    /// what came with references is not in this text.
    fn find(&mut self, entity: &Tagged) -> Result<Place, String> {
        let missing = || format!("No matching path '{}' found in the schema", entity.path);
        let (wanted, field) = match (entity.path.rsplit_once('.'), entity.is_field) {
            (Some((record, field)), true) => (record, Some(field)),
            (None, true) => return Err(missing()),
            (_, false) => (entity.path.as_str(), None),
        };
        self.budget.spend(4);
        let id = *self.records.get(wanted).ok_or_else(missing)?;
        let Some(field) = field else { return Ok((id, None)) };
        if let Some(at) = self.field(id, field) {
            return Ok((id, Some(at)));
        }
        self.further_inside(wanted, field).ok_or_else(missing)
    }

    fn field(&mut self, id: NodeId, name: &str) -> Option<usize> {
        let Kind::Record(record) = self.schema.kind(id) else { return None };
        let fields = self.fields.entry(id).or_insert_with(|| {
            self.budget.spend(record.fields.len());
            record.fields.iter().enumerate().map(|(at, f)| (f.name.as_str(), at)).collect()
        });
        fields.get(name).copied()
    }

    /// A field of another record of the name, if the first has none. What is only inside a record of that
    /// name is not looked at, as in the reference.
    fn further_inside(&self, wanted: &str, field: &str) -> Option<Place> {
        let mut found = None;
        self.schema.visit_records(self.budget, |id, name| {
            if name != wanted && own_name(name) != wanted {
                return Walk::Inside;
            }
            let Kind::Record(record) = self.schema.kind(id) else { return Walk::Past };
            self.budget.spend(record.fields.len());
            match record.fields.iter().position(|f| f.name == field) {
                Some(at) => {
                    found = Some((id, Some(at)));
                    Walk::End
                }
                None => Walk::Past,
            }
        });
        found
    }
}

/// What a record takes in an index.
const RECORD_BYTES: usize = 128;

/// Where a walk goes on.
enum Walk {
    Inside,
    Past,
    End,
}

impl Schema {
    /// Visits the records of the text from the outside in, each once.
    fn visit_records<'s>(
        &'s self,
        budget: &Budget,
        mut visit: impl FnMut(NodeId, &'s str) -> Walk,
    ) {
        let (mut seen, mut queue) = (HashSet::from([self.root]), VecDeque::from([self.root]));
        while let Some(id) = queue.pop_front()
            && budget.spend(4)
        {
            let mut later = |id: NodeId| {
                if seen.insert(id) {
                    queue.push_back(id);
                }
            };
            match self.kind(id) {
                Kind::Record(record) if self.referenced.contains(record.named.name.full()) => {}
                Kind::Record(record) => match visit(id, record.named.name.full()) {
                    Walk::Inside => {
                        budget.spend(record.fields.len());
                        record.fields.iter().for_each(|f| later(f.node));
                    }
                    Walk::Past => {}
                    Walk::End => return,
                },
                Kind::Array(inner) | Kind::Map(inner) => later(*inner),
                Kind::Union(branches) => branches.iter().for_each(|branch| later(*branch)),
                _ => {}
            }
        }
    }
}

fn own_name(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, own)| own)
}

fn tagged(
    path: impl FnOnce() -> String,
    is_field: bool,
    props: &[(String, Json)],
) -> Option<Tagged> {
    let tags = tags_in(props);
    (!tags.is_empty()).then(|| Tagged { path: path(), is_field, tags })
}

fn tags_in(props: &[(String, Json)]) -> Vec<String> {
    let listed = props.iter().find(|(name, _)| name == TAGS).and_then(|(_, tags)| tags.as_array());
    let texts = listed.unwrap_or_default().iter().filter_map(Json::as_str);
    texts.map(String::from).collect()
}

/// Sorted, each once; no tags, no property.
fn set_tags(props: &mut Vec<(String, Json)>, mut tags: Vec<String>) {
    tags.sort();
    tags.dedup();
    let listed = Json::Array(tags.iter().cloned().map(Json::String).collect());
    match props.iter().position(|(name, _)| name == TAGS) {
        Some(at) if tags.is_empty() => drop(props.remove(at)),
        Some(at) => props[at].1 = listed,
        None if tags.is_empty() => {}
        None => props.push((TAGS.into(), listed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(path: &str, is_field: bool, tags: &[&str]) -> Tagged {
        Tagged { path: path.into(), is_field, tags: tags.iter().map(|t| t.to_string()).collect() }
    }

    #[test]
    fn tags_are_put_into_the_text_and_taken_out() {
        let text = r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"record","name":"S","fields":[{"name":"b","type":"int"}]}}]}"#;
        let schema = Schema::parse(text).unwrap();
        let add = [
            tagged("n.R", false, &["OURS"]),
            tagged("n.S.b", true, &["PII", "OURS"]),
            tagged("n.S.b", true, &["PII"]),
        ];
        let with = schema.with_tags(&add, &[]).unwrap();
        let found = with.tags();
        assert!(found.contains(&tagged("n.R", false, &["OURS"])), "{found:?}");
        assert!(found.contains(&tagged("n.S.b", true, &["OURS", "PII"])), "{found:?}");
        assert!(with.canonical().contains(r#""confluent:tags":["OURS","PII"]"#));
        let without = with.with_tags(&[], &found).unwrap();
        assert_eq!(without.canonical(), text);
        assert!(schema.with_tags(&[tagged("n.R.x", true, &["PII"])], &[]).is_err());
    }

    #[test]
    fn a_record_is_found_without_its_namespace_and_a_field_needs_a_record() {
        let text = r#"{"type":"record","name":"R","namespace":"com.x","fields":[{"name":"a","type":["null",{"type":"array","items":{"type":"record","name":"Dep","fields":[{"name":"v","type":"int"}]}}]}]}"#;
        let schema = Schema::parse(text).unwrap();
        for (path, full) in [("Dep.v", "com.x.Dep.v"), ("com.x.Dep.v", "com.x.Dep.v")] {
            let with = schema.with_tags(&[tagged(path, true, &["T"])], &[]).unwrap();
            assert_eq!(with.tags(), [tagged(full, true, &["T"])]);
        }
        let with = schema.with_tags(&[tagged("R", false, &["T"])], &[]).unwrap();
        assert_eq!(with.tags(), [tagged("com.x.R", false, &["T"])]);
        for (path, is_field) in
            [("R", true), ("com.x.R", true), ("com.x.R.a", false), ("x.Dep", false), ("", true)]
        {
            let refused = schema.with_tags(&[tagged(path, is_field, &["T"])], &[]).unwrap_err();
            assert_eq!(refused, format!("No matching path '{path}' found in the schema"));
        }
    }

    #[test]
    fn a_tag_that_is_there_changes_nothing_in_the_text() {
        let text = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","confluent:tags":["Z","A"]}]}"#;
        let schema = Schema::parse(text).unwrap();
        let [there, gone] = ["A", "B"].map(|tag| tagged("R.a", true, &[tag]));
        let same = schema.with_tags(&[there], &[gone]).unwrap();
        assert_eq!(same.canonical(), schema.canonical());
    }
}
