//! Records over REST while the brokers that lead are killed, one after the other: is each that was acknowledged by all
//! replicas there, and each that was sent once there once?

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use weir_tests::{Api, KafkaCluster, unique};

const V2_JSON: &str = "application/vnd.kafka.json.v2+json";
const PARTITIONS: usize = 6;

/// Records that each writer has to have written between two kills.
const RECORDS_BETWEEN: usize = 20;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// The code of a record of which nobody knows whether it is written.
const OUTCOME_UNKNOWN: u64 = 50004;

pub struct DoublesPlan {
    /// The binary.
    pub weir: PathBuf,
    pub seed: u64,
    pub kills: usize,
    pub writers: usize,
}

/// What came of it.
pub struct DoublesReport {
    pub kills: usize,
    pub acknowledged: usize,
    /// Records that were not, by code.
    pub refused: BTreeMap<u64, usize>,
    /// Records of an unknown outcome that are there.
    pub unknown_there: usize,
    pub answer_max: Duration,
    /// Numbers that were acknowledged and are not there.
    pub lost: Vec<String>,
    /// Numbers that are there twice, and where.
    pub doubled: Vec<String>,
    /// Numbers that were said not to be sent, and are there.
    pub denied: Vec<String>,
}

/// A proxy as a process of its own.
struct Proxy {
    _process: Child,
    api: Api,
    cluster: String,
}

impl Proxy {
    async fn start(program: &PathBuf, bootstrap_servers: &str) -> Proxy {
        let mut process = Command::new(program)
            .args(["serve", "--roles", "proxy", "--proxy-listener", "127.0.0.1:0"])
            .args(["--schema-registry-url", "http://127.0.0.1:1"])
            .args(["--bootstrap-servers", bootstrap_servers])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("weir starts");
        let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let url = loop {
            let line = lines.next_line().await.ok().flatten().expect("weir says where it listens");
            if line.contains("REST proxy on") {
                let url = line.split_whitespace().find(|word| word.starts_with("http"));
                break url.expect("an address").trim_end_matches(',').to_string();
            }
        };
        // what nobody reads would stop it
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let api = Api::at(url);
        let clusters = api.get("/v3/clusters").await.json;
        let cluster = clusters["data"][0]["cluster_id"].as_str().expect("a cluster").to_string();
        Proxy { _process: process, api, cluster }
    }

