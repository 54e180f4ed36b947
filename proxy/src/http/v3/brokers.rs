//! `/v3/clusters/{cluster}/brokers`.

use serde::Serialize;
use weir_http::Caller;
use weir_kafka::Node;

use super::partitions::{Replica, replica};
use super::site::{Here, Link, List, Resource, Site, key, keys};
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json};
use crate::http::request::BrokerId;
use crate::http::rights::{Cluster, Read, sees_topic};

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
pub(crate) async fn list(_: Cluster<Read>, here: Here) -> Answer<Json<List<Resource<Broker>>>> {
    let site = here.site().await?;
    let brokers = site.kafka().cluster().await.map_err(ProxyError::from)?.brokers.into_values();
    let brokers = brokers.map(|node| (key(node.id), describe(&site, node)));
    Ok(Json(site.list("KafkaBrokerList", &["brokers"], brokers)))
}

/// `GET ../brokers/{broker}`.
///
/// 404.
pub(crate) async fn get(
    _: Cluster<Read>,
    BrokerId(broker): BrokerId,
    here: Here,
) -> Answer<Json<Resource<Broker>>> {
    let site = here.site().await?;
    let node = site.kafka().cluster().await.map_err(ProxyError::from)?.brokers.remove(&broker);
    Ok(Json(describe(&site, node.ok_or(ProxyError::NotFound)?)))
}

/// `GET ../brokers/{broker}/partition-replicas`: the replicas that a broker has, of topics that the caller may read.
///
/// 404.
pub(crate) async fn replicas(
    _: Cluster<Read>,
    BrokerId(broker): BrokerId,
    caller: Caller,
    here: Here,
) -> Answer<Json<List<Resource<Replica>>>> {
    let site = here.site().await?;
    if !site.kafka().cluster().await.map_err(ProxyError::from)?.brokers.contains_key(&broker) {
        let reason = format!("Broker {broker} cannot be found.");
        return Err(ProxyError::Missing { reason }.into());
    }
    let mut found = Vec::new();
    let topics = site.kafka().topics(false).await.map_err(ProxyError::from)?.into_values();
    for topic in topics.filter(|topic| sees_topic(&caller, &topic.name)) {
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
