//! Subjects and their versions.

use std::sync::Arc;

use weir_registry_api::{Context, RegistryError, Schema, SchemaId, Subject, Version, VersionSpec};

use super::State;
use crate::grants::Grants;

/// The versions of a subject, ascending; never without one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SubjectEntry {
    versions: Arc<Vec<VersionEntry>>,
    /// Versions that are not deleted, known without a look at them: lists ask it of every subject.
    live: u32,
}

impl SubjectEntry {
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Vec<VersionEntry>) -> T) -> T {
        let versions = Arc::make_mut(&mut self.versions);
        let result = change(versions);
        self.live = versions.iter().map(|v| u32::from(!v.deleted)).sum();
        result
    }
}

/// A version of a subject.
#[derive(Clone, Copy, Debug)]
pub struct VersionEntry {
    pub version: Version,
    pub id: SchemaId,
    pub deleted: bool,
    /// When it was written, in milliseconds since 1970.
    pub ts: Option<i64>,
}

impl PartialEq for VersionEntry {
    fn eq(&self, other: &Self) -> bool {
        (self.version, self.id, self.deleted) == (other.version, other.id, other.deleted)
    }
}

/// Which subjects a list has: `:*:name` in all contexts, `:.context:name` in one, `name` in the
/// default one. `name` is what they begin with.
pub struct Listing {
    in_all_contexts: bool,
    /// Where the list begins, and what stands before all of it.
    prefix: Subject,
}

impl Listing {
    pub fn new(prefix: &str) -> Listing {
        match prefix.strip_prefix(":*:") {
            Some(name) => Listing { in_all_contexts: true, prefix: Subject::stored(name) },
            None => Listing { in_all_contexts: false, prefix: Subject::written(prefix) },
        }
    }

    pub fn has(&self, subject: &Subject) -> bool {
        if self.in_all_contexts && self.prefix.as_str().is_empty() {
            return true;
        }
        let (context, name) = subject.parts();
        if self.in_all_contexts {
            return name.starts_with(self.prefix.as_str());
        }
        let (wanted, prefix) = self.prefix.parts();
        context == wanted && name.starts_with(prefix)
    }
}

impl State {
    /// The name as it is kept already, so that it is kept once.
    pub(super) fn known_name(&self, subject: Subject) -> Subject {
        self.subjects.get_key_value(&subject).map_or(subject, |(known, _)| known.clone())
    }

