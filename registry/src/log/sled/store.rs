//! The records of one generation of the log, in sled, in a folder of their own.
//!
//! sled 0.34's `flush` ends in `sync_file_range`, which does not reach the disk; an fsync through
//! any descriptor of the same file does, so every append ends with one on sled's file. Records are
//! cut into chunks because sled puts large pages into files of their own, which that fsync would
//! not cover. A chunk's key is the record's offset and the chunk's number, big-endian. Long texts stand
//! behind all records, each once, under `ff`, its digest and the chunk's number.
//!
//! A write of sled's that fails may leave another waiting for it for ever. So room on the disk is taken before
//! sled is asked to write: a disk that is full is no matter of sled's.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use weir_registry_core::RawRecord;

use super::chunk::{Chunk, FIRST_TEXT_KEY, Whole, join};
use super::frame::{self, Link, Sound};
use super::texts::Texts;

/// What sled may keep in memory. The log is read once, at the start.
const CACHE_BYTES: u64 = 2 * 1024 * 1024;

/// Bytes of records that are read before sled is opened anew: it keeps what it has read, whatever its
/// cache may hold, until it is closed.
const READ_BYTES: usize = 16 * 1024 * 1024;

/// How long another may have the folder. sled's own threads hold it for a while after it was closed.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Room on the disk that is taken ahead of what sled writes, beside so many times what it is given: it writes
/// pages anew that it changes, in segments of half a MiB.
const ROOM_BYTES: u64 = 4 * 1024 * 1024;
const ROOM_TIMES: u64 = 4;

/// Bytes of records that are appended at once where many are.
const FILLING_BYTES: usize = 512 * 1024;

/// Sled's file in its folder.
pub(super) const FILE: &str = "db";

/// Why a store cannot be used.
#[derive(Debug)]
pub(super) enum StoreError {
    /// Its bytes are not those that were written.
    Damaged(String),
    /// It was removed or replaced while it was open.
    Gone(String),
    Io(io::Error),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Damaged(why) | StoreError::Gone(why) => f.write_str(why),
            StoreError::Io(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> StoreError {
        StoreError::Io(error)
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> StoreError {
        match error {
            sled::Error::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                StoreError::Io(error)
            }
            other => StoreError::Damaged(other.to_string()),
        }
    }
}

/// The end of the log: the offset of the next record, and what that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) next_offset: u64,
    pub(super) link: Link,
}

impl End {
    pub(super) const OF_NOTHING: End = End { next_offset: 0, link: Link::FIRST };

    /// The end of a log of which nobody says where it ends.
    pub(super) const UNKNOWN: End = End { next_offset: u64::MAX, link: Link([0xff; 16]) };
}

pub(super) struct Store {
    /// None only while it is opened anew, or if that failed.
    tree: Option<sled::Db>,
    file: File,
    folder: PathBuf,
    texts: Texts,
    pub(super) end: End,
}

impl Store {
    /// Opens or makes the store in a folder, and removes what an append that never returned may have left
    /// behind offset `from`: a record without all its chunks.
    pub(super) fn open(folder: &Path, from: u64) -> Result<Store, StoreError> {
        fs::create_dir_all(folder)?;
        remove_half_written_snapshots(folder)?;
        let path = folder.join(FILE);
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        take_room(&file, 0)?;
        let tree = open_tree(folder)?;
        let mut store = Store {
            tree: Some(tree),
            file,
            folder: folder.to_path_buf(),
            texts: Texts::default(),
            end: End::OF_NOTHING,
        };
        caught(|| store.find_end(from))?;
        store.sync()?;
        // the names of the files themselves
        sync_folder(folder)?;
        folder.parent().map_or(Ok(()), sync_folder)?;
        Ok(store)
    }

    fn find_end(&mut self, from: u64) -> Result<(), sled::Error> {
        while let Some((key, _)) = self.tree()?.get_lt(FIRST_TEXT_KEY)? {
            let offset = offset_of(&key);
            let bytes = self.bytes_of(offset)?;
            if let Some(sound) = Sound::new(offset, &bytes) {
                self.end = End { next_offset: offset + 1, link: sound.link };
                return Ok(());
            }
            if offset < from {
                return Err(sled::Error::ReportableBug(format!("record {offset} is damaged")));
            }
            tracing::warn!(
                offset,
                "the last record of the log is torn; nobody was answered for it"
            );
            for chunk in self.tree()?.scan_prefix(offset.to_be_bytes()).keys() {
                self.tree()?.remove(chunk?)?;
            }
        }
        Ok(())
    }

