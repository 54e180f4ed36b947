//! What a registry has done since it began, in numbers: checks, registrations, appends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use weir_metrics::{Histogram, LATENCY};
use weir_registry_api::{CompatibilityLevel, RegistryError};
use weir_registry_core::RawRecord;

/// What the metrics count.
pub(crate) struct Counts {
    pub(crate) appends: Appends,
    checks: Mutex<BTreeMap<CheckKind, u64>>,
    registrations: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    /// Writes that went to the node that leads, and those of them that came to nothing.
    pub(crate) forwarded: AtomicU64,
    pub(crate) not_forwarded: AtomicU64,
}

/// A comparison of a schema with versions of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CheckKind {
    /// The name of the schema's type.
    pub(crate) schema_type: &'static str,
    /// The name of the compatibility level.
    pub(crate) level: &'static str,
    pub(crate) verdict: &'static str,
}

impl CheckKind {
    pub(crate) fn new(
        schema_type: &'static str,
        level: CompatibilityLevel,
        is_compatible: bool,
    ) -> CheckKind {
        let verdict = if is_compatible { "compatible" } else { "incompatible" };
        CheckKind { schema_type, level: level.name(), verdict }
    }
}

/// Batches of records that were appended to the log.
pub(crate) struct Appends {
    pub(crate) took: Histogram,
    pub(crate) records: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// Batches that were not appended, or of which that is not known.
    pub(crate) failed: AtomicU64,
}

impl Appends {
    pub(crate) fn count(&self, records: &[RawRecord], took: Duration, is_done: bool) {
        if !is_done {
            self.failed.fetch_add(1, Relaxed);
            return;
        }
        self.took.observe_time(took);
        self.records.fetch_add(records.len() as u64, Relaxed);
        let bytes: usize = records.iter().map(RawRecord::bytes).sum();
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }
}

impl Default for Counts {
    fn default() -> Counts {
        let (records, bytes, failed) = Default::default();
        let appends = Appends { took: Histogram::new(&LATENCY), records, bytes, failed };
        let (forwarded, not_forwarded) = Default::default();
        let (checks, registrations) = Default::default();
        Counts { appends, checks, registrations, forwarded, not_forwarded }
    }
}

impl Counts {
    pub(crate) fn check(&self, kind: CheckKind) {
        *self.checks.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    pub(crate) fn checks(&self) -> BTreeMap<CheckKind, u64> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a request to register a schema. `was_found`: the subject had it already.
    pub(crate) fn registration(
        &self,
        schema_type: &'static str,
        made: Result<bool, &RegistryError>,
    ) {
        let outcome = match made {
            Ok(true) => "found",
            Ok(false) => "registered",
            Err(error) => match error.code() {
                40901 => "incompatible",
                42201 => "invalid",
                _ if error.status() < 500 => "refused",
                _ => "failed",
            },
        };
        let mut all = self.registrations.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry((schema_type, outcome)).or_default() += 1;
    }

    /// Requests to register a schema, by its type and by what came of them.
    pub(crate) fn registrations(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
