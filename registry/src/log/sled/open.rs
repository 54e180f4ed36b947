//! Opening the log: its records and the witness are compared, and what differs is said.

use std::fs;
use std::io;
use std::path::Path;

use weir_registry_core::Record;

use super::salvage::Salvage;
use super::store::{self, End, Store, StoreError};
use super::witness::{self, Testimony, Witness};
use super::{Access, SledLog, generation, unchained};
use crate::log::{COMPACT_FROM_RECORDS, Fault, LogError};

/// Bytes of records that are written at once where all of them are written anew.
const BATCH_BYTES: usize = 1024 * 1024;

pub(super) fn log(folder: &Path, loss_after: Option<u64>) -> Result<SledLog, LogError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        LogError(format!("{}: {what}: {error}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(|e| failed("cannot make the folder", &e))?;
    let witness = Witness::open(folder).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => failed("another process has it open", &error),
        _ => failed("cannot open the witness", &error),
    })?;
    let mut log = SledLog {
        folder: folder.to_path_buf(),
        witness,
        access: Access::Lost(Fault::Failed("it is not open yet".into())),
        generation: 0,
        highest_id: 0,
        ids_above: 0,
        compacted: witness::Compacted::default(),
        records: 0,
        look_at_records: COMPACT_FROM_RECORDS,
        compacting: None,
    };
    again(&mut log)?;
    if let Some(loss_after) = loss_after {
        accept_loss(&mut log, loss_after)?;
    }
    if let Some(fault) = log.fault() {
        tracing::error!("{fault}");
    }
    Ok(log)
}

/// Opens the records of a log whose witness is open.
pub(super) fn again(log: &mut SledLog) -> Result<(), LogError> {
    let folder = log.folder.display().to_string();
    let failed = |error: io::Error| LogError(format!("{folder}: {error}"));
    let access = match log.witness.said() {
        Some(said) => {
            log.generation = said.generation;
            log.highest_id = log.highest_id.max(said.highest_id);
            log.ids_above = said.ids_above;
            log.compacted = said.compacted;
            witnessed(log, said).map_err(failed)?
        }
        None => unwitnessed(log).map_err(failed)?,
    };
    log.access = access;
    if let Access::Whole(store) = &log.access {
        let end = store.end;
        // until it is closed, the files may be others than those that were closed
        let testimony = log.testimony(end);
        let written = match log.witness.said() {
            None => log.witness.write_twice(testimony),
            Some(_) => log.witness.write(testimony),
        };
        let removed = written.and_then(|()| generation::remove_others(&log.folder, log.generation));
        if let Err(error) = removed {
            let fault = log.fault_of(StoreError::Io(error));
            log.access = Access::Lost(fault);
            return reopen_to_read(log, end).map_err(failed);
        }
    }
    Ok(())
}

/// What a log is whose witness says something.
fn witnessed(log: &mut SledLog, said: Testimony) -> io::Result<Access> {
    let folder = generation::folder(&log.folder, log.generation);
    let checksum = generation::checksum(&folder);
    if said.closed.is_some() && said.closed == checksum.ok() {
        match Store::open(&folder, said.end.next_offset) {
            Ok(store) if store.end == said.end => return Ok(Access::Whole(store)),
            Ok(_) | Err(StoreError::Damaged(_) | StoreError::Gone(_)) => {}
            Err(StoreError::Io(error)) => return read_only(log, said.end, StoreError::Io(error)),
        }
    }
    let salvage = Salvage::of(&folder, said.end)?;
    if !salvage.is_complete {
        return Ok(damaged(log, salvage, said.end));
    }
    // nobody has closed it: sled may have to put its file in order, which it does in its own way
    if said.closed.is_none() {
        match Store::open(&folder, said.end.next_offset) {
            Ok(store) => {
                if store.has(said.end) {
                    return Ok(Access::Whole(store));
                }
            }
            Err(StoreError::Damaged(_) | StoreError::Gone(_)) => {}
            Err(StoreError::Io(error)) => return read_only(log, said.end, StoreError::Io(error)),
        }
        let salvage = Salvage::of(&folder, said.end)?;
        if !salvage.is_complete {
            return Ok(damaged(log, salvage, said.end));
        }
    }
    tracing::warn!(
        "{}: the file has changed since it was closed, or sled cannot read it; all records are sound, and are \
         written anew",
        folder.join(store::FILE).display()
    );
    Ok(rewritten(log, salvage, said.end))
}

/// What a log is whose witness says nothing: new, of a time when there was no witness, or damaged.
fn unwitnessed(log: &mut SledLog) -> io::Result<Access> {
    let salvage = Salvage::of(&log.folder, End::OF_NOTHING)?;
    if salvage.count() > 0 || !log.witness.is_blank() {
        return Ok(unwitnessed_damage(log, salvage));
    }
    let opened = match unchained::upgrade(&log.folder) {
        Ok(Some(store)) => {
            log.generation = unchained::GENERATION;
            Ok(store)
        }
        Ok(None) => Store::open(&log.folder, 0),
        Err(error) => Err(error),
    };
    match opened {
        Ok(store) => Ok(Access::Whole(store)),
        Err(StoreError::Io(error)) => Err(error),
        Err(StoreError::Damaged(why) | StoreError::Gone(why)) => Err(io::Error::other(why)),
    }
}

