//! Schemas of produce requests: by id, by version, the latest, or inline, of a subject.

mod callers;

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use weir_http::{Action, Caller, Kind, Resource};
use weir_schema::{avro, json_schema, protobuf};
use weir_serde::api::{
    RegisterRequest, Schema, SchemaId, SchemaType, Subject, Version, VersionSpec,
};
use weir_serde::{ClientError, Part, RegistryClient, Stats};
use weir_trace::Outage;

pub(crate) use callers::SchemasOfCallers;

use crate::codec::Codec;
use crate::counts::CacheCounts;
use crate::error::ProxyError;
use crate::format::{Format, SchemaFormat};
use crate::steps::REGISTRY;

/// While the registry does not answer.
static OUTAGE: Outage =
    Outage::new("the schema registry does not answer", "the schema registry answers again");

/// Schemas that are known to belong to subjects; beyond, one starts anew.
const KNOWN_MAX: usize = 1000;

/// How long the latest version of a subject is believed to be the latest.
const LATEST_AGE_MAX: Duration = Duration::from_secs(1);

/// What a request says about the schema of its keys or its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SchemaRequest {
    pub(crate) subject: SubjectName,
    pub(crate) spec: SchemaSpec,
    /// The language; of an inline schema it has to be said.
    pub(crate) format: Option<SchemaFormat>,
}

/// Which schema of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SchemaSpec {
    Id(i32),
    Version(i32),
    Latest,
    Inline(String),
}

/// How the subject is found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum SubjectName {
    /// `<topic>-key`, `<topic>-value`.
    #[default]
    Topic,
    /// The full name of the record's type.
    Record,
    /// `<topic>-<full name>`.
    TopicRecord,
    Given(String),
}

/// A schema that is ready to write with, and where it stands in the registry.
pub(crate) struct Resolved {
    pub(crate) codec: Codec,
    pub(crate) format: SchemaFormat,
    pub(crate) subject: Subject,
    pub(crate) id: SchemaId,
    pub(crate) version: u32,
}

/// What a request means in a topic.
type Key = (String, Part, SchemaRequest);

pub(crate) struct Schemas {
    registry: RegistryClient,
    /// Whose rights count where the registry does not know for whom it is asked; anybody's where it does.
    caller: Caller,
    /// By what requests say of them, and since when.
    known: Mutex<HashMap<Key, (Arc<Resolved>, Instant)>>,
    /// By id, where making one takes long.
    messages: Mutex<HashMap<SchemaId, Codec>>,
    /// Ids of schemas that the caller may read.
    readable: Mutex<HashMap<SchemaId, ()>>,
    /// Look-ups of all callers' schemas.
    counts: Arc<CacheCounts>,
    /// How many schemas of requests are known.
    known_count: AtomicUsize,
}

impl Schemas {
    /// Nothing is known yet. `caller` is whoever may be shown only what the rules allow, although the registry shows more.
    /// Look-ups are counted in `counts`.
    pub(crate) fn new(
        registry: RegistryClient,
        caller: Caller,
        counts: Arc<CacheCounts>,
    ) -> Schemas {
        let (known, messages, readable, known_count) = Default::default();
        Schemas { registry, caller, known, messages, readable, counts, known_count }
    }

    /// What the registry was asked.
    pub(super) fn stats(&self) -> Stats {
        self.registry.stats()
    }

    /// How many schemas of requests are known.
    pub(super) fn known_count(&self) -> usize {
        self.known_count.load(Relaxed)
    }

    /// The schema of an id that a record names. One that the caller may read under no subject is not there.
    pub(crate) async fn of_record(
        &self,
        format: SchemaFormat,
        id: SchemaId,
    ) -> Result<Codec, ClientError> {
        let found = async {
            if !self.caller.sees_all(Kind::Subject) {
                self.check_readable(id).await?;
            }
            self.codec(format, id).await
        };
        asking(found).await.inspect_err(note)
    }

    async fn check_readable(&self, id: SchemaId) -> Result<(), ClientError> {
        if self.readable.lock().await.contains_key(&id) {
            return Ok(());
        }
        let places = self.registry.versions_of_id(id).await?;
        if !places.iter().any(|place| self.may(Action::Read, &place.subject)) {
            let message = format!("Schema {id} not found");
            return Err(ClientError::Registry { status: 404, code: 40403, message });
        }
        remember(&self.readable, id, ()).await;
        Ok(())
    }

