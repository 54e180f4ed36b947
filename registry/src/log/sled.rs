//! The log on disk: sled, synced by ourselves, with a witness beside it.
//!
//! Every record has its place in a chain ([`frame`]), and the witness knows the chain's end ([`witness`]). At
//! the start the two are compared. What differs is damage: the log can still be read, as far as its records
//! are sound ([`salvage`]), and takes no writes, so that no id is given twice. The records are in a folder of
//! sled's ([`store`]): generation 0 in the folder of the data, what a compaction leaves in `log.1` and so on.

mod chunk;
mod compact;
mod frame;
mod generation;
mod open;
mod salvage;
mod store;
mod texts;
mod unchained;
mod witness;

#[cfg(test)]
mod damage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use weir_registry_core::{RawRecord, State};

use self::compact::{Compacting, NextLook};
use self::salvage::Salvage;
use self::store::{End, Store, StoreError};
use self::witness::{Compacted, Testimony, Witness};
use super::{AppendError, Fault, Log, LogError, LogStatus};

pub struct SledLog {
    folder: PathBuf,
    witness: Witness,
    access: Access,
    generation: u32,
    /// See [`Testimony`].
    highest_id: u32,
    ids_above: u32,
    compacted: Compacted,
    /// Records in the log, once it was read.
    records: u64,
    next_look: NextLook,
    compacting: Option<Compacting>,
    /// Compactions since the log was opened, and those that have failed.
    compactions: u64,
    failed_compactions: u64,
    /// Loss from this record on is accepted.
    loss_after: Option<u64>,
    /// The end of all that was answered, where this process has had the log whole.
    answered: Option<End>,
}

/// Ids from here on nobody has been given: they were imported. They do not count for what is lost.
const IMPORTED_IDS: u32 = 1 << 30;

/// What can be done with the records.
enum Access {
    Whole(Store),
    /// They can be read as far as they are sound.
    ReadOnly {
        salvage: Salvage,
        why: Fault,
    },
    /// Nothing can be done before the log is opened anew.
    Lost(Fault),
}

impl SledLog {
    /// Opens or makes the log in `folder`. One process at a time can have it.
    ///
    /// A log that is damaged is opened all the same: see [`Log::status`].
    pub fn open(folder: &Path) -> Result<SledLog, LogError> {
        SledLog::open_accepting(folder, None)
    }

    /// Whether a log is in `folder`, or was.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(witness::FILE).exists()
            || generation::all(folder).is_ok_and(|generations| !generations.is_empty())
    }

    /// Opens the log, and goes on without records that are lost if the first of them has the offset
    /// `loss_after` or a later one. All that is sound stays, and ids that were given are not given again.
    pub fn open_accepting(folder: &Path, loss_after: Option<u64>) -> Result<SledLog, LogError> {
        open::log(folder, loss_after)
    }

    fn testimony(&self, end: End) -> Testimony {
        Testimony {
            generation: self.generation,
            end,
            highest_id: self.highest_id,
            ids_above: self.ids_above,
            closed: None,
            compacted: self.compacted,
        }
    }

    fn fault(&self) -> Option<&Fault> {
        match &self.access {
            Access::Whole(_) => None,
            Access::ReadOnly { why, .. } | Access::Lost(why) => Some(why),
        }
    }

    fn lose(&mut self, fault: Fault) -> AppendError {
        self.witness.hurry();
        let error = AppendError::Failed(fault.to_string());
        // sled that has failed may wait for ever when it is read or dropped
        let compacting = self.compacting.take();
        compacting.iter().for_each(Compacting::stop);
        let old = std::mem::replace(&mut self.access, Access::Lost(fault));
        std::thread::spawn(move || drop((compacting, old)));
        error
    }

    /// What a store says that does not do what it is told.
    fn fault_of(&self, error: StoreError) -> Fault {
        let folder = generation::folder(&self.folder, self.generation);
        let file = folder.join(store::FILE);
        match error {
            StoreError::Gone(why) => Fault::Gone(why),
            StoreError::Io(why) => Fault::Failed(format!("{}: {why}", file.display())),
            StoreError::Damaged(why) => Fault::Damaged(format!("{}: {why}", file.display())),
        }
    }
}

