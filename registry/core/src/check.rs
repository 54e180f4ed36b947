//! Compatibility of a candidate with the versions before it, in Confluent's words and in ours.

use std::collections::{BTreeSet, HashSet};

use weir_registry_api::{
    CompatibilityLevel, CompatibilityPolicy, Config, Incompatibility, Subject,
};
use weir_schema::budget::LISTED_MAX;
use weir_schema::{Budget, Listed, Side};

use crate::candidate::Candidate;
use crate::grants::Grants;
use crate::parsed::{Reason, reasons};
use crate::state::{IdEntry, State, VersionEntry};

/// Characters of an old schema that messages quote.
const QUOTED_CHARS_MAX: usize = 10_240;

/// What a check found. No message means compatible.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    pub messages: Vec<String>,
    pub incompatibilities: Vec<Incompatibility>,
}

/// What is said instead of messages that would quote what may not be read.
const WITHHELD: &str = "{description: 'The reasons quote schemas that you may not read'}";

/// Compares with `versions` of a subject, the newest first; stops at the first that does not fit.
/// `submitted` is the text in which incompatibilities are to be located. Once the budget is used up
/// there is no verdict, whatever is returned.
///
/// Messages quote the versions, and speak of what these refer to: where some of that may not be read, one message says
/// that it is withheld.
pub fn check(
    state: &State,
    subject: &Subject,
    candidate: &Candidate,
    submitted: &str,
    versions: &[VersionEntry],
    grants: &Grants,
    budget: &Budget,
) -> Verdict {
    let verdict = compare(state, subject, candidate, submitted, versions, budget);
    let is_readable = |version: &VersionEntry| {
        let entry = state.entry(subject, version.id);
        state.check_references_readable(entry, grants, budget).is_ok()
    };
    let may_quote =
        || grants.are_all() || (grants.read(subject) && versions.iter().all(is_readable));
    match verdict.messages.is_empty() || may_quote() {
        true => verdict,
        false => Verdict { messages: vec![WITHHELD.into()], incompatibilities: Vec::new() },
    }
}

fn compare(
    state: &State,
    subject: &Subject,
    candidate: &Candidate,
    submitted: &str,
    versions: &[VersionEntry],
    budget: &Budget,
) -> Verdict {
    let config = state.effective_config(Some(subject));
    let level = config.compatibility_level.unwrap_or_default();
    let latest = versions.first().map(|v| state.entry(subject, v.id));
    let mut verdict = Verdict::default();
    if config.validate_fields == Some(true) {
        verdict.messages = reserved_fields(candidate, latest.map(|entry| &**entry));
    }
    if level != CompatibilityLevel::None {
        let compared = if level.is_transitive() { usize::MAX } else { 1 };
        let in_group = versions.iter().filter(|version| {
            config.compatibility_group.as_deref().is_none_or(|group| {
                let stored = state.entry(subject, version.id);
                property(stored.metadata.as_deref(), group)
                    == property(candidate.metadata.as_deref(), group)
            })
        });
        for version in in_group.take(compared) {
            let comparison = Comparison { state, subject, candidate, submitted, version, budget };
            let _version = budget.loan();
            if budget.is_over()
                || comparison.fails(level, config.compatibility_policy, &mut verdict)
            {
                break;
            }
        }
    }
    if !verdict.messages.is_empty() {
        verdict.messages.push(closing(&config));
    }
    verdict
}

/// Incompatibilities that are not listed are counted up to this many.
const COUNTED_MAX: u64 = 1_000_000_000;

/// What is said of incompatibilities that are not listed.
fn left_out_message(left_out: u64) -> String {
    match left_out {
        1 => "1 more incompatibility is left out.".to_string(),
        count if count > COUNTED_MAX => {
            format!("More than {COUNTED_MAX} more incompatibilities are left out.")
        }
        count => format!("{count} more incompatibilities are left out."),
    }
}

fn closing(config: &Config) -> String {
    let level = config.compatibility_level.unwrap_or_default();
    let validates = config.validate_fields == Some(true);
    format!("{{validateFields: '{validates}', compatibility: '{level}'}}")
}

fn property<'a>(
    metadata: Option<&'a weir_registry_api::Metadata>,
    name: &str,
) -> Option<&'a String> {
    metadata?.properties.get(name)
}

