//! Deleting: first softly, then for good.

use weir_registry_api::{Context, RegistryError, Subject, Version, VersionSpec};

use super::guards::{is_live, refuse_referenced, tombstone, writable};
use super::{Decide, Decision};
use crate::record::{Record, SchemaValue};
use crate::state::{Listing, State};

/// Deletes all versions of a subject.
#[derive(Clone, Debug)]
pub struct DeleteSubject {
    pub subject: Subject,
    /// Whether the versions, soft-deleted before, go for good.
    pub permanent: bool,
}

/// Deletes a version of a subject.
#[derive(Clone, Debug)]
pub struct DeleteVersion {
    pub subject: Subject,
    pub version: VersionSpec,
    /// Whether the version, soft-deleted before, goes for good.
    pub permanent: bool,
}

/// Forgets a context that has no subjects.
#[derive(Clone, Debug)]
pub struct DeleteContext {
    pub context: Context,
}

impl Decide for DeleteSubject {
    /// The versions that are deleted.
    type Outcome = Vec<Version>;

    /// 40401 · 40404 · 40405 · 40904 · 42205 · 42206.
    fn decide(&self, state: &State) -> Result<Decision<Vec<Version>>, RegistryError> {
        match self.permanent {
            false => subject(state, &self.subject),
            true => subject_for_good(state, &self.subject),
        }
    }
}

impl Decide for DeleteVersion {
    /// The number of the version that is deleted.
    type Outcome = Version;

    /// 40401 · 40402 · 40406 · 40407 · 40907 · 42205 · 42206.
    fn decide(&self, state: &State) -> Result<Decision<Version>, RegistryError> {
        match self.permanent {
            false => version(state, &self.subject, self.version),
            true => version_for_good(state, &self.subject, self.version),
        }
    }
}

impl Decide for DeleteContext {
    type Outcome = ();

    /// A context that is not there is gone already. 42211.
    fn decide(&self, state: &State) -> Result<Decision<()>, RegistryError> {
        let context = &self.context;
        let prefix = format!(":{context}:");
        if state.subjects(&Listing::new(&prefix)).next().is_some() {
            return Err(RegistryError::ContextNotEmpty { context: context.clone() });
        }
        let mut records = Vec::new();
        if state.has_context(context) {
            records.push(Record::Context { context: context.clone(), exists: false });
        }
        if let Some(scope) = context.scope() {
            records.extend(last_things(state, &scope));
        }
        Ok(Decision { records, outcome: () })
    }
}

pub(super) fn subject(
    state: &State,
    subject: &Subject,
) -> Result<Decision<Vec<Version>>, RegistryError> {
    let live: Vec<Version> = state.live_versions(subject).map(|v| v.version).collect();
    if live.is_empty() && !state.versions(subject).is_empty() {
        return Err(RegistryError::SubjectSoftDeleted { subject: subject.clone() });
    }
    let versions = deletable(state, subject)?;
    for version in &live {
        refuse_referenced(state, subject, *version, |other| {
            other.subject != *subject && is_live(state, &other.subject, other.version)
        })?;
    }
    let last = versions.last().copied().unwrap_or_default();
    let record = Record::DeleteSubject { subject: subject.clone(), version: last };
    Ok(Decision { records: vec![record], outcome: live })
}

pub(super) fn subject_for_good(
    state: &State,
    subject: &Subject,
) -> Result<Decision<Vec<Version>>, RegistryError> {
    let versions = deletable(state, subject)?;
    for version in &versions {
        refuse_referenced(state, subject, *version, |other| other.subject != *subject)?;
    }
    if state.live_versions(subject).next().is_some() {
        return Err(RegistryError::SubjectNotSoftDeleted { subject: subject.clone() });
    }
    let mut records: Vec<Record> =
        versions.iter().rev().map(|version| tombstone(subject, *version)).collect();
    records.extend(last_things(state, subject));
    Ok(Decision { records, outcome: versions })
}

/// The versions of a subject that may be deleted. 40401 · 40904 · 42205.
fn deletable(state: &State, subject: &Subject) -> Result<Vec<Version>, RegistryError> {
    let versions: Vec<Version> = state.versions(subject).iter().map(|v| v.version).collect();
    if versions.is_empty() {
        return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
    }
    writable(state, Some(subject))?;
    if state.associations().of_subject(subject).next().is_some() {
        return Err(RegistryError::SubjectAssociated { subject: subject.clone() });
    }
    Ok(versions)
}

fn version(
    state: &State,
    subject: &Subject,
    spec: VersionSpec,
) -> Result<Decision<Version>, RegistryError> {
    let entry = *state.find_version(subject, spec, true)?;
    if entry.deleted {
        let version = entry.version;
        return Err(RegistryError::VersionSoftDeleted { subject: subject.clone(), version });
    }
    writable(state, Some(subject))?;
    let is_last = state.live_versions(subject).count() == 1;
    if is_last && state.associations().of_subject(subject).next().is_some() {
        return Err(RegistryError::NoActiveVersion { subject: subject.clone() });
    }
    refuse_referenced(state, subject, entry.version, |other| {
        is_live(state, &other.subject, other.version)
    })?;
    let stored = state.entry(subject, entry.id);
    let record = Record::Schema {
        subject: subject.clone(),
        version: entry.version,
        value: Some(Box::new(SchemaValue {
            subject: subject.clone(),
            version: entry.version,
            id: entry.id,
            schema_type: stored.schema_type.clone(),
            references: stored.references.clone(),
            metadata: stored.metadata.clone(),
            rule_set: stored.rule_set.clone(),
            schema: stored.text.clone(),
            deleted: true,
        })),
    };
    Ok(Decision { records: vec![record], outcome: entry.version })
}

fn version_for_good(
    state: &State,
    subject: &Subject,
    spec: VersionSpec,
) -> Result<Decision<Version>, RegistryError> {
    let entry = *state.find_version(subject, spec, true)?;
    writable(state, Some(subject))?;
    refuse_referenced(state, subject, entry.version, |_| true)?;
    if !entry.deleted {
        let version = entry.version;
        return Err(RegistryError::VersionNotSoftDeleted { subject: subject.clone(), version });
    }
    let mut records = vec![tombstone(subject, entry.version)];
    if state.versions(subject).len() == 1 {
        records.extend(last_things(state, subject));
    }
    Ok(Decision { records, outcome: entry.version })
}

/// What goes with the last version of a subject: its configuration and its mode.
fn last_things(state: &State, subject: &Subject) -> Vec<Record> {
    let mut records = Vec::new();
    if state.config(Some(subject)).is_some() {
        records.push(Record::Config { subject: Some(subject.clone()), value: None });
    }
    if state.mode(Some(subject)).is_some() {
        records.push(Record::Mode { subject: Some(subject.clone()), value: None });
    }
    records
}
