//! Produce, Fetch and what else is asked of the leader of a partition.

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, FetchRequest, FetchResponse, ListOffsetsRequest,
    ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ProduceRequest,
    ProduceResponse,
};

use super::Refusable;
use crate::faults::Subject;

impl Refusable for ProduceRequest {
    type Response = ProduceResponse;

    fn refusal(&self, _version: i16, code: i16) -> ProduceResponse {
        let topics = self.topic_data.iter().map(|topic| {
            let partitions = topic.partition_data.iter().map(|partition| {
                PartitionProduceResponse::default()
                    .with_index(partition.index)
                    .with_error_code(code)
                    .with_base_offset(-1)
                    .with_log_append_time_ms(-1)
                    .with_log_start_offset(-1)
            });
            TopicProduceResponse::default()
                .with_name(topic.name.clone())
                .with_topic_id(topic.topic_id)
                .with_partition_responses(partitions.collect())
        });
        ProduceResponse::default().with_responses(topics.collect())
    }

    fn subject(&self) -> Subject {
        let subject = Subject::default()
            .topics(self.topic_data.iter().map(|topic| topic.name.as_str()))
            .topic_ids(self.topic_data.iter().map(|topic| topic.topic_id));
        match &self.transactional_id {
            Some(id) => subject.producer(id),
            None => subject,
        }
    }
}

/// Errors of a fetch that are about its session, not about a partition.
const SESSION_ERRORS: [ResponseError; 2] =
    [ResponseError::FetchSessionIdNotFound, ResponseError::InvalidFetchSessionEpoch];
/// The id of a fetch that is of no session.
const NO_SESSION: i32 = 0;
/// The first version of Fetch with sessions, and an error at its top.
const FETCH_WITH_SESSIONS: i16 = 7;

impl Refusable for FetchRequest {
    type Response = FetchResponse;

    fn refusal(&self, version: i16, code: i16) -> FetchResponse {
        let is_of_session = SESSION_ERRORS.iter().any(|error| error.code() == code);
        let has_top = version >= FETCH_WITH_SESSIONS;
        if has_top && (is_of_session || self.topics.is_empty()) {
            return FetchResponse::default().with_error_code(code);
        }
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                PartitionData::default()
                    .with_partition_index(partition.partition)
                    .with_error_code(code)
                    .with_high_watermark(-1)
                    .with_last_stable_offset(-1)
                    .with_log_start_offset(-1)
                    .with_records(Some(Bytes::new()))
            });
            FetchableTopicResponse::default()
                .with_topic(topic.topic.clone())
                .with_topic_id(topic.topic_id)
                .with_partitions(partitions.collect())
        });
        FetchResponse::default().with_responses(topics.collect())
    }

    fn session_lost(&self) -> Option<FetchResponse> {
        let code = ResponseError::FetchSessionIdNotFound.code();
        (self.session_id != NO_SESSION).then(|| FetchResponse::default().with_error_code(code))
    }

    fn subject(&self) -> Subject {
        Subject::default()
            .topics(self.topics.iter().map(|topic| topic.topic.as_str()))
            .topic_ids(self.topics.iter().map(|topic| topic.topic_id))
    }
}

impl Refusable for ListOffsetsRequest {
    type Response = ListOffsetsResponse;

    fn refusal(&self, _version: i16, code: i16) -> ListOffsetsResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                ListOffsetsPartitionResponse::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
                    .with_timestamp(-1)
                    .with_offset(-1)
            });
            ListOffsetsTopicResponse::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().topics(self.topics.iter().map(|topic| topic.name.as_str()))
    }
}

impl Refusable for OffsetForLeaderEpochRequest {
    type Response = OffsetForLeaderEpochResponse;

    fn refusal(&self, _version: i16, code: i16) -> OffsetForLeaderEpochResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                EpochEndOffset::default()
                    .with_partition(partition.partition)
                    .with_error_code(code)
                    .with_leader_epoch(-1)
                    .with_end_offset(-1)
            });
            OffsetForLeaderTopicResult::default()
                .with_topic(topic.topic.clone())
                .with_partitions(partitions.collect())
        });
        OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().topics(self.topics.iter().map(|topic| topic.topic.as_str()))
    }
}

impl Refusable for DeleteRecordsRequest {
    type Response = DeleteRecordsResponse;

    fn refusal(&self, _version: i16, code: i16) -> DeleteRecordsResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                DeleteRecordsPartitionResult::default()
                    .with_partition_index(partition.partition_index)
                    .with_low_watermark(-1)
                    .with_error_code(code)
            });
            DeleteRecordsTopicResult::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        DeleteRecordsResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().topics(self.topics.iter().map(|topic| topic.name.as_str()))
    }
}
