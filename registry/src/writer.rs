//! The one writer of a log that nobody else writes: decides what waits, appends it in one go, shows the
//! new state, answers.
//!
//! Commands that wait while the log syncs are decided together on a state that nobody else sees
//! yet, so that they share the next sync. Readers see only what is durable.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};
use weir_registry_api::RegistryError;
use weir_registry_core::{Command, LogEntry, Outcome, RawRecord, State, decide};

use crate::log::{AppendError, Log};
use crate::replay::apply_entry;

/// Commands that share one append.
pub(crate) const BATCH_MAX: usize = 512;

pub(crate) type Answer = Result<Outcome, RegistryError>;

pub(crate) struct Job {
    pub(crate) command: Command,
    pub(crate) answer: oneshot::Sender<Answer>,
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

    fn write(&mut self, batch: &[Job]) -> Vec<Answer> {
        loop {
            if let Some(reason) = &self.failed {
                let error = RegistryError::Store { reason: reason.clone() };
                return vec![Err(error); batch.len()];
            }
            let before = self.state.load_full();
            let expected = before.next_offset();
            let decided = Decided::of(State::clone(&before), batch.iter(), usize::MAX);
            if decided.records.is_empty() {
                return decided.outcomes;
            }
            match self.log.append(expected, &decided.records) {
                Ok(_) => {
                    self.state.store(Arc::new(decided.state));
                    return decided.outcomes;
                }
                Err(AppendError::Conflict) => self.catch_up(),
                Err(why) => {
                    tracing::error!(%why, "the log failed; it takes no writes until a restart");
                    self.failed = Some(format!("The log failed, writes need a restart: {why}"));
                }
            }
        }
    }

    /// Somebody else wrote to the log: read it, so that what waits is decided anew.
    fn catch_up(&mut self) {
        let mut state = State::clone(&self.state.load_full());
        let read = self.log.read(state.next_offset(), &mut |offset, record| {
            apply_entry(&mut state, offset, LogEntry::read(&record));
        });
        match read {
            Ok(()) => self.state.store(Arc::new(state)),
            Err(why) => self.failed = Some(format!("The log cannot be read: {why}")),
        }
    }
}

/// Commands that were decided one after the other, each on the state that those before it make.
pub(crate) struct Decided {
    /// After all of them.
    pub(crate) state: State,
    pub(crate) records: Vec<RawRecord>,
    /// Of the commands that were decided, in order.
    pub(crate) outcomes: Vec<Answer>,
}

impl Decided {
    /// Decides the first, and others as long as there are fewer than `bytes_max` of records.
    pub(crate) fn of<'a>(
        state: State,
        batch: impl Iterator<Item = &'a Job>,
        bytes_max: usize,
    ) -> Decided {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp_ms = i64::try_from(since_1970.as_millis()).ok();
        let mut decided = Decided { state, records: Vec::new(), outcomes: Vec::new() };
        let mut bytes = 0;
        for job in batch {
            if bytes >= bytes_max {
                break;
            }
            let outcome = decide(&decided.state, &job.command).map(|decision| {
                for record in &decision.records {
                    for raw in decided.state.raw_records(record) {
                        let raw = RawRecord { timestamp_ms, ..raw };
                        bytes += raw.bytes();
                        decided.state.apply(&raw).expect("a record just encoded can be read");
                        decided.records.push(raw);
                    }
                }
                decision.outcome
            });
            decided.outcomes.push(outcome);
        }
        decided
    }
}
