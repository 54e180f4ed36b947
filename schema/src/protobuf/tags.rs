//! Tags in a schema's text: `(confluent.message_meta).tags` and `(confluent.field_meta).tags`.
//! Source: Confluent `ProtobufSchema#modifySchemaTags`, `ProtobufSchemaUtils#findMatchingElement`.

use std::collections::HashSet;
use std::sync::Arc;

use super::Schema;
use super::element::{Field, File, Message, Opt, Type, Value};
use super::known;
use super::normalize_option::{as_map, list, merge};
use crate::Tagged;
use crate::budget::{Budget, WRITTEN_BYTES_PER_STEP};

const MESSAGE_META: &str = "confluent.message_meta";
const FIELD_META: &str = "confluent.field_meta";
/// The type of both options.
const META: &str = "confluent.Meta";

impl Schema {
    /// The tagged messages and fields in the order of the text. A field of a oneof has the path of
    /// its message.
    pub fn tags(&self) -> Vec<Tagged> {
        self.tags_within(&Budget::default())
    }

    /// As `tags` does, within a budget.
    pub fn tags_within(&self, budget: &Budget) -> Vec<Tagged> {
        let mut tagged = Vec::new();
        collect(&self.file.types, "", &mut tagged, budget);
        tagged
    }

    /// The same schema with more tags, and then with fewer. Paths are as in [`Schema::tags`]; a dot
    /// or the package may stand in front, and a oneof before its field.
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
        let mut file = (*self.file).clone();
        for (changes, adding) in [(add, true), (remove, false)] {
            for Tagged { path, is_field, tags } in changes {
                // a path is looked for from the beginning, and each tag among the others
                let looked_at = size(&file, path);
                if !budget.spend(looked_at) {
                    break;
                }
                let (options, meta) = find(&mut file, path, *is_field)?;
                let known = said(options, meta).len() + tags.len();
                if !budget.spend(known * known / 8) {
                    break;
                }
                change(options, meta, tags, adding);
            }
        }
        Ok(Schema { file: Arc::new(file), ..self.clone() })
    }
}

/// What looking for a path costs: the types and fields that are looked at.
fn size(file: &File, path: &str) -> usize {
    let (mut types, mut size) = (&file.types, 4);
    for name in path.split('.') {
        size += types.len();
        let inner = types.iter().filter_map(Type::message).find(|message| message.name == name);
        let Some(message) = inner else { continue };
        size += message.fields.len();
        size += message.oneofs.iter().map(|oneof| 1 + oneof.fields.len()).sum::<usize>();
        types = &message.types;
    }
    size
}

fn collect(types: &[Type], scope: &str, tagged: &mut Vec<Tagged>, budget: &Budget) {
    for message in types.iter().filter_map(Type::message) {
        let path = super::names::joined(scope, &message.name);
        if !budget.spend(1 + path.len() / WRITTEN_BYTES_PER_STEP) {
            return;
        }
        let tags = said(&message.options, MESSAGE_META);
        if !tags.is_empty() {
            tagged.push(Tagged { path: path.clone(), is_field: false, tags });
        }
        for field in message.all_fields() {
            let tags = said(&field.options, FIELD_META);
            if !budget.spend(1 + tags.len() * tags.len() / 8) {
                return;
            }
            if !tags.is_empty() {
                budget.write(path.len() + field.name.len());
                let path = super::names::joined(&path, &field.name);
                tagged.push(Tagged { path, is_field: true, tags });
            }
        }
        collect(&message.types, &path, tagged, budget);
    }
}

fn is_meta(option: &Opt, meta: &str) -> bool {
    option.is_extension && option.name.trim_start_matches('.') == meta
}

fn said(options: &[Opt], meta: &str) -> Vec<String> {
    let given = options.iter().filter(|option| is_meta(option, meta));
    let (mut tags, mut known) = (Vec::new(), HashSet::new());
    for value in given.map(|option| as_map(option.value.clone())) {
        let Value::Map(entries) = value else { continue };
        let values = entries.into_iter().filter(|(key, _)| key == "tags");
        for value in values.flat_map(|(_, value)| list(value)) {
            if let Value::String(tag) = value
                && known.insert(tag.clone())
            {
                tags.push(tag);
            }
        }
    }
    tags
}

