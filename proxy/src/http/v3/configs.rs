//! Configurations of topics, brokers, and of all brokers: `../topics/{topic}/configs`,
//! `../brokers/{broker}/configs`, `../broker-configs`. Source: Confluent TopicConfigsResource,
//! BrokerConfigsResource, ClusterConfigsResource.

use axum::response::Response;
use serde::Serialize;
use weir_http::Caller;
use weir_kafka::admin::{Config as Found, ConfigResource};

use super::alterations::{Alter, AlterTopics, NewValue, alter, reset, set};
use super::json_body::JsonBody;
use super::site::{Here, List, Resource, Site, key, keys};
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json, Nothing};
use crate::http::request::{BrokerId, SettingName};
use crate::http::rights::{Cluster, Configure, Read, Topic, sees_topic};

/// A setting. Whose it is is said by one of the first three.
#[derive(Serialize)]
pub(crate) struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    topic_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broker_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_type: Option<&'static str>,
    name: String,
    /// Null where it is secret.
    value: Option<String>,
    is_default: bool,
    is_read_only: bool,
    is_sensitive: bool,
    source: &'static str,
    synonyms: Vec<Synonym>,
}

#[derive(Serialize)]
struct Synonym {
    name: String,
    value: Option<String>,
    source: &'static str,
}

type Configs = Answer<Json<List<Resource<Config>>>>;

// Of a topic

/// `GET ../topics/{topic}/configs`.
///
/// 40403.
pub(crate) async fn of_topic(topic: Topic<Read>, here: Here) -> Configs {
    let place = ["topics", &topic, "configs"];
    list(here, ConfigResource::Topic(topic.to_string()), &place).await
}

/// `GET ../topics/{topic}/configs/{name}`.
///
/// 404 · 40403.
pub(crate) async fn of_topic_one(
    topic: Topic<Read>,
    SettingName(name): SettingName,
    here: Here,
) -> Answer<Json<Resource<Config>>> {
    one(here, ConfigResource::Topic(topic.to_string()), &name).await
}

/// `PUT ../topics/{topic}/configs/{name}`.
///
/// 204. 404 no such setting · 40002 · 40403.
pub(crate) async fn set_of_topic(
    topic: Topic<Configure>,
    SettingName(name): SettingName,
    here: Here,
    JsonBody(new): JsonBody<NewValue>,
) -> Answer<Nothing> {
    set(here, ConfigResource::Topic(topic.to_string()), name, new).await
}

/// `DELETE ../topics/{topic}/configs/{name}`: the default again.
///
/// 204. 404 no such setting · 40002 · 40403.
pub(crate) async fn reset_of_topic(
    topic: Topic<Configure>,
    SettingName(name): SettingName,
    here: Here,
) -> Answer<Nothing> {
    reset(here, ConfigResource::Topic(topic.to_string()), name).await
}

/// `POST ../topics/{topic}/configs:alter`: all or none.
///
/// 204. 404 no such setting · 40002 · 40403.
pub(crate) async fn alter_topic(
    topic: Topic<Configure>,
    here: Here,
    JsonBody(request): JsonBody<Alter>,
) -> Answer<Nothing> {
    alter(here, ConfigResource::Topic(topic.to_string()), request).await
}

/// `GET ../topics/-/configs`: of all topics that the caller may read, but those that Kafka keeps for itself.
///
/// 404.
pub(crate) async fn of_topics(caller: Caller, here: Here) -> Configs {
    let site = here.site().await?;
    let topics = site.kafka().topics(false).await.map_err(ProxyError::from)?.into_iter();
    let topics = topics.filter(|(name, topic)| !topic.is_internal && sees_topic(&caller, name));
    let topics: Vec<ConfigResource> =
        topics.map(|(name, _)| ConfigResource::Topic(name.to_string())).collect();
    all(&site, topics, &["topics", "-", "configs"], "KafkaTopicConfigList").await
}

/// `POST ../topics/-/configs:alter`: of several topics.
///
/// 204, or 207 with what each topic that Kafka refuses has against it; the others are altered. 404 no
/// such setting · 40002 · 40403: no topic is altered.
pub(crate) async fn alter_topics(
    caller: Caller,
    here: Here,
    JsonBody(request): JsonBody<AlterTopics>,
) -> Answer<Response> {
    super::alterations::alter_topics(here, &caller, request).await
}

// Of a broker

/// `GET ../brokers/{broker}/configs`.
///
/// 404.
pub(crate) async fn of_broker(_: Cluster<Read>, BrokerId(broker): BrokerId, here: Here) -> Configs {
    let place = ["brokers", &broker.to_string(), "configs"];
    list(here, ConfigResource::Broker(broker), &place).await
}

/// `GET ../brokers/-/configs`: of all brokers.
///
/// 404.
pub(crate) async fn of_brokers(_: Cluster<Read>, here: Here) -> Configs {
    let site = here.site().await?;
    let brokers = site.kafka().cluster().await.map_err(ProxyError::from)?.brokers.into_keys();
    let brokers: Vec<ConfigResource> = brokers.map(ConfigResource::Broker).collect();
    all(&site, brokers, &["brokers", "-", "configs"], "KafkaBrokerConfigList").await
}

/// `GET ../brokers/{broker}/configs/{name}`.
///
/// 404.
pub(crate) async fn of_broker_one(
    _: Cluster<Read>,
    BrokerId(broker): BrokerId,
    SettingName(name): SettingName,
    here: Here,
) -> Answer<Json<Resource<Config>>> {
    one(here, ConfigResource::Broker(broker), &name).await
}

