//! What the log says: subjects, versions, schemas by id, configuration, modes, references.
//!
//! Maps share their structure: a clone costs nothing, so that readers hold a snapshot while the
//! next state is made. [`State::apply`] is the only change; everything else asks.

mod export;
mod ids;
mod references;
mod scope;
mod subjects;
mod tally;
mod uses;

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet, Vector};
use weir_registry_api::{
    CompatibilityLevel, Config, Context, Guid, Mode, SchemaId, Subject, Version,
};

use crate::associations::Associations;
use crate::parsed::Parses;
use crate::record::{RawRecord, Record, SchemaValue, Unreadable};
pub use ids::IdEntry;
use ids::{IdSpace, SameContent};
pub(crate) use references::missing;
use subjects::SubjectEntry;
pub use subjects::{Listing, VersionEntry};
pub use tally::{ParseCache, Tally, type_name};
pub use uses::Use;

#[derive(Clone, Debug, Default)]
pub struct State {
    /// The offset after the last record that was applied or passed over.
    next_offset: u64,
    passed_over: PassedOver,
    subjects: OrdMap<Subject, SubjectEntry>,
    /// Contexts that have had a subject, beside the default one.
    contexts: OrdSet<Context>,
    /// Each context numbers its schemas for itself.
    ids: OrdMap<Context, IdSpace>,
    /// The server's, as the log is damaged and ids are lost that were given.
    ids_above: SchemaId,
    guids: OrdMap<Guid, SameContent>,
    config: HashMap<Option<Subject>, Arc<Config>>,
    mode: HashMap<Option<Subject>, Mode>,
    /// Where no configuration says a level. It is the server's, and not in the log.
    default_level: CompatibilityLevel,
    /// Who refers to a version: other versions, also deleted ones.
    referrers: HashMap<Place, Arc<BTreeSet<Place>>>,
    associations: Associations,
    /// Keys that another registry wrote in other bytes than ours, by ours: a tombstone that is to
    /// last has to stand for each of them.
    other_keys: HashMap<Vec<u8>, Arc<BTreeSet<Vec<u8>>>>,
    parses: Arc<Parses>,
}

type Place = (Subject, Version);

/// Records that could not be applied.
#[derive(Clone, Debug, Default)]
pub struct PassedOver {
    pub count: u64,
    /// Offset and reason of the first of them.
    pub first: Vector<(u64, Arc<str>)>,
}

/// How many are kept by offset: a topic of something else has no others.
const PASSED_OVER_KEPT_MAX: usize = 100;

/// A record of the log once all that takes time about it is done, which needs no state.
pub struct LogEntry(Result<ReadRecord, Unreadable>);

struct ReadRecord {
    record: Record,
    /// The guid, if the record is a schema.
    guid: Option<Guid>,
    timestamp_ms: Option<i64>,
    /// Our form of the key, and the one that it has, if that is another.
    other_key: Option<(Vec<u8>, Vec<u8>)>,
}

impl LogEntry {
    pub fn read(raw: &RawRecord) -> LogEntry {
        LogEntry(Record::decode(raw).map(|record| {
            let guid = match &record {
                Record::Schema { value: Some(value), .. } => Some(value.guid()),
                _ => None,
            };
            let ours = record.encode_key();
            let other_key = (ours != raw.key).then(|| (ours, raw.key.clone()));
            ReadRecord { record, guid, timestamp_ms: raw.timestamp_ms, other_key }
        }))
    }
}

impl State {
    /// Applies the next record of the log. Total: a record that cannot be applied is counted and
    /// passed over, and its reason returned.
    pub fn apply(&mut self, raw: &RawRecord) -> Result<(), Unreadable> {
        self.apply_entry(self.next_offset, LogEntry::read(raw))
    }

    /// Applies the record at an offset of the log; offsets ascend, and some may be missing.
    pub fn apply_entry(&mut self, offset: u64, entry: LogEntry) -> Result<(), Unreadable> {
        self.next_offset = offset + 1;
        let applied = entry.0.and_then(|read| {
            if let Some((ours, theirs)) = read.other_key {
                Arc::make_mut(self.other_keys.entry(ours).or_default()).insert(theirs);
            }
            self.apply_record(read.record, read.guid, read.timestamp_ms)
        });
        applied.inspect_err(|Unreadable(why)| {
            self.passed_over.count += 1;
            if self.passed_over.first.len() < PASSED_OVER_KEPT_MAX {
                self.passed_over.first.push_back((offset, why.as_str().into()));
            }
        })
    }

    /// There is no record before this offset that was not applied.
    pub fn reach(&mut self, offset: u64) {
        self.next_offset = self.next_offset.max(offset);
    }

    /// What has to be appended for a record to hold: a tombstone stands for every form of its key.
    pub fn raw_records(&self, record: &Record) -> Vec<RawRecord> {
        let raw = record.encode();
        let others = match raw.value {
            Some(_) => None,
            None => self.other_keys.get(&raw.key).cloned(),
        };
        let tombstone =
            |key: &Vec<u8>| RawRecord { key: key.clone(), value: None, timestamp_ms: None };
        let mut records: Vec<_> =
            others.iter().flat_map(|keys| keys.iter().map(tombstone)).collect();
        records.push(raw);
        records
    }