    fn may(&self, action: Action, subject: &Subject) -> bool {
        self.caller.may(action, Resource::subject(subject.as_str()))
    }

    /// 40301.
    fn demand(&self, action: Action, subject: &Subject) -> Result<(), ProxyError> {
        if self.may(action, subject) { Ok(()) } else { Err(ProxyError::Denied) }
    }

    async fn codec(&self, format: SchemaFormat, id: SchemaId) -> Result<Codec, ClientError> {
        if format != SchemaFormat::Protobuf {
            return Codec::of(&self.registry, format, id).await;
        }
        if let Some(codec) = self.messages.lock().await.get(&id) {
            return Ok(codec.clone());
        }
        let codec = Codec::of(&self.registry, format, id).await?;
        remember(&self.messages, id, codec.clone()).await;
        Ok(codec)
    }

    /// The schema that a request means for a part of a topic's records. An id has to belong to the
    /// subject; an inline schema is registered there if it is new. 40301 · 42205 · 42207.
    pub(crate) async fn of_request(
        &self,
        topic: &str,
        part: Part,
        request: SchemaRequest,
    ) -> Result<Arc<Resolved>, ProxyError> {
        let key = (topic.to_string(), part, request);
        if let Some((resolved, since)) = self.known.lock().await.get(&key)
            && (key.2.spec != SchemaSpec::Latest || since.elapsed() < LATEST_AGE_MAX)
        {
            self.counts.hits.fetch_add(1, Relaxed);
            return Ok(resolved.clone());
        }
        self.counts.misses.fetch_add(1, Relaxed);
        let resolved = Arc::new(asking(self.resolve(topic, part, &key.2)).await?);
        OUTAGE.is_over();
        let count = remember(&self.known, key, (resolved.clone(), Instant::now())).await;
        self.known_count.store(count, Relaxed);
        Ok(resolved)
    }

    async fn resolve(
        &self,
        topic: &str,
        part: Part,
        request: &SchemaRequest,
    ) -> Result<Resolved, ProxyError> {
        let subject = |record: Option<&str>| subject(topic, part, &request.subject, record);
        let (subject, id, version, format) = match &request.spec {
            SchemaSpec::Id(id) => {
                let id = known_id(*id)?;
                if let Ok(subject) = subject(None) {
                    self.demand(Action::Read, &subject)?;
                }
                let found = self.registry.schema_by_id(id).await.map_err(refused)?;
                let format = known_format(&found.schema_type)?;
                let subject = subject(record_name(format, &found.schema.text()).as_deref())?;
                if !self.may(Action::Read, &subject) {
                    return Err(unknown_id(id)); // the schema has named it, not the caller
                }
                let places = self.registry.versions_of_id(id).await.map_err(refused)?;
                let place = places.iter().find(|place| place.subject == subject);
                let place = place.ok_or_else(|| ProxyError::Serialization {
                    reason: format!("Schema {id} is not a schema of subject {subject}"),
                })?;
                (subject, id, place.version, format)
            }
            SchemaSpec::Version(_) | SchemaSpec::Latest => {
                let spec = match request.spec {
                    SchemaSpec::Version(n) => VersionSpec::Number(known_version(n)?),
                    _ => VersionSpec::Latest,
                };
                let subject = subject(None)?;
                self.demand(Action::Read, &subject)?;
                let found = self.registry.version(&subject, spec).await.map_err(refused)?;
                (found.subject, found.id, found.version, known_format(&found.schema_type)?)
            }
            SchemaSpec::Inline(text) => {
                let format = request.format.ok_or(ProxyError::Internal)?;
                if !is_schema(format, text) {
                    return Err(ProxyError::InvalidSchema { schema: text.clone() });
                }
                let subject = subject(record_name(format, text).as_deref())?;
                let found = self.inline(&subject, format, text).await?;
                (subject, found.id, found.version, format)
            }
        };
        if let Some(asked) = request.format.filter(|asked| *asked != format) {
            let (found, asked) = (Format::Schema(format), Format::Schema(asked));
            let reason =
                format!("Schema {id} is {} and not {}", found.data_type(), asked.data_type());
            return Err(ProxyError::Serialization { reason });
        }
        let codec = self.codec(format, id).await.map_err(refused)?;
        Ok(Resolved { codec, format, subject, id, version: version.0 })
    }

