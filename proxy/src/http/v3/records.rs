//! `../partitions/{partition}/records`: read without a consumer. Not Confluent's.

use std::str::FromStr;
use std::time::Duration;

use axum::extract::State;
use rdkafka::message::Message;
use serde::Deserialize;
use serde_json::json;
use weir_http::Caller;
use weir_kafka::admin::{At, Isolation};
use weir_kafka::{Fault, Partition};
use weir_schema::avro::codec::Decimals;

use super::site::{Here, Site};
use crate::Proxy;
use crate::consumer::size;
use crate::counts::Channel;
use crate::error::ProxyError;
use crate::format::{Format, write_string};
use crate::http::answer::{Answer, Bytes};
use crate::http::encoded;
use crate::http::request::{Ordered, PartitionId, Query};
use crate::http::rights::{Read, Standing, Topic, sees_topic};
use crate::reader::ReadRequest;
use crate::record::{Unwritten, Writer};

/// Records of an answer, unless somebody asks for fewer or more.
const RECORDS: usize = 100;
const RECORDS_MAX: usize = 10_000;

/// Bytes of keys and values of an answer.
const BYTES: usize = 1024 * 1024;
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long a read may wait for a record.
const WAIT_MAX_MS: u64 = 300_000;

/// Where a read begins, how much it may bring, and in which form. Numbers are texts here: what is wrong with one is said
/// by name.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReadFrom {
    offset: Option<String>,
    timestamp: Option<String>,
    from: Option<String>,
    limit: Option<String>,
    max_bytes: Option<String>,
    wait_ms: Option<String>,
    format: Option<String>,
    key_format: Option<String>,
    value_format: Option<String>,
    decimals: Option<String>,
}

impl ReadFrom {
    /// The formats of keys and of values. 422.
    fn formats(&self) -> Result<(Format, Format), ProxyError> {
        let format = |name: &Option<String>| name.as_deref().map(Format::named).transpose();
        let both = format(&self.format)?.unwrap_or(Format::Binary);
        Ok((format(&self.key_format)?.unwrap_or(both), format(&self.value_format)?.unwrap_or(both)))
    }

    /// Decimals as Avro's JSON has them, or as `string` or `number`. 400.
    fn decimals(&self) -> Result<Decimals, ProxyError> {
        match self.decimals.as_deref() {
            None => Ok(Decimals::Bytes),
            Some("string") => Ok(Decimals::String),
            Some("number") => Ok(Decimals::Number),
            Some(other) => Err(wrong(&format!("decimals:{other} is invalid"))),
        }
    }
}

/// `GET ../records`: records from `offset`, from `timestamp` (RFC 3339, or milliseconds) or `from`
/// `earliest` or `latest` on.
///
/// `limit`, `max_bytes`, `wait_ms` (for the first record; 0), `format` of keys and values, or
/// `key_format` and `value_format` (binary), `decimals` of Avro (`string`, `number`). `metadata.next` is the
/// address to go on at. A record that cannot be read in its format has an `error`, and its bytes. 400 · 404 · 40402 · 40403 · 40801 a
/// record's schema cannot be had now · 422 no such format.
pub(crate) async fn read(
    State(proxy): State<Proxy>,
    topic: Topic<Read>,
    PartitionId(partition): PartitionId,
    caller: Caller,
    here: Here,
    Query(asked): Query<ReadFrom>,
    parameters: Ordered,
) -> Answer<Bytes> {
    let site = here.site().await?;
    let found = site.kafka().topic(&topic, false).await.map_err(ProxyError::from)?;
    found.partition(partition).map_err(ProxyError::from)?;
    let place = Partition::new(found.name, partition);
    let offset = begin(&site, &place, &asked).await?;
    let limit = positive(&asked.limit, "limit", RECORDS, RECORDS_MAX)?;
    let max_bytes = positive(&asked.max_bytes, "max_bytes", BYTES, BYTES_MAX)?;
    let wait_ms = number::<u64>(&asked.wait_ms, "wait_ms")?.unwrap_or(0).min(WAIT_MAX_MS);
    let (key_format, value_format) = asked.formats()?;
    let read = ReadRequest {
        topic: &topic,
        partition,
        offset,
        records_max: limit,
        bytes_max: max_bytes,
        wait: Duration::from_millis(wait_ms),
    };
    let broker = site.broker();
    let standing = Standing::new(&caller, |caller| sees_topic(caller, &topic));
    let records = standing.wait(broker.readers.read(broker, &read)).await?;
    let schemas = proxy.schemas.of(&caller);
    let writer = Writer {
        schemas: &schemas,
        key_format,
        value_format,
        decimals: asked.decimals()?,
        as_reference: false,
    };
    let number = partition.to_string();
    let url = site.url(&["topics", &topic, "partitions", &number, "records"]);
    let mut data = Vec::new();
    let mut next = offset;
    for message in &records {
        if !data.is_empty() {
            data.push(b',');
        }
        match writer.write_v3(message, &mut data).await {
            Ok(()) => {
                next = message.offset() + 1;
                let channel = Channel::v3(value_format);
                proxy.consumed.count(channel, 1, size(message) as u64);
            }
            // what comes before it can be read; then it is the next
            Err(Unwritten::Poison(_) | Unwritten::NotNow(_)) if !data.is_empty() => {
                data.pop();
                break;
            }
            Err(Unwritten::Poison(error) | Unwritten::NotNow(error)) => return Err(error.into()),
        }
    }
    let metadata = json!({"self": url, "next": going_on(&url, next, &parameters)});
    let mut out = format!("{{\"kind\":\"KafkaRecordList\",\"metadata\":{metadata},\"cluster_id\":")
        .into_bytes();
    write_string(site.cluster(), &mut out);
    out.extend_from_slice(b",\"topic_name\":");
    write_string(&topic, &mut out);
    out.extend_from_slice(format!(",\"partition_id\":{partition},\"data\":[").as_bytes());
    out.extend_from_slice(&data);
    out.extend_from_slice(b"]}");
    Ok(Bytes(out, "application/json"))
}

