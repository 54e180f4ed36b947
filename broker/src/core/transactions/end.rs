//! How a transaction ends: by EndTxn, by a producer that takes over, or because it took too long.

use std::collections::BTreeSet;
use std::io;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse, ProducerId};

use super::init::{Identity, fenced_before, unwritten};
use super::state::{NO_ID, Rules, State, Transaction};
use super::{END_RETRY, Marker, Outcome};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled, Now};

/// From this version on each end of a transaction takes another epoch.
const EPOCH_PER_TRANSACTION_SINCE: i16 = 5;
/// From this version on a client knows the error PRODUCER_FENCED.
const FENCED_SINCE: i16 = 2;

/// Whether markers may have been written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    First,
    /// Partitions whose transaction is not open have their marker.
    Again,
}

/// What EndTxn leads to.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    /// The transaction ends now.
    Ends,
    /// It has ended: the answer to an earlier request was lost.
    Ended,
}

impl Core {
    pub(crate) fn end_txn(
        &mut self,
        call: &Call,
        request: EndTxnRequest,
    ) -> Handled<EndTxnResponse> {
        let response = EndTxnResponse::default();
        Handled::Now(match self.end_by_client(call, &request) {
            Ok(identity) if call.version >= EPOCH_PER_TRANSACTION_SINCE => response
                .with_producer_id(ProducerId(identity.id))
                .with_producer_epoch(identity.epoch),
            Ok(_) => response,
            Err(error) => {
                response.with_error_code(fenced_before(error, call.version, FENCED_SINCE).code())
            }
        })
    }

    fn end_by_client(
        &mut self,
        call: &Call,
        request: &EndTxnRequest,
    ) -> Result<Identity, ResponseError> {
        let id = request.transactional_id.as_str();
        if !self.may(call, Operation::Write, Resource::TransactionalId(id)) {
            return Err(ResponseError::TransactionalIdAuthorizationFailed);
        }
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let transaction = self.transactions.get(id);
        let transaction = transaction.ok_or(ResponseError::InvalidProducerIdMapping)?.clone();
        let producer = Identity { id: request.producer_id.0, epoch: request.producer_epoch };
        let outcome = if request.committed { Outcome::Commit } else { Outcome::Abort };
        let rules = match call.version {
            EPOCH_PER_TRANSACTION_SINCE.. => Rules::EpochPerTransaction,
            _ => Rules::Classic,
        };
        let ending = match rules {
            Rules::EpochPerTransaction => transaction.ending(producer, outcome),
            Rules::Classic => transaction.classic_ending(producer, outcome),
        };
        if ending? == Ending::Ends {
            self.end_transaction(id, &transaction, outcome, rules, call.now).map_err(unwritten)?;
        }
        let after = self.transactions.get(id).unwrap_or(&transaction);
        Ok(match after.next_id {
            NO_ID => Identity { id: after.producer_id, epoch: after.epoch },
            next => Identity { id: next, epoch: 0 }, // its markers are not written yet
        })
    }

    /// Commits or aborts. An error says that nothing has happened; once the outcome is remembered it
    /// will come about, if need be later.
    fn end_transaction(
        &mut self,
        id: &str,
        transaction: &Transaction,
        outcome: Outcome,
        rules: Rules,
        now: Now,
    ) -> io::Result<()> {
        let is_rotated = rules == Rules::EpochPerTransaction && transaction.is_exhausted();
        let next_id = if is_rotated { self.new_producer_id(now)? } else { NO_ID };
        self.prepare_and_complete(id, transaction.prepared(outcome, rules, next_id, now), now)
    }

    fn prepare_and_complete(
        &mut self,
        id: &str,
        prepared: Transaction,
        now: Now,
    ) -> io::Result<()> {
        self.write_transaction(id, prepared, now)?;
        if let Err(error) = self.complete(id, Attempt::First, now) {
            tracing::warn!(%error, "the end of a transaction of {id} is tried again");
        }
        Ok(())
    }

    /// Aborts an open transaction in a way that its producer cannot go on. It takes one epoch, by
    /// whichever rules.
    pub(super) fn fence_and_abort(
        &mut self,
        id: &str,
        transaction: &Transaction,
        now: Now,
    ) -> io::Result<()> {
        let fenced = transaction.fenced();
        let prepared = fenced.prepared(Outcome::Abort, Rules::Classic, NO_ID, now);
        self.prepare_and_complete(id, Transaction { rules: transaction.rules, ..prepared }, now)
    }

    /// Writes the markers of a transaction whose outcome is decided.
    fn complete(&mut self, id: &str, attempt: Attempt, now: Now) -> io::Result<()> {
        let Some(transaction) = self.transactions.get(id).cloned() else { return Ok(()) };
        let Some(outcome) = transaction.state.outcome() else { return Ok(()) };
        let marker = transaction.marker(outcome);
        for participant in &transaction.partitions {
            let (topic, index) = (participant.topic.as_str(), participant.index);
            if attempt == Attempt::First || self.is_open(topic, index, marker.producer_id) {
                self.append_marker(topic, index, &marker, now)?;
            }
        }
        for group in &transaction.groups {
            self.end_offsets(group, marker.producer_id, outcome, now)?;
        }
        self.write_transaction(id, transaction.completed(), now)
    }