/// Reserved fields stay reserved, and no field has their names.
fn reserved_fields(candidate: &Candidate, latest: Option<&IdEntry>) -> Vec<String> {
    let reserved = |metadata: Option<&weir_registry_api::Metadata>| -> BTreeSet<String> {
        metadata.map_or_else(BTreeSet::new, |m| {
            m.reserved_fields().into_iter().map(String::from).collect()
        })
    };
    let new = reserved(candidate.metadata.as_deref());
    let old = reserved(latest.and_then(|entry| entry.metadata.as_deref()));
    let fields: HashSet<String> = candidate.parsed.top_level_fields().into_iter().collect();
    let removed = old.iter().filter(|field| !new.contains(*field)).map(|field| {
        format!("The new schema has reserved field {field} removed from its metadata which is present in the old schema's metadata.")
    });
    let taken = new.iter().filter(|field| fields.contains(*field)).map(|field| {
        format!("The new schema has field that conflicts with the reserved field {field}.")
    });
    let mut messages: Vec<String> = removed.chain(taken).take(LISTED_MAX + 1).collect();
    if messages.len() > LISTED_MAX {
        messages[LISTED_MAX] = "More of its fields are in conflict with reserved ones.".to_string();
    }
    messages
}

/// A candidate beside one version.
struct Comparison<'a> {
    state: &'a State,
    subject: &'a Subject,
    candidate: &'a Candidate,
    submitted: &'a str,
    version: &'a VersionEntry,
    budget: &'a Budget,
}

impl Comparison<'_> {
    /// Adds what does not fit to the verdict; whether anything does not.
    fn fails(
        &self,
        level: CompatibilityLevel,
        policy: Option<CompatibilityPolicy>,
        verdict: &mut Verdict,
    ) -> bool {
        let stored = self.state.entry(self.subject, self.version.id);
        let mut messages = Vec::new();
        // the reference names the old schema only where the new one has to read it, or that alone is asked
        let mut names_old = false;
        if stored.schema_type != self.candidate.schema_type {
            messages.push("Incompatible because of different schema type".to_string());
        } else {
            match self.state.parsed(stored, self.budget) {
                Ok(old) => {
                    let new = &self.candidate.parsed;
                    let policy = policy.unwrap_or_default();
                    if level.old_reads_new() {
                        let sides = ["old", "new"];
                        let found = reasons(&old, new, policy, sides, Side::Writer, self.budget);
                        self.add(found, Side::Writer, &mut messages, verdict);
                    }
                    let before = messages.len();
                    if level.new_reads_old() {
                        let sides = ["new", "old"];
                        let found = reasons(new, &old, policy, sides, Side::Reader, self.budget);
                        self.add(found, Side::Reader, &mut messages, verdict);
                    }
                    names_old = !level.new_reads_old() || messages.len() > before;
                }
                // what cannot be parsed any more cannot be compared, and is not to be written over
                Err(why) => messages.push(format!("The stored schema cannot be parsed: {why}")),
            }
        }
        if messages.is_empty() {
            return false;
        }
        verdict.messages.extend(messages);
        if names_old {
            verdict.messages.extend(self.old_schema(&stored.text.text()));
        }
        true
    }

    fn old_schema(&self, text: &str) -> [String; 2] {
        let version = format!("{{oldSchemaVersion: {}}}", self.version.version);
        let quoted = match text.char_indices().nth(QUOTED_CHARS_MAX) {
            None => format!("{{oldSchema: '{text}'}}"),
            Some((end, _)) => format!("{{oldSchema: <truncated> '{}...'}}", &text[..end]),
        };
        [version, quoted]
    }

    fn add(
        &self,
        found: Result<Listed<Reason>, String>,
        submitted: Side,
        messages: &mut Vec<String>,
        verdict: &mut Verdict,
    ) {
        let Listed { items, left_out } = match found {
            Ok(listed) => listed,
            Err(why) => return messages.push(why),
        };
        let own_path = |reason: &Reason| match submitted {
            Side::Reader => reason.reader_path.clone(),
            Side::Writer => reason.writer_path.clone(),
        };
        let paths: Vec<String> = items.iter().map(own_path).collect();
        let paths = paths.iter().map(String::as_str);
        let places = self.candidate.parsed.locate_all(self.submitted, paths, self.budget);
        for (reason, place) in items.into_iter().zip(places) {
            messages.push(reason.message);
            let (path, version_path) = match submitted {
                Side::Reader => (reason.reader_path, reason.writer_path),
                Side::Writer => (reason.writer_path, reason.reader_path),
            };
            verdict.incompatibilities.push(Incompatibility {
                rule: reason.rule.into(),
                version: self.version.version,
                path,
                version_path,
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
                fix: reason.fix,
            });
        }
        if left_out > 0 {
            messages.push(left_out_message(left_out));
        }
    }
}
