//! Schemas by id or guid, fetched once.
//!
//! A look-up of a known id reads a snapshot: no lock, no count that others share. Who asks for an
//! unknown one waits for the first who did.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::frame::SchemaName;
use crate::runtime::Flights;
use crate::schemas::{Fetched, Known};
use crate::snapshot::Snapshot;

/// Names that are kept as unknown.
const MISSING_MAX: usize = 10_000;

pub(crate) struct Cache {
    pub(crate) known: Snapshot<SchemaName, Arc<Known>>,
    missing: Refusals<SchemaName>,
    flights: Arc<Flights<SchemaName, Arc<Known>>>,
}

/// What was refused, and until when it is not asked for again.
pub(crate) struct Refusals<K> {
    refused: Mutex<HashMap<K, (ClientError, Option<Instant>)>>,
    ttl: Duration,
}

impl<K: std::hash::Hash + Eq> Refusals<K> {
    pub(crate) fn new(ttl: Duration) -> Refusals<K> {
        Refusals { refused: Mutex::default(), ttl }
    }

    pub(crate) fn check(&self, key: &K) -> Result<(), ClientError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.get(key) {
            Some((error, until)) if until.is_none_or(|until| Instant::now() < until) => {
                Err(error.clone())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn remember(&self, key: K, error: &ClientError) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= MISSING_MAX {
            refused.clear();
        }
        refused.insert(key, (error.clone(), Instant::now().checked_add(self.ttl)));
    }
}

impl Cache {
    pub(crate) fn new(missing_ttl: Duration, known_max: usize) -> Cache {
        Cache {
            known: Snapshot::new(known_max),
            missing: Refusals::new(missing_ttl),
            flights: Arc::default(),
        }
    }

    /// How long what was refused is not asked for again.
    pub(crate) fn missing_ttl(&self) -> Duration {
        self.missing.ttl
    }

    pub(crate) async fn get(
        &self,
        client: &RegistryClient,
        name: SchemaName,
    ) -> Result<Arc<Known>, ClientError> {
        if let Some(known) = self.known.view().get(&name) {
            return Ok(known.clone());
        }
        name.check()?;
        self.missing.check(&name)?;
        let client = client.clone();
        self.flights.answer(name, || async move { client.cache().ask(&client, name).await }).await
    }

    /// Asks the registry, unless somebody else has just done so.
    async fn ask(
        &self,
        client: &RegistryClient,
        name: SchemaName,
    ) -> Result<Arc<Known>, ClientError> {
        if let Some(known) = self.known.view().get(&name) {
            return Ok(known.clone());
        }
        client.counters().fetches.fetch_add(1, Ordering::Relaxed);
        let known = match Fetched::ask(client, name).await {
            Ok(fetched) => Known::new(fetched),
            Err(error) => Err(error),
        };
        match known {
            Ok(known) => {
                let known = Arc::new(known);
                self.known.insert(name, known.clone());
                Ok(known)
            }
            Err(error) => {
                let is_missing = matches!(error, ClientError::Registry { status: 404, .. });
                if is_missing || matches!(error, ClientError::Schema(_)) {
                    self.missing.remember(name, &error);
                }
                Err(error)
            }
        }
    }
}
