//! The topic that is the log: one partition, compacted. Made as Confluent makes it, checked at the start
//! and while the registry runs. Source: Confluent `KafkaStore#createOrVerifySchemaTopic`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DescribeConfigsRequest, ListOffsetsRequest, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use uuid::Uuid;
use weir_kafka::{Client, Cluster, Code, check};

use super::KafkaConfig;

/// How long a broker may take to make the topic.
const CREATE_TIMEOUT: Duration = Duration::from_secs(10);

const TOPIC_RESOURCE: i8 = 2;
const READ_COMMITTED: i8 = 1;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

/// The topic as one of its users knows it.
pub(crate) struct Topic {
    pub(crate) client: Client,
    pub(crate) name: String,
    known: Mutex<Known>,
}

#[derive(Clone, Default)]
struct Known {
    /// Which topic of that name it is; an older broker does not say.
    id: Option<Uuid>,
    /// Where its leader was last.
    leader: Option<String>,
}

/// What is wrong with the topic, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is none.
    Missing {
        topic: String,
    },
    /// There is none any more, or another of its name.
    Gone {
        topic: String,
    },
    Partitions {
        topic: String,
        count: usize,
    },
    CleanupPolicy {
        topic: String,
        policy: String,
        bootstrap_servers: String,
    },
    /// Records before this offset are gone.
    Truncated {
        topic: String,
        first: u64,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Missing { topic } => write!(f, "there is no topic {topic}"),
            Fault::Gone { topic } => write!(
                f,
                "topic {topic} was deleted. What this node knows is in its memory alone: save it with `weir migrate --from http://THIS-NODE --to schemas.jsonl`"
            ),
            Fault::Partitions { topic, count } => write!(
                f,
                "topic {topic} has {count} partitions, and the log needs one: its order is what ids come from. Make another with `kafka-topics.sh --create --topic NAME --partitions 1 --config cleanup.policy=compact` and name it with --schemas-topic"
            ),
            Fault::CleanupPolicy { topic, policy, bootstrap_servers } => write!(
                f,
                "topic {topic} has cleanup.policy={policy}, and anything but compact loses schemas. Mend it with `kafka-configs.sh --bootstrap-server {bootstrap_servers} --alter --entity-type topics --entity-name {topic} --add-config cleanup.policy=compact`"
            ),
            Fault::Truncated { topic, first } => write!(
                f,
                "topic {topic} begins at offset {first}: what was before is deleted. Restore it from a backup or a node that has it (`weir migrate`), or say --skip-topic-validation if nothing is missing"
            ),
        }
    }
}

/// The offsets that the log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: u64,
    /// The one after the last.
    pub(crate) end: u64,
}

impl Topic {
    pub(crate) fn new(config: &KafkaConfig, timeout: Duration) -> Topic {
        Topic {
            client: Client::new(&config.kafka, timeout),
            name: config.topic.clone(),
            known: Mutex::default(),
        }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Has the partition's leader asked for anew.
    pub(crate) fn forget_leader(&self) {
        self.learn(Known { leader: None, ..self.known() });
    }

    pub(crate) fn id(&self) -> Option<Uuid> {
        self.known().id
    }

    /// Where its leader is.
    pub(crate) async fn leader(&self) -> Result<String, weir_kafka::Fault> {
        if let Some(leader) = self.known().leader {
            return Ok(leader);
        }
        let (cluster, found) = self.metadata().await?;
        self.led(&cluster, &found)
    }

    async fn metadata(&self) -> Result<(Cluster, MetadataResponseTopic), weir_kafka::Fault> {
        let (cluster, mut topics) = self.client.metadata(Some(&[&self.name]), false).await?;
        let found = topics.pop().ok_or_else(unknown)?;
        check(found.error_code, None)?;
        Ok((cluster, found))
    }

    /// Learns the leader, of the topic that was there first and no other.
    fn led(
        &self,
        cluster: &Cluster,
        found: &MetadataResponseTopic,
    ) -> Result<String, weir_kafka::Fault> {
        let known = self.known().id;
        let id = Some(found.topic_id).filter(|id| !id.is_nil());
        if known.is_some() && id.is_some() && known != id {
            return Err(Code::UnknownTopicId.into());
        }
        let partition = found.partitions.iter().find(|p| p.partition_index == 0);
        let partition = partition.ok_or_else(unknown)?;
        let leader = cluster.address(partition.leader_id.0)?;
        self.learn(Known { id: known.or(id), leader: Some(leader.clone()) });
        Ok(leader)
    }

    /// Makes the topic if it is not there.
    pub(crate) async fn make(&self, config: &KafkaConfig) -> Result<(), weir_kafka::Fault> {
        match self.metadata().await {
            Err(error) if error.code == Code::UnknownTopicOrPartition => {}
            found => return found.map(drop),
        }
        let brokers = self.client.cluster().await?.brokers.len();
        let replicas = config.replication_factor.min(i16::try_from(brokers).unwrap_or(i16::MAX));
        let compact = [("cleanup.policy".to_string(), "compact".to_string())];
        let set = |(name, value): &(String, String)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_string(name.clone()))
                .with_value(Some(StrBytes::from_string(value.clone())))
        };
        let topic = CreatableTopic::default()
            .with_name(self.protocol_name())
            .with_num_partitions(1)
            .with_replication_factor(replicas.max(1))
            .with_configs(config.topic_configs.iter().chain(&compact).map(set).collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(i32::try_from(CREATE_TIMEOUT.as_millis()).unwrap_or(i32::MAX));
        let answer = self.client.ask_controller(|_| request.clone()).await?;
        let made = answer.topics.into_iter().next().ok_or_else(unknown)?;
        match check(made.error_code, made.error_message) {
            // another node was faster
            Err(error) if error.code == Code::TopicAlreadyExists => Ok(()),
            made => made.inspect(|()| tracing::info!(topic = %self.name, replicas, "made")),
        }
    }

