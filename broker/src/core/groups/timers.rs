//! What groups wait for.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// What happens when the time has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A member was silent for its session.
    Session { group: String, member: String },
    /// A classic group waits no longer for members to join.
    Join { group: String },
    /// A classic group waits no longer for members to ask for their assignment.
    Sync { group: String },
    /// A member of the consumer protocol had its time to give partitions back.
    Revocation { group: String, member: String },
    /// A classic member of a group of the consumer protocol had its time to join anew or to ask for
    /// its assignment.
    Rejoin { group: String, member: String },
    /// Offsets and groups that nobody uses are looked for.
    Retention,
}

/// Timers by what they are for; setting one again replaces it.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeSet<(Duration, Timer)>,
    at: HashMap<Timer, Duration>,
}

impl Timers {
    pub fn set(&mut self, timer: Timer, at: Duration) {
        self.cancel(&timer);
        self.due.insert((at, timer.clone()));
        self.at.insert(timer, at);
    }

    pub fn cancel(&mut self, timer: &Timer) {
        if let Some(at) = self.at.remove(timer) {
            self.due.remove(&(at, timer.clone()));
        }
    }

    pub fn is_set(&self, timer: &Timer) -> bool {
        self.at.contains_key(timer)
    }

    /// Cancels everything that a group waits for.
    pub fn forget(&mut self, id: &str) {
        let is_of_group = |timer: &Timer| match timer {
            Timer::Session { group, .. } => group == id,
            Timer::Revocation { group, .. } | Timer::Rejoin { group, .. } => group == id,
            Timer::Join { group } | Timer::Sync { group } => group == id,
            Timer::Retention => false,
        };
        self.due.retain(|(_, timer)| !is_of_group(timer));
        self.at.retain(|timer, _| !is_of_group(timer));
    }

    pub fn next(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes the earliest timer that is due.
    pub fn pop(&mut self, now: Duration) -> Option<Timer> {
        let (at, _) = self.due.first()?;
        if *at > now {
            return None;
        }
        let (_, timer) = self.due.pop_first()?;
        self.at.remove(&timer);
        Some(timer)
    }
}
