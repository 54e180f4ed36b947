//! What a client has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the client was made. Records are not counted: that would have all threads that read
/// and write them meet at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests sent, each try of one.
    pub requests: u64,
    /// Tries after the first of a request.
    pub retries: u64,
    /// Requests that had no good answer in the end.
    pub failures: u64,
    /// Schemas that were asked for because nobody had asked before.
    pub fetches: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) fetches: AtomicU64,
}

impl Counters {
    pub(crate) fn stats(&self) -> Stats {
        let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            requests: number(&self.requests),
            retries: number(&self.retries),
            failures: number(&self.failures),
            fetches: number(&self.fetches),
        }
    }
}
