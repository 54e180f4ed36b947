//! Schemas of produce requests: by id or inline, for a topic's subject.

use std::collections::HashMap;
use std::hash::Hash;

use tokio::sync::Mutex;
use weir_schema::{avro, json_schema, protobuf};
use weir_serde::api::{RegisterRequest, SchemaId, SchemaType, Subject};
use weir_serde::{ClientError, Part, RegistryClient};

use crate::codec::Codec;
use crate::error::ProxyError;
use crate::format::SchemaFormat;

/// Schemas that are known to belong to subjects; beyond, one starts anew.
const KNOWN_MAX: usize = 1000;

/// What a request says about the schema of its keys or its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SchemaSpec {
    Id(i32),
    Inline(String),
}

pub(crate) struct Schemas {
    registry: RegistryClient,
    /// By what requests say of them.
    known: Mutex<HashMap<(Subject, SchemaFormat, SchemaSpec), Codec>>,
    /// By id, where making one takes long.
    messages: Mutex<HashMap<SchemaId, Codec>>,
}

impl Schemas {
    pub(crate) fn new(registry: RegistryClient) -> Schemas {
        Schemas { registry, known: Mutex::default(), messages: Mutex::default() }
    }

    /// The schema of an id that a record names. 40801.
    pub(crate) async fn of_record(
        &self,
        format: SchemaFormat,
        id: SchemaId,
    ) -> Result<Codec, ProxyError> {
        let unreadable = |e: ClientError| ProxyError::Unreadable { reason: e.to_string() };
        self.codec(format, id).await.map_err(unreadable)
    }

    async fn codec(&self, format: SchemaFormat, id: SchemaId) -> Result<Codec, ClientError> {
        if format != SchemaFormat::Protobuf {
            return Codec::of(&self.registry, format, id).await;
        }
        if let Some(codec) = self.messages.lock().await.get(&id) {
            return Ok(codec.clone());
        }
        let codec = Codec::of(&self.registry, format, id).await?;
        remember(&self.messages, id, &codec).await;
        Ok(codec)
    }

    /// The schema that a request means for a part of a topic's records. An id has to belong to the
    /// topic's subject; an inline schema is registered there if it is new. 40301 · 42205 · 42207.
    pub(crate) async fn of_request(
        &self,
        topic: &str,
        part: Part,
        format: SchemaFormat,
        spec: SchemaSpec,
    ) -> Result<Codec, ProxyError> {
        let subject = part.subject(topic).map_err(refused)?;
        let key = (subject.clone(), format, spec.clone());
        if let Some(codec) = self.known.lock().await.get(&key) {
            return Ok(codec.clone());
        }
        let id = match spec {
            SchemaSpec::Id(id) => self.by_id(&subject, id).await?,
            SchemaSpec::Inline(text) => self.inline(&subject, format, text).await?,
        };
        let codec = self.codec(format, id).await.map_err(refused)?;
        remember(&self.known, key, &codec).await;
        Ok(codec)
    }

    async fn by_id(&self, subject: &Subject, id: i32) -> Result<SchemaId, ProxyError> {
        let Ok(number) = u32::try_from(id) else {
            let reason = format!("Schema {id} not found; error code: 40403");
            return Err(ProxyError::Serialization { reason });
        };
        let id = SchemaId(number);
        let places = self.registry.versions_of_id(id).await.map_err(refused)?;
        if !places.iter().any(|place| place.subject == *subject) {
            let reason = format!("Schema {id} is not a schema of subject {subject}");
            return Err(ProxyError::Serialization { reason });
        }
        Ok(id)
    }

    async fn inline(
        &self,
        subject: &Subject,
        format: SchemaFormat,
        text: String,
    ) -> Result<SchemaId, ProxyError> {
        let (schema_type, is_schema) = match format {
            SchemaFormat::Avro => (SchemaType::Avro, avro::Schema::parse(&text).is_ok()),
            SchemaFormat::Json => {
                (SchemaType::Json, json_schema::Schema::parse(&text, &[], true).is_ok())
            }
            SchemaFormat::Protobuf => {
                (SchemaType::Protobuf, protobuf::Schema::parse(&text, &[], true).is_ok())
            }
        };
        if !is_schema {
            return Err(ProxyError::InvalidSchema { schema: text });
        }
        let request = RegisterRequest {
            schema: Some(text),
            schema_type: Some(schema_type),
            ..RegisterRequest::default()
        };
        match self.registry.lookup(subject, &request, false).await {
            Ok(found) => Ok(found.id),
            Err(ClientError::Registry { code: 40401 | 40403, .. }) => {
                Ok(self.registry.register(subject, &request, false).await.map_err(refused)?.id)
            }
            Err(error) => Err(refused(error)),
        }
    }
}

async fn remember<K: Eq + Hash>(known: &Mutex<HashMap<K, Codec>>, key: K, codec: &Codec) {
    let mut known = known.lock().await;
    if known.len() >= KNOWN_MAX {
        known.clear();
    }
    known.insert(key, codec.clone());
}

fn refused(error: ClientError) -> ProxyError {
    match error {
        ClientError::Registry { code: 40301, message, .. } => {
            ProxyError::Forbidden { reason: message }
        }
        error => ProxyError::Serialization { reason: error.to_string() },
    }
}
