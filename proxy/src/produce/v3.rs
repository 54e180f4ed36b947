//! Produce requests of API v3: each record says what its key and its value are. Source: Confluent
//! ProduceRequest, ProduceAction.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use weir_serde::Part;

use super::{HeaderRequest, Target, encode, headers, instant_ms, of_request};
use crate::error::ProxyError;
use crate::format::{Format, SchemaFormat};
use crate::http::Object;
use crate::http::json::coerced;
use crate::schemas::{SchemaRequest, SchemaSpec, SubjectName};
use crate::send_queue::{Outgoing, Sent};

/// A record.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProduceRequest<'a> {
    /// The id that the record has as an entry of a batch.
    #[serde(default, borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "coerced")]
    partition_id: Option<i32>,
    #[serde(default, borrow)]
    headers: Option<Vec<Object<HeaderRequest<'a>>>>,
    #[serde(default, borrow)]
    key: Option<Object<Data<'a>>>,
    #[serde(default, borrow)]
    value: Option<Object<Data<'a>>>,
    #[serde(default, borrow)]
    timestamp: Option<&'a RawValue>,
}

/// The body of `POST ../records:batch`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchRequest<'a> {
    #[serde(default, borrow)]
    pub(crate) entries: Option<Vec<Object<ProduceRequest<'a>>>>,
}

/// A key or a value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data<'a> {
    #[serde(default, rename = "type")]
    kind: Option<DataType>,
    #[serde(default, deserialize_with = "coerced")]
    subject: Option<String>,
    #[serde(default)]
    subject_name_strategy: Option<Strategy>,
    #[serde(default, deserialize_with = "coerced")]
    schema_id: Option<i32>,
    #[serde(default, deserialize_with = "coerced")]
    schema_version: Option<i32>,
    #[serde(default, deserialize_with = "coerced")]
    schema: Option<String>,
    /// Has to be there, and may be null.
    #[serde(default, borrow, deserialize_with = "given")]
    data: Option<&'a RawValue>,
}

/// What stands there, null too.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(input: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(input).map(Some)
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum DataType {
    Binary,
    Json,
    String,
    Avro,
    JsonSchema,
    Protobuf,
}

impl DataType {
    fn format(self) -> Format {
        match self {
            DataType::Binary => Format::Binary,
            DataType::Json => Format::Json,
            DataType::String => Format::Text,
            DataType::Avro => Format::Schema(SchemaFormat::Avro),
            DataType::JsonSchema => Format::Schema(SchemaFormat::Json),
            DataType::Protobuf => Format::Schema(SchemaFormat::Protobuf),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
enum Strategy {
    #[serde(rename = "TOPIC_NAME")]
    Topic,
    #[serde(rename = "RECORD_NAME")]
    Record,
    #[serde(rename = "TOPIC_RECORD_NAME")]
    TopicRecord,
}

impl Strategy {
    fn name(self) -> &'static str {
        match self {
            Strategy::Topic => "TOPIC_NAME",
            Strategy::Record => "RECORD_NAME",
            Strategy::TopicRecord => "TOPIC_RECORD_NAME",
        }
    }
}

/// The version that means the latest, as in the registry.
const LATEST_VERSION: i32 = -1;

/// What became of a record.
#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// 200, but of an entry of a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u32>,
    cluster_id: String,
    topic_name: String,
    partition_id: i32,
    offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Written>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Written>,
}

/// What was written as a key or a value.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Written {
    #[serde(rename = "type")]
    kind: DataType,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_version: Option<u32>,
    /// Bytes, with what stands before the data; -1 of null.
    size: i64,
}

/// Bytes of data; -1 of null.
fn size(data: Option<&Vec<u8>>) -> i64 {
    data.and_then(|bytes| i64::try_from(bytes.len()).ok()).unwrap_or(-1)
}

/// A record ready to be sent, and what is to be said of it.
pub(crate) struct Ready {
    pub(crate) record: Outgoing,
    key: Option<Written>,
    value: Option<Written>,
}

impl ProduceRequest<'_> {
    /// Makes bytes of it. 400 · 40301 · 40402 · 42205 · 42207.
    pub(crate) async fn ready(&self, target: Target<'_>) -> Result<Ready, ProxyError> {
        if self.partition_id.is_some_and(|partition| partition < 0) {
            return Err(ProxyError::PartitionNotFound);
        }
        let (key, key_written) = write(target, Part::Key, self.key.as_ref()).await?;
        let (value, value_written) = write(target, Part::Value, self.value.as_ref()).await?;
        let record = Outgoing {
            key,
            value,
            headers: headers(self.headers.as_deref().unwrap_or_default())?,
            timestamp_ms: self.timestamp.map(instant_ms).transpose()?.flatten(),
            partition: self.partition_id,
        };
        Ok(Ready { record, key: key_written, value: value_written })
    }
}

impl Ready {
    /// The format of the value, or of the key where there is no value.
    pub(crate) fn format(&self) -> Format {
        let written = self.value.as_ref().or(self.key.as_ref());
        written.map_or(Format::Binary, |written| written.kind.format())
    }

