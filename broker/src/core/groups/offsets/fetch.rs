//! OffsetFetch.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::{Committed, GroupOffsets, Place};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled};

/// From this version on, several groups are asked for at once.
const BATCHED_FROM: i16 = 8;
/// From this version on, there is an error code for the whole answer.
const ERROR_FROM: i16 = 2;

impl Core {
    pub(crate) fn offset_fetch(
        &mut self,
        call: &Call,
        request: OffsetFetchRequest,
    ) -> Handled<OffsetFetchResponse> {
        let is_stable = request.require_stable;
        if call.version >= BATCHED_FROM {
            let groups = request.groups.into_iter();
            let groups = groups.map(|group| self.fetched_group(call, group, is_stable)).collect();
            return Handled::Now(OffsetFetchResponse::default().with_groups(groups));
        }
        let topics = request.topics.map(|topics| {
            let topics = topics.into_iter().map(|topic| {
                OffsetFetchRequestTopics::default()
                    .with_name(topic.name)
                    .with_partition_indexes(topic.partition_indexes)
            });
            topics.collect()
        });
        let group =
            OffsetFetchRequestGroup::default().with_group_id(request.group_id).with_topics(topics);
        Handled::Now(single(call.version, self.fetched_group(call, group, is_stable)))
    }

    fn fetched_group(
        &mut self,
        call: &Call,
        asked: OffsetFetchRequestGroup,
        is_stable: bool,
    ) -> OffsetFetchResponseGroup {
        let response = OffsetFetchResponseGroup::default().with_group_id(asked.group_id.clone());
        match self.may_fetch(call, &asked) {
            Ok(()) => response.with_topics(self.fetched_topics(call, asked, is_stable)),
            Err(error) => {
                let topics = asked.topics.into_iter().flatten();
                let topics = topics.map(|topic| refused_topic(topic, error));
                let topics = match call.version < BATCHED_FROM {
                    true => topics.collect(),
                    false => Vec::new(),
                };
                response.with_error_code(error.code()).with_topics(topics)
            }
        }
    }

    fn may_fetch(&self, call: &Call, asked: &OffsetFetchRequestGroup) -> Result<(), ResponseError> {
        if !self.may(call, Operation::Describe, Resource::Group(&asked.group_id)) {
            return Err(ResponseError::GroupAuthorizationFailed);
        }
        self.groups.validate_fetch(&asked.group_id, asked.member_id.as_deref(), asked.member_epoch)
    }

    fn fetched_topics(
        &self,
        call: &Call,
        asked: OffsetFetchRequestGroup,
        is_stable: bool,
    ) -> Vec<OffsetFetchResponseTopics> {
        let nothing = GroupOffsets::default();
        let offsets = self.groups.offsets.of(&asked.group_id).unwrap_or(&nothing);
        let may_see = |topic: &str| self.may(call, Operation::Describe, Resource::Topic(topic));
        let Some(topics) = asked.topics else {
            let mut topics = all_topics(offsets);
            topics.retain(|topic| may_see(&topic.name));
            return topics.into_iter().map(|topic| fetched(topic, offsets, is_stable)).collect();
        };
        let topics = topics.into_iter().map(|topic| match may_see(&topic.name) {
            true => fetched(topic, offsets, is_stable),
            false => refused_topic(topic, ResponseError::TopicAuthorizationFailed),
        });
        topics.collect()
    }
}

/// Every partition that has an offset, as if it were asked for.
fn all_topics(offsets: &GroupOffsets) -> Vec<OffsetFetchRequestTopics> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for place in offsets.committed.keys() {
        topics.entry(&place.topic).or_default().push(place.partition);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        OffsetFetchRequestTopics::default()
            .with_name(TopicName(StrBytes::from_string(name.to_owned())))
            .with_partition_indexes(partitions)
    });
    topics.collect()
}

fn fetched(
    asked: OffsetFetchRequestTopics,
    offsets: &GroupOffsets,
    is_stable: bool,
) -> OffsetFetchResponseTopics {
    let mut place = Place { topic: asked.name.to_string(), partition: 0 };
    let partitions = asked.partition_indexes.into_iter().map(|partition| {
        place.partition = partition;
        if is_stable && offsets.is_pending(&place) {
            return nothing(partition).with_error_code(ResponseError::UnstableOffsetCommit.code());
        }
        match offsets.committed.get(&place) {
            Some(committed) => found(partition, committed),
            None => nothing(partition),
        }
    });
    let partitions = partitions.collect();
    OffsetFetchResponseTopics::default().with_name(asked.name).with_partitions(partitions)
}

fn found(partition: i32, committed: &Committed) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions::default()
        .with_partition_index(partition)
        .with_committed_offset(committed.offset)
        .with_committed_leader_epoch(committed.leader_epoch)
        .with_metadata(Some(StrBytes::from_string(committed.metadata.clone())))
}

/// The answer for a partition that has no offset.
fn nothing(partition: i32) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions::default()
        .with_partition_index(partition)
        .with_committed_offset(-1)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(StrBytes::default()))
}

fn refused_topic(
    asked: OffsetFetchRequestTopics,
    error: ResponseError,
) -> OffsetFetchResponseTopics {
    let partitions = asked.partition_indexes.into_iter();
    let partitions =
        partitions.map(|partition| nothing(partition).with_error_code(error.code())).collect();
    OffsetFetchResponseTopics::default().with_name(asked.name).with_partitions(partitions)
}

/// The answer of versions that have one group.
fn single(version: i16, group: OffsetFetchResponseGroup) -> OffsetFetchResponse {
    let topics = group.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_committed_leader_epoch(partition.committed_leader_epoch)
                .with_metadata(partition.metadata)
                .with_error_code(partition.error_code)
        });
        OffsetFetchResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions.collect())
    });
    let topics: Vec<_> = topics.collect();
    let response = OffsetFetchResponse::default();
    if version < ERROR_FROM || group.error_code == 0 {
        return response.with_topics(topics);
    }
    response.with_error_code(group.error_code)
}
