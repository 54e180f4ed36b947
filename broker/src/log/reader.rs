//! Reads the batches of a segment one after the other.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::batch::{BatchError, BatchHeader, HEADER_BYTES, check};
use crate::files::File;

/// So much is read at a time where everything is wanted.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// What is read at a time where only headers are wanted: the rest of a large batch is passed over.
pub const HEADERS_CHUNK_BYTES: usize = 16 * 1024;

/// A batch and where it begins.
#[derive(Clone, Debug)]
pub struct Found {
    pub position: u64,
    pub header: BatchHeader,
}

#[derive(Debug)]
pub struct BatchReader {
    file: Arc<dyn File>,
    /// Names the file in errors.
    path: Arc<str>,
    position: u64,
    /// Nothing is read from here on.
    limit: u64,
    chunk: Bytes,
    chunk_position: u64,
    chunk_bytes: usize,
}

impl BatchReader {
    pub fn new(file: Arc<dyn File>, path: Arc<str>, position: u64, limit: u64) -> BatchReader {
        BatchReader {
            file,
            path,
            position,
            limit,
            chunk: Bytes::new(),
            chunk_position: position,
            chunk_bytes: CHUNK_BYTES,
        }
    }

    /// Reads so much at a time.
    pub fn with_chunks_of(mut self, bytes: usize) -> BatchReader {
        self.chunk_bytes = bytes;
        self
    }

    /// `length` bytes from the position on, which are before the limit.
    fn peek(&mut self, length: usize) -> io::Result<Bytes> {
        let begin = self.position.saturating_sub(self.chunk_position);
        let begin = usize::try_from(begin).unwrap_or(usize::MAX);
        if let Some(end) = begin.checked_add(length).filter(|end| *end <= self.chunk.len()) {
            return Ok(self.chunk.slice(begin..end));
        }
        let rest = usize::try_from(self.limit - self.position).unwrap_or(usize::MAX);
        let mut chunk = vec![0; length.max(self.chunk_bytes).min(rest)];
        self.file.read_at(&mut chunk, self.position)?;
        self.chunk = chunk.into();
        self.chunk_position = self.position;
        Ok(self.chunk.slice(..length))
    }

    /// The header at the position. An error of the kind `InvalidData` says that no batch begins there.
    pub fn peek_header(&mut self) -> io::Result<Option<BatchHeader>> {
        let rest = self.limit.saturating_sub(self.position);
        if rest == 0 {
            return Ok(None);
        }
        if rest < HEADER_BYTES as u64 {
            return Err(self.fault(BatchError::Length));
        }
        let bytes = self.peek(HEADER_BYTES)?;
        let header = BatchHeader::parse(&bytes).map_err(|error| self.fault(error))?;
        if header.bytes as u64 > rest {
            return Err(self.fault(BatchError::Length));
        }
        Ok(Some(header))
    }

    /// Returns true if a batch begins here which does not end at the limit.
    pub fn is_before_last(&mut self) -> io::Result<bool> {
        match self.peek_header() {
            Ok(header) => {
                Ok(header.is_some_and(|it| self.position + (it.bytes as u64) < self.limit))
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Goes to the next batch without looking at what this one has.
    pub fn skip(&mut self) -> io::Result<Option<Found>> {
        let Some(header) = self.peek_header()? else { return Ok(None) };
        let found = Found { position: self.position, header };
        self.position += header.bytes as u64;
        Ok(Some(found))
    }

    /// The next batch, whose checksum is right. An error of the kind `InvalidData` says that it is not.
    pub fn read(&mut self) -> io::Result<Option<(Found, Bytes)>> {
        let Some(header) = self.peek_header()? else { return Ok(None) };
        let bytes = self.peek(header.bytes)?;
        check(&bytes).map_err(|error| self.fault(error))?;
        let found = Found { position: self.position, header };
        self.position += header.bytes as u64;
        Ok(Some((found, bytes)))
    }

    fn fault(&self, error: BatchError) -> io::Error {
        fault(&self.path, self.position, error)
    }
}

/// The error of bytes that are not what was written.
pub fn fault(path: &str, position: u64, error: BatchError) -> io::Error {
    let why = match error {
        BatchError::Checksum => "its checksum is wrong",
        BatchError::Length => "its length is wrong",
        BatchError::Magic(_) => "its format is not known",
        BatchError::Count => "its counts contradict each other",
        BatchError::Offset => "its offset is wrong",
    };
    let why = format!("{path}: the batch at byte {position} cannot be read: {why}");
    io::Error::new(io::ErrorKind::InvalidData, why)
}
