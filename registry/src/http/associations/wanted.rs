//! Which associations are asked for.

use weir_registry_api::association::TOPIC;
use weir_registry_api::{Association, Lifecycle, Subject};
use weir_registry_core::State as RegistryState;

use super::super::query::Associated;

/// Which associations are asked for.
pub(super) struct Wanted<'a> {
    pub(super) resource_type: &'a str,
    /// Which types are wanted; all, if none is named.
    pub(super) association_types: &'a [String],
    pub(super) lifecycle: Option<Lifecycle>,
}

impl Wanted<'_> {
    pub(super) fn has(&self, association: &Association) -> bool {
        association.resource_type == self.resource_type
            && (self.association_types.is_empty()
                || self.association_types.contains(&association.association_type))
            && self.lifecycle.is_none_or(|lifecycle| lifecycle == association.lifecycle)
    }
}

/// The resource type that is named, or the one that is meant where none is.
pub(super) fn resource_type(named: Option<&str>) -> &str {
    named.filter(|given| !given.is_empty()).unwrap_or(TOPIC)
}

pub(super) fn lifecycle(name: &str) -> Option<Lifecycle> {
    [Lifecycle::Strong, Lifecycle::Weak].into_iter().find(|known| known.to_string() == name)
}

/// Returns true if `GET /schemas` is asked for lifecycles that there are.
pub(in super::super) fn lifecycles_are_known(asked: &Associated) -> bool {
    asked.lifecycle.iter().all(|name| name == "NONE" || lifecycle(name).is_some())
}

/// Returns true if `GET /schemas` is to show a subject, by its associations. `NONE` is a lifecycle there:
/// that of subjects without.
pub(in super::super) fn wanted(
    state: &RegistryState,
    subject: &Subject,
    asked: &Associated,
) -> bool {
    let has_none = || of_type(state, subject, asked).next().is_none();
    !asks(asked)
        || !shown(state, subject, asked).is_empty()
        || (asked.lifecycle.iter().any(|name| name == "NONE") && has_none())
}

/// The associations that `GET /schemas` is to show with a subject: those that it was asked for.
pub(in super::super) fn shown(
    state: &RegistryState,
    subject: &Subject,
    asked: &Associated,
) -> Vec<Association> {
    if !asks(asked) {
        return Vec::new();
    }
    let has = |a: &&Association| {
        asked.lifecycle.is_empty()
            || asked.lifecycle.iter().any(|l| lifecycle(l) == Some(a.lifecycle))
    };
    of_type(state, subject, asked).filter(has).cloned().collect()
}

fn asks(asked: &Associated) -> bool {
    asked.resource_type.is_some()
        || !asked.association_type.is_empty()
        || !asked.lifecycle.is_empty()
}

fn of_type<'a>(
    state: &'a RegistryState,
    subject: &Subject,
    asked: &'a Associated,
) -> impl Iterator<Item = &'a Association> {
    let wanted = Wanted {
        resource_type: resource_type(asked.resource_type.as_deref()),
        association_types: &asked.association_type,
        lifecycle: None,
    };
    state.associations().of_subject(subject).map(|a| &**a).filter(move |a| wanted.has(a))
}
