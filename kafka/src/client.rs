//! A client of our own: connections that are kept, and who the brokers are.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponseTopic,
};
use kafka_protocol::messages::{ApiKey, FindCoordinatorRequest, MetadataRequest};
use kafka_protocol::protocol::{Request, StrBytes};
use weir_trace::{Kind, Phase, Step};

use crate::code::Code;
use crate::connection::Connection;
use crate::fault::{Fault, check};
use crate::security::Security;
use crate::settings::Settings;
use crate::topic::wire_name;

/// A connection that was idle for so long is not used again: brokers close theirs after 10 minutes.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Connecting to one of several brokers may take one part in so many of a question's time, so that the next can be
/// tried: nothing refuses a connection to a machine that is gone.
const CONNECT_PART: u32 = 3;

/// Idle connections kept to one broker.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// The version of metadata from which on they say what one may do.
const METADATA_WITH_OPERATIONS: i16 = 8;

/// What a question is for the request that asks it.
const ASK: Step = Step::new(Phase::Kafka, "kafka", Kind::Client);

/// Asks the cluster, each time in the newest version of a request that both sides know. What it
/// connects belongs to the runtime that asks.
pub struct Client {
    bootstrap: Vec<String>,
    /// Brokers that metadata has named, for when no bootstrap broker is left.
    known: Mutex<Vec<String>>,
    /// The one of all these that answered last.
    good: Mutex<Option<String>>,
    /// How connections are secured, or which setting stands in the way.
    security: Result<Security, String>,
    /// How long an answer is waited for.
    timeout: Duration,
    idle: Mutex<HashMap<String, Vec<Connection>>>,
}

/// A broker.
#[derive(Clone, Debug)]
pub struct Node {
    pub id: i32,
    pub host: String,
    pub port: i32,
    pub rack: Option<String>,
}

