//! Topics, their partitions and reassignments.

use std::collections::BTreeMap;

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, ListPartitionReassignmentsRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::acls::Operation;
use super::{ASK_TIMEOUT, Admin, ids, ms};
use crate::client::Cluster;
use crate::code::Code;
use crate::fault::{Fault, check};
use crate::retry::again;
use crate::topic::{Partition, TopicName, wire_name};

/// A topic as one of the brokers sees it.
#[derive(Clone, Debug)]
pub struct Topic {
    pub name: TopicName,
    /// Kafka keeps it for itself.
    pub is_internal: bool,
    /// By number.
    pub partitions: BTreeMap<i32, PartitionInfo>,
    /// The operations that we may do on it, where that was asked for.
    pub operations: Option<Vec<Operation>>,
}

/// A partition of a topic, with the brokers that have it.
#[derive(Clone, Debug)]
pub struct PartitionInfo {
    pub number: i32,
    /// The broker that takes writes, if there is one at the moment.
    pub leader: Option<i32>,
    /// Brokers that are to have it.
    pub replicas: Vec<i32>,
    /// Those of them that have followed the leader.
    pub in_sync: Vec<i32>,
}

/// Replicas of a partition that come and go.
#[derive(Clone, Debug)]
pub struct Reassignment {
    pub partition: Partition,
    pub adding: Vec<i32>,
    pub removing: Vec<i32>,
}

/// A topic to be made.
#[derive(Clone, Debug)]
pub struct NewTopic {
    pub name: TopicName,
    /// The cluster's default, if nothing is said.
    pub partitions: Option<i32>,
    pub replication_factor: Option<i16>,
    /// Brokers of each partition, instead of both.
    pub assignments: BTreeMap<i32, Vec<i32>>,
    pub configs: Vec<(String, String)>,
    pub validate_only: bool,
}

/// The value that means the cluster's default.
const DEFAULT: i16 = -1;

impl Topic {
    pub(super) fn of(topic: MetadataResponseTopic) -> Topic {
        let partition = |p: &MetadataResponsePartition| {
            let partition = PartitionInfo {
                number: p.partition_index,
                leader: Some(p.leader_id.0).filter(|leader| *leader >= 0),
                replicas: ids(&p.replica_nodes),
                in_sync: ids(&p.isr_nodes),
            };
            (p.partition_index, partition)
        };
        Topic {
            name: TopicName::given(topic.name.as_deref().map_or("", |name| name)),
            is_internal: topic.is_internal,
            partitions: topic.partitions.iter().map(partition).collect(),
            operations: Operation::of_bits(topic.topic_authorized_operations),
        }
    }

    /// The number of replicas of the partition that has the most.
    pub fn replication_factor(&self) -> usize {
        self.partitions.values().map(|p| p.replicas.len()).max().unwrap_or(0)
    }

    /// [`Code::PartitionNotFound`].
    pub fn partition(&self, number: i32) -> Result<&PartitionInfo, Fault> {
        self.partitions.get(&number).ok_or_else(|| Code::PartitionNotFound.into())
    }
}

impl Admin {
    /// All topics, by name. `operations`: also what we may do to them.
    pub async fn topics(&self, operations: bool) -> Result<BTreeMap<TopicName, Topic>, Fault> {
        let topics = again(ASK_TIMEOUT, || self.ask_topics(operations)).await?;
        Ok(topics.into_iter().map(|topic| (topic.name.clone(), topic)).collect())
    }

    async fn ask_topics(&self, operations: bool) -> Result<Vec<Topic>, Fault> {
        if let Some(observer) = &self.observer {
            return observer.topics().await;
        }
        let (_, topics) = self.client.metadata(None, operations).await?;
        Ok(topics.into_iter().filter(|topic| topic.error_code == 0).map(Topic::of).collect())
    }

    /// One topic. `operations`: also what we may do to it. [`Code::UnknownTopicOrPartition`] · Kafka says of a name
    /// that no topic can have that it is invalid.
    pub async fn topic(&self, name: &str, operations: bool) -> Result<Topic, Fault> {
        again(ASK_TIMEOUT, || async {
            match &self.observer {
                Some(observer) => {
                    let name = TopicName::parse(name).map_err(|_| Code::InvalidTopicException)?;
                    observer.topic(name).await
                }
                None => Ok(self.ask_topic(name, operations).await?.1),
            }
        })
        .await
    }

    async fn ask_topic(&self, name: &str, operations: bool) -> Result<(Cluster, Topic), Fault> {
        let (cluster, mut topics) = self.client.metadata(Some(&[name]), operations).await?;
        let topic = topics.pop().ok_or(Code::UnknownTopicOrPartition)?;
        check(topic.error_code, None)?;
        Ok((cluster, Topic::of(topic)))
    }

    /// Asks whether we may read topics. [`Code::TopicAuthorizationFailed`], naming those that we may not.
    pub async fn may_read(&self, names: &[&str]) -> Result<(), Fault> {
        let (_, topics) = self.client.metadata(Some(names), true).await?;
        let denied = topics.into_iter().filter(|topic| {
            let operations = Operation::of_bits(topic.topic_authorized_operations);
            match topic.error_code {
                0 => operations.is_some_and(|may| !may.contains(&Operation::Read)),
                code => Code::of(code) == Code::TopicAuthorizationFailed,
            }
        });
        let denied: Vec<String> =
            denied.filter_map(|topic| topic.name).map(|name| name.to_string()).collect();
        match denied.is_empty() {
            true => Ok(()),
            false => Err(Fault::topics_denied(&denied)),
        }
    }

