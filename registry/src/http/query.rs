//! What the operations' queries ask: a struct with a field for each parameter, one struct for what is asked together.

use serde::Deserialize;
use weir_registry_api::Subject;
use weir_registry_core::RegisterOptions;

use super::request::behind_alias;
use crate::Registry;

/// Declares queries. Parameters that are not given are false, none or empty.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, Deserialize)]
            #[serde(default, rename_all = "camelCase")]
            pub(super) struct $name {
                $($(#[$meta])* pub(super) $field: $type,)*
            }
        )*
    };
}

queries! {
    ListSubjects { subject_prefix: Option<String>, deleted: bool, deleted_only: bool }
    LookUp { normalize: bool, deleted: bool }
    LatestWithMetadata { key: Vec<String>, value: Vec<String>, deleted: bool }
    ListVersions { deleted: bool, deleted_only: bool, deleted_as_negative: bool }
    /// Whether soft-deleted ones count.
    Deleted { deleted: bool }
    /// Whether something is deleted for good.
    Deletion { permanent: bool }
    /// Whether a schema is normalized first, and whether it is checked for compatibility.
    Registering { normalize: bool, force: bool }
    Checking { normalize: bool, verbose: bool }
    ListSchemas {
        subject_prefix: Option<String>,
        aliases: bool,
        deleted: bool,
        latest_only: bool,
        rule_type: Option<String>,
    }
    /// Which associations a listed subject has to have.
    Associated {
        resource_type: Option<String>,
        association_type: Vec<String>,
        lifecycle: Vec<String>,
    }
    /// The context in which an id is looked for, and the subject whose place in the answer is preferred.
    OfId { subject: Option<String>, fetch_max_id: bool }
    /// In which shape schemas are answered.
    Shaped {
        format: Option<String>,
        find_tags: Vec<String>,
        reference_format: Option<String>,
    }
    DefaultToGlobal { default_to_global: bool }
    Forcing { force: bool }
    Recursion { recursive: bool }
    ListContexts { context_prefix: Option<String> }
    ListAssociations {
        resource_type: Option<String>,
        association_type: Vec<String>,
        lifecycle: Option<String>,
    }
    ChangingAssociations { context: Option<String>, dry_run: bool }
    DeletingAssociations {
        resource_type: Option<String>,
        association_type: Vec<String>,
        cascade_lifecycle: bool,
        dry_run: bool,
    }
    BatchGet { include_schemas: bool }
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
