//! Who refers to whom.

use std::collections::HashSet;
use std::sync::Arc;

use weir_registry_api::{Reference, Subject, SubjectVersion, Version};

use weir_schema::Budget;

use super::{IdEntry, State};
use crate::grants::Grants;

impl State {
    pub(super) fn refer(&mut self, subject: &Subject, version: Version, to: &[Reference]) {
        for reference in to {
            let target = (reference.subject.beside(subject), number(reference));
            let referrers = self.referrers.entry(target).or_default();
            Arc::make_mut(referrers).insert((subject.clone(), version));
        }
    }

    pub(super) fn unrefer(&mut self, subject: &Subject, version: Version, to: &[Reference]) {
        for reference in to {
            let target = (reference.subject.beside(subject), number(reference));
            if let Some(referrers) = self.referrers.get_mut(&target) {
                Arc::make_mut(referrers).remove(&(subject.clone(), version));
                if referrers.is_empty() {
                    self.referrers.remove(&target);
                }
            }
        }
    }

    /// Versions that refer to this one, soft-deleted ones too.
    pub fn referrers(
        &self,
        subject: &Subject,
        version: Version,
    ) -> impl Iterator<Item = SubjectVersion> {
        let found = self.referrers.get(&(subject.clone(), version)).cloned().unwrap_or_default();
        let pairs: Vec<_> =
            found.iter().map(|(s, v)| SubjectVersion { subject: s.clone(), version: *v }).collect();
        pairs.into_iter()
    }

    /// The schemas behind references and the names that they go by, each after those that it refers
    /// to itself. Kept on the heap: a chain of references may be long.
    pub(super) fn in_order(
        &self,
        parent: &Subject,
        references: impl Iterator<Item = Reference>,
        budget: &Budget,
    ) -> Result<Vec<(String, Arc<IdEntry>)>, String> {
        enum Visit {
            Enter(Subject, Reference),
            Leave(String, Arc<IdEntry>),
        }
        let mut ordered = Vec::new();
        let mut seen = HashSet::new();
        let mut stack: Vec<Visit> =
            references.map(|reference| Visit::Enter(parent.clone(), reference)).collect();
        stack.reverse();
        while let Some(visit) = stack.pop() {
            within(budget, ())?;
            match visit {
                Visit::Leave(name, entry) => ordered.push((name, entry)),
                Visit::Enter(parent, reference) => {
                    let subject = reference.subject.beside(&parent);
                    let entry = self.referenced(&subject, &reference)?;
                    budget.spend(4);
                    if seen.insert((reference.name.clone(), subject.clone(), entry.id)) {
                        budget.spend(entry.references.len());
                        budget.hold(REFERENCE_BYTES * (1 + entry.references.len()));
                        within(budget, ())?;
                        let inner = entry.references.iter().rev().cloned();
                        stack.push(Visit::Leave(reference.name, entry.clone()));
                        stack.extend(inner.map(|inner| Visit::Enter(subject.clone(), inner)));
                    }
                }
            }
        }
        Ok(ordered)
    }

    /// Looks whether all that a schema refers to, directly and through others, may be read. The error is that of a
    /// reference to what is not there, and names only what stands in a schema that may be read.
    pub fn check_references_readable(
        &self,
        entry: &IdEntry,
        grants: &Grants,
        budget: &Budget,
    ) -> Result<(), String> {
        if grants.are_all() {
            return Ok(());
        }
        let parent = entry.context.subject("");
        self.follow(&parent, &entry.references, grants, budget, |reference| Err(missing(reference)))
    }

    /// Looks whether all is there that is referred to, directly and through others. The error names nothing that stands
    /// only in a schema that may not be read.
    pub(crate) fn check_references_there(
        &self,
        parent: &Subject,
        references: &[Reference],
        grants: &Grants,
        budget: &Budget,
    ) -> Result<(), String> {
        if grants.are_all() {
            return Ok(()); // who parses it says so, with all names
        }
        self.follow(parent, references, grants, budget, |_| Ok(()))
    }

    /// Follows references, as long as `unreadable` has no error for those to what may not be read. Kept on the heap.
    fn follow(
        &self,
        parent: &Subject,
        references: &[Reference],
        grants: &Grants,
        budget: &Budget,
        unreadable: impl Fn(&Reference) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut seen = HashSet::new();
        // whose references they are, whether that may be read, and the references
        let mut next: Vec<(Subject, bool, Arc<[Reference]>)> =
            vec![(parent.clone(), true, references.into())];
        while let Some((parent, is_readable, references)) = next.pop() {
            for reference in &*references {
                budget.spend(4);
                within(budget, ())?;
                let subject = reference.subject.beside(&parent);
                let found = self.referenced(&subject, reference);
                let may_read = is_readable && grants.read(&subject);
                if !may_read {
                    unreadable(reference)?;
                }
                let found = found.map_err(|missing| match is_readable {
                    true => missing,
                    false => MISSING_BEHIND.to_string(),
                })?;
                if seen.insert((found.context.clone(), found.id, may_read)) {
                    budget.hold(REFERENCE_BYTES);
                    next.push((subject, may_read, found.references.clone()));
                }
            }
        }
        Ok(())
    }

    fn referenced(
        &self,
        subject: &Subject,
        reference: &Reference,
    ) -> Result<&Arc<IdEntry>, String> {
        match self.version_entry(subject, number(reference)) {
            Some(found) => Ok(self.entry(subject, found.id)),
            None => Err(missing(reference)),
        }
    }
}

/// What is said of a reference to what is not there, or may not be read.
pub(crate) fn missing(reference: &Reference) -> String {
    let (subject, version) = (&reference.subject, reference.version);
    format!("No schema reference found for subject \"{subject}\" and version {version}")
}

/// What is said where a schema that may not be read refers to what is not there.
const MISSING_BEHIND: &str = "A schema that is referred to refers to one that is not there";

/// What a reference takes that waits, or was followed.
const REFERENCE_BYTES: usize = 256;

/// The value, unless the budget is used up.
pub(super) fn within<T>(budget: &Budget, value: T) -> Result<T, String> {
    budget.over().map_or(Ok(value), |over| Err(over.to_string()))
}

fn number(reference: &Reference) -> Version {
    Version(u32::try_from(reference.version).unwrap_or(0))
}
