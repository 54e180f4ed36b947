//! What a client says when it makes a consumer instance.

use std::time::Duration;

use jiff::SpanRelativeTo;
use serde::Deserialize;
use serde_json::Value;
use weir_schema::avro::codec::Decimals;

use crate::error::ProxyError;
use crate::format::Format;
use crate::http::json::{coerced, parse};

/// Bytes that `fetch.min.bytes` may ask for.
const MIN_BYTES_MAX: i64 = 10_000_000;

/// Bytes of a group's name: a quarter of what Kafka can be sent.
const GROUP_BYTES_MAX: usize = 8192;

/// How long a read waits if nobody says, as in the reference.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_millis(1000);

/// `fetch.min.bytes`: a read returns as soon as there is something.
pub(crate) const MIN_BYTES: i64 = 1;

/// `fetch.min.bytes` of the reference: a read waits until its time is over.
pub(crate) const MIN_BYTES_DISABLED: i64 = -1;

/// How long a read may wait at most.
pub(crate) const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(300);

/// Body of `POST /consumers/{group}`, all of it optional.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConsumerRequest {
    #[serde(deserialize_with = "coerced")]
    id: Option<String>,
    #[serde(deserialize_with = "coerced")]
    name: Option<String>,
    format: Option<String>,
    #[serde(rename = "key.format")]
    key_format: Option<String>,
    #[serde(rename = "value.format")]
    value_format: Option<String>,
    #[serde(rename = "avro.decimal")]
    avro_decimal: Option<String>,
    #[serde(rename = "isolation.level")]
    isolation_level: Option<String>,
    #[serde(rename = "auto.offset.reset")]
    auto_offset_reset: Option<String>,
    #[serde(rename = "auto.commit.enable")]
    auto_commit_enable: Option<Value>,
    #[serde(rename = "fetch.min.bytes", alias = "responseMinBytes")]
    fetch_min_bytes: Option<Value>,
    #[serde(rename = "consumer.request.timeout.ms", alias = "requestWaitMs")]
    request_timeout_ms: Option<Value>,
}

/// What an instance is to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConsumerSpec {
    pub(crate) group: String,
    pub(crate) name: String,
    /// What answers are called; that of the values.
    pub(crate) format: Format,
    pub(crate) key_format: Format,
    pub(crate) value_format: Format,
    pub(crate) decimals: Decimals,
    /// In librdkafka's words; what the proxy's settings say, unless somebody says so.
    pub(crate) isolation_level: Option<String>,
    /// In librdkafka's words; what the proxy's settings say (`latest`), unless somebody says so.
    pub(crate) auto_offset_reset: Option<String>,
    /// Begin with the first record that is not older, where nothing is committed.
    pub(crate) since: Option<Duration>,
    pub(crate) auto_commit: bool,
    /// Bytes that a read waits for: with 1 it returns as soon as there is something. More than there
    /// can be where -1 was asked for: it waits until its time is over.
    pub(crate) min_bytes: usize,
    pub(crate) request_timeout: Duration,
}

impl ConsumerSpec {
    /// `min_bytes` and `request_timeout` are what `fetch.min.bytes` and `consumer.request.timeout.ms` mean where they are
    /// not said. 40001 · 422 no such format · 42204.
    pub(crate) fn new(
        group: &str,
        body: &[u8],
        min_bytes: i64,
        request_timeout: Duration,
    ) -> Result<ConsumerSpec, ProxyError> {
        if group.len() > GROUP_BYTES_MAX || group.contains('\0') {
            let reason = format!("a group's name has up to {GROUP_BYTES_MAX} bytes, and no NUL");
            return Err(ProxyError::Invalid { reason });
        }
        let request: ConsumerRequest = match body.trim_ascii() {
            b"" | b"null" => ConsumerRequest::default(),
            body => parse(body)?,
        };
        let (auto_offset_reset, since) = reset(request.auto_offset_reset)?;
        let named = |name: &Option<String>| name.as_deref().map(Format::named).transpose();
        let both = named(&request.format)?.unwrap_or(Format::Binary);
        let value_format = named(&request.value_format)?.unwrap_or(both);
        let given = number("fetch.min.bytes", request.fetch_min_bytes.as_ref())?;
        let min_bytes = given.unwrap_or(min_bytes);
        if !(-1..=MIN_BYTES_MAX).contains(&min_bytes) {
            let reason =
                format!("fetch.min.bytes: expected -1 to {MIN_BYTES_MAX}, found {min_bytes}");
            return Err(ProxyError::ConsumerConfigOutOfRange { reason });
        }
        let timeout = number("consumer.request.timeout.ms", request.request_timeout_ms.as_ref())?;
        // as in the reference, the older field wins
        let name = request.id.or(request.name).filter(|name| !name.is_empty());
        Ok(ConsumerSpec {
            group: group.to_string(),
            name: name.unwrap_or_else(|| format!("rest-consumer-{}", uuid::Uuid::new_v4())),
            format: value_format,
            key_format: named(&request.key_format)?.unwrap_or(both),
            value_format,
            decimals: decimals(request.avro_decimal.as_deref())?,
            isolation_level: isolation_level(request.isolation_level)?,
            auto_offset_reset,
            since,
            auto_commit: flag("auto.commit.enable", request.auto_commit_enable.as_ref())?
                .unwrap_or(true),
            min_bytes: usize::try_from(min_bytes).unwrap_or(usize::MAX).max(1),
            request_timeout: match timeout {
                Some(ms) if ms > 0 => Duration::from_millis(ms as u64).min(REQUEST_TIMEOUT_MAX),
                _ => request_timeout.min(REQUEST_TIMEOUT_MAX),
            },
        })
    }
}

