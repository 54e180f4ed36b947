//! What a partition remembers of its producers: sequences, epochs and open transactions.

use std::collections::{BTreeMap, HashMap, VecDeque};

use kafka_protocol::error::ResponseError;
use serde::{Deserialize, Serialize};

use super::transactions::{Marker, Outcome};
use crate::log::BatchHeader;

/// So many batches of a producer are remembered: as many as one may have in flight.
const BATCHES_MAX: usize = 5;
/// As `producer.id.expiration.ms`.
const EXPIRATION_MS: i64 = 86_400_000;
/// As `producer.id.expiration.check.interval.ms`.
const EXPIRATION_CHECK_MS: i64 = 600_000;
/// A partition remembers no more producers than this; the one that was silent longest goes first.
const PRODUCERS_MAX: usize = 100_000;

/// The producers of one partition.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Producers {
    known: HashMap<i64, Producer>,
    /// The first offset of each open transaction, and its producer.
    open: BTreeMap<i64, i64>,
    /// In the order of their last offsets.
    aborted: VecDeque<Aborted>,
    #[serde(skip)]
    checked_ms: i64,
}

/// What is known of one producer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Producer {
    pub epoch: i16,
    batches: VecDeque<Written>,
    pub last_timestamp: i64,
    /// When it was heard of. `None` if that was before the start: then it counts from the first look after it, since
    /// the timestamps of records say nothing about when they were sent.
    #[serde(skip)]
    seen_ms: Option<i64>,
    /// -1 before the first marker.
    pub coordinator_epoch: i32,
    /// The first offset of the transaction which is open.
    pub open_since: Option<i64>,
}

/// A batch of an idempotent producer that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    first_sequence: i32,
    last_sequence: i32,
    pub first_offset: i64,
    pub timestamp: i64,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Aborted {
    pub producer_id: i64,
    pub first_offset: i64,
    /// The offset of the marker.
    last_offset: i64,
}

impl Producer {
    fn new(epoch: i16) -> Producer {
        Producer {
            epoch,
            batches: VecDeque::new(),
            last_timestamp: -1,
            seen_ms: None,
            coordinator_epoch: -1,
            open_since: None,
        }
    }

    /// -1 if no batch of this epoch is remembered.
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(-1, |last| last.last_sequence)
    }

    fn move_to(&mut self, epoch: i16) {
        if epoch != self.epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
    }

    fn is_expired(&self, now_ms: i64) -> bool {
        let is_silent = |seen_ms| now_ms.saturating_sub(seen_ms) >= EXPIRATION_MS;
        self.open_since.is_none() && self.seen_ms.is_some_and(is_silent)
    }
}

impl Producers {
    /// Checks a batch before it is appended. Returns the batch of the log that it repeats, if it does.
    pub fn check(&self, header: &BatchHeader) -> Result<Option<Written>, ResponseError> {
        let id = header.producer_id;
        let Some(producer) = self.known.get(&id).filter(|_| id >= 0) else { return Ok(None) };
        if let Some(written) = producer.find(header) {
            return Ok(Some(written));
        }
        let (epoch, sequence) = (header.producer_epoch, header.base_sequence);
        if epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        let expected = if epoch > producer.epoch { 0 } else { after(producer.last_sequence()) };
        if sequence != expected {
            tracing::debug!("producer {id} sends the sequence {sequence}, not {expected}");
            return Err(ResponseError::OutOfOrderSequenceNumber);
        }
        if producer.open_since.is_some() && !header.is_transactional() {
            return Err(ResponseError::InvalidTxnState);
        }
        Ok(None)
    }

    /// Notes a batch of a client which was appended; `now_ms` is `None` if that was before the start.
    pub fn appended(&mut self, header: &BatchHeader, now_ms: Option<i64>) {
        if header.producer_id < 0 {
            return;
        }
        self.make_room(header.producer_id);
        let producer = self
            .known
            .entry(header.producer_id)
            .or_insert_with(|| Producer::new(header.producer_epoch));
        producer.move_to(header.producer_epoch);
        if producer.batches.len() == BATCHES_MAX {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Written {
            first_sequence: header.base_sequence,
            last_sequence: last_sequence(header),
            first_offset: header.base_offset,
            timestamp: header.max_timestamp,
        });
        producer.last_timestamp = header.max_timestamp;
        producer.seen_ms = now_ms;
        if header.is_transactional() && producer.open_since.is_none() {
            producer.open_since = Some(header.base_offset);
            self.open.insert(header.base_offset, header.producer_id);
        }
    }

