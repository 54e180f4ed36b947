//! A registry's schema with all that it refers to, and what reads and writes data of it.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_registry_api::{
    Guid, Reference, SchemaId, SchemaString, SchemaType, Subject, Version, VersionSpec,
};
use weir_schema::avro;

use crate::avro::AvroCodec;
use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::SchemaName;
use crate::protobuf::ProtobufCodec;
use crate::reason::Reason;

/// Schemas that one may refer to, through others too.
const REFERENCES_MAX: usize = 10_000;

/// A schema as the registry has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    /// None if it was asked for by its guid.
    pub(crate) id: Option<SchemaId>,
    /// Registries of before 8.0 have none.
    pub(crate) guid: Option<Guid>,
    pub(crate) schema_type: SchemaType,
    pub(crate) schema: String,
    pub(crate) references: Vec<ReferenceText>,
}

/// What a schema refers to by a name, after all that it refers to itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReferenceText {
    pub(crate) name: String,
    pub(crate) schema: String,
}

/// A schema, ready to read and write with.
#[derive(Debug)]
pub struct Known {
    pub(crate) fetched: Fetched,
    codec: Codec,
}

#[derive(Debug)]
enum Codec {
    Avro(Arc<AvroCodec>),
    #[cfg(feature = "json-schema")]
    Json(Arc<crate::json::JsonCodec>),
    Protobuf(Arc<ProtobufCodec>),
    Other,
}

impl Codec {
    fn of(fetched: &Fetched) -> Result<Codec, ClientError> {
        Ok(match fetched.schema_type {
            SchemaType::Avro => Codec::Avro(Arc::new(AvroCodec::new(fetched)?)),
            #[cfg(feature = "json-schema")]
            SchemaType::Json => Codec::Json(Arc::new(crate::json::JsonCodec::new(fetched)?)),
            #[cfg(not(feature = "json-schema"))]
            SchemaType::Json => Codec::Other,
            SchemaType::Protobuf => Codec::Protobuf(Arc::new(ProtobufCodec::new(fetched)?)),
            SchemaType::Other(_) => Codec::Other,
        })
    }
}

impl Known {
    pub(crate) fn new(fetched: Fetched) -> Result<Known, ClientError> {
        let codec = Codec::of(&fetched).map_err(|error| error.of_schema(&fetched.shown()))?;
        Ok(Known { fetched, codec })
    }

    pub(crate) fn avro(&self) -> Result<&Arc<AvroCodec>, ClientError> {
        match &self.codec {
            Codec::Avro(codec) => Ok(codec),
            _ => Err(self.not(SchemaType::Avro)),
        }
    }

    #[cfg(feature = "json-schema")]
    pub(crate) fn json(&self) -> Result<&Arc<crate::json::JsonCodec>, ClientError> {
        match &self.codec {
            Codec::Json(codec) => Ok(codec),
            _ => Err(self.not(SchemaType::Json)),
        }
    }

    pub(crate) fn protobuf(&self) -> Result<&Arc<ProtobufCodec>, ClientError> {
        match &self.codec {
            Codec::Protobuf(codec) => Ok(codec),
            _ => Err(self.not(SchemaType::Protobuf)),
        }
    }

    fn not(&self, wanted: SchemaType) -> ClientError {
        let (is, wanted) = (self.fetched.schema_type.name(), wanted.name());
        ClientError::Schema(
            format!("schema {} is {is} and not {wanted}", self.fetched.shown()).into(),
        )
    }

    /// The error of a schema that is to be written with and cannot read what a serializer's own writes.
    pub(crate) fn cannot_read(&self, why: impl std::fmt::Display) -> ClientError {
        let shown = self.fetched.shown();
        ClientError::Schema(
            format!("schema {shown} cannot read what this one writes: {why}").into(),
        )
    }
}

impl Fetched {
    /// What an error calls it: the id if that is known.
    pub(crate) fn name(&self) -> Option<SchemaName> {
        self.id.map(SchemaName::Id).or(self.guid.map(SchemaName::Guid))
    }

    pub(crate) fn shown(&self) -> String {
        self.name().map(|name| name.to_string()).unwrap_or_default()
    }

    pub(crate) async fn ask(
        client: &RegistryClient,
        name: SchemaName,
    ) -> Result<Fetched, ClientError> {
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
}

/// Names and texts, as parsers take them.
pub(crate) fn pairs(references: &[ReferenceText]) -> Vec<(&str, &str)> {
    references.iter().map(|r| (r.name.as_str(), r.schema.as_str())).collect()
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

/// Parses an Avro text with what it refers to.
pub(crate) fn parse_avro(
    text: &str,
    references: &[ReferenceText],
    options: avro::ParseOptions,
) -> Result<avro::Schema, ClientError> {
    let unusable = |e: avro::ParseError| ClientError::Schema(Reason::of(e));
    let mut parser = avro::Parser::new(options);
    for reference in references {
        parser.reference(&reference.schema).map_err(unusable)?;
    }
    parser.parse(text).map_err(unusable)
}

/// A reference as it is meant in the context of the subject that has it.
fn qualified(reference: &Reference, parent: &Subject) -> Reference {
    Reference { subject: reference.subject.beside(parent), ..reference.clone() }
}
