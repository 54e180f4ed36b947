//! `../consumer-groups`: groups, their members and what these read. Source: Confluent
//! ConsumerGroupsResource, ConsumersResource, ConsumerAssignmentsResource.

use serde::Serialize;
use weir_http::Caller;
use weir_kafka::Partition;
use weir_kafka::admin::{Group as Found, Member};

use super::site::{Here, Link, List, Resource, Site, key, keys};
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json, Nothing};
use crate::http::request::{MemberId, PartitionId};
use crate::http::rights::{Delete, Group, Read, Topic, sees_group, sees_topic};

#[derive(Serialize)]
pub(crate) struct GroupFields {
    consumer_group_id: String,
    is_simple: bool,
    partition_assignor: String,
    /// `STABLE`, `EMPTY`, `PREPARING_REBALANCE`, ..
    state: String,
    /// `CLASSIC` or `CONSUMER`, after the protocol.
    #[serde(rename = "type")]
    kind: String,
    is_mixed_consumer_group: bool,
    coordinator: Link,
    consumers: Link,
    lag_summary: Link,
}

#[derive(Serialize)]
pub(crate) struct Consumer {
    consumer_group_id: String,
    consumer_id: String,
    instance_id: Option<String>,
    client_id: String,
    assignments: Link,
}

#[derive(Serialize)]
pub(crate) struct Assignment {
    consumer_group_id: String,
    consumer_id: String,
    topic_name: String,
    partition_id: i32,
    partition: Link,
    lag: Link,
}

/// `GET ../consumer-groups`: those that the caller may read.
///
/// 404.
pub(crate) async fn list(caller: Caller, here: Here) -> Answer<Json<List<Resource<GroupFields>>>> {
    let site = here.site().await?;
    let admin = site.kafka();
    // only the groups of the page are asked after
    let ids = admin.group_ids().await.map_err(ProxyError::from)?.into_keys();
    let ids = ids.filter(|id| sees_group(&caller, id)).map(|id| (id.clone(), id));
    let page = site.list("KafkaConsumerGroupList", &["consumer-groups"], ids);
    let groups = admin.groups(page.items()).await.map_err(ProxyError::from)?;
    Ok(Json(page.of(groups.into_iter().map(|group| describe(&site, &group)).collect())))
}

/// `GET ../consumer-groups/{group}`.
///
/// 404.
pub(crate) async fn get(group: Group<Read>, here: Here) -> Answer<Json<Resource<GroupFields>>> {
    let site = here.site().await?;
    Ok(Json(describe(&site, &find(&site, &group).await?)))
}

/// `DELETE ../consumer-groups/{group}`: delete a group with its offsets. Not Confluent's.
///
/// 204. 40002 it has members · 404.
pub(crate) async fn delete(group: Group<Delete>, here: Here) -> Answer<Nothing> {
    let site = here.site().await?;
    site.kafka().delete_group(&group).await.map_err(ProxyError::from)?;
    Ok(Nothing)
}

/// `GET ../consumer-groups/{group}/consumers`.
///
/// 404.
pub(crate) async fn consumers(
    group: Group<Read>,
    here: Here,
) -> Answer<Json<List<Resource<Consumer>>>> {
    let site = here.site().await?;
    let found = find(&site, &group).await?;
    let consumers = found.members.values().map(|m| (m.id.clone(), member(&site, &group, m)));
    let place = ["consumer-groups", &group, "consumers"];
    Ok(Json(site.list("KafkaConsumerList", &place, consumers)))
}

/// `GET ../consumer-groups/{group}/consumers/{consumer}`.
///
/// 404.
pub(crate) async fn consumer(
    group: Group<Read>,
    MemberId(consumer): MemberId,
    here: Here,
) -> Answer<Json<Resource<Consumer>>> {
    let site = here.site().await?;
    let found = find(&site, &group).await?;
    let found = found.members.get(&consumer).ok_or(ProxyError::NotFound)?;
    Ok(Json(member(&site, &group, found)))
}

