//! The records of one partition: segments of batches in a folder.
//!
//! Only what was on the disk before a crash is certain, and its index says how far that is
//! (`index`). Everything after is checked when the log is opened.

mod batch;
mod compaction;
mod compression;
mod config;
#[cfg(test)]
mod damage_tests;
mod index;
#[cfg(test)]
mod model;
mod outcome;
mod reader;
mod records;
mod recovery;
mod retention;
mod search;
mod segment;
mod slice;
mod state;
mod sync;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;

pub use batch::{Batch, BatchError, BatchHeader, HEADER_BYTES, UNCOUNTED_BYTES};
pub use compaction::{Compacted, Compaction};
pub(crate) use compression::decompress_within;
pub use config::{Cleanup, LogConfig};
pub use outcome::Outcome;
#[cfg(test)]
pub use records::rewritten;
pub use records::{Record, Records, field, varint};
pub(crate) use recovery::refuse_records;
pub use search::TimestampOffset;
pub use slice::Slice;
pub use state::Snapshot;
pub use sync::LogSync;

use crate::files::Files;
use segment::Segment;
use slice::Piece;
use state::LogState;
use sync::SyncState;

/// So many of the last batches are found without a search.
const RECENT_MAX: usize = 64;
/// A slice ends after so many segments, if not before.
const PIECES_MAX: usize = 4;
/// What was appended since the last snapshot is read at the start: this much takes less than a millisecond.
const SNAPSHOT_INTERVAL_BYTES: u64 = 1024 * 1024;
/// A large snapshot is not written as often: so many times its size is appended first.
const SNAPSHOT_INTERVAL_SIZES: u64 = 16;

/// Batches in the order of their offsets.
#[derive(Debug)]
pub struct Log {
    files: Arc<dyn Files>,
    folder: String,
    config: LogConfig,
    /// At least one. The last one is appended to.
    segments: VecDeque<Segment>,
    state: LogState,
    /// The offsets and positions of the last batches.
    recent: VecDeque<(i64, u64)>,
    sync: SyncState,
    bytes_since_snapshot: u64,
    /// What the last snapshot takes.
    snapshot_bytes: u64,
    /// Stops the compaction that is running.
    compaction: Option<Arc<AtomicBool>>,
}

impl Log {
    fn of(
        files: &Arc<dyn Files>,
        folder: &str,
        config: LogConfig,
        segments: VecDeque<Segment>,
        state: LogState,
    ) -> Log {
        Log {
            files: files.clone(),
            folder: folder.to_owned(),
            config,
            segments,
            state,
            recent: VecDeque::new(),
            sync: SyncState::default(),
            bytes_since_snapshot: 0,
            snapshot_bytes: 0,
            compaction: None,
        }
    }

    /// Lets go of its folder, which can be removed then. Slices of it can still be read.
    pub fn into_folder(self) -> String {
        self.stop_compaction();
        self.folder
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
        self.state.start
    }

    /// The offset that the next record will get.
    pub fn end_offset(&self) -> i64 {
        self.segments.back().map_or(self.state.start, |last| last.next)
    }

    /// What the batches take on the disk.
    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Appends a batch; its first record gets [`Log::end_offset`].
    pub fn append(&mut self, mut batch: Batch) -> io::Result<()> {
        batch.set_base_offset(self.end_offset());
        self.roll_before(batch.header())?;
        let index_interval = self.config.index_interval_bytes;
        let Some(active) = self.segments.back_mut() else {
            return Err(io::Error::other("a log without a segment"));
        };
        let position = active.bytes;
        active.append(&*self.files, &batch, index_interval)?;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((batch.header().base_offset, position));
        self.bytes_since_snapshot += batch.header().bytes as u64;
        self.sync_if_due(batch.header())
    }

    /// Begins a segment if the batch has no place in the last one.
    fn roll_before(&mut self, batch: &BatchHeader) -> io::Result<()> {
        let config = self.config;
        let Some(active) = self.segments.back_mut().filter(|active| active.bytes > 0) else {
            return Ok(());
        };
        let is_full = active.bytes + batch.bytes as u64 > config.segment_bytes;
        let first = active.first_timestamp(&*self.files)?.unwrap_or(batch.max_timestamp);
        let age = batch.max_timestamp.saturating_sub(first);
        let is_old = u64::try_from(age).is_ok_and(|age| age > config.segment_age_max_ms());
        let is_far = batch.next_offset() - active.base > i64::from(i32::MAX);
        if is_full || is_old || is_far { self.roll() } else { Ok(()) }
    }

    /// Begins a segment at the end.
    fn roll(&mut self) -> io::Result<()> {
        let segment = Segment::create(&*self.files, &self.folder, self.end_offset())?;
        self.segments.push_back(segment);
        self.recent.clear();
        self.sync.folder_changed();
        Ok(())
    }

