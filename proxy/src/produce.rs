//! Produce requests: JSON to records, all of them before the first is sent.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_serde::{Part, frame};

use crate::broker::{Outgoing, Sent};
use crate::codec::{Codec, Unfit};
use crate::error::ProxyError;
use crate::format::{self, Format};
use crate::http::Object;
use crate::schemas::{SchemaSpec, Schemas};

/// Body of a produce request; the schemas are of the request and not of its records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProduceRequest<'a> {
    #[serde(default)]
    key_schema: Option<String>,
    #[serde(default)]
    key_schema_id: Option<i32>,
    #[serde(default)]
    value_schema: Option<String>,
    #[serde(default)]
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
    #[serde(default)]
    partition: Option<i32>,
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
        schemas: &Schemas,
        topic: &str,
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
        let (mut key_codec, mut value_codec) = (None, None);
        if let Format::Schema(language) = format {
            if has_keys && key_spec.is_none() {
                return Err(ProxyError::KeySchemaMissing);
            }
            if has_values && value_spec.is_none() {
                return Err(ProxyError::ValueSchemaMissing);
            }
            if let Some(spec) = key_spec {
                key_codec = Some(schemas.of_request(topic, Part::Key, language, spec).await?);
            }
            if let Some(spec) = value_spec {
                value_codec = Some(schemas.of_request(topic, Part::Value, language, spec).await?);
            }
        }
        let mut records = Vec::with_capacity(given.len());
        for (index, Object(record)) in given.iter().enumerate() {
            let partition = record.partition.or(partition);
            if let Some(partition) = partition.filter(|p| *p < 0) {
                let reason = format!("{partition} is no partition");
                return Err(ProxyError::Invalid { reason });
            }
            let place = |part| format!("records[{index}].{part}");
            records.push(Outgoing {
                key: encode(format, record.key, key_codec.as_ref(), || place("key"))?,
                value: encode(format, record.value, value_codec.as_ref(), || place("value"))?,
                partition,
            });
        }
        Ok(Prepared {
            records,
            key_schema_id: id(key_codec.as_ref()),
            value_schema_id: id(value_codec.as_ref()),
        })
    }
}

impl ProduceResponse {
    pub(crate) fn new(
        key_schema_id: Option<u32>,
        value_schema_id: Option<u32>,
        results: Vec<Result<Sent, ProxyError>>,
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
                error_code: Some(error.code()),
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

fn id(codec: Option<&Codec>) -> Option<u32> {
    codec?.id().map(|id| id.0)
}

/// The bytes of a key or a value; JSON's null is Kafka's null in every format.
fn encode(
    format: Format,
    data: Option<&RawValue>,
    codec: Option<&Codec>,
    place: impl Fn() -> String,
) -> Result<Option<Vec<u8>>, ProxyError> {
    let Some(data) = data else { return Ok(None) };
    Ok(Some(match (format, codec) {
        (Format::Binary, _) => format::from_base64(data)?,
        (Format::Json, _) => format::compact(data.get()),
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
