//! `../topics/{topic}/partitions`: partitions, their replicas, offsets and reassignments, and
//! deleting records. Source: Confluent PartitionsResource, ReplicasResource.

use serde::{Deserialize, Serialize};
use weir_http::Caller;
use weir_kafka::admin::{PartitionInfo, Reassignment as Ongoing, Topic as Found};
use weir_kafka::{Code, Fault};

use super::json_body::{JsonBody, Required};
use super::site::{Here, Link, List, Resource, Site, key, keys};
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json};
use crate::http::json::coerced;
use crate::http::request::{BrokerId, PartitionId, Query};
use crate::http::rights::{Delete, Read, Topic, sees_topic};

#[derive(Serialize)]
pub(crate) struct Partition {
    topic_name: String,
    partition_id: i32,
    /// Left out while no broker leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<Link>,
    replicas: Link,
    reassignment: Link,
}

/// The first offset, and the one after the last.
#[derive(Serialize)]
pub(crate) struct Offsets {
    topic_name: String,
    partition_id: i32,
    earliest_offset: i64,
    latest_offset: i64,
}

#[derive(Serialize)]
pub(crate) struct Replica {
    topic_name: String,
    partition_id: i32,
    broker_id: i32,
    is_leader: bool,
    is_in_sync: bool,
    broker: Link,
}

#[derive(Serialize)]
pub(crate) struct Reassignment {
    topic_name: String,
    partition_id: i32,
    adding_replicas: Vec<i32>,
    removing_replicas: Vec<i32>,
    replicas: Link,
}

/// The body of `POST ../records:delete`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteRecords {
    /// Records before it are deleted; -1 means all.
    #[serde(deserialize_with = "coerced")]
    before_offset: i64,
}

impl Required for DeleteRecords {}

#[derive(Serialize)]
pub(crate) struct Deleted {
    topic_name: String,
    partition_id: i32,
    earliest_offset: i64,
}

/// The one `offset_type` that there is.
const EARLIEST_AND_LATEST: &str = "earliest_and_latest";

/// `GET ../partitions`.
///
/// 404 · 40403.
pub(crate) async fn list(
    topic: Topic<Read>,
    here: Here,
) -> Answer<Json<List<Resource<Partition>>>> {
    let site = here.site().await?;
    let found =
        site.kafka().topic(&topic, false).await.map_err(ProxyError::from)?.partitions.into_values();
    let partitions = found.map(|p| (key(p.number), describe(&site, &topic, &p)));
    Ok(Json(site.list("KafkaPartitionList", &["topics", &topic, "partitions"], partitions)))
}

/// `GET ../partitions/{partition}`.
///
/// 404 · 40403.
pub(crate) async fn get(
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    here: Here,
) -> Answer<Json<Resource<Partition>>> {
    let site = here.site().await?;
    let found = topic_of(&site, &topic, partition).await?;
    Ok(Json(describe(&site, &topic, existing(&site, &found, partition)?)))
}

/// Which offsets of a partition are asked for.
#[derive(Deserialize)]
pub(crate) struct WhichOffset {
    offset_type: Option<String>,
}

/// `GET ../partitions/{partition}/offset`: the first offset, and the one after the last.
///
/// `offset_type` is `earliest_and_latest`. 400 another one · 404 · 40402 · 40403.
pub(crate) async fn offset(
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    here: Here,
    Query(asked): Query<WhichOffset>,
) -> Answer<Json<Resource<Offsets>>> {
    let site = here.site().await?;
    if let Some(other) = asked.offset_type.filter(|kind| kind != EARLIEST_AND_LATEST) {
        let reason = format!("offset_type:{other} is invalid");
        return Err(ProxyError::BadRequest { reason }.into());
    }
    let found = topic_of(&site, &topic, partition).await?;
    let offsets = crate::http::offsets_of(site.broker(), &found, partition).await?;
    let fields = Offsets {
        topic_name: topic.to_string(),
        partition_id: partition,
        earliest_offset: offsets.first,
        latest_offset: offsets.end,
    };
    let id = partition.to_string();
    let url = site.url(&["topics", &topic, "partitions", &id, "offset"]);
    let name = ["topics", &topic, "partitions", &id, "offset_type", EARLIEST_AND_LATEST];
    Ok(Json(site.resource_at("KafkaPartitionWithOffsets", url, &name, fields)))
}

