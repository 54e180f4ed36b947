//! The registry: a state that anyone may read at any time, and a writer that changes it.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{Notify, mpsc};
use weir_http::VoucherKey;
use weir_http::health::{Check, Finding};
use weir_registry_api::{CompatibilityLevel, RegistryError, SchemaId};
use weir_registry_core::{Decide, Standalone, State, Tally, over_budget};
use weir_schema::{Budget, Limits, OverBudget};

use crate::batch::{Queued, job};
use crate::counts::Counts;
use crate::lanes::{Asker, Class, Client, INLINE, Lanes, SHORT_STEPS, Watch};
use crate::log::{Fault, Log, LogError, LogStatus};
use crate::peers::{PATIENCE, Peers, too_slow};
use crate::replay::replay;
use crate::steps::{CHECK, LANE, WRITE};
use crate::writer::{Shown, Writer};

/// What probes are told of a log on Kafka before it was read to its end.
const READING: &str =
    "the log is being read; if that lasts, Kafka is not reached, and the process's log says why";

/// Bytes of a request's body. A schema of this size is some hundred times what anybody has.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Commands that may wait for the writer; beyond, submitting waits.
const WAITING_MAX: usize = 4096;

/// A running registry. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

/// What an operator decides, and the log does not say.
#[derive(Clone, Debug)]
pub struct Options {
    /// The compatibility level where `/config` has none.
    pub default_level: CompatibilityLevel,
    /// Whether modes can be changed; else 42205.
    pub mode_mutable: bool,
    /// Whether a subject without a name is none: 42208.
    pub reject_empty_subject: bool,
    /// Bytes that a request's body may have; more are 413.
    pub body_bytes_max: usize,
    /// What a request may use of the processor and of memory; more is 42290.
    pub request_limits: Limits,
}

/// What a request may use where nobody says otherwise: about two seconds of a slow processor, and six
/// times the largest body.
pub const REQUEST_LIMITS: Limits = Limits { steps: 40_000_000, bytes: 64 << 20 };

impl Default for Options {
    fn default() -> Options {
        Options {
            default_level: CompatibilityLevel::default(),
            mode_mutable: true,
            reject_empty_subject: false,
            body_bytes_max: BODY_BYTES_MAX,
            request_limits: REQUEST_LIMITS,
        }
    }
}

struct Shared {
    options: Options,
    state: Arc<ArcSwap<State>>,
    log: Arc<ArcSwap<LogStatus>>,
    jobs: mpsc::Sender<Queued>,
    /// The thread that writes a log that nobody else writes, and how it is told to stop.
    writer: Mutex<Option<JoinHandle<()>>>,
    stop: Arc<Notify>,
    lanes: Arc<Lanes>,
    sharing: Sharing,
    counts: Arc<Counts>,
    /// What was counted last, and the offset of the state that it was counted of.
    tally: Mutex<(u64, Arc<Tally>)>,
    /// What is known of the log, for probes.
    log_check: Arc<Check>,
    /// Whether there is room for the log, where it is on a disk of this machine.
    disk_check: Arc<Check>,
    /// Whether a node takes writes, where nodes share the log.
    leader_check: Arc<Check>,
}

/// Whether other nodes write the log too.
pub(crate) enum Sharing {
    Alone,
    #[cfg_attr(
        not(feature = "kafka"),
        expect(dead_code, reason = "only a log on Kafka has other nodes")
    )]
    WithPeers(Joined),
}

/// The other nodes; empty until the log is read.
pub(crate) type Joined = Arc<OnceLock<Arc<dyn Peers>>>;

/// Why a registry could not be opened.
#[derive(Debug)]
pub struct OpenError(pub LogError);

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot open the registry's log: {}", self.0)
    }
}

impl std::error::Error for OpenError {}

impl Registry {
    /// Reads the log to its end, then takes commands.
    pub fn open(log: impl Log) -> Result<Registry, OpenError> {
        Registry::open_with(log, Options::default())
    }

    /// Reads the log to its end, then takes commands, as the options say.
    pub fn open_with(mut log: impl Log, options: Options) -> Result<Registry, OpenError> {
        let read = match replay(&mut log) {
            Err(_) if log.salvage() => replay(&mut log),
            read => read,
        };
        let mut read = read.map_err(OpenError)?;
        read.set_default_level(options.default_level);
        read.give_ids_above(SchemaId(log.ids_above()));
        let state = Arc::new(ArcSwap::from_pointee(read));
        let (registry, waiting) = Registry::new(state.clone(), Sharing::Alone, options);
        let (log_status, counts) = (registry.0.log.clone(), registry.0.counts.clone());
        let shown = Shown { state, log: log_status, counts };
        let stop = registry.0.stop.clone();
        let writer = Writer::new(log, shown, waiting, stop).map_err(OpenError)?;
        let thread = std::thread::Builder::new()
            .name("registry-writer".into())
            .spawn(move || writer.run())
            .map_err(|error| OpenError(error.into()))?;
        if let Ok(mut writer) = registry.0.writer.lock() {
            *writer = Some(thread);
        }
        Ok(registry)
    }

