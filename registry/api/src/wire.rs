//! Bodies of requests and answers. The order of fields is the order on the wire, which the
//! reference keeps, and what is empty is left out.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::contract::{Metadata, RuleSet};
use crate::json::{is_empty, null_is_default};
use crate::level::Mode;
use crate::name::{Context, Guid, SchemaId, Subject, Version};
use crate::text::SchemaText;

/// A schema that another one refers to. One that a request leaves incomplete names nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// What the schema calls what it refers to; in Avro the full name of the type.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    #[serde(default = "nothing", deserialize_with = "subject_or_nothing")]
    pub subject: Subject,
    /// -1 in a request means the latest; stored references have numbers.
    #[serde(default, deserialize_with = "null_is_default")]
    pub version: i32,
}

fn nothing() -> Subject {
    Subject::stored("")
}

fn subject_or_nothing<'de, D: Deserializer<'de>>(input: D) -> Result<Subject, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_else(nothing))
}

/// The language of a schema. What Weir does not parse is still kept and served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SchemaType {
    #[default]
    Avro,
    Json,
    Protobuf,
    Other(Arc<str>),
}

impl SchemaType {
    pub fn name(&self) -> &str {
        match self {
            SchemaType::Avro => "AVRO",
            SchemaType::Json => "JSON",
            SchemaType::Protobuf => "PROTOBUF",
            SchemaType::Other(name) => name,
        }
    }
}

impl From<&str> for SchemaType {
    fn from(name: &str) -> Self {
        match name {
            "AVRO" => SchemaType::Avro,
            "JSON" => SchemaType::Json,
            "PROTOBUF" => SchemaType::Protobuf,
            other => SchemaType::Other(other.into()),
        }
    }
}

impl Serialize for SchemaType {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for SchemaType {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(SchemaType::from(&*Cow::<str>::deserialize(input)?))
    }
}

/// Body of `POST /subjects/{subject}[/versions]` and of compatibility checks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegisterRequest {
    /// Absent or 0: the next; -1: the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// Only where schemas are imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_type: Option<SchemaType>,
    #[serde(skip_serializing_if = "is_empty", deserialize_with = "null_is_default")]
    pub references: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    #[serde(skip_serializing_if = "is_empty", deserialize_with = "null_is_default")]
    pub schema_tags_to_add: Vec<SchemaTags>,
    #[serde(skip_serializing_if = "is_empty", deserialize_with = "null_is_default")]
    pub schema_tags_to_remove: Vec<SchemaTags>,
    /// Whether the tags of the version before are carried over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_schema_tags: Option<bool>,
}

/// Tags of one part of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaTags {
    pub schema_entity: SchemaEntity,
    #[serde(default, deserialize_with = "null_is_default")]
    pub tags: Vec<String>,
}

/// A type or a field of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaEntity {
    pub entity_path: String,
    pub entity_type: EntityType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntityType {
    #[serde(rename = "sr_record", alias = "SR_RECORD")]
    Record,
    #[serde(rename = "sr_field", alias = "SR_FIELD")]
    Field,
}

/// Body of `POST /subjects/{subject}/versions/{version}/tags`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TagSchemaRequest {
    /// The version that this makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_version: Option<i32>,
    #[serde(skip_serializing_if = "is_empty", deserialize_with = "null_is_default")]
    pub tags_to_add: Vec<SchemaTags>,
    #[serde(skip_serializing_if = "is_empty", deserialize_with = "null_is_default")]
    pub tags_to_remove: Vec<SchemaTags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_to_merge: Option<RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_to_remove: Option<Vec<String>>,
}

/// Answer to `POST /subjects/{subject}/versions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterResponse {
    pub id: SchemaId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
    #[serde(default)]
    pub schema_type: SchemaType,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub references: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Arc<Metadata>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<Arc<RuleSet>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaText>,
}

/// A version of a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    pub subject: Subject,
    pub version: Version,
    pub id: SchemaId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
    #[serde(default)]
    pub schema_type: SchemaType,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub references: Arc<[Reference]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Arc<Metadata>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<Arc<RuleSet>>,
    pub schema: SchemaText,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub schema_tags: Vec<SchemaTags>,
    /// When the version was written, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    /// Whether it is soft-deleted; answers to lookups and registrations do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
    /// Subjects that are other names of this one, where they are asked for.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub aliases: Vec<Subject>,
    /// Resources that the subject belongs to, where they are asked for.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub associations: Vec<Association>,
}

/// A schema by its id or guid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaString {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Not Confluent's, whose Python client looks for it all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SchemaId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
    #[serde(default)]
    pub schema_type: SchemaType,
    pub schema: SchemaText,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub references: Arc<[Reference]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Arc<Metadata>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<Arc<RuleSet>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub schema_tags: Vec<SchemaTags>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_id: Option<SchemaId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    /// Whether it is soft-deleted; answers to lookups and registrations do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

/// An item of `GET /schemas/guids/{guid}/ids`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextId {
    pub context: Context,
    pub id: SchemaId,
}

/// An item of `GET /schemas/ids/{id}/versions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectVersion {
    pub subject: Subject,
    pub version: Version,
}

/// Answer to a compatibility check; messages are there, possibly none, if they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompatibilityAnswer {
    pub is_compatible: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<String>>,
    /// The messages in a form for programs. Not Confluent's: no client of theirs looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incompatibilities: Option<Vec<Incompatibility>>,
}

/// One reason why a submitted schema does not go with a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incompatibility {
    /// The broken rule: Confluent's `errorType`.
    pub rule: String,
    /// The version that it does not go with.
    pub version: Version,
    /// Where in the submitted schema, and where in the version: JSON pointers, or names and numbers
    /// in Protobuf.
    pub path: String,
    pub version_path: String,
    /// Where in the submitted text, from 1; absent if the text has no lines to speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What to change, in one sentence.
    pub fix: String,
}

/// Body and answer of `/mode[/{subject}]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeBody {
    pub mode: Mode,
}

/// A subject of a resource. The order of fields is the order on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    pub subject: Subject,
    pub guid: String,
    pub resource_name: String,
    pub resource_namespace: String,
    pub resource_id: String,
    pub resource_type: String,
    pub association_type: String,
    pub lifecycle: Lifecycle,
    #[serde(default)]
    pub frozen: bool,
    /// When it was made, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_ts: Option<i64>,
    /// When it was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_ts: Option<i64>,
}

/// Whose the subject is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Lifecycle {
    /// The subject is the resource's: it goes with it.
    Strong,
    /// The subject is its own: the resource uses it.
    #[default]
    Weak,
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lifecycle::Strong => "STRONG",
            Lifecycle::Weak => "WEAK",
        })
    }
}