impl Node {
    pub fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// The cluster as one of its brokers sees it.
pub struct Cluster {
    pub id: String,
    /// The broker that takes requests for the controller, if it is known.
    pub controller: Option<i32>,
    /// By id.
    pub brokers: BTreeMap<i32, Node>,
}

impl Cluster {
    fn of(metadata: &MetadataResponse) -> Cluster {
        let node = |b: &MetadataResponseBroker| Node {
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

    /// The address of a broker. [`Code::LeaderNotAvailable`] if it is not there at the moment.
    pub fn address(&self, broker: i32) -> Result<String, Fault> {
        let known = self.brokers.get(&broker).map(Node::address);
        known.ok_or_else(|| Code::LeaderNotAvailable.into())
    }

    fn controller(&self) -> Result<String, Fault> {
        let known = self.controller.and_then(|id| self.brokers.get(&id));
        known.or(self.brokers.values().next()).map(Node::address).ok_or_else(no_broker)
    }
}

/// Whose coordinator is asked for; the numbers are Kafka's.
#[derive(Clone, Copy, Debug)]
pub enum Coordinated {
    Group = 0,
    Transactions = 1,
}

impl Client {
    /// Connects when it is first asked.
    pub fn new(settings: &Settings, timeout: Duration) -> Client {
        Client {
            bootstrap: settings.addresses(),
            known: Mutex::default(),
            good: Mutex::default(),
            security: Security::new(&settings.librdkafka),
            timeout,
            idle: Mutex::default(),
        }
    }

    /// Returns false if the settings want what these connections do not have (Kerberos, OAUTHBEARER, an
    /// encrypted key); every question is then refused, and its error says which setting it is.
    pub fn can_ask(&self) -> bool {
        self.security.is_ok()
    }

    /// The cluster's brokers.
    pub async fn cluster(&self) -> Result<Cluster, Fault> {
        Ok(self.metadata(Some(&[]), false).await?.0)
    }

    /// Brokers and topics; all topics if none are named. `operations`: also what one may do to them.
    pub async fn metadata(
        &self,
        topics: Option<&[&str]>,
        operations: bool,
    ) -> Result<(Cluster, Vec<MetadataResponseTopic>), Fault> {
        let of = |name: &&str| MetadataRequestTopic::default().with_name(Some(wire_name(name)));
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
        let cluster = Cluster::of(&answer);
        *lock(&self.known) = cluster.brokers.values().map(Node::address).collect();
        Ok((cluster, answer.topics))
    }

    /// The broker that coordinates a group, or what has a transactional id.
    pub async fn coordinator(&self, of: Coordinated, key: &str) -> Result<Node, Fault> {
        let key = StrBytes::from_string(key.to_string());
        let request = |version| {
            let request = FindCoordinatorRequest::default();
            let request = if version >= 1 { request.with_key_type(of as i8) } else { request };
            match version {
                0..4 => request.with_key(key.clone()),
                _ => request.with_coordinator_keys(vec![key.clone()]),
            }
        };
        let answer = self.ask_any(request).await?;
        check(answer.error_code, answer.error_message)?;
        let (id, host, port) = match answer.coordinators.into_iter().next() {
            Some(found) => {
                check(found.error_code, found.error_message)?;
                (found.node_id, found.host, found.port)
            }
            None => (answer.node_id, answer.host, answer.port),
        };
        Ok(Node { id: id.0, host: host.to_string(), port, rack: None })
    }

    /// Asks the first broker that can be reached, beginning with the one that could be last.
    pub async fn ask_any<R: Request>(
        &self,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, Fault> {
        let mut last = no_broker();
        let addresses = self.addresses();
        for (index, address) in addresses.iter().enumerate() {
            if index + 1 < addresses.len()
                && let Err(fault) = self.reach(address).await
                && fault.code.is_unanswered()
            {
                last = fault;
                continue;
            }
            match self.ask(address, &request).await {
                Err(fault) if fault.code.is_unanswered() => last = fault,
                answer => {
                    *lock(&self.good) = Some(address.clone());
                    return answer;
                }
            }
        }
        Err(last)
    }

    /// Addresses at which brokers may be, the likeliest first.
    fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = lock(&self.good).iter().cloned().collect();
        for address in self.bootstrap.iter().chain(lock(&self.known).iter()) {
            if !addresses.contains(address) {
                addresses.push(address.clone());
            }
        }
        addresses
    }

    /// Asks the controller, or any broker where none is known.
    pub async fn ask_controller<R: Request>(
        &self,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, Fault> {
        self.ask(&self.cluster().await?.controller()?, request).await
    }

    /// Asks the broker at an address, within the client's timeout. `request` is told the version that is spoken.
    pub async fn ask<R: Request>(
        &self,
        address: &str,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, Fault> {
        self.ask_within(self.timeout, address, request).await
    }

    /// As [`Client::ask`], with another timeout than the client's.
    pub async fn ask_within<R: Request>(
        &self,
        timeout: Duration,
        address: &str,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, Fault> {
        let asked = async {
            let mut connection = self.connection(address).await?;
            let answer = connection.ask(request).await;
            // after another error the stream may be anywhere
            let was_asked = |fault: &Fault| fault.code != Code::UnsupportedRequest;
            if !answer.as_ref().is_err_and(was_asked) {
                self.keep(address, connection);
            }
            answer
        };
        let answered = async {
            match tokio::time::timeout(timeout, asked).await {
                Ok(answer) => answer,
                Err(_) => {
                    let reason = format!(
                        "Broker {address} does not answer in {}",
                        weir_trace::elapsed(timeout)
                    );
                    Err(Fault::new(Code::TimedOut, reason))
                }
            }
        };
        weir_trace::wait(ASK, answered)
            .named(|| match ApiKey::try_from(R::KEY) {
                Ok(api) => format!("kafka {api:?}"),
                Err(()) => format!("kafka api {}", R::KEY),
            })
            .attribute("server.address", || address)
            .failing_as(|answer| answer.as_ref().err().map(Fault::to_string))
            .await
    }

    async fn connection(&self, address: &str) -> Result<Connection, Fault> {
        let security = self.security.as_ref().map_err(|setting| {
            let reason = format!("Kafka's settings do not allow to ask so: {setting}");
            Fault::new(Code::UnsupportedSettings, reason)
        })?;
        while let Some(connection) = self.idle_to(address) {
            if connection.is_usable(IDLE_MAX) {
                return Ok(connection);
            }
        }
        Connection::open(address, security).await
    }

    /// Has a connection ready, within a part of the time that a question has.
    async fn reach(&self, address: &str) -> Result<(), Fault> {
        let patience = self.timeout / CONNECT_PART;
        match tokio::time::timeout(patience, self.connection(address)).await {
            Ok(connection) => {
                self.keep(address, connection?);
                Ok(())
            }
            Err(_) => {
                let reason = format!(
                    "Broker {address} cannot be reached in {}",
                    weir_trace::elapsed(patience)
                );
                Err(Fault::new(Code::Unreachable, reason))
            }
        }
    }

    fn idle_to(&self, address: &str) -> Option<Connection> {
        let mut idle = lock(&self.idle);
        idle.get_mut(address)?.pop()
    }

    fn keep(&self, address: &str, connection: Connection) {
        let mut idle = lock(&self.idle);
        let idle = idle.entry(address.to_string()).or_default();
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
    }
}

fn no_broker() -> Fault {
    Fault::new(Code::Unreachable, "There is no broker")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
