//! Bodies of control requests: objects with the fields that they have, and nothing else.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use weir_kafka::TopicName;

use crate::consumer::{Commit, Position, TopicPattern};
use crate::error::ProxyError;
use crate::http::Object;
use crate::http::json::coerced;

/// The body of `POST ..subscription`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscription {
    #[serde(default)]
    topics: Option<Vec<Text>>,
    #[serde(default, deserialize_with = "coerced")]
    topic_pattern: Option<String>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text(#[serde(deserialize_with = "coerced")] String);

/// What a subscription asks for.
pub(crate) enum Wanted {
    Nothing,
    Topics(Vec<String>),
    Pattern(TopicPattern),
}

impl Subscription {
    /// Topics win over a pattern. 422.
    pub(crate) fn wanted(self) -> Result<Wanted, ProxyError> {
        match (self.topics, self.topic_pattern) {
            (Some(topics), _) => {
                let mut topics: Vec<String> = topics.into_iter().map(|Text(topic)| topic).collect();
                topics.iter().try_for_each(|topic| check_topic(topic))?;
                let mut seen = std::collections::HashSet::new();
                topics.retain(|topic| seen.insert(topic.clone()));
                Ok(Wanted::Topics(topics))
            }
            (None, Some(pattern)) => match TopicPattern::parse(&pattern) {
                Ok(pattern) => Ok(Wanted::Pattern(pattern)),
                Err(error) => invalid(&error.to_string()),
            },
            (None, None) => Ok(Wanted::Nothing),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicPartition {
    #[serde(deserialize_with = "coerced")]
    pub(crate) topic: String,
    #[serde(deserialize_with = "coerced")]
    pub(crate) partition: i32,
}

/// Body of `POST ..assignments` and others, and answer to `GET ..assignments`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Partitions {
    pub(crate) partitions: Vec<Object<TopicPartition>>,
}

impl Partitions {
    /// 422.
    pub(crate) fn pairs(self) -> Result<Vec<(String, i32)>, ProxyError> {
        checked_places(self.partitions.into_iter().map(|Object(p)| (p.topic, p.partition)))
    }
}

/// Partitions that can be, each once. 422.
pub(crate) fn checked_places(
    places: impl Iterator<Item = (String, i32)>,
) -> Result<Vec<(String, i32)>, ProxyError> {
    let mut checked = Vec::new();
    for (topic, partition) in places {
        let place = place(topic, partition)?;
        if !checked.contains(&place) {
            checked.push(place);
        }
    }
    Ok(checked)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionOffset {
    #[serde(deserialize_with = "coerced")]
    topic: String,
    #[serde(deserialize_with = "coerced")]
    partition: i32,
    #[serde(deserialize_with = "coerced")]
    offset: i64,
    #[serde(default, deserialize_with = "coerced")]
    metadata: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionTimestamp {
    #[serde(deserialize_with = "coerced")]
    topic: String,
    #[serde(deserialize_with = "coerced")]
    partition: i32,
    timestamp: jiff::Timestamp,
    #[serde(default, rename = "metadata")]
    _metadata: Option<String>,
}

/// Body of `POST ..offsets`: offsets of the last consumed records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offsets {
    #[serde(default)]
    offsets: Vec<Object<PartitionOffset>>,
}

impl Offsets {
    /// What to commit: the offset after each. 422.
    pub(crate) fn commits(self) -> Result<HashMap<(String, i32), Commit>, ProxyError> {
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
pub(crate) struct Positions {
    #[serde(default)]
    offsets: Vec<Object<PartitionOffset>>,
    #[serde(default)]
    timestamps: Vec<Object<PartitionTimestamp>>,
}

impl Positions {
    /// If a partition stands there twice, the last counts. 422.
    pub(crate) fn places(self) -> Result<Vec<(String, i32, Position)>, ProxyError> {
        let mut places: Vec<(String, i32, Position)> = Vec::new();
        let mut add = |topic: String, partition: i32, position: Position| {
            places.retain(|(t, p, _)| *p != partition || *t != topic);
            places.push((topic, partition, position));
        };
        for Object(o) in self.offsets {
            let offset = checked_offset(o.offset)?;
            let (topic, partition) = place(o.topic, o.partition)?;
            add(topic, partition, Position::Offset(offset));
        }
        for Object(t) in self.timestamps {
            let time = t.timestamp.as_millisecond();
            if time < 0 {
                return invalid("timestamps begin in 1970");
            }
            let (topic, partition) = place(t.topic, t.partition)?;
            add(topic, partition, Position::Timestamp(time));
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

fn check_topic(topic: &str) -> Result<(), ProxyError> {
    TopicName::parse(topic).map(drop).or_else(|invalid_name| invalid(&invalid_name.to_string()))
}

fn checked_offset(offset: i64) -> Result<i64, ProxyError> {
    if offset < 0 { invalid(&format!("{offset} is no offset")) } else { Ok(offset) }
}

fn invalid<T>(reason: &str) -> Result<T, ProxyError> {
    Err(ProxyError::Invalid { reason: reason.to_string() })
}
