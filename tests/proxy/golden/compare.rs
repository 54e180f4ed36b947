//! How an answer differs from the recorded one: status, headers, and the fields of its JSON with their
//! values. What differs by run is compared by its shape.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Recorded;
use crate::fixtures::{Native, decoded};

/// An answer.
pub(super) struct Found {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) text: String,
    pub(super) json: Value,
}

impl Found {
    /// What was made of an answer.
    pub(super) fn of(json: Value) -> Found {
        Found { status: 200, headers: BTreeMap::new(), text: json.to_string(), json }
    }
}

/// Answers of more characters were cut when they were recorded.
const CUT: usize = 2900;

/// Fields whose values are another run's: only their types are compared.
const OF_A_RUN: [&str; 5] = ["offset", "schema_id", "host", "port", "timestamp"];

/// Which record of a topic's partition 0 in the recording is which here.
#[derive(Default)]
pub(super) struct Readback {
    /// By topic: the offset there, and here.
    offsets: BTreeMap<String, Vec<(usize, usize)>>,
}

impl Readback {
    /// The records that the reference and this proxy have reported alike.
    pub(super) fn note(&mut self, recorded: &Recorded, found: &Found) {
        let expected = match &recorded.answer {
            Some(answer) => vec![answer.clone()],
            None => reports(recorded.text.as_deref().unwrap_or_default()),
        };
        let place = |report: &Value| {
            let partition = report["partition_id"].as_u64()?;
            (partition == 0).then(|| report["offset"].as_u64())?.map(|offset| offset as usize)
        };
        for (expected, found) in expected.iter().zip(reports(&found.text)) {
            if let (Some(topic), Some(there), Some(here)) =
                (expected["topic_name"].as_str(), place(expected), place(&found))
            {
                self.offsets.entry(topic.to_string()).or_default().push((there, here));
            }
        }
    }

    /// How the records that both have written differ.
    pub(super) fn compare(
        &self,
        topic: &str,
        recorded: &Value,
        native: &[Native],
    ) -> Option<String> {
        let first: Vec<&Native> = native.iter().filter(|record| record.partition == 0).collect();
        let pairs = self.offsets.get(topic).expect("records were written");
        assert!(pairs.len() > 10, "{topic}: {pairs:?}");
        pairs.iter().find_map(|(there, here)| {
            let expected = (decoded(&recorded[there][1]), decoded(&recorded[there][2]));
            let found = (first[*here].key.clone(), first[*here].value.clone());
            let is_same = same(&expected.0, &found.0) && same(&expected.1, &found.1);
            (!is_same).then(|| format!("[{there}] {expected:?}, [{here}] {found:?}"))
        })
    }
}

/// Bytes before the data of a schema: its id counts what was registered before.
const PREFIX: usize = 5;

/// Whether data are the same. Keys of a JSON Schema's object may be in another order.
fn same(expected: &Option<Vec<u8>>, found: &Option<Vec<u8>>) -> bool {
    let (Some(expected), Some(found)) = (expected, found) else { return expected == found };
    let has_schema = |data: &[u8]| data.len() > PREFIX && data[0] == 0;
    if !has_schema(expected) || !has_schema(found) {
        return expected == found;
    }
    let (expected, found) = (&expected[PREFIX..], &found[PREFIX..]);
    let json = |data: &[u8]| serde_json::from_slice::<Value>(data).ok();
    expected == found || (json(expected).is_some() && json(expected) == json(found))
}

/// Nothing if the answer is the recorded one.
pub(super) fn difference(recorded: &Recorded, found: &Found) -> Option<String> {
    if recorded.status != found.status {
        let message = &found.json["message"];
        return Some(format!("{} is {} {message}", recorded.status, found.status));
    }
    if let Some(difference) = headers(recorded, found) {
        return Some(difference);
    }
    if let Some(expected) = &recorded.answer {
        return value(recorded, "", expected, &found.json);
    }
    let text = recorded.text.as_deref().unwrap_or_default();
    match text.chars().next() {
        None => (!found.text.is_empty()).then(|| format!("nothing is {}", found.text)),
        Some('{') if text.len() >= CUT => beginning(recorded, text, &found.json),
        Some('{') => {
            let (expected, found) = (reports(text), reports(&found.text));
            value(recorded, "", &Value::Array(expected), &Value::Array(found))
        }
        // HTML of the reference's server, text, or what is packed
        Some(_) => None,
    }
}

fn headers(recorded: &Recorded, found: &Found) -> Option<String> {
    let essence = |value: &str| value.split(';').next().unwrap_or_default().to_string();
    let methods = |value: &str| {
        value.split(',').map(|method| method.trim().to_string()).collect::<BTreeSet<_>>()
    };
    recorded.answer_headers.iter().find_map(|(name, expected)| {
        let known = found.headers.get(name).map(String::as_str);
        let is_equal = match (name.as_str(), known) {
            ("content-type", _) if expected.starts_with("text/html") => true,
            // what was made of an answer has none
            ("content-type", None) => found.headers.is_empty(),
            ("content-type", Some(known)) => essence(known) == essence(expected),
            ("allow", Some(known)) => methods(known) == methods(expected),
            (_, known) => known == Some(expected.as_str()),
        };
        (!is_equal).then(|| format!("{name}: {expected} is {known:?}"))
    })
}

