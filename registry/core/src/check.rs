//! Compatibility of a candidate with the versions before it, at a level, in Confluent's words.

use weir_registry_api::CompatibilityLevel;
use weir_schema::avro::{self, compatibility};

use crate::candidate::Candidate;
use crate::state::{State, VersionEntry};

/// Characters of an old schema that messages quote.
const QUOTED_CHARS_MAX: usize = 10_240;

/// Compares with `versions`, the newest first; stops at the first that does not fit. No message
/// means compatible.
pub fn check<'a>(
    state: &State,
    candidate: &Candidate,
    level: CompatibilityLevel,
    versions: impl Iterator<Item = &'a VersionEntry>,
) -> Vec<String> {
    if level == CompatibilityLevel::None {
        return Vec::new();
    }
    let compared = if level.is_transitive() { usize::MAX } else { 1 };
    for version in versions.take(compared) {
        let mut messages = check_one(state, candidate, level, version);
        if !messages.is_empty() {
            let config = format!("{{validateFields: 'false', compatibility: '{level}'}}");
            messages.push(config);
            return messages;
        }
    }
    Vec::new()
}

fn check_one(
    state: &State,
    candidate: &Candidate,
    level: CompatibilityLevel,
    version: &VersionEntry,
) -> Vec<String> {
    let stored = state.entry(version.id);
    let mut messages = Vec::new();
    if stored.schema_type != candidate.schema_type {
        messages.push("Incompatible because of different schema type".to_string());
    } else {
        match state.parsed(stored) {
            Ok(old) => {
                if level.old_reads_new() {
                    messages.extend(reasons(&old, &candidate.parsed, "old", "new"));
                }
                if level.new_reads_old() {
                    messages.extend(reasons(&candidate.parsed, &old, "new", "old"));
                }
            }
            // what cannot be parsed any more cannot be compared, and is not to be written over
            Err(why) => messages.push(format!("The stored schema cannot be parsed: {why}")),
        }
    }
    if !messages.is_empty() {
        messages.push(format!("{{oldSchemaVersion: {}}}", version.version));
        messages.push(match stored.text.char_indices().nth(QUOTED_CHARS_MAX) {
            None => format!("{{oldSchema: '{}'}}", stored.text),
            Some((end, _)) => {
                format!("{{oldSchema: <truncated> '{}...'}}", &stored.text[..end])
            }
        });
    }
    messages
}

fn reasons(
    reader: &avro::Schema,
    writer: &avro::Schema,
    reader_word: &str,
    writer_word: &str,
) -> Vec<String> {
    match compatibility(reader, writer) {
        Ok(found) => found.iter().map(|i| i.describe(reader_word, writer_word)).collect(),
        Err(error) => vec![format!("Unexpected exception during compatibility check: {error}")],
    }
}
