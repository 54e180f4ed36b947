//! Which associations are asked for.

use weir_registry_api::association::TOPIC;
use weir_registry_api::{Association, Lifecycle, Subject};
use weir_registry_core::State as RegistryState;

use super::super::request::Params;

/// Which associations are asked for.
pub(super) struct Wanted<'a, S> {
    pub(super) resource_type: &'a str,
    /// Which types are wanted; all, if none is named.
    pub(super) association_types: &'a [S],
    pub(super) lifecycle: Option<Lifecycle>,
}

impl<S: AsRef<str>> Wanted<'_, S> {
    pub(super) fn has(&self, association: &Association) -> bool {
        let types = self.association_types;
        association.resource_type == self.resource_type
            && (types.is_empty()
                || types.iter().any(|t| t.as_ref() == association.association_type))
            && self.lifecycle.is_none_or(|lifecycle| lifecycle == association.lifecycle)
    }
}

pub(super) fn resource_type(params: &Params) -> String {
    params.text("resourceType").filter(|given| !given.is_empty()).unwrap_or(TOPIC).into()
}

pub(super) fn lifecycle(name: &str) -> Option<Lifecycle> {
    [Lifecycle::Strong, Lifecycle::Weak].into_iter().find(|known| known.to_string() == name)
}

/// Returns true if `GET /schemas` is asked for lifecycles that there are.
pub(in super::super) fn lifecycles_are_known(params: &Params) -> bool {
    params.all("lifecycle").all(|name| name == "NONE" || lifecycle(name).is_some())
}

/// Returns true if `GET /schemas` is to show a subject, by its associations. `NONE` is a lifecycle there:
/// that of subjects without.
pub(in super::super) fn wanted(state: &RegistryState, subject: &Subject, params: &Params) -> bool {
    let has_none = || of_type(state, subject, params).next().is_none();
    !asks(params)
        || !shown(state, subject, params).is_empty()
        || (params.all("lifecycle").any(|name| name == "NONE") && has_none())
}

/// The associations that `GET /schemas` is to show with a subject: those that it was asked for.
pub(in super::super) fn shown(
    state: &RegistryState,
    subject: &Subject,
    params: &Params,
) -> Vec<Association> {
    if !asks(params) {
        return Vec::new();
    }
    let any = params.all("lifecycle").next().is_none();
    let has = |a: &&Association| {
        any || params.all("lifecycle").any(|l| lifecycle(l) == Some(a.lifecycle))
    };
    of_type(state, subject, params).filter(has).cloned().collect()
}

fn asks(params: &Params) -> bool {
    ["resourceType", "associationType", "lifecycle"].iter().any(|name| params.text(name).is_some())
}

fn of_type<'a>(
    state: &'a RegistryState,
    subject: &Subject,
    params: &'a Params,
) -> impl Iterator<Item = &'a Association> {
    let (resource_type, types) = (resource_type(params), params.all("associationType"));
    let types: Vec<&str> = types.collect();
    state.associations().of_subject(subject).map(|a| &**a).filter(move |a| {
        let wanted =
            Wanted { resource_type: &resource_type, association_types: &types, lifecycle: None };
        wanted.has(a)
    })
}