/// `GET ../partitions/{partition}/replicas`.
///
/// 404 · 40403.
pub(crate) async fn replicas(
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    here: Here,
) -> Answer<Json<List<Resource<Replica>>>> {
    let site = here.site().await?;
    let found = topic_of(&site, &topic, partition).await?;
    let found = existing(&site, &found, partition)?;
    let mut brokers = found.replicas.clone();
    brokers.sort_unstable();
    let replicas = brokers.into_iter().map(|b| (key(b), replica(&site, &topic, found, b)));
    let place = ["topics", &topic, "partitions", &partition.to_string(), "replicas"];
    Ok(Json(site.list("KafkaReplicaList", &place, replicas)))
}

/// `GET ../partitions/{partition}/replicas/{broker}`.
///
/// 404 · 40403.
pub(crate) async fn replica_on(
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    BrokerId(broker): BrokerId,
    here: Here,
) -> Answer<Json<Resource<Replica>>> {
    let site = here.site().await?;
    let found = topic_of(&site, &topic, partition).await?;
    let found = existing(&site, &found, partition)?;
    if !found.replicas.contains(&broker) {
        return Err(ProxyError::NotFound.into());
    }
    Ok(Json(replica(&site, &topic, found, broker)))
}

/// `GET ../topics/-/partitions/-/reassignment`: all that are under way, of topics that the caller may read.
///
/// 404.
pub(crate) async fn reassignments(
    caller: Caller,
    here: Here,
) -> Answer<Json<List<Resource<Reassignment>>>> {
    let site = here.site().await?;
    let mut found = site.kafka().reassignments(None).await.map_err(ProxyError::from)?;
    found.retain(|reassignment| sees_topic(&caller, &reassignment.partition.topic));
    Ok(Json(ongoing(&site, &["topics", "-", "partitions", "-", "reassignment"], found)))
}

/// `GET ../topics/{topic}/partitions/-/reassignment`: those of a topic that are under way.
///
/// 404 · 40403.
pub(crate) async fn reassignments_of_topic(
    topic: Topic<Read>,
    here: Here,
) -> Answer<Json<List<Resource<Reassignment>>>> {
    let site = here.site().await?;
    let partitions = site.kafka().topic(&topic, false).await.map_err(ProxyError::from)?.partitions;
    let partitions: Vec<i32> = partitions.into_keys().collect();
    let found =
        site.kafka().reassignments(Some((&topic, &partitions))).await.map_err(ProxyError::from)?;
    Ok(Json(ongoing(&site, &["topics", &topic, "partitions", "-", "reassignment"], found)))
}

/// `GET ../partitions/{partition}/reassignment`.
///
/// 404 none is under way, or there is no such partition.
pub(crate) async fn reassignment(
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    here: Here,
) -> Answer<Json<Resource<Reassignment>>> {
    let site = here.site().await?;
    let found =
        site.kafka().reassignments(Some((&topic, &[partition]))).await.map_err(ProxyError::from)?;
    let found = found.into_iter().next().ok_or(ProxyError::NotFound)?;
    Ok(Json(reassigned(&site, found)))
}

