//! Transactions: who writes to which partitions and groups, and how it ends.
//!
//! What a transactional id does is in the journal before it is in any log: that a partition takes
//! part, that the transaction will be committed or aborted (`Prepare..`), and that every marker is
//! written (`Complete..`). A broker which dies in between goes on where it was.

mod describe;
mod end;
mod init;
mod join;
mod marker;
mod offsets;
mod producer_ids;
mod state;
#[cfg(test)]
mod tests;
mod write_markers;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

pub(crate) use crate::log::Outcome;
pub(crate) use marker::Marker;
use state::Transaction;

use super::{Core, Entry, Key, Now};
use producer_ids::ProducerIds;

/// So many transactional ids are remembered; the one that did nothing for longest goes first.
const IDS_MAX: usize = 100_000;
/// As `transactional.id.expiration.ms`.
const ID_EXPIRATION_MS: i64 = 7 * 24 * 3_600_000;
/// As `transaction.remove.expired.transaction.cleanup.interval.ms`.
const ID_EXPIRATION_CHECK: Duration = Duration::from_secs(3600);
/// How long the end of a transaction waits whose markers could not be written.
const END_RETRY: Duration = Duration::from_secs(1);

/// The transactions of the broker.
#[derive(Debug)]
pub(crate) struct Transactions {
    by_id: BTreeMap<String, Transaction>,
    /// When something is due for a transactional id: its time-out, or the rest of its end.
    deadlines: BTreeSet<(Duration, String)>,
    ids: ProducerIds,
    /// What the broker was doing when it stopped is still to be ended.
    is_recovering: bool,
    next_expiration: Duration,
}

impl Default for Transactions {
    fn default() -> Transactions {
        Transactions {
            by_id: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            ids: ProducerIds::default(),
            is_recovering: true,
            next_expiration: ID_EXPIRATION_CHECK,
        }
    }
}

impl Transactions {
    pub fn get(&self, id: &str) -> Option<&Transaction> {
        self.by_id.get(id)
    }

    /// In the order of the transactional ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Transaction)> {
        self.by_id.iter().map(|(id, transaction)| (id.as_str(), transaction))
    }

    /// Takes over an entry of the journal.
    pub fn load(&mut self, id: String, value: Option<serde_json::Value>) -> io::Result<()> {
        match value {
            Some(value) => self.by_id.insert(id, serde_json::from_value(value)?),
            None => self.by_id.remove(&id),
        };
        Ok(())
    }

    /// Takes over what the journal says about producer ids.
    pub fn load_producer_ids(&mut self, value: Option<serde_json::Value>) -> io::Result<()> {
        self.ids.load(value)
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        if self.is_recovering {
            return Some(Duration::ZERO);
        }
        let first = self.deadlines.first().map(|(deadline, _)| *deadline);
        Some(first.map_or(self.next_expiration, |first| first.min(self.next_expiration)))
            .filter(|_| !self.by_id.is_empty())
    }

    fn install(&mut self, id: &str, transaction: Transaction, now: Now) {
        let before = self.by_id.get(id).and_then(|before| before.deadline);
        if let Some(deadline) = before {
            self.deadlines.remove(&(deadline, id.to_owned()));
        }
        let deadline = transaction.due(now);
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, id.to_owned()));
        }
        self.by_id.insert(id.to_owned(), Transaction { deadline, ..transaction });
    }

    /// Looks at a transaction again later.
    fn postpone(&mut self, id: &str, until: Duration) {
        let Some(transaction) = self.by_id.get_mut(id) else { return };
        if let Some(before) = transaction.deadline.replace(until) {
            self.deadlines.remove(&(before, id.to_owned()));
        }
        self.deadlines.insert((until, id.to_owned()));
    }

    fn remove(&mut self, id: &str) {
        if let Some(deadline) = self.by_id.remove(id).and_then(|before| before.deadline) {
            self.deadlines.remove(&(deadline, id.to_owned()));
        }
    }

    /// The id that did nothing for longest, if there are as many as there may be.
    fn one_too_many(&self) -> Option<String> {
        if self.by_id.len() < IDS_MAX {
            return None;
        }
        let idle = self.by_id.iter().filter(|(_, transaction)| transaction.state.is_idle());
        idle.min_by_key(|(_, transaction)| transaction.updated_ms).map(|(id, _)| id.clone())
    }
}

impl Core {
    /// Remembers what a transaction is from now on, also after a restart.
    fn write_transaction(
        &mut self,
        id: &str,
        mut transaction: Transaction,
        now: Now,
    ) -> io::Result<()> {
        transaction.updated_ms = now.wall_ms;
        let key = Key::Transaction(id.to_owned());
        let value = Some(serde_json::to_value(&transaction)?);
        self.journal.write(vec![Entry { key, value }], now)?;
        self.transactions.install(id, transaction, now);
        Ok(())
    }

    fn forget_transaction(&mut self, id: &str, now: Now) -> io::Result<()> {
        let key = Key::Transaction(id.to_owned());
        self.journal.write(vec![Entry { key, value: None }], now)?;
        self.transactions.remove(id);
        Ok(())
    }

    /// Ends what the broker was doing when it stopped, and aborts what took too long.
    pub(crate) fn tick_transactions(&mut self, now: Now) {
        if std::mem::take(&mut self.transactions.is_recovering) {
            self.recover_transactions(now);
        }
        while let Some((deadline, id)) = self.transactions.deadlines.first().cloned() {
            if deadline > now.elapsed {
                break;
            }
            self.transactions.deadlines.remove(&(deadline, id.clone()));
            self.transaction_is_due(&id, now);
        }
        if self.transactions.next_expiration <= now.elapsed {
            self.transactions.next_expiration = now.elapsed + ID_EXPIRATION_CHECK;
            self.expire_transactional_ids(now);
        }
    }

    fn expire_transactional_ids(&mut self, now: Now) {
        let oldest_ms = now.wall_ms.saturating_sub(ID_EXPIRATION_MS);
        let expired = self.transactions.iter().filter(|(_, transaction)| {
            transaction.state.is_idle() && transaction.updated_ms <= oldest_ms
        });
        let expired: Vec<String> = expired.map(|(id, _)| id.to_owned()).collect();
        for id in expired {
            if let Err(error) = self.forget_transaction(&id, now) {
                tracing::warn!(%error, "the transactional id {id} is not forgotten");
            }
        }
    }
}
