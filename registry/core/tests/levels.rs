//! The laws of compatibility levels, for all three languages: NONE accepts all, every level accepts
//! the schema that is there, FULL is BACKWARD and FORWARD, and a transitive level is its level with
//! every version.

#![allow(clippy::unwrap_used)] // how a test fails

use proptest::prelude::*;
use proptest::sample::subsequence;
use weir_registry_api::{ConfigUpdate, RegisterRequest, SchemaType, Subject};
use weir_registry_core::{
    Candidate, Decide, Grants, Purpose, PutConfig, Registration, RequestedVersion, State,
    VersionEntry, check,
};
use weir_schema::Budget;

const LEVELS: [&str; 7] = [
    "NONE",
    "BACKWARD",
    "FORWARD",
    "FULL",
    "BACKWARD_TRANSITIVE",
    "FORWARD_TRANSITIVE",
    "FULL_TRANSITIVE",
];

/// A field of a generated schema: its type, and whether it can be left out.
type Field = Option<(usize, bool)>;

fn fields() -> impl Strategy<Value = Vec<Field>> {
    proptest::collection::vec(proptest::option::of((0..3usize, any::<bool>())), 3)
}

/// A schema of one language with these fields.
fn schema(language: usize, fields: &[Field]) -> RegisterRequest {
    let there = fields.iter().enumerate().filter_map(|(n, field)| field.map(|f| (n, f)));
    let (schema_type, text) = match language {
        0 => {
            let fields = there.map(|(n, (kind, optional))| {
                let (kind, default) = [("int", "0"), ("long", "0"), ("string", "\"\"")][kind];
                let default =
                    if optional { format!(r#","default":{default}"#) } else { String::new() };
                format!(r#"{{"name":"f{n}","type":"{kind}"{default}}}"#)
            });
            let fields = fields.collect::<Vec<_>>().join(",");
            (SchemaType::Avro, format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#))
        }
        1 => {
            let there: Vec<_> = there.collect();
            let properties = there.iter().map(|(n, (kind, _))| {
                let kind = ["integer", "number", "string"][*kind];
                format!(r#""f{n}":{{"type":"{kind}"}}"#)
            });
            let properties = properties.collect::<Vec<_>>().join(",");
            let required = there.iter().filter(|(_, (_, optional))| !optional);
            let required =
                required.map(|(n, _)| format!(r#""f{n}""#)).collect::<Vec<_>>().join(",");
            let text = format!(
                r#"{{"type":"object","additionalProperties":false,"properties":{{{properties}}},"required":[{required}]}}"#
            );
            (SchemaType::Json, text)
        }
        _ => {
            let fields = there.map(|(n, (kind, repeated))| {
                let label = if repeated { "repeated " } else { "" };
                format!("  {label}{} f{n} = {};\n", ["int32", "int64", "string"][kind], n + 1)
            });
            let fields = fields.collect::<String>();
            (SchemaType::Protobuf, format!("syntax = \"proto3\";\nmessage M {{\n{fields}}}\n"))
        }
    };
    let (schema_type, schema) = (Some(schema_type), Some(text));
    RegisterRequest { schema_type, schema, ..RegisterRequest::default() }
}

fn subject() -> Subject {
    Subject::new("s").unwrap()
}

fn apply(state: &mut State, command: &impl Decide) {
    for record in command.decide(state).unwrap().records {
        state.apply(&record.encode()).unwrap();
    }
}

fn register(state: &mut State, request: &RegisterRequest) {
    let candidate = Candidate::new(
        state,
        &subject(),
        request,
        false,
        Purpose::Register,
        &Grants::ALL,
        &Budget::default(),
    )
    .unwrap();
    let registration = Registration {
        subject: subject(),
        candidate,
        version: RequestedVersion::NextOrFound,
        id: None,
        force: true,
        grants: Grants::ALL,
        checked: None,
    };
    apply(state, &registration);
}

/// Whether a level accepts a schema beside versions, which are given the newest first.
fn accepts(
    state: &State,
    level: &str,
    request: &RegisterRequest,
    versions: &[VersionEntry],
) -> bool {
    let mut state = state.clone();
    let update =
        ConfigUpdate { compatibility: Some(Some(level.into())), ..ConfigUpdate::default() };
    apply(&mut state, &PutConfig { scope: None, update });
    let candidate = Candidate::new(
        &state,
        &subject(),
        request,
        false,
        Purpose::Check,
        &Grants::ALL,
        &Budget::default(),
    )
    .unwrap();
    check(&state, &subject(), &candidate, "", versions, &Grants::ALL, &Budget::default())
        .messages
        .is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn levels_are_what_they_are_made_of(
        language in 0..3usize,
        history in proptest::collection::vec(fields(), 1..4),
        new in fields(),
        some in subsequence(LEVELS.to_vec(), 1..4),
    ) {
        let mut state = State::default();
        for fields in &history {
            register(&mut state, &schema(language, fields));
        }
        let new = schema(language, &new);
        let versions: Vec<_> = state.live_versions(&subject()).rev().copied().collect();
        let accepts = |level: &str, versions: &[VersionEntry]| accepts(&state, level, &new, versions);

        prop_assert!(accepts("NONE", &versions));
        let latest = &versions[..1];
        prop_assert_eq!(
            accepts("FULL", latest),
            accepts("BACKWARD", latest) && accepts("FORWARD", latest)
        );
        for level in ["BACKWARD", "FORWARD", "FULL"] {
            prop_assert_eq!(accepts(level, &versions), accepts(level, latest));
            let each = versions.chunks(1).all(|version| accepts(level, version));
            prop_assert_eq!(accepts(&format!("{level}_TRANSITIVE"), &versions), each);
        }
        for level in some {
            let latest = schema(language, history.last().unwrap());
            let there = state.live_versions(&subject()).next_back().copied();
            prop_assert!(accepts_what_is_there(&state, level, &latest, there), "{} is reflexive", level);
        }
    }
}

fn accepts_what_is_there(
    state: &State,
    level: &str,
    request: &RegisterRequest,
    there: Option<VersionEntry>,
) -> bool {
    // the latest version is the last schema of the history, unless that was there before
    let versions: Vec<_> = there.into_iter().collect();
    let candidate = Candidate::new(
        state,
        &subject(),
        request,
        false,
        Purpose::LookUp,
        &Grants::ALL,
        &Budget::default(),
    )
    .unwrap();
    state.lookup(&subject(), &candidate, false, &Budget::default()) != versions.first()
        || accepts(state, level, request, &versions)
}