    fn bytes_of(&self, offset: u64) -> Result<Vec<u8>, sled::Error> {
        let chunks = self.tree()?.scan_prefix(offset.to_be_bytes()).values();
        let chunks = chunks.collect::<Result<Vec<_>, _>>()?;
        let chunks = chunks.iter().map(|chunk| Chunk::read(chunk)).collect::<Option<Vec<_>>>();
        Ok(chunks.and_then(join).unwrap_or_default())
    }

    fn tree(&self) -> Result<&sled::Db, sled::Error> {
        self.tree.as_ref().ok_or_else(not_open)
    }

    /// Hands on the records from an offset on, in order, each with its offset. Damage is found where it is:
    /// what was handed on before is sound.
    pub(super) fn read(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(u64, RawRecord),
    ) -> Result<(), StoreError> {
        let mut at = caught(|| self.end_before(from))?;
        while at.next_offset < self.end.next_offset {
            at = self.read_some(at, each)?;
            drop(self.tree.take());
            self.tree = Some(open_tree(&self.folder)?);
        }
        match at.link == self.end.link {
            true => Ok(()),
            false => Err(StoreError::Damaged("records at its end are missing".into())),
        }
    }

    /// Whether the log had this end once.
    pub(super) fn has(&self, end: End) -> bool {
        let at = caught(|| self.end_before(end.next_offset));
        end.next_offset <= self.end.next_offset && at.is_ok_and(|at| at.link == end.link)
    }

    fn end_before(&self, offset: u64) -> Result<End, sled::Error> {
        let last = self.tree()?.get_lt(offset.to_be_bytes())?;
        let Some(last) = last.map(|(key, _)| offset_of(&key)) else { return Ok(End::OF_NOTHING) };
        let bytes = self.bytes_of(last)?;
        let sound = Sound::new(last, &bytes)
            .ok_or_else(|| sled::Error::ReportableBug(format!("record {last} is damaged")))?;
        Ok(End { next_offset: offset, link: sound.link })
    }

    /// Reads until so many bytes are read or the log ends; where it is then.
    fn read_some(
        &mut self,
        from: End,
        each: &mut dyn FnMut(u64, RawRecord),
    ) -> Result<End, StoreError> {
        let tree = self.tree.as_ref().ok_or_else(not_open)?;
        read_some(tree, &mut self.texts, from, self.end.next_offset, each)
    }

    /// Reads the records beside whoever appends.
    pub(super) fn reader(&self) -> Result<Reader, StoreError> {
        Ok(Reader { tree: self.tree()?.clone(), texts: Texts::default() })
    }

    /// Appends records, all or none of them, which do not survive anything before [`Store::sync`] has
    /// returned. Their offsets ascend.
    pub(super) fn append<'a>(
        &mut self,
        records: impl IntoIterator<Item = (u64, &'a RawRecord)>,
    ) -> Result<(), StoreError> {
        let tree = self.tree.as_ref().ok_or_else(not_open)?;
        let (mut batch, mut end, mut bytes) = (sled::Batch::default(), self.end, 0);
        let mut records = records.into_iter().peekable();
        while let Some((offset, record)) = records.next() {
            let encoded = frame::encode(offset, end.link, record, records.peek().is_none());
            for (key, chunk) in Whole::Record(offset).chunks(&encoded.bytes) {
                bytes += chunk.len();
                batch.insert(key, chunk);
            }
            bytes += encoded.text.as_ref().map_or(0, |text| text.bytes.len());
            if let Some(text) = encoded.text {
                caught(|| self.texts.put(tree, &mut batch, text))?;
            }
            end = End { next_offset: offset + 1, link: encoded.link };
        }
        take_room(&self.file, bytes as u64)?;
        caught(|| tree.apply_batch(batch))?;
        self.end = end;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        caught(|| self.tree()?.flush())?;
        self.file.sync_data()?;
        self.is_in_place()
    }

    /// What was written is to be found again by who opens the folder next.
    fn is_in_place(&self) -> Result<(), StoreError> {
        let path = self.folder.join(FILE);
        let shown = path.display();
        let ours = self.file.metadata()?;
        let theirs = match fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Gone(format!("{shown} was removed while it was open")));
            }
            Err(error) => return Err(error.into()),
        };
        match (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()) {
            true => Ok(()),
            false => Err(StoreError::Gone(format!("{shown} was replaced while it was open"))),
        }
    }

    /// Bytes of its file.
    pub(super) fn bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |file| file.len())
    }
}

/// Reads the records of a store that somebody appends to.
pub(super) struct Reader {
    tree: sled::Db,
    texts: Texts,
}

impl Reader {
    /// Hands on the records from an end on, up to an offset, in order. Sled keeps what it has read until it is
    /// closed.
    pub(super) fn read(
        &mut self,
        from: End,
        to: u64,
        each: &mut dyn FnMut(u64, RawRecord),
    ) -> Result<End, StoreError> {
        let mut at = from;
        while at.next_offset < to {
            at = read_some(&self.tree, &mut self.texts, at, to, each)?;
        }
        Ok(at)
    }
}

