//! A rolling upgrade to another version and back, under load: no request fails.
//!
//! The other version is the binary that `WEIR_TEST_OTHER_BINARY` names, or else this one again.

mod balancer;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use weir_tests::{Api, TestBroker, kafka, unique};

use crate::process::Weir;
use balancer::Target;

/// Tasks that write, and as many that read.
const WRITERS: usize = 3;

/// Requests that have to be answered after each step, so that each step is under load.
const REQUESTS_EACH: usize = 60;

/// How long a node takes requests after it was told to stop: some checks of the balancer.
const DRAIN_DELAY_MS: &str = "1500";

/// A version of the server.
struct Version {
    binary: PathBuf,
    /// Whether it goes on taking requests when it is told to stop.
    drains: bool,
}

impl Version {
    fn new(binary: PathBuf) -> Version {
        let help = Command::new(&binary).args(["serve", "--help"]).output().unwrap();
        let drains = String::from_utf8_lossy(&help.stdout).contains("--drain-delay-ms");
        Version { binary, drains }
    }

    /// This version and the other one.
    fn both() -> [Version; 2] {
        let own = PathBuf::from(env!("CARGO_BIN_EXE_weir"));
        let other = std::env::var_os("WEIR_TEST_OTHER_BINARY").map(PathBuf::from);
        [Version::new(own.clone()), Version::new(other.unwrap_or(own))]
    }
}

/// A node, whichever version it is at the time.
struct Node {
    flags: Vec<String>,
    url: String,
    target: Arc<Target>,
    /// What runs, and whether it drains.
    running: Option<(Weir, bool)>,
}

impl Node {
    /// Listens on a port that is free now.
    fn new(listener_flag: &str, flags: &[&str]) -> Node {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        let flags = flags.iter().copied().chain([listener_flag, &address]);
        let flags = flags.map(str::to_string).collect();
        let url = format!("http://{address}");
        Node { flags, target: Target::new(url.clone()), url, running: None }
    }

