//! ElectLeaders and reassignments: with one node, the leader is elected and every replica is there.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ElectLeadersRequest,
    ElectLeadersResponse, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
    TopicName,
};

use crate::core::refusal::{Refusal, text, verdict};
use crate::core::topics::check_replicas;
use crate::core::{Call, Core, Handled, Operation, Resource};

impl Core {
    pub(crate) fn elect_leaders(
        &mut self,
        call: &Call,
        request: ElectLeadersRequest,
    ) -> Handled<ElectLeadersResponse> {
        let kind = request.election_type;
        let refusal = if !self.may(call, Operation::Alter, Resource::Cluster) {
            Some(Refusal::from(ResponseError::ClusterAuthorizationFailed))
        } else if !(0..=1).contains(&kind) {
            let message = format!("Unknown election type {kind}");
            Some(Refusal::new(ResponseError::InvalidRequest, message))
        } else {
            None
        };
        let results = match request.topic_partitions {
            None => self.catalog.iter().map(|(name, _)| elected(name, Vec::new())).collect(),
            Some(topics) => topics
                .into_iter()
                .map(|topic| {
                    let result = |index| {
                        let why =
                            refusal.clone().unwrap_or_else(|| self.not_needed(&topic.topic, index));
                        PartitionResult::default()
                            .with_partition_id(index)
                            .with_error_code(why.code())
                            .with_error_message(why.text())
                    };
                    elected(
                        &topic.topic,
                        topic.partitions.iter().map(|index| result(*index)).collect(),
                    )
                })
                .collect(),
        };
        let response = ElectLeadersResponse::default().with_replica_election_results(results);
        match refusal.filter(|_| call.version >= 1) {
            Some(refusal) => Handled::Now(response.with_error_code(refusal.code())),
            None => Handled::Now(response),
        }
    }

    /// Says why no leader is elected.
    fn not_needed(&self, topic: &str, index: i32) -> Refusal {
        let unknown = ResponseError::UnknownTopicOrPartition;
        if self.catalog.get(topic).is_none() {
            return Refusal::new(unknown, format!("No such topic as {topic}"));
        }
        if self.catalog.partition(topic, index).is_none() {
            return Refusal::new(unknown, format!("No such partition as {topic}-{index}"));
        }
        let message = "Leader election not needed for topic partition.";
        Refusal::new(ResponseError::ElectionNotNeeded, message)
    }

    pub(crate) fn list_partition_reassignments(
        &mut self,
        call: &Call,
        _request: ListPartitionReassignmentsRequest,
    ) -> Handled<ListPartitionReassignmentsResponse> {
        let response = ListPartitionReassignmentsResponse::default().with_error_message(None);
        match self.may(call, Operation::Describe, Resource::Cluster) {
            true => Handled::Now(response),
            false => {
                let error = ResponseError::ClusterAuthorizationFailed.code();
                Handled::Now(response.with_error_code(error))
            }
        }
    }

    pub(crate) fn alter_partition_reassignments(
        &mut self,
        call: &Call,
        request: AlterPartitionReassignmentsRequest,
    ) -> Handled<AlterPartitionReassignmentsResponse> {
        let response = AlterPartitionReassignmentsResponse::default().with_error_message(None);
        if !self.may(call, Operation::Alter, Resource::Cluster) {
            let error = ResponseError::ClusterAuthorizationFailed.code();
            return Handled::Now(response.with_error_code(error));
        }
        let responses = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.into_iter().map(|partition| {
                let (code, message) = verdict(&self.reassign(&topic.name, &partition));
                ReassignablePartitionResponse::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
                    .with_error_message(message)
            });
            let partitions = partitions.collect();
            ReassignableTopicResponse::default().with_name(topic.name).with_partitions(partitions)
        });
        let responses = responses.collect();
        Handled::Now(response.with_responses(responses))
    }

    /// Checks that a partition is to be where it is.
    fn reassign(&self, topic: &str, partition: &ReassignablePartition) -> Result<(), Refusal> {
        let unknown = ResponseError::UnknownTopicOrPartition;
        let index = partition.partition_index;
        if self.catalog.get(topic).is_none() {
            return Err(Refusal::new(unknown, format!("Unable to find a topic named {topic}.")));
        }
        if self.catalog.partition(topic, index).is_none() {
            let message = format!("Unable to find partition {topic}:{index}.");
            return Err(Refusal::new(unknown, message));
        }
        match &partition.replicas {
            Some(replicas) => check_replicas(replicas),
            None => Err(ResponseError::NoReassignmentInProgress.into()),
        }
    }
}

fn elected(topic: &str, partitions: Vec<PartitionResult>) -> ReplicaElectionResult {
    ReplicaElectionResult::default()
        .with_topic(TopicName(text(topic)))
        .with_partition_result(partitions)
}
