//! Bodies of control requests: objects with the fields that they have, and nothing else.

use std::collections::HashMap;

use serde::Deserialize;
use weir_http::Caller;

use weir_kafka::TopicName;

use crate::consumer::{Commit, Position, TopicPattern};
use crate::error::ProxyError;
use crate::http::Object;
use crate::http::json::coerced;
use crate::http::rights::{Read, TopicInBody};

/// The body of `POST ..subscription`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscription {
    #[serde(default)]
    topics: Option<Vec<TopicInBody>>,
    #[serde(default, deserialize_with = "coerced")]
    topic_pattern: Option<String>,
}

/// What a subscription asks for.
pub(crate) enum Wanted {
    Nothing,
    Topics(Vec<String>),
    Pattern(TopicPattern),
}

impl Subscription {
    /// Topics, all of which the caller may read, win over a pattern. 40301 · 422.
    pub(crate) fn wanted(self, caller: &Caller) -> Result<Wanted, ProxyError> {
        match (self.topics, self.topic_pattern) {
            (Some(topics), _) => {
                let topics = topics.into_iter().map(|topic| topic.demand::<Read>(caller));
                let mut topics = topics.collect::<Result<Vec<String>, _>>()?;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicPartition {
    topic: TopicInBody,
    #[serde(deserialize_with = "coerced")]
    partition: i32,
}

/// Body of `POST ..assignments` and others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Partitions {
    partitions: Vec<Object<TopicPartition>>,
}

impl Partitions {
    /// The partitions, all of topics that the caller may read. 40301 · 422.
    pub(crate) fn pairs(self, caller: &Caller) -> Result<Vec<(String, i32)>, ProxyError> {
        let named = self.partitions.into_iter();
        let named = named.map(|Object(p)| Ok((p.topic.demand::<Read>(caller)?, p.partition)));
        let named: Vec<_> = named.collect::<Result<_, ProxyError>>()?;
        checked_places(named.into_iter())
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
    topic: TopicInBody,
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
    topic: TopicInBody,
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
    /// What to commit: the offset after each, of topics that the caller may read. 40301 · 422.
    pub(crate) fn commits(
        self,
        caller: &Caller,
    ) -> Result<HashMap<(String, i32), Commit>, ProxyError> {
        let commit = |Object(o): Object<PartitionOffset>| {
            let topic = o.topic.demand::<Read>(caller)?;
            // -1 is the one before the first
            let offset = checked_offset(o.offset.saturating_add(1))?;
            Ok((place(topic, o.partition)?, Commit { offset, metadata: o.metadata }))
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
    /// If a partition stands there twice, the last counts. All are of topics that the caller may read. 40301 · 422.
    pub(crate) fn places(
        self,
        caller: &Caller,
    ) -> Result<Vec<(String, i32, Position)>, ProxyError> {
        let mut places: Vec<(String, i32, Position)> = Vec::new();
        let mut add = |topic: String, partition: i32, position: Position| {
            places.retain(|(t, p, _)| *p != partition || *t != topic);
            places.push((topic, partition, position));
        };
        for Object(o) in self.offsets {
            let topic = o.topic.demand::<Read>(caller)?;
            let offset = checked_offset(o.offset)?;
            let (topic, partition) = place(topic, o.partition)?;
            add(topic, partition, Position::Offset(offset));
        }
        for Object(t) in self.timestamps {
            let topic = t.topic.demand::<Read>(caller)?;
            let time = t.timestamp.as_millisecond();
            if time < 0 {
                return invalid("timestamps begin in 1970");
            }
            let (topic, partition) = place(topic, t.partition)?;
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