    /// Notes the marker at `offset` that ends a transaction; `now_ms` is `None` if it was written before the start.
    pub fn ended(&mut self, marker: &Marker, offset: i64, timestamp: i64, now_ms: Option<i64>) {
        self.make_room(marker.producer_id);
        let producer = self
            .known
            .entry(marker.producer_id)
            .or_insert_with(|| Producer::new(marker.producer_epoch));
        producer.move_to(marker.producer_epoch);
        producer.last_timestamp = timestamp;
        producer.seen_ms = now_ms;
        producer.coordinator_epoch = marker.coordinator_epoch;
        let Some(first_offset) = producer.open_since.take() else { return };
        self.open.remove(&first_offset);
        if marker.outcome == Outcome::Abort {
            let producer_id = marker.producer_id;
            self.aborted.push_back(Aborted { producer_id, first_offset, last_offset: offset });
        }
    }

    pub fn get(&self, producer_id: i64) -> Option<&Producer> {
        self.known.get(&producer_id)
    }

    /// All of them, by their ids.
    pub fn all(&self) -> BTreeMap<i64, &Producer> {
        self.known.iter().map(|(id, producer)| (*id, producer)).collect()
    }

    /// The producers whose transactions are open.
    pub fn with_open_transactions(&self) -> impl Iterator<Item = i64> {
        self.open.values().copied()
    }

    /// The first offset of the oldest open transaction.
    pub fn first_open(&self) -> Option<i64> {
        self.open.first_key_value().map(|(offset, _)| *offset)
    }

    /// The aborted transactions with records from `from` up to, but without, `below`.
    pub fn aborted_between(&self, from: i64, below: i64) -> Vec<Aborted> {
        let first = self.aborted.partition_point(|aborted| aborted.last_offset < from);
        self.aborted
            .range(first..)
            .filter(|aborted| aborted.first_offset < below)
            .copied()
            .collect()
    }

    /// Forgets what cannot be read any more.
    pub fn start_moved(&mut self, start: i64) {
        while self.aborted.front().is_some_and(|aborted| aborted.last_offset < start) {
            self.aborted.pop_front();
        }
    }

    /// Forgets aborted transactions whose markers, in ascending order, are gone. A consumer that was told of one would drop
    /// what its producer has written since, up to a marker that never comes.
    pub fn markers_removed(&mut self, markers: &[i64]) {
        self.aborted.retain(|aborted| markers.binary_search(&aborted.last_offset).is_err());
    }

    /// Forgets producers that have been silent for a day. It looks every ten minutes.
    pub fn expire(&mut self, now_ms: i64) {
        if now_ms.saturating_sub(self.checked_ms) >= EXPIRATION_CHECK_MS {
            self.checked_ms = now_ms;
            self.known.retain(|_, producer| {
                producer.seen_ms.get_or_insert(now_ms);
                !producer.is_expired(now_ms)
            });
        }
    }

    fn make_room(&mut self, id: i64) {
        if self.known.len() < PRODUCERS_MAX || self.known.contains_key(&id) {
            return;
        }
        let idle = self.known.iter().filter(|(_, producer)| producer.open_since.is_none());
        let age = |producer: &Producer| (producer.seen_ms, producer.last_timestamp);
        let oldest = idle.min_by_key(|(_, producer)| age(producer)).map(|(id, _)| *id);
        if let Some(oldest) = oldest {
            self.known.remove(&oldest);
        }
    }
}

impl Producer {
    fn find(&self, header: &BatchHeader) -> Option<Written> {
        let (first, last) = (header.base_sequence, last_sequence(header));
        let same = |batch: &&Written| batch.first_sequence == first && batch.last_sequence == last;
        self.batches.iter().find(same).filter(|_| self.epoch == header.producer_epoch).copied()
    }
}

/// Sequences begin at 0 again after the greatest number.
fn after(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

fn last_sequence(header: &BatchHeader) -> i32 {
    let last = i64::from(header.base_sequence) + i64::from(header.last_offset_delta);
    let wrapped = if last > i64::from(i32::MAX) { last - i64::from(i32::MAX) - 1 } else { last };
    i32::try_from(wrapped).unwrap_or(i32::MAX)
}
