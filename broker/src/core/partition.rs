//! A partition: its log, and what follows from its records.

use std::io;
use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::epochs::EpochStarts;
use super::fetch::Isolation;
use super::produce::Refusal;
use super::producers::Producers;
use super::transactions::Marker;
use super::{Core, Now};
use crate::files::Files;
use crate::log::{Batch, BatchHeader, Compacted, Log};

/// The longest marker of a transaction that is read back.
const MARKER_MAX_BYTES: usize = 4096;

#[derive(Debug)]
pub struct Partition {
    pub log: Log,
    pub leader_epoch: i32,
    pub(crate) producers: Producers,
    pub(crate) epochs: EpochStarts,
}

/// Names a partition also when its topic is deleted and made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PartitionId {
    pub topic: Uuid,
    pub index: i32,
}

/// What is derived from the records of a log, as it is kept for the next start.
#[derive(Serialize)]
struct Kept<'a> {
    leader_epoch: i32,
    producers: &'a Producers,
    epochs: &'a EpochStarts,
}

/// What was derived from the records before an offset.
#[derive(Default, Deserialize)]
struct Derived {
    leader_epoch: i32,
    producers: Producers,
    epochs: EpochStarts,
    #[serde(skip)]
    upto: i64,
}

impl Derived {
    /// What was kept, or nothing if that cannot be read: then all records are.
    fn of(log: &Log) -> Derived {
        let Ok(Some(snapshot)) = log.snapshot() else { return Derived::default() };
        match serde_json::from_slice(&snapshot.bytes) {
            Ok(derived) => Derived { upto: snapshot.offset, ..derived },
            Err(error) => {
                tracing::warn!(%error, "what was kept of a partition's producers is not used");
                Derived::default()
            }
        }
    }
}

/// Where a batch is, and what Produce tells about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub base_offset: i64,
    /// -1 if the timestamps are the client's.
    pub log_append_time_ms: i64,
    pub log_start: i64,
}

impl Partition {
    /// Opens the partition whose log is in `folder`, with the state that its records lead to.
    pub fn open(files: &Arc<dyn Files>, folder: &str) -> io::Result<Partition> {
        if files.list(folder)?.is_empty() {
            tracing::warn!(
                "the folder {folder} is missing or empty: this partition has no records"
            );
        }
        Partition::of(Log::open(files, folder)?)
    }

    /// Makes an empty partition in `folder`, which is not there yet.
    pub fn create(files: &Arc<dyn Files>, folder: &str) -> io::Result<Partition> {
        Partition::of(Log::open(files, folder)?)
    }

    /// The partition of a log, with the state that its records lead to.
    fn of(log: Log) -> io::Result<Partition> {
        let derived = Derived::of(&log);
        let mut partition = Partition {
            log,
            leader_epoch: derived.leader_epoch,
            producers: derived.producers,
            epochs: derived.epochs,
        };
        partition.replay(derived.upto)?;
        Ok(partition)
    }

    fn replay(&mut self, from: i64) -> io::Result<()> {
        let start = self.log.start_offset();
        for header in self.log.headers(from.max(start)) {
            let header = header?;
            self.epochs.appended(header.leader_epoch, header.base_offset);
            self.leader_epoch = self.leader_epoch.max(header.leader_epoch);
            if header.is_control() {
                let next = header.next_offset();
                let bytes = self.log.read(header.base_offset, next, MARKER_MAX_BYTES)?;
                if let Some(marker) = Marker::read(&bytes) {
                    let timestamp = header.max_timestamp;
                    self.producers.ended(&marker, header.base_offset, timestamp, None);
                }
            } else {
                self.producers.appended(&header, None);
            }
        }
        self.producers.start_moved(start);
        Ok(())
    }

    /// Keeps what was derived from the records, if reading them again would take long. Without it
    /// the next start is slower, and nothing else.
    fn keep_derived(&mut self) {
        if self.log.wants_snapshot() {
            self.keep_derived_now();
        }
    }

    fn keep_derived_now(&mut self) {
        let kept = Kept {
            leader_epoch: self.leader_epoch,
            producers: &self.producers,
            epochs: &self.epochs,
        };
        let written = serde_json::to_vec(&kept)
            .map_err(io::Error::from)
            .and_then(|bytes| self.log.write_snapshot(&bytes));
        if let Err(error) = written {
            tracing::warn!(%error, "the producers of a partition are not kept for the next start");
        }
    }

