//! What is tested: three registries on a Kafka of three brokers, with a wire between any two.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use weir_tests::unique;

use crate::wire::{Ports, Speaks, Weather, Wire};

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(60);

const CLOCK_SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clock.c");

pub struct Site {
    pub bootstrap_servers: String,
    pub topic: String,
    pub nodes: Vec<Node>,
    pub http: reqwest::Client,
    /// Logs and the history; removed when all was well.
    folder: PathBuf,
}

/// A registry, and its wires.
pub struct Node {
    /// Where clients reach it.
    pub url: String,
    /// Where the other nodes do.
    advertised_url: String,
    port: u16,
    to_kafka: Vec<Wire>,
    from_nodes: Wire,
    process: Mutex<Option<Child>>,
    program: PathBuf,
    topic: String,
    flags: Vec<String>,
    log: PathBuf,
    clock: PathBuf,
    shim: PathBuf,
}

/// What `/v1/cluster` says.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    pub role: String,
    pub ready: bool,
    pub writable: bool,
    #[serde(default)]
    pub leader: Option<String>,
    #[serde(default)]
    pub epoch: Option<u64>,
    pub applied_offset: u64,
    pub end_offset: u64,
    pub lag: u64,
    pub passed_over: u64,
    pub faults: Vec<String>,
}

impl Site {
    /// Starts three nodes on a topic of their own. `program` is `weir`.
    pub async fn start(bootstrap_servers: &str, program: &Path, flags: &[&str]) -> Site {
        let topic = unique("_schemas");
        let site = Site::prepare(bootstrap_servers, program, &topic, 3, flags).await;
        site.nodes.iter().for_each(Node::start);
        for node in &site.nodes {
            site.until_ready(node).await;
        }
        site
    }

    /// The same, before they are started.
    pub async fn prepare(
        bootstrap_servers: &str,
        program: &Path,
        topic: &str,
        count: usize,
        flags: &[&str],
    ) -> Site {
        weir_tests::crypto();
        let folder = tempfile::Builder::new().prefix("weir-faults-").tempdir();
        let folder = folder.expect("a folder for logs").keep();
        let shim = folder.join("clock.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([shim.as_os_str(), CLOCK_SOURCE.as_ref()])
            .arg("-ldl")
            .status();
        assert!(built.expect("a C compiler").success(), "clock.c cannot be compiled");
        let mut nodes = Vec::new();
        for index in 0..count {
            let ports = Arc::new(Mutex::new(Ports::new()));
            let mut to_kafka = Vec::new();
            for address in bootstrap_servers.split(',') {
                let port = address.rsplit(':').next().and_then(|port| port.parse().ok());
                let port = port.expect("an address has a port");
                to_kafka.push(Wire::to(port, Speaks::Kafka(ports.clone())).await.expect("a port"));
            }
            let port = free_port();
            let from_nodes = Wire::to(port, Speaks::Anything).await.expect("a port");
            let file = |name: &str| folder.join(format!("node-{index}.{name}"));
            let clock = file("clock");
            std::fs::write(&clock, 0_i64.to_ne_bytes()).expect("a file of 8 bytes");
            nodes.push(Node {
                url: format!("http://127.0.0.1:{port}"),
                advertised_url: format!("http://127.0.0.1:{}", from_nodes.port),
                port,
                to_kafka,
                from_nodes,
                process: Mutex::new(None),
                program: program.to_path_buf(),
                topic: topic.to_string(),
                flags: flags.iter().map(ToString::to_string).collect(),
                log: file("log"),
                clock,
                shim: shim.clone(),
            });
        }
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (bootstrap_servers, topic) = (bootstrap_servers.to_string(), topic.to_string());
        Site { bootstrap_servers, topic, nodes, http, folder }
    }

    pub async fn status(&self, node: &Node) -> Option<Status> {
        let url = format!("{}/v1/cluster", node.url);
        let answer = self.http.get(url).timeout(Duration::from_millis(700)).send().await.ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }

    pub async fn until_ready(&self, node: &Node) {
        let ready = |status: &Status| status.ready && status.writable;
        self.until(node, "ready", ready).await;
    }

    /// Waits until a node says of itself what is expected.
    pub async fn until(&self, node: &Node, what: &str, is: impl Fn(&Status) -> bool) -> Status {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let status = self.status(node).await;
            if let Some(status) = status.clone().filter(|status| is(status)) {
                return status;
            }
            if Instant::now() > give_up {
                panic!("{} is not {what}: {status:?}\n{}{:?}", node.url, node.tail(), self.folder);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Which node leads, and since which epoch, as far as any of them knows.
    pub async fn leader(&self) -> (usize, u64) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            for (index, node) in self.nodes.iter().enumerate() {
                if let Some(Status { role, epoch: Some(epoch), writable: true, .. }) =
                    self.status(node).await
                    && role == "leader"
                {
                    return (index, epoch);
                }
            }
            assert!(Instant::now() < give_up, "nobody leads\n{}", self.tails());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn tails(&self) -> String {
        self.nodes.iter().map(Node::tail).collect()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Nobody will want to read its logs.
    pub fn forget(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Node {
    pub fn start(&self) {
        let log = || -> File {
            let opened = OpenOptions::new().create(true).append(true).open(&self.log);
            opened.expect("a file for the log")
        };
        let brokers: Vec<_> =
            self.to_kafka.iter().map(|wire| format!("127.0.0.1:{}", wire.port)).collect();
        let child = Command::new(&self.program)
            .args(["serve", "--roles", "registry", "--store", "kafka"])
            .args(["--bootstrap-servers", &brokers.join(",")])
            .args(["--schemas-topic", &self.topic, "--registry-group", &self.topic])
            .args(["--registry-listener", &format!("127.0.0.1:{}", self.port)])
            .args(["--registry-advertised-url", &self.advertised_url])
            .args(&self.flags)
            .env("LD_PRELOAD", &self.shim)
            .env("WEIR_CLOCK_STEP", &self.clock)
            .env_remove("WEIR_LOG")
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .spawn();
        let before = self.child().replace(child.expect("weir starts"));
        assert!(before.is_none(), "{} runs already", self.url);
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it as a crash does.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Tells it to end, and waits until it has.
    pub async fn stop(&self) {
        self.signal("TERM");
        self.ended().await;
        self.child().take();
    }

    /// Waits until it has ended by itself; the end of its log.
    pub async fn ended(&self) -> String {
        let give_up = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(Instant::now() < give_up, "{} does not end\n{}", self.url, self.tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.tail()
    }

    fn has_ended(&self) -> bool {
        self.child().as_mut().is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))))
    }

    pub fn signal(&self, name: &str) {
        if let Some(child) = self.child().as_ref() {
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-s", name, &pid]).status();
        }
    }

    /// Between this node and all brokers.
    pub fn kafka_weather(&self, weather: Weather) {
        self.to_kafka.iter().for_each(|wire| wire.set(weather));
    }

    /// From the other nodes to this one.
    pub fn nodes_weather(&self, weather: Weather) {
        self.from_nodes.set(weather);
    }

    /// Steps its clock by seconds from what it really is.
    pub fn step_clock(&self, seconds: i64) {
        // in place: the process has the file mapped
        let file = OpenOptions::new().write(true).open(&self.clock).expect("it is there");
        file.write_all_at(&seconds.to_ne_bytes(), 0).expect("8 bytes fit");
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(25)..].join("\n");
        format!("--- {}\n{tail}\n", self.url)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
