//! DescribeTopicPartitions: topics page by page.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};

use super::check_name;
use crate::core::metadata::{OPERATIONS_NOT_ASKED, is_internal};
use crate::core::refusal::text;
use crate::core::{Call, Core, Handled, NODE, Operation, Resource, Topic};

/// As `max.request.partition.size.limit`.
const PAGE_MAX: usize = 2000;

impl Core {
    pub(crate) fn describe_topic_partitions(
        &mut self,
        call: &Call,
        request: DescribeTopicPartitionsRequest,
    ) -> Handled<DescribeTopicPartitionsResponse> {
        let from =
            request.cursor.map(|cursor| (cursor.topic_name.to_string(), cursor.partition_index));
        let is_invalid = from.as_ref().is_some_and(|(_, partition)| *partition < 0);
        if is_invalid || request.response_partition_limit < 0 {
            let refused = request.topics.into_iter().map(|topic| {
                let error = ResponseError::InvalidRequest.code();
                unknown(&topic.name).with_error_code(error)
            });
            let refused = refused.collect();
            return Handled::Now(DescribeTopicPartitionsResponse::default().with_topics(refused));
        }
        let names: BTreeSet<String> = match request.topics.is_empty() {
            true => self.catalog.iter().map(|(name, _)| name.to_owned()).collect(),
            false => request.topics.iter().map(|topic| topic.name.to_string()).collect(),
        };
        let is_all = request.topics.is_empty();
        let limit = usize::try_from(request.response_partition_limit).unwrap_or_default();
        let limit = if limit == 0 { PAGE_MAX } else { limit.min(PAGE_MAX) };
        let (topics, next) = self.page(call, names, is_all, from, limit);
        let response = DescribeTopicPartitionsResponse::default().with_topics(topics);
        Handled::Now(response.with_next_cursor(next))
    }

    fn page(
        &self,
        call: &Call,
        names: BTreeSet<String>,
        is_all: bool,
        from: Option<(String, i32)>,
        limit: usize,
    ) -> (Vec<DescribeTopicPartitionsResponseTopic>, Option<Cursor>) {
        let mut room = limit;
        let mut topics = Vec::new();
        for name in names {
            if from.as_ref().is_some_and(|(first, _)| name < *first) {
                continue;
            }
            if !self.may(call, Operation::Describe, Resource::Topic(&name)) {
                if !is_all {
                    let error = ResponseError::TopicAuthorizationFailed.code();
                    topics.push(unknown(&name).with_error_code(error));
                }
                continue;
            }
            if room == 0 {
                return (topics, Some(cursor(&name, 0)));
            }
            let skipped = match &from {
                Some((first, partition)) if *first == name => {
                    usize::try_from(*partition).unwrap_or(0)
                }
                _ => 0,
            };
            let Some(topic) = self.catalog.get(&name) else {
                let error = match check_name(&name) {
                    Ok(()) => ResponseError::UnknownTopicOrPartition,
                    Err(_) => ResponseError::InvalidTopicException,
                };
                topics.push(unknown(&name).with_error_code(error.code()));
                continue;
            };
            let end = topic.partitions.len().min(skipped.saturating_add(room));
            topics.push(self.described_page(call, &name, topic, skipped..end));
            room -= end.saturating_sub(skipped);
            if end < topic.partitions.len() {
                return (topics, Some(cursor(&name, end)));
            }
        }
        (topics, None)
    }

    fn described_page(
        &self,
        call: &Call,
        name: &str,
        topic: &Topic,
        partitions: std::ops::Range<usize>,
    ) -> DescribeTopicPartitionsResponseTopic {
        let range = topic.partitions.get(partitions.clone()).unwrap_or_default();
        let described = partitions.zip(range).map(|(index, partition)| {
            DescribeTopicPartitionsResponsePartition::default()
                .with_partition_index(i32::try_from(index).unwrap_or(i32::MAX))
                .with_leader_id(NODE)
                .with_leader_epoch(partition.leader_epoch)
                .with_replica_nodes(vec![NODE])
                .with_isr_nodes(vec![NODE])
                .with_eligible_leader_replicas(Some(Vec::new()))
                .with_last_known_elr(Some(Vec::new()))
        });
        DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(TopicName(text(name))))
            .with_topic_id(topic.id)
            .with_is_internal(is_internal(name))
            .with_topic_authorized_operations(
                self.authorized_operations(call, Resource::Topic(name)),
            )
            .with_partitions(described.collect())
    }
}

fn cursor(topic: &str, partition: usize) -> Cursor {
    Cursor::default()
        .with_topic_name(TopicName(text(topic)))
        .with_partition_index(i32::try_from(partition).unwrap_or(i32::MAX))
}

fn unknown(name: &str) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(text(name))))
        .with_topic_authorized_operations(OPERATIONS_NOT_ASKED)
}
