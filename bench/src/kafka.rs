//! The Kafka to produce to: the one that `WEIR_BENCH_KAFKA` names, or one started for this run.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tempfile::TempDir;

use crate::Result;
use crate::server::{folder, workspace};

const TIMEOUT: Duration = Duration::from_secs(10);

pub struct Kafka {
    pub bootstrap_servers: String,
    /// The folder of the node that has to be stopped.
    ours: Option<TempDir>,
}

impl Kafka {
    pub fn new() -> Result<Kafka> {
        match std::env::var("WEIR_BENCH_KAFKA") {
            Ok(bootstrap_servers) => Ok(Kafka { bootstrap_servers, ours: None }),
            Err(_) => Kafka::of_brokers(1),
        }
    }

    /// One of our own.
    pub fn of_brokers(count: usize) -> Result<Kafka> {
        Kafka::start(count, None)
    }

    /// One broker of our own that clients are told to reach at another port.
    pub fn behind(port: u16) -> Result<Kafka> {
        Kafka::start(1, Some(port))
    }

    fn start(count: usize, advertised_port: Option<u16>) -> Result<Kafka> {
        let folder = folder()?;
        let started = Command::new(script())
            .envs(advertised_port.map(|port| ("WEIR_KAFKA_ADVERTISED_PORT", port.to_string())))
            .arg("start")
            .arg(folder.path().join("kafka"))
            .arg(count.to_string())
            .stderr(Stdio::inherit())
            .output()?;
        if !started.status.success() {
            return Err("no Kafka: name one in WEIR_BENCH_KAFKA".into());
        }
        let bootstrap_servers = String::from_utf8(started.stdout)?.trim().to_string();
        Ok(Kafka { bootstrap_servers, ours: Some(folder) })
    }

    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config
    }

    /// Makes a topic of one partition that nobody else uses.
    pub async fn create_topic(&self) -> Result<String> {
        self.create_topic_of("records", 1).await
    }

    /// Makes a topic that nobody else uses.
    pub async fn create_topic_of(&self, name: &str, partitions: i32) -> Result<String> {
        let topic = format!("weir-bench-{name}-{}", std::process::id());
        let new = NewTopic::new(&topic, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        for created in self.admin()?.create_topics([&new], &options).await? {
            created.map_err(|(topic, code)| format!("cannot make topic {topic}: {code}"))?;
        }
        Ok(topic)
    }

    /// Makes a topic for a registry's log, with as many replicas as there are brokers.
    pub async fn create_compacted(&self, topic: &str) -> Result {
        let replicas = i32::try_from(self.bootstrap_servers.split(',').count())?;
        let new = NewTopic::new(topic, 1, TopicReplication::Fixed(replicas));
        let new = new.set("cleanup.policy", "compact");
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        for created in self.admin()?.create_topics([&new], &options).await? {
            created.map_err(|(topic, code)| format!("cannot make topic {topic}: {code}"))?;
        }
        Ok(())
    }

    pub async fn delete_topic(&self, topic: &str) -> Result {
        for deleted in self.admin()?.delete_topics(&[topic], &AdminOptions::new()).await? {
            deleted.map_err(|(topic, code)| format!("cannot delete topic {topic}: {code}"))?;
        }
        Ok(())
    }

    /// Records that the topic holds.
    pub async fn records(&self, topic: &str) -> Result<i64> {
        let observer: BaseConsumer = self.client().create()?;
        let topic = topic.to_string();
        let asked =
            tokio::task::spawn_blocking(move || observer.fetch_watermarks(&topic, 0, TIMEOUT));
        let (first, next) = asked.await??;
        Ok(next - first)
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        Ok(self.client().create()?)
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if let Some(folder) = &self.ours {
            let stopped =
                Command::new(script()).arg("stop").arg(folder.path().join("kafka")).status();
            if !stopped.is_ok_and(|status| status.success()) {
                eprintln!("weir-bench: Kafka may still run, in {}", folder.path().display());
            }
        }
    }
}

fn script() -> PathBuf {
    workspace().join("tests/java/kafka")
}
