//! The two laws of the registry, for any history of commands:
//! `replay(log) == live state` and `replay(compact(log)) == replay(log)`.

#![allow(clippy::unwrap_used)] // how a test fails

use std::collections::HashMap;

use proptest::prelude::*;
use weir_registry_api::{
    ConfigUpdate, Context, Lifecycle, Metadata, Mode, Reference, RegisterRequest, SchemaId,
    Subject, VersionSpec,
};
use weir_registry_core::{
    AssociationChange, AssociationDelete, AssociationPlan, Candidate, Compaction, Decide,
    DeleteConfig, DeleteContext, DeleteMode, DeleteSubject, DeleteVersion, Grants, LogEntry,
    Purpose, PutConfig, PutMode, RawRecord, Record, RegisterOptions, Registered, Registration,
    RequestedVersion, State,
};
use weir_schema::Budget;

#[derive(Clone, Debug)]
enum Step {
    Register { subject: usize, schema: usize, refer: Option<usize>, normalize: bool },
    Owner { subject: usize, owner: &'static str },
    Import { subject: usize, schema: usize, version: i32, id: u32 },
    DeleteContext,
    DeleteSubject { subject: usize, permanent: bool },
    DeleteVersion { subject: usize, version: Option<u32>, permanent: bool },
    Config { subject: Option<usize>, level: &'static str },
    DeleteConfig { subject: Option<usize> },
    Mode { subject: Option<usize>, mode: Mode, force: bool },
    DeleteMode { subject: Option<usize>, recursive: bool },
    Associate { topic: usize, subject: usize, schema: Option<usize>, create: bool },
    DeleteAssociations { topic: usize, cascade: bool },
}

const SCHEMAS: [&str; 6] = [
    r#"{"type":"record","name":"A","fields":[]}"#,
    r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int","default":0}]}"#,
    r#"{"type":"record","name":"A","fields":[{"name":"x","type":"long","default":0}]}"#,
    r#""string""#,
    r#"{"type":"record","name":"B","fields":[{"name":"a","type":["null","A"],"default":null}]}"#,
    r#"{"type":"enum","name":"E","symbols":["X"]}"#,
];
/// The second owns `:.eu:d-value`.
const TOPICS: [&str; 2] = ["c", "d"];
const LEVELS: [&str; 4] = ["NONE", "backward", "FULL_TRANSITIVE", "FORWARD"];

fn subject(index: usize) -> Subject {
    Subject::new(["a", "b", ":.eu:a", ":.eu:d-value"][index]).unwrap()
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
        2 => (0..4usize, prop_oneof![Just("us"), Just("them")])
            .prop_map(|(subject, owner)| Step::Owner { subject, owner }),
        2 => (0..4usize, 0..SCHEMAS.len(), 0..4i32, 1..9u32)
            .prop_map(|(subject, schema, version, id)| Step::Import { subject, schema, version, id }),
        1 => Just(Step::DeleteContext),
        2 => (global(), 0..10usize, any::<bool>()).prop_map(|(subject, mode, force)| {
            let mode = match mode {
                0 => Mode::Readonly,
                1..4 => Mode::Import,
                _ => Mode::Readwrite,
            };
            Step::Mode { subject, mode, force }
        }),
        1 => (global(), any::<bool>())
            .prop_map(|(subject, recursive)| Step::DeleteMode { subject, recursive }),
        3 => (0..2usize, 0..4usize, proptest::option::of(0..SCHEMAS.len()), any::<bool>())
            .prop_map(|(topic, subject, schema, create)| Step::Associate { topic, subject, schema, create }),
        2 => (0..2usize, any::<bool>())
            .prop_map(|(topic, cascade)| Step::DeleteAssociations { topic, cascade }),
    ];
    proptest::collection::vec(step, 1..60)
}

/// What a step comes to: records, and for a registration what it was and what it has answered.
struct Made {
    records: Vec<Record>,
    registered: Option<(Registration, Registered)>,
}

/// Decides a command that registers nothing; none if it is refused.
fn made(state: &State, command: impl Decide) -> Option<Made> {
    let records = command.decide(state).ok()?.records;
    Some(Made { records, registered: None })
}

/// Decides a registration; none if it is refused.
fn registered(state: &State, registration: Registration) -> Option<Made> {
    let decision = registration.decide(state).ok()?;
    let registered = decision.outcome.ok().map(|registered| (registration, registered));
    Some(Made { records: decision.records, registered })
}

fn make(state: &State, step: &Step) -> Option<Made> {
    match step {
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
            registered(state, register(state, subject(*s), &request, *normalize)?)
        }
        Step::Owner { subject: s, owner } => {
            let properties = [("owner".to_string(), owner.to_string())].into();
            let metadata = Some(Metadata { properties, ..Metadata::default() });
            let request = RegisterRequest { metadata, ..RegisterRequest::default() };
            registered(state, register(state, subject(*s), &request, false)?)
        }
        Step::Import { subject: s, schema, version, id } => {
            let request = RegisterRequest {
                schema: Some(SCHEMAS[*schema].into()),
                version: Some(*version),
                id: Some(*id as i32),
                ..RegisterRequest::default()
            };
            registered(state, register(state, subject(*s), &request, false)?)
        }
        Step::DeleteContext => made(state, DeleteContext { context: Context::new(".eu").unwrap() }),
        Step::DeleteSubject { subject: s, permanent } => {
            made(state, DeleteSubject { subject: subject(*s), permanent: *permanent })
        }
        Step::DeleteVersion { subject: s, version, permanent } => {
            let version = version.map_or(VersionSpec::Latest, |v| {
                VersionSpec::Number(weir_registry_api::Version(v))
            });
            made(state, DeleteVersion { subject: subject(*s), version, permanent: *permanent })
        }
        Step::Config { subject: s, level } => {
            let compatibility = Some(Some((*level).into()));
            let update = ConfigUpdate { compatibility, ..ConfigUpdate::default() };
            made(state, PutConfig { scope: s.map(subject), update })
        }
        Step::DeleteConfig { subject: s } => made(state, DeleteConfig { scope: s.map(subject) }),
        Step::Mode { subject: s, mode, force } => {
            made(state, PutMode { scope: s.map(subject), mode: *mode, force: *force })
        }
        Step::DeleteMode { subject: s, recursive } => {
            made(state, DeleteMode { scope: s.map(subject), recursive: *recursive })
        }
        Step::Associate { topic, subject: s, schema, create } => {
            made(state, plan(state, *topic, *s, *schema, *create))
        }
        Step::DeleteAssociations { topic, cascade } => {
            let delete = AssociationDelete {
                resource_id: TOPICS[*topic].into(),
                resource_type: "topic".into(),
                association_types: Vec::new(),
                cascade_lifecycle: *cascade,
                grants: Grants::ALL,
            };
            made(state, delete)
        }
    }
}

