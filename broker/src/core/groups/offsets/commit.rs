//! OffsetCommit.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::{Committed, Place};
use crate::core::acls::{Operation, Resource};
use crate::core::groups::consumer::ConsumerGroup;
use crate::core::groups::{Group, Groups};
use crate::core::{Call, Core, Handled, Now};

/// From this version on, a client knows error codes of the consumer protocol.
const MEMBER_EPOCH_FROM: i16 = 9;

impl ConsumerGroup {
    /// Checks who commits. A transaction does not have to say which member it is for.
    fn validate_commit(&self, committer: &Committer) -> Result<(), ResponseError> {
        let Committer { member, generation, is_transactional, .. } = *committer;
        let is_nobody =
            generation < 0 && is_transactional && member.is_empty() && committer.instance.is_none();
        if is_nobody || generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let knows_epochs = committer.version >= MEMBER_EPOCH_FROM || is_transactional;
        let found = self.members.get(member).ok_or(ResponseError::UnknownMemberId)?;
        if found.classic.is_none() && !knows_epochs {
            return Err(ResponseError::UnsupportedVersion);
        }
        self.validate_offsets(member, generation).map_err(|error| match error {
            ResponseError::StaleMemberEpoch if is_transactional => ResponseError::IllegalGeneration,
            error => error,
        })
    }
}

/// The client that commits, and the member that it says it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::core::groups) struct Committer<'a> {
    pub group: &'a str,
    pub member: &'a str,
    pub instance: Option<&'a str>,
    /// The generation or the member's epoch; -1 is nobody in the group.
    pub generation: i32,
    pub is_transactional: bool,
    pub version: i16,
}

impl Core {
    pub(crate) fn offset_commit(
        &mut self,
        call: &Call,
        request: OffsetCommitRequest,
    ) -> Handled<OffsetCommitResponse> {
        let group = request.group_id.to_string();
        if !self.may(call, Operation::Read, Resource::Group(&group)) {
            return Handled::Now(all_refused(request, ResponseError::GroupAuthorizationFailed));
        }
        let mut checked: Vec<CheckedTopic> = Vec::new();
        for topic in request.topics {
            checked.push(self.check_topic(call, topic, request.retention_time_ms));
        }
        let committer = Committer {
            group: &group,
            member: &request.member_id,
            instance: request.group_instance_id.as_deref(),
            generation: request.generation_id_or_member_epoch,
            is_transactional: false,
            version: call.version,
        };
        let has_good = checked.iter().any(|topic| topic.partitions.iter().any(Result::is_ok));
        if has_good {
            let good = checked.iter().flat_map(CheckedTopic::good).collect();
            if let Err(error) = self.commit(&committer, good, call.now) {
                checked.iter_mut().for_each(|topic| topic.refuse(error));
            }
        }
        self.settle_groups(call.now);
        let topics = checked.into_iter().map(CheckedTopic::response).collect();
        Handled::Now(OffsetCommitResponse::default().with_topics(topics))
    }

    fn check_topic(
        &self,
        call: &Call,
        topic: OffsetCommitRequestTopic,
        retention_ms: i64,
    ) -> CheckedTopic {
        let may_read = self.may(call, Operation::Read, Resource::Topic(&topic.name));
        let check = |partition: &OffsetCommitRequestPartition| {
            if !may_read {
                return Err(ResponseError::TopicAuthorizationFailed);
            }
            let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
            let place = self.committable(&topic.name, partition.partition_index, metadata)?;
            let committed = Committed {
                offset: partition.committed_offset,
                leader_epoch: partition.committed_leader_epoch,
                metadata: metadata.to_owned(),
                committed_ms: call.now.wall_ms,
                expires_ms: (retention_ms >= 0)
                    .then(|| call.now.wall_ms.saturating_add(retention_ms)),
            };
            Ok((place, committed))
        };
        let partitions = topic.partitions.iter().map(check).collect();
        CheckedTopic { topic, partitions }
    }

