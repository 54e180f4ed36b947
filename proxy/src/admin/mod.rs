//! What the cluster is asked beside producing and consuming: its brokers, topics, configurations,
//! ACLs and consumer groups. librdkafka's admin API, as its Rust crate has it, lacks most of it, so
//! it is asked in Kafka's own protocol; the protocol's types stay in this folder.

mod acls;
mod configs;
mod groups;
mod offsets;
mod topics;

use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::OnceCell;
use weir_kafka::{Client, Cluster, Error, Node, Settings};

pub(crate) use acls::{Acl, AclFilter, Operation, Pattern, Permission, ResourceType};
pub(crate) use configs::{Alteration, Config, Resource};
pub(crate) use groups::{Group, Member};
pub(crate) use offsets::{At, Isolation};
pub(crate) use topics::{NewTopic, Partition, Reassignment, Topic};

use crate::embedded::EmbeddedBroker;
use crate::error::ProxyError;
use crate::retry::again;

/// How long an answer is waited for, questions that are asked again included.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the cluster.
pub(crate) struct Admin {
    client: Client,
    bootstrap: Vec<String>,
    embedded: Option<EmbeddedBroker>,
    id: OnceCell<String>,
}

impl Admin {
    pub(crate) fn new(kafka: &Settings, embedded: Option<EmbeddedBroker>) -> Admin {
        let client = Client::new(kafka, ASK_TIMEOUT);
        Admin { client, bootstrap: kafka.addresses(), embedded, id: OnceCell::new() }
    }

    /// The cluster's id, which never changes.
    pub(crate) async fn id(&self) -> Result<&str, ProxyError> {
        let ask = || async { self.cluster().await.map(|cluster| cluster.id) };
        Ok(self.id.get_or_try_init(ask).await?)
    }

    /// The cluster's brokers.
    pub(crate) async fn cluster(&self) -> Result<Cluster, ProxyError> {
        again(ASK_TIMEOUT, || async { Ok(self.client.cluster().await?) }).await
    }

    /// How many brokers librdkafka has a thread for: those of the cluster, and those that the settings name
    /// otherwise. Asked once.
    pub(crate) async fn threads_of_clients(&self) -> Result<usize, ProxyError> {
        let cluster = self.client.cluster().await?;
        let addresses: Vec<String> = cluster.brokers.values().map(Node::address).collect();
        let others = self.bootstrap.iter().filter(|address| !addresses.contains(address));
        Ok(addresses.len() + others.count())
    }

    /// Returns false if Kafka's settings want what these connections do not have.
    pub(crate) fn can_ask(&self) -> bool {
        self.client.can_ask()
    }
}

impl From<Error> for ProxyError {
    /// Sorts Kafka's errors as the reference does.
    fn from(error: Error) -> ProxyError {
        let code = match error {
            Error::Unreachable { reason } => return ProxyError::Retriable { reason },
            Error::Unsupported { request } => return ProxyError::Unsupported { request },
            Error::Refused { reason } => return ProxyError::Refused { reason },
            Error::Unauthenticated { reason } => return ProxyError::Unauthenticated { reason },
            Error::Unreadable { reason } => return ProxyError::Kafka { reason },
            Error::Code { error, .. } => error,
        };
        let reason = error.to_string();
        use ResponseError as Kafka;
        match code {
            Kafka::UnknownTopicOrPartition | Kafka::UnknownTopicId => {
                ProxyError::UnknownPartition { reason }
            }
            Kafka::SaslAuthenticationFailed
            | Kafka::UnsupportedSaslMechanism
            | Kafka::IllegalSaslState => ProxyError::Unauthenticated { reason },
            Kafka::TopicAuthorizationFailed
            | Kafka::GroupAuthorizationFailed
            | Kafka::ClusterAuthorizationFailed
            | Kafka::TransactionalIdAuthorizationFailed
            | Kafka::DelegationTokenAuthorizationFailed => ProxyError::Forbidden { reason },
            Kafka::InvalidReplicationFactor
            | Kafka::TopicAlreadyExists
            | Kafka::PolicyViolation
            | Kafka::InvalidConfig
            | Kafka::InvalidPartitions
            | Kafka::InvalidReplicaAssignment
            | Kafka::InvalidRequest
            | Kafka::SecurityDisabled
            | Kafka::UnsupportedVersion
            | Kafka::UnknownServerError
            | Kafka::TopicDeletionDisabled
            | Kafka::InvalidTopicException
            | Kafka::NonEmptyGroup
            | Kafka::InvalidGroupId
            | Kafka::ReassignmentInProgress
            | Kafka::OffsetOutOfRange => ProxyError::Refused { reason },
            Kafka::GroupIdNotFound => ProxyError::Missing { reason },
            Kafka::ThrottlingQuotaExceeded => ProxyError::Throttled { reason },
            Kafka::BrokerNotAvailable => ProxyError::BrokerNotAvailable { reason },
            error if error.is_retriable() => ProxyError::Retriable { reason },
            _ => ProxyError::Kafka { reason },
        }
    }
}

/// Kafka's code and text; 0 is none.
fn check(code: i16, message: Option<StrBytes>) -> Result<(), ProxyError> {
    Ok(weir_kafka::check(code, message)?)
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_string()))
}

fn ids(brokers: &[BrokerId]) -> Vec<i32> {
    brokers.iter().map(|b| b.0).collect()
}

fn ms(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}
