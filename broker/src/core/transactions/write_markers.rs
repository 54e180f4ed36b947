//! WriteTxnMarkers: an administrator ends a transaction that nobody ends, partition by partition.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::write_txn_markers_request::WritableTxnMarker;
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};

use super::{Marker, Outcome};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled, Now};

impl Core {
    pub(crate) fn write_txn_markers(
        &mut self,
        call: &Call,
        request: WriteTxnMarkersRequest,
    ) -> Handled<WriteTxnMarkersResponse> {
        let may = [Operation::ClusterAction, Operation::Alter]
            .into_iter()
            .any(|operation| self.may(call, operation, Resource::Cluster));
        let mut results = Vec::with_capacity(request.markers.len());
        for marker in request.markers {
            results.push(self.write_marker(may, marker, call.now));
        }
        Handled::Now(WriteTxnMarkersResponse::default().with_markers(results))
    }

    fn write_marker(
        &mut self,
        may: bool,
        request: WritableTxnMarker,
        now: Now,
    ) -> WritableTxnMarkerResult {
        let outcome = if request.transaction_result { Outcome::Commit } else { Outcome::Abort };
        let marker = Marker {
            producer_id: request.producer_id.0,
            producer_epoch: request.producer_epoch,
            outcome,
            coordinator_epoch: request.coordinator_epoch,
        };
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let mut partitions = Vec::with_capacity(topic.partition_indexes.len());
            for index in topic.partition_indexes {
                let written = match may {
                    true => self.write_marker_to(&topic.name, index, &marker, now),
                    false => Err(ResponseError::ClusterAuthorizationFailed),
                };
                partitions.push(
                    WritableTxnMarkerPartitionResult::default()
                        .with_partition_index(index)
                        .with_error_code(written.err().map_or(0, |error| error.code())),
                );
            }
            topics.push(
                WritableTxnMarkerTopicResult::default()
                    .with_name(topic.name)
                    .with_partitions(partitions),
            );
        }
        WritableTxnMarkerResult::default().with_producer_id(request.producer_id).with_topics(topics)
    }

    fn write_marker_to(
        &mut self,
        topic: &str,
        index: i32,
        marker: &Marker,
        now: Now,
    ) -> Result<(), ResponseError> {
        let partition = self.catalog.partition(topic, index);
        let partition = partition.ok_or(ResponseError::UnknownTopicOrPartition)?;
        if let Some(known) = partition.producers.get(marker.producer_id) {
            if marker.producer_epoch < known.epoch {
                return Err(ResponseError::InvalidProducerEpoch);
            }
            if marker.coordinator_epoch < known.coordinator_epoch {
                return Err(ResponseError::TransactionCoordinatorFenced);
            }
        }
        self.append_marker(topic, index, marker, now).map_err(|error| {
            tracing::error!(%error, "a marker cannot be written to {topic}-{index}");
            ResponseError::KafkaStorageError
        })
    }
}
