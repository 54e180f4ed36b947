//! Bodies of control requests: objects with the fields that they have, and nothing else.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::consumer::{Commit, Position};
use crate::error::ProxyError;

/// A JSON object. serde alone would take an array for an object's fields in order.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        input.deserialize_map(Fields(PhantomData)).map(Object)
    }
}

/// The body of `POST ..subscription`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    #[serde(default)]
    topics: Option<Vec<String>>,
    #[serde(default)]
    topic_pattern: Option<String>,
}

/// What a subscription asks for.
pub(super) enum Wanted {
    Nothing,
    Topics(Vec<String>),
    Pattern(String),
}

/// Bytes of a topic pattern. librdkafka compiles it recursively: a long enough one would end the
/// process.
const PATTERN_BYTES_MAX: usize = 1000;

impl Subscription {
    /// Topics win over a pattern. 422.
    pub(super) fn wanted(self) -> Result<Wanted, ProxyError> {
        match (self.topics, self.topic_pattern) {
            (Some(mut topics), _) => {
                topics.iter().try_for_each(|topic| check_topic(topic))?;
                let mut seen = std::collections::HashSet::new();
                topics.retain(|topic| seen.insert(topic.clone()));
                Ok(Wanted::Topics(topics))
            }
            (None, Some(pattern)) => {
                if pattern.len() > PATTERN_BYTES_MAX || pattern.contains('\0') {
                    return invalid("topic_pattern is no pattern that can be used");
                }
                // librdkafka takes a name that begins with ^ for a pattern; the reference's match
                // whole names
                Ok(Wanted::Pattern(format!("^({pattern})$")))
            }
            (None, None) => Ok(Wanted::Nothing),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicPartition {
    pub(super) topic: String,
    pub(super) partition: i32,
}

/// Body of `POST ..assignments` and others, and answer to `GET ..assignments`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Partitions {
    pub(super) partitions: Vec<Object<TopicPartition>>,
}

impl Partitions {
    /// 422.
    pub(super) fn pairs(self) -> Result<Vec<(String, i32)>, ProxyError> {
        self.partitions.into_iter().map(|Object(p)| place(p.topic, p.partition)).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionOffset {
    topic: String,
    partition: i32,
    offset: i64,
    #[serde(default)]
    metadata: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionTimestamp {
    topic: String,
    partition: i32,
    timestamp: jiff::Timestamp,
    #[serde(default, rename = "metadata")]
    _metadata: Option<String>,
}

/// Body of `POST ..offsets`: offsets of the last consumed records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offsets {
    #[serde(default)]
    offsets: Vec<Object<PartitionOffset>>,
}

impl Offsets {
    /// What to commit: the offset after each. 422.
    pub(super) fn commits(self) -> Result<HashMap<(String, i32), Commit>, ProxyError> {
        let commit = |Object(o): Object<PartitionOffset>| {
            // -1 is the one before the first
            let offset = checked_offset(o.offset.saturating_add(1))?;
            Ok((place(o.topic, o.partition)?, Commit { offset, metadata: o.metadata }))
        };
        self.offsets.into_iter().map(commit).collect()
    }
}

/// Body of `POST ..positions`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Positions {
    #[serde(default)]
    offsets: Vec<Object<PartitionOffset>>,
    #[serde(default)]
    timestamps: Vec<Object<PartitionTimestamp>>,
}

impl Positions {
    /// 422.
    pub(super) fn places(self) -> Result<Vec<(String, i32, Position)>, ProxyError> {
        let mut places = Vec::new();
        for Object(o) in self.offsets {
            let offset = checked_offset(o.offset)?;
            let (topic, partition) = place(o.topic, o.partition)?;
            places.push((topic, partition, Position::Offset(offset)));
        }
        for Object(t) in self.timestamps {
            let time = t.timestamp.as_millisecond();
            if time < 0 {
                return invalid("timestamps begin in 1970");
            }
            let (topic, partition) = place(t.topic, t.partition)?;
            places.push((topic, partition, Position::Timestamp(time)));
        }
        Ok(places)
    }
}

fn place(topic: String, partition: i32) -> Result<(String, i32), ProxyError> {
    check_topic(&topic)?;
    if partition < 0 {
        return invalid(&format!("{partition} is no partition"));
    }
    Ok((topic, partition))
}

/// A name that librdkafka can be given at all.
fn check_topic(topic: &str) -> Result<(), ProxyError> {
    match topic.contains('\0') || topic.starts_with('^') {
        true => invalid("a topic's name has letters, digits, '.', '_' and '-'"),
        false => Ok(()),
    }
}

fn checked_offset(offset: i64) -> Result<i64, ProxyError> {
    if offset < 0 { invalid(&format!("{offset} is no offset")) } else { Ok(offset) }
}

fn invalid<T>(reason: &str) -> Result<T, ProxyError> {
    Err(ProxyError::Invalid { reason: reason.to_string() })
}
