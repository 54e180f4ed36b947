//! Compaction: of the records with the same key, the last one is kept.
//!
//! As Kafka does it: the last segment is left alone, offsets stay, markers of transactions and tombstones are kept for
//! `delete.retention.ms` after they were compacted first, and what a transaction wrote that was aborted goes. What is
//! rewritten is no longer compressed. `min.cleanable.dirty.ratio` compares the bytes of segments, of which a segment is
//! compacted as a whole or not at all.
//!
//! The segments are planned by the log, rewritten without it ([`Compaction::run`]), and taken over by the log again.

mod clean;
mod keys;
mod output;
mod swap;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Log;
use super::reader::BatchReader;
use super::segment::Segment;
use super::state::Snapshot;
use crate::files::Files;
use clean::Cleaner;
use keys::{Keys, Transactions};
use output::{Output, Outputs};
use swap::Swap;
pub use swap::{CLEANED_SUFFIX, finish as finish_swap};

/// Segments of a log that are to be rewritten.
#[derive(Debug)]
pub struct Compaction {
    files: Arc<dyn Files>,
    folder: String,
    sources: Vec<Source>,
    /// Everything before has been compacted already.
    compacted: i64,
    /// Nothing from here on is compacted.
    end: i64,
    wall_ms: i64,
    delete_retention_ms: u64,
    segment_bytes: u64,
    index_interval_bytes: u64,
    is_stopped: Arc<AtomicBool>,
}

/// A segment that is rewritten.
#[derive(Debug)]
struct Source {
    base: i64,
    /// Where the next segment begins.
    end: i64,
    path: Arc<str>,
    bytes: u64,
    identity: Arc<()>,
}

/// Rewritten segments, beside those that they replace.
#[derive(Debug)]
pub struct Compacted {
    swap: Swap,
    outputs: Vec<Output>,
    replaced: Vec<Arc<()>>,
    compacted: i64,
    removed_markers: Vec<i64>,
}

impl Compacted {
    /// The offsets of the markers that are gone, ascending: their transactions have no records any more.
    pub fn removed_markers(&self) -> &[i64] {
        &self.removed_markers
    }
}

impl Log {
    /// What `cleanup.policy=compact` has to do, if it is worth it. Records from `stable` on are left alone, since
    /// their transactions have not ended.
    pub fn plan_compaction(&mut self, stable: i64, wall_ms: i64) -> io::Result<Option<Compaction>> {
        if !self.config.cleanup.compact || self.compaction.is_some() {
            return Ok(None);
        }
        let sources = self.compactable(stable, wall_ms);
        let compacted = self.state.compacted;
        let dirty = |source: &&Source| source.end > compacted;
        let dirty_bytes: u64 = sources.iter().filter(dirty).map(|source| source.bytes).sum();
        let all_bytes: u64 = sources.iter().map(|source| source.bytes).sum();
        let ratio = dirty_bytes as f64 / all_bytes.max(1) as f64;
        let is_worth_it = ratio > self.config.min_cleanable_dirty_ratio
            || self.must_compact(sources.iter().find(dirty), wall_ms)?;
        let Some(end) = sources.last().map(|last| last.end).filter(|_| dirty_bytes > 0) else {
            return Ok(None);
        };
        if !is_worth_it {
            return Ok(None);
        }
        let is_stopped = Arc::new(AtomicBool::new(false));
        self.compaction = Some(is_stopped.clone());
        Ok(Some(Compaction {
            files: self.files.clone(),
            folder: self.folder.clone(),
            sources,
            compacted,
            end,
            wall_ms,
            delete_retention_ms: self.config.delete_retention_ms,
            segment_bytes: self.config.segment_bytes,
            index_interval_bytes: self.config.index_interval_bytes,
            is_stopped,
        }))
    }

    /// The segments that may be compacted: neither the last one, nor what is too young or not stable.
    fn compactable(&self, stable: i64, wall_ms: i64) -> Vec<Source> {
        let lag = i64::try_from(self.config.min_compaction_lag_ms).unwrap_or(i64::MAX);
        let is_young =
            |segment: &Segment| lag > 0 && segment.max_timestamp > wall_ms.saturating_sub(lag);
        self.segments
            .iter()
            .zip(self.segments.range(1..))
            .take_while(|(segment, next)| next.base <= stable && !is_young(segment))
            .map(|(segment, next)| Source {
                base: segment.base,
                end: next.base,
                path: segment.path.clone(),
                bytes: segment.bytes,
                identity: segment.identity.clone(),
            })
            .collect()
    }

