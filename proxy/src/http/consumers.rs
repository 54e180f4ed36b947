//! `/consumers`. Source: Confluent ConsumersResource, KafkaConsumerManager.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rdkafka::message::{Message, OwnedMessage};
use serde::Serialize;
use serde_json::{Value, json};
use weir_serde::{FrameError, unframe};

use super::answer::{Answer, Bytes, Json, Nothing};
use super::bodies::{Object, Offsets, Partitions, Positions, Subscription, TopicPartition, Wanted};
use super::negotiate::Accepted;
use super::request::{Control, Named, ReadParams};
use crate::Proxy;
use crate::consumer::{ConsumerSpec, Instance, Position, close};
use crate::error::ProxyError;
use crate::format::{self, Format};
use crate::schemas::Schemas;

/// Bytes of keys and values in one answer, if nobody asks for fewer.
const READ_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long a read may wait at most.
const READ_TIMEOUT_MAX_MS: i64 = 300_000;

/// What stands in a URL as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

type InstancePath = Named<(String, String)>;

#[derive(Serialize)]
pub(super) struct Created {
    instance_id: String,
    base_uri: String,
}

#[derive(Serialize)]
pub(super) struct CommittedOffset {
    topic: String,
    partition: i32,
    offset: i64,
    metadata: String,
}

/// `POST /consumers/{group}`: make a consumer instance.
///
/// Answers `{"instance_id", "base_uri"}`. 400 · 40902 the name is taken · 422 no such format · 42204.
pub(super) async fn create(
    State(proxy): State<Proxy>,
    Named(group): Named<String>,
    headers: HeaderMap,
    body: Control,
) -> Answer<Json<Created>> {
    let spec = ConsumerSpec::new(&group, body.bytes())?;
    if proxy.instances.exists(&group, &spec.name) {
        return Err(ProxyError::ConsumerExists.into());
    }
    let name = spec.name.clone();
    proxy.instances.add(Instance::new(spec, proxy.broker.consumer())?)?;
    let host = headers.get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("localhost");
    let url = match &proxy.config.advertised_url {
        Some(url) => url.trim_end_matches('/').to_string(),
        None => format!("{}://{host}", proxy.config.scheme),
    };
    let encoded = |part: &str| utf8_percent_encode(part, UNRESERVED).to_string();
    let base_uri = format!("{url}/consumers/{}/instances/{}", encoded(&group), encoded(&name));
    Ok(Json(Created { instance_id: name, base_uri }))
}

/// `DELETE /consumers/{group}/instances/{instance}`: close it; it leaves its group.
///
/// 204. 40403.
pub(super) async fn delete(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
) -> Answer<Nothing> {
    close(proxy.instances.remove(&group, &name)?).await;
    Ok(Nothing)
}

/// `POST ..{instance}/subscription`: subscribe to topics, or to all that match a pattern.
///
/// 204. 40403 · 40903 partitions are assigned · 422 no body, or no pattern.
pub(super) async fn subscribe(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
    body: Control,
) -> Answer<Nothing> {
    let instance = proxy.instances.get(&group, &name)?;
    let subscription: Subscription = body.json()?;
    match subscription.wanted()? {
        Wanted::Topics(topics) if topics.is_empty() => instance.unsubscribe().await,
        Wanted::Topics(topics) => {
            let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
            instance.subscribe(&topics).await?;
        }
        Wanted::Pattern(pattern) => instance.subscribe(&[&pattern]).await?,
        Wanted::Nothing => {}
    }
    Ok(Nothing)
}

/// `GET ..{instance}/subscription`.
///
/// Answers `{"topics": [..]}`. 40403.
pub(super) async fn subscription(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
) -> Answer<Json<Value>> {
    let topics = proxy.instances.get(&group, &name)?.subscription()?;
    Ok(Json(json!({"topics": topics})))
}

/// `DELETE ..{instance}/subscription`.
///
/// 204. 40403.
pub(super) async fn unsubscribe(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
) -> Answer<Nothing> {
    proxy.instances.get(&group, &name)?.unsubscribe().await;
    Ok(Nothing)
}

/// `POST ..{instance}/assignments`: read these partitions, without the group.
///
/// 204. 40403 · 40903 topics are subscribed.
pub(super) async fn assign(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
    body: Control,
) -> Answer<Nothing> {
    let instance = proxy.instances.get(&group, &name)?;
    instance.assign(&body.json::<Partitions>()?.pairs()?).await?;
    Ok(Nothing)
}

/// `GET ..{instance}/assignments`: the partitions that the instance reads.
///
/// 40403.
pub(super) async fn assignments(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
) -> Answer<Json<Partitions>> {
    let assigned = proxy.instances.get(&group, &name)?.assignment()?;
    let partitions = assigned
        .into_iter()
        .map(|(topic, partition)| Object(TopicPartition { topic, partition }))
        .collect();
    Ok(Json(Partitions { partitions }))
}

