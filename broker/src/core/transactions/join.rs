//! AddPartitionsToTxn, AddOffsetsToTxn, and the transactional batch that adds its partition itself.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTransaction;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
};

use super::init::{Identity, fenced_before, unwritten};
use super::state::{Participant, Rules, State, Transaction};
use crate::core::acls::{Operation, Resource};
use crate::core::produce::Refusal;
use crate::core::{Call, Core, Handled, Now};
use crate::log::BatchHeader;

/// From this version on AddPartitionsToTxn is for brokers: it has several transactions.
const BATCHED_SINCE: i16 = 4;
/// From these versions on a client knows the error PRODUCER_FENCED.
const FENCED_SINCE: i16 = 2;
/// From this version on Produce adds its partitions to the transaction.
const PRODUCE_JOINS_SINCE: i16 = 12;
/// From this version on a client of Produce knows the error TRANSACTION_ABORTABLE.
const ABORTABLE_SINCE: i16 = 11;
/// A transaction has offsets of no more groups than this.
const GROUPS_MAX: usize = 1000;

/// What is added to a transaction.
enum Joining {
    Partitions(BTreeSet<Participant>),
    Group(String),
}

impl Core {
    pub(crate) fn add_partitions_to_txn(
        &mut self,
        call: &Call,
        request: AddPartitionsToTxnRequest,
    ) -> Handled<AddPartitionsToTxnResponse> {
        let response = AddPartitionsToTxnResponse::default();
        if call.version >= BATCHED_SINCE
            && !self.may(call, Operation::ClusterAction, Resource::Cluster)
        {
            let error = ResponseError::ClusterAuthorizationFailed.code();
            return Handled::Now(response.with_error_code(error));
        }
        let is_batched = call.version >= BATCHED_SINCE;
        let transactions = if is_batched { request.transactions } else { vec![only_one(request)] };
        let mut results = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            let errors = self.partition_errors(call, &transaction);
            results.push(result(call.version, &transaction, &errors));
        }
        Handled::Now(if is_batched {
            response.with_results_by_transaction(results)
        } else {
            let topics = results.into_iter().flat_map(|result| result.topic_results).collect();
            response.with_results_by_topic_v3_and_below(topics)
        })
    }

    /// Adds partitions to a transaction, all or none. Returns those which have an error.
    fn partition_errors(
        &mut self,
        call: &Call,
        request: &AddPartitionsToTxnTransaction,
    ) -> BTreeMap<Participant, ResponseError> {
        let all = participants(request);
        let for_all = |error: ResponseError| {
            all.iter().map(|participant| (participant.clone(), error)).collect()
        };
        let id = request.transactional_id.as_str();
        if !self.may(call, Operation::Write, Resource::TransactionalId(id)) {
            return for_all(ResponseError::TransactionalIdAuthorizationFailed);
        }
        let unwritable = |participant: &Participant| self.unwritable(call, participant);
        if all.iter().any(|participant| unwritable(participant).is_some()) {
            let error = |participant: &Participant| {
                unwritable(participant).unwrap_or(ResponseError::OperationNotAttempted)
            };
            return all.iter().map(|each| (each.clone(), error(each))).collect();
        }
        let producer = Identity { id: request.producer_id.0, epoch: request.producer_epoch };
        if request.verify_only && call.version >= BATCHED_SINCE {
            return match self.checked(id, producer) {
                Err(error) => for_all(error),
                Ok(transaction) => {
                    let others = all.difference(&transaction.partitions);
                    others
                        .map(|other| (other.clone(), ResponseError::TransactionAbortable))
                        .collect()
                }
            };
        }
        let joining = Joining::Partitions(all.clone());
        match self.join(id, producer, Rules::Classic, joining, call.now) {
            Ok(()) => BTreeMap::new(),
            Err(error) => for_all(error),
        }
    }

    fn not_in_transaction(&self, id: &str, participant: &Participant) -> Option<ResponseError> {
        let transaction = self.transactions.get(id);
        let takes_part = transaction.is_some_and(|found| found.partitions.contains(participant));
        (!takes_part).then_some(ResponseError::TransactionAbortable)
    }

    fn unwritable(&self, call: &Call, participant: &Participant) -> Option<ResponseError> {
        let Participant { topic, index } = participant;
        if !self.may(call, Operation::Write, Resource::Topic(topic)) {
            return Some(ResponseError::TopicAuthorizationFailed);
        }
        let is_known = self.catalog.partition(topic, *index).is_some();
        (!is_known).then_some(ResponseError::UnknownTopicOrPartition)
    }

    pub(crate) fn add_offsets_to_txn(
        &mut self,
        call: &Call,
        request: AddOffsetsToTxnRequest,
    ) -> Handled<AddOffsetsToTxnResponse> {
        let id = request.transactional_id.as_str();
        let group = request.group_id.as_str();
        let producer = Identity { id: request.producer_id.0, epoch: request.producer_epoch };
        let joined = if !self.may(call, Operation::Write, Resource::TransactionalId(id)) {
            Err(ResponseError::TransactionalIdAuthorizationFailed)
        } else if !self.may(call, Operation::Read, Resource::Group(group)) {
            Err(ResponseError::GroupAuthorizationFailed)
        } else {
            let joining = Joining::Group(group.to_owned());
            self.join(id, producer, Rules::Classic, joining, call.now)
        };
        let error = joined.err().map(|error| fenced_before(error, call.version, FENCED_SINCE));
        let code = error.map_or(0, |error| error.code());
        Handled::Now(AddOffsetsToTxnResponse::default().with_error_code(code))
    }

    /// Checks that a partition takes part in the transaction of a batch, or adds it.
    pub(crate) fn join_transaction(
        &mut self,
        call: &Call,
        id: &str,
        topic: &str,
        index: i32,
        header: &BatchHeader,
    ) -> Result<(), Refusal> {
        let partition = self.catalog.partition(topic, index);
        let known = partition.and_then(|partition| partition.producers.get(header.producer_id));
        let is_open = known.is_some_and(|known| {
            known.open_since.is_some() && known.epoch == header.producer_epoch
        });
        if is_open {
            return Ok(());
        }
        let producer = Identity { id: header.producer_id, epoch: header.producer_epoch };
        let participant = Participant { topic: topic.to_owned(), index };
        let joined = if call.version >= PRODUCE_JOINS_SINCE {
            let joining = Joining::Partitions(BTreeSet::from([participant]));
            self.join(id, producer, Rules::EpochPerTransaction, joining, call.now)
        } else {
            self.checked(id, producer)
                .map(|_| ())
                .and_then(|()| self.not_in_transaction(id, &participant).map_or(Ok(()), Err))
        };
        joined.map_err(|error| produce_refusal(error, call.version))
    }

    /// Adds a group whose offsets are part of a transaction, as TxnOffsetCommit does by itself.
    pub(super) fn join_group_to_transaction(
        &mut self,
        id: &str,
        producer: Identity,
        group: &str,
        now: Now,
    ) -> Result<(), ResponseError> {
        let joining = Joining::Group(group.to_owned());
        self.join(id, producer, Rules::EpochPerTransaction, joining, now)
    }

    /// Checks that a group takes part in a transaction.
    pub(super) fn check_group_in_transaction(
        &self,
        id: &str,
        producer: Identity,
        group: &str,
    ) -> Result<(), ResponseError> {
        let transaction = self.checked(id, producer)?;
        let takes_part = transaction.groups.contains(group);
        if takes_part { Ok(()) } else { Err(ResponseError::TransactionAbortable) }
    }

    /// The transaction of a producer which is not fenced and not ending one.
    fn checked(&self, id: &str, producer: Identity) -> Result<&Transaction, ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let transaction = self.transactions.get(id);
        let transaction = transaction.ok_or(ResponseError::InvalidProducerIdMapping)?;
        if transaction.producer_id != producer.id {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        if transaction.epoch != producer.epoch {
            return Err(ResponseError::ProducerFenced);
        }
        match transaction.state {
            State::PrepareCommit | State::PrepareAbort => {
                Err(ResponseError::ConcurrentTransactions)
            }
            _ => Ok(transaction),
        }
    }

    fn join(
        &mut self,
        id: &str,
        producer: Identity,
        rules: Rules,
        joining: Joining,
        now: Now,
    ) -> Result<(), ResponseError> {
        let transaction = self.checked(id, producer)?;
        let takes_part = match &joining {
            Joining::Partitions(partitions) => partitions.is_subset(&transaction.partitions),
            Joining::Group(group) => transaction.groups.contains(group),
        };
        if takes_part && transaction.state == State::Ongoing {
            return Ok(());
        }
        let mut joined = transaction.joined(rules, now);
        match joining {
            Joining::Partitions(partitions) => joined.partitions.extend(partitions),
            Joining::Group(_) if joined.groups.len() >= GROUPS_MAX => {
                return Err(ResponseError::InvalidRequest);
            }
            Joining::Group(group) => {
                joined.groups.insert(group);
            }
        }
        self.write_transaction(id, joined, now).map_err(unwritten)
    }
}

