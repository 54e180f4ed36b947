//! The broker as a server: it accepts connections, asks the core, and does what the core says.

mod connection;
mod descriptors;
mod faulted;
mod frame;
mod hang_up;
mod listener;
mod room;
mod shell;
mod upkeep;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::core::{Core, DiskTask, check_advertised_host};
use crate::faults::Faults;
use crate::files::{DiskFiles, Files, MemoryFiles};
use crate::settings::{BrokerSettings, ConnectionSettings, Storage};
use descriptors::{connections_max, descriptors};
use listener::{Shared, accept};
use shell::Shell;

/// How long an end waits for answers that are being written.
const END_MAX: Duration = Duration::from_secs(5);

/// Why a broker does not start.
#[derive(Debug)]
pub enum StartError {
    /// The listener cannot be bound.
    Listen { listener: SocketAddr, error: io::Error },
    /// Clients cannot connect to what they would be told.
    Advertised(String),
    /// What is kept cannot be read.
    Storage(io::Error),
    /// A file in the folder is damaged or missing. Nothing in the folder was changed or removed for that.
    Damaged { folder: PathBuf, error: io::Error },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen { listener, error } => {
                write!(f, "the broker cannot listen on {listener}: {error}")
            }
            StartError::Advertised(why) => write!(f, "the broker's advertised listener: {why}"),
            StartError::Storage(error) => write!(f, "the broker's topics cannot be read: {error}"),
            StartError::Damaged { folder, error } => {
                let folder = folder.display();
                write!(
                    f,
                    "the broker's topics in {folder} are damaged: {error}. Nothing was removed. "
                )?;
                f.write_str(
                    "Put the file back from a copy; or begin without what cannot be read: ",
                )?;
                write!(
                    f,
                    "move the folder of that partition out of {folder}, or all of {folder} if it is the journal"
                )
            }
        }
    }
}

impl std::error::Error for StartError {}

/// A running broker. It stops when the last clone is dropped: everything is on the disk then.
#[derive(Clone, Debug)]
pub struct Broker {
    address: SocketAddr,
    login_address: Option<SocketAddr>,
    faults: Faults,
    running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    tasks: Vec<JoinHandle<()>>,
    shell: Arc<Shell>,
    /// Ends with the last connection.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shell.stop();
        for task in &self.tasks {
            task.abort();
        }
        self.shell.close();
    }
}

impl Broker {
    /// Starts one on the current runtime of tokio. Clients can connect when this returns.
    pub async fn start(settings: BrokerSettings) -> Result<Broker, StartError> {
        if let Some(host) = &settings.core.advertised_host {
            check_advertised_host(host).map_err(StartError::Advertised)?;
        }
        let mut settings = settings;
        settings.connections.max = connections_max(settings.connections.max, descriptors());
        let (socket, address) = listen(settings.listener).await?;
        let login = match settings.login_listener {
            Some(listener) => Some(listen(listener).await?),
            None => None,
        };
        let login_address = login.as_ref().map(|(_, address)| *address);
        let said = Said {
            address,
            login_address,
            connections: settings.connections,
            folder: match &settings.storage {
                Storage::Memory => None,
                Storage::Folder(folder) => Some(folder.display().to_string()),
            },
        };
        let files: Arc<dyn Files> = match &settings.storage {
            Storage::Memory => Arc::new(MemoryFiles::default()),
            Storage::Folder(folder) => {
                Arc::new(DiskFiles::open(folder).map_err(StartError::Storage)?)
            }
        };
        let mut core = settings.core;
        say_settings(&mut core.configs, &said);
        let core = Core::open(core, files).map_err(|error| unreadable(&settings.storage, error))?;
        let faults = Faults::default();
        let shell = Arc::new(Shell::new(core, faults.clone()));
        let (shared, ended) = Shared::new(shell.clone(), settings.connections);
        let mut tasks = vec![
            tokio::spawn(upkeep::repeat(shell.clone(), DiskTask::Flush)),
            tokio::spawn(upkeep::repeat(shell.clone(), DiskTask::Clean)),
            tokio::spawn({
                let shell = shell.clone();
                async move { shell.tick().await }
            }),
        ];
        if let Some((socket, _)) = login {
            tasks.push(tokio::spawn(accept(socket, shared.clone(), true)));
        }
        tasks.push(tokio::spawn(accept(socket, shared, false)));
        let running = Running { tasks, shell, ended: Mutex::new(ended) };
        Ok(Broker { address, login_address, faults, running: Arc::new(running) })
    }

    /// Ends it: no more connections, what has been handled is answered, and everything is on the disk.
    pub async fn shutdown(&self) {
        self.running.shell.stop();
        let mut ended = self.running.ended.lock().await;
        if timeout(END_MAX, ended.recv()).await.is_err() {
            tracing::warn!("the broker ends while connections still read their answers");
        }
        self.running.shell.close();
    }

    /// Returns when the broker has ended, which it does by itself only if a fault of its own has left
    /// its state unclear. A program that embeds it should end, too.
    pub async fn stopped(&self) {
        self.running.shell.stopped().await;
    }

    /// The listener on which clients log in.
    pub fn login_address(&self) -> Option<SocketAddr> {
        self.login_address
    }

    pub(crate) fn shell(&self) -> &Shell {
        &self.running.shell
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

async fn listen(listener: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { listener, error };
    let socket = TcpListener::bind(listener).await.map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok((socket, address))
}

/// Why what is kept cannot be read.
fn unreadable(storage: &Storage, error: io::Error) -> StartError {
    let is_damage = matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
    match storage {
        Storage::Folder(folder) if is_damage => {
            StartError::Damaged { folder: folder.clone(), error }
        }
        _ => StartError::Storage(error),
    }
}

/// What DescribeConfigs says of the server.
struct Said {
    address: SocketAddr,
    login_address: Option<SocketAddr>,
    connections: ConnectionSettings,
    folder: Option<String>,
}

/// Adds the server's settings to the configs of the broker, by Kafka's names.
fn say_settings(configs: &mut BTreeMap<String, String>, said: &Said) {
    let mut listeners = format!("PLAINTEXT://{}", said.address);
    if let Some(address) = said.login_address {
        listeners.push_str(&format!(",SASL_PLAINTEXT://{address}"));
    }
    let idle = said.connections.idle_max.as_millis().to_string();
    let mut say = |name: &str, value: String| {
        configs.entry(name.to_owned()).or_insert(value);
    };
    say("listeners", listeners);
    say("connections.max.idle.ms", idle);
    say("max.connections", said.connections.max.to_string());
    say("socket.request.max.bytes", said.connections.request_max_bytes.to_string());
    if let Some(folder) = &said.folder {
        say("log.dirs", folder.clone());
    }
}
