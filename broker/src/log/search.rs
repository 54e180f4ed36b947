//! Reads through a log: batches one after the other, and records by their timestamps.

use std::io;

use bytes::Bytes;

use super::reader::{BatchReader, Found, HEADERS_CHUNK_BYTES};
use super::records::Records;
use super::segment::Segment;
use super::{Batch, BatchHeader, Log};

/// A record's timestamp and offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    pub timestamp: i64,
    pub offset: i64,
}

/// Goes through the segments of a log from an offset on. It ends with the first error.
struct Walk<'a> {
    log: &'a Log,
    from: i64,
    next_segment: usize,
    reader: Option<BatchReader>,
    chunk_bytes: usize,
}

impl<'a> Walk<'a> {
    fn new(log: &'a Log, from: i64, chunk_bytes: usize) -> Walk<'a> {
        Walk { log, from, next_segment: log.segment_of(from), reader: None, chunk_bytes }
    }

    /// What `read` makes of the next batch.
    fn next<T>(
        &mut self,
        read: impl Fn(&mut BatchReader) -> io::Result<Option<T>>,
    ) -> Option<io::Result<T>> {
        loop {
            let result = match self.reader()? {
                Ok(reader) => read(reader),
                Err(error) => Err(error),
            };
            match result {
                Ok(Some(found)) => return Some(Ok(found)),
                Ok(None) => self.reader = None,
                Err(error) => {
                    self.reader = None;
                    self.next_segment = self.log.segments.len();
                    return Some(Err(error));
                }
            }
        }
    }

    /// The reader of this segment, or of the next one.
    fn reader(&mut self) -> Option<io::Result<&mut BatchReader>> {
        if self.reader.is_none() {
            let segment = self.log.segments.get(self.next_segment)?;
            self.next_segment += 1;
            match self.opened(segment) {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => return Some(Err(error)),
            }
        }
        self.reader.as_mut().map(Ok)
    }

    fn opened(&self, segment: &Segment) -> io::Result<BatchReader> {
        let position = self.log.position_in(segment, self.from)?;
        let reader = segment.reader(&*self.log.files, position)?;
        Ok(reader.with_chunks_of(self.chunk_bytes))
    }
}

impl Log {
    /// Batches from the one that has `from`, one after the other.
    pub fn batches(&self, from: i64) -> impl Iterator<Item = io::Result<Batch>> + '_ {
        let mut walk = Walk::new(self, from, super::reader::CHUNK_BYTES);
        let read = std::iter::from_fn(move || walk.next(BatchReader::read));
        read.filter(move |read| ends_after(read, |(found, _)| found, from)).map(batch)
    }

    /// The headers of all batches from the one that has `from`, for state that is derived from a log.
    pub fn headers(&self, from: i64) -> impl Iterator<Item = io::Result<BatchHeader>> + '_ {
        let mut walk = Walk::new(self, from, HEADERS_CHUNK_BYTES);
        let read = std::iter::from_fn(move || walk.next(BatchReader::skip));
        read.filter(move |read| ends_after(read, |found| found, from)).map(|read| Ok(read?.header))
    }

    /// The first record whose timestamp is not before `timestamp`.
    pub fn offset_of(&self, timestamp: i64) -> io::Result<Option<TimestampOffset>> {
        for segment in self.segments.iter().filter(|segment| segment.max_timestamp >= timestamp) {
            let position = segment.index(&*self.files)?.before_timestamp(timestamp);
            let mut reader = segment.reader(&*self.files, position)?;
            while let Some(header) = reader.peek_header()? {
                if header.max_timestamp < timestamp {
                    reader.skip()?;
                    continue;
                }
                let Some((_, bytes)) = reader.read()? else { break };
                if let Some(found) = self.first_record(&bytes, timestamp) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// The first record of a batch that can be read and whose timestamp is not before `timestamp`.
    fn first_record(&self, batch: &[u8], timestamp: i64) -> Option<TimestampOffset> {
        let header = BatchHeader::parse(batch).ok()?;
        let is_it = |offset: i64, of: i64| of >= timestamp && offset >= self.start_offset();
        let Ok(records) = Records::of(&header, batch) else {
            // records which the broker cannot decompress are found as a whole
            let found =
                TimestampOffset { timestamp: header.max_timestamp, offset: header.base_offset };
            return is_it(header.next_offset() - 1, found.timestamp).then_some(found);
        };
        let records = records.iter().filter_map(Result::ok);
        let mut found = records.map(|record| (record.offset, record.timestamp));
        let found = found.find(|(offset, of)| is_it(*offset, *of));
        found.map(|(offset, timestamp)| TimestampOffset { timestamp, offset })
    }

    /// The first record of the highest timestamp.
    pub fn max_timestamp(&self) -> io::Result<Option<TimestampOffset>> {
        match self.segments.iter().map(|segment| segment.max_timestamp).max() {
            Some(timestamp) if timestamp >= 0 => self.offset_of(timestamp),
            _ => Ok(None),
        }
    }
}

fn ends_after<T>(read: &io::Result<T>, found: impl Fn(&T) -> &Found, from: i64) -> bool {
    read.as_ref().map_or(true, |read| found(read).header.next_offset() > from)
}

fn batch<T>(read: io::Result<(T, Bytes)>) -> io::Result<Batch> {
    let (_, bytes) = read?;
    Batch::parse(bytes).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("a batch cannot be read: {error:?}"))
    })
}
