//! What a command would write, and what it would answer. Pure: nothing has happened yet.
//! Source: Confluent's `KafkaSchemaRegistry`, in the order of its checks.

mod associate;
mod config;
mod delete;
mod mode;
mod register;

use std::cell::OnceCell;

use weir_registry_api::{
    Association, Config, ConfigUpdate, Context, Mode, RegistryError, SchemaId, Subject, Version,
    VersionSpec,
};

use weir_schema::Budget;

use crate::candidate::{Candidate, Numbers};
use crate::record::Record;
use crate::state::State;
pub use associate::{AssociationChange, AssociationDelete, AssociationPlan};
pub use register::{Checked, Registration, RequestedVersion};

#[derive(Clone, Debug)]
pub enum Command {
    Register(Box<Registration>),
    DeleteSubject { subject: Subject, permanent: bool },
    DeleteVersion { subject: Subject, version: VersionSpec, permanent: bool },
    PutConfig { scope: Option<Subject>, update: Box<ConfigUpdate> },
    DeleteConfig { scope: Option<Subject> },
    PutMode { scope: Option<Subject>, mode: Mode, force: bool },
    DeleteMode { scope: Option<Subject>, recursive: bool },
    DeleteContext { context: Context },
    Associate(Box<AssociationPlan>),
    DeleteAssociations(AssociationDelete),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Registered {
        id: SchemaId,
        version: Version,
    },
    Versions(Vec<Version>),
    Version(Version),
    /// The configuration as it is now, or the one that was deleted.
    Config(Box<Config>),
    /// The mode that was there before.
    Mode(Mode),
    /// Those that were written, and the versions that were registered with them.
    Associations(Vec<(Association, Option<Version>)>),
    /// What the command was made from has changed since: it is to be made again.
    Stale,
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
        Command::Register(registration) => register::register(state, registration),
        Command::DeleteSubject { subject, permanent: false } => delete::subject(state, subject),
        Command::DeleteSubject { subject, permanent: true } => {
            delete::subject_for_good(state, subject)
        }
        Command::DeleteVersion { subject, version, permanent: false } => {
            delete::version(state, subject, *version)
        }
        Command::DeleteVersion { subject, version, permanent: true } => {
            delete::version_for_good(state, subject, *version)
        }
        Command::PutConfig { scope, update } => config::put(state, scope.as_ref(), update),
        Command::DeleteConfig { scope } => config::delete(state, scope.as_ref()),
        Command::PutMode { scope, mode, force } => mode::put(state, scope.as_ref(), *mode, *force),
        Command::DeleteMode { scope, recursive } => mode::delete(state, scope.as_ref(), *recursive),
        Command::DeleteContext { context } => delete::context(state, context),
        Command::Associate(plan) => associate::associate(state, plan),
        Command::DeleteAssociations(what) => associate::delete(state, what),
    }
}

/// 42205 if the mode of the scope forbids changes.
fn writable(state: &State, scope: Option<&Subject>) -> Result<(), RegistryError> {
    match state.effective_mode(scope).is_read_only() {
        true => Err(RegistryError::ReadOnly { subject: scope.cloned() }),
        false => Ok(()),
    }
}

fn is_live(state: &State, subject: &Subject, version: Version) -> bool {
    state.version_entry(subject, version).is_some_and(|v| !v.deleted)
}

fn tombstone(subject: &Subject, version: Version) -> Record {
    Record::Schema { subject: subject.clone(), version, value: None }
}

impl State {
    /// The version under which a subject has a schema already. `deleted` includes soft-deleted
    /// versions, the newest match wins. A schema that comes without metadata and rules is also looked
    /// for with those that it would be registered with. Once the budget is used up, what is returned says
    /// nothing.
    pub fn lookup(
        &self,
        subject: &Subject,
        candidate: &Candidate,
        deleted: bool,
        budget: &Budget,
    ) -> Option<&crate::state::VersionEntry> {
        if let Some(found) = self.lookup_as_is(subject, candidate, deleted, budget) {
            return Some(found);
        }
        let latest = self.live_versions(subject).next_back()?;
        let config = self.effective_config(Some(subject));
        let entry = self.entry(subject, latest.id);
        let next = candidate.with_contract(&config, Some(entry), None, false);
        if candidate.has_contract_of(&next) {
            return None;
        }
        self.lookup_as_is(subject, &next, deleted, budget)
    }

    fn lookup_as_is(
        &self,
        subject: &Subject,
        candidate: &Candidate,
        deleted: bool,
        budget: &Budget,
    ) -> Option<&crate::state::VersionEntry> {
        let versions = self.versions(subject);
        let mut shown = versions.iter().rev().filter(|v| deleted || !v.deleted);
        // a guid does not know the language
        let same = self
            .entry_of_guid(subject.parts().0, candidate.guid())
            .filter(|entry| entry.schema_type == candidate.schema_type)
            .map(|entry| entry.id);
        if let Some(found) = shown.clone().find(|v| Some(v.id) == same) {
            return Some(found);
        }
        let numbers = if candidate.is_numbered() { Numbers::Count } else { Numbers::Ignored };
        let content = OnceCell::new();
        let content = || *content.get_or_init(|| candidate.content(budget));
        shown.find(|v| {
            let entry = self.entry(subject, v.id);
            // what is found once the budget is used up is not used
            budget.is_over() || candidate.is(self, entry, numbers, content, budget)
        })
    }
}
