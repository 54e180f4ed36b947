//! The broker as a state machine: a request and the time go in, effects come out. It has no clock,
//! no thread and no socket of its own; its files are given to it.

mod acls;
mod api_versions;
mod call;
mod catalog;
mod cluster;
#[cfg(test)]
mod compaction_tests;
mod configs;
mod connections;
mod delete_records;
mod epochs;
mod features;
mod fetch;
mod groups;
#[cfg(test)]
mod harness;
mod journal;
mod leader_epochs;
mod list_offsets;
mod metadata;
mod notices;
#[cfg(test)]
mod offsets_tests;
mod partition;
mod produce;
mod producers;
mod quotas;
mod refusal;
mod repeats;
mod sasl;
#[cfg(test)]
mod start_tests;
#[cfg(test)]
mod testing;
mod topics;
mod transactions;
mod trash;
mod upkeep;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiKey, BrokerId};
use uuid::Uuid;

pub use acls::{Acl, Acls, Authorization, Operation, Resource};
pub use api_versions::{all_versions, api_versions_refused};
pub use call::{Call, Caller, ConnectionId, Handled, Now, Ticket};
pub use catalog::{Catalog, Topic};
pub use configs::{ConfigScope, Configs, TimestampType, TopicConfig, check_start_config};
pub use connections::{Arrival, Connections, check_advertised_host};
pub use groups::{GroupSettings, Groups};
pub use journal::{Entry, Journal, Key};
pub use partition::Partition;
pub use produce::{BatchChecks, CheckedBatches};
pub use upkeep::{DiskDone, DiskRound, DiskTask, DiskWork, LogId};

pub use sasl::{LoginSettings, ScramMechanism, User};

pub use fetch::FetchAnswer;
use fetch::Fetches;
use notices::Notices;
pub use notices::Stranger;
use quotas::Quotas;
use repeats::repeats_too_often;
use sasl::{Admission, Failures, Users};
use transactions::Transactions;
use trash::Trash;

use crate::apis::{Request, Response};
use crate::files::Files;
use crate::log::LogConfig;
use crate::metrics::Census;

/// The id of the only node.
pub const NODE: BrokerId = BrokerId(1);

/// What the state machine is told once, at the start.
#[derive(Clone, Debug)]
pub struct CoreSettings {
    /// What clients are told to connect to, as `advertised.listeners` says it.
    /// `None` tells each client the address that it reached.
    pub advertised_host: Option<String>,
    /// 0 is the port that a client reached.
    pub advertised_port: u16,
    /// As `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// As `num.partitions`.
    pub default_partitions: i32,
    /// What topics have that do not say otherwise. The journal is flushed as it says, too.
    pub log: LogConfig,
    pub groups: GroupSettings,
    /// Other configs of the broker, by Kafka's names, such as `log.retention.ms`.
    pub configs: BTreeMap<String, String>,
    /// `None` lets everybody do everything. ACLs can be made, but are not enforced.
    pub authorization: Option<Authorization>,
    pub login: LoginSettings,
}

impl Default for CoreSettings {
    fn default() -> CoreSettings {
        CoreSettings {
            advertised_host: None,
            advertised_port: 0,
            auto_create_topics: true,
            default_partitions: 1,
            log: LogConfig::default(),
            groups: GroupSettings::default(),
            configs: BTreeMap::new(),
            authorization: None,
            login: LoginSettings::default(),
        }
    }
}

/// What has to be done outside of the state machine.
#[derive(Debug)]
pub enum Effect {
    /// The request of this ticket is answered.
    Answer { ticket: Ticket, response: Response },
    /// The request of this ticket gets no answer.
    Silence(Ticket),
    /// The request of this ticket is answered when the records are read, without the broker's lock.
    AnswerFetch { ticket: Ticket, answer: FetchAnswer },
    /// The connection is closed, after the answers that went before.
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
    pub(crate) trash: Trash,
    pub(crate) groups: Groups,
    pub(crate) fetches: Fetches,
    pub(crate) transactions: Transactions,
    pub(crate) configs: Configs,
    pub(crate) acls: Acls,
    pub(crate) users: Users,
    pub(crate) connections: Connections,
    pub(crate) failures: Failures,
    /// When records were removed for their age, in [`Now::elapsed`]'s time.
    pub(crate) ages_checked: Duration,
    pub(crate) quotas: Quotas,
    pub(crate) notices: Notices,
    /// True if the cluster's id is in the journal.
    is_cluster_id_kept: bool,
    /// Batches of the request that is being handled.
    pub(crate) checked: CheckedBatches,
    /// What is done by [`Core::handle`] and [`Core::tick`] until they return.
    pub(crate) effects: Vec<Effect>,
}