/// Where to begin without a committed offset, in librdkafka's words, which have no durations: of these the
/// instance itself thinks when librdkafka finds no offset.
fn reset(given: Option<String>) -> Result<(Option<String>, Option<Duration>), ProxyError> {
    let error = || Some("error".to_string());
    match given.as_deref() {
        None | Some("earliest" | "latest") => Ok((given, None)),
        Some("none") => Ok((error(), None)),
        Some(other) => match other.strip_prefix("by_duration:") {
            None => Err(invalid("auto.offset.reset", "earliest, latest or none", &other)),
            Some(text) => match duration(text) {
                Some(duration) => Ok((error(), Some(duration))),
                None => Err(invalid("auto.offset.reset", "a duration such as PT1H", &text)),
            },
        },
    }
}

/// A duration as in ISO 8601, of days of 24 hours and smaller parts.
fn duration(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
}

fn decimals(given: Option<&str>) -> Result<Decimals, ProxyError> {
    match given {
        None => Ok(Decimals::Bytes),
        Some("string") => Ok(Decimals::String),
        Some("number") => Ok(Decimals::Number),
        Some(other) => Err(invalid("avro.decimal", "string or number", &other)),
    }
}

fn isolation_level(given: Option<String>) -> Result<Option<String>, ProxyError> {
    let level = given.map(|level| level.to_ascii_lowercase());
    match level.as_deref() {
        None | Some("read_uncommitted" | "read_committed") => Ok(level),
        Some(other) => {
            Err(invalid("isolation.level", "read_uncommitted or read_committed", &other))
        }
    }
}

/// Clients of the reference write numbers and flags as what they are and as strings.
fn number(name: &str, value: Option<&Value>) -> Result<Option<i64>, ProxyError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(n)) if n.is_i64() => Ok(n.as_i64()),
        Some(Value::String(text)) => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(invalid(name, "a number", text)),
        },
        Some(other) => Err(invalid(name, "a number", other)),
    }
}

fn flag(name: &str, value: Option<&Value>) -> Result<Option<bool>, ProxyError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(other) => Err(invalid(name, "true or false", other)),
    }
}

fn invalid(name: &str, expected: &str, found: &dyn std::fmt::Display) -> ProxyError {
    ProxyError::InvalidConsumerConfig {
        reason: format!("{name}: expected {expected}, found {found}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::SchemaFormat;

    fn spec(body: &[u8]) -> Result<ConsumerSpec, ProxyError> {
        ConsumerSpec::new("g", body, 1, REQUEST_TIMEOUT)
    }

    #[test]
    fn an_empty_body_is_a_binary_consumer_of_new_records() {
        let spec = spec(b"").unwrap();
        assert!(spec.name.starts_with("rest-consumer-"));
        assert_eq!((spec.format, spec.auto_commit), (Format::Binary, true));
        // Kafka's own default is latest
        assert_eq!((spec.auto_offset_reset, spec.min_bytes), (None, 1));
    }

    #[test]
    fn numbers_and_flags_may_be_strings() {
        let body = br#"{"name":"n","format":"AVRO","auto.commit.enable":"false",
            "fetch.min.bytes":"100","consumer.request.timeout.ms":50}"#;
        let spec = spec(body).unwrap();
        assert_eq!(
            (spec.format, spec.auto_commit, spec.min_bytes),
            (Format::Schema(SchemaFormat::Avro), false, 100)
        );
        assert_eq!(spec.request_timeout, Duration::from_millis(50));
    }

    #[test]
    fn keys_and_values_may_have_formats_of_their_own() {
        let of = |body: &str| {
            let spec = spec(body.as_bytes()).unwrap();
            (spec.key_format, spec.value_format, spec.format)
        };
        let avro = Format::Schema(SchemaFormat::Avro);
        assert_eq!(of(r#"{"format":"avro"}"#), (avro, avro, avro));
        let body = r#"{"format":"avro","key.format":"text"}"#;
        assert_eq!(of(body), (Format::Text, avro, avro));
        let body = r#"{"value.format":"avro"}"#;
        assert_eq!(of(body), (Format::Binary, avro, avro));
    }

    #[test]
    fn a_duration_is_of_days_and_smaller_parts() {
        let of = |text: &str| {
            let body = format!(r#"{{"auto.offset.reset":"by_duration:{text}"}}"#);
            let spec = spec(body.as_bytes()).unwrap();
            (spec.auto_offset_reset.unwrap(), spec.since.unwrap().as_secs())
        };
        assert_eq!(of("PT1H"), ("error".to_string(), 3600));
        assert_eq!(of("P1DT30S"), ("error".to_string(), 86_430));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (body, code) in [
            (r#"{"format":"xml"}"#, 422),
            (r#"{"fetch.min.bytes":10000001}"#, 40001),
            (r#"{"auto.offset.reset":"middle"}"#, 42204),
            (r#"{"auto.commit.enable":"perhaps"}"#, 42204),
            (r#"{"auto.offset.reset":"by_duration:an hour"}"#, 42204),
            (r#"{"auto.offset.reset":"by_duration:-PT1H"}"#, 42204),
            (r#"{"isolation.level":"read_some"}"#, 42204),
            (r#"{"avro.decimal":"words"}"#, 42204),
            (r#"{"key.format":"xml"}"#, 422),
            (r#"{"unknown":1}"#, 422),
        ] {
            assert_eq!(spec(body.as_bytes()).unwrap_err().code(), code, "{body}");
        }
    }
}
