//! The one writer of a log that nobody else writes: decides the commands that wait, appends their records in
//! one go, shows the new state, answers.
//!
//! Commands that wait while the log syncs are decided together on a state that nobody else sees
//! yet, so that they share the next sync. Readers see only what is durable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, mpsc};
use weir_registry_api::RegistryError;
use weir_registry_core::{LogEntry, State};
use weir_trace::Outage;

use crate::batch::{BATCH_MAX, Decided, Queued, answer, note};
use crate::counts::Counts;
use crate::log::{AppendError, Fault, Log, LogError, LogStatus};
use crate::replay::apply_entry;
use crate::steps::{APPEND, APPLY, DECIDE};

/// A log that has failed is tried again after this long, and then after twice as long each time.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// What the writer shows to others.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) state: Arc<ArcSwap<State>>,
    pub(crate) log: Arc<ArcSwap<LogStatus>>,
    pub(crate) counts: Arc<Counts>,
}

pub(crate) struct Writer<L> {
    log: L,
    shown: Shown,
    jobs: mpsc::Receiver<Queued>,
    /// Tells that nothing is to be answered any more but what waits already.
    stop: Arc<Notify>,
    /// Why the log takes no writes, while it takes none. After a failed append nobody knows what it holds.
    failed: Option<Failed>,
    outage: Outage,
    runtime: Runtime,
}

struct Failed {
    reason: String,
    /// When the log is tried again, and how long that was waited for; none if trying cannot help.
    retry: Option<(Instant, Duration)>,
}

impl<L: Log> Writer<L> {
    pub(crate) fn new(
        log: L,
        shown: Shown,
        jobs: mpsc::Receiver<Queued>,
        stop: Arc<Notify>,
    ) -> Result<Writer<L>, LogError> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let outage = Outage::new("the log takes no writes", "the log takes writes again");
        let mut writer = Writer { log, shown, jobs, stop, failed: None, outage, runtime };
        writer.show_log();
        Ok(writer)
    }

    /// Runs until nobody can ask any more; then the log is closed.
    pub(crate) fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            let again = self.tend();
            match self.wait(&mut batch, again) {
                Some(0) => return,
                None => continue,
                Some(_) => {}
            }
            let written = self.write(&mut batch);
            answer(batch.drain(..), &written);
        }
    }

    /// Waits for commands. Returns how many there are: 0 if there will be none any more, none if the time is over
    /// before the first.
    fn wait(&mut self, batch: &mut Vec<Queued>, at_most: Option<Duration>) -> Option<usize> {
        let Writer { jobs, stop, runtime, .. } = self;
        runtime.block_on(async {
            let received = async {
                tokio::select! {
                    biased;
                    count = jobs.recv_many(batch, BATCH_MAX) => return count,
                    () = stop.notified() => {}
                }
                // those that wait already are answered
                jobs.close();
                jobs.recv_many(batch, BATCH_MAX).await
            };
            match at_most {
                None => Some(received.await),
                Some(at_most) => tokio::time::timeout(at_most, received).await.ok(),
            }
        })
    }

    /// Has the log do what is due. Returns how long until it is to be asked again.
    fn tend(&mut self) -> Option<Duration> {
        let due = self.log.tend(&self.shown.state.load_full());
        self.show_log();
        let retry_in = |failed: &Failed| {
            failed.retry.map(|(at, _)| at.saturating_duration_since(Instant::now()))
        };
        if self.failed.as_ref().and_then(retry_in) == Some(Duration::ZERO) {
            self.recover();
            self.show_log();
        }
        let retry = self.failed.as_ref().and_then(retry_in);
        [due, retry].into_iter().flatten().min()
    }

    fn show_log(&mut self) {
        let status = self.log.status();
        if self.failed.is_none()
            && let Some(fault) = &status.fault
        {
            self.fail(fault.to_string(), matches!(fault, Fault::Failed(_)));
        }
        if **self.shown.log.load() != status {
            self.shown.log.store(Arc::new(status));
        }
    }

    /// Takes no writes from now on; for some time only, if the log may recover.
    fn fail(&mut self, reason: String, may_recover: bool) {
        self.outage.fails(&reason);
        let retry = may_recover.then(|| (Instant::now() + RETRY_AFTER, RETRY_AFTER));
        self.failed = Some(Failed { reason, retry });
    }

    /// Tries to have the log take writes again.
    fn recover(&mut self) {
        let recovered = self.log.recover().and_then(|()| self.catch_up());
        let status = self.log.status();
        match (recovered, status.fault) {
            (Ok(()), None) => {
                self.outage.is_over();
                self.failed = None;
            }
            (recovered, fault) => {
                let may_recover = matches!(fault, None | Some(Fault::Failed(_)));
                let why = fault.map(|fault| fault.to_string());
                let why = why.or(recovered.err().map(|error| error.to_string()));
                let Some(Failed { reason, retry }) = &mut self.failed else { return };
                *reason = why.unwrap_or_default();
                self.outage.fails(&reason);
                let after =
                    retry.map_or(RETRY_AFTER, |(_, after)| (2 * after).min(RETRY_AFTER_MAX));
                *retry = may_recover.then(|| (Instant::now() + after, after));
            }
        }
    }

    /// Decides the commands and appends their records. An error holds for all of them.
    fn write(&mut self, batch: &mut [Queued]) -> Result<(), RegistryError> {
        loop {
            if let Some(failed) = &self.failed {
                return Err(RegistryError::Store { reason: failed.reason.clone() });
            }
            let before = self.shown.state.load_full();
            let expected = before.next_offset();
            let begun = tokio::time::Instant::now();
            let decided = Decided::of(State::clone(&before), batch.iter_mut(), usize::MAX);
            let at = tokio::time::Instant::now();
            note(batch.iter(), DECIDE, begun, at);
            if decided.records.is_empty() {
                return Ok(());
            }
            let appended = self.log.append(expected, &decided.records);
            let written = tokio::time::Instant::now();
            let appends = &self.shown.counts.appends;
            appends.count(&decided.records, written - at, appended.is_ok());
            note(batch.iter(), APPEND, at, written);
            match appended {
                Ok(_) => {
                    self.shown.state.store(Arc::new(decided.state));
                    note(batch.iter(), APPLY, written, tokio::time::Instant::now());
                    return Ok(());
                }
                Err(AppendError::Conflict) => {
                    if let Err(why) = self.catch_up() {
                        self.fail(format!("The log cannot be read: {why}"), false);
                    }
                }
                Err(why) => {
                    let lasting = self.log.status().fault;
                    let may_recover = matches!(lasting, None | Some(Fault::Failed(_)));
                    self.fail(format!("The log failed: {why}"), may_recover);
                    self.show_log();
                }
            }
        }
    }

    /// Reads what the log holds and the state does not show: somebody else wrote, or an append has failed
    /// whose records are there all the same.
    fn catch_up(&mut self) -> Result<(), LogError> {
        let mut state = State::clone(&self.shown.state.load_full());
        self.log.read(state.next_offset(), &mut |offset, record| {
            apply_entry(&mut state, offset, LogEntry::read(&record));
        })?;
        self.shown.state.store(Arc::new(state));
        Ok(())
    }
}
