//! What the broker remembers besides records: topics, offsets of groups, transactions, ACLs.
//!
//! It is one file of frames: a frame is the length and the CRC-32C of its payload, each in four bytes, and the payload, which is
//! the entries of one write as JSON. They are there together or not at all. The last value of a key holds, and a
//! key without a value was deleted; a file that has become long is rewritten without what no longer holds.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Acl, ConfigScope, Now, ScramMechanism};
use crate::files::{File, Files, read_all};
use crate::log::{LogConfig, refuse_records};

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    Topic(String),
    /// The members of a group and what each of them has.
    Group(String),
    /// What a group has committed for a partition.
    Offset {
        group: String,
        topic: String,
        partition: i32,
    },
    /// What is known of a transactional id.
    Transaction(String),
    /// The first producer id that was not given yet.
    ProducerIds,
    /// What a producer's transaction will commit for a group.
    PendingOffsets {
        group: String,
        producer: i64,
    },
    ClusterId,
    /// A quota, by the JSON of the entity that has it.
    Quota(String),
    /// A rule of access. Its value says that it is there.
    Acl(Acl),
    Config(ConfigScope),
    ScramCredential {
        user: String,
        mechanism: ScramMechanism,
    },
}

/// A key and what holds for it from now on; `None` says that it was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub key: Key,
    pub value: Option<serde_json::Value>,
}

const PATH: &str = "journal";
/// What is being written in place of the journal.
const NEW_PATH: &str = "journal.new";
/// Length and checksum.
const FRAME_HEADER_BYTES: usize = 8;
/// A payload is never longer.
const FRAME_MAX_BYTES: usize = 64 * 1024 * 1024;
/// A journal is rewritten when it is twice as long as after the last rewriting, and this much longer.
const REWRITE_BYTES: u64 = 1024 * 1024;

/// The file and how far it is written.
#[derive(Debug)]
pub struct Journal {
    files: Arc<dyn Files>,
    file: Arc<dyn File>,
    /// Everything before is whole frames.
    size: u64,
    /// Everything before is on the disk.
    synced: u64,
    /// What it took when nothing in it was out of date.
    live_size: u64,
    /// A failed write has left bytes after `size` which could not be cut off.
    has_rubbish: bool,
    /// Counts the files: what was planned for one is not done to its successor.
    generation: u64,
    /// When unsynced bytes were seen first.
    dirty_since: Option<Duration>,
    /// They may be unsynced for so long.
    flush_after: Duration,
    flushes_each_write: bool,
    /// The folder is of somebody else.
    is_closed: bool,
}

/// A rewriting of the journal, of which the long part is done without the core.
#[derive(Debug)]
pub struct Rewrite {
    files: Arc<dyn Files>,
    file: Arc<dyn File>,
    size: u64,
    generation: u64,
}

/// A journal that is written, up to the size that the old one had then.
#[derive(Debug)]
pub struct Rewritten {
    file: Arc<dyn File>,
    size: u64,
    until: u64,
    generation: u64,
}

/// A journal to be put on the disk.
#[derive(Debug)]
pub struct JournalSync {
    files: Arc<dyn Files>,
    file: Arc<dyn File>,
    size: u64,
    generation: u64,
}

impl Journal {
    /// Opens it, with what holds: the last entry of each key, in the order of their writing.
    ///
    /// A torn frame at the end was never acknowledged and is cut. A fault before it is an error, and so is a journal
    /// without an entry beside records: nothing would be known of their topics, and topics of their names would begin empty.
    pub(super) fn open(
        files: &Arc<dyn Files>,
        config: &LogConfig,
    ) -> io::Result<(Journal, Vec<Entry>)> {
        let bytes = files.find(PATH)?.map_or(Ok(Vec::new()), |file| read_all(&*file))?;
        let (entries, size) = live_entries(&bytes)?;
        if size == 0 {
            refuse_records(&**files, PATH)?;
        }
        files.remove(NEW_PATH)?;
        let file = files.open(PATH)?;
        if size < bytes.len() {
            tracing::warn!(
                "the journal ends in a torn write of {} bytes, which is cut",
                bytes.len() - size
            );
            file.set_size(size as u64)?;
        }
        let live_size = frames(&entries)?.len() as u64;
        let journal = Journal {
            files: files.clone(),
            file,
            size: size as u64,
            synced: 0,
            live_size,
            has_rubbish: false,
            generation: 0,
            dirty_since: None,
            flush_after: Duration::from_millis(config.flush_ms),
            flushes_each_write: config.flush_messages <= 1,
            is_closed: false,
        };
        Ok((journal, entries))
    }

    /// Appends entries, all or none. They are in the operating system's hands when this returns.
    pub fn write(&mut self, entries: Vec<Entry>, _now: Now) -> io::Result<()> {
        if self.is_closed {
            return Err(io::Error::other("the broker has stopped"));
        }
        let frame = frame(&entries)?;
        // which keeps it open; a file of the name that is made now would not have what was written
        let file = self.files.find(PATH)?.ok_or_else(|| io::Error::other("the journal is gone"))?;
        if self.has_rubbish {
            file.set_size(self.size)?;
            self.has_rubbish = false;
        }
        if let Err(error) = file.write_at(&frame, self.size) {
            self.has_rubbish = file.set_size(self.size).is_err();
            return Err(error);
        }
        self.size += frame.len() as u64;
        if self.flushes_each_write { self.sync_all() } else { Ok(()) }
    }

