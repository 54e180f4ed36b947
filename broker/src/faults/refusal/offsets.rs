//! The offsets that groups commit.

use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse,
    OffsetFetchRequest, OffsetFetchResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Refusable;
use crate::faults::Subject;

impl Refusable for OffsetCommitRequest {
    type Response = OffsetCommitResponse;

    fn refusal(&self, _version: i16, code: i16) -> OffsetCommitResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                OffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
            });
            OffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        OffsetCommitResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default()
            .topics(self.topics.iter().map(|topic| topic.name.as_str()))
            .group(&self.group_id)
    }
}

/// The first version of OffsetFetch with an error at its top.
const OFFSET_FETCH_WITH_TOP: i16 = 2;
/// The first version of OffsetFetch with several groups.
const OFFSET_FETCH_OF_GROUPS: i16 = 8;

impl Refusable for OffsetFetchRequest {
    type Response = OffsetFetchResponse;

    fn refusal(&self, version: i16, code: i16) -> OffsetFetchResponse {
        if version >= OFFSET_FETCH_OF_GROUPS {
            let groups = self.groups.iter().map(|group| {
                OffsetFetchResponseGroup::default()
                    .with_group_id(group.group_id.clone())
                    .with_error_code(code)
            });
            return OffsetFetchResponse::default().with_groups(groups.collect());
        }
        if version >= OFFSET_FETCH_WITH_TOP {
            return OffsetFetchResponse::default().with_error_code(code);
        }
        let topics = self.topics.iter().flatten().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|partition| {
                OffsetFetchResponsePartition::default()
                    .with_partition_index(*partition)
                    .with_committed_offset(-1)
                    .with_metadata(Some(StrBytes::default()))
                    .with_error_code(code)
            });
            OffsetFetchResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        OffsetFetchResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        let of_groups = self.groups.iter().flat_map(|group| group.topics.iter().flatten());
        let subject = Subject::default()
            .topics(self.topics.iter().flatten().map(|topic| topic.name.as_str()))
            .topics(of_groups.map(|topic| topic.name.as_str()))
            .groups(self.groups.iter().map(|group| group.group_id.as_str()));
        match self.groups.is_empty() {
            true => subject.group(&self.group_id),
            false => subject,
        }
    }
}

impl Refusable for OffsetDeleteRequest {
    type Response = OffsetDeleteResponse;

    fn refusal(&self, _version: i16, code: i16) -> OffsetDeleteResponse {
        OffsetDeleteResponse::default().with_error_code(code)
    }

    fn subject(&self) -> Subject {
        Subject::default()
            .topics(self.topics.iter().map(|topic| topic.name.as_str()))
            .group(&self.group_id)
    }
}

impl Refusable for TxnOffsetCommitRequest {
    type Response = TxnOffsetCommitResponse;

    fn refusal(&self, _version: i16, code: i16) -> TxnOffsetCommitResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                TxnOffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
            });
            TxnOffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        TxnOffsetCommitResponse::default().with_topics(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default()
            .topics(self.topics.iter().map(|topic| topic.name.as_str()))
            .group(&self.group_id)
            .producer(&self.transactional_id)
    }
}
