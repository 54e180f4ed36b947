//! Many registries on one Kafka: who leads, how far this node has read, what is wrong.
//!
//! The log elects: who wrote the last announcement (`log/kafka/leader.rs`) leads, and only that node can
//! write. `replica` applies what is read and writes while it leads, `election` takes the lead when
//! nobody has it, `monitor` watches the topic, `others` registries of another make on it, `freshness` knows
//! what has to be read.

mod election;
mod freshness;
mod join;
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
use weir_http::{Certificate, VoucherKey};
use weir_registry_core::State;

use crate::batch::Queued;
use crate::counts::Counts;
use crate::log::kafka::{ASK_TIMEOUT, Announced, Fault, Topic};
use crate::log::{KafkaLog, LogError};
use crate::peers::{self, Peers, Status, Wait};
use freshness::Freshness;
use others::{Lookout, Others};
use replica::{Event, Replica};

/// How many of this node's own tokens are still believed.
const TOKENS_MAX: usize = 16;

/// How many events of the topic may wait for the replica.
const EVENTS_MAX: usize = 64;

/// How long Kafka may be silent and still count as there.
const HEARD_MAX: Duration = Duration::from_millis(1500);

/// How long Kafka may be silent, and how long a write may take, for a leader that is well. Sooner than a client
/// gives up, another node has to lead.
const WELL_MAX: Duration = Duration::from_millis(700);

/// How long another node has to take the lead that this one gives up.
const RESIGNATION_MAX: Duration = Duration::from_millis(1500);

/// Nodes ask their leader more often than this; a leader that was not asked for so long is alone.
const ALONE_AFTER: Duration = Duration::from_secs(2);

/// This node among the others.
#[derive(Clone)]
pub struct NodeConfig {
    /// Where the other nodes reach it.
    pub advertised_url: String,
    /// Whether this node may lead.
    pub eligible: bool,
    /// Certificates of the authorities that have signed the other nodes', beside those of the system. PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// What this node's https listener shows. Others of the same certificate or chain are trusted, and it is shown to nodes that
    /// ask for one.
    pub certificate: Option<Arc<Certificate>>,
    /// What all nodes know and nobody else, so that whoever may read the topic cannot vouch for callers. Empty: what is
    /// announced in the topic is enough.
    pub secret: String,
}

/// What this node knows of the cluster.
struct Cluster {
    node: NodeConfig,
    topic: String,
    /// The node that announced itself last in the log.
    leader: watch::Sender<Option<Announced>>,
    /// The offset after the last record that was applied.
    applied: watch::Sender<u64>,
    health: Mutex<Health>,
    /// What this node has announced itself with, the newest last.
    tokens: Mutex<VecDeque<String>>,
    /// None where registries of another make do not matter.
    lookout: Option<Arc<Lookout>>,
    freshness: Freshness,
    http: reqwest::Client,
}

/// What is known of the topic beside its records.
#[derive(Clone, Debug, Default)]
struct Health {
    /// The end of the log when it was last asked for.
    end: u64,
    /// When Kafka answered last.
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
    /// Whether this node gives up the lead, and takes it no more.
    has_resigned: bool,
    /// When another node has asked this one how it is.
    asked: Option<Instant>,
}

impl Health {
    /// Returns true if Kafka has answered lately.
    fn is_heard(&self) -> bool {
        self.heard.is_some_and(|at| at.elapsed() < HEARD_MAX)
    }

    /// What keeps writes away as long as nobody mends it.
    fn write_faults(&self) -> Vec<String> {
        self.faults.iter().map(Fault::to_string).chain(self.others.fault()).collect()
    }
}