    async fn new_topic(&self) -> String {
        let topic = unique("doubles");
        let body = json!({
            "topic_name": topic, "partitions_count": PARTITIONS, "replication_factor": 3,
            "configs": [{"name": "min.insync.replicas", "value": "2"}],
        });
        let path = format!("/v3/clusters/{}/topics", self.cluster);
        let made = self.api.post_as(&path, "application/json", body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        self.until_in_sync(&topic).await;
        topic
    }

    async fn partitions(&self, topic: &str) -> Vec<Value> {
        let found = self.api.get(&format!("/topics/{topic}/partitions")).await;
        found.json.as_array().cloned().unwrap_or_default()
    }

    async fn until_in_sync(&self, topic: &str) {
        let is_in_sync = |partition: &Value| {
            let replicas = partition["replicas"].as_array().cloned().unwrap_or_default();
            replicas.iter().filter(|replica| replica["in_sync"] == json!(true)).count() == 3
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let partitions = self.partitions(topic).await;
            if partitions.len() == PARTITIONS && partitions.iter().all(is_in_sync) {
                return;
            }
            assert!(Instant::now() < deadline, "the replicas do not follow: {partitions:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Where each number of the topic is.
    async fn read(&self, topic: &str) -> BTreeMap<String, Vec<(usize, i64)>> {
        let mut found: BTreeMap<String, Vec<(usize, i64)>> = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let bounds = format!("/topics/{topic}/partitions/{partition}/offsets");
            let bounds = self.api.get(&bounds).await.json;
            let end = bounds["end_offset"].as_i64().expect("an end");
            let mut offset = bounds["beginning_offset"].as_i64().expect("a beginning");
            while offset < end {
                let path = format!(
                    "/v3/clusters/{}/topics/{topic}/partitions/{partition}/records?offset={offset}&limit=1000&format=json",
                    self.cluster
                );
                let answer = self.api.get(&path).await;
                let records = answer.json["data"].as_array().cloned().unwrap_or_default();
                assert!(!records.is_empty(), "{offset} of {end}: {}", answer.text);
                for record in records {
                    let at = record["offset"].as_i64().expect("an offset");
                    let number = record["value"]["data"].as_str().expect("a number").to_string();
                    found.entry(number).or_default().push((partition, at));
                    offset = at + 1;
                }
            }
        }
        found
    }
}

/// What a writer was answered.
#[derive(Default)]
struct Written {
    acknowledged: Vec<String>,
    refused: Vec<(String, u64)>,
    answer_max: Duration,
}

/// Sends numbers, each once, one after the other, until it is told to stop.
async fn write(
    api: Api,
    topic: String,
    writer: usize,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Written {
    let mut written = Written::default();
    let path = format!("/topics/{topic}?acks=all");
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let number = format!("{writer}-{n}");
        let body = json!({"records": [{"key": number, "value": number}]}).to_string();
        let begun = Instant::now();
        let answer = api.post_as(&path, V2_JSON, body).await;
        written.answer_max = written.answer_max.max(begun.elapsed());
        let entry = &answer.json["offsets"][0];
        // of the record, or of the whole request
        let code = entry["error_code"].as_u64().or_else(|| answer.json["error_code"].as_u64());
        match (entry["offset"].as_i64(), code) {
            (Some(_), _) => written.acknowledged.push(number),
            (None, Some(code)) => written.refused.push((number, code)),
            (None, None) => panic!("{}: {}", answer.status, answer.text),
        }
        count.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    written
}

/// Runs it. `say` is told how it goes.
pub async fn doubles(plan: &DoublesPlan, mut say: impl FnMut(String)) -> DoublesReport {
    weir_tests::crypto();
    let kafka = KafkaCluster::start(3).await;
    let proxy = Proxy::start(&plan.weir, &kafka.bootstrap_servers).await;
    let topic = proxy.new_topic().await;
    let stop = Arc::new(AtomicBool::new(false));
    let counts: Vec<Arc<AtomicUsize>> = (0..plan.writers).map(|_| Arc::default()).collect();
    let writing = counts.iter().enumerate().map(|(writer, count)| {
        let (api, topic) = (proxy.api.clone(), topic.clone());
        tokio::spawn(write(api, topic, writer, stop.clone(), count.clone()))
    });
    let writing: Vec<_> = writing.collect();
    let mut rng = Rng::with_seed(plan.seed);
    for kill in 1..=plan.kills {
        more(&counts, RECORDS_BETWEEN).await;
        let node = leader(&proxy, &topic, rng.usize(0..PARTITIONS)).await;
        let begun = Instant::now();
        kafka.kill(node).await;
        more(&counts, RECORDS_BETWEEN).await;
        say(format!(
            "{kill}: broker {node} is killed, writers go on after {:.1?}",
            begun.elapsed()
        ));
        kafka.revive(node).await;
        proxy.until_in_sync(&topic).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    for writer in writing {
        all.push(writer.await.expect("a writer does not panic"));
    }
    judge(plan.kills, &all, proxy.read(&topic).await)
}

/// Waits until each writer has written so many more.
async fn more(counts: &[Arc<AtomicUsize>], records: usize) {
    let deadline = Instant::now() + PATIENCE;
    for count in counts {
        let goal = count.load(Ordering::Relaxed) + records;
        while count.load(Ordering::Relaxed) < goal {
            assert!(Instant::now() < deadline, "a writer stands still");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn leader(proxy: &Proxy, topic: &str, partition: usize) -> i64 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let partitions = proxy.partitions(topic).await;
        let found = partitions.get(partition).and_then(|partition| partition["leader"].as_i64());
        if let Some(leader) = found.filter(|leader| *leader > 0) {
            return leader;
        }
        assert!(Instant::now() < deadline, "partition {partition} has no leader");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn judge(
    kills: usize,
    all: &[Written],
    there: BTreeMap<String, Vec<(usize, i64)>>,
) -> DoublesReport {
    let acknowledged = || all.iter().flat_map(|written| &written.acknowledged);
    let refused = || all.iter().flat_map(|written| &written.refused);
    let is_unknown = |code: &u64| *code == OUTCOME_UNKNOWN;
    let mut by_code = BTreeMap::new();
    refused().for_each(|(_, code)| *by_code.entry(*code).or_default() += 1);
    let is_there = |number: &&String| there.contains_key(*number);
    let said = |unknown: bool| {
        refused().filter(move |(_, code)| is_unknown(code) == unknown).map(|(number, _)| number)
    };
    DoublesReport {
        kills,
        acknowledged: acknowledged().count(),
        refused: by_code,
        unknown_there: said(true).filter(is_there).count(),
        answer_max: all.iter().map(|written| written.answer_max).max().unwrap_or_default(),
        lost: acknowledged().filter(|number| !is_there(number)).cloned().collect(),
        denied: said(false).filter(is_there).cloned().collect(),
        doubled: there
            .iter()
            .filter(|(_, places)| places.len() > 1)
            .map(|(number, places)| format!("{number} at {places:?}"))
            .collect(),
    }
}

impl DoublesReport {
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.denied.is_empty()
    }
}

impl std::fmt::Display for DoublesReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} kills, {} records acknowledged", self.kills, self.acknowledged)?;
        writeln!(f, "refused, by code: {:?}", self.refused)?;
        writeln!(f, "{} of those of an unknown outcome are there", self.unknown_there)?;
        writeln!(f, "the longest answer took {:.1?}", self.answer_max)?;
        writeln!(f, "lost: {:?}", self.lost)?;
        writeln!(f, "said not to be sent, and there: {:?}", self.denied)?;
        write!(f, "written twice: {:?}", self.doubled)
    }
}
