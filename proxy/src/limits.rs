//! How much one principal may ask for: so many requests and so many bytes of records a second.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use weir_http::Principal;

use crate::error::ProxyError;

/// Principals that are kept count of; beyond, those that have asked for nothing lately are forgotten.
const PRINCIPALS_MAX: usize = 10_000;

/// Principals whose refused requests are counted by name; those of others are counted together.
const NAMED_MAX: usize = 100;

/// What the others are called: no user, and no address.
const OTHERS: &str = "<others>";

/// Limits of each principal; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateLimits {
    /// Requests a second, and records a second of a stream.
    pub requests_per_s: Option<u32>,
    /// Bytes of produce requests a second.
    pub bytes_per_s: Option<u32>,
}

pub(crate) struct Limits {
    config: RateLimits,
    left: Mutex<HashMap<Principal, Left>>,
    refused: Mutex<Refusals>,
}

/// How often principals were refused.
#[derive(Default)]
struct Refusals {
    named: BTreeMap<Principal, u64>,
    others: u64,
}

/// What a principal may still ask for. It grows back, up to what one second gives.
struct Left {
    requests: f64,
    bytes: f64,
    since: Instant,
}

impl Limits {
    pub(crate) fn new(config: RateLimits) -> Limits {
        Limits { config, left: Mutex::default(), refused: Mutex::default() }
    }

    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        self.config.requests_per_s.is_some() || self.config.bytes_per_s.is_some()
    }

    /// A request. 429.
    pub(crate) fn request(&self, principal: &Principal) -> Result<(), ProxyError> {
        self.take(principal, 1.0, 0)
    }

    /// A record of a stream, or the records of one request. 429.
    pub(crate) fn produce(&self, principal: &Principal, bytes: usize) -> Result<(), ProxyError> {
        self.take(principal, 0.0, bytes)
    }

    /// A record of a stream, which counts as a request. 429.
    pub(crate) fn record(&self, principal: &Principal, bytes: usize) -> Result<(), ProxyError> {
        self.take(principal, 1.0, bytes)
    }

    /// How often each of the first principals was refused, and all others together.
    pub(crate) fn refused(&self) -> BTreeMap<String, u64> {
        let Refusals { named, others } = &*lock(&self.refused);
        let named = named.iter().map(|(principal, count)| (principal.to_string(), *count));
        let others = Some((OTHERS.to_string(), *others)).filter(|(_, count)| *count > 0);
        named.chain(others).collect()
    }

    fn take(&self, principal: &Principal, requests: f64, bytes: usize) -> Result<(), ProxyError> {
        let RateLimits { requests_per_s, bytes_per_s } = self.config;
        if !self.any() {
            return Ok(());
        }
        let (per_s, bytes_per_s) = (rate(requests_per_s), rate(bytes_per_s));
        // what is larger than a second gives takes all of it
        let bytes = (bytes as f64).min(bytes_per_s);
        let now = Instant::now();
        let mut all = lock(&self.left);
        if all.len() >= PRINCIPALS_MAX && !all.contains_key(principal) {
            all.retain(|_, left| now.duration_since(left.since).as_secs_f64() < 1.0);
        }
        let fresh = Left { requests: per_s, bytes: bytes_per_s, since: now };
        let left = all.entry(principal.clone()).or_insert(fresh);
        let passed = now.duration_since(left.since).as_secs_f64();
        left.requests = (left.requests + passed * per_s).min(per_s);
        left.bytes = (left.bytes + passed * bytes_per_s).min(bytes_per_s);
        left.since = now;
        let wait = ((requests - left.requests) / per_s).max((bytes - left.bytes) / bytes_per_s);
        if wait > 0.0 {
            drop(all);
            self.count_refused(principal);
            return Err(ProxyError::RateLimited { retry_after_s: wait.ceil().max(1.0) as u64 });
        }
        left.requests -= requests;
        left.bytes -= bytes;
        Ok(())
    }

    fn count_refused(&self, principal: &Principal) {
        let Refusals { named, others } = &mut *lock(&self.refused);
        if named.len() < NAMED_MAX || named.contains_key(principal) {
            *named.entry(principal.clone()).or_default() += 1;
        } else {
            *others += 1;
        }
    }
}

fn rate(limit: Option<u32>) -> f64 {
    limit.map_or(f64::MAX, |limit| f64::from(limit.max(1)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_grows_back() {
        let limits = Limits::new(RateLimits { requests_per_s: Some(2), bytes_per_s: None });
        let (a, b) = (Principal::at([10, 0, 0, 1].into()), Principal::at([10, 0, 0, 2].into()));
        assert_eq!((limits.request(&a), limits.request(&a)), (Ok(()), Ok(())));
        let refused = Err(ProxyError::RateLimited { retry_after_s: 1 });
        assert_eq!((limits.request(&a), limits.request(&b)), (refused, Ok(())));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(limits.request(&a), Ok(()));
        assert!(limits.request(&a).is_err());
        assert_eq!(limits.refused(), BTreeMap::from([("10.0.0.1".to_string(), 2)]));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_of_many_principals_are_counted_together() {
        let limits = Limits::new(RateLimits { requests_per_s: Some(1), bytes_per_s: None });
        for host in 0..1_000_u32 {
            let principal = Principal::at(std::net::Ipv4Addr::from(host).into());
            assert!(limits.request(&principal).is_ok() && limits.request(&principal).is_err());
        }
        let refused = limits.refused();
        assert_eq!((refused.len(), refused[OTHERS]), (NAMED_MAX + 1, 900));
    }

    #[tokio::test(start_paused = true)]
    async fn more_bytes_than_a_second_gives_take_a_second() {
        let limits = Limits::new(RateLimits { requests_per_s: None, bytes_per_s: Some(100) });
        let a = Principal::at([10, 0, 0, 1].into());
        assert_eq!(limits.record(&a, 1000), Ok(()));
        assert!(limits.record(&a, 1).is_err());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(limits.record(&a, 60), Ok(()));
        assert!(limits.record(&a, 60).is_err());
    }
}
