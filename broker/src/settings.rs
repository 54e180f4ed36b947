//! What a broker is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::core::CoreSettings;

/// Where topics, groups and everything else is kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// Nothing outlives the process.
    Memory,
    /// A folder, which is made if it is not there.
    Folder(PathBuf),
}

/// How much clients may ask of the broker at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// As `max.connections`. A further connection is closed at once.
    pub max: usize,
    /// As `connections.max.idle.ms`: so long may a connection send nothing, or take nothing of its answer.
    pub idle_max: Duration,
    /// As `socket.request.max.bytes`.
    pub request_max_bytes: usize,
    /// How many bytes of requests are held altogether. A connection whose request is too much is closed.
    pub requests_max_bytes: usize,
    /// How many bytes of answers wait altogether for clients that read slowly. When a quarter of them is taken, who reads
    /// nothing for some seconds is closed; when half are, a Fetch gets one batch; when all are, a connection with a large
    /// answer is closed.
    pub answers_max_bytes: usize,
}

impl Default for ConnectionSettings {
    fn default() -> ConnectionSettings {
        ConnectionSettings {
            max: 2000,
            idle_max: Duration::from_secs(600),
            request_max_bytes: 100 * 1024 * 1024,
            requests_max_bytes: 512 * 1024 * 1024,
            answers_max_bytes: 512 * 1024 * 1024,
        }
    }
}

#[derive(Clone, Debug)]
pub struct BrokerSettings {
    /// Port 0 takes a free one.
    pub listener: SocketAddr,
    /// A further listener, on which clients have to log in (`SASL_PLAINTEXT`).
    pub login_listener: Option<SocketAddr>,
    pub connections: ConnectionSettings,
    pub storage: Storage,
    pub core: CoreSettings,
}

impl BrokerSettings {
    /// In memory, on a free port of 127.0.0.1.
    pub fn ephemeral() -> BrokerSettings {
        BrokerSettings {
            listener: SocketAddr::from(([127, 0, 0, 1], 0)),
            login_listener: None,
            connections: ConnectionSettings::default(),
            storage: Storage::Memory,
            core: CoreSettings::default(),
        }
    }
}
