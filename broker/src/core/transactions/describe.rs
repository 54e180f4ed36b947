//! DescribeProducers, ListTransactions and DescribeTransactions: what Kafka's tools look at.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_protocol::messages::describe_transactions_response::{
    TopicData, TransactionState as Described,
};
use kafka_protocol::messages::list_transactions_response::TransactionState as Listed;
use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeProducersResponse, DescribeTransactionsRequest,
    DescribeTransactionsResponse, ListTransactionsRequest, ListTransactionsResponse, ProducerId,
    TopicName, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use super::state::{State, Transaction};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled};

/// All states which a tool can ask for.
const STATES: [State; 6] = [
    State::Empty,
    State::Ongoing,
    State::PrepareCommit,
    State::PrepareAbort,
    State::CompleteCommit,
    State::CompleteAbort,
];
/// States of Kafka that no transaction of this broker is ever seen in.
const STATES_NEVER_SEEN: [&str; 2] = ["Dead", "PrepareEpochFence"];

impl Core {
    pub(crate) fn describe_producers(
        &mut self,
        call: &Call,
        request: DescribeProducersRequest,
    ) -> Handled<DescribeProducersResponse> {
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let may_read = self.may(call, Operation::Read, Resource::Topic(&topic.name));
            let partitions = topic.partition_indexes.iter().map(|&index| match may_read {
                true => self.producers_of(&topic.name, index),
                false => PartitionResponse::default()
                    .with_partition_index(index)
                    .with_error_code(ResponseError::TopicAuthorizationFailed.code()),
            });
            let partitions = partitions.collect();
            topics.push(
                TopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions),
            );
        }
        Handled::Now(DescribeProducersResponse::default().with_topics(topics))
    }

    fn producers_of(&self, topic: &str, index: i32) -> PartitionResponse {
        let response = PartitionResponse::default().with_partition_index(index);
        let Some(partition) = self.catalog.partition(topic, index) else {
            let why = "This server does not host this topic-partition.";
            let is_known = self.catalog.get(topic).is_some();
            return response
                .with_error_code(ResponseError::UnknownTopicOrPartition.code())
                .with_error_message((!is_known).then(|| StrBytes::from_static_str(why)));
        };
        let producers = partition.producers.all().into_iter().map(|(id, producer)| {
            ProducerState::default()
                .with_producer_id(ProducerId(id))
                .with_producer_epoch(producer.epoch.into())
                .with_last_sequence(producer.last_sequence())
                .with_last_timestamp(producer.last_timestamp)
                .with_coordinator_epoch(producer.coordinator_epoch)
                .with_current_txn_start_offset(producer.open_since.unwrap_or(-1))
        });
        response.with_active_producers(producers.collect())
    }

    pub(crate) fn list_transactions(
        &mut self,
        call: &Call,
        request: ListTransactionsRequest,
    ) -> Handled<ListTransactionsResponse> {
        let response = ListTransactionsResponse::default();
        let is_state = |name: &StrBytes| {
            STATES.iter().any(|state| state.name() == name.as_str())
                || STATES_NEVER_SEEN.contains(&name.as_str())
        };
        let unknown = request.state_filters.iter().filter(|name| !is_state(name));
        let response = response.with_unknown_state_filters(unknown.cloned().collect());
        let pattern = request.transactional_id_pattern.as_ref().filter(|text| !text.is_empty());
        let pattern = match pattern.map(|text| whole(text)).transpose() {
            Ok(pattern) => pattern,
            Err(error) => return Handled::Now(response.with_error_code(error.code())),
        };
        let wanted = |id: &str, transaction: &Transaction| {
            is_listed(transaction, &request, call.now.wall_ms)
                && pattern.as_ref().is_none_or(|pattern| pattern.is_match(id))
                && self.may(call, Operation::Describe, Resource::TransactionalId(id))
        };
        let listed = self.transactions.iter().filter(|(id, transaction)| wanted(id, transaction));
        let listed = listed.map(|(id, transaction)| {
            Listed::default()
                .with_transactional_id(TransactionalId(StrBytes::from_string(id.to_owned())))
                .with_producer_id(ProducerId(transaction.producer_id))
                .with_transaction_state(StrBytes::from_static_str(transaction.state.name()))
        });
        Handled::Now(response.with_transaction_states(listed.collect()))
    }

    pub(crate) fn describe_transactions(
        &mut self,
        call: &Call,
        request: DescribeTransactionsRequest,
    ) -> Handled<DescribeTransactionsResponse> {
        let ids = request.transactional_ids.into_iter();
        let states = ids.map(|id| self.described(call, id)).collect();
        Handled::Now(DescribeTransactionsResponse::default().with_transaction_states(states))
    }

    fn described(&self, call: &Call, id: TransactionalId) -> Described {
        let refused = |error: ResponseError| {
            Described::default().with_transactional_id(id.clone()).with_error_code(error.code())
        };
        if !self.may(call, Operation::Describe, Resource::TransactionalId(&id)) {
            return refused(ResponseError::TransactionalIdAuthorizationFailed);
        }
        if id.is_empty() {
            return refused(ResponseError::InvalidRequest);
        }
        let Some(transaction) = self.transactions.get(&id) else {
            return refused(ResponseError::TransactionalIdNotFound);
        };
        Described::default()
            .with_transactional_id(id.clone())
            .with_transaction_state(StrBytes::from_static_str(transaction.state.name()))
            .with_transaction_timeout_ms(transaction.timeout_ms)
            .with_transaction_start_time_ms(transaction.started_ms)
            .with_producer_id(ProducerId(transaction.producer_id))
            .with_producer_epoch(transaction.epoch)
            .with_topics(self.described_topics(call, transaction))
    }

    /// The partitions of the topics that the caller may know of.
    fn described_topics(&self, call: &Call, transaction: &Transaction) -> Vec<TopicData> {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for participant in &transaction.partitions {
            if self.may(call, Operation::Describe, Resource::Topic(&participant.topic)) {
                topics.entry(&participant.topic).or_default().push(participant.index);
            }
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            TopicData::default()
                .with_topic(TopicName(StrBytes::from_string(name.to_owned())))
                .with_partitions(partitions)
        });
        topics.collect()
    }
}

fn is_listed(transaction: &Transaction, request: &ListTransactionsRequest, now_ms: i64) -> bool {
    let states = &request.state_filters;
    let ids = &request.producer_id_filters;
    let state = transaction.state.name();
    let age_ms = now_ms.saturating_sub(transaction.started_ms);
    (states.is_empty() || states.iter().any(|name| name.as_str() == state))
        && (ids.is_empty() || ids.contains(&ProducerId(transaction.producer_id)))
        && (request.duration_filter < 0 || age_ms > request.duration_filter)
}

/// The largest program that a pattern may become.
const PATTERN_MAX_BYTES: usize = 256 * 1024;

/// A pattern that matches whole transactional ids.
fn whole(pattern: &str) -> Result<regex::Regex, ResponseError> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(PATTERN_MAX_BYTES)
        .build()
        .map_err(|_| ResponseError::InvalidRegularExpression)
}
