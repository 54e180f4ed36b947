//! The registry: a state that anyone may read at any time, and a writer that changes it.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{Semaphore, mpsc, oneshot};
use weir_registry_api::RegistryError;
use weir_registry_core::{Command, Outcome, State};

use crate::log::{Log, LogError};
use crate::replay::replay;
use crate::writer::{Job, Writer};

/// Commands that may wait for the writer; beyond, submitting waits.
const WAITING_MAX: usize = 4096;

/// A running registry. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

struct Shared {
    state: Arc<ArcSwap<State>>,
    jobs: mpsc::Sender<Job>,
    /// One for each processor.
    heavy: Arc<Semaphore>,
}

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
    pub fn open(mut log: impl Log) -> Result<Registry, OpenError> {
        let state = replay(&mut log).map_err(OpenError)?;
        let state = Arc::new(ArcSwap::from_pointee(state));
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let writer = Writer::new(log, Arc::clone(&state), waiting);
        std::thread::Builder::new()
            .name("registry-writer".into())
            .spawn(move || writer.run())
            .map_err(|e| OpenError(LogError(e.to_string())))?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let heavy = Arc::new(Semaphore::new(processors));
        Ok(Registry(Arc::new(Shared { state, jobs, heavy })))
    }

    /// Runs what may take long beside everything else: short requests do not wait for it.
    pub(crate) async fn heavy<T: Send + 'static>(
        &self,
        work: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        let permit = self.0.heavy.clone().acquire_owned().await;
        let state = Arc::clone(&self.0.state);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let state = state.load_full();
            work(&state)
        });
        done.await.map_err(|_| RegistryError::Internal)
    }

    /// The state as it is now.
    pub fn state(&self) -> Guard<Arc<State>> {
        self.0.state.load()
    }

    /// The same where that may be, else at once.
    pub(crate) async fn heavy_if<T: Send + 'static>(
        &self,
        heavy: bool,
        work: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        if heavy { self.heavy(work).await } else { Ok(work(&self.state())) }
    }

    /// Has a command decided and written. What this returns is durable, and every later
    /// [`Registry::state`] shows it.
    pub async fn submit(&self, command: Command) -> Result<Outcome, RegistryError> {
        let (answer, outcome) = oneshot::channel();
        let gone = || RegistryError::Store { reason: "The registry is shutting down".into() };
        self.0.jobs.send(Job { command, answer }).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}
