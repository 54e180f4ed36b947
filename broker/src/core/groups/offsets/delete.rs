//! OffsetDelete, and what goes with a topic or a group that is deleted.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestTopic;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::{Offsets, Place};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Entry, Handled};

impl Core {
    pub(crate) fn offset_delete(
        &mut self,
        call: &Call,
        request: OffsetDeleteRequest,
    ) -> Handled<OffsetDeleteResponse> {
        let response = OffsetDeleteResponse::default();
        Handled::Now(match self.delete_offsets(call, request) {
            Ok(topics) => response.with_topics(topics),
            Err(error) => response.with_error_code(error.code()),
        })
    }

    fn delete_offsets(
        &mut self,
        call: &Call,
        request: OffsetDeleteRequest,
    ) -> Result<Vec<OffsetDeleteResponseTopic>, ResponseError> {
        let group = request.group_id.to_string();
        if !self.may(call, Operation::Delete, Resource::Group(&group)) {
            return Err(ResponseError::GroupAuthorizationFailed);
        }
        if group.is_empty() {
            return Err(ResponseError::InvalidGroupId);
        }
        let subscribed = self.groups.topics_in_use(&group)?;
        let mut entries = Vec::new();
        let mut topics = Vec::new();
        for topic in request.topics {
            let is_subscribed = subscribed.contains(topic.name.as_str());
            let error = self.may_delete_offsets(call, &topic, is_subscribed).err();
            let mut partitions = Vec::new();
            for partition in topic.partitions {
                let index = partition.partition_index;
                let place = Place { topic: topic.name.to_string(), partition: index };
                let is_there = self.catalog.partition(&topic.name, index).is_some();
                let error = match error {
                    Some(ResponseError::GroupSubscribedToTopic) | None if !is_there => {
                        Some(ResponseError::UnknownTopicOrPartition)
                    }
                    error => error,
                };
                if error.is_none() {
                    entries.push(super::entry(&group, &place, None));
                }
                partitions.push(
                    OffsetDeleteResponsePartition::default()
                        .with_partition_index(index)
                        .with_error_code(error.map_or(0, |error| error.code())),
                );
            }
            topics.push(
                OffsetDeleteResponseTopic::default()
                    .with_name(topic.name)
                    .with_partitions(partitions),
            );
        }
        self.write_offsets(entries.into_iter().collect(), call.now)?;
        Ok(topics)
    }

    fn may_delete_offsets(
        &self,
        call: &Call,
        topic: &OffsetDeleteRequestTopic,
        is_subscribed: bool,
    ) -> Result<(), ResponseError> {
        if !self.may(call, Operation::Read, Resource::Topic(&topic.name)) {
            return Err(ResponseError::TopicAuthorizationFailed);
        }
        match is_subscribed {
            true => Err(ResponseError::GroupSubscribedToTopic),
            false => Ok(()),
        }
    }

    /// What the journal has to say about offsets when a topic is deleted; see
    /// [`Core::topic_is_deleted`].
    pub(crate) fn offsets_of_topic(&self, topic: &str) -> std::io::Result<Vec<Entry>> {
        self.groups.offsets.entries_without_topic(topic)
    }

    /// Takes over what [`Core::offsets_of_topic`] has told the journal.
    pub(crate) fn topic_is_deleted(&mut self, entries: Vec<Entry>) -> std::io::Result<()> {
        self.groups.offsets.apply(entries)
    }
}

impl Offsets {
    fn entries_without_topic(&self, topic: &str) -> std::io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (group, offsets) in &self.groups {
            for place in offsets.committed.keys().filter(|place| place.topic == topic) {
                entries.push(super::entry(group, place, None)?);
            }
            for (producer, pending) in &offsets.pending {
                let mut kept = pending.clone();
                kept.retain(|place, _| place.topic != topic);
                if kept.len() < pending.len() {
                    entries.push(super::pending_entry(group, *producer, &kept)?);
                }
            }
        }
        Ok(entries)
    }

    /// What the journal has to say about offsets when a group is deleted.
    pub fn entries_without_group(&self, group: &str) -> std::io::Result<Vec<Entry>> {
        let Some(offsets) = self.groups.get(group) else { return Ok(Vec::new()) };
        let committed = offsets.committed.keys().map(|place| super::entry(group, place, None));
        let pending = offsets.pending.keys();
        let pending = pending.map(|id| super::pending_entry(group, *id, &Default::default()));
        committed.chain(pending).collect()
    }
}
