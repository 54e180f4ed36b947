//! The Avro serializer: which schema it writes with, and what the registry calls that.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde::Serialize;
use tokio::sync::Mutex;
use weir_registry_api::{Guid, Reference, RegisterRequest, SchemaId, Subject, VersionSpec};
use weir_schema::avro::codec::Encoder;
use weir_schema::avro::{ParseOptions, Schema, compatibility};

use crate::cache::{AvroCodec, parse};
use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::{SchemaHeader, frame};
use crate::subject::{Part, SubjectNameStrategy};

/// Which of the registry's schemas a serializer writes with.
#[derive(Clone, Copy)]
enum Choice {
    /// Its own, registered where the subject lacks it.
    Register,
    /// Its own, which the subject has to have.
    LookUp,
    /// The one of an id.
    Id { id: SchemaId, strict: bool },
    /// The subject's latest, not older than this.
    Latest { strict: bool, max_age: Duration },
}

/// What is written for a topic and a part.
#[derive(Clone)]
struct Target {
    id: SchemaId,
    /// Registries of before 8.0 have none.
    guid: Option<Guid>,
    /// The schema, if it is not the serializer's own.
    codec: Option<Arc<AvroCodec>>,
    /// Until when nobody has to be asked again.
    good_until: Option<Instant>,
}

#[derive(Clone, Default)]
struct Targets {
    key: Option<Target>,
    value: Option<Target>,
}

impl Targets {
    fn of(&self, part: Part) -> Option<&Target> {
        match part {
            Part::Key => self.key.as_ref(),
            Part::Value => self.value.as_ref(),
        }
    }

    fn set(&mut self, part: Part, target: Target) {
        match part {
            Part::Key => self.key = Some(target),
            Part::Value => self.value = Some(target),
        }
    }
}

impl Target {
    fn is_good(&self) -> bool {
        self.good_until.is_none_or(|end| Instant::now() < end)
    }
}

/// Writes values of `T`: with its own schema, or with one that the registry chooses.
pub struct AvroSerializer<T: ?Sized> {
    client: RegistryClient,
    request: RegisterRequest,
    schema: Schema,
    encoder: Encoder,
    choice: Choice,
    normalize: bool,
    subjects: SubjectNameStrategy,
    /// What is written for each topic's keys and values, once it is known.
    targets: ArcSwap<HashMap<String, Targets>>,
    asking: Mutex<()>,
    value: PhantomData<fn(&T)>,
}

impl<T: Serialize + ?Sized> AvroSerializer<T> {
    /// Writes with `schema`, an Avro schema that stands alone. It is registered for a topic when
    /// the first record of that topic is written.
    pub fn new(client: RegistryClient, schema: &str) -> Result<AvroSerializer<T>, ClientError> {
        let parsed = Schema::parse(schema).map_err(|e| ClientError::Schema(e.to_string()))?;
        AvroSerializer::with(client, schema, Vec::new(), parsed)
    }

    /// Writes with a schema that refers to others, which the registry has.
    pub async fn with_references(
        client: RegistryClient,
        schema: &str,
        references: Vec<Reference>,
    ) -> Result<AvroSerializer<T>, ClientError> {
        let parsed = parse(&client, schema, &references, ParseOptions::default()).await?;
        AvroSerializer::with(client, schema, references, parsed)
    }

    fn with(
        client: RegistryClient,
        text: &str,
        references: Vec<Reference>,
        schema: Schema,
    ) -> Result<AvroSerializer<T>, ClientError> {
        Ok(AvroSerializer {
            client,
            encoder: Encoder::new(&schema).map_err(|e| ClientError::Schema(e.to_string()))?,
            schema,
            request: RegisterRequest {
                schema: Some(text.to_string()),
                references,
                ..RegisterRequest::default()
            },
            choice: Choice::Register,
            normalize: false,
            subjects: SubjectNameStrategy::default(),
            targets: ArcSwap::default(),
            asking: Mutex::default(),
            value: PhantomData,
        })
    }

    /// Whether a schema that the subject lacks is registered (the default) or an error.
    pub fn auto_register(mut self, auto_register: bool) -> Self {
        self.choice = if auto_register { Choice::Register } else { Choice::LookUp };
        self
    }

    /// Writes with the schema of an id, in whatever subject. If `strict`, that schema has to be able to
    /// read what the serializer's own writes.
    pub fn use_id(mut self, id: SchemaId, strict: bool) -> Self {
        self.choice = Choice::Id { id, strict };
        self
    }

    /// Writes with the subject's latest schema; the registry is asked again for it after `max_age`. If
    /// `strict`, that schema has to be able to read what the serializer's own writes.
    pub fn use_latest(mut self, strict: bool, max_age: Duration) -> Self {
        self.choice = Choice::Latest { strict, max_age };
        self
    }

