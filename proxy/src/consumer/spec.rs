//! What a client says when it makes a consumer instance.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::error::ProxyError;
use crate::format::Format;
use crate::http::json::{coerced, parse};

/// Bytes that `fetch.min.bytes` may ask for.
const MIN_BYTES_MAX: i64 = 10_000_000;

/// Bytes of a group's name: a quarter of what Kafka can be sent.
const GROUP_BYTES_MAX: usize = 8192;

/// How long a read waits if nobody says, as in the reference.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(1000);

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
    pub(crate) format: Format,
    pub(crate) auto_offset_reset: String,
    pub(crate) auto_commit: bool,
    /// Bytes that a read waits for: with 1 it returns as soon as there is something. More than there
    /// can be where -1 was asked for: it waits until its time is over.
    pub(crate) min_bytes: usize,
    pub(crate) request_timeout: Duration,
}

impl ConsumerSpec {
    /// `min_bytes` is what `fetch.min.bytes` means where it is not said. 40001 · 422 no such format ·
    /// 42204.
    pub(crate) fn new(
        group: &str,
        body: &[u8],
        min_bytes: i64,
    ) -> Result<ConsumerSpec, ProxyError> {
        if group.len() > GROUP_BYTES_MAX || group.contains('\0') {
            let reason = format!("a group's name has up to {GROUP_BYTES_MAX} bytes, and no NUL");
            return Err(ProxyError::Invalid { reason });
        }
        let request: ConsumerRequest = match body.trim_ascii() {
            b"" | b"null" => ConsumerRequest::default(),
            body => parse(body)?,
        };
        let reset = request.auto_offset_reset.unwrap_or_else(|| "latest".into());
        if !["earliest", "latest", "none"].contains(&reset.as_str()) {
            return Err(invalid("auto.offset.reset", "earliest, latest or none", &reset));
        }
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
            format: request.format.as_deref().map_or(Ok(Format::Binary), Format::named)?,
            auto_offset_reset: if reset == "none" { "error".into() } else { reset },
            auto_commit: flag("auto.commit.enable", request.auto_commit_enable.as_ref())?
                .unwrap_or(true),
            min_bytes: usize::try_from(min_bytes).unwrap_or(usize::MAX).max(1),
            request_timeout: match timeout {
                Some(ms) if ms > 0 => Duration::from_millis(ms as u64).min(REQUEST_TIMEOUT_MAX),
                _ => REQUEST_TIMEOUT,
            },
        })
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

    #[test]
    fn an_empty_body_is_a_binary_consumer_of_new_records() {
        let spec = ConsumerSpec::new("g", b"", 1).unwrap();
        assert!(spec.name.starts_with("rest-consumer-"));
        assert_eq!((spec.format, spec.auto_commit), (Format::Binary, true));
        assert_eq!((spec.auto_offset_reset.as_str(), spec.min_bytes), ("latest", 1));
    }

    #[test]
    fn numbers_and_flags_may_be_strings() {
        let body = br#"{"name":"n","format":"AVRO","auto.commit.enable":"false",
            "fetch.min.bytes":"100","consumer.request.timeout.ms":50}"#;
        let spec = ConsumerSpec::new("g", body, 1).unwrap();
        assert_eq!(
            (spec.format, spec.auto_commit, spec.min_bytes),
            (Format::Schema(SchemaFormat::Avro), false, 100)
        );
        assert_eq!(spec.request_timeout, Duration::from_millis(50));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (body, code) in [
            (r#"{"format":"xml"}"#, 422),
            (r#"{"fetch.min.bytes":10000001}"#, 40001),
            (r#"{"auto.offset.reset":"middle"}"#, 42204),
            (r#"{"auto.commit.enable":"perhaps"}"#, 42204),
            (r#"{"unknown":1}"#, 422),
        ] {
            assert_eq!(
                ConsumerSpec::new("g", body.as_bytes(), 1).unwrap_err().code(),
                code,
                "{body}"
            );
        }
    }
}