    /// Returns true if a producer has a transaction open in a partition.
    fn is_open(&self, topic: &str, index: i32, producer_id: i64) -> bool {
        let partition = self.catalog.partition(topic, index);
        let producer = partition.and_then(|partition| partition.producers.get(producer_id));
        producer.is_some_and(|producer| producer.open_since.is_some())
    }

    /// Does what is due for a transactional id: the rest of its end, or its time-out.
    pub(super) fn transaction_is_due(&mut self, id: &str, now: Now) {
        let Some(transaction) = self.transactions.get(id).cloned() else { return };
        let done = match transaction.state {
            State::PrepareCommit | State::PrepareAbort => self.complete(id, Attempt::Again, now),
            State::Ongoing if transaction.is_timed_out(now) => {
                tracing::info!("a transaction of {id} took too long and is aborted");
                self.fence_and_abort(id, &transaction, now)
            }
            _ => {
                self.transactions.install(id, transaction, now);
                return;
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the end of a transaction of {id} is tried again");
            let again = now.elapsed + END_RETRY;
            self.transactions.postpone(id, again);
        }
    }

    /// Goes on with what a broker did that stopped: ends what was being ended, and aborts what is
    /// open in a partition although no transaction of a producer has it.
    pub(super) fn recover_transactions(&mut self, now: Now) {
        let ids: Vec<String> = self.transactions.iter().map(|(id, _)| id.to_owned()).collect();
        for id in ids {
            self.transaction_is_due(&id, now);
        }
        for (topic, index, marker) in self.hanging() {
            tracing::warn!("an open transaction of nobody is aborted in {topic}-{index}");
            if let Err(error) = self.append_marker(&topic, index, &marker, now) {
                tracing::warn!(%error, "it stays open");
            }
        }
    }

    fn hanging(&self) -> Vec<(String, i32, Marker)> {
        let open = self.transactions.iter().filter(|(_, known)| !known.state.is_idle());
        let known: BTreeSet<i64> = open.map(|(_, known)| known.producer_id).collect();
        let mut hanging = Vec::new();
        for (name, topic) in self.catalog.iter() {
            for (index, partition) in (0..).zip(&topic.partitions) {
                for id in partition.producers.with_open_transactions() {
                    let Some(producer) = partition.producers.get(id) else { continue };
                    if !known.contains(&id) {
                        let marker = Marker {
                            producer_id: id,
                            producer_epoch: producer.epoch,
                            outcome: Outcome::Abort,
                            coordinator_epoch: 0,
                        };
                        hanging.push((name.to_owned(), index, marker));
                    }
                }
            }
        }
        hanging
    }
}

impl Transaction {
    /// What EndTxn does by the rules of KIP-890: a repeated request is known by its epoch.
    fn ending(&self, producer: Identity, outcome: Outcome) -> Result<Ending, ResponseError> {
        let is_bumped = i32::from(self.epoch) == i32::from(producer.epoch) + 1;
        let is_rotated =
            self.previous_id == producer.id && producer.epoch == i16::MAX - 1 && self.epoch == 0;
        let is_current = producer.epoch == self.epoch;
        let is_repeated = (is_bumped && self.producer_id == producer.id) || is_rotated;
        if self.producer_id != producer.id && !is_rotated {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        let is_valid = match self.state {
            State::Ongoing | State::Empty => is_current,
            State::PrepareCommit | State::PrepareAbort => is_bumped,
            State::CompleteCommit | State::CompleteAbort => is_repeated || is_current,
        };
        if !is_valid {
            return Err(ResponseError::ProducerFenced);
        }
        match (self.state, outcome) {
            (State::Ongoing, _) => Ok(Ending::Ends),
            (State::CompleteCommit, Outcome::Commit) if is_repeated => Ok(Ending::Ended),
            (State::CompleteAbort, Outcome::Abort) if is_repeated => Ok(Ending::Ended),
            (State::CompleteCommit, Outcome::Abort) if !is_repeated => Ok(Ending::Ends),
            (State::CompleteAbort | State::Empty, Outcome::Abort) => Ok(Ending::Ends),
            (state, outcome) => Err(self.refused(state, outcome)),
        }
    }

    /// What EndTxn does by the rules of older clients, whose epoch says nothing.
    fn classic_ending(
        &self,
        producer: Identity,
        outcome: Outcome,
    ) -> Result<Ending, ResponseError> {
        if self.producer_id != producer.id {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        if self.epoch != producer.epoch {
            return Err(ResponseError::ProducerFenced);
        }
        match (self.state, outcome) {
            (State::Ongoing, _) => Ok(Ending::Ends),
            (State::CompleteCommit, Outcome::Commit) => Ok(Ending::Ended),
            (State::CompleteAbort, Outcome::Abort) => Ok(Ending::Ended),
            (state, outcome) => Err(self.refused(state, outcome)),
        }
    }

    fn refused(&self, state: State, outcome: Outcome) -> ResponseError {
        if state.outcome() == Some(outcome) {
            ResponseError::ConcurrentTransactions
        } else {
            ResponseError::InvalidTxnState
        }
    }
}
