//! What a reader gets of a log: where batches are, to be read when nobody waits for the log.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::batch::{BatchError, BatchHeader, HEADER_BYTES, check};
use super::reader::{BatchReader, fault};
use crate::files::File;

/// A search for the first batch reads so much at a time, which is more than an interval of the index.
const SEARCH_BYTES: usize = 8 * 1024;

/// Batches that can be read later, without the log: what was appended or deleted since does not matter.
#[derive(Debug)]
pub struct Slice {
    pub(super) pieces: Vec<Piece>,
    pub(super) from: i64,
    pub(super) below: i64,
    pub(super) max_bytes: usize,
}

/// A part of one segment.
#[derive(Debug)]
pub(super) struct Piece {
    pub file: Arc<dyn File>,
    pub path: Arc<str>,
    /// A batch begins here.
    pub position: u64,
    /// What was there when the slice was made ends here.
    pub limit: u64,
    /// No record at or after this offset was there.
    pub end: i64,
}

impl Slice {
    /// A bound of what [`Slice::read`] returns, which is exact for a reader that keeps up with a log.
    pub fn bytes_at_most(&self) -> usize {
        let bytes: u64 = self.pieces.iter().map(|piece| piece.limit - piece.position).sum();
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// Lowers how many bytes [`Slice::read`] returns. The first batch is always among them.
    pub fn limit(&mut self, max_bytes: usize) {
        self.max_bytes = self.max_bytes.min(max_bytes);
    }

    /// Whole batches. An error names the file whose bytes are not what was written.
    pub fn read(self) -> io::Result<Bytes> {
        let mut read: Vec<Bytes> = Vec::new();
        let mut total = 0;
        for piece in &self.pieces {
            let bytes = piece.read(&self, total)?;
            let is_all = bytes.is_all;
            total += bytes.bytes.len();
            if !bytes.bytes.is_empty() {
                read.push(bytes.bytes);
            }
            if !is_all || total >= self.max_bytes {
                break;
            }
        }
        match read.len() {
            0 => Ok(Bytes::new()),
            1 => Ok(read.swap_remove(0)),
            _ => Ok(read.concat().into()),
        }
    }
}

/// What was read of a piece.
struct PieceBytes {
    bytes: Bytes,
    /// The piece has no more.
    is_all: bool,
}

impl Piece {
    fn read(&self, slice: &Slice, before: usize) -> io::Result<PieceBytes> {
        let room = slice.max_bytes.saturating_sub(before);
        let mut position = self.position;
        let mut chunk = self.chunk(position, room.saturating_add(SEARCH_BYTES))?;
        let mut begin = 0;
        while let Some(header) = self.header(&chunk, position, begin)? {
            if header.next_offset() > slice.from {
                break;
            }
            begin = (begin + header.bytes).min(chunk.len());
        }
        if chunk.len() - begin < HEADER_BYTES {
            let Some((found, _)) = self.first(slice.from)? else {
                return Ok(PieceBytes { bytes: Bytes::new(), is_all: true });
            };
            (position, begin) = (found, 0);
            chunk = self.chunk(position, room.max(HEADER_BYTES))?;
        }
        let first = self.header(&chunk, position, begin)?.map_or(0, |header| header.bytes);
        let most = if before == 0 { room.max(first) } else { room };
        if before == 0 && first > chunk.len() - begin {
            position += begin as u64;
            (chunk, begin) = (self.chunk(position, most)?, 0);
        }
        let bytes = &chunk[begin..chunk.len().min(begin.saturating_add(most))];
        let end = begin + self.whole_batches(bytes, position + begin as u64, slice.below)?;
        let is_all = position + end as u64 == self.limit;
        Ok(PieceBytes { bytes: Bytes::from(chunk).slice(begin..end), is_all })
    }

    /// What is there from a position on, but not more than `length`.
    fn chunk(&self, position: u64, length: usize) -> io::Result<Vec<u8>> {
        let rest = usize::try_from(self.limit - position).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(rest)];
        self.file.read_at(&mut bytes, position)?;
        Ok(bytes)
    }

    /// The header in a chunk, if the chunk has all of it.
    fn header(&self, chunk: &[u8], position: u64, at: usize) -> io::Result<Option<BatchHeader>> {
        if chunk.len() - at < HEADER_BYTES {
            return Ok(None);
        }
        self.parse(&chunk[at..], position + at as u64).map(Some)
    }

    /// The header at `position`, which is the beginning of `bytes`. A batch that goes past what was there is damage: whole
    /// batches were.
    fn parse(&self, bytes: &[u8], position: u64) -> io::Result<BatchHeader> {
        let header = BatchHeader::parse(bytes).and_then(|header| {
            if header.bytes as u64 > self.limit - position {
                return Err(BatchError::Length);
            }
            if header.base_offset < 0 || header.next_offset() > self.end {
                return Err(BatchError::Offset);
            }
            Ok(header)
        });
        header.map_err(|error| fault(&self.path, position, error))
    }

    /// The batch that has the offset, or the next one.
    fn first(&self, offset: i64) -> io::Result<Option<(u64, BatchHeader)>> {
        let mut reader =
            BatchReader::new(self.file.clone(), self.path.clone(), self.position, self.limit)
                .with_chunks_of(SEARCH_BYTES);
        while let Some(found) = reader.skip()? {
            if found.header.next_offset() > offset {
                return Ok(Some((found.position, found.header)));
            }
        }
        Ok(None)
    }

    /// Where the last batch ends that is whole, and before the offset `below`.
    fn whole_batches(&self, bytes: &[u8], position: u64, below: i64) -> io::Result<usize> {
        let fault = |at: usize, error: BatchError| fault(&self.path, position + at as u64, error);
        let mut end = 0;
        while bytes.len() - end >= HEADER_BYTES {
            let rest = &bytes[end..];
            let header = self.parse(rest, position + end as u64)?;
            let is_whole = header.bytes <= rest.len();
            if !is_whole || header.next_offset() > below {
                break;
            }
            check(&rest[..header.bytes]).map_err(|error| fault(end, error))?;
            end += header.bytes;
        }
        Ok(end)
    }
}
