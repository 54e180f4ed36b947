//! Many registries on one Kafka: who leads, how far this node has read, what is wrong.
//!
//! The log elects: who wrote the last announcement (`log/kafka/leader.rs`) leads, and only that node can
//! write. `replica` applies what is read and writes while it leads, `election` takes the lead when
//! nobody has it, `monitor` watches the topic, `others` registries of another make on it, `freshness` knows
//! what has to be read.

mod election;
mod freshness;
mod monitor;
mod others;
mod replica;
mod tail;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use weir_registry_core::State;

use crate::log::kafka::{ASK_TIMEOUT, Fault, Leader, Topic};
use crate::log::{KafkaLog, LogError};
use crate::writer::Job;
pub(crate) use freshness::Freshness;
pub(crate) use others::members;
use others::{Lookout, Others};
use replica::{Event, Replica};

/// How long a write waits for a leader, for Kafka and for this node to read it, all in all. With what
/// the network adds, its client has an answer in 2 s.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1800);

/// Tokens of our own that are still believed.
const TOKENS_MAX: usize = 16;

/// Events of the topic that may wait for the replica.
const EVENTS_MAX: usize = 64;

/// How long Kafka may be silent and still count as there.
const HEARD_MAX: Duration = Duration::from_millis(1500);

/// The same, and how long a write may take, for a leader that is well: sooner than a client gives up,
/// another has to lead.
const WELL_MAX: Duration = Duration::from_millis(700);

/// This node among the others.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Where the other nodes reach it.
    pub advertised_url: String,
    /// Whether it may lead.
    pub eligible: bool,
    /// Certificates that the others' are signed by, beside those of the system.
    pub ca_pem: Option<Vec<u8>>,
}

/// What this node knows of the cluster.
pub struct Cluster {
    pub(crate) node: NodeConfig,
    pub(crate) topic: String,
    /// The last that announced itself in the log.
    leader: watch::Sender<Option<Leader>>,
    /// The offset after the last record that was applied.
    applied: watch::Sender<u64>,
    health: Mutex<Health>,
    /// Of ourselves, the newest last.
    tokens: Mutex<VecDeque<String>>,
    /// None where registries of another make do not matter.
    lookout: Option<Arc<Lookout>>,
    pub(crate) freshness: Freshness,
    pub(crate) http: reqwest::Client,
}

/// What is known of the topic beside its records.
#[derive(Clone, Debug, Default)]
struct Health {
    /// The end of the log when it was last asked for.
    end: u64,
    heard: Option<Instant>,
    faults: Vec<Fault>,
    /// Registries of another make that would write too.
    others: Others,
    /// Why the topic cannot be read, while it cannot.
    unread: Option<String>,
    leader_changes: u64,
    /// Our epoch, while we lead.
    leading: Option<u64>,
    taking_over: bool,
    /// Since when a write is under way.
    writing: Option<Instant>,
    /// When this node could not write, or not take the lead.
    failed: Option<Instant>,
}

impl Health {
    /// What keeps writes away as long as nobody mends it.
    fn write_faults(&self) -> Vec<String> {
        self.faults.iter().map(Fault::to_string).chain(self.others.fault()).collect()
    }
}

/// What a node says of itself, at `/v1/cluster`.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) leader: Option<Leader>,
    pub(crate) leading: Option<u64>,
    pub(crate) taking_over: bool,
    pub(crate) applied: u64,
    pub(crate) end: u64,
    /// Whether Kafka has answered lately.
    pub(crate) kafka: bool,
    /// Whether Kafka is as quick as a leader needs it.
    pub(crate) well: bool,
    pub(crate) faults: Vec<String>,
    /// Whether a registry of another make writes the log, or may do so.
    pub(crate) beside_others: bool,
    pub(crate) leader_changes: u64,
}

