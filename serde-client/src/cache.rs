//! Schemas by id or guid, fetched once.
//!
//! A look-up of a known id reads a snapshot: no lock, no count that others share. Who asks for an
//! unknown one waits for the first who did.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::codec::Known;
use crate::error::ClientError;
use crate::frame::SchemaName;
use crate::runtime::Flights;
use crate::snapshot::Snapshot;

/// Names that are kept as unknown.
const MISSING_MAX: usize = 10_000;

pub(crate) struct Cache {
    pub(crate) known: Snapshot<SchemaName, Arc<Known>>,
    pub(crate) missing: Refusals<SchemaName>,
    pub(crate) flights: Arc<Flights<SchemaName, Arc<Known>>>,
}

/// What was refused, and until when it is not asked for again.
pub(crate) struct Refusals<K> {
    refused: Mutex<HashMap<K, (ClientError, Option<Instant>)>>,
    ttl: Duration,
}

impl<K: std::hash::Hash + Eq> Refusals<K> {
    /// What is refused is not asked for again for `ttl`.
    pub(crate) fn new(ttl: Duration) -> Refusals<K> {
        Refusals { refused: Mutex::default(), ttl }
    }

    /// An error if the key was refused and may not be asked for again yet.
    pub(crate) fn check(&self, key: &K) -> Result<(), ClientError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.get(key) {
            Some((error, until)) if until.is_none_or(|until| Instant::now() < until) => {
                Err(error.clone())
            }
            _ => Ok(()),
        }
    }

    /// Remembers that a key was refused.
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

    /// A schema that is known.
    pub(crate) fn find(&self, name: SchemaName) -> Option<Arc<Known>> {
        self.known.view().get(&name).cloned()
    }
}