/// `PUT ../brokers/{broker}/configs/{name}`.
///
/// 204. 404 no such setting · 40002.
pub(crate) async fn set_of_broker(
    _: Cluster<Configure>,
    BrokerId(broker): BrokerId,
    SettingName(name): SettingName,
    here: Here,
    JsonBody(new): JsonBody<NewValue>,
) -> Answer<Nothing> {
    set(here, ConfigResource::Broker(broker), name, new).await
}

/// `DELETE ../brokers/{broker}/configs/{name}`: what all brokers have again.
///
/// 204. 404 no such setting · 40002.
pub(crate) async fn reset_of_broker(
    _: Cluster<Configure>,
    BrokerId(broker): BrokerId,
    SettingName(name): SettingName,
    here: Here,
) -> Answer<Nothing> {
    reset(here, ConfigResource::Broker(broker), name).await
}

/// `POST ../brokers/{broker}/configs:alter`: all or none.
///
/// 204. 404 no such setting · 40002.
pub(crate) async fn alter_broker(
    _: Cluster<Configure>,
    BrokerId(broker): BrokerId,
    here: Here,
    JsonBody(request): JsonBody<Alter>,
) -> Answer<Nothing> {
    alter(here, ConfigResource::Broker(broker), request).await
}

// Of all brokers

/// `GET ../broker-configs`: what was set for all brokers.
///
/// 404.
pub(crate) async fn of_cluster(_: Cluster<Read>, here: Here) -> Configs {
    list(here, ConfigResource::Brokers, &["broker-configs"]).await
}

/// `GET ../broker-configs/{name}`.
///
/// 404.
pub(crate) async fn of_cluster_one(
    _: Cluster<Read>,
    SettingName(name): SettingName,
    here: Here,
) -> Answer<Json<Resource<Config>>> {
    one(here, ConfigResource::Brokers, &name).await
}

/// `PUT ../broker-configs/{name}`.
///
/// 204. 404 no such setting · 40002.
pub(crate) async fn set_of_cluster(
    _: Cluster<Configure>,
    SettingName(name): SettingName,
    here: Here,
    JsonBody(new): JsonBody<NewValue>,
) -> Answer<Nothing> {
    set(here, ConfigResource::Brokers, name, new).await
}

/// `DELETE ../broker-configs/{name}`.
///
/// 204. 404 it is not set · 40002.
pub(crate) async fn reset_of_cluster(
    _: Cluster<Configure>,
    SettingName(name): SettingName,
    here: Here,
) -> Answer<Nothing> {
    reset(here, ConfigResource::Brokers, name).await
}

/// `POST ../broker-configs:alter`: all or none.
///
/// 204. 404 no such setting · 40002.
pub(crate) async fn alter_cluster(
    _: Cluster<Configure>,
    here: Here,
    JsonBody(request): JsonBody<Alter>,
) -> Answer<Nothing> {
    alter(here, ConfigResource::Brokers, request).await
}

async fn list(here: Here, of: ConfigResource, place: &[&str]) -> Configs {
    let site = here.site().await?;
    let kind = match of {
        ConfigResource::Topic(_) => "KafkaTopicConfigList",
        ConfigResource::Broker(_) => "KafkaBrokerConfigList",
        ConfigResource::Brokers => "KafkaClusterConfigList",
    };
    all(&site, vec![of], place, kind).await
}

async fn all(site: &Site, of: Vec<ConfigResource>, place: &[&str], kind: &'static str) -> Configs {
    let found = match of.is_empty() {
        true => Vec::new(),
        false => site.kafka().configs(&of, None).await.map_err(ProxyError::from)?,
    };
    let items = of.iter().zip(found).flat_map(|(of, configs)| {
        let whose = match of {
            ConfigResource::Topic(topic) => topic.clone(),
            ConfigResource::Broker(id) => key(*id),
            ConfigResource::Brokers => String::new(),
        };
        configs
            .into_iter()
            .map(move |config| (keys(&[&whose, &config.name]), describe(site, of, config)))
    });
    Ok(Json(site.list(kind, place, items)))
}

async fn one(here: Here, of: ConfigResource, name: &str) -> Answer<Json<Resource<Config>>> {
    let site = here.site().await?;
    let found = site.kafka().configs_of(of.clone(), Some(name)).await.map_err(ProxyError::from)?;
    let config = found.into_iter().find(|config| config.name == name);
    Ok(Json(describe(&site, &of, config.ok_or(ProxyError::NotFound)?)))
}

fn describe(site: &Site, of: &ConfigResource, found: Found) -> Resource<Config> {
    let is_default = found.is_default();
    let synonyms = found.synonyms.into_iter();
    let mut config = Config {
        topic_name: None,
        broker_id: None,
        config_type: None,
        name: found.name,
        value: found.value,
        is_default,
        is_read_only: found.is_read_only,
        is_sensitive: found.is_sensitive,
        source: found.source,
        synonyms: synonyms
            .map(|s| Synonym { name: s.name, value: s.value, source: s.source })
            .collect(),
    };
    let name = config.name.clone();
    match of {
        ConfigResource::Topic(topic) => {
            config.topic_name = Some(topic.clone());
            site.resource("KafkaTopicConfig", &["topics", topic, "configs", &name], config)
        }
        ConfigResource::Broker(id) => {
            config.broker_id = Some(*id);
            let place = ["brokers", &id.to_string(), "configs", &name];
            site.resource("KafkaBrokerConfig", &place, config)
        }
        ConfigResource::Brokers => {
            config.config_type = Some("BROKER");
            site.resource("KafkaClusterConfig", &["broker-configs", &name], config)
        }
    }
}
