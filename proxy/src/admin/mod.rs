//! What the cluster is asked beside producing and consuming: its brokers, topics, configurations,
//! ACLs and consumer groups. librdkafka's admin API, as its Rust crate has it, lacks most of it, so
//! it is asked in Kafka's own protocol; the protocol's types stay in this folder.

mod acls;
mod configs;
mod connection;
mod groups;
mod offsets;
mod scram;
mod security;
mod topics;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};
use kafka_protocol::messages::{BrokerId, MetadataRequest, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};

pub(crate) use acls::{Acl, AclFilter, Operation, Pattern, Permission, ResourceType};
pub(crate) use configs::{Alteration, Config, Resource};
pub(crate) use groups::{Group, Member};
pub(crate) use offsets::{At, Isolation};
pub(crate) use topics::{NewTopic, Partition, Reassignment, Topic};

use crate::broker::BrokerConfig;
use crate::embedded::EmbeddedBroker;
use crate::error::ProxyError;
use connection::Connection;
use security::Security;
use tokio::sync::OnceCell;

/// How long an answer is waited for.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that was idle for so long is not used again: brokers close theirs after 10 minutes.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Idle connections kept to one broker.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// The version of metadata from which on they say what one may do.
const METADATA_WITH_OPERATIONS: i16 = 8;

/// Asks the cluster.
pub(crate) struct Admin {
    bootstrap: Vec<String>,
    /// Or what of the settings stands in the way.
    security: Result<Security, String>,
    embedded: Option<EmbeddedBroker>,
    idle: Mutex<HashMap<String, Vec<Connection>>>,
    id: OnceCell<String>,
}

/// A broker.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: i32,
    pub(crate) host: String,
    pub(crate) port: i32,
    pub(crate) rack: Option<String>,
}

impl Node {
    fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// The cluster as one of its brokers sees it.
pub(crate) struct Cluster {
    pub(crate) id: String,
    /// The broker that takes requests for the controller, if it is known.
    pub(crate) controller: Option<i32>,
    /// By id.
    pub(crate) brokers: BTreeMap<i32, Node>,
}

impl Cluster {
    fn of(metadata: &MetadataResponse) -> Cluster {
        let node = |b: &kafka_protocol::messages::metadata_response::MetadataResponseBroker| Node {
            id: b.node_id.0,
            host: b.host.to_string(),
            port: b.port,
            rack: b.rack.as_ref().map(ToString::to_string),
        };
        let brokers: BTreeMap<i32, Node> =
            metadata.brokers.iter().map(|b| (b.node_id.0, node(b))).collect();
        Cluster {
            id: metadata.cluster_id.as_ref().map_or_else(String::new, ToString::to_string),
            controller: Some(metadata.controller_id.0).filter(|id| brokers.contains_key(id)),
            brokers,
        }
    }

    fn address(&self, broker: i32) -> Result<String, ProxyError> {
        let node = self.brokers.get(&broker).ok_or_else(|| ProxyError::Retriable {
            reason: ResponseError::LeaderNotAvailable.to_string(),
        })?;
        Ok(node.address())
    }

    fn controller(&self) -> Result<String, ProxyError> {
        let known = self.controller.and_then(|id| self.brokers.get(&id));
        match known.or(self.brokers.values().next()) {
            Some(node) => Ok(node.address()),
            None => Err(ProxyError::Retriable { reason: "There is no broker".to_string() }),
        }
    }
}

impl Admin {
    pub(crate) fn new(config: &BrokerConfig) -> Admin {
        let bootstrap = config.bootstrap_servers.split(',').map(|server| {
            let server = server.trim();
            server.split_once("://").map_or(server, |(_, address)| address).to_string()
        });
        Admin {
            bootstrap: bootstrap.collect(),
            security: Security::new(&config.settings),
            embedded: config.embedded.clone(),
            idle: Mutex::default(),
            id: OnceCell::new(),
        }
    }

    /// The cluster's id, which never changes.
    pub(crate) async fn id(&self) -> Result<&str, ProxyError> {
        let ask = || async { self.cluster().await.map(|cluster| cluster.id) };
        Ok(self.id.get_or_try_init(ask).await?)
    }

    /// The cluster's brokers.
    pub(crate) async fn cluster(&self) -> Result<Cluster, ProxyError> {
        Ok(self.metadata(Some(&[]), false).await?.0)
    }