    async fn inline(
        &self,
        subject: &Subject,
        format: SchemaFormat,
        text: &str,
    ) -> Result<Schema, ProxyError> {
        self.demand(Action::Read, subject)?;
        let request = RegisterRequest {
            schema: Some(text.to_string()),
            schema_type: Some(format.schema_type()),
            ..RegisterRequest::default()
        };
        match self.registry.lookup(subject, &request, false).await {
            Err(ClientError::Registry { code: 40401 | 40403, .. }) => {
                self.demand(Action::Write, subject)?;
                self.registry.register(subject, &request, false).await.map_err(refused)?;
                self.registry.lookup(subject, &request, false).await.map_err(refused)
            }
            found => found.map_err(refused),
        }
    }
}

fn known_id(id: i32) -> Result<SchemaId, ProxyError> {
    u32::try_from(id).map(SchemaId).map_err(|_| unknown_id(id))
}

fn unknown_id(id: impl std::fmt::Display) -> ProxyError {
    ProxyError::Serialization { reason: format!("Schema {id} not found; error code: 40403") }
}

fn known_version(version: i32) -> Result<Version, ProxyError> {
    let known = u32::try_from(version).ok().filter(|n| *n > 0);
    known.map(Version).ok_or_else(|| ProxyError::Serialization {
        reason: format!("Version {version} not found; error code: 40402"),
    })
}

fn subject(
    topic: &str,
    part: Part,
    name: &SubjectName,
    record: Option<&str>,
) -> Result<Subject, ProxyError> {
    let record = || {
        record.ok_or_else(|| ProxyError::Serialization {
            reason: "A subject called by its record needs a schema that has a name".to_string(),
        })
    };
    let name = match name {
        SubjectName::Topic => return part.subject(topic).map_err(refused),
        SubjectName::Record => record()?.to_string(),
        SubjectName::TopicRecord => format!("{topic}-{}", record()?),
        SubjectName::Given(name) => name.clone(),
    };
    Subject::new(&name).map_err(|e| ProxyError::Serialization { reason: e.to_string() })
}

fn known_format(schema_type: &SchemaType) -> Result<SchemaFormat, ProxyError> {
    SchemaFormat::of(schema_type).ok_or_else(|| ProxyError::Serialization {
        reason: "The schema is of a language that is not known here".to_string(),
    })
}

fn is_schema(format: SchemaFormat, text: &str) -> bool {
    match format {
        SchemaFormat::Avro => avro::Schema::parse(text).is_ok(),
        SchemaFormat::Json => json_schema::Schema::parse(text, &[], true).is_ok(),
        SchemaFormat::Protobuf => protobuf::Schema::parse(text, &[], true).is_ok(),
    }
}

/// The full name of a schema's type, if it has one. What cannot be read without what it refers to
/// has none here.
fn record_name(format: SchemaFormat, text: &str) -> Option<String> {
    match format {
        SchemaFormat::Avro => avro::Schema::parse(text).ok()?.full_name().map(str::to_string),
        SchemaFormat::Json => {
            let schema: serde_json::Value = serde_json::from_str(text).ok()?;
            schema.get("title")?.as_str().map(str::to_string)
        }
        SchemaFormat::Protobuf => protobuf::Schema::parse(text, &[], false).ok()?.message_at(&[0]),
    }
}

/// Returns how many are known then.
async fn remember<K: Eq + Hash, V>(known: &Mutex<HashMap<K, V>>, key: K, value: V) -> usize {
    let mut known = known.lock().await;
    if known.len() >= KNOWN_MAX {
        known.clear();
    }
    known.insert(key, value);
    known.len()
}

/// Waits for what the registry is asked, which hears to which request the question belongs.
async fn asking<T, E: fmt::Display>(question: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let question = weir_serde::with_headers(weir_trace::outgoing, question);
    let asked = weir_trace::wait(REGISTRY, question).unless_ready();
    asked.failing_as(|answer| answer.as_ref().err().map(ToString::to_string)).await
}

/// Takes note of whether the registry answers at all.
fn note(error: &ClientError) {
    match error {
        ClientError::Transport(_) => OUTAGE.fails(error),
        ClientError::Registry { .. } => drop(OUTAGE.is_over()),
        _ => {}
    }
}

fn refused(error: ClientError) -> ProxyError {
    note(&error);
    match error {
        ClientError::Registry { code: 40301, message, .. } => {
            ProxyError::RegistryDenied { reason: message }
        }
        error => ProxyError::Serialization { reason: error.to_string() },
    }
}
