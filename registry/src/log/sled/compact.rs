//! Compaction: what is deleted for good is given back.
//!
//! A thread reads the log as it stands, out of the file's bytes (sled would keep all of it in memory), and asks
//! sled for the records that have been moved since, as each append moves some. It writes what has to stay to a new generation. It reads that again, and goes on only if it makes the state that
//! the log makes. The writer adds what was appended meanwhile, and then the witness says that the log is in the
//! new generation: until that is on the disk the old one is the log, and from then on the new one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_registry_core::{Compaction, LogEntry, RawRecord, State};

use super::salvage::Salvage;
use super::store::{End, Filling, Reader, Store, StoreError};
use super::witness::Compacted;
use super::{Access, SledLog, generation};
use crate::log::{COMPACT_FROM_RECORDS, Fault};

/// Bytes of sled's file from which on compaction is looked at.
const FROM_BYTES: u64 = 32 * 1024 * 1024;

/// Sled's file may be so many times what it was after the last compaction.
const GROWTH: u64 = 4;

/// A compaction that has failed is tried again after this long, and then after twice as long each time.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// When it is looked at next whether a compaction is worth it.
pub(super) struct NextLook {
    records: u64,
    bytes: u64,
    /// Not before that, as the last has failed, and how long it was to wait.
    retry: Option<(Instant, Duration)>,
}

impl Default for NextLook {
    fn default() -> NextLook {
        NextLook { records: COMPACT_FROM_RECORDS, bytes: FROM_BYTES, retry: None }
    }
}

/// How often the writer looks whether the thread is done.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A compaction on its way.
pub(super) struct Compacting {
    thread: JoinHandle<Result<Outcome, StoreError>>,
    stop: Arc<AtomicBool>,
}

impl Compacting {
    /// Has the thread end soon.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

enum Outcome {
    /// All up to an end of the old generation is in a new one.
    Copied(Box<Copied>),
    /// There is little that could be left out.
    NotWorth,
    Stopped,
}

struct Copied {
    store: Store,
    generation: u32,
    up_to: End,
    records: u64,
    left_out: u64,
}

/// What the thread works on.
struct Work {
    old: PathBuf,
    live: Reader,
    new: PathBuf,
    generation: u32,
    /// Where the log ends, and the state that it makes.
    end: End,
    state: State,
    file_bytes: u64,
    stop: Arc<AtomicBool>,
}

impl SledLog {
    /// Starts a compaction where it may be worth it, and ends one that is done. When to look again.
    pub(super) fn tend_compaction(&mut self, state: &State) -> Option<Duration> {
        match &self.compacting {
            None if !self.is_worth_a_look(state) => None,
            None => match self.start_compacting(state) {
                Ok(()) => Some(LOOK_EVERY),
                Err(error) => Some(self.put_off(&error)),
            },
            Some(running) if !running.thread.is_finished() => Some(LOOK_EVERY),
            Some(_) => {
                let running = self.compacting.take()?;
                let ended = self.end_compacting(running);
                self.remove_leftovers();
                ended.err().map(|error| self.put_off(&error))
            }
        }
    }

    fn is_worth_a_look(&self, state: &State) -> bool {
        let Access::Whole(store) = &self.access else { return false };
        let NextLook { records, bytes, retry } = &self.next_look;
        if retry.is_some_and(|(at, _)| Instant::now() < at) {
            return false;
        }
        // each schema has a record that stays
        let schemas = state.schema_count() as u64;
        let may_shrink = self.records >= *records && self.records > schemas + schemas / 3 + 1_000;
        // the state is of all that is in the log, or it is no time to compact
        let is_caught_up = state.next_offset() == store.end.next_offset;
        is_caught_up && (may_shrink || store.bytes() >= (*bytes).max(GROWTH * self.compacted.bytes))
    }

    fn start_compacting(&mut self, state: &State) -> Result<(), StoreError> {
        let Access::Whole(store) = &self.access else { return Ok(()) };
        let next = generation::next(&self.folder)?;
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work {
            old: generation::folder(&self.folder, self.generation),
            live: store.reader()?,
            new: generation::folder(&self.folder, next),
            generation: next,
            end: store.end,
            state: state.clone(),
            file_bytes: store.bytes(),
            stop: stop.clone(),
        };
        let thread = std::thread::Builder::new().name("log-compaction".into());
        let thread = thread.spawn(move || work.run())?;
        self.compacting = Some(Compacting { thread, stop });
        Ok(())
    }

