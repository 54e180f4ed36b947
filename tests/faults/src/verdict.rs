//! What is checked once all is mended: that nodes agree with each other and with their log, that the log
//! keeps its two laws, and that one order of operations explains what clients were answered.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use weir_registry::log::{KafkaConfig, KafkaLog, Log};
use weir_registry_core::{LogEntry, RawRecord, State};

use crate::Report;
use crate::clients::{Crowd, name};
use crate::faults::Event;
use crate::history::{Operation, Version};
use crate::site::Site;

const CHECKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/checker");

/// Entries of one page.
const PAGE: usize = 1000;

/// What a registry holds: the versions of each subject.
type Subjects = BTreeMap<String, Vec<Version>>;

/// Any schema may follow any other: the model knows nothing of compatibility.
pub async fn set_no_compatibility(http: &reqwest::Client, url: &str) {
    let body = json!({"compatibility": "NONE"}).to_string();
    let request = http.put(format!("{url}/config")).header("content-type", "application/json");
    let answer = request.body(body).send().await.expect("the registry answers");
    assert!(answer.status().is_success(), "{}", answer.status());
}

pub async fn judge(site: &Site, crowd: &Crowd, events: Vec<Event>) -> Report {
    let mut held = Vec::new();
    for node in &site.nodes {
        site.until_ready(node).await;
        site.until(node, "at the end of the log", |status| status.lag == 0).await;
        held.push(subjects(&site.http, &node.url).await);
    }
    for (node, other) in site.nodes.iter().zip(&held).skip(1) {
        if other != &held[0] {
            crowd.wrong(format!("{} has other schemas than {}", node.url, site.nodes[0].url));
        }
    }
    check_laws(site, crowd, &held[0]).await;
    read_finally(site, crowd, &held[0]).await;
    let path = site.folder().join("history.jsonl");
    crowd.history.write(&path).expect("the history can be written");
    let checker = check(&path).unwrap_or_else(|violation| {
        crowd.wrong("the history is not linearizable".to_string());
        violation
    });
    let (operations, unknown) = crowd.history.counts();
    let wrongs = crowd.wrongs();
    match wrongs.is_empty() {
        true => site.forget(),
        false => eprintln!("logs and history are kept in {}", site.folder().display()),
    }
    Report {
        events,
        operations,
        unknown,
        ids: crowd.id_count(),
        answer_max: Duration::from_millis(crowd.answer_max_ms.load(Ordering::Relaxed)),
        wrongs,
        checker,
    }
}

/// All that a node has, soft-deleted versions too.
async fn subjects(http: &reqwest::Client, url: &str) -> Subjects {
    let mut subjects = Subjects::new();
    for offset in (0..).step_by(PAGE) {
        let url = format!("{url}/schemas?deleted=true&offset={offset}&limit={PAGE}");
        let answer = http.get(url).send().await.expect("the registry answers");
        let body = answer.bytes().await.expect("its answer ends");
        let page: Vec<Value> = serde_json::from_slice(&body).expect("a list of schemas");
        for entry in &page {
            let version = Version {
                version: entry["version"].as_u64().expect("a version"),
                schema: name(entry["schema"].as_str().expect("a text")),
                deleted: entry["deleted"].as_bool().unwrap_or(false),
            };
            let subject = entry["subject"].as_str().expect("a subject").to_string();
            subjects.entry(subject).or_default().push(version);
        }
        if page.len() < PAGE {
            break;
        }
    }
    subjects.values_mut().for_each(|versions| versions.sort());
    subjects
}

/// Adds what everything was in the end to the history.
async fn read_finally(site: &Site, crowd: &Crowd, held: &Subjects) {
    for object in crowd.history.objects() {
        let call = crowd.history.now();
        let mut operation = Operation { object, op: "final", call, ..Operation::default() };
        match operation.object.strip_prefix("config ") {
            None => operation.found = held.get(&operation.object).cloned().unwrap_or_default(),
            Some(subject) => {
                let url = format!("{}/config/{subject}", site.nodes[0].url);
                let answer = site.http.get(url).send().await.expect("the registry answers");
                let body = answer.bytes().await.expect("its answer ends");
                let config: Value = serde_json::from_slice(&body).expect("a configuration");
                operation.level = config["compatibilityLevel"].as_str().map(str::to_string);
            }
        }
        operation.end = i64::try_from(crowd.history.now()).unwrap_or(i64::MAX);
        crowd.history.add(operation);
    }
}

/// `replay(log)` is what nodes have, and so is `replay(compact(log))`.
async fn check_laws(site: &Site, crowd: &Crowd, held: &Subjects) {
    let settings = weir_kafka::Settings {
        bootstrap_servers: site.bootstrap_servers.clone(),
        ..weir_kafka::Settings::default()
    };
    let config = KafkaConfig { topic: site.topic.clone(), ..KafkaConfig::new(settings) };
    let read = tokio::task::spawn_blocking(move || {
        let mut records = Vec::new();
        let mut log = KafkaLog::open(config).expect("the topic is there");
        log.read(0, &mut |offset, record| records.push((offset, record))).expect("it can be read");
        records
    });
    let records = read.await.expect("reading does not panic");
    let state = replay(&records);
    if state.passed_over().count > 0 {
        crowd.wrong(format!("records were passed over: {:?}", state.passed_over().first));
    }
    if replay(&compact(&records)) != state {
        crowd.wrong("the compacted log makes another state".to_string());
    }
    let exported: Vec<_> = (0..).zip(state.records().map(|record| record.encode())).collect();
    if replay(&exported) != state {
        crowd.wrong("the exported state makes another state".to_string());
    }
    let mut replayed = Subjects::new();
    for entry in exported.iter().filter_map(|(_, raw)| raw.value.as_deref()) {
        let value: Value = serde_json::from_slice(entry).expect("a record is JSON");
        if let (Some(subject), Some(text)) = (value["subject"].as_str(), value["schema"].as_str()) {
            replayed.entry(subject.to_string()).or_default().push(Version {
                version: value["version"].as_u64().expect("a version"),
                schema: name(text),
                deleted: value["deleted"].as_bool().expect("it is said"),
            });
        }
    }
    replayed.values_mut().for_each(|versions| versions.sort());
    if &replayed != held {
        crowd.wrong("the log makes another state than the nodes have".to_string());
    }
}

type Records = Vec<(u64, RawRecord)>;

fn replay(records: &Records) -> State {
    let mut state = State::default();
    for (offset, record) in records {
        let _ = state.apply_entry(*offset, LogEntry::read(record)); // counted
    }
    state
}

/// What Kafka's compaction leaves: the last record of each key, and no tombstones.
fn compact(records: &Records) -> Records {
    let last: HashMap<&[u8], u64> = records.iter().map(|(o, r)| (r.key.as_slice(), *o)).collect();
    let kept = records.iter().filter(|(o, r)| r.value.is_some() && last[r.key.as_slice()] == *o);
    kept.cloned().collect()
}

/// What the checker says of a history: an error if no order explains it.
fn check(history: &Path) -> Result<String, String> {
    let output = Command::new("go")
        .args(["run", "."])
        .arg(history)
        .current_dir(CHECKER)
        .output()
        .map_err(|e| format!("go is needed for the checker: {e}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(said + &String::from_utf8_lossy(&output.stderr)),
    }
}
