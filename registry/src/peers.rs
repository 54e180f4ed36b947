//! Other nodes that write the same log, as far as a registry and its HTTP face have to know of them. What
//! carries the log between the nodes, and how they elect their leader, is `cluster`'s.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;
use weir_http::VoucherKey;
use weir_registry_api::RegistryError;

/// How long a write waits for a leader, for Kafka and for this node to read it, all in all. With what
/// the network adds, its client has an answer in 2 s.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1800);

/// The answer to a write that was not decided within [`PATIENCE`].
pub(crate) fn too_slow() -> RegistryError {
    RegistryError::Timeout { reason: "Kafka is slow".to_string() }
}

/// What waits for other nodes.
pub(crate) type Wait<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The nodes that write a log, seen from one of them.
pub(crate) trait Peers: Send + Sync {
    fn status(&self) -> Status;

    /// Returns true if what carries the log has answered lately.
    fn is_heard(&self) -> bool;

    /// Where the other nodes reach this one.
    fn own_url(&self) -> &str;

    /// The node that takes writes, as far as this one has read.
    fn leader(&self) -> Option<Leader>;

    /// Waits until a node leads with a higher epoch than this one; for any node if there is none.
    fn later_leader(&self, epoch: Option<u64>) -> Wait<'_, ()>;

    /// Returns true if the token is one that this node has announced: who sends it is a node that has read the log.
    fn has_announced(&self, token: &str) -> bool;

    /// What this node has announced itself with: whoever vouches for a caller with a key made of one is a node.
    fn announced(&self) -> Vec<String>;

    /// The key with which nodes vouch for callers to the node that has announced a token.
    fn voucher_key(&self, token: &str) -> VoucherKey;

    /// Waits until this node has applied everything before an offset. Returns false if it has not by the deadline.
    fn reach(&self, offset: u64, deadline: Instant) -> Wait<'_, bool>;

    /// Waits until this node has applied everything that any node had answered before this call. Returns false if
    /// it has not by the deadline, or if nobody says what that is.
    fn catch_up(&self, deadline: Instant) -> Wait<'_, bool>;

    /// Another node has asked this one how it is.
    fn was_asked(&self);

    /// Gives up the lead for good, if another node is there to take it: it is asked to. Returns once another leads, or none has
    /// taken the lead in time. Until then this node takes writes.
    fn resign(&self) -> Wait<'_, ()>;

    /// What requests to other nodes are sent with.
    #[cfg(feature = "kafka")]
    fn http(&self) -> &reqwest::Client;
}

/// The node that takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    /// The later of two leaders has the higher epoch.
    pub(crate) epoch: u64,
    /// Where the others reach it.
    pub(crate) url: String,
    /// What only nodes know: it shows the leader that a request comes from one.
    pub(crate) token: String,
}

/// What a node says of itself, at `/v1/cluster`.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) url: String,
    pub(crate) topic: String,
    pub(crate) leader: Option<Leader>,
    /// This node's own epoch, while it leads.
    pub(crate) leading: Option<u64>,
    pub(crate) taking_over: bool,
    /// The offset after the last record that was applied.
    pub(crate) applied: u64,
    /// The offset after the last record of the log, when it was last asked for.
    pub(crate) end: u64,
    /// Whether what carries the log has answered lately.
    pub(crate) heard: bool,
    /// Whether it is as quick as a leader needs it.
    pub(crate) well: bool,
    /// What keeps writes away, with what mends it.
    pub(crate) faults: Vec<String>,
    /// Whether a registry of another make writes the log, or may do so.
    pub(crate) beside_others: bool,
    pub(crate) leader_changes: u64,
}

impl Status {
    /// Returns true if this node takes writes, or knows who does.
    pub(crate) fn is_writable(&self) -> bool {
        self.faults.is_empty()
            && match self.leading {
                Some(_) => self.well,
                None => self.heard && self.leader.is_some(),
            }
    }
}
