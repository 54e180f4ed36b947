//! A segment: a file of batches, which ends where the next one begins, and its index.

use std::io;
use std::sync::{Arc, OnceLock};

use super::batch::{Batch, BatchHeader};
use super::index::{Index, IndexEntry};
use super::reader::{BatchReader, HEADERS_CHUNK_BYTES};
use crate::files::{File, Files};

/// The name of a file: the first offset that it can have, in so many digits, as Kafka names them.
const OFFSET_DIGITS: usize = 20;
pub const LOG_SUFFIX: &str = ".log";
pub const INDEX_SUFFIX: &str = ".index";

#[derive(Debug)]
pub struct Segment {
    /// The first offset that it can have.
    pub base: i64,
    pub path: Arc<str>,
    index_path: String,
    /// Everything before is whole batches.
    pub bytes: u64,
    /// Everything before is on the disk.
    pub synced: u64,
    /// The offset after its last batch.
    pub next: i64,
    /// The timestamp of the first batch, which decides when the next segment begins.
    pub first_timestamp: Option<i64>,
    /// -1 if no batch has one.
    pub max_timestamp: i64,
    /// Read when it is needed first.
    index: OnceLock<Index>,
    /// A failed write has left bytes after the last batch which could not be cut off.
    has_rubbish: bool,
    /// Whoever works on it without the log knows it again by this.
    pub identity: Arc<()>,
}

/// A segment as it was found.
#[derive(Debug)]
pub struct Opened {
    pub segment: Segment,
    /// How many bytes at its end are no whole batches. They are still there.
    pub torn: u64,
    pub has_index: bool,
}