    /// Whole batches from the one that has `from`, up to `max_bytes`, of records before `below`.
    ///
    /// The first batch is there even if it alone is more than `max_bytes`.
    pub fn read(&self, from: i64, below: i64, max_bytes: usize) -> io::Result<Bytes> {
        self.slice(from, below, max_bytes)?.read()
    }

    /// As [`Log::read`], almost without the disk: the slice is read when nobody waits for the log.
    pub fn slice(&self, from: i64, below: i64, max_bytes: usize) -> io::Result<Slice> {
        let mut slice = Slice { pieces: Vec::new(), from, below, max_bytes };
        if from >= self.end_offset() || from >= below {
            return Ok(slice);
        }
        let mut bytes = 0;
        for segment in self.segments.range(self.segment_of(from)..) {
            // the first may have nothing from the offset on, if its last records were compacted
            let is_enough = slice.pieces.len() > 1 && bytes > max_bytes as u64;
            let is_enough = is_enough || slice.pieces.len() == PIECES_MAX;
            if is_enough || segment.base >= below {
                break;
            }
            if segment.bytes == 0 {
                continue;
            }
            let position = self.position_in(segment, from)?;
            let file = self.files.open(&segment.path)?;
            let path = segment.path.clone();
            let (limit, end) = (segment.bytes, segment.next);
            slice.pieces.push(Piece { file, path, position, limit, end });
            bytes += segment.bytes - position;
        }
        Ok(slice)
    }

    /// The number of the segment that an offset is in, or would be.
    fn segment_of(&self, offset: i64) -> usize {
        self.segments.partition_point(|segment| segment.base <= offset).saturating_sub(1)
    }

    /// A position at or before the batch that has `offset`.
    fn position_in(&self, segment: &Segment, offset: i64) -> io::Result<u64> {
        if offset <= segment.base {
            return Ok(0);
        }
        let is_active = self.segments.back().is_some_and(|last| last.base == segment.base);
        let after = self.recent.partition_point(|(base, _)| *base <= offset);
        match after.checked_sub(1).and_then(|last| self.recent.get(last)) {
            Some((_, position)) if is_active => Ok(*position),
            _ => Ok(segment.index(&*self.files)?.before_offset(offset)),
        }
    }

    /// Moves the start to `offset`, which is between the start and the end. It stays so after a restart.
    pub fn delete_before(&mut self, offset: i64) -> io::Result<()> {
        let start = offset.clamp(self.state.start, self.end_offset());
        if start == self.state.start {
            return Ok(());
        }
        let state = LogState { start, ..self.state };
        state.save(&*self.files, &self.folder)?;
        self.state = state;
        self.sync.state_changed();
        self.remove_before_start()
    }

    /// Removes the segments which have nothing that can be read.
    fn remove_before_start(&mut self) -> io::Result<()> {
        while self.segments.get(1).is_some_and(|second| second.base <= self.state.start) {
            self.remove_first()?;
        }
        Ok(())
    }

    /// Removes the first segment, which is not the only one.
    fn remove_first(&mut self) -> io::Result<()> {
        let Some(first) = self.segments.front() else { return Ok(()) };
        first.remove(&*self.files)?;
        self.segments.pop_front();
        self.sync.folder_changed();
        let start = self.segments.front().map_or(0, |first| first.base);
        self.state.start = self.state.start.max(start);
        Ok(())
    }

    /// The last snapshot that fits this log: none whose offset is after the end.
    pub fn snapshot(&self) -> io::Result<Option<Snapshot>> {
        Snapshot::load(&*self.files, &self.folder, self.end_offset())
    }

    /// Keeps what the owner derived from everything before [`Log::end_offset`].
    pub fn write_snapshot(&mut self, bytes: &[u8]) -> io::Result<()> {
        let bytes = Bytes::copy_from_slice(bytes);
        let snapshot = Snapshot { offset: self.end_offset(), bytes };
        snapshot.save(&*self.files, &self.folder)?;
        self.bytes_since_snapshot = 0;
        self.snapshot_bytes = snapshot.bytes.len() as u64;
        Ok(())
    }

    /// Returns true if something was appended since the last snapshot.
    pub fn has_grown_since_snapshot(&self) -> bool {
        self.bytes_since_snapshot > 0
    }

    /// Returns true if so much was appended since the last snapshot that reading it would delay a start.
    pub fn wants_snapshot(&self) -> bool {
        let interval = SNAPSHOT_INTERVAL_SIZES * self.snapshot_bytes;
        self.bytes_since_snapshot > interval.max(SNAPSHOT_INTERVAL_BYTES)
    }
}
