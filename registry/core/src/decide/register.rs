//! Registering a schema.

use weir_registry_api::{
    CompatibilityLevel, Config, RegisterRequest, RegistryError, SchemaId, Subject, Version,
    VersionSpec,
};

use super::guards::{tombstone, writable, writers_budget};
use super::{Decide, Decision, Stale};
use crate::candidate::{Candidate, HIDDEN, Numbers, Purpose, invalid};
use crate::check::{Verdict, check};
use crate::grants::Grants;
use crate::record::{Record, SchemaValue};
use crate::state::{IdEntry, State, VersionEntry, missing};
use weir_schema::Budget;

/// A schema and what is to become of it.
#[derive(Clone, Debug)]
pub struct Registration {
    pub subject: Subject,
    pub candidate: Candidate,
    pub version: RequestedVersion,
    /// The id to register under; given only where schemas are imported.
    pub id: Option<SchemaId>,
    /// Whether the schema is registered without a look at compatibility.
    pub force: bool,
    /// What whoever registers it may read: errors quote nothing else.
    pub grants: Grants,
    /// What was found out on an earlier state. It holds as long as nothing that it depends on has
    /// changed.
    pub checked: Option<Checked>,
}

/// How a schema is to be registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegisterOptions {
    /// Whether the schema is normalized first, also if the subject's configuration does not say so.
    pub normalize: bool,
    /// Whether the schema is registered without a look at compatibility.
    pub force: bool,
}

/// The version that a registration has made or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: SchemaId,
    pub version: Version,
}

/// Which version a registration makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedVersion {
    /// The next, unless the subject has the schema already.
    NextOrFound,
    /// The next with its number in its metadata, unless the latest is the schema already.
    NumberedOrLatest,
    /// The next, whatever is there: a version with other tags.
    Next,
    /// The next, if it has this number; where schemas are imported, any.
    Number(Version),
}

impl RequestedVersion {
    /// A version as requests name it: 0 is the next one, -1 the latest.
    pub fn of(number: i32) -> RequestedVersion {
        match u32::try_from(number) {
            Ok(0) => RequestedVersion::NextOrFound,
            Ok(number) => RequestedVersion::Number(Version(number)),
            Err(_) => RequestedVersion::NumberedOrLatest,
        }
    }
}

/// All that takes long about a registration, and what it depends on.
#[derive(Clone, Debug)]
pub struct Checked {
    config: Config,
    is_import: bool,
    versions: Vec<VersionEntry>,
    /// The candidate with the metadata and rules that it is registered with.
    candidate: Candidate,
    /// The version that has the schema already.
    pub found: Option<VersionEntry>,
    verdict: Verdict,
}

impl Registration {
    /// What a request asks for. 42201 · 42210.
    pub fn of(
        state: &State,
        subject: Subject,
        request: &RegisterRequest,
        options: RegisterOptions,
        grants: &Grants,
        budget: &Budget,
    ) -> Result<Registration, RegistryError> {
        let id = request.id.and_then(|id| u32::try_from(id).ok()).map(SchemaId);
        let tagged =
            !request.schema_tags_to_add.is_empty() || !request.schema_tags_to_remove.is_empty();
        // a version that is made of tags has its number in its metadata
        let version = RequestedVersion::of(request.version.unwrap_or(if tagged { -1 } else { 0 }));
        let purpose = Purpose::Register;
        let RegisterOptions { normalize, force } = options;
        let candidate =
            Candidate::new(state, &subject, request, normalize, purpose, grants, budget)?;
        let grants = grants.clone();
        Ok(Registration { subject, candidate, version, id, force, grants, checked: None })
    }

    /// The registration with what [`Registration::check`] finds out.
    pub fn with_check(self, state: &State, budget: &Budget) -> Registration {
        let checked = Some(self.check(state, budget));
        Registration { checked, ..self }
    }

