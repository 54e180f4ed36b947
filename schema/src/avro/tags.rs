//! Tags in the text: the property `confluent:tags` of records and fields. A record goes by its full
//! name, a field by its record's and its own. Source: Confluent's `AvroSchema#inlineTaggedEntities`.

use super::{Kind, Schema};
use crate::Tagged;
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
        let mut found = Vec::new();
        for node in &self.nodes {
            let Kind::Record(record) = &node.kind else { continue };
            let path = record.named.name.full();
            found.extend(tagged(path.into(), false, &node.props));
            for field in &record.fields {
                found.extend(tagged(format!("{path}.{}", field.name), true, &field.props));
            }
        }
        found
    }

    /// The schema with tags put in and taken out. Nothing may be named that is not there.
    pub fn with_tags(&self, add: &[Tagged], remove: &[Tagged]) -> Result<Schema, String> {
        let mut schema = self.clone();
        for change in add {
            let props = schema.props_of(change)?;
            let mut tags = tags_in(props);
            tags.extend(change.tags.iter().cloned());
            set_tags(props, tags);
        }
        for change in remove {
            let props = schema.props_of(change)?;
            let mut tags = tags_in(props);
            tags.retain(|tag| !change.tags.contains(tag));
            set_tags(props, tags);
        }
        Ok(schema)
    }

    fn props_of(&mut self, entity: &Tagged) -> Result<&mut Vec<(String, Json)>, String> {
        let missing = || format!("No matching path '{}' found in the schema", entity.path);
        let (record_name, field_name) = match entity.path.rsplit_once('.') {
            Some((record, field)) if entity.is_field => (record, Some(field)),
            _ => (entity.path.as_str(), None),
        };
        for node in &mut self.nodes {
            let Kind::Record(record) = &mut node.kind else { continue };
            if record.named.name.full() != record_name {
                continue;
            }
            return match field_name {
                None => Ok(&mut node.props),
                Some(name) => record
                    .fields
                    .iter_mut()
                    .find(|field| field.name == name)
                    .map(|field| &mut field.props)
                    .ok_or_else(missing),
            };
        }
        Err(missing())
    }
}

fn tagged(path: String, is_field: bool, props: &[(String, Json)]) -> Option<Tagged> {
    let tags = tags_in(props);
    (!tags.is_empty()).then_some(Tagged { path, is_field, tags })
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
}
