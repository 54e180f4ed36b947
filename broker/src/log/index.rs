//! The sparse index of a segment: where batches begin, by their offsets and timestamps.
//!
//! An entry is written to the index file only after everything before its position is on the disk. The last
//! entry therefore says from where a segment has to be checked after a crash.

use std::io;

use crate::files::{File, read_all};

/// An entry in the file: position, offset, timestamp and the CRC-32C of these.
const ENTRY_BYTES: usize = 28;

/// A batch begins at `position`, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    pub position: u64,
    /// Every offset before is before the position.
    pub offset: i64,
    /// The greatest timestamp before the position; -1 if there is none.
    pub max_timestamp: i64,
}

/// Entries in the order of their positions.
#[derive(Clone, Debug, Default)]
pub struct Index {
    entries: Vec<IndexEntry>,
    /// How many of them are in the file.
    written: usize,
}

/// Entries for the index file.
#[derive(Clone, Debug)]
pub struct IndexWrite {
    entries: Vec<IndexEntry>,
    first: usize,
}

impl IndexEntry {
    fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&self.position.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.max_timestamp.to_be_bytes());
        let checksum = crc32c::crc32c(&bytes[..24]);
        bytes[24..].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// Returns `None` if the bytes are not an entry.
    fn decode(bytes: &[u8]) -> Option<IndexEntry> {
        let (fields, checksum) = bytes.split_at_checked(24)?;
        if checksum != crc32c::crc32c(fields).to_be_bytes() {
            return None;
        }
        let field = |at: usize| <[u8; 8]>::try_from(&fields[at..at + 8]).ok();
        Some(IndexEntry {
            position: u64::from_be_bytes(field(0)?),
            offset: i64::from_be_bytes(field(8)?),
            max_timestamp: i64::from_be_bytes(field(16)?),
        })
    }
}

impl Index {
    /// Reads what is in the file, up to the first entry that is torn.
    pub fn load(file: &dyn File) -> io::Result<Index> {
        let bytes = read_all(file)?;
        let mut entries: Vec<IndexEntry> = Vec::new();
        for entry in bytes.chunks(ENTRY_BYTES).map_while(IndexEntry::decode) {
            if entries.last().is_some_and(|last| last.position >= entry.position) {
                break;
            }
            entries.push(entry);
        }
        Ok(Index { written: entries.len(), entries })
    }

    /// The last entry of a file whose entries are all whole.
    pub fn last_in(file: &dyn File) -> io::Result<Option<IndexEntry>> {
        let size = file.size()?;
        let Some(position) = size.checked_sub(ENTRY_BYTES as u64) else {
            return Ok(None);
        };
        if size % ENTRY_BYTES as u64 != 0 {
            return Ok(None);
        }
        let mut bytes = [0; ENTRY_BYTES];
        file.read_at(&mut bytes, position)?;
        Ok(IndexEntry::decode(&bytes))
    }

    pub fn last(&self) -> Option<IndexEntry> {
        self.entries.last().copied()
    }

    /// Entries have ascending positions: one that does not ascend says nothing new.
    pub fn push(&mut self, entry: IndexEntry) {
        if self.last().is_none_or(|last| last.position < entry.position) {
            self.entries.push(entry);
        }
    }

    /// A position at or before the batch that has `offset`.
    pub fn before_offset(&self, offset: i64) -> u64 {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        after.checked_sub(1).map_or(0, |last| self.entries[last].position)
    }

    /// A position at or before the first batch with a timestamp that is not before `timestamp`.
    pub fn before_timestamp(&self, timestamp: i64) -> u64 {
        let after = self.entries.partition_point(|entry| entry.max_timestamp < timestamp);
        after.checked_sub(1).map_or(0, |last| self.entries[last].position)
    }

    /// The entries that are not in the file yet.
    pub fn unwritten(&self) -> IndexWrite {
        IndexWrite { entries: self.entries[self.written..].to_vec(), first: self.written }
    }

    /// The write has been done.
    pub fn written(&mut self, write: &IndexWrite) {
        let written = write.first + write.entries.len();
        self.written = self.written.max(written.min(self.entries.len()));
    }
}

impl IndexWrite {
    /// Entries never change, so a write may be done twice.
    pub fn run(&self, file: &dyn File) -> io::Result<()> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = self.entries.iter().flat_map(IndexEntry::encode).collect();
        file.write_at(&bytes, (self.first * ENTRY_BYTES) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Files, MemoryFiles};

    fn entry(number: u64) -> IndexEntry {
        let offset = number as i64 * 10;
        IndexEntry { position: number * 100, offset, max_timestamp: offset * 2 }
    }

    #[test]
    fn positions_are_found_by_offset_and_by_timestamp() {
        let mut index = Index::default();
        assert_eq!(index.before_offset(5), 0);
        (1..=3).for_each(|number| index.push(entry(number)));
        index.push(entry(2));
        assert_eq!([9, 10, 19, 35].map(|offset| index.before_offset(offset)), [0, 100, 100, 300]);
        assert_eq!([20, 21, 41, 100].map(|time| index.before_timestamp(time)), [0, 100, 200, 300]);
    }

    #[test]
    fn a_torn_entry_is_not_read() {
        let files = MemoryFiles::default();
        let file = files.open("index").unwrap();
        let mut index = Index::default();
        (1..=3).for_each(|number| index.push(entry(number)));
        let write = index.unwritten();
        write.run(&*file).unwrap();
        index.written(&write);
        assert_eq!(Index::last_in(&*file).unwrap(), Some(entry(3)));
        file.set_size(70).unwrap();
        assert_eq!(Index::last_in(&*file).unwrap(), None);
        let read = Index::load(&*file).unwrap();
        assert_eq!((read.last(), read.written), (Some(entry(2)), 2));
    }
}
