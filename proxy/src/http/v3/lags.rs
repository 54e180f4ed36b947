//! `../consumer-groups/{group}/lags` and `/lag-summary`: how far a group is behind the last committed
//! records. Source: Confluent AbstractConsumerLagManager.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_http::Caller;
use weir_kafka::Partition;
use weir_kafka::admin::{At, Isolation, Member};

use super::site::{Here, Link, List, Resource, Site, key, keys};
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json};
use crate::http::request::PartitionId;
use crate::http::rights::{Group, Read, Topic, sees_topic};

#[derive(Clone, Serialize)]
pub(crate) struct Lag {
    consumer_group_id: String,
    topic_name: String,
    partition_id: i32,
    /// Empty if nobody reads the partition, as the client id.
    consumer_id: String,
    instance_id: Option<String>,
    client_id: String,
    current_offset: i64,
    log_end_offset: i64,
    lag: i64,
}

#[derive(Serialize)]
pub(crate) struct Summary {
    consumer_group_id: String,
    max_lag_consumer_id: String,
    max_lag_instance_id: Option<String>,
    max_lag_client_id: String,
    max_lag_topic_name: String,
    max_lag_partition_id: i32,
    max_lag: i64,
    total_lag: i64,
    max_lag_consumer: Link,
    max_lag_partition: Link,
}

/// `GET ../lags`: of each partition that the group has committed an offset of, and whose topic the caller may read.
///
/// 404 no such group, or it has committed none of these.
pub(crate) async fn list(
    group: Group<Read>,
    caller: Caller,
    here: Here,
) -> Answer<Json<List<Resource<Lag>>>> {
    let site = here.site().await?;
    let lags = lags(&site, &group, |partition| sees_topic(&caller, &partition.topic)).await?;
    let lags = lags.into_iter();
    let items =
        lags.map(|lag| (keys(&[&lag.topic_name, &key(lag.partition_id)]), describe(&site, lag)));
    Ok(Json(site.list("KafkaConsumerLagList", &["consumer-groups", &group, "lags"], items)))
}

/// `GET ../lags/{topic}/partitions/{partition}`.
///
/// 404.
pub(crate) async fn get(
    group: Group<Read>,
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    here: Here,
) -> Answer<Json<Resource<Lag>>> {
    let site = here.site().await?;
    let mut lags = lags(&site, &group, |known| *known.topic == *topic).await?.into_iter();
    let lag = lags.find(|lag| lag.partition_id == partition);
    Ok(Json(describe(&site, lag.ok_or(ProxyError::NotFound)?)))
}

/// `GET ../lag-summary`: the partition that is farthest behind, and the sum of all, of topics that the caller may read.
///
/// 404 no such group, or it has committed none of these.
pub(crate) async fn summary(
    group: Group<Read>,
    caller: Caller,
    here: Here,
) -> Answer<Json<Resource<Summary>>> {
    let site = here.site().await?;
    let lags = lags(&site, &group, |partition| sees_topic(&caller, &partition.topic)).await?;
    let total = lags.iter().map(|lag| lag.lag).sum();
    // the first of equals
    let farthest = lags.into_iter().reduce(|a, b| if b.lag > a.lag { b } else { a });
    let farthest = farthest.ok_or(ProxyError::NotFound)?;
    let partition = farthest.partition_id.to_string();
    let summary = Summary {
        max_lag_consumer: site.link(&[
            "consumer-groups",
            &group,
            "consumers",
            &farthest.consumer_id,
        ]),
        max_lag_partition: site.link(&["topics", &farthest.topic_name, "partitions", &partition]),
        consumer_group_id: group.to_string(),
        max_lag_consumer_id: farthest.consumer_id,
        max_lag_instance_id: farthest.instance_id,
        max_lag_client_id: farthest.client_id,
        max_lag_topic_name: farthest.topic_name,
        max_lag_partition_id: farthest.partition_id,
        max_lag: farthest.lag,
        total_lag: total,
    };
    let place = ["consumer-groups", &group, "lag-summary"];
    Ok(Json(site.resource("KafkaConsumerGroupLagSummary", &place, summary)))
}

/// Of the partitions that are wanted, by topic and partition. 404 the group has committed none of these.
async fn lags(
    site: &Site,
    group: &str,
    is_wanted: impl Fn(&Partition) -> bool,
) -> Result<Vec<Lag>, ProxyError> {
    let admin = site.kafka();
    let missing = |reason: String| ProxyError::Missing { reason };
    let absent = || missing(format!("Consumer Group {group} could not be found."));
    let found = admin.group(group).await?.ok_or_else(absent)?;
    let mut committed = admin.committed(group).await?;
    committed.retain(|partition, _| is_wanted(partition));
    if committed.is_empty() {
        return Err(missing("Consumer group offsets could not be found.".to_string()));
    }
    let partitions: Vec<_> = committed.keys().cloned().collect();
    // what a reader of transactions can reach
    let ends = admin.offsets_at(&partitions, At::Latest, Isolation::ReadCommitted).await?;
    let owners: BTreeMap<&Partition, &Member> =
        found.members.values().flat_map(|m| m.partitions.iter().map(move |p| (p, m))).collect();
    let lag = |(partition, current): (&Partition, &i64)| {
        let end = *ends.get(partition)?;
        let owner = owners.get(partition);
        Some(Lag {
            consumer_group_id: group.to_string(),
            topic_name: partition.topic.to_string(),
            partition_id: partition.number,
            consumer_id: owner.map_or_else(String::new, |m| m.id.clone()),
            instance_id: owner.and_then(|m| m.instance_id.clone()),
            client_id: owner.map_or_else(String::new, |m| m.client_id.clone()),
            current_offset: *current,
            log_end_offset: end,
            lag: (end - current).max(0),
        })
    };
    Ok(committed.iter().filter_map(lag).collect())
}

fn describe(site: &Site, lag: Lag) -> Resource<Lag> {
    let (group, topic) = (lag.consumer_group_id.clone(), lag.topic_name.clone());
    let partition = lag.partition_id.to_string();
    let place = ["consumer-groups", &group, "lags", &topic, "partitions", &partition];
    site.resource("KafkaConsumerLag", &place, lag)
}
