//! Schemas by id or guid, fetched once.
//!
//! A look-up of a known id reads a snapshot: no lock, no count that others share. Who asks for an
//! unknown one waits for the first who did.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OnceCell};

use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::SchemaName;
use crate::schemas::{Fetched, Known};
use crate::snapshot::Snapshot;

/// Names that are kept as unknown.
const MISSING_MAX: usize = 10_000;

type Waiting = Arc<OnceCell<Arc<Known>>>;

pub(crate) struct Cache {
    pub(crate) known: Snapshot<SchemaName, Arc<Known>>,
    /// What the registry did not have, and until when it is not asked again.
    missing: Mutex<HashMap<SchemaName, (ClientError, Instant)>>,
    pub(crate) missing_ttl: Duration,
    waiting: Mutex<HashMap<SchemaName, Waiting>>,
}

impl Cache {
    pub(crate) fn new(missing_ttl: Duration, known_max: usize) -> Cache {
        Cache {
            known: Snapshot::new(known_max),
            missing: Mutex::default(),
            missing_ttl,
            waiting: Mutex::default(),
        }
    }

    pub(crate) async fn get(
        &self,
        client: &RegistryClient,
        name: SchemaName,
    ) -> Result<Arc<Known>, ClientError> {
        if let Some(known) = self.known.view().get(&name) {
            return Ok(known.clone());
        }
        let cell = {
            let mut waiting = self.waiting.lock().await;
            // it may have become known since
            if let Some(known) = self.known.view().get(&name) {
                return Ok(known.clone());
            }
            waiting.entry(name).or_default().clone()
        };
        let known = cell.get_or_try_init(|| self.ask(client, name)).await.cloned();
        let mut waiting = self.waiting.lock().await;
        // the first who comes back ends the waiting; those after it may find that of others
        if waiting.get(&name).is_some_and(|current| Arc::ptr_eq(current, &cell)) {
            if let Ok(known) = &known {
                self.known.insert(name, known.clone());
            }
            waiting.remove(&name);
        }
        known
    }

    /// Asks the registry, unless it has said a moment ago that it has no such schema: those who waited
    /// for that answer come here one after the other.
    async fn ask(
        &self,
        client: &RegistryClient,
        name: SchemaName,
    ) -> Result<Arc<Known>, ClientError> {
        if let Some((error, until)) = self.missing.lock().await.get(&name)
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        client.counters().fetches.fetch_add(1, Ordering::Relaxed);
        let fetched = Fetched::ask(client, name).await;
        if let Err(error @ ClientError::Registry { status: 404, .. }) = &fetched {
            let mut missing = self.missing.lock().await;
            if missing.len() >= MISSING_MAX {
                missing.clear();
            }
            missing.insert(name, (error.clone(), Instant::now() + self.missing_ttl));
        }
        Ok(Arc::new(Known::new(fetched?)?))
    }
}