/// `GET ..{instance}/records`: records, as soon as there are some.
///
/// `timeout` (ms), `max_bytes`. A record that is larger comes alone. 40403 · 40601 the instance has
/// another format · 40801 a record cannot be read; it stays the next.
pub(super) async fn records(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
    accepted: Accepted,
    params: ReadParams,
) -> Answer<Bytes> {
    let instance = proxy.instances.get(&group, &name)?;
    let spec = instance.spec();
    accepted.check(spec.format)?;
    let timeout = match params.timeout {
        Some(ms) if ms > 0 => Duration::from_millis(ms.min(READ_TIMEOUT_MAX_MS) as u64),
        _ => spec.request_timeout,
    };
    let max_bytes = match params.max_bytes {
        Some(bytes) if bytes > 0 => (bytes as usize).min(READ_BYTES_MAX),
        _ => READ_BYTES_MAX,
    };
    let records = instance.read(timeout, max_bytes).await?;
    let mut out = vec![b'['];
    let mut count = 0;
    for message in records.iter() {
        if count > 0 {
            out.push(b',');
        }
        let whole = out.len();
        if let Err(error) = write_record(&proxy.schemas, spec.format, message, &mut out).await {
            // what comes before it can be read; then it is the next
            if count == 0 {
                return Err(error.into());
            }
            out.truncate(whole - 1);
            break;
        }
        count += 1;
    }
    out.push(b']');
    records.read(count);
    Ok(Bytes(out, spec.format.media_type()))
}

/// `POST ..{instance}/offsets`: commit what was read, or the offsets of the body, each of which is
/// that of the last consumed record.
///
/// Answers `[]`. 40403.
pub(super) async fn commit(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
    body: Control,
) -> Answer<Json<Value>> {
    let instance = proxy.instances.get(&group, &name)?;
    let commits = match body.is_empty() {
        true => None,
        false => Some(body.json::<Offsets>()?.commits()?),
    };
    instance.commit(commits).await?;
    Ok(Json(json!([])))
}

/// `GET ..{instance}/offsets`, with a body: the committed offsets of partitions.
///
/// Partitions without one are left out. 40402 without a body · 40403.
pub(super) async fn committed(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
    body: Control,
) -> Answer<Json<Value>> {
    let instance = proxy.instances.get(&group, &name)?;
    if body.is_empty() {
        return Err(ProxyError::PartitionNotFound.into());
    }
    let found = instance.committed(&body.json::<Partitions>()?.pairs()?).await?;
    let offsets: Vec<CommittedOffset> = found
        .into_iter()
        .map(|(topic, partition, offset, metadata)| CommittedOffset {
            topic,
            partition,
            offset,
            metadata,
        })
        .collect();
    Ok(Json(json!({"offsets": offsets})))
}

/// `POST ..{instance}/positions`: go on reading at these offsets, or at the first records that are
/// not older than these timestamps.
///
/// 204. 40403 · 40903 a partition is not assigned.
pub(super) async fn seek(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
    body: Control,
) -> Answer<Nothing> {
    let instance = proxy.instances.get(&group, &name)?;
    instance.seek(body.json::<Positions>()?.places()?).await?;
    Ok(Nothing)
}

/// `POST ..{instance}/positions/beginning`: go on reading at the first records.
///
/// 204. 40403 · 40903 a partition is not assigned.
pub(super) async fn seek_to_beginning(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
    body: Control,
) -> Answer<Nothing> {
    seek_all(&proxy, &group, &name, &body, Position::Beginning).await
}

/// `POST ..{instance}/positions/end`: go on reading after the last records.
///
/// 204. 40403 · 40903 a partition is not assigned.
pub(super) async fn seek_to_end(
    State(proxy): State<Proxy>,
    Named((group, name)): InstancePath,
    body: Control,
) -> Answer<Nothing> {
    seek_all(&proxy, &group, &name, &body, Position::End).await
}

async fn seek_all(
    proxy: &Proxy,
    group: &str,
    name: &str,
    body: &Control,
    position: Position,
) -> Answer<Nothing> {
    let instance = proxy.instances.get(group, name)?;
    let partitions = body.json::<Partitions>()?.pairs()?;
    instance.seek(partitions.into_iter().map(|(t, p)| (t, p, position)).collect()).await?;
    Ok(Nothing)
}

async fn write_record(
    schemas: &Schemas,
    format: Format,
    message: &OwnedMessage,
    out: &mut Vec<u8>,
) -> Result<(), ProxyError> {
    let topic = serde_json::to_string(message.topic()).map_err(|_| ProxyError::Internal)?;
    out.extend_from_slice(format!("{{\"topic\":{topic},\"key\":").as_bytes());
    write_data(schemas, format, message.key(), out).await?;
    out.extend_from_slice(b",\"value\":");
    write_data(schemas, format, message.payload(), out).await?;
    let (partition, offset) = (message.partition(), message.offset());
    out.extend_from_slice(format!(",\"partition\":{partition},\"offset\":{offset}}}").as_bytes());
    Ok(())
}

async fn write_data(
    schemas: &Schemas,
    format: Format,
    data: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), ProxyError> {
    let Some(data) = data else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    match format {
        Format::Binary => format::to_base64(data, out),
        Format::Json => format::to_json(data, out)?,
        Format::Schema(language) => {
            let unreadable = |e: FrameError| ProxyError::Unreadable { reason: e.to_string() };
            let (id, data) = unframe(data).map_err(unreadable)?;
            schemas.of_record(language, id).await?.to_json(data, out)?;
        }
    }
    Ok(())
}
