//! Which schema a topic's records are written with, and what the registry calls it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_registry_api::{Guid, RegisterRequest, SchemaId, Subject, VersionSpec};

use crate::cache::Refusals;
use crate::client::RegistryClient;
use crate::codec::Known;
use crate::error::{ClientError, Record};
use crate::frame::SchemaName;
use crate::part::Part;
use crate::runtime::Flights;
use crate::snapshot::Snapshot;
use crate::subject::{SubjectNameStrategy, check_topic};

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
    /// What an error calls a record that is written so.
    #[cold]
    pub(crate) fn record(&self, topic: &str, part: Part) -> Record {
        let schema = self.id.map(SchemaName::Id).or(self.guid.map(SchemaName::Guid));
        Record { schema, topic: Some((topic.to_string(), part)) }
    }

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
    refused: Refusals<(String, Part)>,
    flights: Arc<Flights<(String, Part), Found>>,
    /// What the registry has said: who asks just after others have been answered asks nobody.
    found: Arc<Snapshot<(String, Part), Found>>,
}

/// What the registry says of a topic's schema.
#[derive(Clone)]
struct Found {
    id: Option<SchemaId>,
    guid: Option<Guid>,
    /// The schema, if it is not the serializer's own.
    other: Option<(Arc<Known>, bool)>,
    good_until: Option<Instant>,
}

impl Found {
    fn is_good(&self) -> bool {
        self.good_until.is_none_or(|end| Instant::now() < end)
    }
}

impl<O: Clone + Send + Sync + 'static> Targets<O> {
    pub(crate) fn new(client: RegistryClient) -> Targets<O> {
        Targets {
            choice: Choice::Register,
            normalize: false,
            subjects: SubjectNameStrategy::default(),
            known: Snapshot::new(TOPICS_MAX),
            refused: Refusals::new(client.missing_ttl()),
            flights: Arc::default(),
            found: Arc::new(Snapshot::new(2 * TOPICS_MAX)),
            client,
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
            let place = (topic.to_string(), part);
            self.refused.check(&place)?;
            let target = self.ask(own, &place).await.inspect_err(|error| {
                if error.is_refusal() {
                    self.refused.remember(place, error);
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
        place: &(String, Part),
    ) -> Result<Target<O>, ClientError> {
        let (client, choice, normalize) =
            (self.client.clone(), self.choice.clone(), self.normalize);
        check_topic(&place.0)?;
        let subject = match choice {
            Choice::Named { .. } => None,
            _ => Some(self.subjects.subject(&place.0, place.1, own.record_name())?),
        };
        let request = own.request();
        let found = self.flights.answer(place.clone(), || {
            let (request, known, place) = (request.clone(), self.found.clone(), place.clone());
            async move {
                let good = known.view().get(&place).filter(|found| found.is_good()).cloned();
                if let Some(found) = good {
                    return Ok(found);
                }
                let found = find(&client, choice, subject, &request, normalize).await?;
                known.insert(place, found.clone());
                Ok(found)
            }
        });
        let Found { id, guid, other, good_until } = found.await?;
        let other = match other {
            Some((known, strict)) => Some(own.other(&known, strict)?),
            None => None,
        };
        Ok(Target { id, guid, other, good_until })
    }
}

async fn find(
    client: &RegistryClient,
    choice: Choice,
    subject: Option<Subject>,
    request: &RegisterRequest,
    normalize: bool,
) -> Result<Found, ClientError> {
    let asked = Instant::now();
    let own = |id, guid| Found { id: Some(id), guid, other: None, good_until: None };
    let no_subject = || ClientError::Configuration("the topic has no subject".into());
    let subject = || subject.as_ref().ok_or_else(no_subject);
    let (name, strict, max_age) = match choice {
        Choice::Register => {
            let found = client.register(subject()?, request, normalize).await?;
            return Ok(own(found.id, found.guid));
        }
        Choice::LookUp => {
            let found = client.lookup(subject()?, request, normalize).await?;
            return Ok(own(found.id, found.guid));
        }
        Choice::Named { name, strict } => (name, strict, None),
        Choice::Latest { strict, max_age } => {
            let latest = client.version(subject()?, VersionSpec::Latest).await?;
            (latest.id.into(), strict, Some(max_age))
        }
        Choice::WithMetadata { metadata, strict, max_age } => {
            let metadata: Vec<(&str, &str)> =
                metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let found = client.latest_with_metadata(subject()?, &metadata).await?;
            (found.id.into(), strict, Some(max_age))
        }
    };
    let known = client.known(name).await?;
    Ok(Found {
        id: known.fetched.id,
        guid: known.fetched.guid,
        other: Some((known, strict)),
        good_until: max_age.and_then(|max_age| asked.checked_add(max_age)),
    })
}
