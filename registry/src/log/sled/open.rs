//! Opening the log: its records and the witness are compared, and what differs is said.

use std::fs;
use std::io;
use std::path::Path;

use weir_registry_core::Record;

use super::compact::NextLook;
use super::salvage::Salvage;
use super::store::{self, End, Filling, Store, StoreError};
use super::witness::{self, Testimony, Witness};
use super::{Access, SledLog, generation, unchained};
use crate::log::{Fault, LogError};

pub(super) fn log(folder: &Path, loss_after: Option<u64>) -> Result<SledLog, LogError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        LogError(format!("{}: {what}: {error}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(|e| failed("cannot make the folder", &e))?;
    let witness = Witness::open(folder).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => LogError(format!(
            "{}: another process has it open; stop that one, or say another folder with --data-dir",
            folder.display()
        )),
        io::ErrorKind::PermissionDenied => LogError(format!(
            "{}: its files cannot be written: permission denied; let the user that weir runs as write there",
            folder.display()
        )),
        _ => failed("cannot open the file `witness`, which says where the log ends", &error),
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
        next_look: NextLook::default(),
        compacting: None,
        compactions: 0,
        failed_compactions: 0,
        loss_after,
        answered: None,
    };
    again(&mut log)?;
    accept_loss(&mut log)?;
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
        log.answered = Some(end);
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

/// What a log is whose records could not be read to the end, although sled has opened it.
pub(super) fn unreadable(log: &mut SledLog) -> Result<(), LogError> {
    log.access = Access::Lost(Fault::Failed("it is being looked through".into()));
    let end = log.witness.said().map_or(End::OF_NOTHING, |said| said.end);
    let salvage = Salvage::of(&generation::folder(&log.folder, log.generation), end)?;
    log.answered = None;
    log.access = match salvage.is_complete {
        true => rewritten(log, salvage, end),
        false => damaged(log, salvage, end),
    };
    accept_loss(log)
}

/// The generation that has most sound records, of those that the witness does not name.
fn misplaced(log: &SledLog) -> io::Result<Option<(u32, Salvage)>> {
    let mut best: Option<(u32, Salvage)> = None;
    for generation in generation::all(&log.folder)? {
        let folder = generation::folder(&log.folder, generation);
        if generation == log.generation || !folder.is_dir() {
            continue;
        }
        let salvage = Salvage::of(&folder, End::UNKNOWN)?;
        if salvage.count() > best.as_ref().map_or(0, |(_, best)| best.count()) {
            best = Some((generation, salvage));
        }
    }
    Ok(best)
}

/// What a log is whose witness says something.
fn witnessed(log: &mut SledLog, said: Testimony) -> io::Result<Access> {
    let folder = generation::folder(&log.folder, log.generation);
    if !folder.join(store::FILE).exists()
        && let Some((generation, salvage)) = misplaced(log)?
    {
        log.generation = generation;
        return Ok(strange_witness(log, salvage));
    }
    let checksum = generation::checksum(&folder);
    if said.closed.is_some() && said.closed == checksum.ok() {
        match Store::open(&folder, said.end.next_offset) {
            Ok(store) if store.end == said.end => return Ok(Access::Whole(store)),
            Ok(_) | Err(StoreError::Damaged(_) | StoreError::Gone(_)) => {}
            Err(StoreError::Io(error)) => return read_only(log, said.end, StoreError::Io(error)),
        }
    }
    let mut salvage = Salvage::of(&folder, said.end)?;
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
        // sled has changed the file since it was looked through
        salvage = Salvage::of(&folder, said.end)?;
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
    // of which generation is the log, the witness would have said
    log.generation = u32::MAX;
    let misplaced = misplaced(log)?;
    log.generation = 0;
    if let Some((generation, salvage)) = misplaced {
        log.generation = generation;
        return Ok(strange_witness(log, salvage));
    }
    if !log.witness.is_blank() {
        let salvage = Salvage::of(&log.folder, End::UNKNOWN)?;
        return Ok(strange_witness(log, salvage));
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
        "{file} is damaged: of records 0 to {last}, the first that is lost or changed is {first}; {count} \
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

/// The witness says nothing, or of another log than there is.
fn strange_witness(log: &SledLog, salvage: Salvage) -> Access {
    let first = salvage.whole_up_to.next_offset;
    let why = format!(
        "{witness}, which says how long the log is, is missing, damaged or of another log: nobody knows whether the \
         {count} records in {file}, which can be read and are served, are all. No writes are taken, because ids \
         might be given twice. Restore {folder} from a backup; or copy what can be read to another place, with \
         `weir migrate --from sled:{folder}`; or go on with what is there, with --accept-loss-after {first}",
        witness = log.folder.join(witness::FILE).display(),
        file = generation::folder(&log.folder, log.generation).join(store::FILE).display(),
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
    let next = generation::next(&log.folder).map_err(StoreError::Io);
    let written = next.and_then(|next| {
        rewrite(&log.folder, next, &salvage, end.next_offset).map(|store| (next, store))
    });
    match written {
        Ok((next, store)) => {
            let before = std::mem::replace(&mut log.generation, next);
            let testimony = log.testimony(store.end);
            match log.witness.write_twice(testimony) {
                Ok(()) => {
                    log.answered = Some(store.end);
                    Access::Whole(store)
                }
                Err(error) => {
                    log.generation = before;
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
    let mut store = Store::open(&folder, 0)?;
    let mut filling = Filling::new(&mut store);
    salvage.read(0, &mut |offset, record| filling.push(offset, record))?;
    filling.finish()?;
    // records that are lost had offsets, which nobody else gets
    if let Some(last) = next_offset.checked_sub(1).filter(|last| *last >= store.end.next_offset) {
        store.append([(last, &Record::Noop.encode())])?;
    }
    store.sync()?;
    Ok(store)
}

/// Goes on without what is lost, if that was said, and begins where it was said to.
fn accept_loss(log: &mut SledLog) -> Result<(), LogError> {
    let Some(loss_after) = log.loss_after else { return Ok(()) };
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
                "some records from {first} on are lost or changed, which --accept-loss-after accepts; the log \
                 goes on at {}, with ids above {}",
                store.end.next_offset,
                log.ids_above
            );
            generation::remove_others(&log.folder, log.generation)
                .map_err(|error| LogError(format!("{}: {error}", log.folder.display())))
        }
        Access::ReadOnly { why, .. } | Access::Lost(why) => Err(LogError(why.to_string())),
    }
}
