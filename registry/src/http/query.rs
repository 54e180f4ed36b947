//! What the operations' queries ask: a struct with a field for each parameter, one struct for what is asked together.

use serde::Deserialize;
use weir_registry_api::Subject;
use weir_registry_core::RegisterOptions;

use super::rights::behind_alias;
use crate::Registry;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListSubjects {
    pub(super) subject_prefix: Option<String>,
    pub(super) deleted: bool,
    pub(super) deleted_only: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LookUp {
    pub(super) normalize: bool,
    pub(super) deleted: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LatestWithMetadata {
    pub(super) key: Vec<String>,
    pub(super) value: Vec<String>,
    pub(super) deleted: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListVersions {
    pub(super) deleted: bool,
    pub(super) deleted_only: bool,
    pub(super) deleted_as_negative: bool,
}

/// Whether soft-deleted ones count.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Deleted {
    pub(super) deleted: bool,
}

/// Whether something is deleted for good.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Deletion {
    pub(super) permanent: bool,
}

/// Whether a schema is normalized first, and whether it is checked for compatibility.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Registering {
    pub(super) normalize: bool,
    pub(super) force: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Checking {
    pub(super) normalize: bool,
    pub(super) verbose: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListSchemas {
    pub(super) subject_prefix: Option<String>,
    pub(super) aliases: bool,
    pub(super) deleted: bool,
    pub(super) latest_only: bool,
    pub(super) rule_type: Option<String>,
}

/// Which associations a listed subject has to have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Associated {
    pub(super) resource_type: Option<String>,
    pub(super) association_type: Vec<String>,
    pub(super) lifecycle: Vec<String>,
}

/// The context in which an id is looked for, and the subject whose place in the answer is preferred.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OfId {
    pub(super) subject: Option<String>,
}

/// Whether the highest id of the context is answered too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct MaxId {
    pub(super) fetch_max_id: bool,
}

/// In which format a schema's text is answered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Formatted {
    pub(super) format: Option<String>,
}

/// In which shape schemas are answered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Shaped {
    pub(super) format: Option<String>,
    pub(super) find_tags: Vec<String>,
    pub(super) reference_format: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DefaultToGlobal {
    pub(super) default_to_global: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Forcing {
    pub(super) force: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Recursion {
    pub(super) recursive: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListContexts {
    pub(super) context_prefix: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListAssociations {
    pub(super) resource_type: Option<String>,
    pub(super) association_type: Vec<String>,
    pub(super) lifecycle: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ChangingAssociations {
    pub(super) context: Option<String>,
    pub(super) dry_run: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DeletingAssociations {
    pub(super) resource_type: Option<String>,
    pub(super) association_type: Vec<String>,
    pub(super) cascade_lifecycle: bool,
    pub(super) dry_run: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct BatchGet {
    pub(super) include_schemas: bool,
}

impl Registering {
    pub(super) fn options(&self) -> RegisterOptions {
        RegisterOptions { normalize: self.normalize, force: self.force }
    }
}

impl OfId {
    /// The subject that is named, or the one that it is an alias of.
    pub(super) fn subject(&self, registry: &Registry) -> Option<Subject> {
        let named = self.subject.as_deref().filter(|name| !name.is_empty())?;
        Some(behind_alias(registry, Subject::written(named)))
    }
}

impl From<Formatted> for Shaped {
    fn from(formatted: Formatted) -> Shaped {
        Shaped { format: formatted.format, ..Shaped::default() }
    }
}

impl Shaped {
    /// Returns true if schemas are wanted as they are stored.
    pub(super) fn is_plain(&self) -> bool {
        self.format.is_none() && self.find_tags.is_empty() && self.reference_format.is_none()
    }
}

/// Which part of a list is wanted. 32 bits, as in the reference: what is larger is no number to it.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Paging {
    offset: i32,
    limit: i32,
}

impl Default for Paging {
    fn default() -> Paging {
        Paging { offset: 0, limit: -1 }
    }
}

impl Paging {
    /// The page that is wanted of a list, of at most `limit_max` items: also where the limit is not in
    /// `1 ..= limit_max`.
    pub(super) fn of<T>(&self, items: impl Iterator<Item = T>, limit_max: usize) -> Vec<T> {
        let limit = usize::try_from(self.limit).unwrap_or(0);
        let limit = if (1..=limit_max).contains(&limit) { limit } else { limit_max };
        items.skip(usize::try_from(self.offset).unwrap_or(0)).take(limit).collect()
    }
}
