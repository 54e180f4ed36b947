//! The witness: a small file beside sled's that says how long the log is at least, and what its end is.
//!
//! sled takes damage in its file for the end of what was written, and goes on from there: ids would be given
//! twice. What the witness says has to be there, or the log is damaged. It is written at most
//! [`BEHIND_MAX`] after what was answered, and last of all when the log is closed. The file is locked as
//! long as a process has the log.
//!
//! Two slots are written in turns, each with a checksum, so that one is whole whatever happens.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::frame::Link;
use super::store::End;

/// The witness's file in the folder of the data.
pub(super) const FILE: &str = "witness";

/// How far the witness may be behind what was answered. Half of the 100 ms that are promised: the writer may
/// be busy with a batch.
pub(super) const BEHIND_MAX: Duration = Duration::from_millis(50);

/// How long another process may have the folder, which may be ending just now.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Slots are in blocks of the disk of their own.
const SLOT_BYTES: usize = 4096;

const MAGIC: [u8; 8] = *b"weirlog1";
const CHECK_BYTES: usize = 16;

/// What the witness says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Testimony {
    /// Which folder the log is in: 0 is the folder of the data itself.
    pub(super) generation: u32,
    pub(super) end: End,
    /// The highest id that was given in any context.
    pub(super) highest_id: u32,
    /// No context gives this id or a lower one: records that had them may be lost.
    pub(super) ids_above: u32,
    /// The checksum of the files of the log, if it was closed.
    pub(super) closed: Option<u64>,
    /// What the log was when it was compacted last; all 0 if it never was.
    pub(super) compacted: Compacted,
}

/// A log after its compaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Compacted {
    /// When, in milliseconds since 1970.
    pub(super) at_ms: u64,
    pub(super) records: u64,
    /// Bytes of sled's file.
    pub(super) bytes: u64,
}

impl Testimony {
    fn encode(&self, turn: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(turn.to_be_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.end.next_offset.to_be_bytes());
        bytes.extend(self.end.link.0);
        bytes.extend(self.highest_id.to_be_bytes());
        bytes.extend(self.ids_above.to_be_bytes());
        bytes.push(u8::from(self.closed.is_some()));
        bytes.extend(self.closed.unwrap_or_default().to_be_bytes());
        let Compacted { at_ms, records, bytes: size } = self.compacted;
        [at_ms, records, size].iter().for_each(|number| bytes.extend(number.to_be_bytes()));
        let check = Sha256::digest(&bytes);
        bytes.extend(&check[..CHECK_BYTES]);
        bytes.resize(SLOT_BYTES, 0);
        bytes
    }

    fn decode(slot: &[u8]) -> Option<(u64, Testimony)> {
        let mut rest = slot.strip_prefix(&MAGIC)?;
        let turn = u64::from_be_bytes(take(&mut rest)?);
        let generation = u32::from_be_bytes(take(&mut rest)?);
        let next_offset = u64::from_be_bytes(take(&mut rest)?);
        let link = Link(take(&mut rest)?);
        let highest_id = u32::from_be_bytes(take(&mut rest)?);
        let ids_above = u32::from_be_bytes(take(&mut rest)?);
        let [is_closed] = take(&mut rest)?;
        let files = u64::from_be_bytes(take(&mut rest)?);
        let closed = (is_closed == 1).then_some(files);
        let compacted = Compacted {
            at_ms: u64::from_be_bytes(take(&mut rest)?),
            records: u64::from_be_bytes(take(&mut rest)?),
            bytes: u64::from_be_bytes(take(&mut rest)?),
        };
        let written = &slot[..slot.len() - rest.len()];
        if Sha256::digest(written)[..CHECK_BYTES] != take::<CHECK_BYTES>(&mut rest)? {
            return None;
        }
        let end = End { next_offset, link };
        let testimony = Testimony { generation, end, highest_id, ids_above, closed, compacted };
        Some((turn, testimony))
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

/// The file, locked.
pub(super) struct Witness {
    file: File,
    path: PathBuf,
    turn: u64,
    /// What it says; none if nothing was ever written, or all of it is damaged.
    said: Option<Testimony>,
    is_blank: bool,
    /// When it was written last; none if it is to be written as soon as it says something else.
    written: Option<Instant>,
}

impl Witness {
    /// Opens or makes the file and locks it. [`io::ErrorKind::WouldBlock`] if another process has it.
    pub(super) fn open(folder: &Path) -> io::Result<Witness> {
        let path = folder.join(FILE);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let give_up = Instant::now() + LOCK_TIMEOUT;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "logs block, on threads of their own"
                    )]
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut slots = vec![0; 2 * SLOT_BYTES];
        let length = (file.metadata()?.len() as usize).min(slots.len());
        file.read_exact_at(&mut slots[..length], 0)?;
        let newest = slots.chunks(SLOT_BYTES).filter_map(Testimony::decode).max_by_key(|s| s.0);
        let (turn, said) = newest.map_or((0, None), |(turn, said)| (turn, Some(said)));
        let is_blank = slots.iter().all(|byte| *byte == 0);
        Ok(Witness { file, path, turn, said, is_blank, written: None })
    }