/// A topic that owns a subject, with a schema, or else uses one.
fn plan(
    state: &State,
    topic: usize,
    used: usize,
    schema: Option<usize>,
    is_create: bool,
) -> AssociationPlan {
    let mut plan = AssociationPlan {
        resource_name: TOPICS[topic].into(),
        resource_namespace: "eu".into(),
        resource_id: Some(TOPICS[topic].into()),
        resource_type: "topic".into(),
        is_create,
        changes: Vec::new(),
        grants: Grants::ALL,
    };
    let mut change = AssociationChange {
        association_type: "value".into(),
        subject: schema.is_none().then(|| subject(used)),
        lifecycle: Some(if schema.is_some() { Lifecycle::Strong } else { Lifecycle::Weak }),
        frozen: None,
        schema: None,
        guid: format!("{topic}-{used}"),
        now: None,
    };
    if let Some(schema) = schema {
        let request =
            RegisterRequest { schema: Some(SCHEMAS[schema].into()), ..RegisterRequest::default() };
        let subject = plan.subject_of(state, &change);
        let options = RegisterOptions::default();
        let registration =
            Registration::of(state, subject, &request, options, &Grants::ALL, &Budget::default());
        change.schema = Some(registration.map(Box::new));
    }
    plan.changes.push(change);
    plan
}

fn register(
    state: &State,
    subject: Subject,
    request: &RegisterRequest,
    normalize: bool,
) -> Option<Registration> {
    let candidate = Candidate::new(
        state,
        &subject,
        request,
        normalize,
        Purpose::Register,
        &Grants::ALL,
        &Budget::default(),
    )
    .ok()?;
    Some(Registration {
        subject,
        candidate,
        version: RequestedVersion::of(request.version.unwrap_or(0)),
        id: request.id.map(|id| SchemaId(id as u32)),
        force: false,
        grants: Grants::ALL,
        checked: None,
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

/// What our own compaction leaves, as far as it may go: a log that nobody else writes.
fn replay_compacted(log: &[RawRecord]) -> State {
    let mut compaction = Compaction::default();
    (0..).zip(log).for_each(|(offset, record)| compaction.see(offset, record));
    let mut state = State::default();
    for offset in compaction.kept() {
        let entry = LogEntry::read(&log[offset as usize]);
        state.apply_entry(offset, entry).expect("our own records are readable");
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_the_state(steps in steps()) {
        let mut state = State::default();
        let mut log: Vec<RawRecord> = Vec::new();
        let mut ids: HashMap<(Context, SchemaId), String> = HashMap::new();
        for step in &steps {
            let Some(made) = make(&state, step) else { continue };
            for record in &made.records {
                for raw in state.raw_records(record) {
                    state.apply(&raw).expect("our own records are readable");
                    log.push(raw);
                }
            }
            // whatever the outcome says is there once its records are applied
            if let Some((registration, Registered { id, version })) = &made.registered {
                let subject = &registration.subject;
                let entry = state.version_entry(subject, *version).expect("the version is there");
                prop_assert_eq!(entry.id, *id);
                prop_assert!(!entry.deleted);
                let context = subject.context();
                let text = state.by_id(context.as_str(), *id).unwrap().text.text().into_owned();
                match registration.id {
                    // who imports may give an id again whose schema is gone
                    Some(_) => drop(ids.insert((context, *id), text)),
                    None => {
                        let known = ids.entry((context, *id)).or_insert_with(|| text.clone());
                        prop_assert_eq!(&text, known, "an id keeps its meaning");
                    }
                }
            }
        }
        prop_assert_eq!(&replay(&log), &state);
        prop_assert_eq!(&replay(&compact(&log)), &state);
        let compacted = replay_compacted(&log);
        prop_assert_eq!(&compacted, &state);
        prop_assert!(compacted.is_indistinguishable_from(&state), "no id is given again");
        let exported: Vec<RawRecord> = state.records().map(|record| record.encode()).collect();
        prop_assert_eq!(&replay(&exported), &state);
    }
}
