//! `/topics`. Source: Confluent TopicsResource, PartitionsResource, ProduceToTopicAction.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use weir_http::{Caller, Principal};
use weir_kafka::admin::{ConfigResource, PartitionInfo, Topic as Found};
use weir_kafka::{Code, TopicName};

use super::negotiate::Produced;
use crate::Proxy;
use crate::broker::Broker;
use crate::counts::Channel;
use crate::error::{ProxyError, RETRY_AFTER_S};
use crate::format::Format;
use crate::http::answer::{Answer, Json, Refused};
use crate::http::json::parse;
use crate::http::request::{Acknowledged, Bytes, PartitionId, Query};
use crate::http::rights::{Read, Topic, Write, sees_topic};
use crate::produce::{Prepared, ProduceResponse, Target};

#[derive(Serialize)]
pub(crate) struct TopicFields {
    name: String,
    configs: BTreeMap<String, String>,
    partitions: Vec<Partition>,
}

#[derive(Serialize)]
pub(crate) struct Partition {
    partition: i32,
    /// -1 if there is none.
    leader: i32,
    replicas: Vec<Replica>,
}

#[derive(Serialize)]
struct Replica {
    broker: i32,
    leader: bool,
    in_sync: bool,
}

/// `GET /topics`: names of topics that the caller may read, sorted, but those that Kafka keeps for itself.
///
/// 50003 Kafka does not answer.
pub(crate) async fn list(State(proxy): State<Proxy>, caller: Caller) -> Answer<Json<Vec<String>>> {
    let mut topics = proxy.brokers.of(&caller).topics().await?;
    topics.retain(|topic| sees_topic(&caller, topic));
    Ok(Json(topics))
}

/// `GET /topics/{topic}`: a topic with its configuration and its partitions.
///
/// 40403.
pub(crate) async fn get(
    State(proxy): State<Proxy>,
    topic: Topic<Read>,
    caller: Caller,
) -> Answer<Json<TopicFields>> {
    let broker = proxy.brokers.of(&caller);
    let found = found(broker, &topic).await?;
    let configs = configs_of(broker, &topic).await?;
    Ok(Json(TopicFields { name: topic.to_string(), configs, partitions: partitions_of(found) }))
}

/// `GET /topics/{topic}/partitions`.
///
/// 40403.
pub(crate) async fn partitions(
    State(proxy): State<Proxy>,
    topic: Topic<Read>,
    caller: Caller,
) -> Answer<Json<Vec<Partition>>> {
    Ok(Json(partitions_of(found(proxy.brokers.of(&caller), &topic).await?)))
}

/// `GET /topics/{topic}/partitions/{partition}`.
///
/// 40402 · 40403.
pub(crate) async fn partition(
    State(proxy): State<Proxy>,
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    caller: Caller,
) -> Answer<Json<Partition>> {
    let found = found(proxy.brokers.of(&caller), &topic).await?;
    Ok(Json(Partition::of(found.partition(partition).map_err(ProxyError::from)?)))
}

/// `GET /topics/{topic}/partitions/{partition}/offsets`: the first offset, and the one after the
/// last.
///
/// 40402 · 40403.
pub(crate) async fn offsets(
    State(proxy): State<Proxy>,
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    caller: Caller,
) -> Answer<Json<Value>> {
    let broker = proxy.brokers.of(&caller);
    let found = found(broker, &topic).await?;
    let offsets = crate::http::offsets_of(broker, &found, partition).await?;
    Ok(Json(json!({"beginning_offset": offsets.first, "end_offset": offsets.end})))
}

/// `POST /topics/{topic}`: produce records.
///
/// `acks` (0, 1, all): who has to have a record before it is answered.
/// Answers 200 with an entry for each record, failed ones too: 50003 not sent, worth another try · 50004 it
/// may be written or not · 50002 refused. `Retry-After` where another try may help.
/// 400 a record does not fit its format or schema · 406 · 413 · 415 · 422 no records, or a field that
/// there is not · 42201 · 42202 no schema · 42205 · 42207 the registry · 429.
pub(crate) async fn produce(
    State(proxy): State<Proxy>,
    topic: Topic<Write>,
    producing: Producing,
    Query(asked): Query<Acknowledged>,
    Bytes(body): Bytes,
) -> Answer<Response> {
    send(&proxy, &producing, &topic, None, &asked, &body).await
}