    /// Whether nothing was ever written to it.
    pub(super) fn is_blank(&self) -> bool {
        self.is_blank
    }

    pub(super) fn said(&self) -> Option<Testimony> {
        self.said
    }

    /// Whether who opens the folder next finds this file.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        match std::fs::metadata(&self.path) {
            Ok(found) => Ok((ours.dev(), ours.ino()) == (found.dev(), found.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether it is time to write that this is so; else how long until then.
    pub(super) fn is_due(&self, testimony: &Testimony) -> Result<(), Option<Duration>> {
        if self.said.as_ref() == Some(testimony) {
            return Err(None);
        }
        let Some(written) = self.written else { return Ok(()) };
        match BEHIND_MAX.checked_sub(written.elapsed()) {
            None | Some(Duration::ZERO) => Ok(()),
            left => Err(left),
        }
    }

    /// What it is told next is written at once.
    pub(super) fn hurry(&mut self) {
        self.written = None;
    }

    /// What this says is on the disk when it returns.
    pub(super) fn write(&mut self, testimony: Testimony) -> io::Result<()> {
        self.turn += 1;
        let slot = (self.turn % 2) * SLOT_BYTES as u64;
        self.file.write_all_at(&testimony.encode(self.turn), slot)?;
        self.file.sync_data()?;
        self.said = Some(testimony);
        self.written = Some(Instant::now());
        Ok(())
    }

    /// Writes both slots: what was said before is not to be believed again.
    pub(super) fn write_twice(&mut self, testimony: Testimony) -> io::Result<()> {
        self.write(testimony)?;
        self.write(testimony)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn testimony(next_offset: u64) -> Testimony {
        Testimony {
            generation: 2,
            end: End { next_offset, link: Link([7; 16]) },
            highest_id: 9,
            ids_above: 3,
            closed: next_offset.is_multiple_of(2).then_some(next_offset),
            compacted: Compacted { at_ms: 5, records: 6, bytes: 7 },
        }
    }

    #[test]
    fn one_slot_is_whole_whatever_happens_to_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut witness = Witness::open(folder.path()).unwrap();
        assert_eq!(witness.said(), None);
        for n in 1..5 {
            witness.write(testimony(n)).unwrap();
        }
        drop(witness);
        let path = folder.path().join(FILE);
        let sound = std::fs::read(&path).unwrap();
        for at in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, damaged).unwrap();
            let said = Witness::open(folder.path()).unwrap().said().unwrap();
            assert!([testimony(3), testimony(4)].contains(&said), "{said:?}");
        }
    }

    #[test]
    fn a_folder_is_locked_until_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let open = Witness::open(folder.path()).unwrap();
        let error = Witness::open(folder.path()).err().expect("the second is refused");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(open);
        assert!(Witness::open(folder.path()).is_ok());
    }
}
