//! What API v2 asks of a cluster, through librdkafka: only where Kafka's settings want what connections of
//! our own do not have (`Admin::can_ask`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use weir_kafka::Settings;

use crate::broker::{Partition, Replica, ask};
use crate::clients::{Clients, Permit, Purpose, not_made};
use crate::error::ProxyError;
use crate::retry::again;

/// How long metadata, offsets and configurations are waited for.
const ASK_TIMEOUT: Duration = Duration::from_secs(4);

pub(crate) struct Observer {
    /// Asks for metadata without making topics of what it asks for.
    observer: Arc<BaseConsumer>,
    admin: AdminClient<DefaultClientContext>,
    /// Of both; they end after the clients.
    _permits: [Permit; 2],
}

impl Observer {
    pub(crate) fn new(kafka: &Settings, clients: &Arc<Clients>) -> Result<Observer, KafkaError> {
        let permit = || clients.take(Purpose::Ask).map_err(not_made);
        let permits = [permit()?, permit()?];
        let observer: BaseConsumer =
            kafka.librdkafka(&[("allow.auto.create.topics", "false")]).create()?;
        let admin = kafka.librdkafka(&[]).create()?;
        Ok(Observer { observer: Arc::new(observer), admin, _permits: permits })
    }

    pub(crate) async fn brokers(&self) -> Result<Vec<i32>, ProxyError> {
        Ok(self.metadata(None).await?.brokers().iter().map(|b| b.id()).collect())
    }

    pub(crate) async fn topics(&self) -> Result<Vec<String>, ProxyError> {
        Ok(self.metadata(None).await?.topics().iter().map(|t| t.name().to_string()).collect())
    }

    /// 40401.
    pub(crate) async fn partitions(&self, topic: &str) -> Result<Vec<Partition>, ProxyError> {
        let metadata = self.metadata(Some(topic)).await?;
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

    pub(crate) async fn topic_config(
        &self,
        topic: &str,
    ) -> Result<BTreeMap<String, String>, ProxyError> {
        let options = AdminOptions::new().request_timeout(Some(ASK_TIMEOUT));
        let answers =
            self.admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await?;
        let answer = answers.into_iter().next().ok_or(ProxyError::Internal)?;
        let entries = answer.map_err(|code| ProxyError::Kafka { reason: code.to_string() })?;
        let set = entries.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
        Ok(set.collect())
    }

    /// The first offset of a partition, and the one after the last.
    pub(crate) async fn bounds(
        &self,
        topic: &str,
        partition: i32,
    ) -> Result<(i64, i64), ProxyError> {
        again(ASK_TIMEOUT, || {
            let (observer, topic) = (self.observer.clone(), topic.to_string());
            ask(move || observer.fetch_watermarks(&topic, partition, ASK_TIMEOUT))
        })
        .await
    }

    async fn metadata(&self, topic: Option<&str>) -> Result<Metadata, ProxyError> {
        again(ASK_TIMEOUT, || {
            let (observer, topic) = (self.observer.clone(), topic.map(str::to_string));
            ask(move || observer.fetch_metadata(topic.as_deref(), ASK_TIMEOUT))
        })
        .await
    }
}

fn partitions(topic: &MetadataTopic) -> Vec<Partition> {
    let partition = |p: &rdkafka::metadata::MetadataPartition| Partition {
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
    };
    let mut partitions: Vec<Partition> = topic.partitions().iter().map(partition).collect();
    partitions.sort_by_key(|p| p.partition);
    partitions
}