impl Log for SledLog {
    fn read(&mut self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> Result<(), LogError> {
        self.stop_compacting();
        let mut count = 0;
        let mut counting = |offset, record| {
            count += 1;
            each(offset, record);
        };
        let read = match &mut self.access {
            Access::Whole(store) => store.read(from, &mut counting),
            Access::ReadOnly { salvage, .. } => Ok(salvage.read(from, &mut counting)?),
            Access::Lost(why) => return Err(LogError(why.to_string())),
        };
        self.records = if from == 0 { count } else { self.records + count };
        read.map_err(|error| LogError(self.fault_of(error).to_string()))
    }

    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<u64, AppendError> {
        let Access::Whole(store) = &mut self.access else {
            let why = self.fault().map(Fault::to_string).unwrap_or_default();
            return Err(AppendError::Failed(why));
        };
        if expected != store.end.next_offset {
            return Err(AppendError::Conflict);
        }
        let appended = store.append((expected..).zip(records));
        let appended = appended.and_then(|()| store.sync()).and_then(|()| {
            match self.witness.is_in_place()? {
                true => Ok(()),
                false => {
                    let path = self.folder.join(witness::FILE);
                    let why = "was removed or replaced while it was open";
                    Err(StoreError::Gone(format!("{} {why}", path.display())))
                }
            }
        });
        if let Err(error) = appended {
            let fault = self.fault_of(error);
            return Err(self.lose(fault));
        }
        self.answered = Some(store.end);
        self.records += records.len() as u64;
        Ok(expected)
    }

    fn ids_above(&self) -> u32 {
        self.ids_above
    }

    fn tend(&mut self, state: &State) -> Option<Duration> {
        // also where it has failed: the next start is to know what was answered
        let answered = self.answered?;
        let given = state.max_ids().map(|(_, id)| id.0).filter(|id| *id < IMPORTED_IDS);
        self.highest_id = self.highest_id.max(given.max().unwrap_or_default());
        let testimony = self.testimony(answered);
        let again = match self.witness.is_due(&testimony) {
            Ok(()) => match self.witness.write(testimony) {
                Ok(()) => None,
                Err(error) => {
                    let path = self.folder.join(witness::FILE);
                    self.lose(Fault::Failed(format!("{}: {error}", path.display())));
                    return None;
                }
            },
            Err(again) => again,
        };
        let compaction = self.tend_compaction(state);
        [again, compaction].into_iter().flatten().min()
    }

    fn salvage(&mut self) -> bool {
        if !matches!(self.access, Access::Whole(_)) {
            return false;
        }
        self.stop_compacting();
        match open::unreadable(self) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "nothing can be read of the log");
                false
            }
        }
    }

    fn recover(&mut self) -> Result<(), LogError> {
        match self.fault() {
            None => return Ok(()),
            Some(Fault::Failed(_)) => {}
            Some(lasting) => return Err(LogError(lasting.to_string())),
        }
        self.stop_compacting();
        open::again(self)
    }

    fn status(&self) -> LogStatus {
        let bytes = match &self.access {
            Access::Whole(store) => store.bytes(),
            _ => 0,
        };
        LogStatus {
            fault: self.fault().cloned(),
            bytes,
            records: self.records,
            compacted_at_ms: self.compacted.at_ms,
            compactions: self.compactions,
            failed_compactions: self.failed_compactions,
        }
    }
}

impl Drop for SledLog {
    /// Says in the witness that the log was closed, and what its files are.
    fn drop(&mut self) {
        self.stop_compacting();
        let closed = Access::Lost(Fault::Failed("it was closed".into()));
        let Access::Whole(store) = std::mem::replace(&mut self.access, closed) else { return };
        let testimony = self.testimony(store.end);
        let is_synced = store.sync();
        drop(store);
        let folder = generation::folder(&self.folder, self.generation);
        let closed = is_synced.and_then(|()| Ok(generation::checksum(&folder)?));
        let written = closed.and_then(|files| {
            Ok(self.witness.write(Testimony { closed: Some(files), ..testimony })?)
        });
        if let Err(error) = written {
            let fault = self.fault_of(error);
            tracing::error!(%fault, "the log could not be closed; the next start looks at all of it");
        }
    }
}
