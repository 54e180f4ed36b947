//! A Kafka of several brokers that a test may kill.

use std::path::PathBuf;
use std::process::Command;

use crate::{TestBroker, unique};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/java/kafka");

/// A cluster of its own, removed when dropped.
pub struct KafkaCluster {
    folder: PathBuf,
    /// Of all brokers, in the order of their ids, which begin with 1.
    pub bootstrap_servers: String,
}

fn script(args: &[&str]) -> String {
    let output = Command::new(SCRIPT).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kafka {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

impl KafkaCluster {
    pub async fn start(brokers: usize) -> KafkaCluster {
        let folder = std::env::temp_dir().join(unique("weir-cluster"));
        let path = folder.to_str().unwrap().to_string();
        let count = brokers.to_string();
        let started = tokio::task::spawn_blocking(move || script(&["start", &path, &count]));
        KafkaCluster { folder, bootstrap_servers: started.await.unwrap() }
    }

    async fn node(&self, what: &'static str, id: i64) {
        let path = self.folder.to_str().unwrap().to_string();
        let node = id.to_string();
        tokio::task::spawn_blocking(move || script(&[what, &path, &node])).await.unwrap();
    }

    /// Ends a broker as a crash does.
    pub async fn kill(&self, id: i64) {
        self.node("kill", id).await;
    }

    /// Ends a broker as a restart does: it hands over what it leads.
    pub async fn shut(&self, id: i64) {
        self.node("shut", id).await;
    }

    /// Starts it again, on its ports and with its data.
    pub async fn revive(&self, id: i64) {
        self.node("revive", id).await;
    }

    pub fn broker(&self) -> TestBroker {
        TestBroker { bootstrap_servers: self.bootstrap_servers.clone(), embedded: None }
    }

    /// Their ports on 127.0.0.1, in the order of their ids.
    pub fn ports(&self) -> Vec<u16> {
        let port = |address: &str| address.rsplit(':').next().unwrap().parse().unwrap();
        self.bootstrap_servers.split(',').map(port).collect()
    }
}

impl Drop for KafkaCluster {
    fn drop(&mut self) {
        script(&["stop", self.folder.to_str().unwrap()]);
    }
}