    /// A registry on a state that what takes its commands shows.
    pub(crate) fn new(
        state: Arc<ArcSwap<State>>,
        sharing: Sharing,
        options: Options,
    ) -> (Registry, mpsc::Receiver<Queued>) {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let lanes = Arc::new(Lanes::new(options.request_limits));
        let shared = Shared {
            options,
            state,
            log: Arc::default(),
            jobs,
            writer: Mutex::default(),
            stop: Arc::default(),
            lanes,
            sharing,
            counts: Arc::default(),
            tally: Mutex::default(),
            log_check: Check::required("log"),
            disk_check: Check::required("disk"),
            leader_check: Check::reported("leader"),
        };
        (Registry(Arc::new(shared)), waiting)
    }

    /// Answers what was submitted, and nothing after that; closes the log. Returns once that is done.
    pub async fn close(&self) {
        self.0.stop.notify_one();
        let writer = self.0.writer.lock().ok().and_then(|mut writer| writer.take());
        if let Some(writer) = writer {
            let ended = tokio::task::spawn_blocking(|| writer.join()).await;
            if !matches!(ended, Ok(Ok(()))) {
                tracing::error!("the log's writer has panicked");
            }
        }
    }

    /// What this registry depends on, as it is now, for probes: whether the log was read and takes writes, and whether the disk
    /// has room for it. Of a log on Kafka it is enough that it was read; whether a node takes writes is only reported.
    pub fn checks(&self) -> Vec<Arc<Check>> {
        let log = self.log();
        let (of_log, of_disk) = match &log.fault {
            None => (Finding::Well, Finding::Well),
            Some(fault @ Fault::Failed(_)) => (Finding::Well, Finding::Failing(fault.to_string())),
            Some(fault) => (Finding::Failing(fault.to_string()), Finding::Well),
        };
        if !self.is_clustered() {
            self.0.log_check.found(of_log);
            self.0.disk_check.found(of_disk);
            return vec![self.0.log_check.clone(), self.0.disk_check.clone()];
        }
        let Some(status) = self.peers().map(|peers| peers.status()) else {
            let reading = || Finding::Starting(READING.to_string());
            self.0.log_check.found(reading());
            self.0.leader_check.found(reading());
            return vec![self.0.log_check.clone(), self.0.leader_check.clone()];
        };
        let fault = status.faults.first().cloned();
        self.0.log_check.found(match status.beside_others {
            true => Finding::Failing(fault.clone().unwrap_or_default()),
            false => Finding::Well,
        });
        self.0.leader_check.found(match status.is_writable() {
            true => Finding::Well,
            false => {
                let why = if status.heard { "no node leads" } else { "Kafka does not answer" };
                Finding::Failing(fault.unwrap_or(why.to_string()))
            }
        });
        vec![self.0.log_check.clone(), self.0.leader_check.clone()]
    }

    /// An error says that what takes commands has ended, as it does only where there is an error in this program.
    pub fn alive(&self) -> Result<(), String> {
        match self.0.jobs.is_closed() {
            true => Err("the log's writer has ended".to_string()),
            false => Ok(()),
        }
    }

    /// Gives up the lead, where other nodes share the log: one of them takes it. Returns once one has, or none has in time.
    pub async fn resign(&self) {
        if let Some(peers) = self.peers() {
            peers.resign().await;
        }
    }

    /// How the log is, if this node has it for itself.
    pub fn log(&self) -> Arc<LogStatus> {
        self.0.log.load_full()
    }

