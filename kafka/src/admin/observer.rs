//! Asking a cluster through librdkafka: only where Kafka's settings want what connections of our own do not have
//! ([`Admin::can_ask`](super::Admin::can_ask)). It says less: no controller, no racks, no rights.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigEntry, ConfigSource, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataPartition, MetadataTopic};

use super::configs::{Config, ConfigResource};
use super::offsets::PartitionOffsets;
use super::topics::{PartitionInfo, Topic};
use crate::client::{Cluster, Node};
use crate::code::Code;
use crate::fault::{Fault, blocking};
use crate::settings::Settings;
use crate::topic::{Partition, TopicName};

/// How long librdkafka waits for metadata, offsets and configurations.
const ASK_TIMEOUT: Duration = Duration::from_secs(4);

/// Topics that Kafka keeps for itself; librdkafka does not say which they are.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// A consumer that joins no group, and an admin client.
pub struct Observer {
    /// Asks for metadata without making topics of what it asks for.
    consumer: Arc<BaseConsumer>,
    admin: AdminClient<DefaultClientContext>,
    /// Ends after both.
    _permits: Box<dyn Any + Send + Sync>,
}

impl Observer {
    /// Makes two clients of librdkafka. `permits` is kept for as long as they are there. An error names the setting that
    /// librdkafka refuses.
    pub fn new(kafka: &Settings, permits: impl Any + Send + Sync) -> Result<Observer, KafkaError> {
        let consumer: BaseConsumer =
            kafka.librdkafka(&[("allow.auto.create.topics", "false")]).create()?;
        let admin = kafka.librdkafka(&[]).create()?;
        Ok(Observer { consumer: Arc::new(consumer), admin, _permits: Box::new(permits) })
    }

    pub(super) async fn cluster(&self) -> Result<Cluster, Fault> {
        let consumer = self.consumer.clone();
        blocking(move || {
            let metadata = consumer.fetch_metadata(None, ASK_TIMEOUT)?;
            let id = consumer.client().fetch_cluster_id(ASK_TIMEOUT).unwrap_or_default();
            let node = |b: &rdkafka::metadata::MetadataBroker| Node {
                id: b.id(),
                host: b.host().to_string(),
                port: b.port(),
                rack: None,
            };
            let brokers = metadata.brokers().iter().map(|b| (b.id(), node(b))).collect();
            Ok(Cluster { id, controller: None, brokers })
        })
        .await
    }

    pub(super) async fn topics(&self) -> Result<Vec<Topic>, Fault> {
        let metadata = self.metadata(None).await?;
        Ok(metadata.topics().iter().filter(|t| t.error().is_none()).map(topic).collect())
    }

    pub(super) async fn topic(&self, name: TopicName) -> Result<Topic, Fault> {
        let metadata = self.metadata(Some(name.clone())).await?;
        let found = metadata.topics().iter().find(|t| t.name() == name.as_str());
        let found = found.ok_or(Code::UnknownTopicOrPartition)?;
        match found.error() {
            None => Ok(topic(found)),
            Some(error) => Err(Code::from(RDKafkaErrorCode::from(error)).into()),
        }
    }

    /// Settings of a topic or a broker; of all brokers together librdkafka says nothing.
    pub(super) async fn configs(&self, resource: &ConfigResource) -> Result<Vec<Config>, Fault> {
        let topic;
        let specifier = match resource {
            ConfigResource::Topic(name) => {
                topic = TopicName::parse(name).map_err(|_| Code::InvalidTopicException)?;
                ResourceSpecifier::Topic(&topic)
            }
            ConfigResource::Broker(id) => ResourceSpecifier::Broker(*id),
            ConfigResource::Brokers => return Err(Fault::unsupported("configs of all brokers")),
        };
        let options = AdminOptions::new().request_timeout(Some(ASK_TIMEOUT));
        let answers = self.admin.describe_configs([&specifier], &options).await?;
        let nothing = || Fault::new(Code::Unreadable, "The broker does not say what is set");
        let answer = answers.into_iter().next().ok_or_else(nothing)?;
        let entries = answer.map_err(|code| Fault::new(code.into(), code.to_string()))?.entries;
        Ok(entries.into_iter().map(config).collect())
    }

    pub(super) async fn bounds(&self, partition: &Partition) -> Result<PartitionOffsets, Fault> {
        let (consumer, partition) = (self.consumer.clone(), partition.clone());
        let (first, end) = blocking(move || {
            consumer.fetch_watermarks(&partition.topic, partition.number, ASK_TIMEOUT)
        })
        .await?;
        Ok(PartitionOffsets { first, end })
    }

    async fn metadata(&self, topic: Option<TopicName>) -> Result<Metadata, Fault> {
        let consumer = self.consumer.clone();
        blocking(move || consumer.fetch_metadata(topic.as_deref(), ASK_TIMEOUT)).await
    }
}

fn topic(found: &MetadataTopic) -> Topic {
    let partition = |p: &MetadataPartition| {
        let partition = PartitionInfo {
            number: p.id(),
            leader: Some(p.leader()).filter(|leader| *leader >= 0),
            replicas: p.replicas().to_vec(),
            in_sync: p.isr().to_vec(),
        };
        (p.id(), partition)
    };
    Topic {
        name: TopicName::given(found.name()),
        is_internal: INTERNAL.contains(&found.name()),
        partitions: found.partitions().iter().map(partition).collect::<BTreeMap<_, _>>(),
        operations: None,
    }
}

fn config(found: ConfigEntry) -> Config {
    let source = match found.source {
        ConfigSource::DynamicTopic => 1,
        ConfigSource::DynamicBroker => 2,
        ConfigSource::DynamicDefaultBroker => 3,
        ConfigSource::StaticBroker => 4,
        ConfigSource::Default => 5,
        ConfigSource::Unknown => 0,
    };
    Config {
        name: found.name,
        value: found.value,
        is_read_only: found.is_read_only,
        is_sensitive: found.is_sensitive,
        source: super::configs::source(source),
        synonyms: Vec::new(),
    }
}
