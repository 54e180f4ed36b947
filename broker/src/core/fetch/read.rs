//! What a fetch gets of its partitions.

use std::collections::BTreeSet;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ProducerId;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use kafka_protocol::protocol::StrBytes;

use super::answer::Unread;
use super::{Fetch, Found, Isolation, TopicRef, Wanted};
use crate::core::acls::{Operation, Resource};
use crate::core::partition::{Partition, PartitionId};
use crate::core::{Call, ConnectionId, Core, NODE};

/// From this version on the answer says who leads a partition if the consumer does not know.
const LEADER_SINCE: i16 = 16;

/// How much a fetch wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub min_bytes: usize,
    /// `None` for a negative number, which Kafka fails at.
    pub max_bytes: Option<usize>,
    pub isolation: Isolation,
    /// The request is one of a follower, which no partition has.
    pub is_replica: bool,
}

/// What was found for a fetch.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub found: Vec<Found>,
    pub bytes: usize,
    /// Waiting changes nothing: a partition has an error, or there is none to wait for.
    pub is_final: bool,
    /// The partitions which can be waited for.
    pub partitions: BTreeSet<PartitionId>,
}

/// A partition that exists and may be read.
struct Readable<'a> {
    partition: &'a Partition,
    id: PartitionId,
}

impl Core {
    /// Reads all partitions of a fetch, within its limits.
    pub(super) fn read_all(&self, fetch: &Fetch) -> Read {
        let limits = fetch.limits;
        let mut read = Read::default();
        let mut rest = limits.max_bytes.unwrap_or(0);
        for wanted in &fetch.wanted {
            let target = wanted.target.clone();
            let readable = match self.readable(&fetch.call, wanted) {
                Ok(readable) => readable,
                Err(error) => {
                    let data =
                        refused(target.index, error).with_aborted_transactions(Some(Vec::new()));
                    read.found.push(Found { target, data, unread: None });
                    continue;
                }
            };
            let may_be_too_large = read.bytes == 0;
            let found = read_partition(readable.partition, wanted, rest, may_be_too_large, limits);
            let (data, unread) = found.unwrap_or_else(|error| {
                let version = fetch.call.version;
                (self.named_leader(version, readable.partition, target.index, error), None)
            });
            let bytes = unread.as_ref().map_or(0, Unread::bytes_at_most);
            read.bytes += bytes;
            rest = rest.saturating_sub(bytes);
            read.is_final |= data.error_code != 0 || data.diverging_epoch.epoch >= 0;
            read.partitions.insert(readable.id);
            read.found.push(Found { target, data, unread });
        }
        read.is_final |= read.partitions.is_empty();
        read
    }

    fn readable(&self, call: &Call, wanted: &Wanted) -> Result<Readable<'_>, ResponseError> {
        let name = match &wanted.target.topic {
            TopicRef::Name(name) => name.as_str(),
            TopicRef::Id(id) => self.catalog.name_of(*id).ok_or(ResponseError::UnknownTopicId)?,
        };
        if !self.may(call, Operation::Read, Resource::Topic(name)) {
            return Err(ResponseError::TopicAuthorizationFailed);
        }
        let unknown = ResponseError::UnknownTopicOrPartition;
        let topic = self.catalog.get(name).ok_or(unknown)?;
        let partition = self.catalog.partition(name, wanted.target.index).ok_or(unknown)?;
        let id = PartitionId { topic: topic.id, index: wanted.target.index };
        Ok(Readable { partition, id })
    }

    fn named_leader(
        &self,
        version: i16,
        partition: &Partition,
        index: i32,
        error: ResponseError,
    ) -> PartitionData {
        let data = refused(index, error);
        if error != ResponseError::FencedLeaderEpoch || version < LEADER_SINCE {
            return data;
        }
        let leader = LeaderIdAndEpoch::default()
            .with_leader_id(NODE)
            .with_leader_epoch(partition.leader_epoch);
        data.with_current_leader(leader)
    }

    pub(super) fn fetch_endpoint(&self, connection: ConnectionId) -> NodeEndpoint {
        let (host, port) = self.advertised(connection);
        NodeEndpoint::default()
            .with_node_id(NODE)
            .with_host(StrBytes::from_string(host))
            .with_port(port.into())
    }
}

