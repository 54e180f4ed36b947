//! Produce requests of API v3: each record says what its key and its value are. Source: Confluent
//! ProduceRequest, ProduceAction.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_serde::Part;

use super::{HeaderRequest, encode, headers, timestamp_ms};
use crate::error::ProxyError;
use crate::format::{Format, SchemaFormat};
use crate::http::Object;
use crate::producer::{Outgoing, Sent};
use crate::schemas::{SchemaRequest, SchemaSpec, Schemas, SubjectName};

/// A record.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProduceRequest<'a> {
    /// Of an entry of a batch.
    #[serde(default, borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(default)]
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
    pub(crate) entries: Vec<&'a RawValue>,
}

/// A key or a value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data<'a> {
    #[serde(default, rename = "type")]
    kind: Option<DataType>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    subject_name_strategy: Option<Strategy>,
    #[serde(default)]
    schema_id: Option<i32>,
    #[serde(default)]
    schema_version: Option<i32>,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
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

#[derive(Clone, Copy, Deserialize)]
enum Strategy {
    #[serde(rename = "TOPIC_NAME")]
    Topic,
    #[serde(rename = "RECORD_NAME")]
    Record,
    #[serde(rename = "TOPIC_RECORD_NAME")]
    TopicRecord,
}

/// What became of a record.
#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    error_code: u32,
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
    /// Bytes, with what stands before the data.
    size: usize,
}

/// A record ready to be sent, and what is to be said of it.
pub(crate) struct Ready {
    pub(crate) record: Outgoing,
    key: Option<Written>,
    value: Option<Written>,
}

impl ProduceRequest<'_> {
    /// Makes bytes of it. 400 · 40301 · 40402 · 42205 · 42207.
    pub(crate) async fn ready(&self, schemas: &Schemas, topic: &str) -> Result<Ready, ProxyError> {
        if self.partition_id.is_some_and(|partition| partition < 0) {
            return Err(ProxyError::PartitionNotFound);
        }
        let (key, key_written) = write(schemas, topic, Part::Key, self.key.as_ref()).await?;
        let (value, value_written) =
            write(schemas, topic, Part::Value, self.value.as_ref()).await?;
        let record = Outgoing {
            key,
            value,
            headers: headers(self.headers.as_deref().unwrap_or_default())?,
            timestamp_ms: self.timestamp.map(timestamp_ms).transpose()?,
            partition: self.partition_id,
        };
        Ok(Ready { record, key: key_written, value: value_written })
    }
}

impl Ready {
    /// Splits what is sent from what is said.
    pub(crate) fn parts(self) -> (Outgoing, impl FnOnce(&str, &str, Sent) -> Report) {
        let (key, value) = (self.key, self.value);
        let report = |cluster: &str, topic: &str, sent: Sent| Report {
            id: None,
            error_code: 200,
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
    schemas: &Schemas,
    topic: &str,
    part: Part,
    data: Option<&Object<Data<'_>>>,
) -> Result<(Option<Vec<u8>>, Option<Written>), ProxyError> {
    let Some(Object(data)) = data else { return Ok((None, None)) };
    let place = || match part {
        Part::Key => "key".to_string(),
        Part::Value => "value".to_string(),
    };
    match data.meant()? {
        Meant::Plain(format) => {
            let bytes = encode(format, data.data, None, place)?;
            let written = data.kind.zip(bytes.as_ref()).map(|(kind, bytes)| Written {
                kind,
                subject: None,
                schema_id: None,
                schema_version: None,
                size: bytes.len(),
            });
            Ok((bytes, written))
        }
        Meant::Schema(request) => {
            let schema = schemas.of_request(topic, part, request).await?;
            let format = Format::Schema(schema.format);
            let bytes = encode(format, data.data, Some(&schema.codec), place)?;
            let written = bytes.as_ref().map(|bytes| Written {
                kind: match schema.format {
                    SchemaFormat::Avro => DataType::Avro,
                    SchemaFormat::Json => DataType::JsonSchema,
                    SchemaFormat::Protobuf => DataType::Protobuf,
                },
                subject: Some(schema.subject.to_string()),
                schema_id: Some(schema.id.0),
                schema_version: Some(schema.version),
                size: bytes.len(),
            });
            Ok((bytes, written))
        }
    }
}
