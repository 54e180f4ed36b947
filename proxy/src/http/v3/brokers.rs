//! `/v3/clusters/{cluster}/brokers`.

use axum::extract::State;
use serde::Serialize;
use weir_kafka::Node;

use super::partitions::{Replica, replica};
use super::site::{Here, Link, List, Resource, Site, key, keys};
use crate::Proxy;
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json};
use crate::http::request::Named;

#[derive(Serialize)]
pub(crate) struct Broker {
    broker_id: i32,
    host: String,
    port: i32,
    rack: Option<String>,
    configs: Link,
    partition_replicas: Link,
}

/// `GET ../brokers`.
///
/// 404.
pub(crate) async fn list(
    State(proxy): State<Proxy>,
    Named(cluster): Named<String>,
    here: Here,
) -> Answer<Json<List<Resource<Broker>>>> {
    let site = here.cluster(&proxy, &cluster).await?;
    let brokers =
        proxy.broker.cluster.cluster().await.map_err(ProxyError::from)?.brokers.into_values();
    let brokers = brokers.map(|node| (key(node.id), describe(&site, node)));
    Ok(Json(site.list("KafkaBrokerList", &["brokers"], brokers)))
}

/// `GET ../brokers/{broker}`.
///
/// 404.
pub(crate) async fn get(
    State(proxy): State<Proxy>,
    Named((cluster, broker)): Named<(String, i32)>,
    here: Here,
) -> Answer<Json<Resource<Broker>>> {
    let site = here.cluster(&proxy, &cluster).await?;
    let node =
        proxy.broker.cluster.cluster().await.map_err(ProxyError::from)?.brokers.remove(&broker);
    Ok(Json(describe(&site, node.ok_or(ProxyError::NotFound)?)))
}

/// `GET ../brokers/{broker}/partition-replicas`: the replicas that a broker has.
///
/// 404.
pub(crate) async fn replicas(
    State(proxy): State<Proxy>,
    Named((cluster, broker)): Named<(String, i32)>,
    here: Here,
) -> Answer<Json<List<Resource<Replica>>>> {
    let site = here.cluster(&proxy, &cluster).await?;
    if !proxy
        .broker
        .cluster
        .cluster()
        .await
        .map_err(ProxyError::from)?
        .brokers
        .contains_key(&broker)
    {
        let reason = format!("Broker {broker} cannot be found.");
        return Err(ProxyError::Missing { reason }.into());
    }
    let mut found = Vec::new();
    for topic in proxy.broker.cluster.topics(false).await.map_err(ProxyError::from)?.values() {
        for partition in topic.partitions.values().filter(|p| p.replicas.contains(&broker)) {
            let order = keys(&[&topic.name, &key(partition.number)]);
            found.push((order, replica(&site, &topic.name, partition, broker)));
        }
    }
    let place = ["brokers", &broker.to_string(), "partition-replicas"];
    Ok(Json(site.list("KafkaReplicaList", &place, found)))
}

fn describe(site: &Site, node: Node) -> Resource<Broker> {
    let id = node.id.to_string();
    let place = ["brokers", &id];
    let broker = Broker {
        broker_id: node.id,
        host: node.host,
        port: node.port,
        rack: node.rack,
        configs: site.link(&["brokers", &id, "configs"]),
        partition_replicas: site.link(&["brokers", &id, "partition-replicas"]),
    };
    site.resource("KafkaBroker", &place, broker)
}