    /// Makes what a compaction has copied the log.
    fn end_compacting(&mut self, running: Compacting) -> Result<(), StoreError> {
        let outcome = running.thread.join().unwrap_or_else(|_| {
            Err(StoreError::Damaged("the compaction has panicked".to_string()))
        });
        if let Outcome::Copied(copied) = outcome? {
            self.switch_to(*copied)?;
        }
        let bytes = match &self.access {
            Access::Whole(store) => store.bytes(),
            _ => 0,
        };
        self.next_look = NextLook {
            records: (self.records * 2).max(COMPACT_FROM_RECORDS),
            bytes: (bytes * 2).max(FROM_BYTES),
            retry: None,
        };
        Ok(())
    }

    /// Has the compaction that has failed tried again later.
    fn put_off(&mut self, error: &StoreError) -> Duration {
        let before = self.next_look.retry.map(|(_, after)| after * 2);
        let after = before.unwrap_or(RETRY_AFTER).min(RETRY_AFTER_MAX);
        self.next_look.retry = Some((Instant::now() + after, after));
        self.failed_compactions += 1;
        tracing::warn!(%error, "the log was not compacted, and will be in {}", weir_trace::elapsed(after));
        after
    }

    fn remove_leftovers(&self) {
        // where the witness could not be written, nobody knows which generation is the log
        if !matches!(self.access, Access::Whole(_)) {
            return;
        }
        if let Err(error) = generation::remove_others(&self.folder, self.generation) {
            tracing::warn!(%error, "what a compaction has left cannot be removed");
        }
    }

    fn switch_to(&mut self, copied: Copied) -> Result<(), StoreError> {
        let Access::Whole(old) = &self.access else { return Ok(()) };
        let Copied { mut store, generation, up_to, records, left_out } = copied;
        let (mut filling, mut copied) = (Filling::new(&mut store), 0);
        old.reader()?.read(up_to, old.end.next_offset, &mut |offset, record| {
            filling.push(offset, record);
            copied += 1;
        })?;
        filling.finish()?;
        store.sync()?;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = (self.generation, self.compacted);
        self.generation = generation;
        self.compacted = Compacted {
            at_ms: since_1970.as_millis().try_into().unwrap_or(u64::MAX),
            records: records + copied,
            bytes: store.bytes(),
        };
        let testimony = self.testimony(store.end);
        if let Err(error) = self.witness.write_twice(testimony) {
            // one of the slots may say that the new generation is the log, or none
            (self.generation, self.compacted) = before;
            let fault = Fault::Failed(format!("the witness cannot be written: {error}"));
            self.access = Access::Lost(fault);
            return Err(error.into());
        }
        self.records = records + copied;
        self.access = Access::Whole(store);
        self.compactions += 1;
        tracing::info!(left_out, records = self.records, "the log is compacted");
        Ok(())
    }

