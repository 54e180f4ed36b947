//! ListOffsets: where a partition begins and ends, and which offset a time has.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::acls::{Operation, Resource};
use super::fetch::Isolation;
use super::{Call, Core, Handled, Partition};

/// Answers of older versions have no leader epoch, and cannot be written with one.
const LEADER_EPOCH_SINCE: i16 = 4;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;
/// The first version that has each of the special timestamps below `EARLIEST`.
const SPECIAL_SINCE: [(i64, i16); 4] =
    [(MAX_TIMESTAMP, 7), (EARLIEST_LOCAL, 8), (LATEST_TIERED, 9), (EARLIEST_PENDING_UPLOAD, 11)];

/// Where a record is.
struct Place {
    timestamp: i64,
    offset: i64,
}

impl Core {
    pub(crate) fn list_offsets(
        &mut self,
        call: &Call,
        request: ListOffsetsRequest,
    ) -> Handled<ListOffsetsResponse> {
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let may = self.may(call, Operation::Describe, Resource::Topic(&topic.name));
            let mut count: BTreeMap<i32, usize> = BTreeMap::new();
            for wanted in &topic.partitions {
                *count.entry(wanted.partition_index).or_default() += 1;
            }
            let mut named = BTreeSet::new();
            let once = topic.partitions.iter().filter(|each| named.insert(each.partition_index));
            let partitions = once.map(|wanted| {
                let is_twice = count.get(&wanted.partition_index).is_some_and(|count| *count > 1);
                let found = match may {
                    true if is_twice => Err(ResponseError::InvalidRequest),
                    true => self.listed(call.version, &topic.name, wanted, request.isolation_level),
                    false => Err(ResponseError::TopicAuthorizationFailed),
                };
                found.unwrap_or_else(|error| {
                    ListOffsetsPartitionResponse::default()
                        .with_partition_index(wanted.partition_index)
                        .with_error_code(error.code())
                })
            });
            let partitions = partitions.collect();
            topics.push(
                ListOffsetsTopicResponse::default()
                    .with_name(topic.name)
                    .with_partitions(partitions),
            );
        }
        Handled::Now(ListOffsetsResponse::default().with_topics(topics))
    }

    fn listed(
        &self,
        version: i16,
        topic: &str,
        wanted: &ListOffsetsPartition,
        isolation_level: i8,
    ) -> Result<ListOffsetsPartitionResponse, ResponseError> {
        let isolation = Isolation::of(isolation_level).ok_or(ResponseError::UnknownServerError)?;
        let partition = self.catalog.partition(topic, wanted.partition_index);
        let partition = partition.ok_or(ResponseError::UnknownTopicOrPartition)?;
        let since = SPECIAL_SINCE.iter().find(|(special, _)| *special == wanted.timestamp);
        let is_known =
            wanted.timestamp >= EARLIEST || since.is_some_and(|(_, min)| version >= *min);
        if !is_known {
            return Err(ResponseError::UnsupportedVersion);
        }
        partition.check_leader_epoch(wanted.current_leader_epoch)?;
        let place = partition.place_of(wanted.timestamp, isolation).map_err(|error| {
            tracing::error!(%error, "the offsets of {topic}-{} are not read", wanted.partition_index);
            ResponseError::KafkaStorageError
        })?;
        let response =
            ListOffsetsPartitionResponse::default().with_partition_index(wanted.partition_index);
        let Some(Place { timestamp, offset }) = place else { return Ok(response) };
        let epoch = match wanted.timestamp {
            _ if version < LEADER_EPOCH_SINCE => None,
            LATEST => Some(partition.leader_epoch),
            _ if offset == partition.log.end_offset() => Some(partition.leader_epoch),
            _ => partition.epochs.of_offset(offset),
        };
        Ok(response
            .with_timestamp(timestamp)
            .with_offset(offset)
            .with_leader_epoch(epoch.unwrap_or(-1)))
    }
}

impl Partition {
    fn place_of(&self, timestamp: i64, isolation: Isolation) -> io::Result<Option<Place>> {
        let at = |offset| Some(Place { timestamp: -1, offset });
        let end = self.visible_end(isolation);
        Ok(match timestamp {
            LATEST => at(end),
            EARLIEST | EARLIEST_LOCAL => at(self.log.start_offset()),
            LATEST_TIERED | EARLIEST_PENDING_UPLOAD => None,
            _ => {
                let found = match timestamp {
                    MAX_TIMESTAMP => self.log.max_timestamp()?,
                    _ => self.log.offset_of(timestamp)?,
                };
                let visible = found.filter(|found| found.offset < end);
                visible.map(|found| Place { timestamp: found.timestamp, offset: found.offset })
            }
        })
    }
}
