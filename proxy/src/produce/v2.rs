//! Produce requests of API v2: JSON to records, all of them before the first is sent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_serde::Part;

use super::{HeaderRequest, Target, encode, headers, milliseconds, of_request};
use crate::error::ProxyError;
use crate::faults;
use crate::format::Format;
use crate::http::Object;
use crate::http::json::coerced;
use crate::schemas::{Resolved, SchemaRequest, SchemaSpec, SubjectName};
use crate::send_queue::{Outgoing, SendResult};

/// Body of a produce request; the schemas are of the request and not of its records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProduceRequest<'a> {
    #[serde(default, deserialize_with = "coerced")]
    key_schema: Option<String>,
    #[serde(default, deserialize_with = "coerced")]
    key_schema_id: Option<i32>,
    #[serde(default, deserialize_with = "coerced")]
    value_schema: Option<String>,
    #[serde(default, deserialize_with = "coerced")]
    value_schema_id: Option<i32>,
    #[serde(default, borrow)]
    records: Option<Vec<Object<ProduceRecord<'a>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProduceRecord<'a> {
    #[serde(default, borrow)]
    key: Option<&'a RawValue>,
    #[serde(default, borrow)]
    value: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "coerced")]
    partition: Option<i32>,
    #[serde(default, borrow)]
    headers: Option<Vec<Object<HeaderRequest<'a>>>>,
    #[serde(default, borrow)]
    timestamp: Option<&'a RawValue>,
}

/// Answer to a produce request: one entry for each record, in order.
#[derive(Serialize)]
pub(crate) struct ProduceResponse {
    key_schema_id: Option<u32>,
    value_schema_id: Option<u32>,
    offsets: Vec<ProduceResult>,
}

#[derive(Serialize)]
struct ProduceResult {
    partition: Option<i32>,
    offset: Option<i64>,
    error_code: Option<u32>,
    error: Option<String>,
}

/// Records ready to be sent, and the ids of the schemas that they were written with.
pub(crate) struct Prepared {
    pub(crate) records: Vec<Outgoing>,
    pub(crate) key_schema_id: Option<u32>,
    pub(crate) value_schema_id: Option<u32>,
}

impl Prepared {
    /// Makes bytes of a request's records. An error means that none of them is sent.
    pub(crate) async fn new(
        target: Target<'_>,
        partition: Option<i32>,
        format: Format,
        request: ProduceRequest<'_>,
    ) -> Result<Prepared, ProxyError> {
        let given = request.records.unwrap_or_default();
        if given.is_empty() {
            return Err(ProxyError::Invalid { reason: "records must not be empty".into() });
        }
        let key_spec = schema_spec(Part::Key, request.key_schema, request.key_schema_id)?;
        let value_spec = schema_spec(Part::Value, request.value_schema, request.value_schema_id)?;
        let has_keys = given.iter().any(|r| r.0.key.is_some());
        let has_values = given.iter().any(|r| r.0.value.is_some());
        let (mut key_schema, mut value_schema) = (None, None);
        if let Format::Schema(language) = format {
            if has_keys && key_spec.is_none() {
                return Err(ProxyError::KeySchemaMissing);
            }
            if has_values && value_spec.is_none() {
                return Err(ProxyError::ValueSchemaMissing);
            }
            let request =
                |spec| SchemaRequest { subject: SubjectName::Topic, spec, format: Some(language) };
            if let Some(spec) = key_spec {
                key_schema = Some(of_request(target, Part::Key, request(spec)).await?);
            }
            if let Some(spec) = value_spec {
                value_schema = Some(of_request(target, Part::Value, request(spec)).await?);
            }
        }
        let codec = |schema: &'_ Option<Arc<Resolved>>| schema.as_ref().map(|r| r.codec.clone());
        let (keys, values) = (codec(&key_schema), codec(&value_schema));
        let (keys, values) = (keys.as_ref(), values.as_ref());
        let mut records = Vec::with_capacity(given.len());
        for (index, Object(record)) in given.iter().enumerate() {
            let partition = record.partition.or(partition);
            if let Some(partition) = partition.filter(|p| *p < 0) {
                let reason = format!("{partition} is no partition");
                return Err(ProxyError::Invalid { reason });
            }
            let place = |part| format!("records[{index}].{part}");
            let unknown = target.unknown_fields;
            records.push(Outgoing {
                key: encode(format, record.key, keys, unknown, || place("key"))?,
                value: encode(format, record.value, values, unknown, || place("value"))?,
                headers: headers(record.headers.as_deref().unwrap_or_default())?,
                timestamp_ms: record.timestamp.map(milliseconds).transpose()?,
                partition,
            });
        }
        Ok(Prepared {
            records,
            key_schema_id: key_schema.map(|schema| schema.id.0),
            value_schema_id: value_schema.map(|schema| schema.id.0),
        })
    }
}

impl ProduceResponse {
    pub(crate) fn new(
        key_schema_id: Option<u32>,
        value_schema_id: Option<u32>,
        results: Vec<SendResult>,
    ) -> ProduceResponse {
        let offsets = results.into_iter().map(|result| match result {
            Ok(sent) => ProduceResult {
                partition: Some(sent.partition),
                offset: Some(sent.offset),
                error_code: None,
                error: None,
            },
            Err(error) => ProduceResult {
                partition: None,
                offset: None,
                error_code: Some(faults::answer_to_record_v2(&error)),
                error: Some(error.to_string()),
            },
        });
        ProduceResponse { key_schema_id, value_schema_id, offsets: offsets.collect() }
    }

    /// 401 or 403 if that is what the first refused record says, else 200, whatever failed.
    pub(crate) fn status(&self) -> u16 {
        let refused = self.offsets.iter().find_map(|r| match r.error_code {
            Some(40101) => Some(401),
            Some(40301) => Some(403),
            _ => None,
        });
        refused.unwrap_or(200)
    }

    /// Returns true if a record may be sent again, now or once its sender knows whether it is there.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        self.offsets.iter().any(|result| matches!(result.error_code, Some(50003 | 50004)))
    }
}

fn schema_spec(
    part: Part,
    inline: Option<String>,
    id: Option<i32>,
) -> Result<Option<SchemaSpec>, ProxyError> {
    match (inline, id) {
        (Some(_), Some(_)) => {
            let part = if part == Part::Key { "key" } else { "value" };
            Err(ProxyError::BadRequest {
                reason: format!("{part}_schema and {part}_schema_id exclude each other"),
            })
        }
        (Some(text), None) => Ok(Some(SchemaSpec::Inline(text))),
        (None, Some(id)) => Ok(Some(SchemaSpec::Id(id))),
        (None, None) => Ok(None),
    }
}
