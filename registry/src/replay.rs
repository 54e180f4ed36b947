//! The state that a log makes. One thread reads, several understand, one applies: nobody is
//! answered before all of it is done.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::available_parallelism;

use weir_registry_core::{LogEntry, RawRecord, State};

use crate::log::{Log, LogError};

/// Records that are handed on together, and bytes of them: fewer of large ones.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 512 * 1024;

/// Batches that may wait between two steps of a lane.
const WAITING_MAX: usize = 2;

/// Threads that understand; with more, those that read and apply are what is waited for.
const LANES_MAX: usize = 4;

pub(crate) fn replay(log: &mut impl Log) -> Result<State, LogError> {
    let panicked = || LogError("its records cannot be applied".into());
    let lanes = available_parallelism().map_or(1, usize::from).min(LANES_MAX);
    std::thread::scope(|scope| {
        let (mut ins, mut outs, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..lanes {
            let (read, to_understand) = sync_channel(WAITING_MAX);
            let (understood, to_apply) = sync_channel(WAITING_MAX);
            ins.push(read);
            outs.push(to_apply);
            threads.push(scope.spawn(move || understand(to_understand, understood)));
        }
        let applied = scope.spawn(move || apply(&outs));
        let mut lane = ins.iter().cycle();
        // nobody listens only if a thread has panicked, which joining it tells
        let mut send = |batch| lane.next().map(|lane| lane.send(batch).is_ok());
        let (mut batch, mut bytes) = (Vec::with_capacity(BATCH), 0);
        log.read(0, &mut |offset, record| {
            bytes += record.value.as_ref().map_or(0, Vec::len);
            batch.push((offset, record));
            if batch.len() == BATCH || bytes >= BATCH_BYTES {
                send(std::mem::take(&mut batch));
                bytes = 0;
            }
        })?;
        send(batch);
        drop(ins);
        for thread in threads {
            thread.join().map_err(|_| panicked())?;
        }
        applied.join().map_err(|_| panicked())
    })
}

type Entries = Vec<(u64, LogEntry)>;

fn understand(batches: Receiver<Vec<(u64, RawRecord)>>, understood: SyncSender<Entries>) {
    for batch in batches {
        let entry = |(offset, raw): &(u64, RawRecord)| (*offset, LogEntry::read(raw));
        if understood.send(batch.iter().map(entry).collect()).is_err() {
            break;
        }
    }
}

/// Applies the batches, one of each lane in turn, which is the order in which they were read.
fn apply(lanes: &[Receiver<Entries>]) -> State {
    let mut state = State::default();
    let batches = lanes.iter().cycle().map_while(|lane| lane.recv().ok());
    for (offset, entry) in batches.flatten() {
        apply_entry(&mut state, offset, entry);
    }
    state
}

/// Applies a record, or says that it is passed over.
pub(crate) fn apply_entry(state: &mut State, offset: u64, entry: LogEntry) {
    if let Err(why) = state.apply_entry(offset, entry) {
        tracing::warn!(offset, %why, "a record of the log is passed over");
    }
}
