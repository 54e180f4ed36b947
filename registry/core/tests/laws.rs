//! The two laws of the registry, for any history of commands:
//! `replay(log) == live state` and `replay(compact(log)) == replay(log)`.

#![allow(clippy::unwrap_used)] // how a test fails

use std::collections::HashMap;

use proptest::prelude::*;
use weir_registry_api::{ConfigUpdate, Mode, Reference, RegisterRequest, Subject, VersionSpec};
use weir_registry_core::{Candidate, Command, Outcome, RawRecord, State, decide};

#[derive(Clone, Debug)]
enum Step {
    Register { subject: usize, schema: usize, refer: Option<usize>, normalize: bool },
    DeleteSubject { subject: usize, permanent: bool },
    DeleteVersion { subject: usize, version: Option<u32>, permanent: bool },
    Config { subject: Option<usize>, level: &'static str },
    DeleteConfig { subject: Option<usize> },
    Mode { subject: Option<usize>, read_only: bool },
    DeleteMode { subject: Option<usize>, recursive: bool },
}

const SCHEMAS: [&str; 6] = [
    r#"{"type":"record","name":"A","fields":[]}"#,
    r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int","default":0}]}"#,
    r#"{"type":"record","name":"A","fields":[{"name":"x","type":"long","default":0}]}"#,
    r#""string""#,
    r#"{"type":"record","name":"B","fields":[{"name":"a","type":["null","A"],"default":null}]}"#,
    r#"{"type":"enum","name":"E","symbols":["X"]}"#,
];
const LEVELS: [&str; 4] = ["NONE", "backward", "FULL_TRANSITIVE", "FORWARD"];

fn subject(index: usize) -> Subject {
    Subject::new(["a", "b", "c", "d-value"][index]).unwrap()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let global = || proptest::option::of(0..4usize);
    let step = prop_oneof![
        6 => (0..4usize, 0..SCHEMAS.len(), proptest::option::weighted(0.4, 0..4usize), any::<bool>())
            .prop_map(|(subject, schema, refer, normalize)| Step::Register { subject, schema, refer, normalize }),
        2 => (0..4usize, any::<bool>())
            .prop_map(|(subject, permanent)| Step::DeleteSubject { subject, permanent }),
        3 => (0..4usize, proptest::option::of(1..5u32), any::<bool>())
            .prop_map(|(subject, version, permanent)| Step::DeleteVersion { subject, version, permanent }),
        2 => (global(), 0..LEVELS.len())
            .prop_map(|(subject, level)| Step::Config { subject, level: LEVELS[level] }),
        1 => global().prop_map(|subject| Step::DeleteConfig { subject }),
        1 => (global(), proptest::bool::weighted(0.2))
            .prop_map(|(subject, read_only)| Step::Mode { subject, read_only }),
        1 => (global(), any::<bool>())
            .prop_map(|(subject, recursive)| Step::DeleteMode { subject, recursive }),
    ];
    proptest::collection::vec(step, 1..60)
}

fn command(state: &State, step: &Step) -> Option<Command> {
    Some(match step {
        Step::Register { subject: s, schema, refer, normalize } => {
            let references = refer
                .map(|r| Reference { name: "A".into(), subject: subject(r), version: -1 })
                .into_iter()
                .collect();
            let request = RegisterRequest {
                schema: Some(SCHEMAS[*schema].into()),
                references,
                ..RegisterRequest::default()
            };
            let subject = subject(*s);
            let candidate = Candidate::new(state, &subject, &request, *normalize).ok()?;
            Command::Register { subject, candidate: Box::new(candidate), version: 0, force: false }
        }
        Step::DeleteSubject { subject: s, permanent } => {
            Command::DeleteSubject { subject: subject(*s), permanent: *permanent }
        }
        Step::DeleteVersion { subject: s, version, permanent } => Command::DeleteVersion {
            subject: subject(*s),
            version: version.map_or(VersionSpec::Latest, |v| {
                VersionSpec::Number(weir_registry_api::Version(v))
            }),
            permanent: *permanent,
        },
        Step::Config { subject: s, level } => Command::PutConfig {
            subject: s.map(subject),
            update: ConfigUpdate { compatibility: Some(Some((*level).into())), normalize: None },
        },
        Step::DeleteConfig { subject: s } => Command::DeleteConfig { subject: s.map(subject) },
        Step::Mode { subject: s, read_only } => Command::PutMode {
            subject: s.map(subject),
            mode: if *read_only { Mode::Readonly } else { Mode::Readwrite },
        },
        Step::DeleteMode { subject: s, recursive } => {
            Command::DeleteMode { subject: s.map(subject), recursive: *recursive }
        }
    })
}

fn replay<'a>(log: impl IntoIterator<Item = &'a RawRecord>) -> State {
    let mut state = State::default();
    for record in log {
        state.apply(record).expect("our own records are readable");
    }
    state
}

/// What Kafka's compaction leaves: the last record of each key, in the order of the log, and no
/// tombstones.
fn compact(log: &[RawRecord]) -> Vec<RawRecord> {
    let last: HashMap<&[u8], usize> =
        log.iter().enumerate().map(|(i, r)| (r.key.as_slice(), i)).collect();
    log.iter()
        .enumerate()
        .filter(|(i, r)| last[r.key.as_slice()] == *i && r.value.is_some())
        .map(|(_, r)| r.clone())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_the_state(steps in steps()) {
        let mut state = State::default();
        let mut log: Vec<RawRecord> = Vec::new();
        let mut ids: HashMap<u32, String> = HashMap::new();
        for step in &steps {
            let Some(command) = command(&state, step) else { continue };
            let Ok(decision) = decide(&state, &command) else { continue };
            for record in &decision.records {
                let raw = record.encode();
                state.apply(&raw).expect("our own records are readable");
                log.push(raw);
            }
            // whatever the outcome says is there once its records are applied
            if let (Outcome::Registered { id, version }, Command::Register { subject, .. }) =
                (&decision.outcome, &command)
            {
                let entry = state.version_entry(subject, *version).expect("the version is there");
                prop_assert_eq!(entry.id, *id);
                prop_assert!(!entry.deleted);
                let known = ids.entry(id.0).or_insert_with(|| state.by_id(*id).unwrap().text.to_string());
                prop_assert_eq!(&*state.by_id(*id).unwrap().text, known.as_str(), "an id keeps its meaning");
            }
        }
        prop_assert_eq!(&replay(&log), &state);
        prop_assert_eq!(&replay(&compact(&log)), &state);
    }
}