/// The address to go on at: that of the read with another offset, whatever it began with.
fn going_on(url: &str, next: i64, parameters: &Ordered) -> String {
    let mut address = format!("{url}?offset={next}");
    for (name, value) in &parameters.0 {
        if !["offset", "timestamp", "from"].contains(&name.as_str()) {
            address.push_str(&format!("&{}={}", encoded(name), encoded(value)));
        }
    }
    address
}

/// The offset to begin at: between the first and the one after the last.
async fn begin(site: &Site, partition: &Partition, asked: &ReadFrom) -> Result<i64, ProxyError> {
    let offset = number::<i64>(&asked.offset, "offset")?;
    let at = match (offset, asked.timestamp.as_deref(), asked.from.as_deref()) {
        (Some(_), None, None) | (None, None, None | Some("earliest")) => At::Earliest,
        (None, None, Some("latest")) => At::Latest,
        (None, Some(time), None) => At::Time(time_ms(time)?),
        (None, None, Some(other)) => return Err(wrong(&format!("from:{other} is invalid"))),
        _ => return Err(wrong("only one of offset, timestamp and from can be used")),
    };
    let admin = site.kafka();
    let partitions = std::slice::from_ref(partition);
    let found = admin.offsets_at(partitions, at, Isolation::ReadUncommitted).await?;
    let found = found.into_values().next().ok_or_else(Fault::no_leader)?;
    match offset {
        None => Ok(found),
        Some(offset) if offset < 0 => Err(wrong(&format!("offset:{offset} is invalid"))),
        // what was deleted meanwhile is passed over
        Some(offset) if offset < found => Ok(found),
        Some(offset) => {
            let ends = admin.offsets_at(partitions, At::Latest, Isolation::ReadUncommitted).await?;
            match ends.into_values().next() {
                Some(end) if offset > end => {
                    Err(wrong(&format!("offset:{offset} is after the end, which is {end}")))
                }
                _ => Ok(offset),
            }
        }
    }
}

fn time_ms(text: &str) -> Result<i64, ProxyError> {
    let ms = text
        .parse::<i64>()
        .ok()
        .or_else(|| text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond()));
    ms.filter(|ms| *ms >= 0).ok_or_else(|| wrong(&format!("timestamp:{text} is invalid")))
}

fn positive(
    given: &Option<String>,
    name: &str,
    default: usize,
    max: usize,
) -> Result<usize, ProxyError> {
    match number::<usize>(given, name)? {
        None => Ok(default),
        Some(0) => Err(wrong(&format!("{name}:0 is invalid"))),
        Some(n) => Ok(n.min(max)),
    }
}

fn number<T: FromStr>(given: &Option<String>, name: &str) -> Result<Option<T>, ProxyError> {
    let Some(text) = given else { return Ok(None) };
    text.parse().map(Some).map_err(|_| wrong(&format!("{name}:{text} is invalid")))
}

fn wrong(reason: &str) -> ProxyError {
    ProxyError::BadRequest { reason: reason.to_string() }
}