/// `GET ../consumers/{consumer}/assignments`: partitions of topics that the caller may read.
///
/// 404.
pub(crate) async fn assignments(
    group: Group<Read>,
    MemberId(consumer): MemberId,
    caller: Caller,
    here: Here,
) -> Answer<Json<List<Resource<Assignment>>>> {
    let site = here.site().await?;
    let found = find(&site, &group).await?;
    let found = found.members.get(&consumer).ok_or(ProxyError::NotFound)?;
    let seen = found.partitions.iter().filter(|partition| sees_topic(&caller, &partition.topic));
    let items = seen.map(|partition| {
        let order = keys(&[&partition.topic, &key(partition.number)]);
        (order, assigned(&site, &group, &consumer, partition))
    });
    let place = ["consumer-groups", &group, "consumers", &consumer, "assignments"];
    Ok(Json(site.list("KafkaConsumerAssignmentList", &place, items)))
}

/// `GET ../assignments/{topic}/partitions/{partition}`.
///
/// 404.
pub(crate) async fn assignment(
    group: Group<Read>,
    MemberId(consumer): MemberId,
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    here: Here,
) -> Answer<Json<Resource<Assignment>>> {
    let site = here.site().await?;
    let found = find(&site, &group).await?;
    let found = found.members.get(&consumer).ok_or(ProxyError::NotFound)?;
    let mut partitions = found.partitions.iter();
    let found = partitions.find(|p| *p.topic == *topic && p.number == partition);
    let found = found.ok_or(ProxyError::NotFound)?;
    Ok(Json(assigned(&site, &group, &consumer, found)))
}

/// 404.
async fn find(site: &Site, group: &str) -> Result<Found, ProxyError> {
    site.kafka().group(group).await?.ok_or(ProxyError::NotFound)
}

fn describe(site: &Site, found: &Found) -> Resource<GroupFields> {
    let id = found.id.as_str();
    let fields = GroupFields {
        consumer_group_id: id.to_string(),
        is_simple: found.is_simple,
        partition_assignor: found.assignor.clone(),
        state: shouted(&found.state),
        kind: shouted(found.kind),
        is_mixed_consumer_group: found.is_mixed,
        coordinator: site.link(&["brokers", &found.coordinator.to_string()]),
        consumers: site.link(&["consumer-groups", id, "consumers"]),
        lag_summary: site.link(&["consumer-groups", id, "lag-summary"]),
    };
    site.resource("KafkaConsumerGroup", &["consumer-groups", id], fields)
}

fn member(site: &Site, group: &str, found: &Member) -> Resource<Consumer> {
    let place = ["consumer-groups", group, "consumers", &found.id];
    let fields = Consumer {
        consumer_group_id: group.to_string(),
        consumer_id: found.id.clone(),
        instance_id: found.instance_id.clone(),
        client_id: found.client_id.clone(),
        assignments: site.link(&[&place[..], &["assignments"]].concat()),
    };
    site.resource("KafkaConsumer", &place, fields)
}

fn assigned(
    site: &Site,
    group: &str,
    consumer: &str,
    partition: &Partition,
) -> Resource<Assignment> {
    let Partition { topic, number } = partition;
    let (topic, number) = (topic.as_str(), number.to_string());
    let fields = Assignment {
        consumer_group_id: group.to_string(),
        consumer_id: consumer.to_string(),
        topic_name: topic.to_string(),
        partition_id: partition.number,
        partition: site.link(&["topics", topic, "partitions", &number]),
        lag: site.link(&["consumer-groups", group, "lags", topic, "partitions", &number]),
    };
    let place = [
        "consumer-groups",
        group,
        "consumers",
        consumer,
        "assignments",
        topic,
        "partitions",
        &number,
    ];
    site.resource("KafkaConsumerAssignment", &place, fields)
}

/// `PreparingRebalance` as `PREPARING_REBALANCE`.
fn shouted(word: &str) -> String {
    let mut shouted = String::with_capacity(word.len() + 2);
    for (place, letter) in word.char_indices() {
        if place > 0 && letter.is_uppercase() {
            shouted.push('_');
        }
        shouted.push(letter.to_ascii_uppercase());
    }
    shouted
}
