//! Topics, their partitions and reassignments.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, ListPartitionReassignmentsRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::acls::Operation;
use super::{ASK_TIMEOUT, Admin, check, ids, ms, topic_name};
use crate::error::ProxyError;
use crate::retry::again;

pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) is_internal: bool,
    /// By number.
    pub(crate) partitions: BTreeMap<i32, Partition>,
    /// What the proxy may do to it, where that was asked for.
    pub(crate) operations: Option<Vec<Operation>>,
}

pub(crate) struct Partition {
    pub(crate) id: i32,
    /// -1 if there is none.
    pub(crate) leader: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) in_sync: Vec<i32>,
}

impl Partition {
    pub(crate) fn leader(&self) -> Option<i32> {
        Some(self.leader).filter(|leader| *leader >= 0)
    }
}

/// Replicas that come and go.
pub(crate) struct Reassignment {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) adding: Vec<i32>,
    pub(crate) removing: Vec<i32>,
}

pub(crate) struct NewTopic {
    pub(crate) name: String,
    /// The cluster's default, if nothing is said.
    pub(crate) partitions: Option<i32>,
    pub(crate) replication_factor: Option<i16>,
    /// Brokers of each partition, instead of both.
    pub(crate) assignments: BTreeMap<i32, Vec<i32>>,
    pub(crate) configs: Vec<(String, String)>,
    pub(crate) validate_only: bool,
}

/// Partitions of a topic that is made on the embedded broker, unless somebody says: as many as it
/// makes by itself.
const EMBEDDED_PARTITIONS: i32 = 4;

/// Partitions that the embedded broker is asked for; it keeps them in memory.
const EMBEDDED_PARTITIONS_MAX: i32 = 1000;

/// The value that means the cluster's default.
const DEFAULT: i16 = -1;

impl Topic {
    pub(super) fn of(topic: MetadataResponseTopic) -> Topic {
        let partition =
            |p: &kafka_protocol::messages::metadata_response::MetadataResponsePartition| {
                let partition = Partition {
                    id: p.partition_index,
                    leader: p.leader_id.0,
                    replicas: ids(&p.replica_nodes),
                    in_sync: ids(&p.isr_nodes),
                };
                (p.partition_index, partition)
            };
        Topic {
            name: topic.name.map_or_else(String::new, |name| name.to_string()),
            is_internal: topic.is_internal,
            partitions: topic.partitions.iter().map(partition).collect(),
            operations: Operation::of_bits(topic.topic_authorized_operations),
        }
    }

    /// As many as the partition with the most has.
    pub(crate) fn replication_factor(&self) -> usize {
        self.partitions.values().map(|p| p.replicas.len()).max().unwrap_or(0)
    }

    /// 40402.
    pub(crate) fn partition(&self, id: i32) -> Result<&Partition, ProxyError> {
        self.partitions.get(&id).ok_or(ProxyError::PartitionNotFound)
    }
}

impl Admin {
    /// All topics, by name.
    pub(crate) async fn topics(
        &self,
        operations: bool,
    ) -> Result<BTreeMap<String, Topic>, ProxyError> {
        let ask = || async { Ok(self.client.metadata(None, operations).await?) };
        let (_, topics) = again(ASK_TIMEOUT, ask).await?;
        let usable = topics.into_iter().filter(|topic| topic.error_code == 0).map(Topic::of);
        Ok(usable.map(|topic| (topic.name.clone(), topic)).collect())
    }

    /// 40403.
    pub(crate) async fn topic(&self, name: &str, operations: bool) -> Result<Topic, ProxyError> {
        again(ASK_TIMEOUT, || async {
            let (_, mut topics) = self.client.metadata(Some(&[name]), operations).await?;
            let topic = topics.pop().ok_or(ProxyError::TopicNotFound)?;
            check(topic.error_code, None)?;
            Ok(Topic::of(topic))
        })
        .await
    }

    /// Whether the proxy may read topics. 40301, naming those that it may not.
    pub(crate) async fn may_read(&self, names: &[&str]) -> Result<(), ProxyError> {
        let (_, topics) = self.client.metadata(Some(names), true).await?;
        let denied = topics.into_iter().filter(|topic| {
            let code = ResponseError::try_from_code(topic.error_code);
            let operations = Operation::of_bits(topic.topic_authorized_operations);
            code == Some(ResponseError::TopicAuthorizationFailed)
                || (code.is_none() && operations.is_some_and(|may| !may.contains(&Operation::Read)))
        });
        let denied: Vec<String> =
            denied.filter_map(|topic| topic.name).map(|name| name.to_string()).collect();
        match denied.is_empty() {
            true => Ok(()),
            false => Err(ProxyError::topics_denied(&denied)),
        }
    }