    /// Subjects in order.
    pub fn subjects<'a>(
        &'a self,
        listing: &'a Listing,
    ) -> impl Iterator<Item = (&'a Subject, &'a [VersionEntry])> {
        self.listed(listing).map(|(subject, entry)| (subject, entry.versions.as_slice()))
    }

    /// The subjects of all contexts with their versions.
    pub(super) fn all_subjects(&self) -> impl Iterator<Item = (&Subject, &[VersionEntry])> {
        self.subjects.iter().map(|(subject, entry)| (subject, entry.versions.as_slice()))
    }

    /// Their names, of those alone that may be read, and of which it is wanted that they have a live version, or none.
    pub fn subject_names<'a>(
        &'a self,
        listing: &'a Listing,
        grants: &'a Grants,
        wanted: impl Fn(bool) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Subject> {
        let shown = self.listed(listing).filter(move |(_, entry)| wanted(entry.live > 0));
        shown.map(|(subject, _)| subject).filter(|subject| grants.read(subject))
    }

    fn listed<'a>(
        &'a self,
        listing: &'a Listing,
    ) -> impl Iterator<Item = (&'a Subject, &'a SubjectEntry)> {
        let first = if listing.in_all_contexts { "" } else { listing.prefix.as_str() };
        self.from(first).filter(|(subject, _)| listing.has(subject))
    }

    /// Subjects that begin with a text, in order.
    fn from(&self, first: &str) -> impl Iterator<Item = (&Subject, &SubjectEntry)> {
        self.subjects
            .range(Subject::stored(first)..)
            // not even a look at nothing of a name, which may not be in the processor's cache
            .take_while(move |(subject, _)| first.is_empty() || subject.as_str().starts_with(first))
    }

    /// The subjects of a scope of modes: one subject, or all of a context.
    pub fn subjects_in_scope<'a>(
        &'a self,
        scope: Option<&'a Subject>,
    ) -> impl Iterator<Item = (&'a Subject, &'a [VersionEntry])> {
        let (context, name) = scope.map_or((".", ""), Subject::parts);
        let first = scope.map_or("", Subject::as_str);
        let all = scope.is_some_and(Subject::is_global);
        let first = if all { "" } else { first };
        self.from(first)
            .filter(move |(s, _)| all || s.parts().0 == context)
            .filter(move |(s, _)| name.is_empty() || s.parts().1 == name)
            .map(|(subject, entry)| (subject, entry.versions.as_slice()))
    }

    /// Contexts that have had a subject, beside the default one, in order.
    pub fn contexts(&self) -> impl Iterator<Item = &Context> {
        self.contexts.iter()
    }

    pub fn has_context(&self, context: &Context) -> bool {
        self.contexts.contains(context)
    }

    /// All versions of a subject, soft-deleted ones too; none if the subject is not there.
    pub fn versions(&self, subject: &Subject) -> &[VersionEntry] {
        self.subjects.get(subject).map_or(&[], |entry| &entry.versions)
    }

    pub fn live_versions(
        &self,
        subject: &Subject,
    ) -> impl DoubleEndedIterator<Item = &VersionEntry> {
        self.versions(subject).iter().filter(|v| !v.deleted)
    }

    pub fn version_entry(&self, subject: &Subject, version: Version) -> Option<&VersionEntry> {
        let versions = self.versions(subject);
        versions.binary_search_by_key(&version, |v| v.version).ok().map(|at| &versions[at])
    }

    /// The version that a request means; the latest is the newest that is not deleted. 40401 · 40402.
    pub fn find_version(
        &self,
        subject: &Subject,
        spec: VersionSpec,
        deleted: bool,
    ) -> Result<&VersionEntry, RegistryError> {
        let versions = self.versions(subject);
        if !versions.iter().any(|v| deleted || !v.deleted) {
            return Err(RegistryError::SubjectNotFound { subject: subject.clone() });
        }
        let found = match spec {
            VersionSpec::Latest => versions.iter().rfind(|v| !v.deleted),
            VersionSpec::Number(number) => {
                self.version_entry(subject, number).filter(|v| deleted || !v.deleted)
            }
        };
        found.ok_or_else(|| RegistryError::VersionNotFound { version: spec.to_string() })
    }

    /// A version of a subject, and where it was found: an unqualified name that the default context does not
    /// have is looked for in all others, where it may be read.
    pub fn find_version_anywhere(
        &self,
        subject: &Subject,
        spec: VersionSpec,
        deleted: bool,
        grants: &Grants,
    ) -> Result<(Subject, &VersionEntry), RegistryError> {
        let here = self.find_version(subject, spec, deleted);
        if here.is_ok() || !subject.is_in_default_context() {
            return here.map(|found| (subject.clone(), found));
        }
        let elsewhere = self.elsewhere(subject, grants).find_map(|qualified| {
            let found = self.find_version(&qualified, spec, deleted).ok()?;
            Some((qualified, found))
        });
        elsewhere.map_or_else(|| here.map(|found| (subject.clone(), found)), Ok)
    }

    /// Returns true if a subject is there, or a context that has any that may be read. `deleted` counts what is
    /// soft-deleted.
    pub fn is_there(&self, subject: &Subject, deleted: bool, grants: &Grants) -> bool {
        let shown = |entry: &SubjectEntry| deleted || entry.live > 0;
        let is_context = subject.as_str().starts_with(":.") && subject.parts().1.is_empty();
        self.subjects.get(subject).is_some_and(shown)
            || (is_context
                && self
                    .from(subject.as_str())
                    .any(|(inner, entry)| shown(entry) && grants.read(inner)))
    }

    /// A subject's name in all contexts but the default one, where it may be read.
    pub fn elsewhere(&self, subject: &Subject, grants: &Grants) -> impl Iterator<Item = Subject> {
        let qualified = self.contexts.iter().map(|context| context.subject(subject.parts().1));
        qualified.filter(|subject| grants.read(subject))
    }

    /// A version as an answer.
    pub fn schema(&self, subject: &Subject, entry: &VersionEntry) -> Schema {
        let stored = self.entry(subject, entry.id);
        Schema {
            subject: subject.clone(),
            version: entry.version,
            id: entry.id,
            guid: Some(stored.guid),
            schema_type: stored.schema_type.clone(),
            references: stored.references.clone(),
            metadata: stored.metadata.clone(),
            rule_set: stored.rule_set.clone(),
            schema: stored.text.clone(),
            schema_tags: Vec::new(),
            ts: entry.ts,
            deleted: Some(entry.deleted),
            aliases: Vec::new(),
            associations: Vec::new(),
        }
    }
}
