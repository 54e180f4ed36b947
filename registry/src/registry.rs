//! The registry: a state that anyone may read at any time, and a writer that changes it.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{mpsc, oneshot};
use weir_registry_api::RegistryError;
use weir_registry_core::{Command, Outcome, State};

use crate::log::{Log, LogError};
use crate::writer::{Job, Writer};

/// Commands that may wait for the writer; beyond, submitting waits.
const WAITING_MAX: usize = 4096;

/// A running registry. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct Registry {
    state: Arc<ArcSwap<State>>,
    jobs: mpsc::Sender<Job>,
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
        let mut state = State::default();
        log.read(0, &mut |record| {
            let offset = state.next_offset();
            if let Err(why) = state.apply(&record) {
                tracing::warn!(offset, %why, "a record of the log is passed over");
            }
        })
        .map_err(OpenError)?;
        let state = Arc::new(ArcSwap::from_pointee(state));
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let writer = Writer::new(log, Arc::clone(&state), waiting);
        std::thread::Builder::new()
            .name("registry-writer".into())
            .spawn(move || writer.run())
            .map_err(|e| OpenError(LogError(e.to_string())))?;
        Ok(Registry { state, jobs })
    }

    /// The state as it is now.
    pub fn state(&self) -> Guard<Arc<State>> {
        self.state.load()
    }

    /// Has a command decided and written. What this returns is durable, and every later
    /// [`Registry::state`] shows it.
    pub async fn submit(&self, command: Command) -> Result<Outcome, RegistryError> {
        let (answer, outcome) = oneshot::channel();
        let gone = || RegistryError::Store { reason: "The registry is shutting down".into() };
        self.jobs.send(Job { command, answer }).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}
