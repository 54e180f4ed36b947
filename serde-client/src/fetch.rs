//! Schemas that a client has not read yet: each is asked for once, however many want it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use weir_registry_api::{Reference, SchemaString, Subject, Version, VersionSpec};

use crate::client::RegistryClient;
use crate::codec::{AvroCodec, Known, ProtobufCodec};
use crate::error::ClientError;
use crate::fetched::{Fetched, ReferenceText};
use crate::frame::SchemaName;
use crate::ids;

/// Schemas that one may refer to, through others too.
const REFERENCES_MAX: usize = 10_000;

impl RegistryClient {
    /// The Avro schema of an id or a guid, ready to read and write with. Asked for once, however many
    /// ask at the same time, and kept: neither ever changes its meaning. That the registry does not
    /// have it, or that it cannot be used, is kept for
    /// [`missing_ttl`](crate::ClientBuilder::missing_ttl); other failures are not.
    pub async fn avro_codec(
        &self,
        name: impl Into<SchemaName>,
    ) -> Result<Arc<AvroCodec>, ClientError> {
        Ok(self.known(name.into()).await?.avro()?.clone())
    }

    /// The Protobuf schema of an id or a guid, kept as [`avro_codec`](Self::avro_codec) keeps Avro's.
    pub async fn protobuf_codec(
        &self,
        name: impl Into<SchemaName>,
    ) -> Result<Arc<ProtobufCodec>, ClientError> {
        Ok(self.known(name.into()).await?.protobuf()?.clone())
    }

    /// The JSON Schema of an id or a guid, kept as [`avro_codec`](Self::avro_codec) keeps Avro's.
    #[cfg(feature = "json-schema")]
    pub async fn json_codec(
        &self,
        name: impl Into<SchemaName>,
    ) -> Result<Arc<crate::codec::JsonCodec>, ClientError> {
        Ok(self.known(name.into()).await?.json()?.clone())
    }

    /// A schema, from the cache or the registry.
    pub(crate) async fn known(&self, name: SchemaName) -> Result<Arc<Known>, ClientError> {
        let cache = self.cache();
        if let Some(known) = cache.find(name) {
            return Ok(known);
        }
        ids::check(name)?;
        cache.missing.check(&name)?;
        let client = self.clone();
        cache.flights.answer(name, || async move { client.ask(name).await }).await
    }

    /// Asks the registry for a schema, unless somebody else has just done so.
    async fn ask(&self, name: SchemaName) -> Result<Arc<Known>, ClientError> {
        let cache = self.cache();
        if let Some(known) = cache.find(name) {
            return Ok(known);
        }
        self.counters().fetches.fetch_add(1, Ordering::Relaxed);
        let known = match fetch(self, name).await {
            Ok(fetched) => Known::new(fetched),
            Err(error) => Err(error),
        };
        match known {
            Ok(known) => {
                let known = Arc::new(known);
                cache.known.insert(name, known.clone());
                Ok(known)
            }
            Err(error) => {
                let is_missing = matches!(error, ClientError::Registry { status: 404, .. });
                if is_missing || matches!(error, ClientError::Schema(_)) {
                    cache.missing.remember(name, &error);
                }
                Err(error)
            }
        }
    }
}

/// Asks the registry for a schema, and for all that it refers to.
async fn fetch(client: &RegistryClient, name: SchemaName) -> Result<Fetched, ClientError> {
    let (answer, id, guid): (SchemaString, _, _) = match name {
        SchemaName::Id(id) => {
            let answer = client.schema_by_id(id).await?;
            let guid = answer.guid;
            (answer, Some(id), guid)
        }
        SchemaName::Guid(guid) => (client.schema_by_guid(guid).await?, None, Some(guid)),
    };
    let parent = answer.subject.unwrap_or_else(|| Subject::stored(""));
    let references: Vec<Reference> =
        answer.references.iter().map(|reference| qualified(reference, &parent)).collect();
    Ok(Fetched {
        id,
        guid,
        schema_type: answer.schema_type,
        schema: answer.schema.text().into_owned(),
        references: resolve(client, &references).await?,
    })
}

/// Finds all that a schema refers to, directly and through others: each after what it refers to itself.
pub(crate) async fn resolve(
    client: &RegistryClient,
    references: &[Reference],
) -> Result<Vec<ReferenceText>, ClientError> {
    enum Visit {
        Enter(Reference),
        Leave(ReferenceText),
    }
    let mut found = Vec::new();
    let mut seen: HashSet<Reference> = HashSet::new();
    let mut stack: Vec<Visit> = references.iter().rev().cloned().map(Visit::Enter).collect();
    while let Some(visit) = stack.pop() {
        let reference = match visit {
            Visit::Leave(text) => {
                found.push(text);
                continue;
            }
            Visit::Enter(reference) => reference,
        };
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
        let version = client.version(&reference.subject, version).await?;
        let schema = version.schema.text().into_owned();
        stack.push(Visit::Leave(ReferenceText { name: reference.name, schema }));
        let inner = version.references.iter().rev();
        stack.extend(inner.map(|r| Visit::Enter(qualified(r, &version.subject))));
    }
    Ok(found)
}

/// A reference as it is meant in the context of the subject that has it.
fn qualified(reference: &Reference, parent: &Subject) -> Reference {
    Reference { subject: reference.subject.beside(parent), ..reference.clone() }
}
