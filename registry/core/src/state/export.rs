//! The state as records again: for backups, for moving to another log, and to put right what a write at
//! the wrong moment has covered.

use std::collections::BTreeSet;

use weir_registry_api::{Subject, Version};

use super::{State, VersionEntry};
use crate::record::{AssociationKey, RawRecord, Record, SchemaValue};

impl State {
    /// A log of this state: what makes an equal one. Schemas come by their ids, so that a schema comes
    /// after those that it refers to.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let contexts = self.contexts().cloned();
        let contexts = contexts.map(|context| Record::Context { context, exists: true });
        let configs = self.config.iter().map(|(subject, config)| Record::Config {
            subject: subject.clone(),
            value: Some(config.clone()),
        });
        let modes = self
            .mode
            .iter()
            .map(|(subject, mode)| Record::Mode { subject: subject.clone(), value: Some(*mode) });
        let places = self.all_subjects().flat_map(|(subject, versions)| {
            versions.iter().map(move |version| (version.id, subject, version))
        });
        let mut places: Vec<_> = places.collect();
        places.sort_by_key(|(id, subject, version)| (*id, subject.parts().0, version.version));
        let schemas =
            places.into_iter().map(|(_, subject, version)| self.schema_record(subject, version));
        let associations = self.associations.iter().map(|association| Record::Association {
            key: AssociationKey::of(association),
            value: Some(association.clone()),
        });
        contexts.chain(configs).chain(modes).chain(schemas).chain(associations)
    }

    fn schema_record(&self, subject: &Subject, version: &VersionEntry) -> Record {
        let entry = self.entry(subject, version.id);
        let value = SchemaValue {
            subject: subject.clone(),
            version: version.version,
            id: entry.id,
            schema_type: entry.schema_type.clone(),
            references: entry.references.clone(),
            metadata: entry.metadata.clone(),
            rule_set: entry.rule_set.clone(),
            schema: entry.text.clone(),
            deleted: version.deleted,
        };
        Record::Schema {
            subject: subject.clone(),
            version: version.version,
            value: Some(Box::new(value)),
        }
    }

    /// What has to be written so that this is the state again after records have come at the wrong
    /// moment and made it `now`.
    pub fn undo(&self, now: &State, written: &[RawRecord]) -> Vec<Record> {
        let mut subjects = BTreeSet::new();
        let mut records = Vec::new();
        for record in written.iter().filter_map(|raw| Record::decode(raw).ok()) {
            match record {
                Record::Schema { subject, .. } | Record::DeleteSubject { subject, .. } => {
                    subjects.insert(subject);
                }
                Record::ClearSubject { subject } => {
                    let cleared = self.subjects_in_scope(subject.as_ref());
                    subjects.extend(cleared.map(|(subject, _)| subject.clone()));
                }
                Record::Config { subject, .. } => {
                    let value = self.config.get(&subject).cloned();
                    if value.as_deref() != now.config(subject.as_ref()) {
                        records.push(Record::Config { subject, value });
                    }
                }
                Record::Mode { subject, .. } => {
                    let value = self.mode(subject.as_ref());
                    if value != now.mode(subject.as_ref()) {
                        records.push(Record::Mode { subject, value });
                    }
                }
                Record::Association { key, .. } => {
                    let value = self.associations.get(&key).cloned();
                    if value.as_ref() != now.associations.get(&key) {
                        records.push(Record::Association { key, value });
                    }
                }
                // nobody is hurt by a context without subjects
                Record::Context { .. } | Record::Noop => {}
            }
        }
        records.extend(subjects.iter().flat_map(|subject| self.undo_versions(now, subject)));
        records
    }

    fn undo_versions(&self, now: &State, subject: &Subject) -> Vec<Record> {
        let versions = self.versions(subject).iter().chain(now.versions(subject));
        let versions: BTreeSet<Version> = versions.map(|v| v.version).collect();
        let differs = |version: &Version| {
            self.version_entry(subject, *version) != now.version_entry(subject, *version)
        };
        let record = |version: Version| match self.version_entry(subject, version) {
            Some(entry) => self.schema_record(subject, entry),
            None => Record::Schema { subject: subject.clone(), version, value: None },
        };
        versions.into_iter().filter(differs).map(record).collect()
    }

    /// References of stored schemas to versions that are not there.
    pub fn missing_references(&self) -> Vec<(Subject, Version)> {
        let missing = self
            .referrers
            .iter()
            .filter(|((subject, version), _)| self.version_entry(subject, *version).is_none());
        missing.map(|(place, _)| place.clone()).collect()
    }
}
