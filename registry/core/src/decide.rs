//! What a command would write, and what it would answer. Pure: nothing has happened yet.
//! Source: Confluent's `KafkaSchemaRegistry`, in the order of its checks.

use weir_registry_api::{
    Config, ConfigUpdate, Mode, RegistryError, SchemaId, Subject, Version, VersionSpec,
};

use crate::candidate::Candidate;
use crate::check::check;
use crate::record::{Record, SchemaValue};
use crate::state::{State, VersionEntry};

#[derive(Clone, Debug)]
pub enum Command {
    Register { subject: Subject, candidate: Box<Candidate>, version: i32, force: bool },
    DeleteSubject { subject: Subject, permanent: bool },
    DeleteVersion { subject: Subject, version: VersionSpec, permanent: bool },
    PutConfig { subject: Option<Subject>, update: ConfigUpdate },
    DeleteConfig { subject: Option<Subject> },
    PutMode { subject: Option<Subject>, mode: Mode },
    DeleteMode { subject: Option<Subject>, recursive: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Registered {
        id: SchemaId,
        version: Version,
    },
    Versions(Vec<Version>),
    Version(Version),
    /// The configuration that was there before.
    Config(Config),
    /// The mode that was there before.
    Mode(Mode),
    Done,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Nothing to write is a decision too: what was asked for is there.
    pub records: Vec<Record>,
    pub outcome: Outcome,
}

/// Decides one command on a state. The answer holds if the records are the next in the log.
pub fn decide(state: &State, command: &Command) -> Result<Decision, RegistryError> {
    match command {
        Command::Register { subject, candidate, version, force } => {
            register(state, subject, candidate, *version, *force)
        }
        Command::DeleteSubject { subject, permanent: false } => delete_subject(state, subject),
        Command::DeleteSubject { subject, permanent: true } => destroy_subject(state, subject),
        Command::DeleteVersion { subject, version, permanent: false } => {
            delete_version(state, subject, *version)
        }
        Command::DeleteVersion { subject, version, permanent: true } => {
            destroy_version(state, subject, *version)
        }
        Command::PutConfig { subject, update } => put_config(state, subject.as_ref(), update),
        Command::DeleteConfig { subject } => delete_config(state, subject.as_ref()),
        Command::PutMode { subject, mode } => {
            let record = Record::Mode { subject: subject.clone(), value: Some(*mode) };
            Ok(Decision { records: vec![record], outcome: Outcome::Done })
        }
        Command::DeleteMode { subject, recursive } => {
            delete_mode(state, subject.as_ref(), *recursive)
        }
    }
}

impl State {
    /// The version under which a subject has a schema already. `deleted` includes soft-deleted
    /// versions, the newest match wins.
    pub fn lookup(
        &self,
        subject: &Subject,
        candidate: &Candidate,
        deleted: bool,
    ) -> Option<&VersionEntry> {
        let versions = self.versions(subject);
        let mut shown = versions.iter().rev().filter(|v| deleted || !v.deleted);
        let same = self.by_guid(candidate.guid).map(|entry| entry.id);
        if let Some(found) = shown.clone().find(|v| Some(v.id) == same) {
            return Some(found);
        }
        shown.find(|v| candidate.is(self, self.entry(v.id)))
    }
}

fn register(
    state: &State,
    subject: &Subject,
    candidate: &Candidate,
    version: i32,
    force: bool,
) -> Result<Decision, RegistryError> {
    let versions = state.versions(subject);
    let next = Version(versions.last().map_or(1, |v| v.version.0 + 1));
    if version <= 0
        && let Some(found) = state.lookup(subject, candidate, false)
    {
        let outcome = Outcome::Registered { id: found.id, version: found.version };
        return Ok(Decision { records: Vec::new(), outcome });
    }
    writable(state, Some(subject))?;
    still_there(state, candidate)?;
    if !force {
        let level = state.effective_level(subject);
        let details = check(state, candidate, level, state.live_versions(subject).rev());
        if !details.is_empty() {
            return Err(RegistryError::Incompatible { subject: subject.clone(), details });
        }
    }
    if version > 0 && version != next.0 as i32 {
        return Err(RegistryError::NotNextVersion);
    }
    let id = match state.by_guid(candidate.guid) {
        Some(known) => known.id,
        None => SchemaId(state.max_id().0 + 1),
    };
    // a soft-deleted version of the same schema gives way to the new one, unless it is needed
    let mut records: Vec<Record> = versions
        .iter()
        .filter(|v| v.deleted && v.id == id)
        .filter(|v| state.referrers(subject, v.version).next().is_none())
        .map(|v| tombstone(subject, v.version))
        .collect();
    records.push(Record::Schema {
        subject: subject.clone(),
        version: next,
        value: Some(SchemaValue {
            subject: subject.clone(),
            version: next,
            id,
            schema_type: candidate.schema_type.clone(),
            references: candidate.references.clone(),
            schema: candidate.text.clone(),
            deleted: false,
        }),
    });
    Ok(Decision { records, outcome: Outcome::Registered { id, version: next } })
}

/// References that were there when the candidate was parsed may be gone by now.
fn still_there(state: &State, candidate: &Candidate) -> Result<(), RegistryError> {
    for reference in &candidate.references {
        let spec = VersionSpec::Number(Version(reference.version as u32));
        if state.find_version(&reference.subject, spec, false).is_err() {
            return Err(RegistryError::InvalidSchema {
                details: format!(
                    "No schema reference found for subject \"{}\" and version {}",
                    reference.subject, reference.version
                ),
            });
        }
    }
    Ok(())
}

fn delete_subject(state: &State, subject: &Subject) -> Result<Decision, RegistryError> {
    writable(state, Some(subject))?;
    let versions = state.versions(subject);
    let Some(last) = versions.last() else {
        return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
    };
    let live: Vec<Version> = state.live_versions(subject).map(|v| v.version).collect();
    if live.is_empty() {
        return Err(RegistryError::SubjectSoftDeleted { subject: subject.clone() });
    }
    for version in &live {
        refuse_referenced(state, subject, *version, |other| {
            other.subject != *subject && is_live(state, &other.subject, other.version)
        })?;
    }
    let record = Record::DeleteSubject { subject: subject.clone(), version: last.version };
    Ok(Decision { records: vec![record], outcome: Outcome::Versions(live) })
}

fn destroy_subject(state: &State, subject: &Subject) -> Result<Decision, RegistryError> {
    writable(state, Some(subject))?;
    let versions: Vec<Version> = state.versions(subject).iter().map(|v| v.version).collect();
    if versions.is_empty() {
        return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
    }
    if state.live_versions(subject).next().is_some() {
        return Err(RegistryError::SubjectNotSoftDeleted { subject: subject.clone() });
    }
    for version in &versions {
        refuse_referenced(state, subject, *version, |other| other.subject != *subject)?;
    }
    let mut records: Vec<Record> =
        versions.iter().rev().map(|version| tombstone(subject, *version)).collect();
    records.extend(last_things(state, subject));
    Ok(Decision { records, outcome: Outcome::Versions(versions) })
}

fn delete_version(
    state: &State,
    subject: &Subject,
    spec: VersionSpec,
) -> Result<Decision, RegistryError> {
    writable(state, Some(subject))?;
    let entry = *state.find_version(subject, spec, true)?;
    if entry.deleted {
        let version = entry.version;
        return Err(RegistryError::VersionSoftDeleted { subject: subject.clone(), version });
    }
    refuse_referenced(state, subject, entry.version, |other| {
        is_live(state, &other.subject, other.version)
    })?;
    let stored = state.entry(entry.id);
    let record = Record::Schema {
        subject: subject.clone(),
        version: entry.version,
        value: Some(SchemaValue {
            subject: subject.clone(),
            version: entry.version,
            id: entry.id,
            schema_type: stored.schema_type.clone(),
            references: stored.references.to_vec(),
            schema: stored.text.to_string(),
            deleted: true,
        }),
    };
    Ok(Decision { records: vec![record], outcome: Outcome::Version(entry.version) })
}

fn destroy_version(
    state: &State,
    subject: &Subject,
    spec: VersionSpec,
) -> Result<Decision, RegistryError> {
    writable(state, Some(subject))?;
    let entry = *state.find_version(subject, spec, true)?;
    if !entry.deleted {
        let version = entry.version;
        return Err(RegistryError::VersionNotSoftDeleted { subject: subject.clone(), version });
    }
    refuse_referenced(state, subject, entry.version, |_| true)?;
    let mut records = vec![tombstone(subject, entry.version)];
    if state.versions(subject).len() == 1 {
        records.extend(last_things(state, subject));
    }
    Ok(Decision { records, outcome: Outcome::Version(entry.version) })
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

fn put_config(
    state: &State,
    subject: Option<&Subject>,
    update: &ConfigUpdate,
) -> Result<Decision, RegistryError> {
    let level = match &update.compatibility {
        Some(Some(level)) => Some(Some(level.parse()?)),
        Some(None) => Some(None),
        None => None,
    };
    writable(state, subject)?;
    let mut config = state.config(subject).cloned().unwrap_or_default();
    if let Some(level) = level {
        config.compatibility_level = level;
    }
    if let Some(normalize) = update.normalize {
        config.normalize = normalize;
    }
    // a configuration that says nothing is none
    let value = (config != Config::default()).then_some(config);
    let record = Record::Config { subject: subject.cloned(), value };
    Ok(Decision { records: vec![record], outcome: Outcome::Done })
}

fn delete_config(state: &State, subject: Option<&Subject>) -> Result<Decision, RegistryError> {
    writable(state, subject)?;
    let old = match (state.config(subject), subject) {
        (Some(config), _) => config.clone(),
        (None, None) => state.effective_config(None),
        (None, Some(subject)) => {
            return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
        }
    };
    let record = Record::Config { subject: subject.cloned(), value: None };
    Ok(Decision { records: vec![record], outcome: Outcome::Config(old) })
}

fn delete_mode(
    state: &State,
    subject: Option<&Subject>,
    recursive: bool,
) -> Result<Decision, RegistryError> {
    let old = match (state.mode(subject), subject) {
        (Some(mode), _) => mode,
        (None, None) => Mode::default(),
        (None, Some(_)) if recursive => state.effective_mode(None),
        (None, Some(subject)) => {
            return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
        }
    };
    let mut records = vec![Record::Mode { subject: subject.cloned(), value: None }];
    if recursive && subject.is_none() {
        let subjects = state.subjects_with_mode().cloned().map(Some);
        records.extend(subjects.map(|subject| Record::Mode { subject, value: None }));
    }
    Ok(Decision { records, outcome: Outcome::Mode(old) })
}

fn writable(state: &State, subject: Option<&Subject>) -> Result<(), RegistryError> {
    if state.effective_mode(subject).is_read_only() {
        let subject = subject.map(Subject::to_string).unwrap_or_default();
        return Err(RegistryError::ReadOnly { subject });
    }
    Ok(())
}

fn is_live(state: &State, subject: &Subject, version: Version) -> bool {
    state.version_entry(subject, version).is_some_and(|v| !v.deleted)
}

fn refuse_referenced(
    state: &State,
    subject: &Subject,
    version: Version,
    counts: impl Fn(&weir_registry_api::SubjectVersion) -> bool,
) -> Result<(), RegistryError> {
    match state.referrers(subject, version).any(|other| counts(&other)) {
        true => Err(RegistryError::ReferenceExists { subject: subject.clone(), version }),
        false => Ok(()),
    }
}

fn tombstone(subject: &Subject, version: Version) -> Record {
    Record::Schema { subject: subject.clone(), version, value: None }
}
