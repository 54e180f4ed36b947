//! Checks and records that several commands share.

use weir_registry_api::{RegistryError, Subject, SubjectVersion, Version};
use weir_schema::{Budget, Limits};

use crate::record::Record;
use crate::state::State;

/// 42205 if the mode of the scope forbids changes.
pub(super) fn writable(state: &State, scope: Option<&Subject>) -> Result<(), RegistryError> {
    match state.effective_mode(scope).is_read_only() {
        true => Err(RegistryError::ReadOnly { subject: scope.cloned() }),
        false => Ok(()),
    }
}

/// 42206 if a version that `counts` refers to this one.
pub(super) fn refuse_referenced(
    state: &State,
    subject: &Subject,
    version: Version,
    counts: impl Fn(&SubjectVersion) -> bool,
) -> Result<(), RegistryError> {
    match state.referrers(subject, version).any(|other| counts(&other)) {
        true => Err(RegistryError::ReferenceExists { subject: subject.clone(), version }),
        false => Ok(()),
    }
}

/// Returns true if the version is there and not deleted, not even softly.
pub(super) fn is_live(state: &State, subject: &Subject, version: Version) -> bool {
    state.version_entry(subject, version).is_some_and(|v| !v.deleted)
}

/// The record that removes a version for good.
pub(super) fn tombstone(subject: &Subject, version: Version) -> Record {
    Record::Schema { subject: subject.clone(), version, value: None }
}

/// What may be spent where commands are decided, one after the other, while all others wait. What takes more
/// is [`Stale`](super::Stale), and found out again where its request came in.
pub(super) fn writers_budget() -> Budget {
    Budget::new(Limits { steps: 500_000, bytes: 64 << 20 })
}
