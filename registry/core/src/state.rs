//! What the log says: subjects, versions, schemas by id, configuration, modes, references.
//!
//! Maps share their structure: a clone costs nothing, so that readers hold a snapshot while the
//! next state is made. A schema's text is kept once, with its id, however many subjects use it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use imbl::{HashMap, OrdMap};
use weir_registry_api::{
    CompatibilityLevel, Config, Guid, Mode, Reference, RegistryError, Schema, SchemaId,
    SchemaString, SchemaType, Subject, SubjectVersion, Version, VersionSpec,
};
use weir_schema::avro;

use crate::record::{RawRecord, Record, SchemaValue, Unreadable};

#[derive(Clone, Debug, Default)]
pub struct State {
    /// Records applied so far; the offset of the next.
    next_offset: u64,
    /// Records that were passed over because they could not be read.
    unreadable: u64,
    subjects: OrdMap<Subject, Arc<SubjectEntry>>,
    ids: IdSpace,
    config: HashMap<Option<Subject>, Config>,
    mode: HashMap<Option<Subject>, Mode>,
    /// Who refers to a version: other versions, also deleted ones.
    referrers: HashMap<Place, Arc<BTreeSet<Place>>>,
}

type Place = (Subject, Version);

/// Ids and what they name; one space for each context, of which there is one.
#[derive(Clone, Debug, Default)]
struct IdSpace {
    by_id: HashMap<SchemaId, Arc<IdEntry>>,
    by_guid: HashMap<Guid, SchemaId>,
    /// The highest id ever seen; ids are not given twice, even if their schemas are gone.
    max: SchemaId,
}

/// The versions of a subject, ascending; never without one.
#[derive(Clone, Debug, Default)]
struct SubjectEntry {
    versions: Vec<VersionEntry>,
    latest: OnceLock<Arc<[u8]>>,
}

impl PartialEq for SubjectEntry {
    fn eq(&self, other: &Self) -> bool {
        self.versions == other.versions
    }
}

/// A version of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionEntry {
    pub version: Version,
    pub id: SchemaId,
    pub deleted: bool,
}

/// A place where a schema is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    pub subject: Subject,
    pub version: Version,
    pub deleted: bool,
}

/// A schema, once for all subjects that share it.
#[derive(Clone, Debug)]
pub struct IdEntry {
    pub id: SchemaId,
    pub guid: Guid,
    pub schema_type: SchemaType,
    pub references: Arc<[Reference]>,
    pub text: Arc<str>,
    /// Ascending by subject and version.
    uses: Arc<Vec<Use>>,
    parsed: Arc<OnceLock<Result<Arc<avro::Schema>, String>>>,
    ready: OnceLock<Arc<[u8]>>,
}

impl IdEntry {
    /// Where the schema is used; `deleted` includes soft-deleted versions.
    pub fn uses(&self, deleted: bool) -> impl Iterator<Item = &Use> {
        self.uses.iter().filter(move |u| deleted || !u.deleted)
    }

    /// The answer to `GET /schemas/ids/{id}`, made once.
    pub fn ready(&self) -> &Arc<[u8]> {
        self.ready.get_or_init(|| {
            serde_json::to_vec(&self.schema_string(None))
                .expect("a schema's strings are JSON")
                .into()
        })
    }

    /// The schema as a place of `subject`'s, if that uses it, else of the first that does.
    pub fn schema_string(&self, subject: Option<&Subject>) -> SchemaString {
        let place = self
            .uses
            .iter()
            .rfind(|u| Some(&u.subject) == subject)
            .or_else(|| self.uses(false).next())
            .or_else(|| self.uses.first());
        SchemaString {
            subject: place.map(|u| u.subject.clone()),
            version: place.map(|u| u.version),
            guid: Some(self.guid),
            schema_type: self.schema_type.clone(),
            schema: self.text.to_string(),
            references: self.references.to_vec(),
            max_id: None,
            deleted: place.is_some_and(|u| u.deleted),
        }
    }
}

impl State {
    /// Applies the next record of the log. Total: a record that cannot be read is counted and
    /// passed over, and its reason returned for the log.
    pub fn apply(&mut self, raw: &RawRecord) -> Result<(), Unreadable> {
        self.next_offset += 1;
        match Record::decode(raw) {
            Ok(record) => {
                self.apply_record(record);
                Ok(())
            }
            Err(why) => {
                self.unreadable += 1;
                Err(why)
            }
        }
    }

    fn apply_record(&mut self, record: Record) {
        match record {
            Record::Schema { subject, version, value: Some(value) } => {
                self.put_schema(subject, version, value);
            }
            Record::Schema { subject, version, value: None } => {
                self.remove_version(&subject, version);
            }
            Record::Config { subject, value } => put(&mut self.config, subject, value),
            Record::Mode { subject, value } => put(&mut self.mode, subject, value),
            Record::DeleteSubject { subject, version } => self.delete_up_to(&subject, version),
            Record::ClearSubject | Record::Noop => {}
        }
    }