    /// Looks for the schema among the subject's versions and compares it with them. It may take long,
    /// and needs no order among requests. Once the budget is used up, what is returned says nothing.
    pub fn check(&self, state: &State, budget: &Budget) -> Checked {
        let subject = &self.subject;
        let config = state.effective_config(Some(subject));
        let is_import = state.effective_mode(Some(subject)).is_import();
        let versions: Vec<_> = state.live_versions(subject).rev().copied().collect();
        let candidate =
            if is_import { self.candidate.clone() } else { self.with_contract(state, &config) };
        let found = self.already_there(state, &config, &candidate, budget).copied();
        let verdict = match self.force || is_import || found.is_some() {
            true => Verdict::default(),
            false => {
                let (text, grants) = (&candidate.text, &self.grants);
                check(state, subject, &candidate, text, &versions, grants, budget)
            }
        };
        Checked { config, is_import, versions, candidate, found, verdict }
    }

    fn with_contract(&self, state: &State, config: &Config) -> Candidate {
        let latest = state.live_versions(&self.subject).next_back();
        let latest = latest.map(|v| &**state.entry(&self.subject, v.id));
        let next = next_version(state, &self.subject);
        let numbered = self.version != RequestedVersion::NextOrFound;
        self.candidate.with_contract(config, latest, Some(next), numbered)
    }

    /// The version that the registration comes to without a new one. `candidate` has the metadata and
    /// rules that it would be registered with.
    fn already_there<'s>(
        &self,
        state: &'s State,
        config: &Config,
        candidate: &Candidate,
        budget: &Budget,
    ) -> Option<&'s VersionEntry> {
        let found = match self.version {
            RequestedVersion::NextOrFound => {
                let look_up =
                    |candidate| state.lookup_as_is(&self.subject, candidate, false, budget);
                let came = &self.candidate;
                if config.has_defaults_or_overrides() || came.has_contract_of(candidate) {
                    look_up(candidate)?
                } else {
                    look_up(came).or_else(|| look_up(candidate))?
                }
            }
            RequestedVersion::NumberedOrLatest => {
                let latest = state.live_versions(&self.subject).next_back()?;
                let entry = state.entry(&self.subject, latest.id);
                let content = || candidate.content(budget);
                candidate.is(state, entry, Numbers::Ignored, content, budget).then_some(latest)?
            }
            RequestedVersion::Next | RequestedVersion::Number(_) => return None,
        };
        self.id.is_none_or(|id| id == found.id).then_some(found)
    }
}

impl Checked {
    /// The level at which the candidate was compared, and whether it is compatible. None if nothing was compared.
    pub fn comparison(&self, force: bool) -> Option<(CompatibilityLevel, bool)> {
        let level = self.config.compatibility_level.unwrap_or_default();
        let was_compared = !force && !self.is_import && self.found.is_none();
        was_compared.then_some((level, self.verdict.messages.is_empty()))
    }

    fn holds(&self, state: &State, subject: &Subject) -> bool {
        self.is_import == state.effective_mode(Some(subject)).is_import()
            && state.live_versions(subject).rev().eq(&self.versions)
            && self.config == state.effective_config(Some(subject))
    }
}

impl Decide for Registration {
    /// The version that has the schema.
    type Outcome = Result<Registered, Stale>;

    /// 40901 · 42201 · 42205 · 42207.
    fn decide(&self, state: &State) -> Result<Decision<Self::Outcome>, RegistryError> {
        let Registration { subject, version, .. } = self;
        check_mode(state, subject, self.id)?;
        let latest = state.live_versions(subject).next_back();
        if let Some(id) = self.candidate.based_on
            && latest.map(|v| v.id) != Some(id)
        {
            return Ok(Decision::nothing(Err(Stale)));
        }
        let Checked { is_import, candidate, found, verdict, .. } = match &self.checked {
            Some(checked) if checked.holds(state, subject) => checked.clone(),
            _ => {
                let budget = writers_budget();
                let checked = self.check(state, &budget);
                if budget.is_over() {
                    return Ok(Decision::nothing(Err(Stale)));
                }
                checked
            }
        };
        if let Some(VersionEntry { id, version, .. }) = found {
            return Ok(Decision::nothing(Ok(Registered { id, version })));
        }
        still_there(state, subject, &candidate, &self.grants)?;
        if !verdict.messages.is_empty() {
            let (subject, details) = (subject.clone(), verdict.messages);
            return Err(RegistryError::Incompatible { subject, details });
        }
        let next = next_version(state, subject);
        let version = match *version {
            RequestedVersion::Number(given) if is_import || given == next => given,
            RequestedVersion::Number(_) => return Err(RegistryError::NotNextVersion),
            _ => next,
        };
        let id = id_for(state, self, &candidate, version)?;
        Ok(Decision {
            records: records(state, subject, candidate, version, id),
            outcome: Ok(Registered { id, version }),
        })
    }
}

