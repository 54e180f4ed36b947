//! `/consumers`. Source: Confluent ConsumersResource, KafkaConsumerManager.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::HeaderName;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir_http::Caller;
use weir_http::query::number_unless_empty;
use weir_kafka::{Code, Fault};

use super::bodies::{Offsets, Partitions, Positions, Subscription, Wanted, checked_places};
use super::control::Control;
use super::negotiate::Accepted;
use super::own_instance::{Maker, OwnInstance};
use crate::Proxy;
use crate::consumer::{
    ConsumerSpec, Instance, MIN_BYTES, MIN_BYTES_DISABLED, MakerOfInstance, Outlook, Position,
    Records, TopicPartition, close, size,
};
use crate::counts::Channel;
use crate::error::ProxyError;
use crate::http::answer::{Answer, Bytes, Json, Nothing};
use crate::http::encoded;
use crate::http::request::{BaseUrl, Ordered, Query};
use crate::http::rights::{Group, Read, Standing, TopicInBody, sees_group, sees_topic};
use crate::record::{Unwritten, Writer};
use crate::steps::FETCH;

/// Bytes of keys and values in one answer, if nobody asks for fewer.
const READ_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes that are taken from librdkafka before somebody asks.
const PREFETCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Room for what stands around a few records.
const ANSWER_BYTES: usize = 1024;

/// How long a read may wait at most.
const READ_TIMEOUT_MAX_MS: i64 = 300_000;

/// Says what keeps records from coming.
const KEPT_AWAY: HeaderName = HeaderName::from_static("weir-kafka");

#[derive(Serialize)]
pub(crate) struct Created {
    instance_id: String,
    base_uri: String,
}

/// Answer to `GET ..assignments`.
#[derive(Serialize)]
pub(crate) struct Assignment {
    partitions: Vec<AssignedPartition>,
}

#[derive(Serialize)]
struct AssignedPartition {
    topic: String,
    partition: i32,
}

#[derive(Serialize)]
pub(crate) struct CommittedOffset {
    topic: String,
    partition: i32,
    offset: i64,
    metadata: String,
}

/// `POST /consumers/{group}`: make a consumer instance.
///
/// It is its maker's: to others it is not there. Answers `{"instance_id", "base_uri"}`. 400 · 40902 the name is taken ·
/// 422 no such format · 42204 · 429 the caller has as many as it may have.
pub(crate) async fn create(
    State(proxy): State<Proxy>,
    group: Group<Read>,
    Maker(principal): Maker,
    caller: Caller,
    BaseUrl(url): BaseUrl,
    body: Control,
) -> Answer<Json<Created>> {
    let min_bytes = if proxy.config.confluent_quirks { MIN_BYTES_DISABLED } else { MIN_BYTES };
    let spec = ConsumerSpec::new(&group, body.bytes(), min_bytes)?;
    let name = spec.name.clone();
    let instance = Instance::new(spec, proxy.brokers.of(&caller).clone(), caller.clone());
    let instances_max = caller.quotas().consumer_instances;
    let maker = MakerOfInstance { principal, instances_max };
    proxy.instances.add(instance, maker, proxy.config.consumer_instance_timeout)?;
    let base_uri = format!("{url}/consumers/{}/instances/{}", encoded(&group), encoded(&name));
    Ok(Json(Created { instance_id: name, base_uri }))
}

/// `DELETE /consumers/{group}/instances/{instance}`: close it; it leaves its group.
///
/// 204. 40403.
pub(crate) async fn delete(State(proxy): State<Proxy>, own: OwnInstance) -> Answer<Nothing> {
    close(own.end(&proxy)?).await;
    Ok(Nothing)
}

/// `POST ..{instance}/subscription`: subscribe to topics, or to all that match a pattern.
///
/// Of the topics that match a pattern, those that the caller may read count. 204. 40301 of any topic · 40403 · 40903
/// partitions are assigned · 422 no body, or no pattern.
pub(crate) async fn subscribe(
    State(proxy): State<Proxy>,
    own: OwnInstance,
    body: Control,
) -> Answer<Nothing> {
    let session = own.session(&proxy)?;
    let instance = session.instance();
    let subscription: Subscription = body.json()?;
    match subscription.wanted(own.caller())? {
        Wanted::Topics(topics) if topics.is_empty() => instance.unsubscribe().await?,
        Wanted::Topics(topics) => instance.subscribe(topics).await?,
        Wanted::Pattern(pattern) => instance.subscribe_pattern(pattern).await?,
        Wanted::Nothing => {}
    }
    Ok(Nothing)
}

