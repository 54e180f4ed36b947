//! The log on disk: sled, synced by ourselves.
//!
//! sled 0.34's `flush` ends in `sync_file_range`, which does not reach the disk; an fsync through
//! any descriptor of the same file does, so every append ends with one on sled's file. Records are
//! cut into chunks because sled puts large values into files of their own, which that fsync would
//! not cover. A chunk's key is the record's offset and the chunk's number, big-endian; the first
//! chunk starts with the record's length, so that a record whose chunks are not all there is known.
//! Long texts stand behind all records, each once, under `ff`, its digest and the chunk's number.

mod frame;
mod texts;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use weir_registry_core::RawRecord;

use self::texts::Texts;
use super::{AppendError, Log, LogError};

/// Bytes of a record in one chunk; far below the size at which sled makes a file of a value.
const CHUNK_BYTES: usize = 16 * 1024;

/// What sled may keep in memory. The log is read once, at the start.
const CACHE_BYTES: u64 = 2 * 1024 * 1024;

/// Bytes of records that are read before sled is opened anew: it keeps what it has read, whatever its
/// cache may hold, until it is closed.
const READ_BYTES: usize = 16 * 1024 * 1024;

/// How long another may have the folder. sled's own threads hold it for a while after it was closed.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

pub struct SledLog {
    /// None only while it is opened anew, or if that failed.
    tree: Option<sled::Db>,
    file: File,
    folder: PathBuf,
    next_offset: u64,
    texts: Texts,
}

