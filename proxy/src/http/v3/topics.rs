//! `/v3/clusters/{cluster}/topics`. Source: Confluent TopicsResource.

use std::collections::BTreeMap;

use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use weir_http::Caller;
use weir_kafka::TopicName;
use weir_kafka::admin::{NewTopic, Operation, Topic as Found};

use super::json_body::{JsonBody, Required};
use super::site::{Here, Link, List, Resource, Site};
use crate::error::ProxyError;
use crate::http::Object;
use crate::http::answer::{Answer, Json, Nothing};
use crate::http::json::coerced;
use crate::http::request::Query;
use crate::http::rights::{Configure, Delete, Read, Topic, TopicInBody, sees_topic};

#[derive(Serialize)]
pub(crate) struct TopicFields {
    topic_name: String,
    is_internal: bool,
    replication_factor: usize,
    partitions_count: usize,
    partitions: Link,
    configs: Link,
    partition_reassignments: Link,
    /// What the proxy may do, if that was asked for.
    authorized_operations: Vec<Operation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTopic {
    topic_name: TopicInBody,
    #[serde(default, deserialize_with = "coerced")]
    partitions_count: Option<i32>,
    #[serde(default, deserialize_with = "coerced")]
    replication_factor: Option<i16>,
    /// Brokers of each partition, instead of both.
    #[serde(default)]
    replicas_assignments: Option<BTreeMap<i32, Vec<i32>>>,
    #[serde(default)]
    configs: Option<Vec<Object<NewConfig>>>,
    #[serde(default, deserialize_with = "coerced")]
    validate_only: Option<bool>,
}

impl Required for CreateTopic {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConfig {
    #[serde(deserialize_with = "coerced")]
    name: String,
    #[serde(default, deserialize_with = "coerced")]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrowTopic {
    #[serde(deserialize_with = "coerced")]
    partitions_count: i32,
}

impl Required for GrowTopic {
    const MISSING: &'static str = "Request body is empty. Partitions_count is required.";
}

/// `GET ../topics`: all that the caller may read, but those that Kafka keeps for itself.
///
/// 404.
pub(crate) async fn list(
    caller: Caller,
    here: Here,
    Query(asked): Query<WithOperations>,
) -> Answer<Json<List<Resource<TopicFields>>>> {
    let site = here.site().await?;
    let topics = site.kafka().topics(asked.is_said()).await.map_err(ProxyError::from)?;
    let topics =
        topics.into_iter().filter(|(name, topic)| !topic.is_internal && sees_topic(&caller, name));
    let topics = topics.map(|(name, topic)| (name.to_string(), describe(&site, topic)));
    Ok(Json(site.list("KafkaTopicList", &["topics"], topics)))
}

/// `POST ../topics`: create a topic.
///
/// 201, or 200 with `validate_only`. 40002 it is there, or cannot be · 42206 no name that a topic can
/// have.
pub(crate) async fn create(
    caller: Caller,
    here: Here,
    JsonBody(request): JsonBody<CreateTopic>,
) -> Answer<(StatusCode, [(HeaderName, String); 1], Json<Resource<TopicFields>>)> {
    let name = request.topic_name.demand::<Configure>(&caller)?;
    let site = here.site().await?;
    let invalid = |_| ProxyError::Payload { reason: "Invalid topic name.".to_string() };
    let new = NewTopic {
        name: TopicName::parse(&name).map_err(invalid)?,
        partitions: request.partitions_count,
        replication_factor: request.replication_factor,
        assignments: request.replicas_assignments.unwrap_or_default(),
        configs: configs(request.configs.unwrap_or_default())?,
        validate_only: request.validate_only.unwrap_or(false),
    };
    let (partitions, replicas) = site.kafka().create_topic(&new).await.map_err(ProxyError::from)?;
    let status = if new.validate_only { StatusCode::OK } else { StatusCode::CREATED };
    let location = [(LOCATION, site.url(&["topics", &new.name]))];
    let topic = resource(&site, &new.name, false, partitions, replicas, Vec::new());
    Ok((status, location, Json(topic)))
}

/// 40002 one without a value, or one that stands there twice.
fn configs(given: Vec<Object<NewConfig>>) -> Result<Vec<(String, String)>, ProxyError> {
    let refused = |reason: String| Err(ProxyError::Refused { reason });
    let mut configs: Vec<(String, String)> = Vec::with_capacity(given.len());
    for Object(NewConfig { name, value }) in given {
        if configs.iter().any(|(known, _)| *known == name) {
            return refused(format!("Config {name} is given twice."));
        }
        match value {
            Some(value) => configs.push((name, value)),
            None => return refused(format!("Null value not supported for topic configs: {name}")),
        }
    }
    Ok(configs)
}

/// `GET ../topics/{topic}`.
///
/// 404 · 40403.
pub(crate) async fn get(
    topic: Topic<Read>,
    here: Here,
    Query(asked): Query<WithOperations>,
) -> Answer<Json<Resource<TopicFields>>> {
    let site = here.site().await?;
    let topic = site.kafka().topic(&topic, asked.is_said()).await.map_err(ProxyError::from)?;
    Ok(Json(describe(&site, topic)))
}

/// `PATCH ../topics/{topic}`: add partitions.
///
/// 40002 not more than there are · 40403.
pub(crate) async fn grow(
    topic: Topic<Configure>,
    here: Here,
    JsonBody(request): JsonBody<GrowTopic>,
) -> Answer<Json<Resource<TopicFields>>> {
    let site = here.site().await?;
    site.kafka().grow_topic(&topic, request.partitions_count).await.map_err(ProxyError::from)?;
    let found = site.kafka().topic(&topic, false).await.map_err(ProxyError::from)?;
    // brokers hear of them a moment after the controller has made them
    let made = usize::try_from(request.partitions_count).unwrap_or_default();
    let count = found.partitions.len().max(made);
    let replicas = found.replication_factor();
    Ok(Json(resource(&site, &topic, found.is_internal, count, replicas, Vec::new())))
}

/// `DELETE ../topics/{topic}`.
///
/// 204. 40403.
pub(crate) async fn delete(topic: Topic<Delete>, here: Here) -> Answer<Nothing> {
    let site = here.site().await?;
    site.kafka().delete_topic(&topic).await.map_err(ProxyError::from)?;
    Ok(Nothing)
}

/// Whether it is answered what the proxy may do with a topic.
#[derive(Deserialize)]
pub(crate) struct WithOperations {
    include_authorized_operations: Option<String>,
}

impl WithOperations {
    /// As the reference reads it: in small letters.
    fn is_said(&self) -> bool {
        self.include_authorized_operations.as_deref() == Some("true")
    }
}

fn describe(site: &Site, topic: Found) -> Resource<TopicFields> {
    let (partitions, replicas) = (topic.partitions.len(), topic.replication_factor());
    let operations = topic.operations.unwrap_or_default();
    resource(site, &topic.name, topic.is_internal, partitions, replicas, operations)
}

fn resource(
    site: &Site,
    name: &str,
    is_internal: bool,
    partitions_count: usize,
    replication_factor: usize,
    authorized_operations: Vec<Operation>,
) -> Resource<TopicFields> {
    let fields = TopicFields {
        topic_name: name.to_string(),
        is_internal,
        replication_factor,
        partitions_count,
        partitions: site.link(&["topics", name, "partitions"]),
        configs: site.link(&["topics", name, "configs"]),
        partition_reassignments: site.link(&["topics", name, "partitions", "-", "reassignment"]),
        authorized_operations,
    };
    site.resource("KafkaTopic", &["topics", name], fields)
}
