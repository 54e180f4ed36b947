//! What a log knows besides its batches: where it starts, how far it is compacted, and snapshots of what
//! its owner derived from it. They are small files beside the segments, each with a checksum.

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::segment::{file_name, offset_in};
use crate::files::{Files, read_all, replace};

const STATE_FILE: &str = "state";
const SNAPSHOT_SUFFIX: &str = ".snapshot";
/// The last one may be of records that a power loss took.
const SNAPSHOTS_KEPT: usize = 2;
const CHECKSUM_BYTES: usize = 4;

/// Numbers that are not in the batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogState {
    /// Records before it were deleted.
    pub start: i64,
    /// Records before it have been compacted.
    pub compacted: i64,
}

/// What the owner of a log derived from everything before an offset, in a form of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What is in the log from here on is not in it.
    pub offset: i64,
    pub bytes: Bytes,
}

impl LogState {
    /// What was saved last, or the state of a new log.
    pub fn load(files: &dyn Files, folder: &str) -> io::Result<LogState> {
        let Some(bytes) = read_checked(files, &path(folder))? else {
            return Ok(LogState::default());
        };
        Ok(serde_json::from_slice(&bytes)?)
    }

    pub fn save(&self, files: &dyn Files, folder: &str) -> io::Result<()> {
        write_checked(files, &path(folder), &serde_json::to_vec(self)?)
    }
}

pub fn path(folder: &str) -> String {
    format!("{folder}/{STATE_FILE}")
}

impl Snapshot {
    /// The newest that is whole and not of offsets after `end`. Those are of records that are lost.
    pub fn load(files: &dyn Files, folder: &str, end: i64) -> io::Result<Option<Snapshot>> {
        for offset in offsets(files, folder)?.into_iter().rev() {
            let path = format!("{folder}/{}", file_name(offset, SNAPSHOT_SUFFIX));
            if offset > end {
                files.remove(&path)?;
            } else if let Some(bytes) = read_checked(files, &path)? {
                return Ok(Some(Snapshot { offset, bytes }));
            }
        }
        Ok(None)
    }

    pub fn save(&self, files: &dyn Files, folder: &str) -> io::Result<()> {
        let path = |offset| format!("{folder}/{}", file_name(offset, SNAPSHOT_SUFFIX));
        write_checked(files, &path(self.offset), &self.bytes)?;
        let mut old = offsets(files, folder)?;
        old.truncate(old.len().saturating_sub(SNAPSHOTS_KEPT));
        old.into_iter().try_for_each(|offset| files.remove(&path(offset)))
    }
}

impl Snapshot {
    /// Removes those that were saved: the next start derives everything from the records.
    pub fn remove_all(files: &dyn Files, folder: &str) -> io::Result<()> {
        let path = |offset| format!("{folder}/{}", file_name(offset, SNAPSHOT_SUFFIX));
        offsets(files, folder)?.into_iter().try_for_each(|offset| files.remove(&path(offset)))
    }
}

/// The offsets of the snapshots in a folder, ascending.
fn offsets(files: &dyn Files, folder: &str) -> io::Result<Vec<i64>> {
    let names = files.list(folder)?;
    let mut offsets: Vec<i64> =
        names.iter().filter_map(|name| offset_in(name, SNAPSHOT_SUFFIX)).collect();
    offsets.sort_unstable();
    Ok(offsets)
}

/// What [`write_checked`] wrote; `None` if it is not there or a power loss has torn it.
pub fn read_checked(files: &dyn Files, path: &str) -> io::Result<Option<Bytes>> {
    let Some(file) = files.find(path)? else { return Ok(None) };
    let bytes = Bytes::from(read_all(&*file)?);
    if bytes.len() < CHECKSUM_BYTES {
        return Ok(None);
    }
    let content = bytes.slice(CHECKSUM_BYTES..);
    let is_right = bytes[..CHECKSUM_BYTES] == crc32c::crc32c(&content).to_be_bytes();
    if !is_right {
        tracing::warn!("{path} is not what was written, and is not used");
    }
    Ok(is_right.then_some(content))
}

/// Puts a small file in place of what there was.
pub fn write_checked(files: &dyn Files, path: &str, content: &[u8]) -> io::Result<()> {
    let mut bytes = crc32c::crc32c(content).to_be_bytes().to_vec();
    bytes.extend_from_slice(content);
    replace(files, path, &bytes)
}