    /// How many partitions it has, each of how many replicas. 40002 as Kafka says.
    pub(crate) async fn create_topic(&self, new: &NewTopic) -> Result<(usize, usize), ProxyError> {
        if let Some(embedded) = &self.embedded {
            return self.create_embedded(embedded, new).await;
        }
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
            .with_name(topic_name(&new.name))
            .with_num_partitions(new.partitions.unwrap_or(DEFAULT.into()))
            .with_replication_factor(new.replication_factor.unwrap_or(DEFAULT))
            .with_assignments(new.assignments.iter().map(assignment).collect())
            .with_configs(new.configs.iter().map(config).collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(ms(ASK_TIMEOUT))
            .with_validate_only(new.validate_only);
        let answer = self.client.ask_controller(|_| request.clone()).await?;
        let made = answer.topics.into_iter().next().ok_or(ProxyError::TopicNotFound)?;
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

    async fn create_embedded(
        &self,
        embedded: &crate::embedded::EmbeddedBroker,
        new: &NewTopic,
    ) -> Result<(usize, usize), ProxyError> {
        let refused = |reason: String| Err(ProxyError::Refused { reason });
        if !new.configs.is_empty() || !new.assignments.is_empty() {
            return Err(ProxyError::Unsupported {
                request: "configs, replicas_assignments".into(),
            });
        }
        if new.replication_factor.is_some_and(|factor| factor != 1) {
            return refused("The embedded broker is one: replication_factor is 1.".to_string());
        }
        let partitions = new.partitions.unwrap_or(EMBEDDED_PARTITIONS);
        if !(1..=EMBEDDED_PARTITIONS_MAX).contains(&partitions) {
            return refused(format!("partitions_count: 1 to {EMBEDDED_PARTITIONS_MAX}."));
        }
        if self.topics(false).await?.contains_key(&new.name) {
            return refused(format!("Topic '{}' already exists.", new.name));
        }
        if !new.validate_only {
            embedded.create_topic(&new.name, partitions).await?;
        }
        Ok((partitions as usize, 1))
    }

    /// 40403.
    pub(crate) async fn delete_topic(&self, name: &str) -> Result<(), ProxyError> {
        let request = |version| {
            let request = DeleteTopicsRequest::default().with_timeout_ms(ms(ASK_TIMEOUT));
            match version {
                0..6 => request.with_topic_names(vec![topic_name(name)]),
                _ => {
                    let state = DeleteTopicState::default().with_name(Some(topic_name(name)));
                    request.with_topics(vec![state])
                }
            }
        };
        let answer = self.client.ask_controller(request).await?;
        answer.responses.into_iter().try_for_each(|t| check(t.error_code, t.error_message))
    }

    /// Adds partitions, up to `count`. 40002 · 40403.
    pub(crate) async fn grow_topic(&self, name: &str, count: i32) -> Result<(), ProxyError> {
        let topic = CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(count)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(ms(ASK_TIMEOUT));
        let answer = self.client.ask_controller(|_| request.clone()).await?;
        answer.results.into_iter().try_for_each(|t| check(t.error_code, t.error_message))
    }

    /// What is under way for partitions, or for all there are.
    pub(crate) async fn reassignments(
        &self,
        partitions: Option<(&str, &[i32])>,
    ) -> Result<Vec<Reassignment>, ProxyError> {
        let topic = |(topic, partitions): (&str, &[i32])| {
            ListPartitionReassignmentsTopics::default()
                .with_name(topic_name(topic))
                .with_partition_indexes(partitions.to_vec())
        };
        let request = ListPartitionReassignmentsRequest::default()
            .with_timeout_ms(ms(ASK_TIMEOUT))
            .with_topics(partitions.map(|one| vec![topic(one)]));
        let answer = again(ASK_TIMEOUT, || async {
            let answer = self.client.ask_controller(|_| request.clone()).await?;
            check(answer.error_code, answer.error_message.clone())?;
            Ok(answer)
        })
        .await?;
        let mut found = Vec::new();
        for topic in answer.topics {
            for partition in topic.partitions {
                found.push(Reassignment {
                    topic: topic.name.to_string(),
                    partition: partition.partition_index,
                    adding: ids(&partition.adding_replicas),
                    removing: ids(&partition.removing_replicas),
                });
            }
        }
        found.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        Ok(found)
    }

    /// Deletes the records before an offset, or all if it is -1; the first offset from then on.
    /// 40002 the offset is after the last · 40402 · 40403.
    pub(crate) async fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        before: i64,
    ) -> Result<i64, ProxyError> {
        let asked =
            DeleteRecordsPartition::default().with_partition_index(partition).with_offset(before);
        let of_topic =
            DeleteRecordsTopic::default().with_name(topic_name(topic)).with_partitions(vec![asked]);
        let request = DeleteRecordsRequest::default()
            .with_topics(vec![of_topic])
            .with_timeout_ms(ms(ASK_TIMEOUT));
        again(ASK_TIMEOUT, || async {
            let leader = self.leader_of(topic, partition).await?;
            let answer = self.client.ask(&leader, |_| request.clone()).await?;
            let result = answer.topics.first().and_then(|topic| topic.partitions.first());
            let result = result.ok_or(ProxyError::PartitionNotFound)?;
            check(result.error_code, None)?;
            Ok(result.low_watermark)
        })
        .await
    }

    /// Where a partition's leader is. 40402 · 40403.
    async fn leader_of(&self, topic: &str, partition: i32) -> Result<String, ProxyError> {
        let (cluster, mut topics) = self.client.metadata(Some(&[topic]), false).await?;
        let found = topics.pop().ok_or(ProxyError::TopicNotFound)?;
        check(found.error_code, None)?;
        Ok(cluster.address(Topic::of(found).partition(partition)?.leader)?)
    }
}
