//! Which schema a topic's records are written with, and what the registry calls it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use weir_registry_api::{Guid, RegisterRequest, SchemaId, Subject, VersionSpec};

use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::SchemaName;
use crate::schemas::Known;
use crate::snapshot::Snapshot;
use crate::subject::{Part, SubjectNameStrategy};

/// Topics that a serializer keeps.
const TOPICS_MAX: usize = 10_000;

/// Which of the registry's schemas a serializer writes with.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    /// Its own, registered where the subject lacks it.
    Register,
    /// Its own, which the subject has to have.
    LookUp,
    /// The one of an id or a guid.
    Named { name: SchemaName, strict: bool },
    /// The subject's latest, not older than this.
    Latest { strict: bool, max_age: Duration },
    /// The subject's latest that has these properties in its metadata.
    WithMetadata { metadata: Vec<(String, String)>, strict: bool, max_age: Duration },
}

/// What is written for a topic and a part. `O` is what stands for a schema that is not the
/// serializer's own.
#[derive(Clone)]
pub(crate) struct Target<O> {
    /// Unknown where a schema was asked for by its guid.
    pub(crate) id: Option<SchemaId>,
    /// Registries of before 8.0 have none.
    pub(crate) guid: Option<Guid>,
    pub(crate) other: Option<O>,
    /// Until when nobody has to be asked again.
    good_until: Option<Instant>,
}

impl<O> Target<O> {
    fn is_good(&self) -> bool {
        self.good_until.is_none_or(|end| Instant::now() < end)
    }
}

#[derive(Clone)]
struct Parts<O> {
    key: Option<Target<O>>,
    value: Option<Target<O>>,
}

impl<O> Parts<O> {
    #[inline]
    fn of(&self, part: Part) -> Option<&Target<O>> {
        match part {
            Part::Key => self.key.as_ref(),
            Part::Value => self.value.as_ref(),
        }
        .filter(|target| target.is_good())
    }
}

/// What a language has to say.
pub trait Own {
    /// What stands for a schema that is not the serializer's own.
    type Other: Clone + Send + Sync + 'static;

    /// The schema to register.
    fn request(&self) -> &RegisterRequest;

    /// The full name of the record's type, if it has one.
    fn record_name(&self) -> Option<&str>;

    /// A schema that the registry has chosen. If `strict`, it has to be able to read what the
    /// serializer's own writes.
    fn other(&self, known: &Known, strict: bool) -> Result<Self::Other, ClientError>;
}

pub(crate) struct Targets<O> {
    pub(crate) client: RegistryClient,
    pub(crate) choice: Choice,
    pub(crate) normalize: bool,
    pub(crate) subjects: SubjectNameStrategy,
    known: Snapshot<String, Parts<O>>,
    /// One asks at a time. What the registry has refused, and until when it is not asked again.
    asking: Mutex<Refusals>,
}

type Refusals = HashMap<(String, Part), (ClientError, Instant)>;

impl<O: Clone + Send + Sync + 'static> Targets<O> {
    pub(crate) fn new(client: RegistryClient) -> Targets<O> {
        Targets {
            client,
            choice: Choice::Register,
            normalize: false,
            subjects: SubjectNameStrategy::default(),
            known: Snapshot::new(TOPICS_MAX),
            asking: Mutex::default(),
        }
    }

    /// Writes with what is known already without a lock, and without a count that other threads share.
    #[inline]
    pub(crate) async fn with<R>(
        &self,
        own: &impl Own<Other = O>,
        topic: &str,
        part: Part,
        write: impl Fn(&Target<O>) -> Result<R, ClientError>,
    ) -> Result<R, ClientError> {
        let known = || self.known.with(topic, |parts| parts.of(part).map(&write)).flatten();
        if let Some(written) = known() {
            return written;
        }
        // on the heap: asking takes far more room than most calls need
        Box::pin(async {
            let mut refused = self.asking.lock().await;
            if let Some(written) = known() {
                return written;
            }
            let place = (topic.to_string(), part);
            if let Some((error, until)) = refused.get(&place)
                && Instant::now() < *until
            {
                return Err(error.clone());
            }
            let target = self.ask(own, topic, part).await.inspect_err(|error| {
                if error.is_refusal() {
                    if refused.len() >= TOPICS_MAX {
                        refused.clear();
                    }
                    let until = Instant::now() + self.client.missing_ttl();
                    refused.insert(place, (error.clone(), until));
                }
            })?;
            let written = write(&target);
            self.known.update(topic.to_string(), |parts| {
                let mut parts = parts.cloned().unwrap_or(Parts { key: None, value: None });
                match part {
                    Part::Key => parts.key = Some(target.clone()),
                    Part::Value => parts.value = Some(target.clone()),
                }
                parts
            });
            written
        })
        .await
    }

    async fn ask(
        &self,
        own: &impl Own<Other = O>,
        topic: &str,
        part: Part,
    ) -> Result<Target<O>, ClientError> {
        let (client, normalize) = (&self.client, self.normalize);
        let written = |id, guid| Target { id: Some(id), guid, other: None, good_until: None };
        let subject = || self.subjects.subject(topic, part, own.record_name());
        let asked = Instant::now();
        match &self.choice {
            Choice::Register => {
                let found = client.register(&subject()?, own.request(), normalize).await?;
                Ok(written(found.id, found.guid))
            }
            Choice::LookUp => {
                let found = client.lookup(&subject()?, own.request(), normalize).await?;
                Ok(written(found.id, found.guid))
            }
            Choice::Named { name, strict } => self.chosen(own, *name, *strict, None).await,
            Choice::Latest { strict, max_age } => {
                let latest = client.version(&subject()?, VersionSpec::Latest).await?;
                let good_until = asked.checked_add(*max_age);
                self.chosen(own, latest.id.into(), *strict, good_until).await
            }
            Choice::WithMetadata { metadata, strict, max_age } => {
                let found = self.latest_with(&subject()?, metadata).await?;
                self.chosen(own, found.into(), *strict, asked.checked_add(*max_age)).await
            }
        }
    }

    async fn latest_with(
        &self,
        subject: &Subject,
        metadata: &[(String, String)],
    ) -> Result<SchemaId, ClientError> {
        let metadata: Vec<(&str, &str)> =
            metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        Ok(self.client.latest_with_metadata(subject, &metadata).await?.id)
    }

    /// A schema of the registry's to write with.
    async fn chosen(
        &self,
        own: &impl Own<Other = O>,
        name: SchemaName,
        strict: bool,
        good_until: Option<Instant>,
    ) -> Result<Target<O>, ClientError> {
        let known: Arc<Known> = self.client.known(name).await?;
        let other = Some(own.other(&known, strict)?);
        Ok(Target { id: known.fetched.id, guid: known.fetched.guid, other, good_until })
    }
}
