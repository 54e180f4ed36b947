//! Opening a registry whose log is on Kafka.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use weir_registry_core::State;

use super::{Cluster, NodeConfig};
use crate::log::{KafkaConfig, KafkaLog, LogError};
use crate::registry::{Joined, OpenError, Options, Registry, Sharing};
use crate::replay::replay;

/// How many schemas that are missing are named at the start; all of them are counted at `/metrics`.
const SAID_MAX: usize = 100;

impl Registry {
    /// Opens a registry whose log is on Kafka, where others may write it too. It answers 503 until the
    /// log is read; the second part is that, and ends with an error if it cannot be.
    pub fn join(
        config: KafkaConfig,
        node: NodeConfig,
        options: Options,
    ) -> (Registry, impl Future<Output = Result<(), OpenError>> + Send) {
        let state = Arc::new(ArcSwap::from_pointee(State::default()));
        let joined: Joined = Arc::new(OnceLock::new());
        let default_level = options.default_level;
        let sharing = Sharing::WithPeers(joined.clone());
        let (registry, waiting) = Registry::new(state.clone(), sharing, options);
        let counts = registry.counts().clone();
        let reading = async move {
            let read = tokio::task::spawn_blocking(move || {
                let mut log = KafkaLog::open(config)?;
                let mut state = replay(&mut log)?;
                state.set_default_level(default_level);
                log.leader.iter().for_each(|leader| leader.teach(&mut state));
                for (subject, version) in state.missing_references().iter().take(SAID_MAX) {
                    tracing::warn!(%subject, %version, "schemas refer to it, and it is not there");
                }
                Ok((log, state))
            });
            let read = read.await.map_err(|e| OpenError(LogError(e.to_string())))?;
            let (log, read) = read.map_err(OpenError)?;
            state.store(Arc::new(read));
            let cluster = Cluster::start(log, state, waiting, node, counts).map_err(OpenError)?;
            let _ = joined.set(cluster); // nobody else sets it
            Ok(())
        };
        (registry, reading)
    }
}
