//! Changing modes.

use weir_registry_api::{Mode, RegistryError, Subject};

use super::guards::{refuse_referenced, tombstone};
use super::{Decide, Decision};
use crate::record::Record;
use crate::state::State;

/// Sets the mode of a scope; none is the default context.
#[derive(Clone, Debug)]
pub struct PutMode {
    pub scope: Option<Subject>,
    pub mode: Mode,
    /// Whether an import may begin beside schemas that are there.
    pub force: bool,
}

/// Takes a scope's mode away; none is the default context.
#[derive(Clone, Debug)]
pub struct DeleteMode {
    pub scope: Option<Subject>,
    /// Whether the modes of a context's subjects go too.
    pub recursive: bool,
}

impl Decide for PutMode {
    type Outcome = ();
    const CHANGES_MODE: bool = true;

    /// To begin an import nothing may be there that is not deleted, unless it is forced; what is
    /// soft-deleted goes for good. 42204 · 42205 · 42206.
    fn decide(&self, state: &State) -> Result<Decision<()>, RegistryError> {
        let (scope, mode) = (self.scope.as_ref(), self.mode);
        if mode == Mode::Forward && !scope.is_some_and(Subject::is_global) {
            return Err(RegistryError::ForwardIsGlobal);
        }
        let mut records = Vec::new();
        if mode == Mode::Import && state.effective_mode(scope) != Mode::Import && !self.force {
            records = cleared(state, scope)?;
        }
        records.push(Record::Mode { subject: scope.cloned(), value: Some(mode) });
        Ok(Decision { records, outcome: () })
    }
}

impl Decide for DeleteMode {
    /// The mode that the scope had.
    type Outcome = Mode;
    const CHANGES_MODE: bool = true;

    /// 40401.
    fn decide(&self, state: &State) -> Result<Decision<Mode>, RegistryError> {
        let scope = self.scope.as_ref();
        let old = match (state.mode(scope), scope) {
            (Some(mode), _) => mode,
            (None, Some(_)) if self.recursive => state.effective_mode(scope),
            (None, Some(subject)) if !subject.is_global() => {
                return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
            }
            (None, _) => Mode::default(),
        };
        let mut records = vec![Record::Mode { subject: scope.cloned(), value: None }];
        if self.recursive {
            let inner = state
                .scopes_with_mode()
                .filter(|inner| *inner != scope && is_inside(*inner, scope));
            records.extend(inner.map(|s| Record::Mode { subject: s.cloned(), value: None }));
        }
        Ok(Decision { records, outcome: old })
    }
}

/// What makes a scope empty, so that an import may begin. 42205 · 42206.
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

/// Returns true if a scope is within another one: a subject in its context, anything in all contexts.
fn is_inside(inner: Option<&Subject>, outer: Option<&Subject>) -> bool {
    if outer.is_some_and(Subject::is_global) {
        return true;
    }
    let (context, name) = outer.map_or((".", ""), Subject::parts);
    name.is_empty() && inner.is_some_and(|inner| inner.parts().0 == context)
}
