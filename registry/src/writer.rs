//! The one writer: decides what waits, appends it in one go, shows the new state, answers.
//!
//! Commands that wait while the log syncs are decided together on a state that nobody else sees
//! yet, so that they share the next sync. Readers see only what is durable.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};
use weir_registry_api::RegistryError;
use weir_registry_core::{Command, Outcome, RawRecord, State, decide};

use crate::log::{AppendError, Log};

/// Commands that share one append.
const BATCH_MAX: usize = 512;

pub(crate) struct Job {
    pub(crate) command: Command,
    pub(crate) answer: oneshot::Sender<Result<Outcome, RegistryError>>,
}

pub(crate) struct Writer<L> {
    log: L,
    state: Arc<ArcSwap<State>>,
    jobs: mpsc::Receiver<Job>,
    /// Why the log takes no more writes. After a failed append nobody knows what it holds.
    failed: Option<String>,
}

impl<L: Log> Writer<L> {
    pub(crate) fn new(log: L, state: Arc<ArcSwap<State>>, jobs: mpsc::Receiver<Job>) -> Writer<L> {
        Writer { log, state, jobs, failed: None }
    }

    pub(crate) fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while self.jobs.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            let outcomes = self.write(&batch);
            for (job, outcome) in batch.drain(..).zip(outcomes) {
                let _ = job.answer.send(outcome); // who asked may be gone
            }
        }
    }

    fn write(&mut self, batch: &[Job]) -> Vec<Result<Outcome, RegistryError>> {
        loop {
            if let Some(reason) = &self.failed {
                let error = RegistryError::Store { reason: reason.clone() };
                return vec![Err(error); batch.len()];
            }
            let before = self.state.load_full();
            let expected = before.next_offset();
            let (state, records, outcomes) = decide_all(State::clone(&before), batch);
            if records.is_empty() {
                return outcomes;
            }
            match self.log.append(expected, &records) {
                Ok(()) => {
                    self.state.store(Arc::new(state));
                    return outcomes;
                }
                Err(AppendError::Conflict) => self.catch_up(),
                Err(AppendError::Failed(why)) => {
                    tracing::error!(%why, "the log failed; it takes no writes until a restart");
                    self.failed = Some(format!("The log failed, writes need a restart: {why}"));
                }
            }
        }
    }

    /// Somebody else wrote to the log: read it, so that what waits is decided anew.
    fn catch_up(&mut self) {
        let mut state = State::clone(&self.state.load_full());
        let read = self.log.read(state.next_offset(), &mut |record| {
            if let Err(why) = state.apply(&record) {
                tracing::warn!(%why, "a record of the log is passed over");
            }
        });
        match read {
            Ok(()) => self.state.store(Arc::new(state)),
            Err(why) => self.failed = Some(format!("The log cannot be read: {why}")),
        }
    }
}

type Decided = (State, Vec<RawRecord>, Vec<Result<Outcome, RegistryError>>);

/// Decides commands one after the other, each on the state that those before it make.
fn decide_all(mut state: State, batch: &[Job]) -> Decided {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let timestamp_ms = i64::try_from(since_1970.as_millis()).ok();
    let mut records = Vec::new();
    let mut outcomes = Vec::with_capacity(batch.len());
    for job in batch {
        outcomes.push(decide(&state, &job.command).map(|decision| {
            for record in &decision.records {
                for raw in state.raw_records(record) {
                    let raw = RawRecord { timestamp_ms, ..raw };
                    state.apply(&raw).expect("a record that was just encoded can be read");
                    records.push(raw);
                }
            }
            decision.outcome
        }));
    }
    (state, records, outcomes)
}
