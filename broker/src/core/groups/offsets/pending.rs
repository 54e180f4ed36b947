//! Offsets that are part of a transaction: nobody sees them until the transaction is committed.

use std::io;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use super::commit::Committer;
use super::{Committed, Offsets, Pending};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Entry, Now};

impl Core {
    /// Keeps the offsets of a TxnOffsetCommit request, which the transaction's coordinator has let
    /// through: that its producer may and is not fenced is not checked here.
    pub(crate) fn keep_pending_offsets(
        &mut self,
        call: &Call,
        request: &TxnOffsetCommitRequest,
    ) -> TxnOffsetCommitResponse {
        let group = request.group_id.as_str();
        let mut pending = self.groups.offsets.pending(group, request.producer_id.0).clone();
        let may_read_group = self.may(call, Operation::Read, Resource::Group(group));
        let mut results: Vec<Vec<Result<(), ResponseError>>> = Vec::new();
        for topic in &request.topics {
            let may_read = self.may(call, Operation::Read, Resource::Topic(&topic.name));
            let keep = |partition: &kafka_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition| {
                if !may_read_group {
                    return Err(ResponseError::GroupAuthorizationFailed);
                }
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
                    expires_ms: None,
                };
                pending.insert(place, committed);
                Ok(())
            };
            results.push(topic.partitions.iter().map(keep).collect());
        }
        if results.iter().flatten().any(Result::is_ok)
            && let Err(error) = self.write_pending(call, request, &pending)
        {
            let good = results.iter_mut().flatten().filter(|result| result.is_ok());
            good.for_each(|result| *result = Err(error));
        }
        self.settle_groups(call.now);
        response(request, &results)
    }

    fn write_pending(
        &mut self,
        call: &Call,
        request: &TxnOffsetCommitRequest,
        pending: &Pending,
    ) -> Result<(), ResponseError> {
        let committer = Committer {
            group: &request.group_id,
            member: &request.member_id,
            instance: request.group_instance_id.as_deref(),
            generation: request.generation_id,
            is_transactional: true,
            version: call.version,
        };
        self.groups.validate_commit(&committer, call.now)?;
        let entry = super::pending_entry(committer.group, request.producer_id.0, pending);
        self.write_offsets(entry.map(|entry| vec![entry]), call.now)
    }

    /// Ends a producer's transaction for a group: its offsets hold from now on, or are dropped.
    ///
    /// It may be called again for a transaction that has ended, as after a crash.
    pub(crate) fn end_pending_offsets(
        &mut self,
        group: &str,
        producer: i64,
        is_committed: bool,
        now: Now,
    ) -> io::Result<()> {
        let entries = self.groups.offsets.entries_of_end(group, producer, is_committed)?;
        if entries.is_empty() {
            return Ok(());
        }
        self.journal.write(entries.clone(), now)?;
        self.groups.offsets.apply(entries)
    }
}

impl Offsets {
    fn pending(&self, group: &str, producer: i64) -> &Pending {
        static NOTHING: Pending = Pending::new();
        let offsets = self.groups.get(group);
        offsets.and_then(|offsets| offsets.pending.get(&producer)).unwrap_or(&NOTHING)
    }

    fn entries_of_end(
        &self,
        group: &str,
        producer: i64,
        is_committed: bool,
    ) -> io::Result<Vec<Entry>> {
        let pending = self.pending(group, producer);
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = vec![super::pending_entry(group, producer, &Pending::new())?];
        if is_committed {
            for (place, committed) in pending {
                entries.push(super::entry(group, place, Some(committed))?);
            }
        }
        Ok(entries)
    }
}

fn response(
    request: &TxnOffsetCommitRequest,
    results: &[Vec<Result<(), ResponseError>>],
) -> TxnOffsetCommitResponse {
    let topics = request.topics.iter().zip(results).map(|(topic, results)| {
        let partitions = topic.partitions.iter().zip(results).map(|(partition, result)| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(result.as_ref().err().map_or(0, ResponseError::code))
        });
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}