/// Reads records from an end on, up to an offset, until so many bytes are read; where it is then.
fn read_some(
    tree: &sled::Db,
    texts: &mut Texts,
    from: End,
    to: u64,
    each: &mut dyn FnMut(u64, RawRecord),
) -> Result<End, StoreError> {
    let mut at = from;
    let mut total = 0;
    let mut range = tree.range(&at.next_offset.to_be_bytes()[..]..&to.to_be_bytes()[..]);
    let mut ahead = caught(|| range.next().transpose())?;
    while let Some((key, value)) = ahead.take() {
        let offset = offset_of(&key);
        let mut chunks = vec![value];
        loop {
            ahead = caught(|| range.next().transpose())?;
            match ahead.take_if(|(key, _)| offset_of(key) == offset) {
                Some((_, value)) => chunks.push(value),
                None => break,
            }
        }
        let damaged = || StoreError::Damaged(format!("record {offset} is damaged"));
        let chunks = chunks.iter().map(|chunk| Chunk::read(chunk)).collect::<Option<Vec<_>>>();
        let bytes = chunks.and_then(join).ok_or_else(damaged)?;
        let sound = Sound::new(offset, &bytes).ok_or_else(damaged)?;
        if sound.before != at.link {
            let why = format!("a record before record {offset} is missing");
            return Err(StoreError::Damaged(why));
        }
        let mut failed = None;
        let record = sound.record(|digest| {
            caught(|| texts.get(tree, digest)).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        failed.map_or(Ok(()), Err)?;
        each(offset, record.ok_or_else(damaged)?);
        at = End { next_offset: offset + 1, link: sound.link };
        total += bytes.len();
        if total > READ_BYTES {
            return Ok(at);
        }
    }
    Ok(End { next_offset: to, ..at })
}

/// Records on their way into a store, which gets many at once. They are durable once the store is synced.
pub(super) struct Filling<'a> {
    store: &'a mut Store,
    batch: Vec<(u64, RawRecord)>,
    bytes: usize,
    filled: Result<(), StoreError>,
}

impl<'a> Filling<'a> {
    pub(super) fn new(store: &'a mut Store) -> Filling<'a> {
        Filling { store, batch: Vec::new(), bytes: 0, filled: Ok(()) }
    }

    pub(super) fn push(&mut self, offset: u64, record: RawRecord) {
        self.bytes += record.bytes();
        self.batch.push((offset, record));
        if self.bytes >= FILLING_BYTES {
            self.append();
        }
    }

    fn append(&mut self) {
        if self.filled.is_ok() {
            let records = self.batch.iter().map(|(offset, record)| (*offset, record));
            self.filled = self.store.append(records);
        }
        self.batch.clear();
        self.bytes = 0;
    }

    /// Whether all of them are in the store.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.append();
        self.filled
    }
}

/// Sees to it that the disk has room for what sled may write, given so many bytes. On a file system that cannot
/// promise any, sled meets a full disk itself.
fn take_room(file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        let metadata = file.metadata()?;
        let wanted = metadata.len() + ROOM_TIMES * bytes;
        if metadata.blocks() * 512 >= wanted + ROOM_BYTES / 2 {
            return Ok(());
        }
        match fallocate(file, FallocateFlags::KEEP_SIZE, 0, wanted + ROOM_BYTES) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, bytes);
        Ok(())
    }
}

/// Does something with sled, whose panics are damage that it has met.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Ok(done?),
        Err(panic) => {
            let why = panic.downcast_ref::<String>().map(String::as_str);
            let why = why.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(StoreError::Damaged(why.unwrap_or("sled cannot read it").to_string()))
        }
    }
}

fn not_open() -> sled::Error {
    sled::Error::Io(io::Error::other("it could not be reopened"))
}

pub(super) fn open_tree(folder: &Path) -> Result<sled::Db, StoreError> {
    let give_up = Instant::now() + LOCK_TIMEOUT;
    loop {
        let config =
            sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        match caught(|| config.open()) {
            // sled has no kind of its own for a folder that another has locked
            Err(StoreError::Io(why))
                if why.kind() == io::ErrorKind::Other && Instant::now() < give_up =>
            {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "logs block, on threads of their own"
                )]
                std::thread::sleep(Duration::from_millis(1));
            }
            opened => return opened,
        }
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

fn offset_of(key: &[u8]) -> u64 {
    key.first_chunk().map_or(u64::MAX, |offset| u64::from_be_bytes(*offset))
}

/// A crash while sled writes a snapshot of its index leaves a file that keeps it from opening.
fn remove_half_written_snapshots(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