/// `POST ../partitions/{partition}/records:delete`: delete the records before an offset. Not
/// Confluent's.
///
/// Answers the first offset from then on. 40002 the offset is after the last · 40402 · 40403.
pub(crate) async fn delete_records(
    topic: Topic<Delete>,
    PartitionId(partition): PartitionId,
    here: Here,
    JsonBody(request): JsonBody<DeleteRecords>,
) -> Answer<Json<Resource<Deleted>>> {
    let site = here.site().await?;
    if request.before_offset < -1 {
        let reason = format!("before_offset:{} is invalid", request.before_offset);
        return Err(ProxyError::BadRequest { reason }.into());
    }
    let admin = site.kafka();
    let earliest = admin
        .delete_records(&topic, partition, request.before_offset)
        .await
        .map_err(ProxyError::from)?;
    let place = ["topics", &topic, "partitions", &partition.to_string()];
    let deleted = Deleted {
        topic_name: topic.to_string(),
        partition_id: partition,
        earliest_offset: earliest,
    };
    Ok(Json(site.resource("KafkaDeletedRecords", &place, deleted)))
}

/// The topic of a partition. 40403.
async fn topic_of(site: &Site, topic: &str, partition: i32) -> Result<Found, ProxyError> {
    let found = site.kafka().topic(topic, false).await;
    Ok(found.map_err(|fault| match fault.code {
        Code::UnknownTopicOrPartition => {
            let reason =
                format!("This server does not host topic-partition {partition} for topic {topic}");
            Fault::new(fault.code, reason)
        }
        _ => fault,
    })?)
}

/// 404.
fn existing<'a>(
    site: &Site,
    topic: &'a Found,
    partition: i32,
) -> Result<&'a PartitionInfo, ProxyError> {
    topic.partitions.get(&partition).ok_or_else(|| ProxyError::Missing {
        reason: format!(
            "Partition {partition} of topic {} could not be found on cluster {}.",
            topic.name,
            site.cluster()
        ),
    })
}

fn describe(site: &Site, topic: &str, found: &PartitionInfo) -> Resource<Partition> {
    let id = found.number.to_string();
    let place = ["topics", topic, "partitions", &id];
    let below = |rest: &[&str]| site.link(&[&place, rest].concat());
    let partition = Partition {
        topic_name: topic.to_string(),
        partition_id: found.number,
        leader: found.leader.map(|leader| below(&["replicas", &leader.to_string()])),
        replicas: below(&["replicas"]),
        reassignment: below(&["reassignment"]),
    };
    site.resource("KafkaPartition", &place, partition)
}

pub(super) fn replica(
    site: &Site,
    topic: &str,
    found: &PartitionInfo,
    broker: i32,
) -> Resource<Replica> {
    let (partition, id) = (found.number.to_string(), broker.to_string());
    let replica = Replica {
        topic_name: topic.to_string(),
        partition_id: found.number,
        broker_id: broker,
        is_leader: found.leader == Some(broker),
        is_in_sync: found.in_sync.contains(&broker),
        broker: site.link(&["brokers", &id]),
    };
    let place = ["topics", topic, "partitions", &partition, "replicas", &id];
    site.resource("KafkaReplica", &place, replica)
}

fn ongoing(site: &Site, place: &[&str], found: Vec<Ongoing>) -> List<Resource<Reassignment>> {
    let items = found.into_iter().map(|found| {
        let order = keys(&[&found.partition.topic, &key(found.partition.number)]);
        (order, reassigned(site, found))
    });
    site.list("KafkaReassignmentList", place, items)
}

fn reassigned(site: &Site, found: Ongoing) -> Resource<Reassignment> {
    let weir_kafka::Partition { topic, number } = &found.partition;
    let partition = number.to_string();
    let place = ["topics", topic, "partitions", &partition, "reassignment"];
    let replicas = ["topics", topic, "partitions", &partition, "replicas"];
    let reassignment = Reassignment {
        topic_name: topic.to_string(),
        partition_id: *number,
        adding_replicas: found.adding,
        removing_replicas: found.removing,
        replicas: site.link(&replicas),
    };
    site.resource("KafkaReassignment", &place, reassignment)
}
