//! The cluster, its logs and its reassignments.

use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, DescribeLogDirsRequest,
    DescribeLogDirsResponse, ElectLeadersRequest, ElectLeadersResponse,
};

use super::{Refusable, refused_at_the_top};
use crate::faults::Subject;

refused_at_the_top! {
    AlterPartitionReassignmentsRequest => AlterPartitionReassignmentsResponse,
    DescribeClusterRequest => DescribeClusterResponse,
    DescribeQuorumRequest => DescribeQuorumResponse,
    GetTelemetrySubscriptionsRequest => GetTelemetrySubscriptionsResponse,
    ListConfigResourcesRequest => ListConfigResourcesResponse,
    ListPartitionReassignmentsRequest => ListPartitionReassignmentsResponse,
    PushTelemetryRequest => PushTelemetryResponse,
    UnregisterBrokerRequest => UnregisterBrokerResponse,
    UpdateFeaturesRequest => UpdateFeaturesResponse,
}

/// The first version of DescribeLogDirs with an error at its top.
const LOG_DIRS_WITH_TOP: i16 = 3;

impl Refusable for DescribeLogDirsRequest {
    type Response = DescribeLogDirsResponse;

    fn refusal(&self, version: i16, code: i16) -> DescribeLogDirsResponse {
        if version >= LOG_DIRS_WITH_TOP {
            return DescribeLogDirsResponse::default().with_error_code(code);
        }
        let result = DescribeLogDirsResult::default().with_error_code(code);
        DescribeLogDirsResponse::default().with_results(vec![result])
    }

    fn subject(&self) -> Subject {
        Subject::default().topics(self.topics.iter().flatten().map(|topic| topic.topic.as_str()))
    }
}

impl Refusable for AlterReplicaLogDirsRequest {
    type Response = AlterReplicaLogDirsResponse;

    fn refusal(&self, _version: i16, code: i16) -> AlterReplicaLogDirsResponse {
        let topics = self.dirs.iter().flat_map(|dir| &dir.topics).map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                AlterReplicaLogDirPartitionResult::default()
                    .with_partition_index(*partition)
                    .with_error_code(code)
            });
            AlterReplicaLogDirTopicResult::default()
                .with_topic_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        AlterReplicaLogDirsResponse::default().with_results(topics.collect())
    }
}

/// The first version of ElectLeaders with an error at its top.
const ELECTION_WITH_TOP: i16 = 1;

impl Refusable for ElectLeadersRequest {
    type Response = ElectLeadersResponse;

    fn refusal(&self, version: i16, code: i16) -> ElectLeadersResponse {
        if version >= ELECTION_WITH_TOP {
            return ElectLeadersResponse::default().with_error_code(code);
        }
        let topics = self.topic_partitions.iter().flatten().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                PartitionResult::default().with_partition_id(*partition).with_error_code(code)
            });
            ReplicaElectionResult::default()
                .with_topic(topic.topic.clone())
                .with_partition_result(partitions.collect())
        });
        ElectLeadersResponse::default().with_replica_election_results(topics.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default()
            .topics(self.topic_partitions.iter().flatten().map(|topic| topic.topic.as_str()))
    }
}
