//! Offsets that groups have committed, and those of transactions that have not ended.

mod commit;
mod delete;
mod fetch;
mod pending;

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::core::{Entry, Key};

/// What a group has committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Committed {
    pub offset: i64,
    /// The leader's epoch of the record before, or -1.
    pub leader_epoch: i32,
    pub metadata: String,
    pub committed_ms: i64,
    /// When the offset goes whatever the group does, if the client has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
}

/// A partition, by the name of its topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    pub topic: String,
    pub partition: i32,
}

/// What a producer's transaction will commit for a group.
pub(super) type Pending = BTreeMap<Place, Committed>;

/// An offset of a transaction in the journal: JSON has no keys of several fields.
#[derive(Debug, Serialize, Deserialize)]
struct PendingEntry {
    place: Place,
    committed: Committed,
}

#[derive(Debug, Default)]
pub(super) struct GroupOffsets {
    pub committed: BTreeMap<Place, Committed>,
    /// By the id of the producer.
    pub pending: BTreeMap<i64, Pending>,
}

impl GroupOffsets {
    fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty()
    }

    /// Returns true if a transaction that has not ended has an offset for the partition.
    fn is_pending(&self, place: &Place) -> bool {
        self.pending.values().any(|pending| pending.contains_key(place))
    }
}

/// The offsets of all groups.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    groups: BTreeMap<String, GroupOffsets>,
}

impl Offsets {
    pub fn of(&self, group: &str) -> Option<&GroupOffsets> {
        self.groups.get(group)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &GroupOffsets)> {
        self.groups.iter()
    }

    fn change(&mut self, group: &str, what: impl FnOnce(&mut GroupOffsets)) {
        let offsets = self.groups.entry(group.to_owned()).or_default();
        what(offsets);
        if offsets.is_empty() {
            self.groups.remove(group);
        }
    }

    /// Takes over what a write to the journal says.
    pub fn apply(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        for entry in entries {
            match entry.key {
                Key::Offset { group, topic, partition } => {
                    self.load(&group, Place { topic, partition }, entry.value)?;
                }
                Key::PendingOffsets { group, producer } => {
                    self.load_pending(&group, producer, entry.value)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub fn load(
        &mut self,
        group: &str,
        place: Place,
        value: Option<serde_json::Value>,
    ) -> io::Result<()> {
        let committed: Option<Committed> = value.map(serde_json::from_value).transpose()?;
        self.change(group, |offsets| match committed {
            Some(committed) => {
                offsets.committed.insert(place, committed);
            }
            None => {
                offsets.committed.remove(&place);
            }
        });
        Ok(())
    }

    pub fn load_pending(
        &mut self,
        group: &str,
        producer: i64,
        value: Option<serde_json::Value>,
    ) -> io::Result<()> {
        let entries: Option<Vec<PendingEntry>> = value.map(serde_json::from_value).transpose()?;
        self.change(group, |offsets| match entries {
            Some(entries) => {
                let pending = entries.into_iter().map(|entry| (entry.place, entry.committed));
                offsets.pending.insert(producer, pending.collect());
            }
            None => {
                offsets.pending.remove(&producer);
            }
        });
        Ok(())
    }
}

fn entry(group: &str, place: &Place, committed: Option<&Committed>) -> io::Result<Entry> {
    let key = Key::Offset {
        group: group.to_owned(),
        topic: place.topic.clone(),
        partition: place.partition,
    };
    let value = committed.map(serde_json::to_value).transpose()?;
    Ok(Entry { key, value })
}

fn pending_entry(group: &str, producer: i64, pending: &Pending) -> io::Result<Entry> {
    let key = Key::PendingOffsets { group: group.to_owned(), producer };
    let entries: Vec<PendingEntry> = pending
        .iter()
        .map(|(place, committed)| PendingEntry {
            place: place.clone(),
            committed: committed.clone(),
        })
        .collect();
    let value = match entries.is_empty() {
        true => None,
        false => Some(serde_json::to_value(entries)?),
    };
    Ok(Entry { key, value })
}
