//! `../consumer-groups/{group}/offsets:reset`: move a group that nobody is a member of. Not
//! Confluent's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_http::{Caller, Denied};
use weir_kafka::admin::{At, Isolation};
use weir_kafka::{Code, Fault, Partition};

use super::json_body::{JsonBody, Required};
use super::site::{Here, List, Resource, Site, key, keys};
use crate::error::ProxyError;
use crate::http::Object;
use crate::http::answer::{Answer, Json};
use crate::http::rights::{Configure, Group, Read, TopicInBody, sees_topic};

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
    topic_name: TopicInBody,
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
/// Without names of topics, those that the caller may read. Offsets outside a partition become its first or the one after its last. 400 not one way to say
/// where to · 40002 the group has members · 40301 also of any topic that is named · 404 · 40402 · 40403.
pub(crate) async fn reset(
    group: Group<Configure>,
    caller: Caller,
    here: Here,
    JsonBody(request): JsonBody<Reset>,
) -> Answer<Json<List<Resource<Moved>>>> {
    let topics = request.topics.map(|topics| permitted(topics, &caller)).transpose()?;
    let site = here.site().await?;
    let admin = site.kafka();
    // a group begins with its first offset
    if admin.group(&group).await.map_err(ProxyError::from)?.is_some_and(|found| !found.is_empty()) {
        let reason = format!("Consumer group {} has active members.", &*group);
        return Err(ProxyError::from(Fault::new(Code::NonEmptyGroup, reason)).into());
    }
    let mut committed = admin.committed(&group).await.map_err(ProxyError::from)?;
    committed.retain(|partition, _| sees_topic(&caller, &partition.topic));
    let places = places(&site, topics, &committed).await?;
    if places.is_empty() {
        let reason = "Consumer group offsets could not be found.".to_string();
        return Err(ProxyError::Missing { reason }.into());
    }
    let offsets = target(&site, &request.to.0, &places, &committed).await?;
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
            consumer_group_id: group.to_string(),
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

/// Topics and the partitions of each that are named.
type TopicsInBody = Vec<(String, Option<Vec<i32>>)>;

/// All of the topics, each of which the caller may read. 40301.
fn permitted(topics: Vec<Object<OfTopic>>, caller: &Caller) -> Result<TopicsInBody, Denied> {
    let of_topic = |Object(OfTopic { topic_name, partitions }): Object<OfTopic>| {
        Ok((topic_name.demand::<Read>(caller)?, partitions))
    };
    topics.into_iter().map(of_topic).collect()
}

async fn places(
    site: &Site,
    topics: Option<TopicsInBody>,
    committed: &Offsets,
) -> Result<Vec<Partition>, ProxyError> {
    let Some(topics) = topics else { return Ok(committed.keys().cloned().collect()) };
    let mut places = Vec::new();
    for (topic, partitions) in topics {
        let found = site.kafka().topic(&topic, false).await?;
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
    site: &Site,
    to: &To,
    places: &[Partition],
    committed: &Offsets,
) -> Result<Offsets, ProxyError> {
    let admin = site.kafka();
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