    /// Whether the registry normalises the schema before it compares and stores it.
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// How subjects are called; by topic and part if nothing is said.
    pub fn subject_names(mut self, strategy: SubjectNameStrategy) -> Self {
        self.subjects = strategy;
        self
    }

    /// The payload of a value: magic byte, id, Avro data. Asks the registry once for each topic and
    /// part.
    pub async fn serialize(
        &self,
        topic: &str,
        part: Part,
        value: &T,
    ) -> Result<Vec<u8>, ClientError> {
        let write = |target: &Target| {
            let mut payload = frame(target.id);
            self.encoder(target).encode(value, &mut payload)?;
            Ok(payload)
        };
        self.with_target(topic, part, write).await
    }

    /// A header that names the schema by its guid, to be sent with the record, and the payload, which
    /// is Avro data alone: consumers that know nothing of registries can read it. Asks the registry
    /// once for each topic and part.
    pub async fn serialize_with_header(
        &self,
        topic: &str,
        part: Part,
        value: &T,
    ) -> Result<(SchemaHeader, Vec<u8>), ClientError> {
        let no_guid = || ClientError::Protocol("the schema has no guid there".into());
        let write = |target: &Target| {
            let guid = target.guid.ok_or_else(no_guid)?;
            let mut payload = Vec::with_capacity(64);
            self.encoder(target).encode(value, &mut payload)?;
            Ok((SchemaHeader::new(part.schema_header(), guid), payload))
        };
        self.with_target(topic, part, write).await
    }

    fn encoder<'a>(&'a self, target: &'a Target) -> &'a Encoder {
        target.codec.as_ref().map_or(&self.encoder, |codec| &codec.encoder)
    }

    /// Writes what is known already without a lock, and without a count that other threads share.
    async fn with_target<R>(
        &self,
        topic: &str,
        part: Part,
        write: impl Fn(&Target) -> Result<R, ClientError>,
    ) -> Result<R, ClientError> {
        if let Some(target) = known(&self.targets.load(), topic, part) {
            return write(target);
        }
        let _one_asks = self.asking.lock().await;
        if let Some(target) = known(&self.targets.load(), topic, part) {
            return write(target);
        }
        let target = self.ask(topic, part).await?;
        let written = write(&target);
        let mut targets = HashMap::clone(&self.targets.load());
        targets.entry(topic.to_string()).or_default().set(part, target);
        self.targets.store(Arc::new(targets));
        written
    }

    async fn ask(&self, topic: &str, part: Part) -> Result<Target, ClientError> {
        let own = |id, guid| Target { id, guid, codec: None, good_until: None };
        let subject = || self.subjects.subject(topic, part, self.schema.full_name());
        match self.choice {
            Choice::Register => {
                let found =
                    self.client.register(&subject()?, &self.request, self.normalize).await?;
                Ok(own(found.id, found.guid))
            }
            Choice::LookUp => {
                let found = self.client.lookup(&subject()?, &self.request, self.normalize).await?;
                Ok(own(found.id, found.guid))
            }
            Choice::Id { id, strict } => {
                let guid = self.client.schema_by_id(id).await?.guid;
                self.others(id, guid, strict, None).await
            }
            Choice::Latest { strict, max_age } => self.latest(&subject()?, strict, max_age).await,
        }
    }

    async fn latest(
        &self,
        subject: &Subject,
        strict: bool,
        max_age: Duration,
    ) -> Result<Target, ClientError> {
        let asked = Instant::now();
        let latest = self.client.version(subject, VersionSpec::Latest).await?;
        self.others(latest.id, latest.guid, strict, asked.checked_add(max_age)).await
    }

    /// A schema of the registry's to write with.
    async fn others(
        &self,
        id: SchemaId,
        guid: Option<Guid>,
        strict: bool,
        good_until: Option<Instant>,
    ) -> Result<Target, ClientError> {
        let codec = self.client.avro_codec(id).await?;
        if strict {
            let reasons = compatibility(&codec.schema, &self.schema)
                .map_err(|e| ClientError::Schema(e.to_string()))?;
            if let Some(first) = reasons.first() {
                let why =
                    format!("schema {id} cannot read what this one writes: {}", first.message);
                return Err(ClientError::Schema(why));
            }
        }
        Ok(Target { id, guid, codec: Some(codec), good_until })
    }
}

fn known<'t>(targets: &'t HashMap<String, Targets>, topic: &str, part: Part) -> Option<&'t Target> {
    targets.get(topic)?.of(part).filter(|target| target.is_good())
}
