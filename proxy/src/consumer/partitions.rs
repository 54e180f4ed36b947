//! Partitions and offsets as all parts of an instance name them, and as librdkafka's lists have them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

/// How long a commit, a seek or a look-up waits for Kafka's answer.
pub(super) const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct TopicPartition {
    pub(crate) topic: String,
    pub(crate) partition: i32,
}

impl From<(String, i32)> for TopicPartition {
    fn from((topic, partition): (String, i32)) -> TopicPartition {
        TopicPartition { topic, partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// An offset for each of some partitions. Serialised as a list of pairs, as keys of JSON are strings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(TopicPartition, i64)>", into = "Vec<(TopicPartition, i64)>")]
pub(crate) struct Positions(BTreeMap<TopicPartition, i64>);

impl From<Vec<(TopicPartition, i64)>> for Positions {
    fn from(pairs: Vec<(TopicPartition, i64)>) -> Positions {
        pairs.into_iter().collect()
    }
}

impl From<Positions> for Vec<(TopicPartition, i64)> {
    fn from(positions: Positions) -> Self {
        positions.0.into_iter().collect()
    }
}

impl FromIterator<(TopicPartition, i64)> for Positions {
    fn from_iter<I: IntoIterator<Item = (TopicPartition, i64)>>(pairs: I) -> Positions {
        Positions(pairs.into_iter().collect())
    }
}

impl IntoIterator for Positions {
    type Item = (TopicPartition, i64);
    type IntoIter = std::collections::btree_map::IntoIter<TopicPartition, i64>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Deref for Positions {
    type Target = BTreeMap<TopicPartition, i64>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Positions {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Where a partition is to be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Offset(i64),
    Beginning,
    End,
    /// Milliseconds since 1970: the first record that is not older, or the end if all are.
    Timestamp(i64),
}

/// An offset to commit: that of the next record to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) offset: i64,
    pub(crate) metadata: Option<String>,
}

/// The partitions of a list of librdkafka's.
pub(super) fn partitions_of(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let elements = list.elements();
    let named =
        elements.iter().map(|e| TopicPartition::from((e.topic().to_string(), e.partition())));
    named.collect()
}

/// A list of librdkafka's with these partitions, and no offsets.
pub(super) fn list_of<'a>(
    partitions: impl IntoIterator<Item = &'a TopicPartition>,
) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for TopicPartition { topic, partition } in partitions {
        list.add_partition(topic, *partition);
    }
    list
}

/// A list of librdkafka's with partitions and where each begins: at an offset, or where its group has committed.
pub(super) fn starting_at(
    starts: &[(TopicPartition, Option<i64>)],
) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (TopicPartition { topic, partition }, start) in starts {
        let offset = start.map_or(Offset::Stored, Offset::Offset);
        list.add_partition_offset(topic, *partition, offset)?;
    }
    Ok(list)
}
