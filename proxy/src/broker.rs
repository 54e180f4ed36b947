//! Kafka, as the rest of the proxy sees it. Producing and consuming go through librdkafka, questions about
//! the cluster through connections of our own ([`Admin`]). The embedded broker of `weir dev` is reached
//! through the same code.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use serde::Serialize;
use weir_kafka::Settings;

use crate::admin::{Admin, Isolation, Resource};
use crate::clients::Clients;
use crate::embedded::EmbeddedBroker;
use crate::error::ProxyError;
use crate::observer::Observer;
use crate::producer::Producers;
use crate::reach::Reach;

/// How often Kafka is asked how many brokers there are.
const COUNT_BROKERS_EACH: Duration = Duration::from_secs(30);

/// How soon it is asked again where it could not be reached.
const COUNT_AGAIN: Duration = Duration::from_secs(2);

/// Where Kafka is and how to speak to it.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    pub kafka: Settings,
    /// The broker if it is the embedded one, which makes topics, and cannot describe configurations.
    pub embedded: Option<EmbeddedBroker>,
}

/// librdkafka's settings of one kind of client each; they win over those of [`BrokerConfig`], which are of
/// all. And how many clients there may be.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// Consumer instances that may have a client at once; if nothing is said, as many as there are threads
    /// and descriptors for.
    pub instances_connected: Option<usize>,
    pub producer: BTreeMap<String, String>,
    pub consumer: BTreeMap<String, String>,
    pub admin: BTreeMap<String, String>,
}

pub struct Broker {
    consumer: Settings,
    /// Clients of librdkafka, each of which has a permit.
    pub(crate) clients: Arc<Clients>,
    is_embedded: bool,
    pub(crate) producers: Producers,
    pub(crate) cluster: Admin,
    /// Asks in the place of `cluster` where that cannot.
    observer: Option<Observer>,
    reach: Reach,
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
        Broker::with_settings(config, ClientSettings::default())
    }

    /// As [`Broker::new`], where producers, consumers and questions about the cluster have settings of
    /// their own.
    pub fn with_settings(
        config: BrokerConfig,
        settings: ClientSettings,
    ) -> Result<Broker, KafkaError> {
        let BrokerConfig { kafka, embedded } = config;
        let with = |own: BTreeMap<String, String>| {
            let mut kafka = kafka.clone();
            kafka.librdkafka.extend(own);
            kafka
        };
        let admin = with(settings.admin);
        let cluster = Admin::new(&admin, embedded.clone());
        let clients = Clients::new(settings.instances_connected);
        let observer = match cluster.can_ask() {
            true => None,
            false => Some(Observer::new(&admin, &clients)?),
        };
        let broker = Broker {
            producers: Producers::new(with(settings.producer), embedded.is_some(), &clients)?,
            clients,
            consumer: with(settings.consumer),
            is_embedded: embedded.is_some(),
            cluster,
            observer,
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

    /// Whether any broker can be reached, as it was a moment ago at the latest; if not, the reason.
    pub(crate) async fn reach(&self) -> Result<(), String> {
        self.reach.known(self.ask_brokers()).await
    }

    async fn ask_brokers(&self) -> Result<(), String> {
        let known = match &self.observer {
            Some(observer) => observer.brokers().await.map(|ids| ids.len()),
            None => self.cluster.threads_of_clients().await,
        };
        self.clients.note_brokers(known.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Ids of the brokers.
    pub async fn brokers(&self) -> Result<Vec<i32>, ProxyError> {
        let mut ids: Vec<i32> = match &self.observer {
            Some(observer) => observer.brokers().await?,
            None => self.cluster.cluster().await?.brokers.into_keys().collect(),
        };
        ids.sort_unstable();
        Ok(ids)
    }

    /// Names of the topics that are not Kafka's own.
    pub async fn topics(&self) -> Result<Vec<String>, ProxyError> {
        let mut names: Vec<String> = match &self.observer {
            Some(observer) => observer.topics().await?,
            None => {
                let topics = self.cluster.topics(false).await?.into_values();
                topics.filter(|topic| !topic.is_internal).map(|topic| topic.name).collect()
            }
        };
        names.sort_unstable();
        Ok(names)
    }

    /// Partitions of a topic. 40401.
    pub async fn partitions(&self, topic: &str) -> Result<Vec<Partition>, ProxyError> {
        if !is_topic_name(topic) {
            return Err(ProxyError::TopicNotFound);
        }
        if let Some(observer) = &self.observer {
            return observer.partitions(topic).await;
        }
        match self.cluster.topic(topic, false).await {
            Ok(found) => Ok(found.partitions.values().map(Partition::of).collect()),
            Err(ProxyError::UnknownPartition { .. }) => Err(ProxyError::TopicNotFound),
            Err(error) => Err(error),
        }
    }

    /// Configuration of a topic.
    pub async fn topic_config(&self, topic: &str) -> Result<BTreeMap<String, String>, ProxyError> {
        if self.is_embedded {
            return Ok(BTreeMap::new());
        }
        if let Some(observer) = &self.observer {
            return observer.topic_config(topic).await;
        }
        let found = self.cluster.configs_of(Resource::Topic(topic.to_string()), None).await?;
        Ok(found.into_iter().filter_map(|config| Some((config.name, config.value?))).collect())
    }

    /// The first offset of a partition, and the one after the last.
    pub async fn offsets(&self, topic: &str, partition: i32) -> Result<(i64, i64), ProxyError> {
        match &self.observer {
            Some(observer) => observer.bounds(topic, partition).await,
            None => self.cluster.bounds(topic, partition, Isolation::ReadUncommitted).await,
        }
    }
}

impl Partition {
    fn of(found: &crate::admin::Partition) -> Partition {
        let replica = |broker: &i32| Replica {
            broker: *broker,
            leader: *broker == found.leader,
            in_sync: found.in_sync.contains(broker),
        };
        Partition {
            partition: found.id,
            leader: found.leader,
            replicas: found.replicas.iter().map(replica).collect(),
        }
    }
}

/// Keeps count of the brokers, for which clients have threads, until the proxy is gone.
pub(crate) async fn count_brokers(broker: Weak<Broker>) {
    loop {
        let Some(broker) = broker.upgrade() else { return };
        let known = broker.reach().await;
        drop(broker);
        tokio::time::sleep(if known.is_ok() { COUNT_BROKERS_EACH } else { COUNT_AGAIN }).await;
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
