//! The broker as a server: it accepts connections, asks the core, and does what the core says.

mod connection;
mod faulted;
mod shell;
mod upkeep;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::core::{Core, DiskTask};
use crate::faults::Faults;
use crate::files::{DiskFiles, Files, MemoryFiles};
use crate::settings::{BrokerSettings, Storage};
use shell::Shell;

/// Why a broker does not start.
#[derive(Debug)]
pub enum StartError {
    /// The listener cannot be bound.
    Listen { listener: SocketAddr, error: io::Error },
    /// What is kept cannot be read.
    Storage(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen { listener, error } => {
                write!(f, "the broker cannot listen on {listener}: {error}")
            }
            StartError::Storage(error) => write!(f, "the broker's topics cannot be read: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A running broker. It stops when the last clone is dropped: everything is on the disk then.
#[derive(Clone, Debug)]
pub struct Broker {
    address: SocketAddr,
    faults: Faults,
    _running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    tasks: Vec<JoinHandle<()>>,
    shell: Arc<Shell>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.shell.close();
    }
}

impl Broker {
    /// Starts one on the current runtime of tokio. Clients can connect when this returns.
    pub async fn start(mut settings: BrokerSettings) -> Result<Broker, StartError> {
        let listener = settings.listener;
        let failed = |error| StartError::Listen { listener, error };
        let socket = TcpListener::bind(listener).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        if settings.core.advertised_port == 0 {
            settings.core.advertised_port = address.port();
        }
        let files: Arc<dyn Files> = match settings.storage {
            Storage::Memory => Arc::new(MemoryFiles::default()),
            Storage::Folder(folder) => {
                Arc::new(DiskFiles::open(&folder).map_err(StartError::Storage)?)
            }
        };
        let core = Core::open(settings.core, files).map_err(StartError::Storage)?;
        let faults = Faults::default();
        let shell = Arc::new(Shell::new(core, faults.clone()));
        let tasks = vec![
            tokio::spawn(connection::accept(socket, shell.clone())),
            tokio::spawn(upkeep::repeat(shell.clone(), DiskTask::Flush)),
            tokio::spawn(upkeep::repeat(shell.clone(), DiskTask::Clean)),
            tokio::spawn({
                let shell = shell.clone();
                async move { shell.tick().await }
            }),
        ];
        Ok(Broker { address, faults, _running: Arc::new(Running { tasks, shell }) })
    }

    /// What goes wrong on demand.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client's `bootstrap.servers` gets.
    pub fn bootstrap_servers(&self) -> String {
        self.address.to_string()
    }
}
