//! What produce requests of both APIs have: keys, values, headers and times as JSON.

mod v2;
mod v3;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_kafka::{Code, Fault};
use weir_serde::{Part, frame};

pub(crate) use v2::{Prepared, ProduceResponse};
pub(crate) use v3::{BatchRequest, ProduceRequest, Report};

use crate::Proxy;
use crate::codec::{Codec, Unfit, UnknownFields};
use crate::error::ProxyError;
use crate::format::{self, Format, SchemaFormat};
use crate::http::Object;
use crate::http::json::coerced;
use crate::schemas::{Resolved, SchemaRequest, Schemas};
use crate::send_queue::RecordHeader;

/// What records are made for, and of.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) topic: &'a str,
    pub(crate) schemas: &'a Schemas,
    pub(crate) unknown_fields: UnknownFields,
}

impl Proxy {
    /// What becomes of fields that a record's schema does not have.
    pub(crate) fn unknown_fields(&self) -> UnknownFields {
        match self.config.confluent_quirks {
            true => UnknownFields::Dropped,
            false => UnknownFields::Refused,
        }
    }
}

/// The schema that a request means. As [`Schemas::of_request`], but that what is no JSON Schema is 42207,
/// as in the reference, which leaves that to the registry.
async fn of_request(
    target: Target<'_>,
    part: Part,
    request: SchemaRequest,
) -> Result<Arc<Resolved>, ProxyError> {
    let is_json = request.format == Some(SchemaFormat::Json);
    let found = target.schemas.of_request(target.topic, part, request).await;
    found.map_err(|error| match error {
        ProxyError::InvalidSchema { schema } if is_json => ProxyError::Serialization {
            reason: format!("Error when registering schema. Invalid schema: {schema}"),
        },
        error => error,
    })
}

/// A header of a record that is to be produced.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderRequest<'a> {
    /// API v3 calls it a name.
    #[serde(alias = "name", deserialize_with = "coerced")]
    key: String,
    /// Base64.
    #[serde(default, borrow)]
    value: Option<&'a RawValue>,
}

/// Headers in their order; several may have one name. 400.
pub(crate) fn headers(
    given: &[Object<HeaderRequest<'_>>],
) -> Result<Vec<RecordHeader>, ProxyError> {
    let header = |Object(header): &Object<HeaderRequest<'_>>| {
        if header.key.contains('\0') {
            let reason = "a header's name has no NUL".to_string();
            return Err(ProxyError::BadRequest { reason });
        }
        let value = header.value.map(format::from_base64).transpose()?;
        Ok(RecordHeader { name: header.key.clone(), value })
    };
    given.iter().map(header).collect()
}

/// The end of the year 9999. For some that are later, brokers close the connection.
const TIMESTAMP_MAX_MS: i64 = 253_402_300_799_999;

/// A time of API v2: milliseconds since 1970, or as RFC 3339 has it. 400.
fn milliseconds(given: &RawValue) -> Result<i64, ProxyError> {
    let ms = serde_json::from_str::<i64>(given.get()).ok().or_else(|| rfc3339_ms(given));
    checked_ms(ms, given)
}

/// A time of API v3, in milliseconds: RFC 3339, or seconds since 1970 as a number, which may be a string;
/// an empty string is no time. 400 · 50002 a number that is far too large, as one in milliseconds is.
fn instant_ms(given: &RawValue) -> Result<Option<i64>, ProxyError> {
    let text = serde_json::from_str::<String>(given.get());
    let text = text.as_deref().unwrap_or(given.get()).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let Ok(seconds) = text.parse::<f64>() else {
        return checked_ms(rfc3339_ms(given), given).map(Some);
    };
    let ms = (seconds * 1000.0).round() as i64;
    if ms > TIMESTAMP_MAX_MS {
        let reason = format!("Timestamp {ms} is out of range: a number is in seconds since 1970.");
        return Err(Fault::new(Code::InvalidTimestamp, reason).into());
    }
    checked_ms(Some(ms), given).map(Some)
}

fn rfc3339_ms(given: &RawValue) -> Option<i64> {
    let time = serde_json::from_str::<jiff::Timestamp>(given.get()).ok()?;
    Some(time.as_millisecond())
}

/// A time after 1970: librdkafka takes 0 for no time. 400.
fn checked_ms(ms: Option<i64>, given: &RawValue) -> Result<i64, ProxyError> {
    ms.filter(|ms| (1..=TIMESTAMP_MAX_MS).contains(ms)).ok_or_else(|| ProxyError::BadRequest {
        reason: format!(
            "timestamp={} is no time between 1970 and the year 10000.",
            format::shortened(given.get())
        ),
    })
}

/// The bytes of a key or a value; JSON's null is Kafka's null in every format.
pub(crate) fn encode(
    format: Format,
    data: Option<&RawValue>,
    codec: Option<&Codec>,
    unknown_fields: UnknownFields,
    place: impl Fn() -> String,
) -> Result<Option<Vec<u8>>, ProxyError> {
    let Some(data) = data.filter(|data| data.get() != "null") else { return Ok(None) };
    Ok(Some(match (format, codec) {
        (Format::Binary, _) => format::from_base64(data)?,
        (Format::Json, _) => format::compact(data.get()),
        (Format::Text, _) => format::from_text(data)?,
        (Format::Schema(_), Some(codec)) => {
            let mut payload = frame(codec.id().ok_or(ProxyError::Internal)?);
            codec.encode(data, unknown_fields, &mut payload).map_err(
                |Unfit { path, reason }| {
                    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
                    ProxyError::BadRequest { reason: format!("{}{dot}{path}: {reason}", place()) }
                },
            )?;
            payload
        }
        (Format::Schema(_), None) => return Err(ProxyError::Internal),
    }))
}
