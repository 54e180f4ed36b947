//! Topics and their partitions.

use std::collections::{BTreeMap, HashMap, hash_map};
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Core, Entry, Key, Now, Partition, TopicConfig};
use crate::files::Files;

#[derive(Debug, Default)]
pub struct Catalog {
    topics: BTreeMap<String, Topic>,
    names: HashMap<Uuid, String>,
    /// How many topics have each name, if dots are taken for underscores.
    alike: HashMap<String, usize>,
}

#[derive(Debug)]
pub struct Topic {
    pub id: Uuid,
    /// What was set, by Kafka's names. What was not set has the broker's default.
    pub config: BTreeMap<String, String>,
    /// What holds, whoever set it.
    pub settings: TopicConfig,
    pub partitions: Vec<Partition>,
}

impl Topic {
    /// Lets the topic and its logs follow other values.
    pub(super) fn apply(&mut self, settings: TopicConfig) {
        self.settings = settings;
        for partition in &mut self.partitions {
            partition.log.set_config(settings.log);
        }
    }

    fn entry(&self) -> TopicEntry {
        TopicEntry {
            id: self.id.as_u128(),
            partitions: self.partitions.len(),
            config: self.config.clone(),
        }
    }
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

    /// Returns true if there is a topic whose name differs by dots and underscores at most.
    pub fn has_alike(&self, name: &str) -> bool {
        self.alike.contains_key(&without_dots(name))
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
            self.remove(&name);
            return Ok(());
        };
        let entry: TopicEntry = serde_json::from_value(value)?;
        let partitions = (0..entry.partitions)
            .map(|partition| Partition::open(files, &folder(&name, partition)))
            .collect::<io::Result<Vec<_>>>()?;
        self.insert(name, entry, partitions, TopicConfig::kafka());
        Ok(())
    }

    fn insert(
        &mut self,
        name: String,
        entry: TopicEntry,
        partitions: Vec<Partition>,
        settings: TopicConfig,
    ) {
        let id = Uuid::from_u128(entry.id);
        self.remove(&name);
        self.names.insert(id, name.clone());
        *self.alike.entry(without_dots(&name)).or_default() += 1;
        let mut topic = Topic { id, config: entry.config, settings, partitions };
        topic.apply(settings);
        self.topics.insert(name, topic);
    }

    fn remove(&mut self, name: &str) -> Option<Topic> {
        let topic = self.topics.remove(name)?;
        self.names.remove(&topic.id);
        if let hash_map::Entry::Occupied(mut alike) = self.alike.entry(without_dots(name)) {
            *alike.get_mut() -= 1;
            if *alike.get() == 0 {
                alike.remove();
            }
        }
        Some(topic)
    }
}

fn without_dots(name: &str) -> String {
    name.replace('.', "_")
}

/// The folder of a partition.
fn folder(topic: &str, partition: usize) -> String {
    format!("{topic}-{partition}")
}

impl Core {
    /// Makes a topic that is not there yet.
    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        partitions: usize,
        config: BTreeMap<String, String>,
        now: Now,
    ) -> io::Result<Uuid> {
        let id = Uuid::new_v4();
        let settings = self.effective_topic_config(&config);
        let logs = self.create_partitions_of(name, 0..partitions)?;
        let entry = TopicEntry { id: id.as_u128(), partitions, config };
        self.write_topic(name, &entry, now)?;
        self.catalog.insert(name.to_owned(), entry, logs, settings);
        Ok(id)
    }

    /// Adds partitions until there are so many.
    pub(crate) fn grow_topic(&mut self, name: &str, partitions: usize, now: Now) -> io::Result<()> {
        let Some(topic) = self.catalog.get(name) else { return Ok(()) };
        let entry = TopicEntry { partitions, ..topic.entry() };
        let first = topic.partitions.len();
        let more = self.create_partitions_of(name, first..partitions)?;
        self.write_topic(name, &entry, now)?;
        if let Some(topic) = self.catalog.get_mut(name) {
            topic.partitions.extend(more);
            topic.apply(topic.settings);
        }
        Ok(())
    }

    /// Sets the configs of a topic, which have been checked.
    pub(crate) fn set_topic_config(
        &mut self,
        name: &str,
        config: BTreeMap<String, String>,
        now: Now,
    ) -> io::Result<()> {
        let Some(topic) = self.catalog.get(name) else { return Ok(()) };
        let entry = TopicEntry { config: config.clone(), ..topic.entry() };
        self.write_topic(name, &entry, now)?;
        if let Some(topic) = self.catalog.get_mut(name) {
            topic.config = config;
        }
        self.refresh_topic(name);
        Ok(())
    }

    /// Deletes a topic with its records. Its name is free at once.
    pub(crate) fn delete_topic(&mut self, name: &str, now: Now) -> io::Result<()> {
        let offsets = self.offsets_of_topic(name)?;
        let topic = Entry { key: Key::Topic(name.to_owned()), value: None };
        let entries = offsets.iter().cloned().chain([topic]).collect();
        self.journal.write(entries, now)?;
        self.topic_is_deleted(offsets)?;
        let Some(topic) = self.catalog.remove(name) else { return Ok(()) };
        self.fetches.topic_changed(topic.id);
        for partition in topic.partitions {
            let folder = partition.log.into_folder();
            if let Err(error) = self.trash.put(&*self.files, &folder) {
                tracing::warn!(%error, "the records of {folder} stay in their folder");
            }
        }
        Ok(())
    }

    /// Makes empty partitions. What a deleted topic may have left in their folders is put away.
    fn create_partitions_of(
        &mut self,
        topic: &str,
        indexes: std::ops::Range<usize>,
    ) -> io::Result<Vec<Partition>> {
        let create = |index| {
            let folder = folder(topic, index);
            self.trash.put(&*self.files, &folder)?;
            Partition::create(&self.files, &folder)
        };
        indexes.map(create).collect()
    }

    fn write_topic(&mut self, name: &str, entry: &TopicEntry, now: Now) -> io::Result<()> {
        let value = Some(serde_json::to_value(entry)?);
        self.journal.write(vec![Entry { key: Key::Topic(name.to_owned()), value }], now)
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
