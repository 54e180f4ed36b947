//! Offsets that nobody has needed for long go, and so do groups of which nothing is left.

use super::timers::Timer;
use super::{Group, Groups};
use crate::core::{Core, Entry, Key, Now};

/// What is done at once when offsets expire; the rest waits for the next time.
const EXPIRED_MAX: usize = 10_000;

impl Core {
    /// Drops what is too old, and comes back later.
    pub(super) fn expire_offsets(&mut self, now: Now) {
        let again = self.groups.settings.retention_check;
        self.groups.timers.set(Timer::Retention, now.elapsed.saturating_add(again));
        let expired = self.groups.expired(now.wall_ms).and_then(|entries| {
            self.journal.write(entries.clone(), now)?;
            self.groups.offsets.apply(entries)
        });
        if let Err(error) = expired {
            tracing::error!(%error, "offsets that have expired cannot be deleted");
            return;
        }
        self.groups.drop_unused();
    }
}

impl Groups {
    fn expired(&self, now_ms: i64) -> std::io::Result<Vec<Entry>> {
        let retention = self.settings.offsets_retention.as_millis();
        let oldest = now_ms.saturating_sub(i64::try_from(retention).unwrap_or(i64::MAX));
        let mut expired: Vec<Entry> = Vec::new();
        for (group, offsets) in self.offsets.iter() {
            let unused = self.unused(group);
            for (place, committed) in &offsets.committed {
                let is_old = match committed.expires_ms {
                    Some(expires_ms) => expires_ms <= now_ms,
                    None => unused
                        .is_unused_since(&place.topic)
                        .is_some_and(|since| since.max(committed.committed_ms) <= oldest),
                };
                let is_pending = offsets.pending.values().any(|own| own.contains_key(place));
                if is_old && !is_pending && !unused.is_subscribed(&place.topic) {
                    let key = Key::Offset {
                        group: group.clone(),
                        topic: place.topic.clone(),
                        partition: place.partition,
                    };
                    expired.push(Entry { key, value: None });
                }
                if expired.len() >= EXPIRED_MAX {
                    return Ok(expired);
                }
            }
        }
        Ok(expired)
    }

    /// Since when a group has not used its offsets.
    fn unused(&self, group: &str) -> Unused {
        match self.groups.get(group) {
            None => Unused::Since(i64::MIN),
            Some(Group::Classic(group)) if !group.is_in_use() => match group.protocol_type {
                Some(_) => Unused::Since(group.state_since_ms),
                None => Unused::Since(i64::MIN),
            },
            Some(Group::Classic(group)) => Unused::But(group.subscribed_topics()),
            Some(Group::Consumer(group)) if group.members.is_empty() => {
                Unused::Since(group.empty_since_ms)
            }
            Some(Group::Consumer(group)) => Unused::But(group.subscribed_topics()),
        }
    }

    fn drop_unused(&mut self) {
        let offsets = &self.offsets;
        let is_unused = |(id, group): (&String, &Group)| {
            let is_in_use = match group {
                Group::Classic(group) => group.is_in_use(),
                Group::Consumer(group) => !group.members.is_empty(),
            };
            (!is_in_use && offsets.of(id).is_none()).then(|| id.clone())
        };
        let unused: Vec<String> = self.groups.iter().filter_map(is_unused).collect();
        for id in unused {
            self.groups.remove(&id);
            self.changed.insert(id);
        }
    }
}

/// The parts of a group that are unused.
enum Unused {
    /// All of it, since a time in milliseconds since 1970.
    Since(i64),
    /// Everything but the topics that its members read. Members that do not say what they read use
    /// everything.
    But(std::collections::BTreeSet<String>),
}

impl Unused {
    fn is_subscribed(&self, topic: &str) -> bool {
        match self {
            Unused::Since(_) => false,
            Unused::But(topics) => topics.is_empty() || topics.contains(topic),
        }
    }

    fn is_unused_since(&self, topic: &str) -> Option<i64> {
        match self {
            Unused::Since(since) => Some(*since),
            Unused::But(_) => (!self.is_subscribed(topic)).then_some(i64::MIN),
        }
    }
}