/// `GET ..{instance}/subscription`.
///
/// Answers `{"topics": [..]}`: those that the caller may read still. 40403.
pub(crate) async fn subscription(
    State(proxy): State<Proxy>,
    own: OwnInstance,
) -> Answer<Json<Value>> {
    let mut topics = own.session(&proxy)?.instance().subscription().await?;
    topics.retain(|topic| sees_topic(own.caller(), topic));
    Ok(Json(json!({"topics": topics})))
}

/// `DELETE ..{instance}/subscription`.
///
/// 204. 40403.
pub(crate) async fn unsubscribe(State(proxy): State<Proxy>, own: OwnInstance) -> Answer<Nothing> {
    own.session(&proxy)?.instance().unsubscribe().await?;
    Ok(Nothing)
}

/// `POST ..{instance}/assignments`: read these partitions, without the group.
///
/// 204. 40301 of any topic · 40403 · 40903 topics are subscribed.
pub(crate) async fn assign(
    State(proxy): State<Proxy>,
    own: OwnInstance,
    body: Control,
) -> Answer<Nothing> {
    let session = own.session(&proxy)?;
    session.instance().assign(named(&body, own.caller())?).await?;
    Ok(Nothing)
}

/// `GET ..{instance}/assignments`: the partitions that the instance reads, of topics that the caller may read still.
///
/// 40403.
pub(crate) async fn assignments(
    State(proxy): State<Proxy>,
    own: OwnInstance,
) -> Answer<Json<Assignment>> {
    let assigned = own.session(&proxy)?.instance().assignment().await?;
    let seen = assigned.into_iter().filter(|partition| sees_topic(own.caller(), &partition.topic));
    let seen =
        seen.map(|TopicPartition { topic, partition }| AssignedPartition { topic, partition });
    Ok(Json(Assignment { partitions: seen.collect() }))
}

/// How long a read may take, and how much it may bring.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReadLimits {
    #[serde(deserialize_with = "number_unless_empty")]
    timeout: Option<i64>,
    #[serde(deserialize_with = "number_unless_empty")]
    max_bytes: Option<i64>,
}