    /// Does work that has no order among requests, on the state as it is then.
    ///
    /// The work may be begun more than once: at first with few steps where the request is, and then, in the
    /// client's turn, with all that a request may use. `is_long` says that it is known to take more than those
    /// few. 42290 · 503.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        asker: &Asker,
        is_long: bool,
        work: impl Fn(&State, &Budget) -> T + Send + Sync + 'static,
    ) -> Result<T, RegistryError> {
        let lanes = &self.0.lanes;
        let all = lanes.limits;
        if !is_long {
            let steps = INLINE.steps.min(asker.left_of(all.steps));
            let budget = Budget::new(Limits { steps, bytes: INLINE.bytes.min(all.bytes) });
            let made = weir_trace::wait(CHECK, async { work(&self.state(), &budget) }).await;
            asker.has_used(budget.steps_used());
            if !budget.is_over() {
                return Ok(made);
            }
        }
        let work = Arc::new(work);
        let mut made = self.try_within(asker, Class::Short, SHORT_STEPS, &work).await?;
        if matches!(made, Err(OverBudget::Steps(_))) && asker.left_of(all.steps) > 0 {
            made = self.try_within(asker, Class::Long, all.steps, &work).await?;
        }
        made.map_err(|over| {
            lanes.counts.over_budget.fetch_add(1, Relaxed);
            if matches!(over, OverBudget::Bytes(_)) {
                lanes.counts.over_bytes.fetch_add(1, Relaxed);
            }
            over_budget(match over {
                OverBudget::Steps(_) => OverBudget::Steps(all.steps),
                other => other,
            })
        })
    }

    /// Does work in a lane of a class. It is given up when the future is dropped.
    async fn try_within<T: Send + 'static>(
        &self,
        asker: &Asker,
        class: Class,
        steps_max: u64,
        work: &Arc<impl Fn(&State, &Budget) -> T + Send + Sync + 'static>,
    ) -> Result<Result<T, OverBudget>, RegistryError> {
        let lanes = &self.0.lanes;
        let steps = steps_max.min(asker.left_of(lanes.limits.steps));
        let watch = Watch::new(lanes, Limits { steps, ..lanes.limits });
        let turn = match weir_trace::wait(LANE, lanes.turn(asker.client, class)).await {
            Ok(turn) => turn,
            Err(busy) => {
                watch.done();
                return Err(busy);
            }
        };
        let (state, work, budget) = (Arc::clone(&self.0.state), Arc::clone(work), watch.budget());
        let request = weir_trace::current();
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let state = state.load_full();
            weir_trace::poll_within(&mut { request }, || work(&state, &budget))
        });
        let made = weir_trace::wait(CHECK, made).await;
        asker.has_used(watch.budget().steps_used());
        let over = watch.done();
        let made = made.map_err(|_| RegistryError::Internal)?;
        Ok(over.map_or(Ok(made), Err))
    }

    /// Does something short that is no question to the state, in the client's turn. 503.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        client: Client,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        let turn = weir_trace::wait(LANE, self.0.lanes.turn(client, Class::Short)).await?;
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        weir_trace::wait(CHECK, made).await.map_err(|_| RegistryError::Internal)
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.0.lanes
    }

    /// The state as it is now.
    pub fn state(&self) -> Guard<Arc<State>> {
        self.0.state.load()
    }

    /// Has a command decided and written. What this returns is durable, and every later
    /// [`Registry::state`] shows it.
    ///
    /// The command is decided on all that is in the log. One that is made of what a state has goes through
    /// `Registry::settle` instead. 42205 if it changes a mode, and the options do not let it · 50001 log ·
    /// 50002 if it is not known in time whether it was written · 50004 if another node leads · what the command
    /// refuses.
    pub async fn submit<C>(&self, command: C) -> Result<C::Outcome, RegistryError>
    where
        C: Standalone<Outcome: Send> + Send + 'static,
    {
        self.enqueue(command).await
    }

    /// Has any command decided and written, as [`Registry::submit`] does. It is for the caller to know that the
    /// command is not made of an old state.
    pub(crate) async fn enqueue<C>(&self, command: C) -> Result<C::Outcome, RegistryError>
    where
        C: Decide<Outcome: Send> + Send + 'static,
    {
        if C::CHANGES_MODE && !self.0.options.mode_mutable {
            return Err(RegistryError::ModeImmutable);
        }
        let (job, answer) = job(command);
        let gone = || RegistryError::Store { reason: "The registry is shutting down".into() };
        let submitted = async {
            self.0.jobs.send(job).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        let decided = async {
            match self.0.sharing {
                Sharing::Alone => submitted.await,
                Sharing::WithPeers(_) => {
                    let decided = tokio::time::timeout(PATIENCE, submitted).await;
                    decided.unwrap_or_else(|_| Err(too_slow()))
                }
            }
        };
        let refusal = |decided: &Result<_, RegistryError>| {
            decided.as_ref().err().map(RegistryError::to_string)
        };
        weir_trace::wait(WRITE, decided).failing_as(refusal).await
    }

    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.0.counts
    }

    /// How much there is. It is counted again only where something was written since the last time.
    pub(crate) fn tally(&self) -> Arc<Tally> {
        let state = self.state().clone();
        let mut last = self.0.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != state.next_offset() {
            *last = (state.next_offset(), Arc::new(state.tally()));
        }
        last.1.clone()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    /// Returns true if others write the log too.
    pub(crate) fn is_clustered(&self) -> bool {
        matches!(self.0.sharing, Sharing::WithPeers(_))
    }

    /// The keys with which other nodes vouch for callers to this one, newest last.
    pub fn voucher_keys(&self) -> Vec<VoucherKey> {
        let key_of = |peers: &Arc<dyn Peers>| {
            let announced = peers.announced();
            announced.iter().map(|token| peers.voucher_key(token)).collect()
        };
        self.peers().map(key_of).unwrap_or_default()
    }

    /// The nodes that write the log too, if there may be any and this one has read the log.
    pub(crate) fn peers(&self) -> Option<&Arc<dyn Peers>> {
        match &self.0.sharing {
            Sharing::Alone => None,
            Sharing::WithPeers(joined) => joined.get(),
        }
    }
}
