//! Schemas by id or guid, fetched once.
//!
//! A look-up of a known id reads a snapshot: no lock, no count that others share. Who asks for an
//! unknown one waits for the first who did.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, OnceCell};
use weir_registry_api::{
    Reference, SchemaId, SchemaString, SchemaType, Subject, Version, VersionSpec,
};
use weir_schema::avro::codec::{Encoder, Plan};
use weir_schema::avro::{ParseOptions, Parser, Schema};

use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::SchemaName;

/// Ids that are kept. A topic has a handful; who meets more than this starts anew.
const IDS_MAX: usize = 10_000;

/// Schemas that one may refer to, through others too.
const REFERENCES_MAX: usize = 10_000;

/// An Avro schema with what reads and writes data of it.
#[derive(Debug)]
pub struct AvroCodec {
    /// None if it was asked for by its guid.
    pub id: Option<SchemaId>,
    pub schema: Schema,
    /// Writes data of the schema.
    pub encoder: Encoder,
    /// Reads data of the schema as what it is.
    pub plan: Plan,
}

impl AvroCodec {
    fn new(id: Option<SchemaId>, schema: Schema) -> Result<AvroCodec, ClientError> {
        let unusable = |e: &dyn std::fmt::Display| ClientError::Schema(e.to_string());
        let encoder = Encoder::new(&schema).map_err(|e| unusable(&e))?;
        let plan = Plan::compile(&schema, &schema).map_err(|e| unusable(&e))?;
        Ok(AvroCodec { id, schema, encoder, plan })
    }
}

type Waiting = Arc<OnceCell<Arc<AvroCodec>>>;

pub(crate) type Codecs = HashMap<SchemaName, Arc<AvroCodec>>;

pub(crate) struct Cache {
    pub(crate) known: ArcSwap<Codecs>,
    /// What the registry did not have, and until when it is not asked again.
    missing: Mutex<HashMap<SchemaName, (ClientError, Instant)>>,
    missing_ttl: Duration,
    waiting: Mutex<HashMap<SchemaName, Waiting>>,
}

impl Cache {
    pub(crate) fn new(missing_ttl: Duration) -> Cache {
        Cache {
            known: ArcSwap::default(),
            missing: Mutex::default(),
            missing_ttl,
            waiting: Mutex::default(),
        }
    }

    pub(crate) async fn codec(
        &self,
        client: &RegistryClient,
        name: SchemaName,
    ) -> Result<Arc<AvroCodec>, ClientError> {
        if let Some(codec) = self.known.load().get(&name) {
            return Ok(codec.clone());
        }
        let cell = self.waiting.lock().await.entry(name).or_default().clone();
        let codec = cell.get_or_try_init(|| self.ask(client, name)).await.cloned();
        let mut waiting = self.waiting.lock().await;
        if let Ok(codec) = &codec
            && !self.known.load().contains_key(&name)
        {
            let mut known = HashMap::clone(&self.known.load());
            if known.len() >= IDS_MAX {
                known.clear();
            }
            known.insert(name, codec.clone());
            self.known.store(Arc::new(known));
        }
        waiting.remove(&name);
        codec
    }

    /// Asks the registry, unless it has said a moment ago that it has no such schema: those who waited
    /// for that answer come here one after the other.
    async fn ask(
        &self,
        client: &RegistryClient,
        name: SchemaName,
    ) -> Result<Arc<AvroCodec>, ClientError> {
        if let Some((error, until)) = self.missing.lock().await.get(&name)
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let codec = fetch(client, name).await;
        if let Err(error @ ClientError::Registry { status: 404, .. }) = &codec {
            let mut missing = self.missing.lock().await;
            if missing.len() >= IDS_MAX {
                missing.clear();
            }
            missing.insert(name, (error.clone(), Instant::now() + self.missing_ttl));
        }
        codec
    }
}

async fn fetch(client: &RegistryClient, name: SchemaName) -> Result<Arc<AvroCodec>, ClientError> {
    let answer: SchemaString = match name {
        SchemaName::Id(id) => client.schema_by_id(id).await?,
        SchemaName::Guid(guid) => client.schema_by_guid(guid).await?,
    };
    if answer.schema_type != SchemaType::Avro {
        let language = answer.schema_type.name();
        let shown = match name {
            SchemaName::Id(id) => id.to_string(),
            SchemaName::Guid(guid) => guid.to_string(),
        };
        return Err(ClientError::Schema(format!("schema {shown} is {language} and not AVRO")));
    }
    let parent = answer.subject.unwrap_or_else(|| Subject::stored(""));
    let references: Vec<Reference> =
        answer.references.iter().map(|reference| qualified(reference, &parent)).collect();
    let text = answer.schema.text();
    let schema = parse(client, &text, &references, ParseOptions::STORED).await?;
    let id = match name {
        SchemaName::Id(id) => Some(id),
        SchemaName::Guid(_) => None,
    };
    Ok(Arc::new(AvroCodec::new(id, schema)?))
}

/// Parses a text with all that it refers to, directly and through others.
pub(crate) async fn parse(
    client: &RegistryClient,
    text: &str,
    references: &[Reference],
    options: ParseOptions,
) -> Result<Schema, ClientError> {
    enum Visit {
        Enter(Reference),
        Leave(String),
    }
    let mut parser = Parser::new(options);
    let mut seen: std::collections::HashSet<Reference> = Default::default();
    let mut stack: Vec<Visit> = references.iter().rev().cloned().map(Visit::Enter).collect();
    while let Some(visit) = stack.pop() {
        match visit {
            Visit::Leave(text) => {
                parser.reference(&text).map_err(|e| ClientError::Schema(e.to_string()))?;
            }
            Visit::Enter(reference) => {
                if !seen.insert(reference.clone()) {
                    continue;
                }
                if seen.len() > REFERENCES_MAX {
                    return Err(ClientError::Schema("it has too many references".into()));
                }
                let version = match u32::try_from(reference.version) {
                    Ok(number) => VersionSpec::Number(Version(number)),
                    Err(_) => VersionSpec::Latest,
                };
                let found = client.version(&reference.subject, version).await?;
                stack.push(Visit::Leave(found.schema.text().into_owned()));
                let inner = found.references.iter().rev();
                stack.extend(inner.map(|r| Visit::Enter(qualified(r, &found.subject))));
            }
        }
    }
    parser.parse(text).map_err(|e| ClientError::Schema(e.to_string()))
}

/// A reference as it is meant in the context of the subject that has it.
fn qualified(reference: &Reference, parent: &Subject) -> Reference {
    Reference { subject: reference.subject.beside(parent), ..reference.clone() }
}
