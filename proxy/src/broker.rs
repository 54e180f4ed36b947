//! Kafka, through librdkafka. The embedded broker of `weir dev` is reached through the same code.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use serde::Serialize;
use weir_kafka::Settings;

use crate::admin::Admin;
use crate::embedded::EmbeddedBroker;
use crate::error::ProxyError;
use crate::producer::Producers;

/// How long metadata, offsets and configurations are waited for.
const ASK_TIMEOUT: Duration = Duration::from_secs(4);

/// Where Kafka is and how to speak to it.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    pub kafka: Settings,
    /// The broker if it is the embedded one, which makes topics, and cannot describe configurations.
    pub embedded: Option<EmbeddedBroker>,
}

pub struct Broker {
    config: BrokerConfig,
    pub(crate) producers: Producers,
    pub(crate) cluster: Admin,
    /// Asks for metadata without making topics of what it asks for.
    observer: Arc<BaseConsumer>,
    admin: AdminClient<DefaultClientContext>,
}

/// A partition as the API shows it.
#[derive(Debug, Serialize)]
pub struct Partition {
    pub partition: i32,
    /// -1 if there is none.
    pub leader: i32,
    pub replicas: Vec<Replica>,
}

#[derive(Debug, Serialize)]
pub struct Replica {
    pub broker: i32,
    pub leader: bool,
    pub in_sync: bool,
}

impl Broker {
    /// Makes the clients; none of them connects before it is needed. An error names the setting
    /// that librdkafka refuses.
    pub fn new(config: BrokerConfig) -> Result<Broker, KafkaError> {
        let producers = Producers::new(config.clone())?;
        let observer: BaseConsumer =
            config.kafka.librdkafka(&[("allow.auto.create.topics", "false")]).create()?;
        let admin = config.kafka.librdkafka(&[]).create()?;
        let cluster = Admin::new(&config);
        Ok(Broker { config, producers, cluster, observer: Arc::new(observer), admin })
    }

    /// The settings of a consumer.
    pub(crate) fn consumer(&self) -> ClientConfig {
        self.config.kafka.librdkafka(&[
            ("allow.auto.create.topics", "false"),
            ("queued.max.messages.kbytes", "16384"),
            ("topic.metadata.refresh.interval.ms", "30000"),
        ])
    }

    /// Ids of the brokers.
    pub async fn brokers(&self) -> Result<Vec<i32>, ProxyError> {
        let metadata = self.metadata(None).await?;
        let mut ids: Vec<i32> = metadata.brokers().iter().map(|b| b.id()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Names of the topics.
    pub async fn topics(&self) -> Result<Vec<String>, ProxyError> {
        let metadata = self.metadata(None).await?;
        let mut names: Vec<String> =
            metadata.topics().iter().map(|t| t.name().to_string()).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Partitions of a topic. 40401.
    pub async fn partitions(&self, topic: &str) -> Result<Vec<Partition>, ProxyError> {
        if !is_topic_name(topic) {
            return Err(ProxyError::TopicNotFound);
        }
        let metadata = self.metadata(Some(topic.to_string())).await?;
        let found = metadata.topics().iter().find(|t| t.name() == topic);
        let found = found.ok_or(ProxyError::TopicNotFound)?;
        if let Some(error) = found.error() {
            return Err(match RDKafkaErrorCode::from(error) {
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::InvalidTopic => ProxyError::TopicNotFound,
                code => KafkaError::MetadataFetch(code).into(),
            });
        }
        Ok(partitions(found))
    }

    /// Configuration of a topic.
    pub async fn topic_config(&self, topic: &str) -> Result<BTreeMap<String, String>, ProxyError> {
        if self.config.embedded.is_some() {
            return Ok(BTreeMap::new());
        }
        let options = AdminOptions::new().request_timeout(Some(ASK_TIMEOUT));
        let answers =
            self.admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await?;
        let answer = answers.into_iter().next().ok_or(ProxyError::Internal)?;
        let entries = answer.map_err(|code| ProxyError::Kafka { reason: code.to_string() })?;
        Ok(entries
            .entries
            .into_iter()
            .filter_map(|entry| Some((entry.name, entry.value?)))
            .collect())
    }

    /// The first offset of a partition, and the one after the last.
    pub async fn offsets(&self, topic: &str, partition: i32) -> Result<(i64, i64), ProxyError> {
        let (observer, topic) = (self.observer.clone(), topic.to_string());
        ask(move || observer.fetch_watermarks(&topic, partition, ASK_TIMEOUT)).await
    }

    async fn metadata(&self, topic: Option<String>) -> Result<Metadata, ProxyError> {
        let observer = self.observer.clone();
        ask(move || observer.fetch_metadata(topic.as_deref(), ASK_TIMEOUT)).await
    }
}

/// Whether a topic can be called so at all. librdkafka ends the process where a name is too long.
pub(crate) fn is_topic_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=249).contains(&name.len()) && name.chars().all(allowed) && ![".", ".."].contains(&name)
}

/// librdkafka blocks where it waits for a broker.
pub(crate) async fn ask<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, ProxyError> {
    let answer = tokio::task::spawn_blocking(question).await;
    Ok(answer.map_err(|_| ProxyError::Internal)??)
}

fn partitions(topic: &MetadataTopic) -> Vec<Partition> {
    let mut partitions: Vec<Partition> = topic
        .partitions()
        .iter()
        .map(|p| Partition {
            partition: p.id(),
            leader: p.leader(),
            replicas: p
                .replicas()
                .iter()
                .map(|broker| Replica {
                    broker: *broker,
                    leader: *broker == p.leader(),
                    in_sync: p.isr().contains(broker),
                })
                .collect(),
        })
        .collect();
    partitions.sort_by_key(|p| p.partition);
    partitions
}

/// Offsets to commit or seek, by topic and partition.
pub(crate) type Offsets = HashMap<(String, i32), i64>;
