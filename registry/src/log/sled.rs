//! The log on disk: sled, synced by ourselves.
//!
//! sled 0.34's `flush` ends in `sync_file_range`, which does not reach the disk; an fsync through
//! any descriptor of the same file does, so every append ends with one on sled's file. Records are
//! cut into chunks because sled puts large values into files of their own, which that fsync would
//! not cover. A chunk's key is the record's offset and the chunk's number, big-endian; the first
//! chunk starts with the record's length, so that a record whose chunks are not all there is known.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use weir_registry_core::RawRecord;

use super::{AppendError, Log, LogError};

/// Bytes of a record in one chunk; far below the size at which sled makes a file of a value.
const CHUNK_BYTES: usize = 16 * 1024;

/// What sled may keep in memory. The log is read once, at the start.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

pub struct SledLog {
    tree: sled::Db,
    file: File,
    folder: PathBuf,
    next_offset: u64,
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
        let tree = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()
            .map_err(|e| match e.to_string() {
                text if text.contains("lock") => failed("another process has it open", &text),
                text => failed("cannot open it", &text),
            })?;
        let file = File::open(folder.join("db")).map_err(|e| failed("cannot open its file", &e))?;
        let mut log = SledLog { tree, file, folder: folder.to_path_buf(), next_offset: 0 };
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
        while let Some((key, _)) = self.tree.last()? {
            let (offset, _) = split_key(&key);
            if self.record(offset)?.is_some() {
                self.next_offset = offset + 1;
                return Ok(());
            }
            tracing::warn!(
                offset,
                "the last record of the log is torn; nobody was answered for it"
            );
            for chunk in self.tree.scan_prefix(offset.to_be_bytes()).keys() {
                self.tree.remove(chunk?)?;
            }
        }
        Ok(())
    }

    fn record(&self, offset: u64) -> Result<Option<RawRecord>, sled::Error> {
        let mut bytes = Vec::new();
        for chunk in self.tree.scan_prefix(offset.to_be_bytes()).values() {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(decode(&bytes))
    }

    fn sync(&self) -> std::io::Result<()> {
        self.tree.flush().map_err(std::io::Error::from)?;
        self.file.sync_data()
    }
}

impl Log for SledLog {
    fn read(&mut self, from: u64, each: &mut dyn FnMut(RawRecord)) -> Result<(), LogError> {
        let failed = |offset: u64, why: &str| {
            LogError(format!("{}: record {offset}: {why}", self.folder.display()))
        };
        let mut bytes = Vec::new();
        let mut current = from;
        for item in self.tree.range(from.to_be_bytes()..) {
            let (key, chunk) = item.map_err(|e| failed(current, &e.to_string()))?;
            let (offset, _) = split_key(&key);
            if offset != current {
                each(decode(&bytes).ok_or_else(|| failed(current, "it is damaged"))?);
                bytes.clear();
                current += 1;
                if offset != current {
                    return Err(failed(current, "it is missing"));
                }
            }
            bytes.extend_from_slice(&chunk);
        }
        if current < self.next_offset {
            each(decode(&bytes).ok_or_else(|| failed(current, "it is damaged"))?);
        }
        Ok(())
    }

    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<(), AppendError> {
        if expected != self.next_offset {
            return Err(AppendError::Conflict);
        }
        let mut batch = sled::Batch::default();
        for (offset, record) in (expected..).zip(records) {
            for (number, chunk) in (0_u32..).zip(encode(record).chunks(CHUNK_BYTES)) {
                batch.insert(&key(offset, number), chunk);
            }
        }
        let failed = |e: &dyn std::fmt::Display| AppendError::Failed(e.to_string());
        self.tree.apply_batch(batch).map_err(|e| failed(&e))?;
        self.sync().map_err(|e| failed(&e))?;
        self.next_offset += records.len() as u64;
        Ok(())
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

/// Length of the rest, length of the key, whether there is a value, key, value.
fn encode(record: &RawRecord) -> Vec<u8> {
    let value = record.value.as_deref();
    let length = 5 + record.key.len() + value.map_or(0, <[u8]>::len);
    let mut bytes = Vec::with_capacity(4 + length);
    bytes.extend((length as u32).to_be_bytes());
    bytes.extend((record.key.len() as u32).to_be_bytes());
    bytes.push(u8::from(value.is_some()));
    bytes.extend(&record.key);
    bytes.extend(value.unwrap_or_default());
    bytes
}

fn decode(bytes: &[u8]) -> Option<RawRecord> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    if rest.len() != u32::from_be_bytes(*length) as usize {
        return None;
    }
    let (key_length, rest) = rest.split_first_chunk::<4>()?;
    let (has_value, rest) = rest.split_first()?;
    let (key, value) = rest.split_at_checked(u32::from_be_bytes(*key_length) as usize)?;
    Some(RawRecord { key: key.into(), value: (*has_value == 1).then(|| value.into()) })
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
