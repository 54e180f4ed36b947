//! A schema's text as a registry has it, with the texts that it refers to.

use serde::{Deserialize, Serialize};
use weir_registry_api::{Guid, SchemaId, SchemaType};

use crate::frame::SchemaName;

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

impl Fetched {
    /// What an error calls it: the id if that is known.
    pub(crate) fn name(&self) -> Option<SchemaName> {
        self.id.map(SchemaName::Id).or(self.guid.map(SchemaName::Guid))
    }

    pub(crate) fn shown(&self) -> String {
        self.name().map(|name| name.to_string()).unwrap_or_default()
    }
}

/// Names and texts, as parsers take them.
pub(crate) fn pairs(references: &[ReferenceText]) -> Vec<(&str, &str)> {
    references.iter().map(|r| (r.name.as_str(), r.schema.as_str())).collect()
}