fn read_partition(
    partition: &Partition,
    wanted: &Wanted,
    rest: usize,
    may_be_too_large: bool,
    limits: Limits,
) -> Result<(PartitionData, Option<Unread>), ResponseError> {
    if limits.is_replica {
        return Err(ResponseError::NotLeaderOrFollower);
    }
    partition.check_leader_epoch(wanted.leader_epoch)?;
    let (Some(max_bytes), Some(_)) = (wanted.max_bytes, limits.max_bytes) else {
        return Err(ResponseError::UnknownServerError);
    };
    let end = partition.log.end_offset();
    let data = PartitionData::default()
        .with_partition_index(wanted.target.index)
        .with_high_watermark(end)
        .with_last_stable_offset(partition.last_stable_offset())
        .with_log_start_offset(partition.log.start_offset())
        .with_aborted_transactions(None)
        .with_records(Some(Bytes::new()));
    if let Some(diverging) = diverging(partition, wanted)? {
        return Ok((data.with_diverging_epoch(diverging), None));
    }
    if !(partition.log.start_offset()..=end).contains(&wanted.from) {
        return Err(ResponseError::OffsetOutOfRange);
    }
    let below = partition.visible_end(limits.isolation);
    let unread = unread(partition, wanted.from, below, max_bytes, rest)?.filter(|unread| {
        unread.bytes_at_most() > 0 && (may_be_too_large || rest.min(max_bytes) > 0)
    });
    let aborted = match limits.isolation {
        Isolation::ReadUncommitted => None,
        Isolation::ReadCommitted if unread.is_none() => Some(Vec::new()),
        Isolation::ReadCommitted => Some(aborted(partition, wanted.from, below)),
    };
    Ok((data.with_aborted_transactions(aborted), unread))
}

/// What there is to read, whether there is room for it or not.
fn unread(
    partition: &Partition,
    from: i64,
    below: i64,
    max_bytes: usize,
    rest: usize,
) -> Result<Option<Unread>, ResponseError> {
    if from >= below {
        return Ok(None);
    }
    let slice = partition.log.slice(from, below, max_bytes.min(rest)).map_err(|error| {
        tracing::error!(%error, "records cannot be read");
        ResponseError::KafkaStorageError
    })?;
    Ok(Some(Unread { slice, max_bytes }))
}

/// Where the consumer's log and this one part, if they do.
fn diverging(
    partition: &Partition,
    wanted: &Wanted,
) -> Result<Option<EpochEndOffset>, ResponseError> {
    let epoch = wanted.last_fetched_epoch;
    if epoch < 0 {
        return Ok(None);
    }
    let end = partition.epochs.end_of(epoch, partition.leader_epoch, partition.log.end_offset());
    let end = end.ok_or(ResponseError::OffsetOutOfRange)?;
    let diverges = end.epoch < epoch || end.offset < wanted.from;
    Ok(diverges
        .then(|| EpochEndOffset::default().with_epoch(end.epoch).with_end_offset(end.offset)))
}

fn aborted(partition: &Partition, from: i64, below: i64) -> Vec<AbortedTransaction> {
    let aborted = partition.producers.aborted_between(from, below).into_iter();
    aborted
        .map(|aborted| {
            AbortedTransaction::default()
                .with_producer_id(ProducerId(aborted.producer_id))
                .with_first_offset(aborted.first_offset)
        })
        .collect()
}

pub(super) fn refused(index: i32, error: ResponseError) -> PartitionData {
    PartitionData::default()
        .with_partition_index(index)
        .with_error_code(error.code())
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_log_start_offset(-1)
        .with_aborted_transactions(None)
        .with_records(Some(Bytes::new()))
}