    /// Takes over what a compaction has written.
    pub(crate) fn compacted(&mut self, result: io::Result<Compacted>) -> io::Result<()> {
        let removed =
            result.as_ref().map_or_else(|_| Vec::new(), |it| it.removed_markers().to_vec());
        let result = self.log.compacted(result);
        if !removed.is_empty() {
            // right also if they are still there: their transactions had no records before
            self.producers.markers_removed(&removed);
            self.keep_derived_now();
        }
        result
    }

    /// Puts everything on the disk but the name of its folder, so that the next start has nothing to read again.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.log.stop_compaction();
        if self.log.has_grown_since_snapshot() {
            self.keep_derived_now();
        }
        self.log.sync_contents()
    }

    /// The offset up to which every transaction has ended: the one after the last record, or the
    /// first record of the oldest open transaction.
    pub fn last_stable_offset(&self) -> i64 {
        let end = self.log.end_offset();
        self.producers.first_open().map_or(end, |open| open.max(self.log.start_offset()))
    }

    /// Checks the leader epoch that a client knows; -1 if it knows none.
    pub(crate) fn check_leader_epoch(&self, known: i32) -> Result<(), ResponseError> {
        match known {
            ..0 => Ok(()),
            _ if known < self.leader_epoch => Err(ResponseError::FencedLeaderEpoch),
            _ if known > self.leader_epoch => Err(ResponseError::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    /// Records from this offset on are not shown.
    pub(crate) fn visible_end(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::ReadUncommitted => self.log.end_offset(),
            Isolation::ReadCommitted => self.last_stable_offset(),
        }
    }

    /// Appends a batch, which gets its offset and epoch, and follows it up.
    fn append(&mut self, mut batch: Batch) -> io::Result<BatchHeader> {
        let base_offset = self.log.end_offset();
        batch.set_leader_epoch(self.leader_epoch);
        let header =
            BatchHeader { base_offset, leader_epoch: self.leader_epoch, ..*batch.header() };
        self.log.append(batch)?;
        self.epochs.appended(self.leader_epoch, base_offset);
        Ok(header)
    }
}

impl Core {
    /// Appends what a client has sent, unless the broker has it already.
    pub(crate) fn append_from_client(
        &mut self,
        topic: &str,
        index: i32,
        batch: Batch,
        now: Now,
    ) -> Result<Appended, Refusal> {
        let unknown = || Refusal::new(ResponseError::UnknownTopicOrPartition);
        let id = self.catalog.get(topic).ok_or_else(unknown)?.id;
        let partition = self.catalog.partition_mut(topic, index).ok_or_else(unknown)?;
        let log_start = partition.log.start_offset();
        let checked = partition.producers.check(batch.header());
        let refused = |error| Refusal { log_start, ..Refusal::new(error) };
        if let Some(before) = checked.map_err(refused)? {
            return Ok(Appended {
                base_offset: before.first_offset,
                log_append_time_ms: before.timestamp,
                log_start,
            });
        }
        let bytes = batch.bytes().len();
        let header = partition.append(batch).map_err(|error| {
            tracing::error!(%error, "a batch cannot be appended to {topic}-{index}");
            Refusal::new(ResponseError::KafkaStorageError)
        })?;
        partition.producers.appended(&header, Some(now.wall_ms));
        partition.producers.expire(now.wall_ms);
        partition.keep_derived();
        self.fetches.appended(PartitionId { topic: id, index }, bytes);
        let log_append_time_ms =
            if header.is_log_append_time() { header.max_timestamp } else { -1 };
        Ok(Appended { base_offset: header.base_offset, log_append_time_ms, log_start })
    }

    /// Ends the transaction of a producer in one partition.
    pub(crate) fn append_marker(
        &mut self,
        topic: &str,
        index: i32,
        marker: &Marker,
        now: Now,
    ) -> io::Result<()> {
        let Some(id) = self.catalog.get(topic).map(|topic| topic.id) else { return Ok(()) };
        let Some(partition) = self.catalog.partition_mut(topic, index) else { return Ok(()) };
        let bytes = marker.batch(now.wall_ms)?;
        let length = bytes.len();
        let batch = Batch::parse(bytes).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("a marker is no batch: {error:?}"))
        })?;
        let header = partition.append(batch)?;
        let wall_ms = now.wall_ms;
        partition.producers.ended(marker, header.base_offset, wall_ms, Some(wall_ms));
        partition.producers.start_moved(partition.log.start_offset());
        partition.keep_derived();
        self.fetches.appended(PartitionId { topic: id, index }, length);
        Ok(())
    }
}