    fn apply_record(
        &mut self,
        record: Record,
        guid: Option<Guid>,
        timestamp_ms: Option<i64>,
    ) -> Result<(), Unreadable> {
        match record {
            Record::Schema { subject, version, value: Some(value) } => {
                let guid = guid.unwrap_or_else(|| value.guid());
                self.put_schema(subject, version, *value, guid, timestamp_ms)?;
            }
            Record::Schema { subject, version, value: None } => {
                self.remove_version(&subject, version);
            }
            Record::Config { subject, value } => {
                put(&mut self.config, subject, value);
            }
            Record::Mode { subject, value } => put(&mut self.mode, subject, value),
            Record::DeleteSubject { subject, version } => self.delete_up_to(&subject, version),
            Record::ClearSubject { subject } => self.clear(subject.as_ref()),
            Record::Context { context, exists: true } => drop(self.contexts.insert(context)),
            Record::Context { context, exists: false } => drop(self.contexts.remove(&context)),
            Record::Association { key, value } => self.associations.put(key, value),
            Record::Noop => {}
        }
        Ok(())
    }

    fn put_schema(
        &mut self,
        subject: Subject,
        version: Version,
        value: SchemaValue,
        guid: Guid,
        ts: Option<i64>,
    ) -> Result<(), Unreadable> {
        let subject = self.known_name(subject);
        let context = subject.context();
        let space = self.ids.entry(context.clone()).or_default();
        if space.by_id.get(&value.id).is_some_and(|known| known.guid != guid) {
            // an id never changes its meaning: the first record wins
            let id = value.id;
            return Err(Unreadable(format!("id {id} of {subject} {version} names another schema")));
        }
        self.remove_version(&subject, version);
        self.refer(&subject, version, &value.references);
        let (id, deleted) = (value.id, value.deleted);
        let place = Use { subject: subject.clone(), version, deleted, ts };
        self.use_id(context, value, guid, place);
        self.subjects.entry(subject).or_default().change(|versions| {
            let at = versions.partition_point(|v| v.version < version);
            versions.insert(at, VersionEntry { version, id, deleted, ts });
        });
        Ok(())
    }

    fn remove_version(&mut self, subject: &Subject, version: Version) {
        let Some(entry) = self.version_entry(subject, version).copied() else { return };
        let Some(known) = self.subjects.get_mut(subject) else { return };
        let is_empty = known.change(|versions| {
            versions.retain(|v| v.version != version);
            versions.is_empty()
        });
        if is_empty {
            self.subjects.remove(subject);
        }
        let references = self.entry(subject, entry.id).references.clone();
        self.unrefer(subject, version, &references);
        self.unuse_id(subject, version, entry.id);
    }

    fn delete_up_to(&mut self, subject: &Subject, version: Version) {
        let Some(known) = self.subjects.get_mut(subject) else { return };
        let delete = |entry: &mut VersionEntry| {
            entry.deleted = true;
            (entry.id, entry.version)
        };
        let deleted: Vec<(SchemaId, Version)> = known.change(|versions| {
            versions.iter_mut().filter(|e| e.version <= version).map(delete).collect()
        });
        for (id, version) in deleted {
            self.change_uses(subject, id, |uses| uses.delete(subject, version));
        }
    }

    /// Forgets soft-deleted versions of a subject or of a context.
    fn clear(&mut self, scope: Option<&Subject>) {
        let deleted: Vec<Place> = self
            .subjects_in_scope(scope)
            .flat_map(|(subject, versions)| {
                let deleted = versions.iter().filter(|v| v.deleted);
                deleted.map(move |v| (subject.clone(), v.version))
            })
            .collect();
        for (subject, version) in deleted {
            self.remove_version(&subject, version);
        }
    }

    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    pub fn associations(&self) -> &Associations {
        &self.associations
    }
}

impl PartialEq for State {
    /// Equal in all that anybody can ask; offsets, times and what was passed over do not count.
    fn eq(&self, other: &Self) -> bool {
        let with_ids = |state: &State| -> Vec<(Context, IdSpace)> {
            let used = state.ids.iter().filter(|(_, space)| !space.by_id.is_empty());
            used.map(|(context, space)| (context.clone(), space.clone())).collect()
        };
        self.subjects == other.subjects
            && with_ids(self) == with_ids(other)
            && self.contexts == other.contexts
            && self.guids == other.guids
            && self.config == other.config
            && self.mode == other.mode
            && self.referrers == other.referrers
            && self.associations == other.associations
    }
}

fn put<V: Clone>(
    map: &mut HashMap<Option<Subject>, V>,
    subject: Option<Subject>,
    value: Option<V>,
) {
    match value {
        Some(value) => drop(map.insert(subject, value)),
        None => drop(map.remove(&subject)),
    }
}