/// The error of something that was on the disk for certain and is not there any more.
pub fn lost(path: &str, why: &str) -> io::Error {
    let why = format!("{path}: {why}, which were on the disk");
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Names a file of a segment.
pub fn file_name(base: i64, suffix: &str) -> String {
    format!("{base:0OFFSET_DIGITS$}{suffix}")
}

/// Reads the offset that a file's name says.
pub fn offset_in(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?;
    let is_number = digits.len() == OFFSET_DIGITS && digits.bytes().all(|c| c.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

impl Segment {
    /// An empty one, whose file is made. What has its name is lost.
    pub fn create(files: &dyn Files, folder: &str, base: i64) -> io::Result<Segment> {
        let segment = Segment::at(folder, base);
        files.remove(&segment.index_path)?;
        files.open(&segment.path)?.set_size(0)?;
        let _ = segment.index.set(Index::default());
        Ok(segment)
    }

    /// One whose files are not looked at.
    pub fn at(folder: &str, base: i64) -> Segment {
        Segment {
            base,
            path: format!("{folder}/{}", file_name(base, LOG_SUFFIX)).into(),
            index_path: format!("{folder}/{}", file_name(base, INDEX_SUFFIX)),
            bytes: 0,
            synced: 0,
            next: base,
            first_timestamp: None,
            max_timestamp: -1,
            index: OnceLock::new(),
            has_rubbish: false,
            identity: Arc::new(()),
        }
    }

    /// Opens one that is there, and changes nothing. What was not on the disk for certain is checked.
    ///
    /// It is an error if something is missing that was on the disk.
    pub fn open(
        files: &dyn Files,
        folder: &str,
        base: i64,
        index_interval: u64,
    ) -> io::Result<Opened> {
        let mut segment = Segment::at(folder, base);
        let file = files.open(&segment.path)?;
        let size = file.size()?;
        let index = files.find(&segment.index_path)?;
        let has_index = index.is_some();
        if let Some(index) = index
            && let Some(last) = Index::last_in(&*index)?
            && last.position == size
        {
            segment.accept(last);
            return Ok(Opened { segment, torn: 0, has_index });
        }
        segment.check(files, file, size, index_interval)?;
        let torn = size - segment.bytes;
        Ok(Opened { segment, torn, has_index })
    }

    /// Cuts off what follows the last whole batch.
    pub fn cut(&self, files: &dyn Files) -> io::Result<()> {
        files.open(&self.path)?.set_size(self.bytes)
    }

    /// Everything before the entry is known to be right.
    pub fn accept(&mut self, last: IndexEntry) {
        self.bytes = last.position;
        self.synced = last.position;
        self.next = last.offset;
        self.max_timestamp = last.max_timestamp;
    }

    fn check(
        &mut self,
        files: &dyn Files,
        file: Arc<dyn File>,
        size: u64,
        index_interval: u64,
    ) -> io::Result<()> {
        let mut index = match files.find(&self.index_path)? {
            Some(file) => Index::load(&*file)?,
            None => Index::default(),
        };
        if let Some(last) = index.last() {
            if let Some(missing) = last.position.checked_sub(size).filter(|missing| *missing > 0) {
                let why = format!("{missing} bytes at its end are missing");
                return Err(lost(&self.path, &why));
            }
            self.accept(last);
        }
        let mut reader = BatchReader::new(file, self.path.clone(), self.bytes, size);
        if files.keeps_unsynced() {
            reader = reader.with_chunks_of(HEADERS_CHUNK_BYTES);
        }
        loop {
            let read = match reader.is_before_last()? && files.keeps_unsynced() {
                true => reader.skip(), // only the last write can be torn
                false => reader.read().map(|read| read.map(|(found, _)| found)),
            };
            match read {
                Ok(Some(found)) if found.header.base_offset >= self.next => {
                    self.grow(&found.header, &mut index, index_interval);
                }
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => break,
                Err(error) => return Err(error),
            }
        }
        self.index = OnceLock::from(index);
        Ok(())
    }

    /// Counts a batch that is in the file.
    fn grow(&mut self, header: &BatchHeader, index: &mut Index, index_interval: u64) {
        let indexed = index.last().map_or(0, |last| last.position);
        if self.bytes >= indexed + index_interval.max(1) {
            index.push(self.checkpoint());
        }
        self.bytes += header.bytes as u64;
        self.next = header.next_offset();
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
        self.first_timestamp.get_or_insert(header.max_timestamp);
    }

    /// The end, as an entry of the index.
    fn checkpoint(&self) -> IndexEntry {
        IndexEntry { position: self.bytes, offset: self.next, max_timestamp: self.max_timestamp }
    }

    /// Appends a batch, whole or not at all.
    pub fn append(
        &mut self,
        files: &dyn Files,
        batch: &Batch,
        index_interval: u64,
    ) -> io::Result<()> {
        let mut index = self.take_index(files)?;
        let written = self.write(files, batch.bytes());
        if written.is_ok() {
            self.grow(batch.header(), &mut index, index_interval);
        }
        self.index = OnceLock::from(index);
        written
    }

    fn write(&mut self, files: &dyn Files, bytes: &[u8]) -> io::Result<()> {
        let file = files.open(&self.path)?;
        if self.has_rubbish {
            file.set_size(self.bytes)?;
            self.has_rubbish = false;
        }
        file.write_at(bytes, self.bytes).inspect_err(|_| {
            self.has_rubbish = file.set_size(self.bytes).is_err();
        })
    }

    fn take_index(&mut self, files: &dyn Files) -> io::Result<Index> {
        self.index(files)?;
        Ok(self.index.take().unwrap_or_default())
    }

    pub fn index(&self, files: &dyn Files) -> io::Result<&Index> {
        if self.index.get().is_none() {
            let index = match files.find(&self.index_path)? {
                Some(file) => Index::load(&*file)?,
                None => Index::default(),
            };
            let _ = self.index.set(index); // another reader may have been first
        }
        self.index.get().ok_or_else(|| io::Error::other("an index that is not there"))
    }

    /// Reads from a position on, up to the end of what is there now.
    pub fn reader(&self, files: &dyn Files, position: u64) -> io::Result<BatchReader> {
        let file = files.open(&self.path)?;
        Ok(BatchReader::new(file, self.path.clone(), position, self.bytes))
    }

    /// The timestamp of its first batch, which is read after a restart.
    pub fn first_timestamp(&mut self, files: &dyn Files) -> io::Result<Option<i64>> {
        if self.first_timestamp.is_none() && self.bytes > 0 {
            let mut reader = self.reader(files, 0)?.with_chunks_of(0);
            self.first_timestamp = reader.peek_header()?.map(|header| header.max_timestamp);
        }
        Ok(self.first_timestamp)
    }

    pub fn remove(&self, files: &dyn Files) -> io::Result<()> {
        files.remove(&self.index_path)?;
        files.remove(&self.path)
    }

    /// What it takes to have everything that is there now on the disk, and to know it after a restart.
    pub fn plan_sync(&mut self, files: &dyn Files) -> io::Result<SegmentSync> {
        let file = files.open(&self.path)?;
        let index_file = files.open(&self.index_path)?;
        let mut index = self.take_index(files)?;
        index.push(self.checkpoint());
        let sync = SegmentSync {
            file,
            index_file,
            index: index.unwritten(),
            bytes: self.bytes,
            identity: self.identity.clone(),
        };
        self.index = OnceLock::from(index);
        Ok(sync)
    }

    /// Takes note of a sync that has been done.
    pub fn synced(&mut self, sync: &SegmentSync) {
        self.synced = self.synced.max(sync.bytes);
        if let Some(index) = self.index.get_mut() {
            index.written(&sync.index);
        }
    }
}

/// A segment to be put on the disk.
#[derive(Debug)]
pub struct SegmentSync {
    file: Arc<dyn File>,
    index_file: Arc<dyn File>,
    index: super::index::IndexWrite,
    bytes: u64,
    identity: Arc<()>,
}

impl SegmentSync {
    pub fn run(&self) -> io::Result<()> {
        self.file.sync()?;
        self.index.run(&*self.index_file)
    }

    pub fn is_of(&self, segment: &Segment) -> bool {
        Arc::ptr_eq(&self.identity, &segment.identity)
    }
}