    /// What has to be put on the disk, if it has waited long enough.
    pub(super) fn plan_sync(&mut self, now: Now) -> Option<JournalSync> {
        if self.synced == self.size {
            self.dirty_since = None;
            return None;
        }
        let since = *self.dirty_since.get_or_insert(now.elapsed);
        if now.elapsed.saturating_sub(since) < self.flush_after {
            return None;
        }
        self.dirty_since = Some(now.elapsed);
        let (files, file) = (self.files.clone(), self.file.clone());
        Some(JournalSync { files, file, size: self.size, generation: self.generation })
    }

    /// Puts everything on the disk before this returns.
    pub(super) fn sync_all(&mut self) -> io::Result<()> {
        if self.synced < self.size {
            self.file.sync()?;
            self.files.sync_folder("")?;
            self.synced = self.size;
        }
        Ok(())
    }

    /// Puts everything on the disk. Nothing can be written after that.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.is_closed = true;
        self.sync_all()
    }

    pub(super) fn synced(&mut self, sync: &JournalSync) {
        if sync.generation == self.generation {
            self.synced = self.synced.max(sync.size);
        }
    }

    /// The rewriting of a journal that has become long.
    pub(super) fn plan_rewrite(&self) -> Option<Rewrite> {
        (self.size > 2 * self.live_size + REWRITE_BYTES).then(|| Rewrite {
            files: self.files.clone(),
            file: self.file.clone(),
            size: self.size,
            generation: self.generation,
        })
    }

    /// Takes the new file in place of the old one, with what was written since.
    pub(super) fn rewritten(&mut self, new: Rewritten) -> io::Result<()> {
        if new.generation != self.generation || self.is_closed {
            return Ok(());
        }
        let since = usize::try_from(self.size - new.until).map_err(io::Error::other)?;
        let mut bytes = vec![0; since];
        self.file.read_at(&mut bytes, new.until)?;
        if since > 0 {
            new.file.write_at(&bytes, new.size)?;
            new.file.sync()?;
        }
        let file = self.files.find(NEW_PATH)?.ok_or(io::ErrorKind::NotFound)?;
        self.files.rename(NEW_PATH, PATH)?;
        // what is written from here on goes to the new file, whatever fails
        self.file = file;
        self.size = new.size + since as u64;
        self.synced = 0; // its name is not on the disk yet
        self.live_size = new.size;
        self.has_rubbish = false;
        self.generation += 1;
        self.sync_all()
    }
}

impl Rewrite {
    /// Writes what holds to a new file, and puts it on the disk.
    pub fn run(&self) -> io::Result<Rewritten> {
        let mut bytes = vec![0; usize::try_from(self.size).map_err(io::Error::other)?];
        self.file.read_at(&mut bytes, 0)?;
        let (entries, _) = live_entries(&bytes)?;
        let live = frames(&entries)?;
        self.files.remove(NEW_PATH)?;
        let file = self.files.open(NEW_PATH)?;
        file.write_at(&live, 0)?;
        file.sync()?;
        Ok(Rewritten {
            file,
            size: live.len() as u64,
            until: self.size,
            generation: self.generation,
        })
    }
}

impl JournalSync {
    pub fn run(&self) -> io::Result<()> {
        self.file.sync()?;
        self.files.sync_folder("")
    }
}

/// The entries of one write.
fn frame(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; FRAME_HEADER_BYTES];
    serde_json::to_writer(&mut frame, entries)?;
    let payload = &frame[FRAME_HEADER_BYTES..];
    if payload.len() > FRAME_MAX_BYTES {
        let why = format!("a write of {} bytes is too long for the journal", payload.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let checksum = crc32c::crc32c(payload);
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame[4..FRAME_HEADER_BYTES].copy_from_slice(&checksum.to_be_bytes());
    Ok(frame)
}

/// Each entry in a frame of its own, so that no frame becomes too long.
fn frames(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut frames = Vec::new();
    for entry in entries {
        frames.extend_from_slice(&frame(std::slice::from_ref(entry))?);
    }
    Ok(frames)
}

/// What holds, and how many bytes are whole frames.
fn live_entries(bytes: &[u8]) -> io::Result<(Vec<Entry>, usize)> {
    let mut last: HashMap<Key, (usize, serde_json::Value)> = HashMap::new();
    let mut position = 0;
    let mut written = 0;
    while let Some(payload) = payload(bytes, position)? {
        let entries: Vec<Entry> =
            serde_json::from_slice(payload).map_err(|error| fault(position, &error.to_string()))?;
        for entry in entries {
            written += 1;
            match entry.value {
                Some(value) => last.insert(entry.key, (written, value)),
                None => last.remove(&entry.key),
            };
        }
        position += FRAME_HEADER_BYTES + payload.len();
    }
    let mut live: Vec<_> = last.into_iter().collect();
    live.sort_unstable_by_key(|(_, (written, _))| *written);
    let entries =
        live.into_iter().map(|(key, (_, value))| Entry { key, value: Some(value) }).collect();
    Ok((entries, position))
}

/// The payload of the frame at `position`. There is none at the end, nor if the last frame is torn.
fn payload(bytes: &[u8], position: usize) -> io::Result<Option<&[u8]>> {
    let rest = &bytes[position..];
    let Some((header, rest)) = rest.split_first_chunk::<FRAME_HEADER_BYTES>() else {
        return Ok(None);
    };
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    let Some(payload) = rest.get(..length) else {
        return Ok(None);
    };
    if length > 0 && crc32c::crc32c(payload) == u32::from_be_bytes([c0, c1, c2, c3]) {
        return Ok(Some(payload));
    }
    let is_torn = rest.len() == length || rest.iter().all(|byte| *byte == 0);
    if is_torn { Ok(None) } else { Err(fault(position, "its checksum is wrong")) }
}

fn fault(position: usize, why: &str) -> io::Error {
    let why = format!("{PATH}: the frame at byte {position} cannot be read: {why}");
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests;
