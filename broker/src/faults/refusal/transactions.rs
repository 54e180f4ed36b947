//! Producers and their transactions.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, TopicResponse};
use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse, DescribeProducersRequest, DescribeProducersResponse,
    DescribeTransactionsRequest, DescribeTransactionsResponse, EndTxnRequest, EndTxnResponse,
    InitProducerIdRequest, InitProducerIdResponse, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};

use super::{Refusable, refused_at_the_top};
use crate::faults::Subject;

refused_at_the_top! {
    ListTransactionsRequest => ListTransactionsResponse,
}

impl Refusable for InitProducerIdRequest {
    type Response = InitProducerIdResponse;

    fn refusal(&self, _version: i16, code: i16) -> InitProducerIdResponse {
        InitProducerIdResponse::default()
            .with_error_code(code)
            .with_producer_id((-1).into())
            .with_producer_epoch(-1)
    }

    fn subject(&self) -> Subject {
        // whoever asks for a producer id is fenced by nothing
        let id = self.transactional_id.as_ref();
        id.map_or_else(Subject::default, |id| Subject::default().transactional_id(id))
    }
}

/// The first version of AddPartitionsToTxn with several transactions, and an error at its top.
const ADD_TO_TRANSACTIONS: i16 = 4;

impl Refusable for AddPartitionsToTxnRequest {
    type Response = AddPartitionsToTxnResponse;

    fn refusal(&self, version: i16, code: i16) -> AddPartitionsToTxnResponse {
        if version >= ADD_TO_TRANSACTIONS {
            return AddPartitionsToTxnResponse::default().with_error_code(code);
        }
        let topics = self.v3_and_below_topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                AddPartitionsToTxnPartitionResult::default()
                    .with_partition_index(*partition)
                    .with_partition_error_code(code)
            });
            AddPartitionsToTxnTopicResult::default()
                .with_name(topic.name.clone())
                .with_results_by_partition(partitions.collect())
        });
        AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
    }

    fn subject(&self) -> Subject {
        let name = |topic: &AddPartitionsToTxnTopic| topic.name.to_string();
        let topics: Vec<String> = self
            .v3_and_below_topics
            .iter()
            .chain(self.transactions.iter().flat_map(|transaction| &transaction.topics))
            .map(name)
            .collect();
        let subject = Subject::default().topics(topics.iter().map(String::as_str));
        match self.transactions.first() {
            None => subject.producer(&self.v3_and_below_transactional_id),
            Some(first) => subject.producer(&first.transactional_id),
        }
    }
}

impl Refusable for AddOffsetsToTxnRequest {
    type Response = AddOffsetsToTxnResponse;

    fn refusal(&self, _version: i16, code: i16) -> AddOffsetsToTxnResponse {
        AddOffsetsToTxnResponse::default().with_error_code(code)
    }

    fn subject(&self) -> Subject {
        Subject::default().group(&self.group_id).producer(&self.transactional_id)
    }
}

impl Refusable for EndTxnRequest {
    type Response = EndTxnResponse;

    fn refusal(&self, _version: i16, code: i16) -> EndTxnResponse {
        EndTxnResponse::default().with_error_code(code)
    }

    fn subject(&self) -> Subject {
        Subject::default().producer(&self.transactional_id)
    }
}

impl Refusable for WriteTxnMarkersRequest {
    type Response = WriteTxnMarkersResponse;

    fn refusal(&self, _version: i16, code: i16) -> WriteTxnMarkersResponse {
        let markers = self.markers.iter().map(|marker| {
            let topics = marker.topics.iter().map(|topic| {
                let partitions = topic.partition_indexes.iter().map(|partition| {
                    WritableTxnMarkerPartitionResult::default()
                        .with_partition_index(*partition)
                        .with_error_code(code)
                });
                WritableTxnMarkerTopicResult::default()
                    .with_name(topic.name.clone())
                    .with_partitions(partitions.collect())
            });
            WritableTxnMarkerResult::default()
                .with_producer_id(marker.producer_id)
                .with_topics(topics.collect())
        });
        WriteTxnMarkersResponse::default().with_markers(markers.collect())
    }
}

impl Refusable for DescribeProducersRequest {
    type Response = DescribeProducersResponse;

    fn refusal(&self, _version: i16, code: i16) -> DescribeProducersResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|partition| {
                PartitionResponse::default().with_partition_index(*partition).with_error_code(code)
            });
            TopicResponse::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        DescribeProducersResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().topics(self.topics.iter().map(|topic| topic.name.as_str()))
    }
}

impl Refusable for DescribeTransactionsRequest {
    type Response = DescribeTransactionsResponse;

    fn refusal(&self, _version: i16, code: i16) -> DescribeTransactionsResponse {
        let states = self.transactional_ids.iter().map(|id| {
            TransactionState::default().with_transactional_id(id.clone()).with_error_code(code)
        });
        DescribeTransactionsResponse::default().with_transaction_states(states.collect())
    }

    fn subject(&self) -> Subject {
        let ids = self.transactional_ids.iter();
        ids.fold(Subject::default(), |subject, id| subject.transactional_id(id))
    }
}