impl Cluster {
    /// Begins to follow the log behind what `state` has of it, and to take part in elections. To be
    /// called within a runtime, which those parts then run on.
    pub(crate) fn start(
        log: KafkaLog,
        state: Arc<ArcSwap<State>>,
        jobs: mpsc::Receiver<Queued>,
        node: NodeConfig,
        counts: Arc<Counts>,
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
        let replica = Replica::new(log.producer, cluster.clone(), state, jobs, to_apply, counts);
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

    /// The node that announced itself last in the log.
    fn last_announced(&self) -> Option<Announced> {
        self.leader.borrow().clone()
    }

    fn leading(&self) -> Option<u64> {
        self.change_health(|health| health.leading)
    }

    /// Tells when somebody else is announced.
    fn leaders(&self) -> watch::Receiver<Option<Announced>> {
        self.leader.subscribe()
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
    fn announced(&self, leader: Announced) {
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

impl Peers for Cluster {
    fn status(&self) -> Status {
        let health = self.health();
        let unread = health.unread.as_ref().map(|why| format!("the topic cannot be read: {why}"));
        // asked once: who holds one read lock and asks for another waits for the writer between, who waits for him
        let applied = *self.applied.borrow();
        Status {
            url: self.node.advertised_url.clone(),
            topic: self.topic.clone(),
            leader: self.leader(),
            leading: health.leading,
            taking_over: health.taking_over,
            applied,
            end: health.end.max(applied),
            heard: health.is_heard(),
            well: !health.has_resigned
                && health.heard.is_some_and(|at| at.elapsed() < WELL_MAX)
                && health.writing.is_none_or(|since| since.elapsed() < WELL_MAX),
            beside_others: health.others.fault().is_some(),
            faults: health.write_faults().into_iter().chain(unread).collect(),
            leader_changes: health.leader_changes,
        }
    }

    fn is_heard(&self) -> bool {
        self.health().is_heard()
    }

    fn own_url(&self) -> &str {
        &self.node.advertised_url
    }

    fn leader(&self) -> Option<peers::Leader> {
        let leader = self.leader.borrow();
        leader.as_ref().map(|Announced { epoch, url, token, .. }| peers::Leader {
            epoch: *epoch,
            url: url.clone(),
            token: token.clone(),
        })
    }

    fn later_leader(&self, epoch: Option<u64>) -> Wait<'_, ()> {
        Box::pin(async move {
            let is_later =
                |now: &Option<Announced>| now.as_ref().map(|leader| leader.epoch) > epoch;
            let _ = self.leaders().wait_for(is_later).await;
        })
    }

    fn announced(&self) -> Vec<String> {
        self.tokens().iter().cloned().collect()
    }

    fn voucher_key(&self, token: &str) -> VoucherKey {
        VoucherKey::new(format!("{}\n{token}", self.node.secret).as_bytes())
    }

    fn has_announced(&self, token: &str) -> bool {
        self.tokens().iter().any(|ours| ours == token)
    }

    fn reach(&self, offset: u64, deadline: Instant) -> Wait<'_, bool> {
        Box::pin(async move {
            let mut applied = self.applied.subscribe();
            let reached = applied.wait_for(|applied| *applied >= offset);
            tokio::time::timeout_at(deadline, reached).await.is_ok()
        })
    }

    fn catch_up(&self, deadline: Instant) -> Wait<'_, bool> {
        Box::pin(async move {
            match tokio::time::timeout_at(deadline, self.freshness.end()).await {
                Ok(Some(end)) => self.reach(end, deadline).await,
                _ => false,
            }
        })
    }

    fn was_asked(&self) {
        self.change_health(|health| health.asked = Some(Instant::now()));
    }

    fn resign(&self) -> Wait<'_, ()> {
        Box::pin(async move {
            let health = self.change_health(|health| {
                health.has_resigned = true;
                health.clone()
            });
            let is_asked = health.asked.is_some_and(|at| at.elapsed() < ALONE_AFTER);
            let Some(epoch) = health.leading.filter(|_| is_asked) else { return };
            tracing::info!(epoch, "this node gives up the lead");
            let is_later =
                |now: &Option<Announced>| now.as_ref().is_some_and(|now| now.epoch > epoch);
            let mut leaders = self.leaders();
            let taken = leaders.wait_for(is_later);
            if tokio::time::timeout(RESIGNATION_MAX, taken).await.is_err() {
                tracing::warn!("no other node has taken the lead");
            }
        })
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

fn client(node: &NodeConfig) -> Result<reqwest::Client, LogError> {
    let failed =
        |why: &dyn std::fmt::Display| LogError(format!("the client of other nodes: {why}"));
    let tls = weir_http::peer_config(node.ca_pem.as_deref(), node.certificate.clone());
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_millis(500))
        .tls_backend_preconfigured(tls.map_err(|why| failed(&why))?);
    client.build().map_err(|error| failed(&error))
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("node", &self.node.advertised_url).finish_non_exhaustive()
    }
}