    /// Splits what is sent from what is said.
    pub(crate) fn parts(self) -> (Outgoing, impl FnOnce(&str, &str, Sent) -> Report) {
        let (key, value) = (self.key, self.value);
        let report = |cluster: &str, topic: &str, sent: Sent| Report {
            id: None,
            error_code: Some(200),
            cluster_id: cluster.to_string(),
            topic_name: topic.to_string(),
            partition_id: sent.partition,
            offset: sent.offset,
            timestamp: jiff::Timestamp::from_millisecond(sent.timestamp_ms).ok(),
            key,
            value,
        };
        (self.record, report)
    }
}

impl Report {
    pub(crate) fn of_entry(mut self, id: &str) -> Report {
        self.id = Some(id.to_string());
        self.error_code = None;
        self
    }
}

impl Data<'_> {
    /// What is to be written, and with which schema. 400 what excludes each other.
    fn meant(&self) -> Result<Meant, ProxyError> {
        let wrong = |reason: &str| Err(ProxyError::BadRequest { reason: reason.to_string() });
        let named = self.subject.is_some() || self.subject_name_strategy.is_some();
        let specs =
            [self.schema_id.is_some(), self.schema_version.is_some(), self.schema.is_some()];
        let specs = specs.into_iter().filter(|said| *said).count();
        let format = match self.kind {
            Some(kind @ (DataType::Binary | DataType::Json | DataType::String)) => {
                if named || specs > 0 {
                    return wrong("'type' BINARY, JSON and STRING have no schema");
                }
                return Ok(Meant::Plain(match kind {
                    DataType::Binary => Format::Binary,
                    DataType::Json => Format::Json,
                    _ => Format::Text,
                }));
            }
            Some(DataType::Avro) => Some(SchemaFormat::Avro),
            Some(DataType::JsonSchema) => Some(SchemaFormat::Json),
            Some(DataType::Protobuf) => Some(SchemaFormat::Protobuf),
            None => None,
        };
        if specs > 1 {
            return wrong("only one of 'schema_id', 'schema_version' and 'schema' can be used");
        }
        if format.is_some() != self.schema.is_some() {
            return wrong("'type' AVRO, JSONSCHEMA and PROTOBUF and 'schema' need each other");
        }
        if self.schema_id.is_none()
            && self.schema.is_none()
            && let Some(strategy @ (Strategy::Record | Strategy::TopicRecord)) =
                self.subject_name_strategy
        {
            let strategy = strategy.name();
            return wrong(&format!("{strategy} needs 'schema_id' or 'schema'"));
        }
        let subject = match (&self.subject, self.subject_name_strategy) {
            (Some(_), Some(_)) => {
                return wrong("only one of 'subject' and 'subject_name_strategy' can be used");
            }
            (Some(subject), None) => SubjectName::Given(subject.clone()),
            (None, None | Some(Strategy::Topic)) => SubjectName::Topic,
            (None, Some(Strategy::Record)) => SubjectName::Record,
            (None, Some(Strategy::TopicRecord)) => SubjectName::TopicRecord,
        };
        let spec = match (self.schema_id, self.schema_version, &self.schema) {
            (Some(id), ..) => SchemaSpec::Id(id),
            (_, Some(LATEST_VERSION), _) => SchemaSpec::Latest,
            (_, Some(version), _) => SchemaSpec::Version(version),
            (.., Some(schema)) => SchemaSpec::Inline(schema.clone()),
            _ => SchemaSpec::Latest,
        };
        Ok(Meant::Schema(SchemaRequest { subject, spec, format }))
    }
}

enum Meant {
    Plain(Format),
    Schema(SchemaRequest),
}

async fn write(
    target: Target<'_>,
    part: Part,
    data: Option<&Object<Data<'_>>>,
) -> Result<(Option<Vec<u8>>, Option<Written>), ProxyError> {
    let Some(Object(data)) = data else { return Ok((None, None)) };
    let place = || match part {
        Part::Key => "key".to_string(),
        Part::Value => "value".to_string(),
    };
    let meant = data.meant()?;
    if data.data.is_none() {
        return Err(ProxyError::BadRequest { reason: "Null data".to_string() });
    }
    let unknown = target.unknown_fields;
    match meant {
        Meant::Plain(format) => {
            let bytes = encode(format, data.data, None, unknown, place)?;
            let written = data.kind.map(|kind| Written {
                kind,
                subject: None,
                schema_id: None,
                schema_version: None,
                size: size(bytes.as_ref()),
            });
            Ok((bytes, written))
        }
        Meant::Schema(request) => {
            let schema = of_request(target, part, request).await?;
            let format = Format::Schema(schema.format);
            let bytes = encode(format, data.data, Some(&schema.codec), unknown, place)?;
            let written = Written {
                kind: match schema.format {
                    SchemaFormat::Avro => DataType::Avro,
                    SchemaFormat::Json => DataType::JsonSchema,
                    SchemaFormat::Protobuf => DataType::Protobuf,
                },
                subject: Some(schema.subject.to_string()),
                schema_id: Some(schema.id.0),
                schema_version: Some(schema.version),
                size: size(bytes.as_ref()),
            };
            Ok((bytes, Some(written)))
        }
    }
}
