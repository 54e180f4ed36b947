//! How much of everything a state has, for the metrics.

use std::collections::BTreeMap;

use weir_registry_api::SchemaType;

use super::State;

/// How much a state has, by type of schema: `AVRO`, `JSON`, `PROTOBUF` or `other`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Schemas with an id.
    pub schemas: BTreeMap<&'static str, u64>,
    /// Subjects, by the type of their last version; true for those of which all versions are soft-deleted.
    pub subjects: BTreeMap<(&'static str, bool), u64>,
    /// Versions that are live, and those that are soft-deleted.
    pub live_versions: u64,
    pub deleted_versions: u64,
}

/// Look-ups of parsed schemas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseCache {
    pub hits: u64,
    pub misses: u64,
    pub entries: u64,
}

/// A type's name where it is one of those that are known: anything may be in a log.
pub fn type_name(schema_type: &SchemaType) -> &'static str {
    match schema_type {
        SchemaType::Avro => "AVRO",
        SchemaType::Json => "JSON",
        SchemaType::Protobuf => "PROTOBUF",
        SchemaType::Other(_) => "other",
    }
}

impl State {
    /// Counts all that there is, which takes some 100 ns for each subject and each schema.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for entry in self.ids.values().flat_map(|space| space.by_id.values()) {
            *tally.schemas.entry(type_name(&entry.schema_type)).or_default() += 1;
        }
        for (subject, versions) in self.all_subjects() {
            let live = versions.iter().filter(|version| !version.deleted).count();
            tally.live_versions += live as u64;
            tally.deleted_versions += (versions.len() - live) as u64;
            if let Some(last) = versions.last() {
                let name = type_name(&self.entry(subject, last.id).schema_type);
                *tally.subjects.entry((name, live == 0)).or_default() += 1;
            }
        }
        tally
    }

    /// How the cache of parsed schemas does.
    pub fn parse_cache(&self) -> ParseCache {
        self.parses.counts()
    }
}

#[cfg(test)]
mod tests {
    use weir_registry_api::{RegisterRequest, Subject};
    use weir_schema::Budget;

    use super::*;
    use crate::{Decide, DeleteSubject, Grants, RegisterOptions, Registration};

    #[test]
    fn a_tally_has_types_and_what_is_deleted() {
        let mut state = State::default();
        let mut run = |records: Vec<crate::Record>| {
            records.iter().for_each(|record| state.apply(&record.encode()).unwrap());
            state.clone()
        };
        let mut now = run(Vec::new());
        for (subject, schema_type, schema) in [
            ("a", SchemaType::Avro, "\"string\""),
            ("b", SchemaType::Avro, "\"string\""),
            ("c", SchemaType::Json, "{\"type\":\"string\"}"),
        ] {
            let request = RegisterRequest {
                schema: Some(schema.to_string()),
                schema_type: Some(schema_type),
                ..RegisterRequest::default()
            };
            let (subject, budget) = (Subject::stored(subject), Budget::unlimited());
            let (options, grants) = (RegisterOptions::default(), Grants::ALL);
            let made = Registration::of(&now, subject, &request, options, &grants, &budget);
            now = run(made.unwrap().decide(&now).unwrap().records);
        }
        let delete = DeleteSubject { subject: Subject::stored("b"), permanent: false };
        now = run(delete.decide(&now).unwrap().records);
        let tally = now.tally();
        assert_eq!(tally.schemas, BTreeMap::from([("AVRO", 1), ("JSON", 1)]));
        let subjects = [(("AVRO", false), 1), (("AVRO", true), 1), (("JSON", false), 1)];
        assert_eq!(tally.subjects, BTreeMap::from(subjects));
        assert_eq!((tally.live_versions, tally.deleted_versions), (2, 1));
    }
}