/// What a producer is told whose batch is not part of a transaction. Older clients do not know every
/// error: they get one which lets them do the right thing.
fn produce_refusal(error: ResponseError, version: i16) -> Refusal {
    match error {
        ResponseError::ProducerFenced => Refusal::new(ResponseError::InvalidProducerEpoch),
        ResponseError::TransactionAbortable if version < ABORTABLE_SINCE => Refusal::said(
            ResponseError::InvalidTxnState,
            "Partition was not added to the transaction",
        ),
        ResponseError::ConcurrentTransactions | ResponseError::CoordinatorNotAvailable => {
            Refusal::said(
                ResponseError::NotEnoughReplicas,
                format!(
                    "Unable to verify the partition has been added to the transaction. Underlying \
                     error: {error:?}"
                ),
            )
        }
        other => Refusal::new(other),
    }
}

/// The one transaction in a request of a client.
fn only_one(request: AddPartitionsToTxnRequest) -> AddPartitionsToTxnTransaction {
    AddPartitionsToTxnTransaction::default()
        .with_transactional_id(request.v3_and_below_transactional_id)
        .with_producer_id(request.v3_and_below_producer_id)
        .with_producer_epoch(request.v3_and_below_producer_epoch)
        .with_topics(request.v3_and_below_topics)
}

fn participants(request: &AddPartitionsToTxnTransaction) -> BTreeSet<Participant> {
    let topics = request.topics.iter();
    let named = topics.flat_map(|topic| {
        topic.partitions.iter().map(|&index| Participant { topic: topic.name.to_string(), index })
    });
    named.collect()
}

fn result(
    version: i16,
    request: &AddPartitionsToTxnTransaction,
    errors: &BTreeMap<Participant, ResponseError>,
) -> AddPartitionsToTxnResult {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|&index| {
            let error = errors.get(&Participant { topic: topic.name.to_string(), index });
            let error = error.map(|&error| fenced_before(error, version, FENCED_SINCE));
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(index)
                .with_partition_error_code(error.map_or(0, |error| error.code()))
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    });
    AddPartitionsToTxnResult::default()
        .with_transactional_id(request.transactional_id.clone())
        .with_topic_results(topics.collect())
}
