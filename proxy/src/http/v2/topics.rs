//! `/topics`. Source: Confluent TopicsResource, PartitionsResource, ProduceToTopicAction.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::negotiate::Produced;
use crate::Proxy;
use crate::broker::Partition;
use crate::error::ProxyError;
use crate::format::Format;
use crate::http::answer::{Answer, Json, Refused};
use crate::http::request::{Bytes, Named, Params, parse};
use crate::limits::Principal;
use crate::produce::{Prepared, ProduceResponse};
use crate::producer::Acks;

#[derive(Serialize)]
pub(crate) struct Topic {
    name: String,
    configs: BTreeMap<String, String>,
    partitions: Vec<Partition>,
}

/// `GET /topics`: names of topics, sorted.
///
/// 50003 Kafka does not answer.
pub(crate) async fn list(State(proxy): State<Proxy>) -> Answer<Json<Vec<String>>> {
    Ok(Json(proxy.broker.topics().await?))
}

/// `GET /topics/{topic}`: a topic with its configuration and its partitions.
///
/// 40401.
pub(crate) async fn get(
    State(proxy): State<Proxy>,
    Named(topic): Named<String>,
) -> Answer<Json<Topic>> {
    let partitions = proxy.broker.partitions(&topic).await?;
    let configs = proxy.broker.topic_config(&topic).await?;
    Ok(Json(Topic { name: topic, configs, partitions }))
}

/// `GET /topics/{topic}/partitions`.
///
/// 40401.
pub(crate) async fn partitions(
    State(proxy): State<Proxy>,
    Named(topic): Named<String>,
) -> Answer<Json<Vec<Partition>>> {
    Ok(Json(proxy.broker.partitions(&topic).await?))
}

/// `GET /topics/{topic}/partitions/{partition}`.
///
/// 40401 · 40402.
pub(crate) async fn partition(
    State(proxy): State<Proxy>,
    Named((topic, partition)): Named<(String, i32)>,
) -> Answer<Json<Partition>> {
    Ok(Json(find(&proxy, &topic, partition).await?))
}

/// `GET /topics/{topic}/partitions/{partition}/offsets`: the first offset, and the one after the
/// last.
///
/// 40401 · 40402.
pub(crate) async fn offsets(
    State(proxy): State<Proxy>,
    Named((topic, partition)): Named<(String, i32)>,
) -> Answer<Json<Value>> {
    find(&proxy, &topic, partition).await?;
    let (beginning, end) = proxy.broker.offsets(&topic, partition).await?;
    Ok(Json(json!({"beginning_offset": beginning, "end_offset": end})))
}

/// `POST /topics/{topic}`: produce records.
///
/// `acks` (0, 1, all): who has to have a record before it is answered.
/// Answers 200 with an entry for each record, failed ones too: 50003 worth another try · 50002 not.
/// 400 a record does not fit its format or schema · 406 · 413 · 415 · 422 no records · 42201 ·
/// 42202 no schema · 42205 · 42207 the registry · 429.
pub(crate) async fn produce(
    State(proxy): State<Proxy>,
    Named(topic): Named<String>,
    Produced(format): Produced,
    principal: Principal,
    params: Params,
    Bytes(body): Bytes,
) -> Answer<(StatusCode, Json<ProduceResponse>)> {
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
) -> Answer<(StatusCode, Json<ProduceResponse>)> {
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
) -> Answer<(StatusCode, Json<ProduceResponse>)> {
    let acks = params.get("acks").map(Acks::named).transpose()?;
    let request = parse(body)?;
    let Prepared { records, key_schema_id, value_schema_id } =
        Prepared::new(&proxy.schemas, topic, partition, format, request).await?;
    let results = proxy.broker.producers.send(topic, records, acks).await?;
    let response = ProduceResponse::new(key_schema_id, value_schema_id, results);
    let status = StatusCode::from_u16(response.status()).map_err(|_| ProxyError::Internal)?;
    Ok((status, Json(response)))
}

async fn find(proxy: &Proxy, topic: &str, partition: i32) -> Result<Partition, Refused> {
    let partitions = proxy.broker.partitions(topic).await?;
    let found = partitions.into_iter().find(|p| p.partition == partition);
    found.ok_or(Refused(ProxyError::PartitionNotFound))
}