    /// Brokers and topics; all topics if none are named.
    async fn metadata(
        &self,
        topics: Option<&[&str]>,
        operations: bool,
    ) -> Result<(Cluster, Vec<MetadataResponseTopic>), ProxyError> {
        let of = |name: &&str| {
            kafka_protocol::messages::metadata_request::MetadataRequestTopic::default()
                .with_name(Some(topic_name(name)))
        };
        let request = MetadataRequest::default()
            .with_topics(topics.map(|topics| topics.iter().map(of).collect()))
            .with_allow_auto_topic_creation(false);
        let answer = self
            .ask_any(|version| {
                let operations = operations && version >= METADATA_WITH_OPERATIONS;
                request.clone().with_include_topic_authorized_operations(operations)
            })
            .await?;
        check(answer.error_code, None)?;
        Ok((Cluster::of(&answer), answer.topics))
    }

    /// Asks the first broker that can be reached.
    async fn ask_any<R: Request>(
        &self,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, ProxyError> {
        let mut last = ProxyError::Retriable { reason: "There is no broker".to_string() };
        for address in &self.bootstrap {
            match self.ask(address, &request).await {
                Err(error @ ProxyError::Retriable { .. }) => last = error,
                answer => return answer,
            }
        }
        Err(last)
    }

    async fn ask_controller<R: Request>(
        &self,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, ProxyError> {
        self.ask(&self.cluster().await?.controller()?, request).await
    }

    /// `request` is told the version that is spoken. 40101 · 40002 the broker does not know the
    /// request · 50003 it cannot be reached.
    async fn ask<R: Request>(
        &self,
        address: &str,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, ProxyError> {
        let asked = async {
            let mut connection = self.connection(address).await?;
            let answer = connection.ask(request).await;
            // after another error the stream may be anywhere
            if answer.is_ok() || matches!(answer, Err(ProxyError::Unsupported { .. })) {
                self.keep(address, connection);
            }
            answer
        };
        match tokio::time::timeout(ASK_TIMEOUT, asked).await {
            Ok(answer) => answer,
            Err(_) => {
                let reason = format!("Broker {address} does not answer in {ASK_TIMEOUT:?}");
                Err(ProxyError::Retriable { reason })
            }
        }
    }

    async fn connection(&self, address: &str) -> Result<Connection, ProxyError> {
        let security = self.security.as_ref().map_err(|setting| ProxyError::Refused {
            reason: format!("The proxy's settings allow no administration: {setting}"),
        })?;
        while let Some(connection) = self.idle_to(address) {
            if connection.is_usable(IDLE_MAX) {
                return Ok(connection);
            }
        }
        Connection::open(address, security).await
    }

    fn idle_to(&self, address: &str) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.get_mut(address)?.pop()
    }

    fn keep(&self, address: &str, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = idle.entry(address.to_string()).or_default();
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
    }
}

/// Kafka's code and text, as the API has them. 0 is none.
fn check(code: i16, message: Option<StrBytes>) -> Result<(), ProxyError> {
    use ResponseError as Kafka;
    let Some(error) = Kafka::try_from_code(code) else { return Ok(()) };
    let reason = match message.filter(|m| !m.is_empty()) {
        Some(message) => message.to_string(),
        None => text(error),
    };
    Err(match error {
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
    })
}

/// Where the broker says no more than the code: what Kafka's own clients say, for those that users
/// meet.
fn text(error: ResponseError) -> String {
    use ResponseError as Kafka;
    let text = match error {
        Kafka::UnknownTopicOrPartition => "This server does not host this topic-partition.",
        Kafka::OffsetOutOfRange => {
            "The requested offset is not within the range of offsets maintained by the server."
        }
        Kafka::GroupIdNotFound => "The group id does not exist.",
        Kafka::NonEmptyGroup => "The group is not empty.",
        Kafka::UnknownMemberId => "The group has active members.",
        Kafka::LeaderNotAvailable => {
            "There is no leader for this topic-partition as we are in the middle of a leadership election."
        }
        Kafka::NotLeaderOrFollower => {
            "For requests intended only for the leader, this error indicates that the broker is not the current leader."
        }
        Kafka::CoordinatorNotAvailable => "The coordinator is not available.",
        Kafka::NotCoordinator => "This is not the correct coordinator.",
        Kafka::RequestTimedOut => "The request timed out.",
        Kafka::TopicAlreadyExists => "Topic with this name already exists.",
        Kafka::InvalidTopicException => {
            "The request attempted to perform an operation on an invalid topic."
        }
        Kafka::TopicAuthorizationFailed => "Topic authorization failed.",
        Kafka::GroupAuthorizationFailed => "Group authorization failed.",
        Kafka::ClusterAuthorizationFailed => "Cluster authorization failed.",
        Kafka::PolicyViolation => "Request parameters do not satisfy the configured policy.",
        Kafka::SecurityDisabled => "Security features are disabled.",
        other => return format!("Kafka answers {other}."),
    };
    text.to_string()
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
