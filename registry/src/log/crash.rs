//! `CrashLog`: a log that dies at the n-th append, before or after the records are in.
//!
//! Whatever the moment, a registry that is opened again on what is left has everything that was
//! answered, under the same ids and versions, and gives none of them twice.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use weir_registry_api::{RegisterRequest, Subject};
use weir_registry_core::{
    Candidate, Grants, Purpose, RawRecord, Registered, Registration, RequestedVersion,
};

use super::{AppendError, Log, LogError, MemoryLog};
use crate::Registry;

#[derive(Clone)]
struct CrashLog {
    disk: Arc<Mutex<MemoryLog>>,
    appends_left: usize,
    /// Whether the append that dies has reached the disk.
    lands: bool,
}

impl Log for CrashLog {
    fn read(&mut self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> Result<(), LogError> {
        self.disk.lock().unwrap().read(from, each)
    }

    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<u64, AppendError> {
        let alive = self.appends_left > 0;
        self.appends_left = self.appends_left.saturating_sub(1);
        if alive || self.lands {
            self.disk.lock().unwrap().append(expected, records)?;
            self.lands &= alive;
        }
        if alive { Ok(expected) } else { Err(AppendError::Failed("power lost".into())) }
    }
}

fn register(registry: &Registry, subject: &Subject, schema: usize) -> Registration {
    let text = format!(r#"{{"type":"enum","name":"E{schema}","symbols":["A"]}}"#);
    let request = RegisterRequest { schema: Some(text), ..RegisterRequest::default() };
    let state = registry.state();
    let candidate = Candidate::new(
        &state,
        subject,
        &request,
        false,
        Purpose::Register,
        &Grants::ALL,
        &weir_schema::Budget::default(),
    )
    .unwrap();
    Registration {
        subject: subject.clone(),
        candidate,
        version: RequestedVersion::NextOrFound,
        id: None,
        force: true,
        grants: Grants::ALL,
        checked: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_was_answered_is_lost_or_given_twice(
        lives in proptest::collection::vec((0..8usize, any::<bool>()), 1..6),
        wishes in proptest::collection::vec((0..3usize, 0..12usize), 10..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let disk = Arc::new(Mutex::new(MemoryLog::default()));
        let mut answered: Vec<(Subject, usize, u32, u32)> = Vec::new();
        let mut wishes = wishes.into_iter();
        for (appends_left, lands) in lives.into_iter().chain([(usize::MAX, false)]) {
            let log = CrashLog { disk: disk.clone(), appends_left, lands };
            let registry = Registry::open(log).unwrap();
            for (subject, schema, id, version) in &answered {
                let state = registry.state();
                let entry = state.version_entry(subject, weir_registry_api::Version(*version));
                prop_assert_eq!(entry.map(|e| e.id.0), Some(*id));
                let text = format!(r#"{{"type":"enum","name":"E{schema}","symbols":["A"]}}"#);
                let stored = state.by_id(".", weir_registry_api::SchemaId(*id)).unwrap();
                prop_assert_eq!(stored.text.text(), text);
            }
            for (subject, schema) in wishes.by_ref() {
                let subject = Subject::new(&format!("s{subject}")).unwrap();
                let command = register(&registry, &subject, schema);
                match runtime.block_on(registry.enqueue(command)) {
                    Ok(Ok(Registered { id, version })) => {
                        answered.push((subject, schema, id.0, version.0));
                    }
                    Ok(Err(stale)) => prop_assert!(false, "{:?}", stale),
                    Err(_) => break,
                }
            }
        }
        let mut by_id = std::collections::HashMap::new();
        let mut by_version = std::collections::HashMap::new();
        for (subject, schema, id, version) in answered {
            prop_assert_eq!(*by_id.entry(id).or_insert(schema), schema);
            prop_assert_eq!(*by_version.entry((subject, version)).or_insert(schema), schema);
        }
    }
}