/// `GET ..{instance}/records`: records, as soon as there are some.
///
/// `timeout` (ms) and `max_bytes`; what is not positive means the default. A record that is larger
/// comes alone. One that cannot be read in the instance's format has an `error` instead of its data.
/// An answer without records says by `Weir-Kafka` what keeps them from coming: `joining` its group, or
/// `unreachable` leaders of some partitions. 401 the caller's login ends while the read waits · 40301 the caller may not read a
/// topic any more · 40403 · 40601 the instance has another format · 40801 a record's
/// schema cannot be had now; the record stays the next · 50301 · 50302 no broker can be reached.
pub(crate) async fn records(
    State(proxy): State<Proxy>,
    own: OwnInstance,
    accepted: Accepted,
    Query(asked): Query<ReadLimits>,
) -> Answer<Response> {
    let session = own.session(&proxy)?;
    let spec = session.instance().spec();
    accepted.check(spec.format)?;
    let _read = session.begin_read();
    let quirks = proxy.config.confluent_quirks;
    let timeout = match asked.timeout {
        Some(ms) if ms > 0 => {
            let asked = Duration::from_millis(ms.min(READ_TIMEOUT_MAX_MS) as u64);
            if quirks { asked.min(spec.request_timeout) } else { asked }
        }
        _ => spec.request_timeout,
    };
    let max_bytes = match asked.max_bytes {
        Some(bytes) if bytes > 0 => (bytes as usize).min(READ_BYTES_MAX),
        _ => READ_BYTES_MAX,
    };
    let caller = own.caller();
    session.instance().demand_topics(caller)?;
    let schemas = proxy.schemas.of(caller);
    let writer = Writer {
        schemas: &schemas,
        key_format: spec.key_format,
        value_format: spec.value_format,
        decimals: spec.decimals,
        as_reference: quirks,
    };
    let standing = Standing::new(caller, |caller| {
        sees_group(caller, &spec.group) && session.instance().may_read_for(caller)
    });
    let reading = standing.wait(session.instance().read(timeout, max_bytes));
    let reading = weir_trace::wait(FETCH, reading)
        .attribute("messaging.system", || "kafka")
        .attribute("messaging.consumer.group.name", || &*spec.group);
    let records = reading.await?;
    records.demand_topics(caller)?;
    let (out, count) = rendered(&writer, &records).await?;
    let kept_away = match records.outlook() {
        Outlook::Unreachable { reason } if !quirks => {
            let reason = format!("No broker can be reached, and nothing was read: {reason}");
            return Err(ProxyError::from(Fault::new(Code::BrokerNotAvailable, reason)).into());
        }
        Outlook::Unreachable { .. } | Outlook::PartlyUnreachable => Some("unreachable"),
        Outlook::Joining => Some("joining"),
        Outlook::Clear => None,
    };
    let bytes: usize = records.iter().take(count).map(size).sum();
    proxy.consumed.count(Channel::v2(spec.value_format), count as u64, bytes as u64);
    let is_full = records.is_full();
    records.read(count);
    if is_full {
        // more is there: it is taken from librdkafka while the answer is on its way
        let (session, bytes) = (session.clone(), max_bytes.min(PREFETCH_BYTES_MAX));
        tokio::spawn(async move { session.instance().prefetch(bytes) });
    }
    let mut response = Bytes(out, spec.format.media_type()).into_response();
    if let Some(why) = kept_away {
        response.headers_mut().insert(KEPT_AWAY, HeaderValue::from_static(why));
    }
    Ok(response)
}

/// An array of the first records, and how many they are: those before one that cannot be written. 40801 that is the
/// first.
async fn rendered(
    writer: &Writer<'_>,
    records: &Records<'_>,
) -> Result<(Vec<u8>, usize), ProxyError> {
    // base64 is a third longer
    let mut out = Vec::with_capacity(records.bytes() * 2 + ANSWER_BYTES);
    out.push(b'[');
    let mut count = 0;
    for message in records.iter() {
        if count > 0 {
            out.push(b',');
        }
        match writer.write(message, &mut out).await {
            Ok(()) => {}
            // what comes before it can be read; then it is the next
            Err(_) if count > 0 => {
                out.pop();
                break;
            }
            Err(Unwritten::Poison(error) | Unwritten::NotNow(error)) => return Err(error),
        }
        count += 1;
    }
    out.push(b']');
    Ok((out, count))
}

/// `POST ..{instance}/offsets`: commit what was read, or the offsets of the body, each of which is
/// that of the last consumed record.
///
/// Answers `[]`. 40301 of any topic · 40403.
pub(crate) async fn commit(
    State(proxy): State<Proxy>,
    own: OwnInstance,
    body: Control,
) -> Answer<Json<Value>> {
    let session = own.session(&proxy)?;
    let commits = match body.is_empty() {
        true => None,
        false => Some(body.json::<Offsets>()?.commits(own.caller())?),
    };
    let offsets = commits.map(|commits| commits.into_iter().map(|(p, c)| (p.into(), c)).collect());
    session.instance().commit(offsets).await?;
    Ok(Json(json!([])))
}

/// `GET ..{instance}/offsets`: the committed offsets of partitions, which a body names, or
/// parameters: `topic`, each followed by its `partition`s, or by none for all that it has.
///
/// Partitions without one are left out. 40301 of any topic · 40401 · 40402 nothing is named · 40403.
pub(crate) async fn committed(
    State(proxy): State<Proxy>,
    own: OwnInstance,
    parameters: Ordered,
    body: Control,
) -> Answer<Json<Value>> {
    let session = own.session(&proxy)?;
    let partitions = match body.is_empty() {
        true => places(&proxy, &parameters, own.caller()).await?,
        false => named(&body, own.caller())?,
    };
    if body.is_empty() && partitions.is_empty() {
        return Err(ProxyError::PartitionNotFound.into());
    }
    let found = session.instance().committed(&partitions).await?;
    let offsets: Vec<CommittedOffset> = found
        .into_iter()
        .map(|committed| CommittedOffset {
            topic: committed.partition.topic,
            partition: committed.partition.partition,
            offset: committed.offset,
            metadata: committed.metadata,
        })
        .collect();
    Ok(Json(json!({"offsets": offsets})))
}

