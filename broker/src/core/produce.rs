//! Produce: batches are checked, get their offsets and are appended as they came.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::{Call, Core, Handled};
use crate::log::Batch;

impl Core {
    pub(crate) fn produce(
        &mut self,
        _call: &Call,
        request: ProduceRequest,
    ) -> Handled<ProduceResponse> {
        let mut responses = Vec::new();
        for topic in request.topic_data {
            let partitions = topic
                .partition_data
                .into_iter()
                .map(|data| self.append(&topic.name, data))
                .collect();
            responses.push(
                TopicProduceResponse::default()
                    .with_name(topic.name)
                    .with_partition_responses(partitions),
            );
        }
        match request.acks {
            0 => Handled::Silently,
            _ => Handled::Now(ProduceResponse::default().with_responses(responses)),
        }
    }

    fn append(&mut self, topic: &str, data: PartitionProduceData) -> PartitionProduceResponse {
        let response = PartitionProduceResponse::default().with_index(data.index);
        let refused = |error: ResponseError| response.clone().with_error_code(error.code());
        let Some(partition) = self.catalog.partition_mut(topic, data.index) else {
            return refused(ResponseError::UnknownTopicOrPartition);
        };
        let Some(batch) = data.records.and_then(|records| Batch::parse(records).ok()) else {
            return refused(ResponseError::CorruptMessage);
        };
        let base_offset = partition.log.end_offset();
        match partition.log.append(batch) {
            Ok(()) => response.with_base_offset(base_offset),
            Err(_) => refused(ResponseError::KafkaStorageError),
        }
    }
}
