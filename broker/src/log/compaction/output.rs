//! The segments that a compaction writes.

use std::io;
use std::sync::Arc;

use super::clean::Kept;
use super::swap::{Replacement, cleaned};
use super::{Compaction, Source};
use crate::files::File;
use crate::log::batch::BatchHeader;
use crate::log::index::{Index, IndexEntry};
use crate::log::segment::{INDEX_SUFFIX, LOG_SUFFIX, Segment};

/// So much is written at a time.
const WRITE_BYTES: usize = 256 * 1024;

/// A segment that was written.
#[derive(Debug)]
pub struct Output {
    base: i64,
    /// The first offset of the segment after those that it replaces.
    end: i64,
    replaces: Vec<i64>,
    bytes: u64,
    first_timestamp: Option<i64>,
    max_timestamp: i64,
    index: Index,
}

impl Output {
    pub fn replacement(&self) -> Replacement {
        Replacement { base: self.base, replaces: self.replaces.clone() }
    }

    /// The segment, once its files have their names.
    pub fn segment(&self, folder: &str) -> Segment {
        let mut segment = Segment::at(folder, self.base);
        segment.accept(self.checkpoint(self.end));
        segment.first_timestamp = self.first_timestamp;
        segment
    }

    fn checkpoint(&self, offset: i64) -> IndexEntry {
        IndexEntry { position: self.bytes, offset, max_timestamp: self.max_timestamp }
    }
}

/// Writes segments one after the other.
#[derive(Debug)]
pub struct Outputs<'a> {
    compaction: &'a Compaction,
    done: Vec<Output>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    output: Output,
    file: Arc<dyn File>,
    buffer: Vec<u8>,
}

impl<'a> Outputs<'a> {
    pub fn new(compaction: &'a Compaction) -> Outputs<'a> {
        Outputs { compaction, done: Vec::new(), current: None }
    }

    /// Batches of this segment follow. Small segments become one.
    pub fn begin(&mut self, source: &Source) -> io::Result<()> {
        let fits = self.current.as_ref().is_some_and(|current| {
            let output = &current.output;
            let is_near = source.end - output.base <= i64::from(i32::MAX);
            output.bytes + source.bytes <= self.compaction.segment_bytes && is_near
        });
        if !fits {
            self.complete()?;
            self.current = Some(Current::create(self.compaction, source.base)?);
        }
        if let Some(current) = &mut self.current {
            current.output.replaces.push(source.base);
            current.output.end = source.end;
        }
        Ok(())
    }

    pub fn append(&mut self, header: &BatchHeader, batch: &[u8], kept: Kept) -> io::Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        match kept {
            Kept::Nothing => Ok(()),
            Kept::Whole => current.append(self.compaction, header, batch),
            Kept::Rewritten(batch) => {
                let header = BatchHeader::parse(&batch)
                    .map_err(|error| io::Error::other(format!("a rewritten batch: {error:?}")))?;
                current.append(self.compaction, &header, &batch)
            }
        }
    }

    fn complete(&mut self) -> io::Result<()> {
        if let Some(current) = self.current.take() {
            self.done.push(current.complete(self.compaction)?);
        }
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<Vec<Output>> {
        self.complete()?;
        Ok(self.done)
    }
}

impl Current {
    fn create(compaction: &Compaction, base: i64) -> io::Result<Current> {
        let path = cleaned(&compaction.folder, base, LOG_SUFFIX);
        compaction.files.remove(&path)?;
        let output = Output {
            base,
            end: base,
            replaces: Vec::new(),
            bytes: 0,
            first_timestamp: None,
            max_timestamp: -1,
            index: Index::default(),
        };
        Ok(Current { output, file: compaction.files.open(&path)?, buffer: Vec::new() })
    }

    fn append(
        &mut self,
        compaction: &Compaction,
        header: &BatchHeader,
        batch: &[u8],
    ) -> io::Result<()> {
        let output = &mut self.output;
        let indexed = output.index.last().map_or(0, |last| last.position);
        if output.bytes >= indexed + compaction.index_interval_bytes.max(1) {
            output.index.push(output.checkpoint(header.base_offset));
        }
        self.buffer.extend_from_slice(batch);
        output.bytes += batch.len() as u64;
        output.max_timestamp = output.max_timestamp.max(header.max_timestamp);
        output.first_timestamp.get_or_insert(header.max_timestamp);
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&self.buffer, self.output.bytes - self.buffer.len() as u64)?;
        self.buffer.clear();
        Ok(())
    }

    fn complete(mut self, compaction: &Compaction) -> io::Result<Output> {
        self.flush()?;
        self.file.sync()?;
        let Current { mut output, .. } = self;
        output.index.push(output.checkpoint(output.end));
        let path = cleaned(&compaction.folder, output.base, INDEX_SUFFIX);
        compaction.files.remove(&path)?;
        let index_file = compaction.files.open(&path)?;
        output.index.unwritten().run(&*index_file)?;
        index_file.sync()?;
        Ok(output)
    }
}
