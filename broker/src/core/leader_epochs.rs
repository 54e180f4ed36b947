//! OffsetForLeaderEpoch: where a leader epoch ends, so that a consumer sees whether its log was cut.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::acls::{Operation, Resource};
use super::{Call, Core, Handled};

impl Core {
    pub(crate) fn offset_for_leader_epoch(
        &mut self,
        call: &Call,
        request: OffsetForLeaderEpochRequest,
    ) -> Handled<OffsetForLeaderEpochResponse> {
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let may = self.may(call, Operation::Describe, Resource::Topic(&topic.topic));
            let partitions = topic.partitions.iter().map(|wanted| {
                let end = match may {
                    true => self.epoch_end(&topic.topic, wanted),
                    false => Err(ResponseError::TopicAuthorizationFailed),
                };
                let end = end.unwrap_or_else(|error| {
                    EpochEndOffset::default().with_error_code(error.code())
                });
                end.with_partition(wanted.partition)
            });
            let partitions = partitions.collect();
            topics.push(
                OffsetForLeaderTopicResult::default()
                    .with_topic(topic.topic)
                    .with_partitions(partitions),
            );
        }
        Handled::Now(OffsetForLeaderEpochResponse::default().with_topics(topics))
    }

    fn epoch_end(
        &self,
        topic: &str,
        wanted: &OffsetForLeaderPartition,
    ) -> Result<EpochEndOffset, ResponseError> {
        let partition = self.catalog.partition(topic, wanted.partition);
        let partition = partition.ok_or(ResponseError::UnknownTopicOrPartition)?;
        partition.check_leader_epoch(wanted.current_leader_epoch)?;
        let log_end = partition.log.end_offset();
        let end = partition.epochs.end_of(wanted.leader_epoch, partition.leader_epoch, log_end);
        Ok(match end {
            Some(end) => {
                EpochEndOffset::default().with_leader_epoch(end.epoch).with_end_offset(end.offset)
            }
            None => EpochEndOffset::default(),
        })
    }
}
