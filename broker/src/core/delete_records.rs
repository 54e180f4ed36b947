//! DeleteRecords: a partition begins later from now on.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::acls::{Operation, Resource};
use super::{Call, Core, Handled};

/// The offset that stands for the end of the partition.
const HIGH_WATERMARK: i64 = -1;
/// The low watermark where there is an error.
const NO_LOW_WATERMARK: i64 = -1;

impl Core {
    pub(crate) fn delete_records(
        &mut self,
        call: &Call,
        request: DeleteRecordsRequest,
    ) -> Handled<DeleteRecordsResponse> {
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let may = self.may(call, Operation::Delete, Resource::Topic(&topic.name));
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for wanted in &topic.partitions {
                let deleted = match may {
                    true => self.delete_before(&topic.name, wanted.partition_index, wanted.offset),
                    false => Err(ResponseError::TopicAuthorizationFailed),
                };
                partitions.push(
                    DeleteRecordsPartitionResult::default()
                        .with_partition_index(wanted.partition_index)
                        .with_error_code(deleted.err().map_or(0, |error| error.code()))
                        .with_low_watermark(deleted.unwrap_or(NO_LOW_WATERMARK)),
                );
            }
            topics.push(
                DeleteRecordsTopicResult::default()
                    .with_name(topic.name)
                    .with_partitions(partitions),
            );
        }
        Handled::Now(DeleteRecordsResponse::default().with_topics(topics))
    }

    /// Returns the offset with which the partition begins now.
    fn delete_before(&mut self, topic: &str, index: i32, to: i64) -> Result<i64, ResponseError> {
        let unknown = ResponseError::UnknownTopicOrPartition;
        let found = self.catalog.get(topic).ok_or(unknown)?;
        let is_deletable = found.settings.log.cleanup.delete;
        let partition = self.catalog.partition_mut(topic, index).ok_or(unknown)?;
        if !is_deletable {
            return Err(ResponseError::PolicyViolation);
        }
        let end = partition.log.end_offset();
        let to = if to == HIGH_WATERMARK { end } else { to };
        if !(0..=end).contains(&to) {
            return Err(ResponseError::OffsetOutOfRange);
        }
        partition.log.delete_before(to).map_err(|error| {
            tracing::error!(%error, "records of {topic}-{index} cannot be deleted");
            ResponseError::KafkaStorageError
        })?;
        let start = partition.log.start_offset();
        partition.producers.start_moved(start);
        Ok(start)
    }
}