fn damaged(log: &SledLog, salvage: Salvage, end: End) -> Access {
    let file = generation::folder(&log.folder, log.generation).join(store::FILE);
    let first = salvage.whole_up_to.next_offset;
    let why = format!(
        "{file} is damaged: of records 0 to {last}, the first that is lost or changed is {first}; {count} records \
         can be read, and are served. No writes are taken, because ids would be given twice. Restore {folder} \
         from a backup; or copy what can be read to another place, with `weir migrate --from sled:{folder}`; or \
         go on without what is lost, with --accept-loss-after {first}: ids that were given are not given again",
        file = file.display(),
        last = end.next_offset.saturating_sub(1),
        count = salvage.count(),
        folder = log.folder.display(),
    );
    Access::ReadOnly { salvage, why: Fault::Damaged(why) }
}

fn unwitnessed_damage(log: &SledLog, salvage: Salvage) -> Access {
    let first = salvage.whole_up_to.next_offset;
    let why = format!(
        "{witness} is missing or damaged, which says how long the log is: nobody knows whether the {count} records \
         that can be read, and are served, are all. No writes are taken, because ids might be given twice. \
         Restore {folder} from a backup; or copy what can be read to another place, with `weir migrate --from \
         sled:{folder}`; or go on with what is there, with --accept-loss-after {first}",
        witness = log.folder.join(witness::FILE).display(),
        count = salvage.count(),
        folder = log.folder.display(),
    );
    Access::ReadOnly { salvage, why: Fault::Damaged(why) }
}

/// The log where it can be read and not be written now: the disk is full, for one.
fn read_only(log: &SledLog, end: End, error: StoreError) -> io::Result<Access> {
    let salvage = Salvage::of(&generation::folder(&log.folder, log.generation), end)?;
    if !salvage.is_complete {
        return Ok(damaged(log, salvage, end));
    }
    Ok(Access::ReadOnly { salvage, why: log.fault_of(error) })
}

fn reopen_to_read(log: &mut SledLog, end: End) -> io::Result<()> {
    let Some(why) = log.fault().cloned() else { return Ok(()) };
    let salvage = Salvage::of(&generation::folder(&log.folder, log.generation), end)?;
    log.access = Access::ReadOnly { salvage, why };
    Ok(())
}

/// Writes what was salvaged to a generation of its own, behind which the log goes on; where that fails, it can
/// still be read.
fn rewritten(log: &mut SledLog, salvage: Salvage, end: End) -> Access {
    let generation = log.generation + 1;
    match rewrite(&log.folder, generation, &salvage, end.next_offset) {
        Ok(store) => {
            log.generation = generation;
            let testimony = log.testimony(store.end);
            match log.witness.write_twice(testimony) {
                Ok(()) => Access::Whole(store),
                Err(error) => {
                    log.generation -= 1;
                    let why = log.fault_of(StoreError::Io(error));
                    Access::ReadOnly { salvage, why }
                }
            }
        }
        Err(error) => {
            let why = log.fault_of(error);
            Access::ReadOnly { salvage, why }
        }
    }
}

fn rewrite(
    data: &Path,
    generation: u32,
    salvage: &Salvage,
    next_offset: u64,
) -> Result<Store, StoreError> {
    let folder = generation::folder(data, generation);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut store = Store::open(&folder, 0)?;
    let (mut batch, mut bytes, mut result) = (Vec::new(), 0, Ok(()));
    salvage.read(0, &mut |offset, record| {
        bytes += record.bytes();
        batch.push((offset, record));
        if bytes >= BATCH_BYTES && result.is_ok() {
            result = store.append(batch.iter().map(|(offset, record)| (*offset, record)));
            batch.clear();
            bytes = 0;
        }
    })?;
    result?;
    store.append(batch.iter().map(|(offset, record)| (*offset, record)))?;
    // records that are lost had offsets, which nobody else gets
    if let Some(last) = next_offset.checked_sub(1).filter(|last| *last >= store.end.next_offset) {
        store.append([(last, &Record::Noop.encode())])?;
    }
    store.sync()?;
    Ok(store)
}

/// Goes on without what is lost, if that begins where it was said to.
fn accept_loss(log: &mut SledLog, loss_after: u64) -> Result<(), LogError> {
    let Access::ReadOnly { salvage, why: Fault::Damaged(why) } = &log.access else {
        return Ok(());
    };
    let first = salvage.whole_up_to.next_offset;
    if first < loss_after {
        return Err(LogError(format!(
            "--accept-loss-after {loss_after}: the first record that is lost is {first}. {why}"
        )));
    }
    let lost = Access::Lost(Fault::Failed("it is written anew".into()));
    let Access::ReadOnly { salvage, .. } = std::mem::replace(&mut log.access, lost) else {
        return Ok(());
    };
    let said = log.witness.said().map_or(End::OF_NOTHING, |said| said.end);
    log.ids_above = log.ids_above.max(log.highest_id);
    log.access = rewritten(log, salvage, said);
    match &log.access {
        Access::Whole(store) => {
            tracing::warn!(
                "records from {first} on are lost or changed, which --accept-loss-after accepts; the log goes on \
                 at {}, with ids above {}",
                store.end.next_offset,
                log.ids_above
            );
            generation::remove_others(&log.folder, log.generation)
                .map_err(|error| LogError(format!("{}: {error}", log.folder.display())))
        }
        Access::ReadOnly { why, .. } | Access::Lost(why) => Err(LogError(why.to_string())),
    }
}
