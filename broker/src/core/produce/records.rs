//! The records in a batch, as far as they are checked.

use std::borrow::Cow;
use std::io;

use crate::log::{Batch, HEADER_BYTES, decompress_within, field, varint};

/// A record without its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub timestamp: i64,
    pub offset_delta: i64,
    pub has_key: bool,
}

/// The records of a batch, decompressed.
#[derive(Debug)]
pub(super) struct Records<'a> {
    bytes: Cow<'a, [u8]>,
    first_timestamp: i64,
}

impl<'a> Records<'a> {
    /// Decompresses no more than is `left`. An error says that they cannot be decompressed.
    pub fn of(batch: &'a Batch, left: &mut usize) -> io::Result<Records<'a>> {
        let header = batch.header();
        let bytes = batch.bytes().get(HEADER_BYTES..).unwrap_or_default();
        let bytes = decompress_within(header.attributes, bytes, left)?;
        Ok(Records { bytes, first_timestamp: header.first_timestamp })
    }

    /// One record after the other; an item is `None` where they are malformed.
    pub fn iter(&self) -> RecordIter<'_> {
        let first_timestamp = self.first_timestamp;
        RecordIter { rest: &self.bytes, first_timestamp, failed: false }
    }
}

#[derive(Debug)]
pub(super) struct RecordIter<'a> {
    rest: &'a [u8],
    first_timestamp: i64,
    failed: bool,
}

impl RecordIter<'_> {
    fn record(&mut self) -> Option<Record> {
        let length = usize::try_from(varint(&mut self.rest)?).ok()?;
        if length > self.rest.len() {
            return None;
        }
        let (mut body, rest) = self.rest.split_at(length);
        self.rest = rest;
        body = body.get(1..)?; // after the attributes, which nothing uses
        let timestamp = self.first_timestamp.checked_add(varint(&mut body)?)?;
        let offset_delta = varint(&mut body)?;
        let has_key = field(&mut body)?.is_some();
        field(&mut body)?;
        let headers = varint(&mut body)?;
        if headers < 0 {
            return None;
        }
        for _ in 0..headers {
            field(&mut body)??; // a name, which is never null
            field(&mut body)?;
        }
        body.is_empty().then_some(Record { timestamp, offset_delta, has_key })
    }
}

impl Iterator for RecordIter<'_> {
    type Item = Option<Record>;

    fn next(&mut self) -> Option<Option<Record>> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        let record = self.record();
        self.failed = record.is_none();
        Some(record)
    }
}
