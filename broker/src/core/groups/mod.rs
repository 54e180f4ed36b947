//! Groups of consumers and the offsets that they commit.
//!
//! The broker coordinates every group. What outlives a restart goes through the journal before
//! anything is answered.

mod classic;
mod classic_requests;
mod consumer;
mod consumer_describe;
mod consumer_requests;
mod coordinator;
mod delete;
mod describe;
mod hex;
mod list;
mod migration;
mod offsets;
mod retention;
mod settings;
mod subscription;
#[cfg(test)]
mod tests;
mod timers;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use settings::GroupSettings;

use super::{Core, Entry, Key, Now, Ticket};
use crate::apis::Response;
use classic::{ClassicGroup, KeptClassicGroup};
use consumer::{ConsumerGroup, KeptConsumerGroup};
use offsets::{Offsets, Place};
use timers::{Timer, Timers};
use turn::Turn;

/// A group, by the protocol that its members speak.
#[derive(Debug)]
enum Group {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
}

/// A group in the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum GroupEntry {
    Classic(KeptClassicGroup),
    Consumer(KeptConsumerGroup),
}

/// Every group that there is, and every offset.
#[derive(Debug, Default)]
pub struct Groups {
    settings: GroupSettings,
    groups: BTreeMap<String, Group>,
    offsets: Offsets,
    timers: Timers,
    outbox: Vec<(Ticket, Response)>,
    changed: BTreeSet<String>,
    /// Groups that have changed their protocol, as the journal gets them.
    migrated: Vec<Entry>,
}

impl Groups {
    pub(super) fn new(settings: GroupSettings) -> Groups {
        let mut timers = Timers::default();
        timers.set(Timer::Retention, settings.retention_check);
        Groups { settings, timers, ..Groups::default() }
    }

    /// Takes over a group of the journal. Its members' sessions begin when the broker starts.
    /// Groups that have had members.
    pub(super) fn count(&self) -> u64 {
        self.groups.len() as u64
    }

    pub(super) fn load(&mut self, id: String, value: Option<serde_json::Value>) -> io::Result<()> {
        let Some(value) = value else {
            self.groups.remove(&id);
            return Ok(());
        };
        let group = match serde_json::from_value(value)? {
            GroupEntry::Classic(kept) => {
                let group = ClassicGroup::from_kept(id.clone(), kept);
                for member in group.members.values() {
                    let timer = Timer::Session { group: id.clone(), member: member.id.clone() };
                    self.timers.set(timer, member.session_timeout);
                }
                Group::Classic(group)
            }
            GroupEntry::Consumer(kept) => {
                let group =
                    ConsumerGroup::from_kept(id.clone(), kept, self.settings.consumer_session);
                for (timer, after) in group.timers() {
                    self.timers.set(timer, after);
                }
                Group::Consumer(group)
            }
        };
        self.groups.insert(id, group);
        Ok(())
    }

    /// Takes over an offset of the journal. A group is there as soon as it has one.
    pub(super) fn load_offset(
        &mut self,
        group: String,
        topic: String,
        partition: i32,
        value: Option<serde_json::Value>,
    ) -> io::Result<()> {
        self.offsets.load(&group, Place { topic, partition }, value)?;
        self.load_group_of_offsets(group);
        Ok(())
    }

    pub(super) fn load_pending_offsets(
        &mut self,
        group: String,
        producer: i64,
        value: Option<serde_json::Value>,
    ) -> io::Result<()> {
        self.offsets.load_pending(&group, producer, value)?;
        self.load_group_of_offsets(group);
        Ok(())
    }

    fn load_group_of_offsets(&mut self, id: String) {
        if self.offsets.of(&id).is_some() && !self.groups.contains_key(&id) {
            let group = ClassicGroup::new(id.clone(), 0);
            self.groups.insert(id, Group::Classic(group));
        }
    }

