//! The broker as a state machine: a request and the time go in, effects come out. It has no clock,
//! no thread and no socket of its own; its files are given to it.

mod acls;
mod api_versions;
mod call;
mod catalog;
mod delete_records;
mod epochs;
mod fetch;
mod groups;
mod journal;
mod leader_epochs;
mod list_offsets;
mod metadata;
mod partition;
mod produce;
mod producers;
mod transactions;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::BrokerId;
use uuid::Uuid;

pub use api_versions::{all_versions, api_versions_refused};
pub use call::{Call, Caller, ConnectionId, Handled, Now, Ticket};
pub use catalog::{Catalog, Topic};
pub use groups::{GroupSettings, Groups};
pub use journal::{Entry, Journal, Key};
pub use partition::Partition;
pub use upkeep::{DiskDone, DiskRound, DiskTask, DiskWork, LogId};

use fetch::Fetches;
use transactions::Transactions;

use crate::apis::{Request, Response};
use crate::files::Files;
use crate::log::LogConfig;

/// The id of the only node.
pub const NODE: BrokerId = BrokerId(1);

/// What the state machine is told once, at the start.
#[derive(Clone, Debug)]
pub struct CoreSettings {
    /// What clients are told to connect to, as `advertised.listeners` says it.
    pub advertised_host: String,
    pub advertised_port: u16,
    /// As `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// As `num.partitions`.
    pub default_partitions: i32,
    /// What topics have that do not say otherwise. The journal is flushed as it says, too.
    pub log: LogConfig,
    pub groups: GroupSettings,
}

impl Default for CoreSettings {
    fn default() -> CoreSettings {
        CoreSettings {
            advertised_host: "127.0.0.1".into(),
            advertised_port: 0,
            auto_create_topics: true,
            default_partitions: 1,
            log: LogConfig::default(),
            groups: GroupSettings::default(),
        }
    }
}

/// What has to be done outside of the state machine.
#[derive(Debug)]
pub enum Effect {
    /// The request of this ticket is answered.
    Answer { ticket: Ticket, response: Response },
    /// The connection is closed without a word.
    Close(ConnectionId),
}

/// The whole state of a broker.
#[derive(Debug)]
pub struct Core {
    pub(crate) settings: CoreSettings,
    pub(crate) cluster_id: Uuid,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) journal: Journal,
    pub(crate) catalog: Catalog,
    pub(crate) groups: Groups,
    pub(crate) fetches: Fetches,
    pub(crate) transactions: Transactions,
    /// What is done by [`Core::handle`] and [`Core::tick`] until they return.
    pub(crate) effects: Vec<Effect>,
}

impl Core {
    /// Reads what is there. An error names the file that cannot be read.
    pub fn open(settings: CoreSettings, files: Arc<dyn Files>) -> std::io::Result<Core> {
        let (journal, entries) = Journal::open(&files, &settings.log)?;
        let groups = Groups::new(settings.groups.clone());
        let mut core = Core {
            settings,
            cluster_id: Uuid::new_v4(),
            files,
            journal,
            catalog: Catalog::default(),
            groups,
            fetches: Fetches::default(),
            transactions: Transactions::default(),
            effects: Vec::new(),
        };
        for entry in entries {
            core.load(entry)?;
        }
        Ok(core)
    }

    /// Takes over one entry of the journal, at the start.
    fn load(&mut self, entry: Entry) -> std::io::Result<()> {
        match entry.key {
            Key::Topic(name) => self.catalog.load(&self.files, name, entry.value),
            Key::Transaction(id) => self.transactions.load(id, entry.value),
            Key::ProducerIds => self.transactions.load_producer_ids(entry.value),
            Key::Group(id) => self.groups.load(id, entry.value),
            Key::Offset { group, topic, partition } => {
                self.groups.load_offset(group, topic, partition, entry.value)
            }
            Key::PendingOffsets { group, producer } => {
                self.groups.load_pending_offsets(group, producer, entry.value)
            }
        }
    }

    /// Handles a request. It may be answered later, by the handling of another request or by
    /// [`Core::tick`].
    pub fn handle(&mut self, call: &Call, request: Request) -> Vec<Effect> {
        match self.dispatch(call, request) {
            Handled::Now(response) => {
                self.effects.push(Effect::Answer { ticket: call.ticket, response });
            }
            Handled::Later | Handled::Silently => {}
        }
        self.answer_fetches(call.now);
        std::mem::take(&mut self.effects)
    }

    /// Answers a request that was handled [`Handled::Later`].
    pub(crate) fn answer(&mut self, ticket: Ticket, response: impl Into<Response>) {
        self.effects.push(Effect::Answer { ticket, response: response.into() });
    }

    /// The connection is gone: what waits for it is dropped.
    pub fn disconnected(&mut self, connection: ConnectionId, _now: Now) -> Vec<Effect> {
        self.fetches.disconnected(connection);
        std::mem::take(&mut self.effects)
    }

    /// When [`Core::tick`] has to be called at the latest, in [`Now::elapsed`]'s time.
    pub fn next_deadline(&self) -> Option<Duration> {
        let deadlines = [
            self.fetches.next_deadline(),
            self.groups.next_deadline(),
            self.transactions.next_deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Does what is due: members that are silent, requests that waited long enough.
    pub fn tick(&mut self, now: Now) -> Vec<Effect> {
        self.tick_transactions(now);
        self.tick_groups(now);
        self.answer_fetches(now);
        std::mem::take(&mut self.effects)
    }
}