    /// Gives up a compaction that is on its way.
    pub(super) fn stop_compacting(&mut self) {
        if let Some(running) = self.compacting.take() {
            running.stop();
            drop(running.thread.join());
            self.remove_leftovers();
        }
    }
}

impl Work {
    fn run(mut self) -> Result<Outcome, StoreError> {
        let found = Salvage::of(&self.old, self.end)?;
        let (mut compaction, mut total) = (Compaction::default(), 0_u64);
        self.read(&found, &mut |offset, record| {
            compaction.see(offset, &record);
            total += 1;
        })?;
        let kept = compaction.kept();
        let left_out = total.saturating_sub(kept.len() as u64);
        if !self.is_stopped() && left_out * 4 < total && !self.is_bloated(&found, &kept)? {
            return Ok(Outcome::NotWorth);
        }
        if self.is_stopped() {
            return Ok(Outcome::Stopped);
        }
        let mut store = Store::open(&self.new, 0)?;
        let mut state = State::default();
        let mut filling = Filling::new(&mut store);
        self.read(&found, &mut |offset, record| {
            if !kept.contains(&offset) {
                return;
            }
            // what cannot be applied could not be applied before
            let _ = state.apply_entry(offset, LogEntry::read(&record));
            filling.push(offset, record);
        })?;
        filling.finish()?;
        if self.is_stopped() {
            return Ok(Outcome::Stopped);
        }
        store.sync()?;
        if !state.is_indistinguishable_from(&self.state) {
            let why = "what would be left of the log does not make the same state";
            return Err(StoreError::Damaged(why.into()));
        }
        let records = kept.len() as u64;
        let Work { generation, end, .. } = self;
        let copied = Copied { store, generation, up_to: end, records, left_out };
        Ok(Outcome::Copied(Box::new(copied)))
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Hands on the records up to the end, in order: those that were found in the file where they follow each
    /// other, and the others by asking sled. Once the compaction is to stop it hands on no more.
    fn read(
        &mut self,
        found: &Salvage,
        each: &mut dyn FnMut(u64, RawRecord),
    ) -> Result<(), StoreError> {
        let end = self.end;
        let mut at = End::OF_NOTHING;
        for offset in found.offsets().take_while(|offset| *offset < end.next_offset) {
            if self.is_stopped() {
                return Ok(());
            }
            let next = found.linked(offset)?;
            match next.filter(|next| next.before == at.link) {
                Some(next) => {
                    each(offset, next.record);
                    at = End { next_offset: offset + 1, link: next.link };
                }
                None => at = self.live.read(at, offset + 1, each)?,
            }
        }
        at = self.live.read(at, end.next_offset, each)?;
        match at.link == end.link {
            true => Ok(()),
            false => Err(StoreError::Damaged("records at its end are missing".into())),
        }
    }

    /// Whether the file is far larger than what is in it.
    fn is_bloated(&mut self, found: &Salvage, kept: &BTreeSet<u64>) -> Result<bool, StoreError> {
        let mut bytes = 0;
        self.read(found, &mut |offset, record| {
            if kept.contains(&offset) {
                bytes += record.bytes() as u64;
            }
        })?;
        Ok(self.file_bytes >= FROM_BYTES && self.file_bytes > GROWTH * bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::witness::{self, Witness};
    use super::*;
    use crate::log::power::copy;
    use crate::log::{Log, MemoryLog};

    fn schema(n: u64, id: u64) -> RawRecord {
        let key = format!(r#"{{"keytype":"SCHEMA","subject":"s{n}","version":1,"magic":1}}"#);
        let value = format!(
            r#"{{"subject":"s{n}","version":1,"id":{id},"schema":"{{\"type\":\"enum\",\"name\":\"E{id}\",\"symbols\":[\"A\"]}}","deleted":true}}"#
        );
        RawRecord { key: key.into(), value: Some(value.into()), timestamp_ms: Some(n as i64) }
    }

    fn tombstone(n: u64) -> RawRecord {
        RawRecord { value: None, ..schema(n, 1) }
    }

    /// Registers and deletes for good, more than 5,000 records; ten schemas stay.
    fn churn(log: &mut impl Log, state: &mut State) {
        for round in 0..11 {
            let ids = round * 250 + 1;
            let registered = (0..250).map(|n| schema(n, ids + n));
            let deleted =
                (0..250).map(tombstone).filter(|_| round < 10 || state.next_offset() == 0);
            let kept = (0..240).map(tombstone).filter(|_| round == 10);
            let records: Vec<_> = registered.chain(deleted).chain(kept).collect();
            log.append(state.next_offset(), &records).unwrap();
            records.iter().for_each(|record| state.apply(record).unwrap());
        }
    }

    /// Has it do what is due until nothing is.
    fn settle(log: &mut impl Log, state: &State) {
        while let Some(wait) = log.tend(state) {
            #[expect(clippy::disallowed_methods, reason = "no runtime here")]
            std::thread::sleep(wait);
        }
    }

    fn replayed(log: &mut impl Log) -> (State, usize) {
        let (mut state, mut count) = (State::default(), 0);
        log.read(0, &mut |offset, record| {
            state.apply_entry(offset, LogEntry::read(&record)).unwrap();
            count += 1;
        })
        .unwrap();
        (state, count)
    }

    #[test]
    fn what_is_deleted_for_good_is_given_back_in_memory() {
        let (mut log, mut state) = (MemoryLog::default(), State::default());
        churn(&mut log, &mut state);
        settle(&mut log, &state);
        let (compacted, count) = replayed(&mut log);
        assert!(compacted.is_indistinguishable_from(&state));
        assert!(count <= 12, "{count} records are left");
        assert_eq!(log.append(state.next_offset(), &[schema(1, 9999)]), Ok(state.next_offset()));
    }

    #[test]
    fn what_is_deleted_for_good_is_given_back_and_any_moment_may_be_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let (data, before) = (folder.path().join("data"), folder.path().join("before"));
        let (mut log, mut state) = (SledLog::open(&data).unwrap(), State::default());
        churn(&mut log, &mut state);
        // the witness knows the end, and the compaction has begun or not
        while log.witness.said().unwrap().end.next_offset < state.next_offset() {
            #[expect(clippy::disallowed_methods, reason = "no runtime here")]
            std::thread::sleep(Duration::from_millis(1));
            log.tend(&state);
        }
        copy(&data, &before);
        settle(&mut log, &state);
        let (compacted, count) = replayed(&mut log);
        assert!(compacted.is_indistinguishable_from(&state));
        assert!(count <= 12, "{count} records are left");
        let said = log.witness.said().unwrap();
        assert_eq!((said.generation, log.status().records), (1, count as u64));
        let after = folder.path().join("after");
        copy(&data, &after);
        drop(log);

        let witness = |folder: &std::path::Path| fs::read(folder.join(witness::FILE)).unwrap();
        let (old, new) = (witness(&before), witness(&after));
        let half = old.len() / 2;
        // one slot was written, or the other, or both; then the old files go
        let witnesses = [
            old.clone(),
            [&new[..half], &old[half..]].concat(),
            [&old[..half], &new[half..]].concat(),
            new.clone(),
        ];
        for (moment, witness) in witnesses.iter().enumerate() {
            for is_cut in [true, false] {
                let both = folder.path().join(format!("both-{moment}-{is_cut}"));
                copy(&before, &both);
                copy(&after, &both);
                fs::write(both.join(witness::FILE), witness).unwrap();
                let is_new = Witness::open(&both).unwrap().said().unwrap().generation == 1;
                if is_cut {
                    // of the generation that is not the log only a part is there
                    let other = generation::folder(&both, u32::from(!is_new)).join("db");
                    let bytes = fs::read(&other).unwrap();
                    fs::write(&other, &bytes[..bytes.len() / 3]).unwrap();
                }
                let mut log = SledLog::open(&both).unwrap();
                assert_eq!(log.status().fault, None, "moment {moment}");
                let (replayed, count) = replayed(&mut log);
                assert!(replayed.is_indistinguishable_from(&state), "moment {moment}");
                assert_eq!(count == 5_490, !is_new, "moment {moment}: {count} records");
                settle(&mut log, &state);
                let next = state.next_offset();
                assert_eq!(log.append(next, &[schema(1, 9999)]), Ok(next));
            }
        }
    }

    #[test]
    fn what_is_appended_meanwhile_is_there_after_a_compaction() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, mut state) = (SledLog::open(folder.path()).unwrap(), State::default());
        churn(&mut log, &mut state);
        let mut id = 5_000;
        while log.compacted.at_ms == 0 {
            let wait = log.tend(&state);
            // each append moves some of what is read
            while log.compacting.as_ref().is_some_and(|running| !running.thread.is_finished()) {
                id += 1;
                let record = schema(id, id);
                log.append(state.next_offset(), std::slice::from_ref(&record)).unwrap();
                state.apply(&record).unwrap();
            }
            assert!(log.next_look.retry.is_none(), "the compaction has failed");
            if log.compacting.is_none() {
                #[expect(clippy::disallowed_methods, reason = "no runtime here")]
                wait.into_iter().for_each(std::thread::sleep);
            }
        }
        assert!(id > 5_000, "something was appended meanwhile");
        drop(log);
        let mut log = SledLog::open(folder.path()).unwrap();
        assert_eq!(log.status().fault, None);
        let (replayed, _) = replayed(&mut log);
        assert!(replayed.is_indistinguishable_from(&state));
    }
}
