//! `/v3/clusters/{cluster}/topics`. Source: Confluent TopicsResource.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};

use super::json_body::JsonBody;
use super::site::{Here, Link, List, Resource, Site};
use crate::Proxy;
use crate::admin::{NewTopic, Operation, Topic as Found};
use crate::http::Object;
use crate::http::answer::{Answer, Json, Nothing};
use crate::http::request::{Named, Params};

#[derive(Serialize)]
pub(crate) struct Topic {
    topic_name: String,
    is_internal: bool,
    replication_factor: usize,
    partitions_count: usize,
    partitions: Link,
    configs: Link,
    partition_reassignments: Link,
    /// What the proxy may do, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorized_operations: Option<Vec<Operation>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTopic {
    topic_name: String,
    #[serde(default)]
    partitions_count: Option<i32>,
    #[serde(default)]
    replication_factor: Option<i16>,
    /// Brokers of each partition, instead of both.
    #[serde(default)]
    replicas_assignments: Option<BTreeMap<i32, Vec<i32>>>,
    #[serde(default)]
    configs: Option<Vec<Object<NewConfig>>>,
    #[serde(default)]
    validate_only: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConfig {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrowTopic {
    partitions_count: i32,
}

/// `GET ../topics`.
///
/// 404.
pub(crate) async fn list(
    State(proxy): State<Proxy>,
    Named(cluster): Named<String>,
    here: Here,
    params: Params,
) -> Answer<Json<List<Resource<Topic>>>> {
    let site = here.cluster(&proxy, &cluster).await?;
    let topics = proxy.broker.cluster.topics(with_operations(&params)).await?;
    let topics = topics.into_iter().map(|(name, topic)| (name, describe(&site, topic)));
    Ok(Json(site.list("KafkaTopicList", &["topics"], topics)))
}

/// `POST ../topics`: create a topic.
///
/// 201, or 200 with `validate_only`. 40002 it is there, or cannot be.
pub(crate) async fn create(
    State(proxy): State<Proxy>,
    Named(cluster): Named<String>,
    here: Here,
    JsonBody(request): JsonBody<CreateTopic>,
) -> Answer<(StatusCode, [(HeaderName, String); 1], Json<Resource<Topic>>)> {
    let site = here.cluster(&proxy, &cluster).await?;
    let configs = request.configs.unwrap_or_default();
    let new = NewTopic {
        name: request.topic_name,
        partitions: request.partitions_count,
        replication_factor: request.replication_factor,
        assignments: request.replicas_assignments.unwrap_or_default(),
        configs: configs.into_iter().map(|Object(c)| (c.name, c.value)).collect(),
        validate_only: request.validate_only.unwrap_or(false),
    };
    let (partitions, replicas) = proxy.broker.cluster.create_topic(&new).await?;
    let status = if new.validate_only { StatusCode::OK } else { StatusCode::CREATED };
    let location = [(LOCATION, site.url(&["topics", &new.name]))];
    let topic = resource(&site, &new.name, false, partitions, replicas, None);
    Ok((status, location, Json(topic)))
}

/// `GET ../topics/{topic}`.
///
/// 404 · 40403.
pub(crate) async fn get(
    State(proxy): State<Proxy>,
    Named((cluster, topic)): Named<(String, String)>,
    here: Here,
    params: Params,
) -> Answer<Json<Resource<Topic>>> {
    let site = here.cluster(&proxy, &cluster).await?;
    let topic = proxy.broker.cluster.topic(&topic, with_operations(&params)).await?;
    Ok(Json(describe(&site, topic)))
}

/// `PATCH ../topics/{topic}`: add partitions.
///
/// 40002 not more than there are · 40403.
pub(crate) async fn grow(
    State(proxy): State<Proxy>,
    Named((cluster, topic)): Named<(String, String)>,
    here: Here,
    JsonBody(request): JsonBody<GrowTopic>,
) -> Answer<Json<Resource<Topic>>> {
    let site = here.cluster(&proxy, &cluster).await?;
    proxy.broker.cluster.grow_topic(&topic, request.partitions_count).await?;
    let found = proxy.broker.cluster.topic(&topic, false).await?;
    Ok(Json(describe(&site, found)))
}

/// `DELETE ../topics/{topic}`.
///
/// 204. 40403.
pub(crate) async fn delete(
    State(proxy): State<Proxy>,
    Named((cluster, topic)): Named<(String, String)>,
    here: Here,
) -> Answer<Nothing> {
    here.cluster(&proxy, &cluster).await?;
    proxy.broker.cluster.delete_topic(&topic).await?;
    Ok(Nothing)
}

fn with_operations(params: &Params) -> bool {
    params.get("include_authorized_operations") == Some("true")
}

fn describe(site: &Site, topic: Found) -> Resource<Topic> {
    let (partitions, replicas) = (topic.partitions.len(), topic.replication_factor());
    resource(site, &topic.name, topic.is_internal, partitions, replicas, topic.operations)
}

fn resource(
    site: &Site,
    name: &str,
    is_internal: bool,
    partitions_count: usize,
    replication_factor: usize,
    authorized_operations: Option<Vec<Operation>>,
) -> Resource<Topic> {
    let fields = Topic {
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
