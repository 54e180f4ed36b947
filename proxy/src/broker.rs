//! Kafka, through librdkafka. The embedded broker of `weir dev` is reached through the same code.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use serde::Serialize;

use crate::error::ProxyError;

/// How long metadata, offsets and configurations are waited for.
const ASK_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a record waits for its topic to appear; the reference waits a minute.
const TOPIC_TIMEOUT_MS: u32 = 3000;

/// How long a record may take to be acknowledged.
const MESSAGE_TIMEOUT_MS: u32 = 5000;

/// Where Kafka is and how to speak to it.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    pub bootstrap_servers: String,
    /// librdkafka's settings, for all clients: `security.protocol`, `sasl.mechanism`, ...
    pub settings: BTreeMap<String, String>,
    /// librdkafka's mock cluster, which cannot describe configurations.
    pub embedded: bool,
}

pub struct Broker {
    config: BrokerConfig,
    producer: FutureProducer,
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

/// A record to be sent; nothing is a null, which is not the same as empty.
pub struct Outgoing {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub partition: Option<i32>,
}

/// Where a record went.
pub struct Sent {
    pub partition: i32,
    pub offset: i64,
}

impl Broker {
    /// Makes the clients; none of them connects before it is needed. An error names the setting
    /// that librdkafka refuses.
    pub fn new(config: BrokerConfig) -> Result<Broker, KafkaError> {
        let producer: FutureProducer = client(&config)
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Warning)
            .defaults(
                &config,
                &[
                    ("acks", "all"),
                    ("linger.ms", "0"),
                    // as Java does, so that a key has one partition whoever writes it
                    ("partitioner", "murmur2_random"),
                    ("topic.metadata.propagation.max.ms", &TOPIC_TIMEOUT_MS.to_string()),
                    ("message.timeout.ms", &MESSAGE_TIMEOUT_MS.to_string()),
                ],
            )
            .create()?;
        let observer: BaseConsumer =
            client(&config).defaults(&config, &[("allow.auto.create.topics", "false")]).create()?;
        let admin = client(&config).create()?;
        Ok(Broker { config, producer, observer: Arc::new(observer), admin })
    }

    /// The settings of a consumer.
    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut config = client(&self.config);
        config.defaults(
            &self.config,
            &[
                ("allow.auto.create.topics", "false"),
                ("queued.max.messages.kbytes", "16384"),
                ("topic.metadata.refresh.interval.ms", "30000"),
            ],
        );
        config
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
        if self.config.embedded {
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

    /// Sends records to a topic: all of them are on their way before the first is waited for, and
    /// each has its own result, in their order.
    pub async fn send(&self, topic: &str, records: Vec<Outgoing>) -> Vec<Result<Sent, ProxyError>> {
        let mut deliveries = Vec::with_capacity(records.len());
        for record in &records {
            deliveries.push(self.enqueue(topic, record).await);
        }
        join_all(deliveries.into_iter().map(|delivery| async {
            match delivery?.await {
                Ok(Ok(sent)) => Ok(Sent { partition: sent.partition, offset: sent.offset }),
                Ok(Err((error, _))) => Err(produce_error(topic, error)),
                Err(_) => Err(ProxyError::Internal), // the producer is gone
            }
        }))
        .await
    }

    async fn enqueue(
        &self,
        topic: &str,
        record: &Outgoing,
    ) -> Result<rdkafka::producer::DeliveryFuture, ProxyError> {
        let deadline = Instant::now() + Duration::from_millis(u64::from(MESSAGE_TIMEOUT_MS));
        let mut outgoing: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic);
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.value.as_deref();
        outgoing.partition = record.partition;
        loop {
            match self.producer.send_result(outgoing) {
                Ok(delivery) => return Ok(delivery),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    outgoing = back;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err((error, _)) => return Err(produce_error(topic, error)),
            }
        }
    }

    /// Waits until everything that was sent is acknowledged, or the time is over.
    pub async fn flush(&self, timeout: Duration) {
        let producer = self.producer.clone();
        let _ = tokio::task::spawn_blocking(move || producer.flush(timeout)).await;
    }

    async fn metadata(&self, topic: Option<String>) -> Result<Metadata, ProxyError> {
        let observer = self.observer.clone();
        ask(move || observer.fetch_metadata(topic.as_deref(), ASK_TIMEOUT)).await
    }
}

/// librdkafka blocks where it waits for a broker.
pub(crate) async fn ask<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, ProxyError> {
    let answer = tokio::task::spawn_blocking(question).await;
    Ok(answer.map_err(|_| ProxyError::Internal)??)
}

fn client(config: &BrokerConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.bootstrap_servers);
    client.set("client.id", "weir");
    // librdkafka writes to the terminal where nobody polls a client
    client.set_log_level(rdkafka::config::RDKafkaLogLevel::Warning);
    for (name, value) in &config.settings {
        client.set(name, value);
    }
    client
}

trait Defaults {
    /// Sets what the user has not set.
    fn defaults(&mut self, config: &BrokerConfig, settings: &[(&str, &str)]) -> &mut Self;
}

impl Defaults for ClientConfig {
    fn defaults(&mut self, config: &BrokerConfig, settings: &[(&str, &str)]) -> &mut Self {
        for (name, value) in settings {
            if !config.settings.contains_key(*name) {
                self.set(*name, *value);
            }
        }
        self
    }
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

fn produce_error(topic: &str, error: KafkaError) -> ProxyError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
            ProxyError::Retriable {
                reason: format!(
                    "Topic {topic} not present in metadata after {TOPIC_TIMEOUT_MS} ms."
                ),
            }
        }
        _ => error.into(),
    }
}

/// Offsets to commit or seek, by topic and partition.
pub(crate) type Offsets = HashMap<(String, i32), i64>;
