//! Kafka, as the rest of the proxy sees it. Producing and consuming go through librdkafka; whatever else a cluster is
//! asked, by v2, v3 and the proxy itself, through [`Admin`]. The broker of `weir dev` is reached as any other.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use weir_http::Caller;
use weir_kafka::admin::{Admin, Observer, PartitionInfo};
use weir_kafka::{Code, Settings, TopicName};

use crate::clients::{Clients, Purpose, not_made};
use crate::error::ProxyError;
use crate::producer::Producers;
use crate::reach::Reach;
use crate::reader::Readers;
use weir_http::health::Check;

/// How often Kafka is asked whether it is there, and how many brokers there are.
const ASK_INTERVAL: Duration = Duration::from_secs(3);

/// How soon it is asked again where it could not be reached.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// librdkafka's settings of one kind of client each; they win over those of [`Settings`], which are of
/// all. And how many clients there may be.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// Consumer instances that may have a client at once; if nothing is said, as many as there are threads
    /// and descriptors for.
    pub instances_connected: Option<usize>,
    pub producer: BTreeMap<String, String>,
    pub consumer: BTreeMap<String, String>,
    pub admin: BTreeMap<String, String>,
    /// Whether records that are produced have the headers `traceparent` and `tracestate` of the request that they come with.
    pub trace_records: bool,
}

pub struct Broker {
    consumer: Settings,
    /// Clients of librdkafka, each of which has a permit.
    pub(crate) clients: Arc<Clients>,
    pub(crate) producers: Producers,
    /// Asked for everything beside records and consumer groups.
    pub(crate) cluster: Admin,
    /// Lends consumers to reads without an instance.
    pub(crate) readers: Readers,
    reach: Reach,
}

/// The clients of Kafka, asked for by whom they are to act for.
///
/// Today one principal, the proxy's own, acts for all callers: what they may do is decided before Kafka is asked.
pub(crate) struct Brokers {
    shared: Arc<Broker>,
}

impl Brokers {
    pub(crate) fn new(shared: Broker) -> Brokers {
        Brokers { shared: Arc::new(shared) }
    }

    /// The clients that act for a caller.
    pub(crate) fn of(&self, _caller: &Caller) -> &Arc<Broker> {
        &self.shared
    }

    /// The clients of the proxy's own principal.
    pub(crate) fn own(&self) -> &Arc<Broker> {
        &self.shared
    }
}

impl Broker {
    /// Makes the clients; none of them connects before it is needed. An error names the setting
    /// that librdkafka refuses.
    pub fn new(kafka: Settings) -> Result<Broker, KafkaError> {
        Broker::with_settings(kafka, ClientSettings::default())
    }

    /// Does as [`Broker::new`], with settings of their own for producers, consumers and questions about the cluster.
    pub fn with_settings(kafka: Settings, settings: ClientSettings) -> Result<Broker, KafkaError> {
        let with = |own: BTreeMap<String, String>| {
            let mut kafka = kafka.clone();
            kafka.librdkafka.extend(own);
            kafka
        };
        let admin = with(settings.admin);
        let mut cluster = Admin::new(&admin);
        let clients = Clients::new(settings.instances_connected);
        if !cluster.can_ask() {
            let permit = || clients.take(Purpose::Ask).map_err(not_made);
            cluster = cluster.observed_by(Observer::new(&admin, [permit()?, permit()?])?);
        }
        let broker = Broker {
            producers: Producers::new(with(settings.producer), &clients, settings.trace_records)?,
            clients,
            consumer: with(settings.consumer),
            cluster,
            readers: Readers::default(),
            reach: Reach::default(),
        };
        // a setting that librdkafka refuses is refused now, not by the first consumer
        broker.consumer().create_native_config()?;
        Ok(broker)
    }

    /// The settings of a consumer.
    pub(crate) fn consumer(&self) -> ClientConfig {
        self.consumer.librdkafka(&[
            ("allow.auto.create.topics", "false"),
            // as Java's consumers, unless an instance or the settings say otherwise
            ("isolation.level", "read_uncommitted"),
            ("queued.max.messages.kbytes", "16384"),
            ("topic.metadata.refresh.interval.ms", "30000"),
        ])
    }

    /// Asks whether any broker can be reached; the answer is a second old at most. The error is the reason if not.
    pub(crate) async fn reach(&self) -> Result<(), String> {
        self.reach.known(self.ask_brokers()).await
    }

    /// Whether Kafka could be reached when it was asked last.
    pub(crate) fn check(&self) -> &Arc<Check> {
        self.reach.check()
    }

    async fn ask_brokers(&self) -> Result<(), String> {
        let known = self.cluster.threads_of_clients().await;
        self.clients.note_brokers(known.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Names of the topics that are not Kafka's own, sorted.
    pub(crate) async fn topics(&self) -> Result<Vec<String>, ProxyError> {
        let topics = self.cluster.topics(false).await?.into_values();
        Ok(topics.filter(|topic| !topic.is_internal).map(|topic| topic.name.to_string()).collect())
    }

    /// Partitions of a topic. 40401.
    pub(crate) async fn partitions(&self, topic: &str) -> Result<Vec<PartitionInfo>, ProxyError> {
        let topic = TopicName::parse(topic).map_err(|_| ProxyError::TopicNotFound)?;
        match self.cluster.topic(&topic, false).await {
            Ok(found) => Ok(found.partitions.into_values().collect()),
            Err(fault) if fault.code == Code::UnknownTopicOrPartition => {
                Err(ProxyError::TopicNotFound)
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

/// Keeps knowing whether Kafka is there, and the number of its brokers, for which clients have threads, until the proxy is gone.
pub(crate) async fn keep_asking(broker: Weak<Broker>) {
    loop {
        let Some(broker) = broker.upgrade() else { return };
        let known = broker.reach().await;
        drop(broker);
        tokio::time::sleep(if known.is_ok() { ASK_INTERVAL } else { ASK_AGAIN }).await;
    }
}

/// librdkafka blocks where it waits for a broker.
pub(crate) async fn ask<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, ProxyError> {
    Ok(weir_kafka::blocking(question).await?)
}
