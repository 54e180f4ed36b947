//! Fetches that wait for records.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use uuid::Uuid;

use super::Fetch;
use crate::core::partition::PartitionId;
use crate::core::{ConnectionId, Ticket};

/// So many fetches wait at the same time. A further one is answered at once.
const WAITING_MAX: usize = 10_000;

/// A fetch that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub fetch: Fetch,
    pub deadline: Duration,
    /// What it would get.
    pub bytes: usize,
    pub partitions: BTreeSet<PartitionId>,
}

#[derive(Debug, Default)]
pub(super) struct WaitingFetches {
    fetches: HashMap<Ticket, Waiting>,
    by_partition: HashMap<PartitionId, BTreeSet<Ticket>>,
    by_deadline: BTreeSet<(Duration, Ticket)>,
    /// Those that may have got enough.
    ready: BTreeSet<Ticket>,
}

impl WaitingFetches {
    /// Returns the fetch if too many wait.
    pub fn insert(&mut self, ticket: Ticket, waiting: Waiting) -> Result<(), Box<Waiting>> {
        if self.fetches.len() >= WAITING_MAX {
            return Err(Box::new(waiting));
        }
        for partition in &waiting.partitions {
            self.by_partition.entry(*partition).or_default().insert(ticket);
        }
        self.by_deadline.insert((waiting.deadline, ticket));
        self.fetches.insert(ticket, waiting);
        Ok(())
    }

    pub fn remove(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.fetches.remove(&ticket)?;
        for partition in &waiting.partitions {
            if let Some(tickets) = self.by_partition.get_mut(partition) {
                tickets.remove(&ticket);
                if tickets.is_empty() {
                    self.by_partition.remove(partition);
                }
            }
        }
        self.by_deadline.remove(&(waiting.deadline, ticket));
        self.ready.remove(&ticket);
        Some(waiting)
    }

    pub fn appended(&mut self, partition: PartitionId, bytes: usize) {
        let Some(tickets) = self.by_partition.get(&partition) else { return };
        for ticket in tickets {
            let Some(waiting) = self.fetches.get_mut(ticket) else { continue };
            waiting.bytes += bytes;
            if waiting.bytes >= waiting.fetch.limits.min_bytes {
                self.ready.insert(*ticket);
            }
        }
    }

    pub fn topic_changed(&mut self, topic: Uuid) {
        let of_topic = self.by_partition.iter().filter(|(partition, _)| partition.topic == topic);
        for (_, tickets) in of_topic {
            for ticket in tickets {
                if let Some(waiting) = self.fetches.get_mut(ticket) {
                    waiting.fetch.limits.min_bytes = 0;
                    self.ready.insert(*ticket);
                }
            }
        }
    }

    pub fn disconnected(&mut self, connection: ConnectionId) {
        let gone = self.fetches.iter();
        let gone = gone.filter(|(_, waiting)| waiting.fetch.call.caller.connection == connection);
        let gone: Vec<Ticket> = gone.map(|(ticket, _)| *ticket).collect();
        for ticket in gone {
            self.remove(ticket);
        }
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// A fetch that may be answered, and whether it may wait on.
    pub fn next_ready(&mut self, elapsed: Duration) -> Option<(Ticket, bool)> {
        match self.by_deadline.first() {
            Some((deadline, ticket)) if *deadline <= elapsed => Some((*ticket, false)),
            _ => self.ready.pop_first().map(|ticket| (ticket, true)),
        }
    }
}
