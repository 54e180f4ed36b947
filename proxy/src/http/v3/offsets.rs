//! `../consumer-groups/{group}/offsets:reset`: move a group that nobody is a member of. Not
//! Confluent's.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use weir_kafka::admin::{At, Isolation};
use weir_kafka::{Code, Fault, Partition};

use super::json_body::{JsonBody, Required};
use super::site::{Here, List, Resource, key, keys};
use crate::Proxy;
use crate::error::ProxyError;
use crate::http::Object;
use crate::http::answer::{Answer, Json};
use crate::http::request::Named;

/// Where to, and which partitions: those named, or all of the topics named, or all that the group
/// has committed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    to: Object<To>,
    #[serde(default)]
    topics: Option<Vec<Object<OfTopic>>>,
    /// Says what would be.
    #[serde(default)]
    validate_only: Option<bool>,
}

impl Required for Reset {}

/// One of its fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct To {
    #[serde(default)]
    position: Option<Position>,
    #[serde(default)]
    offset: Option<i64>,
    #[serde(default)]
    timestamp: Option<jiff::Timestamp>,
    /// From the committed offset, forth or back.
    #[serde(default)]
    shift: Option<i64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Position {
    Earliest,
    Latest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfTopic {
    topic_name: String,
    #[serde(default)]
    partitions: Option<Vec<i32>>,
}

#[derive(Serialize)]
pub(crate) struct Moved {
    consumer_group_id: String,
    topic_name: String,
    partition_id: i32,
    /// Null if none was committed.
    previous_offset: Option<i64>,
    offset: i64,
}

type Offsets = BTreeMap<Partition, i64>;

/// `POST ../offsets:reset`.
///
/// Offsets outside a partition become its first or the one after its last. 400 not one way to say
/// where to · 40002 the group has members · 404 · 40402 · 40403.
pub(crate) async fn reset(
    State(proxy): State<Proxy>,
    Named((cluster, group)): Named<(String, String)>,
    here: Here,
    JsonBody(request): JsonBody<Reset>,
) -> Answer<Json<List<Resource<Moved>>>> {
    let site = here.cluster(&proxy, &cluster).await?;
    let admin = &proxy.broker.cluster;
    // a group begins with its first offset
    if admin.group(&group).await.map_err(ProxyError::from)?.is_some_and(|found| !found.is_empty()) {
        let reason = format!("Consumer group {group} has active members.");
        return Err(ProxyError::from(Fault::new(Code::NonEmptyGroup, reason)).into());
    }
    let committed = admin.committed(&group).await.map_err(ProxyError::from)?;
    let places = places(&proxy, request.topics, &committed).await?;
    if places.is_empty() {
        let reason = "Consumer group offsets could not be found.".to_string();
        return Err(ProxyError::Missing { reason }.into());
    }
    let offsets = target(&proxy, &request.to.0, &places, &committed).await?;
    if !request.validate_only.unwrap_or(false) {
        admin.commit(&group, &offsets).await.map_err(ProxyError::from)?;
    }
    let moved = offsets.into_iter().map(|(partition, offset)| {
        let previous_offset = committed.get(&partition).copied();
        let Partition { topic, number: partition } = partition;
        let number = partition.to_string();
        let order = keys(&[&topic, &key(partition)]);
        let place = ["consumer-groups", &group, "lags", &topic, "partitions", &number];
        let fields = Moved {
            consumer_group_id: group.clone(),
            topic_name: topic.to_string(),
            partition_id: partition,
            previous_offset,
            offset,
        };
        (order, site.resource("KafkaConsumerOffset", &place, fields))
    });
    let url = format!("{}:reset", site.url(&["consumer-groups", &group, "offsets"]));
    Ok(Json(site.list_at("KafkaConsumerOffsetList", url, moved)))
}

async fn places(
    proxy: &Proxy,
    topics: Option<Vec<Object<OfTopic>>>,
    committed: &Offsets,
) -> Result<Vec<Partition>, ProxyError> {
    let Some(topics) = topics else { return Ok(committed.keys().cloned().collect()) };
    let mut places = Vec::new();
    for Object(OfTopic { topic_name, partitions }) in topics {
        let found = proxy.broker.cluster.topic(&topic_name, false).await?;
        let partitions = partitions.unwrap_or_else(|| found.partitions.keys().copied().collect());
        for partition in partitions {
            found.partition(partition)?;
            places.push(Partition::new(found.name.clone(), partition));
        }
    }
    places.sort();
    places.dedup();
    Ok(places)
}

async fn target(
    proxy: &Proxy,
    to: &To,
    places: &[Partition],
    committed: &Offsets,
) -> Result<Offsets, ProxyError> {
    let admin = &proxy.broker.cluster;
    let at = |at| admin.offsets_at(places, at, Isolation::ReadUncommitted);
    match to {
        To { position: Some(Position::Earliest), offset: None, timestamp: None, shift: None } => {
            Ok(at(At::Earliest).await?)
        }
        To { position: Some(Position::Latest), offset: None, timestamp: None, shift: None } => {
            Ok(at(At::Latest).await?)
        }
        To { position: None, offset: None, timestamp: Some(time), shift: None } => {
            Ok(at(At::Time(time.as_millisecond().max(0))).await?)
        }
        To { position: None, offset: Some(offset), timestamp: None, shift: None } => {
            let offset = *offset;
            within(at(At::Earliest).await?, &at(At::Latest).await?, |_, _| offset)
        }
        To { position: None, offset: None, timestamp: None, shift: Some(shift) } => {
            within(at(At::Earliest).await?, &at(At::Latest).await?, |place, first| {
                committed.get(place).copied().unwrap_or(first).saturating_add(*shift)
            })
        }
        _ => Err(ProxyError::BadRequest {
            reason: "to: one of position, offset, timestamp and shift".to_string(),
        }),
    }
}

/// Offsets that are between the first and the one after the last.
fn within(
    first: Offsets,
    end: &Offsets,
    wanted: impl Fn(&Partition, i64) -> i64,
) -> Result<Offsets, ProxyError> {
    let clamped = first.into_iter().map(|(place, first)| {
        let end = end.get(&place).copied().unwrap_or(first).max(first);
        let offset = wanted(&place, first).clamp(first, end);
        (place, offset)
    });
    Ok(clamped.collect())
}