    fn put_schema(&mut self, subject: Subject, version: Version, value: SchemaValue) {
        let guid = Guid::of(&value.schema, &value.references);
        if let Some(known) = self.ids.by_id.get(&value.id)
            && known.guid != guid
        {
            return; // an id never changes its meaning: the first record wins
        }
        self.remove_version(&subject, version);
        self.ids.max = self.ids.max.max(value.id);
        let place = Use { subject: subject.clone(), version, deleted: value.deleted };
        match self.ids.by_id.get_mut(&value.id) {
            Some(entry) => change_uses(entry, |uses| {
                let at = uses.partition_point(|u| u < &place);
                uses.insert(at, place);
            }),
            None => {
                let entry = IdEntry {
                    id: value.id,
                    guid,
                    schema_type: value.schema_type,
                    references: value.references.as_slice().into(),
                    text: value.schema.into(),
                    uses: Arc::new(vec![place]),
                    parsed: Arc::default(),
                    ready: OnceLock::new(),
                };
                self.ids.by_id.insert(value.id, Arc::new(entry));
                self.ids.by_guid.entry(guid).or_insert(value.id);
            }
        }
        for reference in &value.references {
            let target = (reference.subject.clone(), Version(reference.version as u32));
            let referrers = self.referrers.entry(target).or_default();
            Arc::make_mut(referrers).insert((subject.clone(), version));
        }
        let entry = VersionEntry { version, id: value.id, deleted: value.deleted };
        let versions = changed(self.subjects.entry(subject).or_default());
        let at = versions.partition_point(|v| v.version < version);
        versions.insert(at, entry);
    }

    fn remove_version(&mut self, subject: &Subject, version: Version) {
        let Some(entry) = self.version_entry(subject, version).copied() else { return };
        let Some(known) = self.subjects.get_mut(subject) else { return };
        let versions = changed(known);
        versions.retain(|v| v.version != version);
        if versions.is_empty() {
            self.subjects.remove(subject);
        }
        let Some(schema) = self.ids.by_id.get_mut(&entry.id) else { return };
        for reference in schema.references.iter() {
            let target = (reference.subject.clone(), Version(reference.version as u32));
            if let Some(referrers) = self.referrers.get_mut(&target) {
                Arc::make_mut(referrers).remove(&(subject.clone(), version));
                if referrers.is_empty() {
                    self.referrers.remove(&target);
                }
            }
        }
        change_uses(schema, |uses| {
            uses.retain(|u| u.subject != *subject || u.version != version);
        });
        if schema.uses.is_empty() {
            let guid = schema.guid;
            self.ids.by_id.remove(&entry.id);
            if self.ids.by_guid.get(&guid) == Some(&entry.id) {
                self.ids.by_guid.remove(&guid);
            }
        }
    }

    fn delete_up_to(&mut self, subject: &Subject, version: Version) {
        let Some(known) = self.subjects.get_mut(subject) else { return };
        for entry in changed(known).iter_mut().filter(|e| e.version <= version) {
            entry.deleted = true;
            if let Some(schema) = self.ids.by_id.get_mut(&entry.id) {
                change_uses(schema, |uses| {
                    for place in uses.iter_mut() {
                        place.deleted |= place.subject == *subject && place.version <= version;
                    }
                });
            }
        }
    }

    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// How many schemas have an id.
    pub fn schema_count(&self) -> usize {
        self.ids.by_id.len()
    }

    pub fn max_id(&self) -> SchemaId {
        self.ids.max
    }

    /// Subjects in order, from those that begin with `prefix`.
    pub fn subjects<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a Subject, &'a [VersionEntry])> {
        self.subjects
            .range(Subject::stored(prefix)..)
            .take_while(move |(subject, _)| subject.as_str().starts_with(prefix))
            .map(|(subject, entry)| (subject, entry.versions.as_slice()))
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

    pub fn by_id(&self, id: SchemaId) -> Option<&Arc<IdEntry>> {
        self.ids.by_id.get(&id)
    }

    pub fn by_guid(&self, guid: Guid) -> Option<&Arc<IdEntry>> {
        self.ids.by_guid.get(&guid).and_then(|id| self.by_id(*id))
    }

    /// A version as an answer.
    pub fn schema(&self, subject: &Subject, entry: &VersionEntry) -> Schema {
        let stored = self.entry(entry.id);
        Schema {
            subject: subject.clone(),
            version: entry.version,
            id: entry.id,
            guid: Some(stored.guid),
            schema_type: stored.schema_type.clone(),
            references: stored.references.to_vec(),
            schema: stored.text.to_string(),
            deleted: entry.deleted,
        }
    }

    /// The answer to `GET /subjects/{subject}/versions/latest`, made once; none if there is no
    /// live version.
    pub fn latest_ready(&self, subject: &Subject) -> Option<&Arc<[u8]>> {
        let entry = self.subjects.get(subject)?;
        let latest = entry.versions.iter().rfind(|v| !v.deleted)?;
        Some(entry.latest.get_or_init(|| {
            serde_json::to_vec(&self.schema(subject, latest))
                .expect("a schema's strings are JSON")
                .into()
        }))
    }