/// `POST /topics/{topic}/partitions/{partition}`: produce records to a partition; a record's own
/// wins.
///
/// Answers as `POST /topics/{topic}`.
pub(crate) async fn produce_to_partition(
    State(proxy): State<Proxy>,
    topic: Topic<Write>,
    PartitionId(partition): PartitionId,
    producing: Producing,
    Query(asked): Query<Acknowledged>,
    Bytes(body): Bytes,
) -> Answer<Response> {
    send(&proxy, &producing, &topic, Some(partition), &asked, &body).await
}

/// Who produces, and how keys and values stand in the body. 406 · 415.
pub(crate) struct Producing {
    caller: Caller,
    principal: Principal,
    format: Format,
}

impl FromRequestParts<Proxy> for Producing {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, proxy: &Proxy) -> Result<Self, Refused> {
        let Produced(format) = Produced::from_request_parts(parts, proxy).await?;
        let (caller, principal) = (Caller::of(&parts.extensions), Principal::of(&parts.extensions));
        Ok(Producing { caller, principal, format })
    }
}

/// Sends the records of a body; those that name no partition go to the one that is given, if any is.
async fn send(
    proxy: &Proxy,
    Producing { caller, principal, format }: &Producing,
    topic: &str,
    partition: Option<i32>,
    asked: &Acknowledged,
    body: &[u8],
) -> Answer<Response> {
    proxy.limits.produce(principal, body.len())?;
    let schemas = proxy.schemas.of(caller);
    let target = Target { topic, schemas: &schemas, unknown_fields: proxy.unknown_fields() };
    let acks = asked.by()?;
    if matches!(body.trim_ascii(), b"" | b"null") {
        return Err(ProxyError::Invalid { reason: "must not be null".to_string() }.into());
    }
    let request = parse(body)?;
    let Prepared { records, key_schema_id, value_schema_id } =
        Prepared::new(target, partition, *format, request).await?;
    let producers = &proxy.brokers.of(caller).producers;
    let results = producers.send(topic, records, acks, Channel::v2(*format)).await?;
    let response = ProduceResponse::new(key_schema_id, value_schema_id, results);
    let status = StatusCode::from_u16(response.status()).map_err(|_| ProxyError::Internal)?;
    let is_worth_another_try = response.is_worth_another_try();
    let mut response = (status, Json(response)).into_response();
    if is_worth_another_try {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S.into());
    }
    Ok(response)
}

/// 40403.
async fn found(broker: &Broker, topic: &str) -> Result<Found, ProxyError> {
    // v3 leaves it to Kafka to say that no topic can be called so
    let name = TopicName::parse(topic).map_err(|_| Code::UnknownTopicOrPartition)?;
    Ok(broker.cluster.topic(&name, false).await?)
}

/// The configuration of a topic; empty where the broker cannot say it.
async fn configs_of(broker: &Broker, topic: &str) -> Result<BTreeMap<String, String>, ProxyError> {
    let resource = ConfigResource::Topic(topic.to_string());
    match broker.cluster.configs_of(resource, None).await {
        Ok(found) => Ok(found.into_iter().filter_map(|c| Some((c.name, c.value?))).collect()),
        Err(fault) if fault.code == Code::UnsupportedRequest => Ok(BTreeMap::new()),
        Err(fault) => Err(fault.into()),
    }
}

fn partitions_of(topic: Found) -> Vec<Partition> {
    topic.partitions.values().map(Partition::of).collect()
}

impl Partition {
    fn of(found: &PartitionInfo) -> Partition {
        let replica = |broker: &i32| Replica {
            broker: *broker,
            leader: found.leader == Some(*broker),
            in_sync: found.in_sync.contains(broker),
        };
        Partition {
            partition: found.number,
            leader: found.leader.unwrap_or(-1),
            replicas: found.replicas.iter().map(replica).collect(),
        }
    }
}