/// The partitions that a body names, each once. 40301 of any topic · 422.
fn named(body: &Control, caller: &Caller) -> Result<Vec<TopicPartition>, ProxyError> {
    Ok(body.json::<Partitions>()?.pairs(caller)?.into_iter().map(TopicPartition::from).collect())
}

/// The partitions that parameters name. 40301 of any topic · 40401 · 422.
async fn places(
    proxy: &Proxy,
    parameters: &Ordered,
    caller: &Caller,
) -> Result<Vec<TopicPartition>, ProxyError> {
    let mut topics: Vec<(String, Vec<i32>)> = Vec::new();
    for (name, value) in &parameters.0 {
        match (name.as_str(), topics.last_mut()) {
            ("topic", _) => {
                let topic = TopicInBody::new(value).demand::<Read>(caller)?;
                topics.push((topic, Vec::new()));
            }
            ("partition", Some((_, partitions))) => {
                partitions.push(value.parse().map_err(|_| ProxyError::NotFound)?);
            }
            ("partition", None) => {
                let reason = "a partition stands behind its topic".to_string();
                return Err(ProxyError::Invalid { reason });
            }
            _ => {}
        }
    }
    let mut places = Vec::new();
    for (topic, mut partitions) in topics {
        if partitions.is_empty() {
            let all = proxy.brokers.of(caller).partitions(&topic).await?;
            partitions = all.iter().map(|p| p.number).collect();
        }
        let partitions = partitions.into_iter().map(|partition| (topic.clone(), partition));
        places.extend(checked_places(partitions)?.into_iter().map(TopicPartition::from));
    }
    Ok(places)
}

/// `POST ..{instance}/positions`: go on reading at these offsets, or at the first records that are
/// not older than these timestamps.
///
/// 204. 40301 of any topic · 40403 · 40903 a partition is not assigned.
pub(crate) async fn seek(
    State(proxy): State<Proxy>,
    own: OwnInstance,
    body: Control,
) -> Answer<Nothing> {
    let session = own.session(&proxy)?;
    let places = body.json::<Positions>()?.places(own.caller())?;
    let to = places.into_iter().map(|(topic, partition, to)| ((topic, partition).into(), to));
    session.instance().seek(to.collect()).await?;
    Ok(Nothing)
}

/// `POST ..{instance}/positions/beginning`: go on reading at the first records of these partitions, or
/// of all assigned ones if none is named.
///
/// 204. 40301 of any topic · 40403 · 40903 a partition is not assigned.
pub(crate) async fn seek_to_beginning(
    State(proxy): State<Proxy>,
    own: OwnInstance,
    body: Control,
) -> Answer<Nothing> {
    seek_all(&proxy, &own, &body, Position::Beginning).await
}

/// `POST ..{instance}/positions/end`: go on reading after the last records of these partitions, or of
/// all assigned ones if none is named.
///
/// 204. 40301 of any topic · 40403 · 40903 a partition is not assigned.
pub(crate) async fn seek_to_end(
    State(proxy): State<Proxy>,
    own: OwnInstance,
    body: Control,
) -> Answer<Nothing> {
    seek_all(&proxy, &own, &body, Position::End).await
}

async fn seek_all(
    proxy: &Proxy,
    own: &OwnInstance,
    body: &Control,
    position: Position,
) -> Answer<Nothing> {
    let session = own.session(proxy)?;
    let mut partitions = named(body, own.caller())?;
    if partitions.is_empty() {
        partitions = session.instance().assignment().await?;
    }
    session.instance().seek(partitions.into_iter().map(|p| (p, position)).collect()).await?;
    Ok(Nothing)
}
