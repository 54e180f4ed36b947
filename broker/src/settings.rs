//! What a broker is started with.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::core::CoreSettings;

/// Where topics, groups and everything else is kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// Nothing outlives the process.
    Memory,
    /// A folder, which is made if it is not there.
    Folder(PathBuf),
}

#[derive(Clone, Debug)]
pub struct BrokerSettings {
    /// Port 0 takes a free one.
    pub listener: SocketAddr,
    pub storage: Storage,
    pub core: CoreSettings,
}

impl BrokerSettings {
    /// In memory, on a free port of 127.0.0.1.
    pub fn ephemeral() -> BrokerSettings {
        BrokerSettings {
            listener: SocketAddr::from(([127, 0, 0, 1], 0)),
            storage: Storage::Memory,
            core: CoreSettings::default(),
        }
    }
}
