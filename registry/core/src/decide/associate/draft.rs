//! Decisions that build on each other before anything is written.

use weir_registry_api::{RegistryError, Subject};

use super::super::delete;
use crate::record::Record;
use crate::state::State;

/// What has been decided so far, and the state that it makes.
pub(super) struct Draft {
    pub(super) state: State,
    pub(super) records: Vec<Record>,
}

impl Draft {
    pub(super) fn of(state: &State) -> Draft {
        Draft { state: state.clone(), records: Vec::new() }
    }

    pub(super) fn put(&mut self, records: Vec<Record>) {
        for record in &records {
            for raw in self.state.raw_records(record) {
                self.state.apply(&raw).expect("a record that was just encoded can be read");
            }
        }
        self.records.extend(records);
    }

    /// Softly, then for good.
    pub(super) fn delete_subject(&mut self, subject: &Subject) -> Result<(), RegistryError> {
        if self.state.live_versions(subject).next().is_some() {
            let decision = delete::subject(&self.state, subject)?;
            self.put(decision.records);
        }
        if !self.state.versions(subject).is_empty() {
            let decision = delete::subject_for_good(&self.state, subject)?;
            self.put(decision.records);
        }
        Ok(())
    }
}