    /// Returns true if the oldest record that is not compacted has waited for `max.compaction.lag.ms`.
    fn must_compact(&mut self, dirty: Option<&Source>, wall_ms: i64) -> io::Result<bool> {
        let Some(base) = dirty.map(|source| source.base) else { return Ok(false) };
        let Some(segment) = self.segments.iter_mut().find(|segment| segment.base == base) else {
            return Ok(false);
        };
        let first = segment.first_timestamp(&*self.files)?.unwrap_or(wall_ms);
        let age = u64::try_from(wall_ms.saturating_sub(first)).unwrap_or_default();
        Ok(age > self.config.max_compaction_lag_ms)
    }

    /// Takes over what [`Compaction::run`] has written.
    pub fn compacted(&mut self, result: io::Result<Compacted>) -> io::Result<()> {
        let done = match result {
            Ok(done) if self.begins_with(&done.replaced) => done,
            result => {
                self.compaction = None;
                super::recovery::remove_unfinished(&*self.files, &self.folder)?;
                return match result {
                    Err(error) if !is_overtaken(&error) => Err(error),
                    _ => Ok(()), // records were deleted meanwhile
                };
            }
        };
        // a swap that fails is done at the next start, and there is no other compaction until then
        if !done.removed_markers.is_empty() {
            Snapshot::remove_all(&*self.files, &self.folder)?; // which may tell of their transactions
        }
        done.swap.begin(&*self.files, &self.folder)?;
        swap::finish(&*self.files, &self.folder)?;
        self.segments.drain(..done.replaced.len());
        for output in done.outputs.iter().rev() {
            self.segments.push_front(output.segment(&self.folder));
        }
        self.compaction = None;
        self.state.compacted = done.compacted;
        self.state.save(&*self.files, &self.folder)?;
        self.sync.state_changed();
        Ok(())
    }

    fn begins_with(&self, replaced: &[Arc<()>]) -> bool {
        let mut segments = self.segments.iter();
        replaced.iter().all(|identity| {
            segments.next().is_some_and(|segment| Arc::ptr_eq(identity, &segment.identity))
        })
    }

    /// Lets a compaction that is running end soon.
    pub fn stop_compaction(&self) {
        if let Some(is_stopped) = &self.compaction {
            is_stopped.store(true, Ordering::Relaxed);
        }
    }
}

/// Returns true if the segments are gone, or nobody waits for the compaction any more.
fn is_overtaken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Interrupted)
}

impl Compaction {
    /// Writes what is kept to files of their own, and puts them on the disk.
    pub fn run(self) -> io::Result<Compacted> {
        let transactions = Transactions::read(&self)?;
        let keys = Keys::read(&self, &transactions)?;
        let end = keys.end;
        let mut cleaner = Cleaner::new(keys, transactions, self.wall_ms, self.delete_retention_ms);
        let mut outputs = Outputs::new(&self);
        let touched = self.sources.iter().take_while(|source| source.base < end);
        for source in touched.clone() {
            outputs.begin(source)?;
            let mut reader = self.reader(source)?;
            while let Some((found, bytes)) = reader.read()? {
                self.check_stopped()?;
                let kept = cleaner.clean(&found.header, &bytes)?;
                outputs.append(&found.header, &bytes, kept)?;
            }
        }
        let outputs = outputs.finish()?;
        let swap = Swap { replacements: outputs.iter().map(Output::replacement).collect() };
        swap.prepare(&*self.files, &self.folder)?;
        let replaced = touched.map(|source| source.identity.clone()).collect();
        let removed_markers = cleaner.removed_markers;
        Ok(Compacted { swap, outputs, replaced, compacted: end, removed_markers })
    }

    fn check_stopped(&self) -> io::Result<()> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        Ok(())
    }

    fn reader(&self, source: &Source) -> io::Result<BatchReader> {
        let file = self.files.find(&source.path)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(BatchReader::new(file, source.path.clone(), 0, source.bytes))
    }
}