    /// The schema of an id that a version names.
    pub(crate) fn entry(&self, id: SchemaId) -> &Arc<IdEntry> {
        self.by_id(id).expect("a version's id stays as long as the version")
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

    /// A stored schema, parsed when first somebody asks.
    pub fn parsed(&self, entry: &IdEntry) -> Result<Arc<avro::Schema>, String> {
        entry
            .parsed
            .get_or_init(|| {
                if !entry.schema_type.is_avro() {
                    return Err(format!("Invalid schema type {}", entry.schema_type.0));
                }
                self.parse(&entry.text, &entry.references, avro::ParseOptions::STORED).map(Arc::new)
            })
            .clone()
    }

    /// Parses a text with all that it refers to, directly and through others, in order.
    pub(crate) fn parse(
        &self,
        text: &str,
        references: &[Reference],
        options: avro::ParseOptions,
    ) -> Result<avro::Schema, String> {
        let mut parser = avro::Parser::new(options);
        for reference in self.in_order(references)? {
            parser.reference(&reference.text).map_err(|e| e.to_string())?;
        }
        parser.parse(text).map_err(|e| e.to_string())
    }

    /// The schemas behind references, each after those that it refers to itself. Kept on the heap:
    /// a chain of references may be long.
    fn in_order(&self, references: &[Reference]) -> Result<Vec<Arc<IdEntry>>, String> {
        enum Visit {
            Enter(Reference),
            Leave(Arc<IdEntry>),
        }
        let mut ordered = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut stack: Vec<Visit> = references.iter().rev().cloned().map(Visit::Enter).collect();
        while let Some(visit) = stack.pop() {
            match visit {
                Visit::Leave(entry) => ordered.push(entry),
                Visit::Enter(reference) => {
                    let entry = self.referenced(&reference)?;
                    if seen.insert(entry.id) {
                        stack.push(Visit::Leave(entry.clone()));
                        stack.extend(entry.references.iter().rev().cloned().map(Visit::Enter));
                    }
                }
            }
        }
        Ok(ordered)
    }

    fn referenced(&self, reference: &Reference) -> Result<&Arc<IdEntry>, String> {
        let version = Version(u32::try_from(reference.version).unwrap_or(0));
        match self.version_entry(&reference.subject, version) {
            Some(found) => Ok(self.entry(found.id)),
            None => Err(format!(
                "No schema reference found for subject \"{}\" and version {}",
                reference.subject, reference.version
            )),
        }
    }

    pub fn config(&self, subject: Option<&Subject>) -> Option<&Config> {
        self.config.get(&subject.cloned())
    }

    /// Subjects that have a mode of their own.
    pub fn subjects_with_mode(&self) -> impl Iterator<Item = &Subject> {
        self.mode.keys().flatten()
    }

    pub fn mode(&self, subject: Option<&Subject>) -> Option<Mode> {
        self.mode.get(&subject.cloned()).copied()
    }

    /// The configuration that holds for a subject: its own over the global one.
    pub fn effective_config(&self, subject: Option<&Subject>) -> Config {
        let global = self.config(None).cloned().unwrap_or_default();
        let own = subject.and_then(|s| self.config(Some(s))).cloned().unwrap_or_default();
        Config {
            normalize: own.normalize.or(global.normalize),
            compatibility_level: Some(
                own.compatibility_level.or(global.compatibility_level).unwrap_or_default(),
            ),
        }
    }

    pub fn effective_level(&self, subject: &Subject) -> CompatibilityLevel {
        self.effective_config(Some(subject)).compatibility_level.unwrap_or_default()
    }

    pub fn effective_mode(&self, subject: Option<&Subject>) -> Mode {
        subject.and_then(|s| self.mode(Some(s))).or_else(|| self.mode(None)).unwrap_or_default()
    }
}

impl PartialEq for State {
    /// Equal in all that anybody can ask; offsets and what was passed over do not count.
    fn eq(&self, other: &Self) -> bool {
        let same_ids = self.ids.by_id.len() == other.ids.by_id.len()
            && self.ids.by_id.iter().all(|(id, a)| {
                other.ids.by_id.get(id).is_some_and(|b| {
                    a.guid == b.guid
                        && a.text == b.text
                        && a.schema_type == b.schema_type
                        && a.uses == b.uses
                })
            });
        self.subjects == other.subjects
            && same_ids
            && self.ids.by_guid == other.ids.by_guid
            && self.config == other.config
            && self.mode == other.mode
            && self.referrers == other.referrers
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

/// The versions of a subject, to be changed; its ready answer is made anew.
fn changed(entry: &mut Arc<SubjectEntry>) -> &mut Vec<VersionEntry> {
    let entry = Arc::make_mut(entry);
    entry.latest = OnceLock::new();
    &mut entry.versions
}

/// Changes where a schema is used; its ready answer names one of the places, so it is made anew.
fn change_uses(entry: &mut Arc<IdEntry>, change: impl FnOnce(&mut Vec<Use>)) {
    let entry = Arc::make_mut(entry);
    change(Arc::make_mut(&mut entry.uses));
    entry.ready = OnceLock::new();
}
