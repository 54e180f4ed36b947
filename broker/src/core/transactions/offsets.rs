//! TxnOffsetCommit: offsets of a group that become visible when the transaction is committed.

use std::io;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use super::Outcome;
use super::init::Identity;
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled, Now};

/// From this version on the request adds its group to the transaction.
const JOINS_SINCE: i16 = 5;
/// From this version on a client knows the error TRANSACTION_ABORTABLE.
const ABORTABLE_SINCE: i16 = 4;

impl Core {
    pub(crate) fn txn_offset_commit(
        &mut self,
        call: &Call,
        request: TxnOffsetCommitRequest,
    ) -> Handled<TxnOffsetCommitResponse> {
        Handled::Now(match self.let_through(call, &request) {
            Ok(()) => self.keep_pending_offsets(call, &request),
            Err(error) => refused(&request, error),
        })
    }

    /// Checks that the producer may commit offsets of the group in its transaction.
    fn let_through(
        &mut self,
        call: &Call,
        request: &TxnOffsetCommitRequest,
    ) -> Result<(), ResponseError> {
        let (id, group) = (request.transactional_id.as_str(), request.group_id.as_str());
        if !self.may(call, Operation::Write, Resource::TransactionalId(id)) {
            return Err(ResponseError::TransactionalIdAuthorizationFailed);
        }
        if !self.may(call, Operation::Read, Resource::Group(group)) {
            return Err(ResponseError::GroupAuthorizationFailed);
        }
        if group.is_empty() {
            return Err(ResponseError::InvalidGroupId);
        }
        let producer = Identity { id: request.producer_id.0, epoch: request.producer_epoch };
        let joined = if call.version >= JOINS_SINCE {
            self.join_group_to_transaction(id, producer, group, call.now)
        } else {
            self.check_group_in_transaction(id, producer, group)
        };
        joined.map_err(|error| match error {
            ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
            ResponseError::ConcurrentTransactions => ResponseError::CoordinatorNotAvailable,
            ResponseError::TransactionAbortable if call.version < ABORTABLE_SINCE => {
                ResponseError::InvalidTxnState
            }
            other => other,
        })
    }

    /// Ends a transaction for a group: its offsets hold from now on, or are dropped.
    pub(super) fn end_offsets(
        &mut self,
        group: &str,
        producer_id: i64,
        outcome: Outcome,
        now: Now,
    ) -> io::Result<()> {
        self.end_pending_offsets(group, producer_id, outcome == Outcome::Commit, now)
    }
}

fn refused(request: &TxnOffsetCommitRequest, error: ResponseError) -> TxnOffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(error.code())
        });
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}