impl SledLog {
    /// Opens or makes the log in `folder`. One process at a time can have it.
    pub fn open(folder: &Path) -> Result<SledLog, LogError> {
        let shown = folder.display().to_string();
        let failed = move |what: &str, error: &dyn std::fmt::Display| {
            LogError(format!("{shown}: {what}: {error}"))
        };
        fs::create_dir_all(folder).map_err(|e| failed("cannot make the folder", &e))?;
        remove_half_written_snapshots(folder).map_err(|e| failed("cannot clean up", &e))?;
        let tree = open_tree(folder)?;
        let file = File::open(folder.join("db")).map_err(|e| failed("cannot open its file", &e))?;
        let mut log = SledLog {
            tree: Some(tree),
            file,
            folder: folder.to_path_buf(),
            next_offset: 0,
            texts: Texts::default(),
        };
        log.drop_torn_tail().map_err(|e| failed("cannot read it", &e))?;
        log.sync().map_err(|e| failed("cannot sync it", &e))?;
        // the names of the files themselves
        for folder in [Some(folder), folder.parent()].into_iter().flatten() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder).and_then(|f| f.sync_all()).map_err(|e| failed("cannot sync", &e))?;
        }
        Ok(log)
    }

    /// Removes what an append that never returned may have left: a record without all its chunks.
    fn drop_torn_tail(&mut self) -> Result<(), sled::Error> {
        while let Some((key, _)) = self.tree()?.get_lt(texts::FIRST_KEY)? {
            let (offset, _) = split_key(&key);
            if self.record(offset)?.is_some() {
                self.next_offset = offset + 1;
                return Ok(());
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

    fn tree(&self) -> Result<&sled::Db, sled::Error> {
        self.tree.as_ref().ok_or_else(not_open)
    }

    fn with_texts(&mut self) -> Result<(&sled::Db, &mut Texts), sled::Error> {
        Ok((self.tree.as_ref().ok_or_else(not_open)?, &mut self.texts))
    }

    fn reopen(&mut self) -> Result<(), LogError> {
        drop(self.tree.take());
        self.tree = Some(open_tree(&self.folder)?);
        Ok(())
    }

    fn record(&mut self, offset: u64) -> Result<Option<RawRecord>, sled::Error> {
        let (tree, texts) = self.with_texts()?;
        let mut bytes = Vec::new();
        for chunk in tree.scan_prefix(offset.to_be_bytes()).values() {
            bytes.extend_from_slice(&chunk?);
        }
        texts.record(tree, &bytes)
    }

    fn sync(&self) -> std::io::Result<()> {
        self.tree().and_then(|tree| tree.flush()).map_err(std::io::Error::from)?;
        self.file.sync_data()
    }
}

impl SledLog {
    /// Hands on records from an offset until so many bytes are read or the log ends; the offset of
    /// the next.
    fn read_some(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(u64, RawRecord),
    ) -> Result<u64, LogError> {
        let folder = self.folder.display().to_string();
        let failed = |offset: u64, why: &str| LogError(format!("{folder}: record {offset}: {why}"));
        let sleds = |offset| move |error: sled::Error| failed(offset, &error.to_string());
        let end = self.next_offset;
        let (tree, texts) = self.with_texts().map_err(sleds(from))?;
        let (mut current, mut bytes, mut total) = (from, Vec::new(), 0);
        for item in tree.range(&from.to_be_bytes()[..]..&texts::FIRST_KEY[..]) {
            let (key, chunk) = item.map_err(sleds(current))?;
            let (offset, _) = split_key(&key);
            if offset != current {
                let record = texts.record(tree, &bytes).map_err(sleds(current))?;
                each(current, record.ok_or_else(|| failed(current, "it is damaged"))?);
                total += bytes.len();
                bytes.clear();
                current += 1;
                if offset != current {
                    return Err(failed(current, "it is missing"));
                }
                if total > READ_BYTES {
                    return Ok(current);
                }
            }
            bytes.extend_from_slice(&chunk);
        }
        if current < end {
            let record = texts.record(tree, &bytes).map_err(sleds(current))?;
            each(current, record.ok_or_else(|| failed(current, "it is damaged"))?);
        }
        Ok(end)
    }
}

impl Log for SledLog {
    fn read(&mut self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> Result<(), LogError> {
        let mut next = from;
        while next < self.next_offset {
            next = self.read_some(next, each)?;
            self.reopen()?;
        }
        Ok(())
    }

    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<u64, AppendError> {
        if expected != self.next_offset {
            return Err(AppendError::Conflict);
        }
        let failed = |e: &dyn std::fmt::Display| AppendError::Failed(e.to_string());
        let (tree, texts) = self.with_texts().map_err(|e| failed(&e))?;
        let mut batch = sled::Batch::default();
        for (offset, record) in (expected..).zip(records) {
            let (bytes, text) = frame::encode(record);
            for (number, chunk) in (0_u32..).zip(bytes.chunks(CHUNK_BYTES)) {
                batch.insert(&key(offset, number), chunk);
            }
            if let Some(text) = text {
                texts.put(tree, &mut batch, text).map_err(|e| failed(&e))?;
            }
        }
        tree.apply_batch(batch).map_err(|e| failed(&e))?;
        self.sync().map_err(|e| failed(&e))?;
        self.next_offset += records.len() as u64;
        Ok(expected)
    }
}

fn not_open() -> sled::Error {
    sled::Error::Unsupported("it could not be reopened".into())
}

fn open_tree(folder: &Path) -> Result<sled::Db, LogError> {
    let give_up = Instant::now() + LOCK_TIMEOUT;
    let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None);
    loop {
        let why = match config.open() {
            Ok(tree) => return Ok(tree),
            Err(error) => error.to_string(),
        };
        let locked = why.contains("lock");
        if !locked || Instant::now() > give_up {
            let what = if locked { "another process has it open" } else { "cannot open it" };
            return Err(LogError(format!("{}: {what}: {why}", folder.display())));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn key(offset: u64, chunk: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&offset.to_be_bytes());
    key[8..].copy_from_slice(&chunk.to_be_bytes());
    key
}

fn split_key(key: &[u8]) -> (u64, u32) {
    let mut offset = [0; 8];
    let mut chunk = [0; 4];
    offset.copy_from_slice(&key[..8]);
    chunk.copy_from_slice(&key[8..12]);
    (u64::from_be_bytes(offset), u32::from_be_bytes(chunk))
}

/// A crash while sled writes a snapshot of its index leaves a file that keeps it from opening.
fn remove_half_written_snapshots(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
