//! `/v3/clusters`.

use axum::extract::State;
use serde::Serialize;

use super::site::{Here, Link, List, Resource, Site};
use crate::Proxy;
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json};
use crate::http::request::Named;

#[derive(Serialize)]
pub(crate) struct Cluster {
    #[serde(skip_serializing_if = "Option::is_none")]
    controller: Option<Link>,
    acls: Link,
    brokers: Link,
    broker_configs: Link,
    consumer_groups: Link,
    topics: Link,
    partition_reassignments: Link,
}

/// `GET /v3/clusters`: the one cluster.
///
/// 50003 Kafka does not answer.
pub(crate) async fn list(
    State(proxy): State<Proxy>,
    here: Here,
) -> Answer<Json<List<Resource<Cluster>>>> {
    let cluster = proxy.broker.cluster.cluster().await.map_err(ProxyError::from)?;
    let site = here.site(&cluster.id);
    Ok(Json(here.clusters(describe(&site, cluster.controller))))
}

/// `GET /v3/clusters/{cluster}`.
///
/// 404.
pub(crate) async fn get(
    State(proxy): State<Proxy>,
    Named(id): Named<String>,
    here: Here,
) -> Answer<Json<Resource<Cluster>>> {
    let site = here.cluster(&proxy, &id).await?;
    let cluster = proxy.broker.cluster.cluster().await.map_err(ProxyError::from)?;
    Ok(Json(describe(&site, cluster.controller)))
}

fn describe(site: &Site, controller: Option<i32>) -> Resource<Cluster> {
    let cluster = Cluster {
        controller: controller.map(|id| site.link(&["brokers", &id.to_string()])),
        acls: site.link(&["acls"]),
        brokers: site.link(&["brokers"]),
        broker_configs: site.link(&["broker-configs"]),
        consumer_groups: site.link(&["consumer-groups"]),
        topics: site.link(&["topics"]),
        partition_reassignments: site.link(&["topics", "-", "partitions", "-", "reassignment"]),
    };
    site.resource("KafkaCluster", &[], cluster)
}
