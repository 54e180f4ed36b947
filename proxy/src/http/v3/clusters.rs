//! `/v3/clusters`.

use serde::Serialize;

use super::site::{Here, Link, List, Resource, Site};
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json};

#[derive(Serialize)]
pub(crate) struct ClusterLinks {
    #[serde(skip_serializing_if = "Option::is_none")]
    controller: Option<Link>,
    acls: Link,
    brokers: Link,
    broker_configs: Link,
    consumer_groups: Link,
    topics: Link,
    partition_reassignments: Link,
}

/// `GET /v3/clusters`: the one cluster. Any caller may ask: who may produce to a topic has to know the cluster's id.
///
/// 50003 Kafka does not answer.
pub(crate) async fn list(here: Here) -> Answer<Json<List<Resource<ClusterLinks>>>> {
    let cluster = here.kafka().cluster().await.map_err(ProxyError::from)?;
    let site = here.site_of(&cluster.id);
    Ok(Json(here.clusters(describe(&site, cluster.controller))))
}

/// `GET /v3/clusters/{cluster}`, for any caller.
///
/// 404.
pub(crate) async fn get(here: Here) -> Answer<Json<Resource<ClusterLinks>>> {
    let site = here.site().await?;
    let cluster = site.kafka().cluster().await.map_err(ProxyError::from)?;
    Ok(Json(describe(&site, cluster.controller)))
}

fn describe(site: &Site, controller: Option<i32>) -> Resource<ClusterLinks> {
    let cluster = ClusterLinks {
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
