//! What a cluster is asked beside producing and consuming: its brokers, topics, configurations, offsets, ACLs and
//! consumer groups. librdkafka's admin API, as its Rust crate has it, lacks most of it, so that the cluster is asked in
//! Kafka's own protocol. Where the settings want what connections of our own do not have, librdkafka is asked for what
//! it can ([`Observer`]).

mod acls;
mod configs;
mod groups;
mod observer;
mod offsets;
mod topics;

use std::time::Duration;

use kafka_protocol::messages::BrokerId;
use tokio::sync::OnceCell;

pub use acls::{Acl, AclFilter, Operation, Pattern, Permission, ResourceType};
pub use configs::{Alteration, Config, ConfigResource, Synonym};
pub use groups::{Group, Member};
pub use observer::Observer;
pub use offsets::{At, Isolation, PartitionOffsets};
pub use topics::{NewTopic, PartitionInfo, Reassignment, Topic};

use crate::client::{Client, Cluster, Node};
use crate::fault::Fault;
use crate::retry::again;
use crate::settings::Settings;

/// How long an answer is waited for, questions that are asked again included.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the cluster. All that is only read is asked again while another try may help.
pub struct Admin {
    client: Client,
    bootstrap: Vec<String>,
    observer: Option<Observer>,
    id: OnceCell<String>,
}

impl Admin {
    /// Connects when it is first asked.
    pub fn new(kafka: &Settings) -> Admin {
        Admin {
            client: Client::new(kafka, ASK_TIMEOUT),
            bootstrap: kafka.addresses(),
            observer: None,
            id: OnceCell::new(),
        }
    }

    /// Returns false if Kafka's settings want what connections of our own do not have: then an [`Observer`] can
    /// answer some of the questions, and all others are refused.
    pub fn can_ask(&self) -> bool {
        self.client.can_ask()
    }

    /// Has librdkafka asked for what it can.
    pub fn observed_by(self, observer: Observer) -> Admin {
        Admin { observer: Some(observer), ..self }
    }

    /// The cluster's id, which never changes.
    pub async fn id(&self) -> Result<&str, Fault> {
        let ask = || async { self.cluster().await.map(|cluster| cluster.id) };
        Ok(self.id.get_or_try_init(ask).await?)
    }

    /// The cluster's brokers.
    pub async fn cluster(&self) -> Result<Cluster, Fault> {
        again(ASK_TIMEOUT, || self.ask_cluster()).await
    }

    async fn ask_cluster(&self) -> Result<Cluster, Fault> {
        match &self.observer {
            Some(observer) => observer.cluster().await,
            None => self.client.cluster().await,
        }
    }

    /// How many brokers librdkafka has a thread for: those of the cluster, and those that the settings name
    /// otherwise. Asked once.
    pub async fn threads_of_clients(&self) -> Result<usize, Fault> {
        let cluster = self.ask_cluster().await?;
        let addresses: Vec<String> = cluster.brokers.values().map(Node::address).collect();
        let others = self.bootstrap.iter().filter(|address| !addresses.contains(address));
        Ok(addresses.len() + others.count())
    }
}

fn ids(brokers: &[BrokerId]) -> Vec<i32> {
    brokers.iter().map(|b| b.0).collect()
}

fn ms(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}
