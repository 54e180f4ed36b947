//! Bodies of requests and answers. The order of fields is the order on the wire, which the
//! reference keeps, and what is empty is left out.

use serde::{Deserialize, Deserializer, Serialize};

use crate::level::{CompatibilityLevel, Mode};
use crate::name::{Guid, SchemaId, Subject, Version};

/// A schema that another one refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// For Avro, the full name of the type.
    pub name: String,
    pub subject: Subject,
    /// -1 in a request means the latest; stored references have numbers.
    pub version: i32,
}

/// The language of a schema. What Weir does not parse is still kept and served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaType(pub String);

impl SchemaType {
    pub fn avro() -> SchemaType {
        SchemaType("AVRO".into())
    }

    pub fn is_avro(&self) -> bool {
        self.0 == "AVRO"
    }
}

impl Default for SchemaType {
    fn default() -> Self {
        SchemaType::avro()
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
    pub schema: Option<String>,
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
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schema: String,
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
    pub references: Vec<Reference>,
    pub schema: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub deleted: bool,
}

/// A schema by its id or guid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaString {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
    #[serde(default)]
    pub schema_type: SchemaType,
    pub schema: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub references: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_id: Option<SchemaId>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub deleted: bool,
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
}

/// Answer to `GET` and `DELETE /config[/{subject}]`, and what the log keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_level: Option<CompatibilityLevel>,
}

/// Body of `PUT /config[/{subject}]`, and its answer. A field that is absent stays as it is, one
/// that is null is cleared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigUpdate {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub normalize: Option<Option<bool>>,
    /// A level's name in any case; checked by the registry, which has its own error for it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub compatibility: Option<Option<String>>,
}

/// Body and answer of `/mode[/{subject}]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeBody {
    pub mode: Mode,
}

fn is_empty<T>(items: &[T]) -> bool {
    items.is_empty()
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(input).map(Some)
}

fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    input: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
