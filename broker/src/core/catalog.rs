//! Topics and their partitions.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Core, Entry, Key, Now, Partition};
use crate::files::Files;
use crate::log::Log;

#[derive(Debug, Default)]
pub struct Catalog {
    topics: BTreeMap<String, Topic>,
    names: HashMap<Uuid, String>,
}

#[derive(Debug)]
pub struct Topic {
    pub id: Uuid,
    /// What was set, by Kafka's names. What was not set has the broker's default.
    pub config: BTreeMap<String, String>,
    pub partitions: Vec<Partition>,
}

/// A topic in the journal.
#[derive(Debug, Serialize, Deserialize)]
struct TopicEntry {
    #[serde(with = "hex_id")]
    id: u128,
    partitions: usize,
    config: BTreeMap<String, String>,
}

impl Catalog {
    pub fn get(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Topic> {
        self.topics.get_mut(name)
    }

    pub fn name_of(&self, id: Uuid) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Topic)> {
        self.topics.iter().map(|(name, topic)| (name.as_str(), topic))
    }

    /// From a name on, which need not be there.
    pub(super) fn iter_from(&self, name: &str) -> impl Iterator<Item = (&str, &Topic)> {
        let from = (Bound::Included(name), Bound::Unbounded);
        self.topics.range::<str, _>(from).map(|(name, topic)| (name.as_str(), topic))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Topic> {
        self.topics.values_mut()
    }

    pub fn partition(&self, topic: &str, partition: i32) -> Option<&Partition> {
        self.get(topic)?.partitions.get(usize::try_from(partition).ok()?)
    }

    pub fn partition_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Partition> {
        self.get_mut(topic)?.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    /// Takes over an entry of the journal. `None` says that the topic was deleted.
    pub(super) fn load(
        &mut self,
        files: &Arc<dyn Files>,
        name: String,
        value: Option<serde_json::Value>,
    ) -> io::Result<()> {
        let Some(value) = value else {
            if let Some(topic) = self.topics.remove(&name) {
                self.names.remove(&topic.id);
            }
            return Ok(());
        };
        let entry: TopicEntry = serde_json::from_value(value)?;
        self.open(files, name, entry)
    }

    fn open(&mut self, files: &Arc<dyn Files>, name: String, entry: TopicEntry) -> io::Result<()> {
        let partitions = (0..entry.partitions)
            .map(|partition| Partition::open(files, &format!("{name}-{partition}")))
            .collect::<io::Result<Vec<_>>>()?;
        let id = Uuid::from_u128(entry.id);
        self.names.insert(id, name.clone());
        let topic = Topic { id, config: entry.config, partitions };
        self.topics.insert(name, topic);
        Ok(())
    }
}

impl Core {
    /// Makes a topic that is not there yet.
    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        partitions: usize,
        config: BTreeMap<String, String>,
        now: Now,
    ) -> io::Result<()> {
        for partition in 0..partitions {
            Log::discard(&self.files, &format!("{name}-{partition}"))?;
        }
        let entry = TopicEntry { id: Uuid::new_v4().as_u128(), partitions, config };
        let value = Some(serde_json::to_value(&entry)?);
        self.journal.write(vec![Entry { key: Key::Topic(name.to_owned()), value }], now)?;
        self.catalog.open(&self.files, name.to_owned(), entry)
    }

    /// Says that leaders have changed: the epochs of all partitions of a topic go up by one.
    pub(crate) fn move_leaders(&mut self, topic: &str) {
        if let Some(topic) = self.catalog.get_mut(topic) {
            for partition in &mut topic.partitions {
                partition.leader_epoch = partition.leader_epoch.saturating_add(1);
            }
        }
    }
}

/// An id as text: JSON has no numbers of 128 bits.
mod hex_id {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(id: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{id:032x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}
