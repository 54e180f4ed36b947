//! `/topics`. Source: Confluent TopicsResource, PartitionsResource, ProduceToTopicAction.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::negotiate::Produced;
use crate::Proxy;
use crate::broker::Partition;
use crate::error::{ProxyError, RETRY_AFTER_S};
use crate::format::Format;
use crate::http::answer::{Answer, Json, Refused};
use crate::http::json::parse;
use crate::http::request::{Bytes, Named, Params};
use crate::produce::{Prepared, ProduceResponse, Target};
use crate::producer::Acks;
use weir_http::Principal;

#[derive(Serialize)]
pub(crate) struct Topic {
    name: String,
    configs: BTreeMap<String, String>,
    partitions: Vec<Partition>,
}

/// `GET /topics`: names of topics, sorted, but those that Kafka keeps for itself.
///
/// 50003 Kafka does not answer.
pub(crate) async fn list(State(proxy): State<Proxy>) -> Answer<Json<Vec<String>>> {
    let topics = proxy.broker.cluster.topics(false).await?.into_iter();
    Ok(Json(topics.filter(|(_, topic)| !topic.is_internal).map(|(name, _)| name).collect()))
}

/// `GET /topics/{topic}`: a topic with its configuration and its partitions.
///
/// 40403.
pub(crate) async fn get(
    State(proxy): State<Proxy>,
    Named(topic): Named<String>,
) -> Answer<Json<Topic>> {
    let partitions = partitions_of(&proxy, &topic).await?;
    let configs = proxy.broker.topic_config(&topic).await?;
    Ok(Json(Topic { name: topic, configs, partitions }))
}

/// `GET /topics/{topic}/partitions`.
///
/// 40403.
pub(crate) async fn partitions(
    State(proxy): State<Proxy>,
    Named(topic): Named<String>,
) -> Answer<Json<Vec<Partition>>> {
    Ok(Json(partitions_of(&proxy, &topic).await?))
}

/// `GET /topics/{topic}/partitions/{partition}`.
///
/// 40402 · 40403.
pub(crate) async fn partition(
    State(proxy): State<Proxy>,
    Named((topic, partition)): Named<(String, i32)>,
) -> Answer<Json<Partition>> {
    Ok(Json(find(&proxy, &topic, partition).await?))
}

/// `GET /topics/{topic}/partitions/{partition}/offsets`: the first offset, and the one after the
/// last.
///
/// 40402 · 40403.
pub(crate) async fn offsets(
    State(proxy): State<Proxy>,
    Named((topic, partition)): Named<(String, i32)>,
) -> Answer<Json<Value>> {
    if find(&proxy, &topic, partition).await?.leader < 0 {
        let reason = "There is no leader for this topic-partition".to_string();
        return Err(ProxyError::Retriable { reason }.into());
    }
    let (beginning, end) = proxy.broker.offsets(&topic, partition).await?;
    Ok(Json(json!({"beginning_offset": beginning, "end_offset": end})))
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
    Named(topic): Named<String>,
    Produced(format): Produced,
    principal: Principal,
    params: Params,
    Bytes(body): Bytes,
) -> Answer<Response> {
    proxy.limits.produce(&principal, body.len())?;
    send(&proxy, &topic, None, format, &params, &body).await
}

/// `POST /topics/{topic}/partitions/{partition}`: produce records to a partition; a record's own
/// wins.
///
/// As `POST /topics/{topic}`.
pub(crate) async fn produce_to_partition(
    State(proxy): State<Proxy>,
    Named((topic, partition)): Named<(String, i32)>,
    Produced(format): Produced,
    principal: Principal,
    params: Params,
    Bytes(body): Bytes,
) -> Answer<Response> {
    proxy.limits.produce(&principal, body.len())?;
    send(&proxy, &topic, Some(partition), format, &params, &body).await
}

async fn send(
    proxy: &Proxy,
    topic: &str,
    partition: Option<i32>,
    format: Format,
    params: &Params,
    body: &[u8],
) -> Answer<Response> {
    let acks = params.get("acks").map(Acks::named).transpose()?;
    if matches!(body.trim_ascii(), b"" | b"null") {
        return Err(ProxyError::Invalid { reason: "must not be null".to_string() }.into());
    }
    let request = parse(body)?;
    let Prepared { records, key_schema_id, value_schema_id } =
        Prepared::new(Target::new(proxy, topic), partition, format, request).await?;
    let results = proxy.broker.producers.send(topic, records, acks).await?;
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
async fn partitions_of(proxy: &Proxy, topic: &str) -> Result<Vec<Partition>, Refused> {
    proxy.broker.partitions(topic).await.map_err(|error| match error {
        ProxyError::TopicNotFound => Refused::from(ProxyError::UnknownPartition {
            reason: "This server does not host this topic-partition.".to_string(),
        }),
        error => Refused::from(error),
    })
}

async fn find(proxy: &Proxy, topic: &str, partition: i32) -> Result<Partition, Refused> {
    let partitions = partitions_of(proxy, topic).await?;
    let found = partitions.into_iter().find(|p| p.partition == partition);
    found.ok_or(Refused::from(ProxyError::PartitionNotFound))
}