    /// Makes a topic. Returns how many partitions it has, each of how many replicas.
    pub async fn create_topic(&self, new: &NewTopic) -> Result<(usize, usize), Fault> {
        let assignment = |(partition, brokers): (&i32, &Vec<i32>)| {
            CreatableReplicaAssignment::default()
                .with_partition_index(*partition)
                .with_broker_ids(brokers.iter().map(|b| BrokerId(*b)).collect())
        };
        let config = |(name, value): &(String, String)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_string(name.clone()))
                .with_value(Some(StrBytes::from_string(value.clone())))
        };
        let topic = CreatableTopic::default()
            .with_name(wire_name(&new.name))
            .with_num_partitions(new.partitions.unwrap_or(DEFAULT.into()))
            .with_replication_factor(new.replication_factor.unwrap_or(DEFAULT))
            .with_assignments(new.assignments.iter().map(assignment).collect())
            .with_configs(new.configs.iter().map(config).collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(ms(ASK_TIMEOUT))
            .with_validate_only(new.validate_only);
        let answer = self.client.ask_controller(|_| request.clone()).await?;
        let made = answer.topics.into_iter().next().ok_or(Code::UnknownTopicOrPartition)?;
        check(made.error_code, made.error_message)?;
        // older brokers do not say
        let given = |said: i64, asked: Option<i64>| {
            usize::try_from(said).ok().or(usize::try_from(asked.unwrap_or(0)).ok()).unwrap_or(0)
        };
        let asked = new.replication_factor.map(i64::from);
        Ok((
            given(made.num_partitions.into(), new.partitions.map(i64::from)),
            given(made.replication_factor.into(), asked),
        ))
    }

    /// Deletes a topic. [`Code::UnknownTopicOrPartition`].
    pub async fn delete_topic(&self, name: &str) -> Result<(), Fault> {
        let request = |version| {
            let request = DeleteTopicsRequest::default().with_timeout_ms(ms(ASK_TIMEOUT));
            match version {
                0..6 => request.with_topic_names(vec![wire_name(name)]),
                _ => {
                    let state = DeleteTopicState::default().with_name(Some(wire_name(name)));
                    request.with_topics(vec![state])
                }
            }
        };
        let answer = self.client.ask_controller(request).await?;
        answer.responses.into_iter().try_for_each(|t| check(t.error_code, t.error_message))
    }

    /// Adds partitions, up to `count`. [`Code::InvalidPartitions`] there are as many · [`Code::UnknownTopicOrPartition`].
    pub async fn grow_topic(&self, name: &str, count: i32) -> Result<(), Fault> {
        let topic = CreatePartitionsTopic::default()
            .with_name(wire_name(name))
            .with_count(count)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(ms(ASK_TIMEOUT));
        let answer = self.client.ask_controller(|_| request.clone()).await?;
        answer.results.into_iter().try_for_each(|t| check(t.error_code, t.error_message))
    }

    /// Reassignments that are under way for some partitions of a topic, or (None) for all that there are.
    pub async fn reassignments(
        &self,
        partitions: Option<(&str, &[i32])>,
    ) -> Result<Vec<Reassignment>, Fault> {
        let topic = |(topic, partitions): (&str, &[i32])| {
            ListPartitionReassignmentsTopics::default()
                .with_name(wire_name(topic))
                .with_partition_indexes(partitions.to_vec())
        };
        let request = ListPartitionReassignmentsRequest::default()
            .with_timeout_ms(ms(ASK_TIMEOUT))
            .with_topics(partitions.map(|one| vec![topic(one)]));
        let answer = again(ASK_TIMEOUT, || async {
            let answer = self.client.ask_controller(|_| request.clone()).await?;
            check(answer.error_code, answer.error_message.clone())?;
            Ok::<_, Fault>(answer)
        })
        .await?;
        let mut found = Vec::new();
        for topic in answer.topics {
            let name = TopicName::given(&topic.name);
            for partition in topic.partitions {
                found.push(Reassignment {
                    partition: Partition::new(name.clone(), partition.partition_index),
                    adding: ids(&partition.adding_replicas),
                    removing: ids(&partition.removing_replicas),
                });
            }
        }
        found.sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(found)
    }

    /// Deletes the records before an offset, or all if it is -1. Returns the first offset from then on.
    /// [`Code::OffsetOutOfRange`] it is after the last · [`Code::PartitionNotFound`] ·
    /// [`Code::UnknownTopicOrPartition`].
    pub async fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        before: i64,
    ) -> Result<i64, Fault> {
        let asked =
            DeleteRecordsPartition::default().with_partition_index(partition).with_offset(before);
        let of_topic =
            DeleteRecordsTopic::default().with_name(wire_name(topic)).with_partitions(vec![asked]);
        let request = DeleteRecordsRequest::default()
            .with_topics(vec![of_topic])
            .with_timeout_ms(ms(ASK_TIMEOUT));
        again(ASK_TIMEOUT, || async {
            let leader = self.leader_of(topic, partition).await?;
            let answer = self.client.ask(&leader, |_| request.clone()).await?;
            let result = answer.topics.first().and_then(|topic| topic.partitions.first());
            let result = result.ok_or(Code::PartitionNotFound)?;
            check(result.error_code, None)?;
            Ok(result.low_watermark)
        })
        .await
    }

    /// The address of a partition's leader. [`Code::LeaderNotAvailable`] and those of [`Admin::delete_records`].
    async fn leader_of(&self, topic: &str, partition: i32) -> Result<String, Fault> {
        let (cluster, found) = self.ask_topic(topic, false).await?;
        let leader = found.partition(partition)?.leader.ok_or(Code::LeaderNotAvailable)?;
        cluster.address(leader)
    }
}
