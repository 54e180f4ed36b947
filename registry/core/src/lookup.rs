//! Under which version a subject has a schema already.

use std::cell::OnceCell;

use weir_registry_api::Subject;
use weir_schema::Budget;

use crate::candidate::{Candidate, Numbers};
use crate::state::{State, VersionEntry};

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
    ) -> Option<&VersionEntry> {
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

    /// The version that has a schema with the candidate's own metadata and rules.
    pub(crate) fn lookup_as_is(
        &self,
        subject: &Subject,
        candidate: &Candidate,
        deleted: bool,
        budget: &Budget,
    ) -> Option<&VersionEntry> {
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
