//! Commands that wait to be written, and what a batch of them comes to: what all writers do alike.
//!
//! Whatever its outcome's type, a command waits in one queue with all others, so that they share the next
//! append. It is decided on the state that the commands before it in its batch make, and is answered once that
//! append has returned.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tokio::time::Instant;
use weir_registry_api::RegistryError;
use weir_registry_core::{Decide, RawRecord, Record, State};
use weir_trace::{Current, Step};

use crate::steps::WRITE;

/// Commands that share one append.
pub(crate) const BATCH_MAX: usize = 512;

/// What a command came to, or why it did not.
pub(crate) type Reply<C> = Result<<C as Decide>::Outcome, RegistryError>;

/// A command that waits to be written, whatever its outcome's type. Whoever asked hears if it is dropped.
pub(crate) type Queued = Box<dyn Job>;

/// What a writer does with a command.
pub(crate) trait Job: Send {
    /// Decides the command on a state and keeps what it comes to, in the place of an earlier decision.
    ///
    /// Returns the records that are to be written; none if the command is refused.
    fn decide(&mut self, state: &State) -> Vec<Record>;

    /// The request that the command is of, if it is of one.
    fn request(&self) -> Option<&Current>;

    /// Tells what was decided last.
    fn answer(self: Box<Self>);

    /// Tells that what was decided, if anything was, does not hold.
    fn fail(self: Box<Self>, error: RegistryError);
}

/// A command for the queue, and where its answer will be.
pub(crate) fn job<C>(command: C) -> (Queued, oneshot::Receiver<Reply<C>>)
where
    C: Decide<Outcome: Send> + Send + 'static,
{
    let (asker, answer) = oneshot::channel();
    let request = weir_trace::current();
    (Box::new(Submitted { command, decided: None, asker, request }), answer)
}

struct Submitted<C: Decide> {
    command: C,
    decided: Option<Reply<C>>,
    asker: oneshot::Sender<Reply<C>>,
    request: Option<Current>,
}

impl<C: Decide<Outcome: Send> + Send> Job for Submitted<C> {
    fn decide(&mut self, state: &State) -> Vec<Record> {
        let (records, answer) = match self.command.decide(state) {
            Ok(decision) => (decision.records, Ok(decision.outcome)),
            Err(refused) => (Vec::new(), Err(refused)),
        };
        self.decided = Some(answer);
        records
    }

    fn request(&self) -> Option<&Current> {
        self.request.as_ref()
    }

    fn answer(self: Box<Self>) {
        if let Some(answer) = self.decided {
            let _ = self.asker.send(answer); // who asked may be gone
        }
    }

    fn fail(self: Box<Self>, error: RegistryError) {
        let _ = self.asker.send(Err(error)); // who asked may be gone
    }
}

/// Answers commands with what was decided, or all of them with an error.
pub(crate) fn answer(jobs: impl Iterator<Item = Queued>, written: &Result<(), RegistryError>) {
    for job in jobs {
        match written {
            Ok(()) => job.answer(),
            Err(error) => job.fail(error.clone()),
        }
    }
}

/// Counts what a writer has done from one moment to another for the requests of all commands of a batch.
pub(crate) fn note<'a>(
    batch: impl Iterator<Item = &'a Queued>,
    step: Step,
    from: Instant,
    until: Instant,
) {
    for request in batch.filter_map(|job| job.request()) {
        step.done_for(request, WRITE.phase, from, until);
    }
}

/// Commands that were decided one after the other, each on the state that those before it make.
pub(crate) struct Decided {
    /// The state after all of them.
    pub(crate) state: State,
    pub(crate) records: Vec<RawRecord>,
    /// How many commands were decided.
    pub(crate) count: usize,
}

impl Decided {
    /// Decides the first command, and others as long as there are fewer than `bytes_max` of records.
    pub(crate) fn of<'a>(
        state: State,
        batch: impl Iterator<Item = &'a mut Queued>,
        bytes_max: usize,
    ) -> Decided {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp_ms = i64::try_from(since_1970.as_millis()).ok();
        let mut decided = Decided { state, records: Vec::new(), count: 0 };
        let mut bytes = 0;
        for job in batch {
            if bytes >= bytes_max {
                break;
            }
            for record in job.decide(&decided.state) {
                for raw in decided.state.raw_records(&record) {
                    let raw = RawRecord { timestamp_ms, ..raw };
                    bytes += raw.bytes();
                    decided.state.apply(&raw).expect("a record just encoded can be read");
                    decided.records.push(raw);
                }
            }
            decided.count += 1;
        }
        decided
    }
}

#[cfg(test)]
mod tests {
    use weir_registry_api::{CompatibilityLevel, ConfigUpdate, Subject};
    use weir_registry_core::{DeleteConfig, DeleteSubject, PutConfig};

    use super::*;

    #[test]
    fn commands_of_a_batch_are_decided_on_each_other_and_answered_with_their_own_outcomes() {
        let compatibility = Some(Some("FULL".to_string()));
        let update = ConfigUpdate { compatibility, ..ConfigUpdate::default() };
        let (put, mut was_put) = job(PutConfig { scope: None, update });
        let (delete, mut was_deleted) = job(DeleteConfig { scope: None });
        let subject = Subject::stored("nobody");
        let (refused, mut was_refused) =
            job(DeleteSubject { subject: subject.clone(), permanent: false });
        let mut jobs = [put, delete, refused];
        let decided = Decided::of(State::default(), jobs.iter_mut(), usize::MAX);
        assert_eq!((decided.count, decided.records.len()), (3, 2));
        assert!(was_put.try_recv().is_err(), "nothing is answered before it is written");
        answer(jobs.into_iter(), &Ok(()));
        let full = Some(CompatibilityLevel::Full);
        assert_eq!(was_put.try_recv().unwrap().unwrap().compatibility_level, full);
        assert_eq!(was_deleted.try_recv().unwrap().unwrap().compatibility_level, full);
        assert_eq!(was_refused.try_recv(), Ok(Err(RegistryError::SubjectNotFound { subject })));
    }

    #[test]
    fn what_could_not_be_written_is_answered_to_all_whatever_was_decided() {
        let (delete, mut was_deleted) = job(DeleteConfig { scope: None });
        let mut jobs = [delete];
        Decided::of(State::default(), jobs.iter_mut(), usize::MAX);
        answer(jobs.into_iter(), &Err(RegistryError::NoLeader));
        assert_eq!(was_deleted.try_recv(), Ok(Err(RegistryError::NoLeader)));
    }
}
