//! What produce requests of both APIs have: keys, values, headers and times as JSON.

mod v2;
mod v3;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_serde::frame;

pub(crate) use v2::{Prepared, ProduceResponse};
pub(crate) use v3::{BatchRequest, ProduceRequest, Report};

use crate::codec::{Codec, Unfit};
use crate::error::ProxyError;
use crate::format::{self, Format};
use crate::http::Object;
use crate::producer::RecordHeader;

/// A header of a record that is to be produced.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderRequest<'a> {
    /// API v3 calls it a name.
    #[serde(alias = "name")]
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

/// A time as milliseconds since 1970 or as RFC 3339 has it, after 1970: librdkafka takes 0 for no
/// time. 400.
pub(crate) fn timestamp_ms(given: &RawValue) -> Result<i64, ProxyError> {
    let ms = match serde_json::from_str::<i64>(given.get()) {
        Ok(ms) => Some(ms),
        Err(_) => serde_json::from_str::<jiff::Timestamp>(given.get())
            .ok()
            .map(|time| time.as_millisecond()),
    };
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
    place: impl Fn() -> String,
) -> Result<Option<Vec<u8>>, ProxyError> {
    let Some(data) = data else { return Ok(None) };
    Ok(Some(match (format, codec) {
        (Format::Binary, _) => format::from_base64(data)?,
        (Format::Json, _) => format::compact(data.get()),
        (Format::Text, _) => format::from_text(data)?,
        (Format::Schema(_), Some(codec)) => {
            let mut payload = frame(codec.id().ok_or(ProxyError::Internal)?);
            codec.encode(data, &mut payload).map_err(|Unfit { path, reason }| {
                let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
                ProxyError::BadRequest { reason: format!("{}{dot}{path}: {reason}", place()) }
            })?;
            payload
        }
        (Format::Schema(_), None) => return Err(ProxyError::Internal),
    }))
}
