//! InitProducerId: an id and an epoch for a producer. A transactional id has one producer: others
//! are fenced.

use std::io;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::state::{NO_EPOCH, NO_ID, State, Transaction};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled, Now};

/// As `transaction.max.timeout.ms`.
const TIMEOUT_MAX_MS: i32 = 900_000;
/// From this version on a client knows the error PRODUCER_FENCED.
const FENCED_SINCE: i16 = 4;
/// The longest transactional id.
const TRANSACTIONAL_ID_MAX_BYTES: usize = 32_767;

/// A producer as its requests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: i64,
    pub epoch: i16,
}

impl Core {
    pub(crate) fn init_producer_id(
        &mut self,
        call: &Call,
        request: InitProducerIdRequest,
    ) -> Handled<InitProducerIdResponse> {
        let response = InitProducerIdResponse::default();
        Handled::Now(match self.identity_for(call, &request) {
            Ok(identity) => response
                .with_producer_id(ProducerId(identity.id))
                .with_producer_epoch(identity.epoch),
            Err(error) => response
                .with_error_code(fenced_before(error, call.version, FENCED_SINCE).code())
                .with_producer_id(ProducerId(NO_ID))
                .with_producer_epoch(NO_EPOCH),
        })
    }

    fn identity_for(
        &mut self,
        call: &Call,
        request: &InitProducerIdRequest,
    ) -> Result<Identity, ResponseError> {
        match &request.transactional_id {
            Some(id) if !self.may(call, Operation::Write, Resource::TransactionalId(id)) => {
                return Err(ResponseError::TransactionalIdAuthorizationFailed);
            }
            None if !self.may_write_idempotently(call) => {
                return Err(ResponseError::ClusterAuthorizationFailed);
            }
            _ => {}
        }
        let expected = match (request.producer_id.0, request.producer_epoch) {
            (NO_ID, NO_EPOCH) => None,
            (NO_ID, _) | (_, NO_EPOCH) => return Err(ResponseError::InvalidRequest),
            (id, epoch) => Some(Identity { id, epoch }),
        };
        let Some(id) = &request.transactional_id else {
            let id = self.new_producer_id(call.now).map_err(unwritten)?;
            return Ok(Identity { id, epoch: 0 });
        };
        if id.is_empty() || id.len() > TRANSACTIONAL_ID_MAX_BYTES {
            return Err(ResponseError::InvalidRequest);
        }
        if !(1..=TIMEOUT_MAX_MS).contains(&request.transaction_timeout_ms) {
            return Err(ResponseError::InvalidTransactionTimeout);
        }
        self.init_transactional(id, request.transaction_timeout_ms, expected, call.now)
    }

    fn may_write_idempotently(&self, call: &Call) -> bool {
        self.may(call, Operation::IdempotentWrite, Resource::Cluster)
            || self.may_any_topic(call, Operation::Write)
    }

    fn init_transactional(
        &mut self,
        id: &str,
        timeout_ms: i32,
        expected: Option<Identity>,
        now: Now,
    ) -> Result<Identity, ResponseError> {
        let transaction = match self.transactions.get(id) {
            Some(transaction) => transaction.clone(),
            None => self.new_transactional(timeout_ms, now).map_err(unwritten)?,
        };
        if expected.is_some_and(|expected| !transaction.was_used_by(expected)) {
            return Err(ResponseError::ProducerFenced);
        }
        match transaction.state {
            State::PrepareCommit | State::PrepareAbort => {
                Err(ResponseError::ConcurrentTransactions)
            }
            State::Ongoing => {
                self.fence_and_abort(id, &transaction, now).map_err(unwritten)?;
                Err(ResponseError::ConcurrentTransactions)
            }
            State::Empty | State::CompleteCommit | State::CompleteAbort => {
                let next = self.initialized(&transaction, timeout_ms, expected, now)?;
                let identity = Identity { id: next.producer_id, epoch: next.epoch };
                self.write_transaction(id, next, now).map_err(unwritten)?;
                Ok(identity)
            }
        }
    }

    fn new_transactional(&mut self, timeout_ms: i32, now: Now) -> io::Result<Transaction> {
        if let Some(oldest) = self.transactions.one_too_many() {
            self.forget_transaction(&oldest, now)?;
        }
        Ok(Transaction::new(self.new_producer_id(now)?, timeout_ms))
    }

    fn initialized(
        &mut self,
        transaction: &Transaction,
        timeout_ms: i32,
        expected: Option<Identity>,
        now: Now,
    ) -> Result<Transaction, ResponseError> {
        let epoch = transaction.epoch;
        let expects_current = expected.is_none_or(|expected| expected.epoch == epoch);
        if transaction.is_exhausted() && expects_current {
            let id = self.new_producer_id(now).map_err(unwritten)?;
            let last_epoch = if expected.is_some() { epoch } else { NO_EPOCH };
            return Ok(transaction.rotated(id, last_epoch, timeout_ms));
        }
        let (epoch, last_epoch) = match expected {
            None => (epoch.saturating_add(1), NO_EPOCH),
            Some(_) if epoch == NO_EPOCH || expects_current => (epoch.saturating_add(1), epoch),
            Some(expected) if expected.epoch == transaction.last_epoch => {
                (epoch, transaction.last_epoch) // a request whose answer was lost
            }
            Some(_) => return Err(ResponseError::ProducerFenced),
        };
        Ok(transaction.initialized(epoch, last_epoch, timeout_ms))
    }
}

impl Transaction {
    /// Returns true if the producer had this id, so that its epoch decides whether it is fenced.
    fn was_used_by(&self, producer: Identity) -> bool {
        self.epoch == NO_EPOCH
            || producer.id == self.producer_id
            || (producer.id == self.previous_id && producer.epoch >= i16::MAX - 1)
    }
}

/// What an older client is told in place of PRODUCER_FENCED, which it does not know.
pub(super) fn fenced_before(error: ResponseError, version: i16, known_since: i16) -> ResponseError {
    match error {
        ResponseError::ProducerFenced if version < known_since => {
            ResponseError::InvalidProducerEpoch
        }
        other => other,
    }
}

/// The error for a client whose transaction cannot be remembered. Clients try again.
pub(super) fn unwritten(error: io::Error) -> ResponseError {
    tracing::error!(%error, "a transaction cannot be remembered");
    ResponseError::CoordinatorNotAvailable
}