impl Core {
    /// Reads what is there. An error names the file that cannot be read.
    pub fn open(settings: CoreSettings, files: Arc<dyn Files>) -> std::io::Result<Core> {
        let (journal, entries) = Journal::open(&files, &settings.log)?;
        let groups = Groups::new(settings.groups.clone());
        let trash = Trash::open(&*files)?;
        let users = Users::new(&settings.login);
        let mut core = Core {
            settings,
            cluster_id: Uuid::new_v4(),
            files,
            journal,
            catalog: Catalog::default(),
            trash,
            groups,
            fetches: Fetches::default(),
            transactions: Transactions::default(),
            configs: Configs::default(),
            acls: Acls::default(),
            users,
            connections: Connections::default(),
            failures: Failures::default(),
            ages_checked: Duration::ZERO,
            quotas: Quotas::default(),
            notices: Notices::default(),
            is_cluster_id_kept: false,
            checked: CheckedBatches::default(),
            effects: Vec::new(),
        };
        for entry in entries {
            core.load(entry)?;
        }
        core.files.checked()?;
        core.refresh_topics();
        Ok(core)
    }

    /// Takes over one entry of the journal, at the start.
    fn load(&mut self, entry: Entry) -> std::io::Result<()> {
        match entry.key {
            Key::ClusterId => self.load_cluster_id(entry.value),
            Key::Quota(entity) => self.quotas.load(serde_json::from_str(&entity)?, entry.value),
            Key::Acl(acl) => {
                self.acls.load(acl, entry.value.is_some());
                Ok(())
            }
            Key::ScramCredential { user, mechanism } => {
                self.users.load(user, mechanism, entry.value)
            }
            Key::Config(scope) => self.configs.load(scope, entry.value),
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

    pub(crate) fn census(&self) -> Census {
        let partitions = self.catalog.iter().flat_map(|(_, topic)| &topic.partitions);
        let mut census = Census { groups: self.groups.count(), ..Census::default() };
        census.topics = self.catalog.iter().count() as u64;
        for partition in partitions {
            census.partitions += 1;
            census.log_bytes += partition.log.size_bytes();
        }
        census
    }

    /// Handles a request. It may be answered later, by the handling of another request or by
    /// [`Core::tick`].
    pub fn handle(&mut self, call: &Call, request: Request) -> Vec<Effect> {
        self.keep_cluster_id(call.now);
        let handled = match self.admitted(call, request.key()) {
            Some(call) => self.dispatch_bounded(&call, request),
            None => {
                self.note_no_login(call);
                self.effects.push(Effect::Close(call.caller.connection));
                Handled::Silently
            }
        };
        match handled {
            Handled::Now(response) => {
                self.effects.push(Effect::Answer { ticket: call.ticket, response });
            }
            Handled::Silently => self.effects.push(Effect::Silence(call.ticket)),
            Handled::Later => {}
        }
        self.answer_fetches(call.now);
        std::mem::take(&mut self.effects)
    }

    /// Hands a request to its handler, unless its answer would have no bound.
    fn dispatch_bounded(&mut self, call: &Call, request: Request) -> Handled<Response> {
        match repeats_too_often(&request) {
            true => {
                let error = ResponseError::InvalidRequest;
                Handled::Now(request.refusal(call.version, error.code()))
            }
            false => self.dispatch(call, request),
        }
    }

    /// As [`Core::handle`], of a request whose batches have been checked.
    pub fn handle_checked(
        &mut self,
        call: &Call,
        request: Request,
        checked: CheckedBatches,
    ) -> Vec<Effect> {
        self.checked = checked;
        let effects = self.handle(call, request);
        self.checked = CheckedBatches::default(); // a request that is refused takes none
        effects
    }

    /// The call as whoever has logged in, or `None` if it is refused.
    pub(crate) fn admitted<'a>(&self, call: &'a Call, key: ApiKey) -> Option<Cow<'a, Call>> {
        match self.admission(call, key) {
            Admission::AsSaid => Some(Cow::Borrowed(call)),
            Admission::As(principal) => {
                let mut call = call.clone();
                call.caller.principal = principal;
                Some(Cow::Owned(call))
            }
            Admission::Refused => None,
        }
    }

    /// Answers a request that was handled [`Handled::Later`].
    pub(crate) fn answer(&mut self, ticket: Ticket, response: impl Into<Response>) {
        self.effects.push(Effect::Answer { ticket, response: response.into() });
    }

    /// The connection is gone: what waits for it is dropped.
    pub fn disconnected(&mut self, connection: ConnectionId, _now: Now) -> Vec<Effect> {
        self.fetches.disconnected(connection);
        self.failures.disconnected(connection);
        self.connections.disconnected(connection);
        std::mem::take(&mut self.effects)
    }

    /// When [`Core::tick`] has to be called at the latest, in [`Now::elapsed`]'s time.
    pub fn next_deadline(&self) -> Option<Duration> {
        let deadlines = [
            self.fetches.next_deadline(),
            self.groups.next_deadline(),
            self.transactions.next_deadline(),
            self.failures.next_deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Does what is due: members that are silent, requests that waited long enough.
    pub fn tick(&mut self, now: Now) -> Vec<Effect> {
        self.tick_transactions(now);
        self.answer_failures(now);
        self.tick_groups(now);
        self.answer_fetches(now);
        std::mem::take(&mut self.effects)
    }
}
