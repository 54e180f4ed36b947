//! Schemas of produce requests: by id or inline, for a topic's subject.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use weir_serde::api::{RegisterRequest, SchemaId, Subject};
use weir_serde::{AvroCodec, ClientError, Part, RegistryClient};

use crate::error::ProxyError;

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
    known: Mutex<HashMap<(Subject, SchemaSpec), Arc<AvroCodec>>>,
}

impl Schemas {
    pub(crate) fn new(registry: RegistryClient) -> Schemas {
        Schemas { registry, known: Mutex::default() }
    }

    /// The schema of an id that a record names. 40801.
    pub(crate) async fn of_record(&self, id: SchemaId) -> Result<Arc<AvroCodec>, ProxyError> {
        self.registry
            .avro_codec(id)
            .await
            .map_err(|e| ProxyError::Unreadable { reason: e.to_string() })
    }

    /// The schema that a request means for a part of a topic's records. An id has to belong to the
    /// topic's subject; an inline schema is registered there if it is new. 40301 · 42205 · 42207.
    pub(crate) async fn of_request(
        &self,
        topic: &str,
        part: Part,
        spec: SchemaSpec,
    ) -> Result<Arc<AvroCodec>, ProxyError> {
        let subject = part.subject(topic).map_err(refused)?;
        let key = (subject.clone(), spec.clone());
        if let Some(codec) = self.known.lock().await.get(&key) {
            return Ok(codec.clone());
        }
        let codec = match spec {
            SchemaSpec::Id(id) => self.by_id(&subject, id).await?,
            SchemaSpec::Inline(text) => self.inline(&subject, text).await?,
        };
        let mut known = self.known.lock().await;
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(key, codec.clone());
        Ok(codec)
    }

    async fn by_id(&self, subject: &Subject, id: i32) -> Result<Arc<AvroCodec>, ProxyError> {
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
        self.registry.avro_codec(id).await.map_err(refused)
    }

    async fn inline(&self, subject: &Subject, text: String) -> Result<Arc<AvroCodec>, ProxyError> {
        if weir_schema::avro::Schema::parse(&text).is_err() {
            return Err(ProxyError::InvalidSchema { schema: text });
        }
        let request = RegisterRequest { schema: Some(text), ..RegisterRequest::default() };
        let id = match self.registry.lookup(subject, &request, false).await {
            Ok(found) => found.id,
            Err(ClientError::Registry { code: 40401 | 40403, .. }) => {
                self.registry.register(subject, &request, false).await.map_err(refused)?.id
            }
            Err(error) => return Err(refused(error)),
        };
        self.registry.avro_codec(id).await.map_err(refused)
    }
}

fn refused(error: ClientError) -> ProxyError {
    match error {
        ClientError::Registry { code: 40301, message, .. } => {
            ProxyError::Forbidden { reason: message }
        }
        error => ProxyError::Serialization { reason: error.to_string() },
    }
}
