//! Changing modes.

use weir_registry_api::{Mode, RegistryError, Subject};

use super::delete::refuse_referenced;
use super::{Decision, Outcome, tombstone};
use crate::record::Record;
use crate::state::State;

/// Sets a mode. To begin an import nothing may be there that is not deleted, unless it is forced;
/// what is soft-deleted goes for good. 42204 · 42205 · 42206.
pub(super) fn put(
    state: &State,
    scope: Option<&Subject>,
    mode: Mode,
    force: bool,
) -> Result<Decision, RegistryError> {
    if mode == Mode::Forward && !scope.is_some_and(Subject::is_global) {
        return Err(RegistryError::ForwardIsGlobal);
    }
    let mut records = Vec::new();
    if mode == Mode::Import && state.effective_mode(scope) != Mode::Import && !force {
        records = cleared(state, scope)?;
    }
    records.push(Record::Mode { subject: scope.cloned(), value: Some(mode) });
    Ok(Decision { records, outcome: Outcome::Done })
}

fn cleared(state: &State, scope: Option<&Subject>) -> Result<Vec<Record>, RegistryError> {
    if state.subjects_in_scope(scope).any(|(_, versions)| versions.iter().any(|v| !v.deleted)) {
        return Err(RegistryError::ImportNeedsNoSubjects);
    }
    let mut records = Vec::new();
    for (subject, versions) in state.subjects_in_scope(scope) {
        for version in versions {
            refuse_referenced(state, subject, version.version, |other| {
                scope != Some(&other.subject) && !is_inside(Some(&other.subject), scope)
            })?;
            records.push(tombstone(subject, version.version));
        }
    }
    records.push(Record::ClearSubject { subject: scope.cloned() });
    Ok(records)
}

pub(super) fn delete(
    state: &State,
    scope: Option<&Subject>,
    recursive: bool,
) -> Result<Decision, RegistryError> {
    let old = match (state.mode(scope), scope) {
        (Some(mode), _) => mode,
        (None, Some(_)) if recursive => state.effective_mode(scope),
        (None, Some(subject)) if !subject.is_global() => {
            return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
        }
        (None, _) => Mode::default(),
    };
    let mut records = vec![Record::Mode { subject: scope.cloned(), value: None }];
    if recursive {
        let inner =
            state.scopes_with_mode().filter(|inner| *inner != scope && is_inside(*inner, scope));
        records.extend(inner.map(|s| Record::Mode { subject: s.cloned(), value: None }));
    }
    Ok(Decision { records, outcome: Outcome::Mode(old) })
}

/// Whether a scope is one of a context's subjects, or any, if the outer one is all contexts.
fn is_inside(inner: Option<&Subject>, outer: Option<&Subject>) -> bool {
    if outer.is_some_and(Subject::is_global) {
        return true;
    }
    let (context, name) = outer.map_or((".", ""), Subject::parts);
    name.is_empty() && inner.is_some_and(|inner| inner.parts().0 == context)
}