    /// Partitions and replicas.
    pub(crate) async fn shape(&self) -> Result<(usize, usize), weir_kafka::Fault> {
        let (cluster, found) = self.metadata().await?;
        self.led(&cluster, &found)?;
        let replicas = found.partitions.iter().map(|p| p.replica_nodes.len()).min();
        Ok((found.partitions.len(), replicas.unwrap_or(0)))
    }

    /// How the broker cleans up; none if we may not ask.
    pub(crate) async fn cleanup_policy(&self) -> Result<Option<String>, weir_kafka::Fault> {
        let name = StrBytes::from_static_str("cleanup.policy");
        let resource = DescribeConfigsResource::default()
            .with_resource_type(TOPIC_RESOURCE)
            .with_resource_name(StrBytes::from_string(self.name.clone()))
            .with_configuration_keys(Some(vec![name]));
        let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
        let answer = self.client.ask_any(|_| request.clone()).await?;
        let found = answer.results.into_iter().next().ok_or_else(unknown)?;
        match check(found.error_code, found.error_message) {
            Err(error) if error.code == Code::TopicAuthorizationFailed => Ok(None),
            checked => checked.map(|()| {
                let policy = found.configs.into_iter().find(|c| &*c.name == "cleanup.policy");
                policy.and_then(|c| c.value).map(|value| value.to_string())
            }),
        }
    }

    /// The offset after the last record that everybody may read.
    pub(crate) async fn end(&self) -> Result<u64, weir_kafka::Fault> {
        self.offset(LATEST).await
    }

    pub(crate) async fn range(&self) -> Result<Range, weir_kafka::Fault> {
        Ok(Range { first: self.offset(EARLIEST).await?, end: self.offset(LATEST).await? })
    }

    async fn offset(&self, time: i64) -> Result<u64, weir_kafka::Fault> {
        let partition = ListOffsetsPartition::default().with_timestamp(time);
        let topic = ListOffsetsTopic::default()
            .with_name(self.protocol_name())
            .with_partitions(vec![partition]);
        let request =
            ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
        let answer = self
            .ask_leader(|version| match version {
                0..2 => request.clone(),
                _ => request.clone().with_isolation_level(READ_COMMITTED),
            })
            .await?;
        let found = answer.topics.first().and_then(|topic| topic.partitions.first());
        let found = found.ok_or_else(unknown)?;
        self.watch(check(found.error_code, None))?;
        Ok(u64::try_from(found.offset).unwrap_or(0))
    }

    /// Asks the leader; after an error, it may be another.
    pub(crate) async fn ask_leader<R: Request>(
        &self,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, weir_kafka::Fault> {
        let leader = self.leader().await?;
        self.watch(self.client.ask(&leader, request).await)
    }

    /// Forgets the leader after an error.
    pub(crate) fn watch<T>(
        &self,
        answer: Result<T, weir_kafka::Fault>,
    ) -> Result<T, weir_kafka::Fault> {
        answer.inspect_err(|_| self.forget_leader())
    }

    pub(crate) fn protocol_name(&self) -> TopicName {
        TopicName(StrBytes::from_string(self.name.clone()))
    }
}

fn unknown() -> weir_kafka::Fault {
    Code::UnknownTopicOrPartition.into()
}