/// 42205 if the mode forbids it, or an id is given where they are made, or none where they are not.
fn check_mode(state: &State, subject: &Subject, id: Option<SchemaId>) -> Result<(), RegistryError> {
    writable(state, Some(subject))?;
    let is_import = state.effective_mode(Some(subject)).is_import();
    match (id, is_import) {
        (Some(_), false) => Err(RegistryError::NotImportMode { subject: subject.clone() }),
        (None, true) => Err(RegistryError::NotReadWriteMode { subject: subject.clone() }),
        _ => Ok(()),
    }
}

fn next_version(state: &State, subject: &Subject) -> Version {
    Version(state.versions(subject).last().map_or(1, |v| v.version.0 + 1))
}

/// The id that was given, if nothing else has it; else the content's, else the next. 42205 if the
/// content is known in another language: a guid does not tell languages apart.
fn id_for(
    state: &State,
    registration: &Registration,
    candidate: &Candidate,
    version: Version,
) -> Result<SchemaId, RegistryError> {
    let subject = &registration.subject;
    let context = subject.parts().0;
    let guid = candidate.guid();
    let is_other =
        |taken: &IdEntry| taken.guid != guid || taken.schema_type != candidate.schema_type;
    let Some(id) = registration.id else {
        return match state.entry_of_guid(context, guid) {
            None => Ok(SchemaId(state.max_id(context).0 + 1)),
            Some(known) if is_other(known) => {
                Err(RegistryError::IdTaken { id: known.id, subject: subject.clone() })
            }
            Some(known) => Ok(known.id),
        };
    };
    if state.by_id(context, id).is_some_and(|taken| is_other(taken)) {
        return Err(RegistryError::IdTaken { id, subject: subject.clone() });
    }
    if state.version_entry(subject, version).is_some_and(|there| there.id != id) {
        return Err(RegistryError::IdMismatch);
    }
    Ok(id)
}

/// References that were there when the candidate was parsed may be gone by now.
fn still_there(
    state: &State,
    parent: &Subject,
    candidate: &Candidate,
    grants: &Grants,
) -> Result<(), RegistryError> {
    for reference in &*candidate.references {
        let subject = reference.subject.beside(parent);
        let spec = VersionSpec::Number(Version(reference.version as u32));
        if state.find_version(&subject, spec, false).is_err() {
            // they may be those of a version before
            let why = if grants.read(parent) { missing(reference) } else { HIDDEN.into() };
            return Err(invalid(&candidate.schema_type, &why));
        }
    }
    Ok(())
}

fn records(
    state: &State,
    subject: &Subject,
    candidate: Candidate,
    version: Version,
    id: SchemaId,
) -> Vec<Record> {
    let mut records = Vec::new();
    let context = subject.context();
    if !context.is_default() && !state.has_context(&context) {
        records.push(Record::Context { context, exists: true });
    }
    // a soft-deleted version of the same schema gives way to the new one, unless it is needed
    let given_way = state
        .versions(subject)
        .iter()
        .filter(|v| v.deleted && v.id == id && v.version < version)
        .filter(|v| state.referrers(subject, v.version).next().is_none())
        .map(|v| tombstone(subject, v.version));
    records.extend(given_way);
    records.push(Record::Schema {
        subject: subject.clone(),
        version,
        value: Some(Box::new(SchemaValue {
            subject: subject.clone(),
            version,
            id,
            schema_type: candidate.schema_type,
            references: candidate.references,
            metadata: candidate.metadata,
            rule_set: candidate.rule_set,
            schema: candidate.text.into(),
            deleted: false,
        })),
    });
    records
}
