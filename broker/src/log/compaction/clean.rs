//! What is kept of a batch.

use std::collections::HashSet;
use std::io;

use super::keys::{Keys, Transactions, marker};
use crate::log::batch::BatchHeader;
use crate::log::records::{DELETE_HORIZON, Record, Records, rewritten};

/// A producer that was silent for so long is forgotten, as `producer.id.expiration.ms` says: its last batch need not be kept.
const PRODUCER_EXPIRY_MS: i64 = 24 * 60 * 60 * 1000;

/// What is kept of a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    /// All of it, as it is.
    Whole,
    /// Another batch with the same offsets.
    Rewritten(Vec<u8>),
    Nothing,
}

/// Goes through the batches in their order.
#[derive(Debug)]
pub struct Cleaner {
    keys: Keys,
    transactions: Transactions,
    wall_ms: i64,
    /// Tombstones that are seen for the first time can be removed then.
    new_horizon: i64,
    /// Producers that have a batch since their last marker.
    producers_with_data: HashSet<i64>,
    /// The offsets of the markers of which nothing is kept.
    pub removed_markers: Vec<i64>,
}

impl Cleaner {
    pub fn new(
        keys: Keys,
        transactions: Transactions,
        wall_ms: i64,
        delete_retention_ms: u64,
    ) -> Cleaner {
        let retention = i64::try_from(delete_retention_ms).unwrap_or(i64::MAX);
        let new_horizon = wall_ms.saturating_add(retention);
        Cleaner {
            keys,
            transactions,
            wall_ms,
            new_horizon,
            producers_with_data: HashSet::new(),
            removed_markers: Vec::new(),
        }
    }

    pub fn clean(&mut self, header: &BatchHeader, batch: &[u8]) -> io::Result<Kept> {
        if header.is_control() {
            return self.clean_marker(header, batch);
        }
        if header.is_transactional() {
            self.producers_with_data.insert(header.producer_id);
        }
        if self.transactions.is_aborted(header) {
            return self.emptied(header);
        }
        self.clean_records(header, batch)
    }

    /// The marker of a transaction of which nothing is left is kept for a while.
    fn clean_marker(&mut self, header: &BatchHeader, batch: &[u8]) -> io::Result<Kept> {
        let has_data = self.producers_with_data.remove(&header.producer_id);
        if has_data || marker(header, batch).is_none() {
            return Ok(Kept::Whole);
        }
        match horizon(header) {
            Some(_) if self.is_needed(header) => Ok(Kept::Whole),
            Some(horizon) if horizon <= self.wall_ms => {
                self.removed_markers.push(header.base_offset);
                Ok(Kept::Nothing)
            }
            Some(_) => Ok(Kept::Whole),
            None => {
                let records = Records::of(header, batch)?;
                rewritten(header, &records.all()?, Some(self.new_horizon)).map(Kept::Rewritten)
            }
        }
    }

    fn clean_records(&self, header: &BatchHeader, batch: &[u8]) -> io::Result<Kept> {
        let records = Records::of(header, batch);
        let records = match &records {
            Ok(records) => records.all(),
            Err(error) => Err(io::Error::other(error.to_string())),
        };
        let Ok(records) = records else {
            let offset = header.base_offset;
            tracing::warn!(
                "the records of the batch at offset {offset} cannot be read, and are kept"
            );
            return Ok(Kept::Whole);
        };
        let horizon = horizon(header);
        let is_over = horizon.is_some_and(|horizon| horizon <= self.wall_ms);
        let is_kept = |record: &Record<'_>| {
            let is_last = record.key.is_some_and(|key| !self.keys.has_later(key, record.offset));
            let is_untouched = record.offset >= self.keys.end;
            is_untouched || (is_last && (record.value.is_some() || !is_over))
        };
        let kept: Vec<Record<'_>> = records.iter().copied().filter(is_kept).collect();
        if kept.is_empty() {
            return self.emptied(header);
        }
        let has_tombstones = kept.iter().any(|record| record.value.is_none());
        let new_horizon = (has_tombstones && horizon.is_none()).then_some(self.new_horizon);
        if kept.len() == records.len() && new_horizon.is_none() {
            return Ok(Kept::Whole);
        }
        rewritten(header, &kept, new_horizon).map(Kept::Rewritten)
    }

    /// Nothing of a batch is kept, but for its sequence if the producer needs it to go on.
    fn emptied(&self, header: &BatchHeader) -> io::Result<Kept> {
        if !self.is_needed(header) {
            return Ok(Kept::Nothing);
        }
        if header.count == 0 {
            return Ok(Kept::Whole);
        }
        rewritten(header, &[], None).map(Kept::Rewritten)
    }

    /// Returns true if the state of a producer that may go on is known from this batch alone.
    fn is_needed(&self, header: &BatchHeader) -> bool {
        let age = self.wall_ms.saturating_sub(header.max_timestamp);
        header.producer_id >= 0
            && age < PRODUCER_EXPIRY_MS
            && self.transactions.is_last_of_producer(header)
    }
}

/// When tombstones and markers of the batch may be removed.
fn horizon(header: &BatchHeader) -> Option<i64> {
    (header.attributes & DELETE_HORIZON != 0).then_some(header.first_timestamp)
}
