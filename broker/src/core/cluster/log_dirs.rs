//! DescribeLogDirs and AlterReplicaLogDirs: there is one folder.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName};

use crate::core::refusal::text;
use crate::core::{Call, Core, Handled, Operation, Partition, Resource, Topic};

/// What is said of the size of a disk which the broker does not ask for.
const UNKNOWN_BYTES: i64 = -1;
/// The folder of a broker that keeps everything in memory.
const MEMORY: &str = "memory";

impl Core {
    pub(crate) fn describe_log_dirs(
        &mut self,
        call: &Call,
        request: DescribeLogDirsRequest,
    ) -> Handled<DescribeLogDirsResponse> {
        let response = DescribeLogDirsResponse::default();
        if !self.may(call, Operation::Describe, Resource::Cluster) {
            let error = ResponseError::ClusterAuthorizationFailed.code();
            let response =
                if call.version >= 3 { response.with_error_code(error) } else { response };
            return Handled::Now(response);
        }
        let topics = match request.topics {
            None => self.catalog.iter().map(|(name, topic)| whole(name, topic)).collect(),
            Some(topics) => {
                let mut wanted: BTreeMap<String, Vec<i32>> = BTreeMap::new();
                for topic in topics {
                    wanted.entry(topic.topic.to_string()).or_default().extend(topic.partitions);
                }
                let of = |(name, partitions): (String, Vec<i32>)| {
                    let found = partitions.into_iter().filter_map(|index| {
                        Some(described(index, self.catalog.partition(&name, index)?))
                    });
                    let found: Vec<_> = found.collect();
                    (!found.is_empty()).then(|| named(&name, found))
                };
                wanted.into_iter().filter_map(of).collect()
            }
        };
        let folder = self.settings.broker_config("log.dirs").unwrap_or_else(|| MEMORY.to_owned());
        let result = DescribeLogDirsResult::default()
            .with_log_dir(text(&folder))
            .with_topics(topics)
            .with_total_bytes(UNKNOWN_BYTES)
            .with_usable_bytes(UNKNOWN_BYTES);
        Handled::Now(response.with_results(vec![result]))
    }
}

fn whole(name: &str, topic: &Topic) -> DescribeLogDirsTopic {
    let partitions = (0..).zip(&topic.partitions);
    named(name, partitions.map(|(index, partition)| described(index, partition)).collect())
}

fn named(name: &str, partitions: Vec<DescribeLogDirsPartition>) -> DescribeLogDirsTopic {
    DescribeLogDirsTopic::default().with_name(TopicName(text(name))).with_partitions(partitions)
}

fn described(index: i32, partition: &Partition) -> DescribeLogDirsPartition {
    DescribeLogDirsPartition::default()
        .with_partition_index(index)
        .with_partition_size(i64::try_from(partition.log.size_bytes()).unwrap_or(i64::MAX))
}