/// All that is said with one option, as one map, which loses its tags or gets more. Where no tag
/// comes or goes, the text stays as it is.
fn change(options: &mut Vec<Opt>, meta: &str, tags: &[String], adding: bool) {
    let before = said(options, meta);
    let mut all = before.clone();
    if adding {
        for tag in tags {
            if !all.contains(tag) {
                all.push(tag.clone());
            }
        }
    } else {
        all.retain(|tag| !tags.contains(tag));
    }
    if all == before {
        return;
    }
    let place = options.iter().position(|option| is_meta(option, meta));
    let given = options.extract_if(.., |option| is_meta(option, meta));
    let values = given.map(|option| as_map(option.value)).collect();
    let value = merge(values, known::names(), Some(META));
    let mut entries = if let Value::Map(entries) = value { entries } else { Vec::new() };
    let at = entries.iter().position(|(key, _)| key == "tags").unwrap_or(entries.len());
    entries.retain(|(key, _)| key != "tags");
    if !all.is_empty() {
        let tags = Value::List(all.into_iter().map(Value::String).collect());
        entries.insert(at, ("tags".to_string(), tags));
    }
    if !entries.is_empty() {
        let value = Value::Map(entries);
        let option = Opt { name: meta.to_string(), is_extension: true, value };
        options.insert(place.unwrap_or(options.len()), option);
    }
}

/// The options of a message or a field, and the option that holds its tags.
fn find<'f>(
    file: &'f mut File,
    path: &str,
    is_field: bool,
) -> Result<(&'f mut Vec<Opt>, &'static str), String> {
    let path = path.strip_prefix('.').unwrap_or(path);
    let inner = path.strip_prefix(file.package()).and_then(|rest| rest.strip_prefix('.'));
    let first = |path: &str| path.split('.').next().unwrap_or_default().to_string();
    let known = |path: &str| file.types.iter().any(|declared| declared.name() == first(path));
    let path = inner.filter(|inner| known(inner)).unwrap_or(path);
    let mut names: Vec<&str> = path.split('.').collect();
    let field = if is_field { names.pop() } else { None };
    let in_oneof = field.is_some() && names.len() > 1 && message_at(&file.types, &names).is_none();
    let oneof = if in_oneof { names.pop() } else { None };
    let no_field = || {
        let field = field.unwrap_or(path);
        format!("No matching Field with name '{field}' found in the schema")
    };
    let (last, outer) = names.split_last().ok_or_else(no_field)?;
    let mut types = &mut file.types;
    for name in outer {
        types = &mut message(types, name).ok_or_else(|| no_message(name))?.types;
    }
    let found = message(types, last).ok_or_else(|| no_message(oneof.unwrap_or(last)))?;
    let Some(field) = field else { return Ok((&mut found.options, MESSAGE_META)) };
    let found = field_of(found, oneof, field).ok_or_else(no_field)?;
    Ok((&mut found.options, FIELD_META))
}

fn message_at<'f>(types: &'f [Type], names: &[&str]) -> Option<&'f Message> {
    let (first, rest) = names.split_first()?;
    let found = types.iter().filter_map(Type::message).find(|message| message.name == *first)?;
    if rest.is_empty() { Some(found) } else { message_at(&found.types, rest) }
}

fn no_message(name: &str) -> String {
    format!("No matching Message with name '{name}' found in the schema")
}

fn message<'f>(types: &'f mut [Type], name: &str) -> Option<&'f mut Message> {
    types.iter_mut().find_map(|declared| match declared {
        Type::Message(message) if message.name == name => Some(message),
        _ => None,
    })
}

/// A field of a message or of its oneofs; of one oneof, if that is named.
fn field_of<'f>(
    message: &'f mut Message,
    oneof: Option<&str>,
    name: &str,
) -> Option<&'f mut Field> {
    let oneofs = message.oneofs.iter_mut().filter(|o| oneof.is_none_or(|oneof| o.name == oneof));
    let own = message.fields.iter_mut().filter(|_| oneof.is_none());
    own.chain(oneofs.flat_map(|oneof| &mut oneof.fields)).find(|field| field.name == name)
}