    /// Checks that a partition is there and the metadata is not too large.
    pub(super) fn committable(
        &self,
        topic: &str,
        partition: i32,
        metadata: &str,
    ) -> Result<Place, ResponseError> {
        if self.catalog.partition(topic, partition).is_none() {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        match metadata.len() > self.groups.settings.metadata_max_bytes {
            true => Err(ResponseError::OffsetMetadataTooLarge),
            false => Ok(Place { topic: topic.to_owned(), partition }),
        }
    }

    /// Commits offsets for a group, all or none.
    fn commit(
        &mut self,
        committer: &Committer,
        offsets: Vec<(Place, Committed)>,
        now: Now,
    ) -> Result<(), ResponseError> {
        self.groups.validate_commit(committer, now)?;
        let entries = offsets
            .iter()
            .map(|(place, committed)| super::entry(committer.group, place, Some(committed)))
            .collect();
        self.write_offsets(entries, now)
    }

    /// Writes entries about offsets to the journal, and takes them over.
    pub(super) fn write_offsets(
        &mut self,
        entries: std::io::Result<Vec<crate::core::Entry>>,
        now: Now,
    ) -> Result<(), ResponseError> {
        let written = entries.and_then(|entries| {
            self.journal.write(entries.clone(), now)?;
            self.groups.offsets.apply(entries)
        });
        written.map_err(|error| {
            tracing::error!(%error, "offsets of a group cannot be written");
            ResponseError::CoordinatorNotAvailable
        })
    }
}

impl Groups {
    /// Checks who commits, and makes the group of a client that manages its partitions itself.
    pub(super) fn validate_commit(
        &mut self,
        committer: &Committer,
        now: Now,
    ) -> Result<(), ResponseError> {
        let Committer { group, member, instance, generation, is_transactional, .. } = *committer;
        if !self.groups.contains_key(group) {
            return match generation < 0 {
                true if self.make_classic(group, now) => Ok(()),
                true => Err(ResponseError::CoordinatorNotAvailable),
                false if committer.version >= MEMBER_EPOCH_FROM && !is_transactional => {
                    Err(ResponseError::GroupIdNotFound)
                }
                false => Err(ResponseError::IllegalGeneration),
            };
        }
        let validated = self.with_group(group, now, |group, turn| match group {
            Group::Classic(group) => {
                group.validate_commit(member, instance, generation, is_transactional)?;
                group.keep_alive(member, turn);
                Ok(())
            }
            Group::Consumer(group) => {
                group.validate_commit(committer)?;
                if let Some(member) = group.members.get(member).filter(|own| own.classic.is_some())
                {
                    group.keep_alive(member, turn);
                }
                Ok(())
            }
        });
        validated.unwrap_or(Err(ResponseError::UnknownMemberId))
    }
}

/// A topic of the request, with what each of its partitions commits or why it may not.
struct CheckedTopic {
    topic: OffsetCommitRequestTopic,
    partitions: Vec<Result<(Place, Committed), ResponseError>>,
}

impl CheckedTopic {
    fn good(&self) -> impl Iterator<Item = (Place, Committed)> {
        self.partitions.iter().filter_map(|partition| partition.as_ref().ok().cloned())
    }

    /// Refuses what was good so far.
    fn refuse(&mut self, error: ResponseError) {
        for partition in self.partitions.iter_mut().filter(|partition| partition.is_ok()) {
            *partition = Err(error);
        }
    }

    fn response(self) -> OffsetCommitResponseTopic {
        let partitions = self.topic.partitions.iter().zip(&self.partitions);
        let partitions = partitions.map(|(asked, result)| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(result.as_ref().err().map_or(0, ResponseError::code))
        });
        OffsetCommitResponseTopic::default()
            .with_partitions(partitions.collect())
            .with_name(self.topic.name)
    }
}

fn all_refused(request: OffsetCommitRequest, error: ResponseError) -> OffsetCommitResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|_| Err(error)).collect();
        CheckedTopic { topic, partitions }.response()
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}
