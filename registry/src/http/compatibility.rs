//! `/compatibility`. Source: Confluent CompatibilityResource.

use axum::extract::State;
use weir_registry_api::{
    CompatibilityAnswer, RegisterRequest, RegistryError, Subject, VersionSpec,
};
use weir_registry_core::{Candidate, State as RegistryState, VersionEntry, check};

use super::answer::{Answer, Json, Refused};
use super::request::{Body, Params, SubjectPath, VersionPath};
use crate::Registry;

/// `POST /compatibility/subjects/{subject}/versions/{version}`: would this schema be compatible
/// with that version?
///
/// `normalize`, `verbose`. The latest of a subject that is not there is compatible with all. 40402 ·
/// 42201 unless verbose · 42202.
pub(super) async fn one(
    State(registry): State<Registry>,
    VersionPath(subject, spec): VersionPath,
    params: Params,
    Body(request): Body<RegisterRequest>,
) -> Answer<Json<CompatibilityAnswer>> {
    let state = registry.state();
    let version = match (state.find_version(&subject, spec, false), spec) {
        (Ok(found), _) => Some(*found),
        (Err(_), VersionSpec::Latest) => None,
        (Err(_), VersionSpec::Number(_)) => {
            let version = spec.to_string();
            return Err(Refused(RegistryError::VersionNotFound { version }));
        }
    };
    answer(&state, &subject, &request, &params, version.as_slice())
}

/// `POST /compatibility/subjects/{subject}/versions`: would this schema be compatible with the
/// subject, by its compatibility level?
///
/// `normalize`, `verbose`. 42201 unless verbose.
pub(super) async fn all(
    State(registry): State<Registry>,
    SubjectPath(subject): SubjectPath,
    params: Params,
    Body(request): Body<RegisterRequest>,
) -> Answer<Json<CompatibilityAnswer>> {
    let state = registry.state();
    let versions: Vec<VersionEntry> = state.live_versions(&subject).rev().copied().collect();
    answer(&state, &subject, &request, &params, &versions)
}

fn answer(
    state: &RegistryState,
    subject: &Subject,
    request: &RegisterRequest,
    params: &Params,
    versions: &[VersionEntry],
) -> Answer<Json<CompatibilityAnswer>> {
    let verbose = params.flag("verbose");
    let messages = match Candidate::new(state, subject, request, params.flag("normalize")) {
        Ok(candidate) => check(state, &candidate, state.effective_level(subject), versions.iter()),
        Err(error) if verbose && error.code() == 42201 => vec![error.to_string()],
        Err(error) => return Err(Refused(error)),
    };
    Ok(Json(CompatibilityAnswer {
        is_compatible: messages.is_empty(),
        messages: verbose.then_some(messages),
    }))
}