/// Reports of a stream, a line each.
fn reports(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A list that was cut: its kind, its address and its first item.
fn beginning(recorded: &Recorded, cut: &str, found: &Value) -> Option<String> {
    let Some((head, data)) = cut.split_once("\"data\"") else {
        let (_, rest) = cut.split_once("\"configs\"").expect("a topic of API v2 has them");
        return (rest.len() < 10).then(|| "the recording has nothing to compare".to_string());
    };
    let head: Value = serde_json::from_str(&format!("{head}\"data\":[]}}")).unwrap();
    let mut shown = found.clone();
    shown["data"] = Value::Array(Vec::new());
    let items = data.trim_start_matches(|c: char| ":[ ".contains(c));
    let first = serde_json::Deserializer::from_str(items).into_iter::<Value>().next();
    let first = first.expect("an item is there").expect("the first is whole");
    let item = &found["data"][0];
    value(recorded, "", &head, &shown).or_else(|| shape("data[0]", &first, item))
}

/// How fields differ, whatever their values.
fn shape(place: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            fields(place, expected, found).or_else(|| {
                expected.iter().find_map(|(name, expected)| {
                    shape(&format!("{place}.{name}"), expected, &found[name])
                })
            })
        }
        (Value::Array(expected), Value::Array(found)) => match (expected.first(), found.first()) {
            (Some(expected), Some(found)) => shape(&format!("{place}[0]"), expected, found),
            _ => None,
        },
        (expected, found) => {
            let is_equal = std::mem::discriminant(expected) == std::mem::discriminant(found);
            (!is_equal).then(|| format!("{place}: {expected} is {found}"))
        }
    }
}

fn fields(
    place: &str,
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
) -> Option<String> {
    let missing = expected.keys().find(|name| !found.contains_key(*name));
    let more = found.keys().find(|name| !expected.contains_key(*name));
    let missing = missing.map(|name| format!("{place} has no {name}: {found:?}"));
    missing.or_else(|| more.map(|name| format!("{place} has {name} too: {found:?}")))
}

fn value(recorded: &Recorded, place: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(known)) => {
            if expected.get("kind").is_some_and(|kind| kind == "KafkaClusterConfigList") {
                return shape(place, &Value::Object(expected.clone()), found);
            }
            if place == ".configs" && recorded.path.starts_with("/topics/") {
                let name = "retention.ms"; // what the others are is the broker's
                return value(recorded, name, &expected[name], &known[name]);
            }
            fields(place, expected, known).or_else(|| {
                expected
                    .iter()
                    .find_map(|(name, expected)| field(recorded, place, name, expected, known))
            })
        }
        (Value::Array(expected), Value::Array(known)) => {
            if expected.len() != known.len() {
                return Some(format!("{place}: {} items are {found}", expected.len()));
            }
            let mut pairs = expected.iter().zip(known).enumerate();
            pairs.find_map(|(index, (expected, known))| {
                value(recorded, &format!("{place}[{index}]"), expected, known)
            })
        }
        (expected, found) => (expected != found).then(|| format!("{place}: {expected} is {found}")),
    }
}

fn field(
    recorded: &Recorded,
    place: &str,
    name: &str,
    expected: &Value,
    of: &Map<String, Value>,
) -> Option<String> {
    let found = &of[name];
    let place = format!("{place}.{name}");
    let is_anywhere = name == "partition_id" && is_unplaced(recorded);
    if name == "authorized_operations" {
        return value(recorded, &place, &sorted(expected), &sorted(found));
    }
    if name == "message" && is_free(expected.as_str().unwrap_or_default(), &of["error_code"]) {
        return found.as_str().is_none_or(str::is_empty).then(|| format!("{place} is {found}"));
    }
    match OF_A_RUN.contains(&name) || is_anywhere {
        true => shape(&place, expected, found),
        false => value(recorded, &place, expected, found),
    }
}

/// What has no order of its own.
fn sorted(items: &Value) -> Value {
    let mut items = items.as_array().cloned().unwrap_or_default();
    items.sort_by_key(Value::to_string);
    Value::Array(items)
}

/// Whether a record says nothing about its partition.
fn is_unplaced(recorded: &Recorded) -> bool {
    let body = recorded.body.as_ref().map_or("", |body| body.get());
    body.starts_with('{') && !body.contains("\"partition_id\"") && !body.contains("\"key\"")
}

/// Whether an error's text is not compared: it is a parser's, has the numbers of another run, or says less
/// than ours.
fn is_free(expected: &str, code: &Value) -> bool {
    *code == 400
        || expected.is_empty()
        || expected.starts_with("HTTP 404")
        || expected.starts_with("Timestamp ")
        || expected.contains(" in metadata after ")
}
