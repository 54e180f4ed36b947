//! DescribeQuorum: the only node leads the cluster's metadata, which is the broker's journal.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_quorum_response::{
    Listener, Node, PartitionData, ReplicaState, TopicData,
};
use kafka_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};

use crate::core::refusal::text;
use crate::core::{Call, Core, Handled, NODE, Operation, Resource};

const METADATA_TOPIC: &str = "__cluster_metadata";

impl Core {
    pub(crate) fn describe_quorum(
        &mut self,
        call: &Call,
        request: DescribeQuorumRequest,
    ) -> Handled<DescribeQuorumResponse> {
        let response = DescribeQuorumResponse::default();
        if !self.may(call, Operation::Describe, Resource::Cluster) {
            let error = ResponseError::ClusterAuthorizationFailed.code();
            return Handled::Now(response.with_error_code(error));
        }
        let says_why = call.version >= 2;
        let topics = request
            .topics
            .into_iter()
            .map(|topic| {
                let is_metadata = topic.topic_name.as_str() == METADATA_TOPIC;
                let partitions = topic.partitions.into_iter().map(|partition| {
                    let index = partition.partition_index;
                    let data = match is_metadata && index == 0 {
                        true => metadata_partition(call),
                        false => unknown(index),
                    };
                    if says_why { data.with_error_message(Some(text(""))) } else { data }
                });
                let partitions = partitions.collect();
                TopicData::default().with_topic_name(topic.topic_name).with_partitions(partitions)
            })
            .collect();
        let response = response.with_topics(topics);
        if !says_why {
            return Handled::Now(response);
        }
        let (host, port) = self.advertised(call.caller.connection);
        let listener =
            Listener::default().with_name(text("PLAINTEXT")).with_host(text(&host)).with_port(port);
        let node = Node::default().with_node_id(NODE).with_listeners(vec![listener]);
        Handled::Now(response.with_error_message(Some(text(""))).with_nodes(vec![node]))
    }
}

fn metadata_partition(call: &Call) -> PartitionData {
    let voter = ReplicaState::default().with_replica_id(NODE);
    let voter = match call.version {
        0 => voter,
        _ => voter
            .with_last_fetch_timestamp(call.now.wall_ms)
            .with_last_caught_up_timestamp(call.now.wall_ms),
    };
    PartitionData::default()
        .with_leader_id(NODE)
        .with_leader_epoch(1)
        .with_current_voters(vec![voter])
}

fn unknown(index: i32) -> PartitionData {
    PartitionData::default()
        .with_partition_index(index)
        .with_error_code(ResponseError::UnknownTopicOrPartition.code())
}