impl Cluster {
    /// Begins to follow the log behind what `state` has of it, and to take part in elections. To be
    /// called within a runtime, which those parts then run on.
    pub(crate) fn start(
        log: KafkaLog,
        state: Arc<ArcSwap<State>>,
        jobs: mpsc::Receiver<Job>,
        node: NodeConfig,
    ) -> Result<Arc<Cluster>, LogError> {
        let failed = |e: &dyn std::fmt::Display| LogError(e.to_string());
        let config = log.config.clone();
        let next = state.load().next_offset();
        let (freshness, questions) = Freshness::new();
        let asked = Arc::new(Topic::new(&config, ASK_TIMEOUT));
        let lookout = Lookout::new(&asked, &config).map(Arc::new);
        let others = match lookout {
            Some(_) => Others::Unknown,
            None => Others::Absent,
        };
        let cluster = Arc::new(Cluster {
            http: client(&node)?,
            node,
            topic: config.topic.clone(),
            leader: watch::Sender::new(log.leader.clone()),
            applied: watch::Sender::new(next),
            health: Mutex::new(Health {
                end: next,
                heard: Some(Instant::now()),
                others,
                ..Health::default()
            }),
            tokens: Mutex::default(),
            lookout: lookout.clone(),
            freshness,
        });
        let (events, to_apply) = mpsc::channel::<Event>(EVENTS_MAX);
        let replica = Replica::new(log.producer, cluster.clone(), state, jobs, to_apply);
        let runtime = log.runtime;
        std::thread::Builder::new()
            .name("registry-replica".into())
            .spawn(move || runtime.block_on(replica.run()))
            .map_err(|e| failed(&e))?;
        tail::start(log.reader, config.clone(), cluster.clone(), events.clone())?;
        if let Some(lookout) = lookout {
            tokio::spawn(others::watch(lookout, Arc::downgrade(&cluster)));
        }
        tokio::spawn(freshness::answer(asked.clone(), Arc::downgrade(&cluster), questions));
        tokio::spawn(monitor::listen(asked.clone(), Arc::downgrade(&cluster)));
        tokio::spawn(monitor::watch(asked, config, Arc::downgrade(&cluster)));
        tokio::spawn(election::take_part(Arc::downgrade(&cluster), events));
        Ok(cluster)
    }

    pub(crate) fn status(&self) -> Status {
        let health = self.health();
        let unread = health.unread.as_ref().map(|why| format!("the topic cannot be read: {why}"));
        // asked once: who holds one read lock and asks for another waits for the writer between, who waits for him
        let applied = *self.applied.borrow();
        Status {
            leader: self.leader(),
            leading: health.leading,
            taking_over: health.taking_over,
            applied,
            end: health.end.max(applied),
            kafka: health.heard.is_some_and(|at| at.elapsed() < HEARD_MAX),
            well: health.heard.is_some_and(|at| at.elapsed() < WELL_MAX)
                && health.writing.is_none_or(|since| since.elapsed() < WELL_MAX),
            beside_others: health.others.fault().is_some(),
            faults: health.write_faults().into_iter().chain(unread).collect(),
            leader_changes: health.leader_changes,
        }
    }

    pub(crate) fn leader(&self) -> Option<Leader> {
        self.leader.borrow().clone()
    }

    pub(crate) fn leading(&self) -> Option<u64> {
        self.change_health(|health| health.leading)
    }

    /// Tells when somebody else is announced.
    pub(crate) fn leaders(&self) -> watch::Receiver<Option<Leader>> {
        self.leader.subscribe()
    }

    /// Whether a token is one that this node has announced: who sends it has read the log.
    pub(crate) fn has_announced(&self, token: &str) -> bool {
        self.tokens().iter().any(|ours| ours == token)
    }

    /// Waits until this node has applied all before an offset; whether it has.
    pub(crate) async fn reach(&self, offset: u64, deadline: Instant) -> bool {
        let mut applied = self.applied.subscribe();
        let reached = applied.wait_for(|applied| *applied >= offset);
        tokio::time::timeout_at(deadline, reached).await.is_ok()
    }

    /// Waits until this node has applied all that was answered by anyone before this was called;
    /// whether it has.
    pub(crate) async fn catch_up(&self, deadline: Instant) -> bool {
        match tokio::time::timeout_at(deadline, self.freshness.end()).await {
            Ok(Some(end)) => self.reach(end, deadline).await,
            _ => false,
        }
    }

    fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change_health<T>(&self, change: impl FnOnce(&mut Health) -> T) -> T {
        change(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log has an announcement.
    fn announced(&self, leader: Leader) {
        tracing::info!(leader = %leader.url, epoch = leader.epoch, "a leader has announced itself");
        self.change_health(|health| health.leader_changes += 1);
        self.leader.send_replace(Some(leader));
    }

    fn announce(&self, token: String) {
        let mut tokens = self.tokens();
        if tokens.len() == TOKENS_MAX {
            tokens.pop_front();
        }
        tokens.push_back(token);
    }
}

fn client(node: &NodeConfig) -> Result<reqwest::Client, LogError> {
    let failed = |e: reqwest::Error| LogError(format!("the client of other nodes: {e}"));
    let mut client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_millis(500));
    for certificate in node
        .ca_pem
        .as_deref()
        .map(reqwest::Certificate::from_pem_bundle)
        .transpose()
        .map_err(failed)?
        .into_iter()
        .flatten()
    {
        client = client.add_root_certificate(certificate);
    }
    client.build().map_err(failed)
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("node", &self.node.advertised_url).finish_non_exhaustive()
    }
}
