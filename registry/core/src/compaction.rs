//! Which records of a log can be left out: what the others make is the same state, and no id is given again.

use std::collections::{BTreeSet, HashMap};

use weir_registry_api::{Context, SchemaId, Subject};

use crate::record::{RawRecord, Record};

/// Looks at all records of a log, in order, to say which of them have to stay.
///
/// These stay: the last record of each key, if it is no tombstone; what cannot be read, of which nobody knows
/// what it means; of each context the record with the highest id, with what came of it, so that the id is not
/// given again; the last record of all, so that the log ends where it did.
#[derive(Default)]
pub struct Compaction {
    /// The last record of each key, in the form in which we write the key.
    last: HashMap<Vec<u8>, Last>,
    highest: HashMap<Context, Highest>,
    unreadable: BTreeSet<u64>,
    /// Deletions of versions that are in other records, which have no say where none of those is before them.
    deletions: Vec<(u64, Option<Subject>)>,
    end: Option<u64>,
}

struct Last {
    offset: u64,
    is_tombstone: bool,
    /// The subject, if the record is a schema.
    subject: Option<Subject>,
}

struct Highest {
    id: SchemaId,
    offset: u64,
    key: Vec<u8>,
}

impl Compaction {
    pub fn see(&mut self, offset: u64, raw: &RawRecord) {
        self.end = Some(offset);
        let Ok(record) = Record::decode(raw) else {
            self.unreadable.insert(offset);
            return;
        };
        let key = record.encode_key();
        let mut last = Last { offset, is_tombstone: raw.present_value().is_none(), subject: None };
        match record {
            Record::Schema { subject, value, .. } => {
                if let Some(value) = value {
                    self.see_id(subject.context(), value.id, offset, &key);
                }
                last.subject = Some(subject);
            }
            Record::DeleteSubject { subject, .. } => self.deletions.push((offset, Some(subject))),
            Record::ClearSubject { .. } => self.deletions.push((offset, None)),
            Record::Noop => last.is_tombstone = true,
            Record::Config { .. }
            | Record::Mode { .. }
            | Record::Context { .. }
            | Record::Association { .. } => {}
        }
        self.last.insert(key, last);
    }

    fn see_id(&mut self, context: Context, id: SchemaId, offset: u64, key: &[u8]) {
        let highest = self.highest.get(&context).map(|highest| highest.id);
        // the first of an id is what gave it
        if highest.is_none_or(|highest| highest < id) {
            self.highest.insert(context, Highest { id, offset, key: key.to_vec() });
        }
    }

    /// The offsets of the records that have to stay.
    pub fn kept(self) -> BTreeSet<u64> {
        let mut kept = self.unreadable;
        kept.extend(self.last.values().filter(|last| !last.is_tombstone).map(|last| last.offset));
        for highest in self.highest.values() {
            kept.insert(highest.offset);
            kept.extend(self.last.get(&highest.key).map(|last| last.offset));
        }
        let mut first_of: HashMap<&Subject, u64> = HashMap::new();
        for last in self.last.values().filter(|last| kept.contains(&last.offset)) {
            if let Some(subject) = &last.subject {
                let first = first_of.entry(subject).or_insert(last.offset);
                *first = last.offset.min(*first);
            }
        }
        for highest in self.highest.values() {
            if let Some(Last { subject: Some(subject), .. }) = self.last.get(&highest.key) {
                let first = first_of.entry(subject).or_insert(highest.offset);
                *first = highest.offset.min(*first);
            }
        }
        let first = first_of.values().min();
        for (offset, subject) in &self.deletions {
            let before = subject.as_ref().map_or(first, |subject| first_of.get(subject));
            if before.is_none_or(|before| before > offset) {
                kept.remove(offset);
            }
        }
        kept.extend(self.end);
        kept
    }
}