    /// When something is due next, in [`Now::elapsed`]'s time.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Does something with a group, if it is there.
    fn with_group<T>(
        &mut self,
        id: &str,
        now: Now,
        what: impl FnOnce(&mut Group, &mut Turn) -> T,
    ) -> Option<T> {
        let group = self.groups.get_mut(id)?;
        let mut turn = Turn {
            now,
            settings: &self.settings,
            timers: &mut self.timers,
            outbox: &mut self.outbox,
            changed: &mut self.changed,
        };
        Some(what(group, &mut turn))
    }

    /// Does something with a group of the classic protocol, if it is there.
    fn with_classic<T>(
        &mut self,
        id: &str,
        now: Now,
        what: impl FnOnce(&mut ClassicGroup, &mut Turn) -> T,
    ) -> Option<T> {
        self.with_group(id, now, |group, turn| match group {
            Group::Classic(group) => Some(what(group, turn)),
            Group::Consumer(_) => None,
        })
        .flatten()
    }

    /// Makes an empty group if there is none, also in place of an empty one of the consumer protocol.
    /// Returns false if there are too many.
    fn make_classic(&mut self, id: &str, now: Now) -> bool {
        match self.groups.get(id) {
            Some(Group::Consumer(group)) if group.members.is_empty() => {}
            Some(_) => return true,
            None if self.groups.len() >= self.settings.max_groups => return false,
            None => {}
        }
        let group = ClassicGroup::new(id.to_owned(), now.wall_ms);
        self.groups.insert(id.to_owned(), Group::Classic(group));
        true
    }

    fn fire(&mut self, timer: Timer, now: Now) {
        match timer {
            Timer::Session { group, member } => {
                self.with_group(&group, now, |group, turn| match group {
                    Group::Classic(group) => group.session_is_over(&member, turn),
                    Group::Consumer(group) => group.fence(&member, turn),
                });
            }
            Timer::Join { group } => {
                self.with_classic(&group, now, |group, turn| group.join_is_over(turn));
            }
            Timer::Sync { group } => {
                self.with_classic(&group, now, |group, turn| group.sync_is_over(turn));
            }
            Timer::Revocation { group, member } | Timer::Rejoin { group, member } => {
                self.with_group(&group, now, |group, turn| match group {
                    Group::Classic(_) => {}
                    Group::Consumer(group) => group.fence(&member, turn),
                });
            }
            Timer::Retention => {}
        }
    }

    /// What the journal has to remember of groups that have changed.
    fn take_changes(&mut self) -> Vec<Entry> {
        let changed = std::mem::take(&mut self.changed);
        let mut entries = std::mem::take(&mut self.migrated);
        entries.extend(changed.into_iter().filter_map(|id| self.entry(id)));
        entries
    }

    fn entry(&self, id: String) -> Option<Entry> {
        let kept = match self.groups.get(&id) {
            None => return Some(Entry { key: Key::Group(id), value: None }),
            Some(Group::Classic(group)) => GroupEntry::Classic(group.kept()?),
            Some(Group::Consumer(group)) => GroupEntry::Consumer(group.kept()),
        };
        let value = serde_json::to_value(&kept).ok()?;
        Some(Entry { key: Key::Group(id), value: Some(value) })
    }
}

impl Core {
    /// Does what is due for groups.
    pub(super) fn tick_groups(&mut self, now: Now) {
        while let Some(timer) = self.groups.timers.pop(now.elapsed) {
            match timer {
                Timer::Retention => self.expire_offsets(now),
                timer => self.groups.fire(timer, now),
            }
        }
        self.settle_groups(now);
    }

    /// Writes what has changed of groups, and answers whoever waited for it.
    ///
    /// A journal that cannot be written is said; groups go on without it, since members can join anew
    /// after a restart.
    fn settle_groups(&mut self, now: Now) {
        self.groups.downgrade(now);
        let entries = self.groups.take_changes();
        if !entries.is_empty()
            && let Err(error) = self.journal.write(entries, now)
        {
            tracing::error!(%error, "the members of a group cannot be written");
        }
        for (ticket, response) in std::mem::take(&mut self.groups.outbox) {
            self.answer(ticket, response);
        }
    }
}