    /// Stops what runs, if anything does, and starts a version. Returns once that is ready.
    ///
    /// A version that takes no requests once it is told to stop is taken out of the balancer by hand, as its operator has to.
    async fn become_version(&mut self, version: &Version) {
        if let Some((mut running, drains)) = self.running.take() {
            if !drains {
                self.target.take_out().await;
            }
            running.signal("TERM");
            let stopped = tokio::task::spawn_blocking(move || (running.wait(), running));
            let (status, running) = stopped.await.unwrap();
            assert!(status.success(), "{:#?}", running.output);
        }
        let mut command = Command::new(&version.binary);
        command.arg("serve").args(&self.flags).env_remove("WEIR_LOG");
        if version.drains {
            command.args(["--drain-delay-ms", DRAIN_DELAY_MS]);
        }
        self.running = Some((Weir::spawn(&mut command), version.drains));
        let api = Api::at(self.url.clone());
        loop {
            let request = api.request(reqwest::Method::GET, "/readyz");
            let asked = request.send().await;
            if asked.is_ok_and(|answer| [200, 404].contains(&answer.status().as_u16())) {
                return self.target.put_back();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What the clients have seen.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    is_over: AtomicBool,
    failures: Mutex<Vec<String>>,
}

impl Seen {
    /// Takes an answer. Returns true if it is 200.
    async fn take(
        &self,
        what: &str,
        sent: Result<reqwest::Response, reqwest::Error>,
    ) -> Option<Value> {
        let why = match sent {
            Err(error) => format!("{error:?}"),
            Ok(answer) => {
                let status = answer.status();
                let text = answer.text().await.unwrap_or_else(|error| error.to_string());
                if status == 200 {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    return Some(serde_json::from_str(&text).unwrap_or_default());
                }
                format!("{status} {text}")
            }
        };
        self.failures.lock().unwrap().push(format!("{what}: {why}"));
        None
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// Returns once so many more requests were answered.
    async fn more(&self, count: usize) {
        let until = self.answered.load(Ordering::Relaxed) + count;
        while self.answered.load(Ordering::Relaxed) < until {
            let failures = self.failures.lock().unwrap().len();
            assert!(failures < 1000, "nothing is answered");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Says how many requests were answered, and which have failed. Returns true if none has.
    fn none_has_failed(&self) -> bool {
        let failures = self.failures.lock().unwrap();
        let answered = self.answered.load(Ordering::Relaxed);
        let shown: Vec<_> = failures.iter().take(20).collect();
        println!("{answered} requests were answered, {} failed: {shown:#?}", failures.len());
        failures.is_empty()
    }
}

/// Replaces node by node by the other version, and then by this one again.
async fn upgrade_and_back(nodes: &mut [Node; 2], seen: &Seen) {
    let [own, other] = Version::both();
    for version in [&other, &own] {
        for node in nodes.iter_mut() {
            seen.more(REQUESTS_EACH).await;
            node.become_version(version).await;
            node.target.until_ready().await;
        }
    }
    seen.more(REQUESTS_EACH).await;
}

async fn start(nodes: &mut [Node; 2]) -> Api {
    let [own, _] = Version::both();
    for node in nodes.iter_mut() {
        node.become_version(&own).await;
    }
    let balancer = balancer::start(nodes.iter().map(|node| node.target.clone()).collect()).await;
    for node in nodes {
        node.target.until_ready().await;
    }
    Api::at(balancer)
}

fn schema(name: &str) -> Value {
    json!({"schema": format!(r#"{{"type":"enum","name":"{name}","symbols":["A"]}}"#)})
}

/// Returns once a node has read all of the log: one that does not lead may be a moment behind.
async fn has_read_all(api: &Api) {
    let written = api.post("/subjects/first/versions", &schema("First")).await;
    let offset = written.headers["weir-offset"].clone();
    let request = api.request(reqwest::Method::GET, "/subjects").header("weir-offset", offset);
    assert_eq!(api.send(request).await.status, 200);
}

/// A Kafka that does not answer for a second on a busy machine fails a request in any version: then all is done again.
const ROUNDS_MAX: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn registries_are_upgraded_and_back_and_no_request_fails() {
    let Some(kafka) = kafka() else { return };
    for _ in 0..ROUNDS_MAX {
        if upgrade_registries(&kafka).await {
            return;
        }
    }
    panic!("requests have failed in each of {ROUNDS_MAX} rounds");
}

/// Returns true if no request has failed.
async fn upgrade_registries(kafka: &TestBroker) -> bool {
    let topic = unique("_schemas");
    let flags = ["--roles", "registry", "--store", "kafka", "--schemas-topic", &topic];
    let flags = [&flags[..], &["--bootstrap-servers", &kafka.bootstrap_servers]].concat();
    let mut nodes = [(); 2].map(|()| Node::new("--registry-listener", &flags));
    let api = start(&mut nodes).await;
    // the first leader of a new topic is found
    while api.post("/subjects/first/versions", &schema("First")).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let seen = Arc::new(Seen::default());
    let ids = Arc::new(Mutex::new(HashMap::from([("First".to_string(), 1)])));
    let mut clients = JoinSet::new();
    for writer in 0..WRITERS {
        let (writes, known, to) = (seen.clone(), ids.clone(), api.clone());
        clients.spawn(async move {
            for count in 0.. {
                let name = format!("W{writer}N{count}");
                let request =
                    to.request(reqwest::Method::POST, &format!("/subjects/{name}/versions"));
                let request = request.header("content-type", weir_tests::REGISTRY_JSON);
                let sent = request.body(schema(&name).to_string()).send().await;
                if let Some(body) = writes.take("register", sent).await {
                    known.lock().unwrap().insert(name, body["id"].as_u64().unwrap());
                }
                if !writes.goes_on() {
                    return;
                }
            }
        });
        let (reads, known, to) = (seen.clone(), ids.clone(), api.clone());
        clients.spawn(async move {
            while reads.goes_on() {
                let id = known.lock().unwrap().values().copied().max().unwrap_or(1);
                let sent =
                    to.request(reqwest::Method::GET, &format!("/schemas/ids/{id}")).send().await;
                reads.take("read", sent).await;
            }
        });
    }
    upgrade_and_back(&mut nodes, &seen).await;
    seen.is_over.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
    if !seen.none_has_failed() {
        return false;
    }
    let ids = ids.lock().unwrap().clone();
    let mut given: Vec<u64> = ids.values().copied().collect();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), ids.len(), "no id is given twice");
    for node in &nodes {
        has_read_all(&Api::at(node.url.clone())).await;
        let found = Api::at(node.url.clone()).get("/subjects").await;
        assert_eq!(found.json.as_array().unwrap().len(), ids.len(), "no subject is lost");
    }
    for (name, id) in ids.iter().take(50) {
        let found = api.get(&format!("/schemas/ids/{id}")).await;
        assert!(found.text.contains(&format!("\\\"{name}\\\"")), "{id} {name}: {}", found.text);
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_are_upgraded_and_back_and_no_request_fails() {
    let Some(kafka) = kafka() else { return };
    for _ in 0..ROUNDS_MAX {
        if upgrade_proxies(&kafka).await {
            return;
        }
    }
    panic!("requests have failed in each of {ROUNDS_MAX} rounds");
}

/// Returns true if no request has failed.
async fn upgrade_proxies(kafka: &TestBroker) -> bool {
    let topic = unique("upgrade");
    kafka.create_topic(&topic, 2).await;
    let flags = ["--roles", "proxy", "--schema-registry-url", "http://127.0.0.1:1"];
    let flags = [&flags[..], &["--bootstrap-servers", &kafka.bootstrap_servers]].concat();
    let mut nodes = [(); 2].map(|()| Node::new("--proxy-listener", &flags));
    let api = start(&mut nodes).await;
    let seen = Arc::new(Seen::default());
    let offsets = Arc::new(Mutex::new(Vec::new()));
    let mut clients = JoinSet::new();
    for _ in 0..WRITERS {
        let (writes, known, to, topic) =
            (seen.clone(), offsets.clone(), api.clone(), topic.clone());
        clients.spawn(async move {
            while writes.goes_on() {
                let request = to.request(reqwest::Method::POST, &format!("/topics/{topic}"));
                let request = request.header("content-type", "application/vnd.kafka.json.v2+json");
                let body = json!({"records": [{"value": {"a": 1}}]}).to_string();
                let sent = request.body(body).send().await;
                let Some(body) = writes.take("produce", sent).await else { continue };
                let record = &body["offsets"][0];
                match (record["partition"].as_i64(), record["offset"].as_i64()) {
                    (Some(partition), Some(offset)) => {
                        known.lock().unwrap().push((partition, offset))
                    }
                    _ => writes.failures.lock().unwrap().push(format!("produce: {body}")),
                }
            }
        });
    }
    upgrade_and_back(&mut nodes, &seen).await;
    seen.is_over.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
    if !seen.none_has_failed() {
        return false;
    }
    let mut offsets = offsets.lock().unwrap().clone();
    let count = offsets.len();
    offsets.sort_unstable();
    offsets.dedup();
    assert_eq!(offsets.len(), count, "each record has a place of its own");
    let partitions = api.get(&format!("/topics/{topic}/partitions")).await;
    assert_eq!(partitions.json.as_array().unwrap().len(), 2);
    let mut written = 0;
    for partition in 0..2 {
        let range = api.get(&format!("/topics/{topic}/partitions/{partition}/offsets")).await;
        written += range.json["end_offset"].as_u64().unwrap();
    }
    assert_eq!(written, count as u64, "no record is lost or written twice");
    true
}
