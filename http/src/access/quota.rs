//! How much each principal has asked for lately.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weir_access::Quotas;

/// Principals that are kept count of; beyond, those that have asked for nothing lately are forgotten.
const PRINCIPALS_MAX: usize = 10_000;

/// A body may be ahead of its quota by the bytes of so many seconds: what is more of it is read as the quota allows.
const AHEAD_MAX_S: f64 = 10.0;

/// Seconds that a client is told to wait whose other requests have to be answered first.
const IN_FLIGHT_RETRY_S: u64 = 1;

/// What all principals have asked for.
#[derive(Default)]
pub(super) struct Spent {
    by_name: Mutex<HashMap<Arc<str>, Arc<Account>>>,
    /// Requests that were refused.
    pub(super) refused: AtomicU64,
}

/// What one principal has asked for.
struct Account(Mutex<Left>);

/// What is left to a principal now.
#[derive(Debug)]
struct Left {
    requests: f64,
    /// Below zero after a body that was longer than what was left.
    bytes: f64,
    since: Instant,
    in_flight: u32,
}

/// A request that counts until it is answered.
pub(crate) struct Spending {
    account: Arc<Account>,
    quotas: Quotas,
}

/// The principal has asked for more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OverQuota {
    pub(super) retry_after_s: u64,
}

impl Spent {
    /// Takes a request from what is left to a principal. None if it has no quota.
    pub(super) fn spend(
        &self,
        name: &Arc<str>,
        quotas: &Quotas,
    ) -> Result<Option<Spending>, OverQuota> {
        let Quotas { requests_per_sec, bytes_per_sec, in_flight, .. } = *quotas;
        if requests_per_sec.is_none() && bytes_per_sec.is_none() && in_flight.is_none() {
            return Ok(None);
        }
        let account = self.account(name, quotas);
        let taken = account.left().take(quotas, Instant::now());
        match taken {
            Ok(()) => Ok(Some(Spending { account, quotas: *quotas })),
            Err(over) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(over)
            }
        }
    }

    fn account(&self, name: &Arc<str>, quotas: &Quotas) -> Arc<Account> {
        let mut all = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PRINCIPALS_MAX && !all.contains_key(name) {
            all.retain(|_, account| !account.left().is_forgotten());
        }
        let fresh = || Arc::new(Account(Mutex::new(Left::full(quotas, Instant::now()))));
        all.entry(name.clone()).or_insert_with(fresh).clone()
    }
}

impl Account {
    fn left(&self) -> std::sync::MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Left {
    fn full(quotas: &Quotas, now: Instant) -> Left {
        let requests = quotas.requests_per_sec.map_or(0.0, f64::from);
        let bytes = quotas.bytes_per_sec.map_or(0.0, |bytes| bytes as f64);
        Left { requests, bytes, since: now, in_flight: 0 }
    }

    /// Nothing is missing after a second.
    fn is_forgotten(&self) -> bool {
        self.in_flight == 0 && self.bytes >= 0.0 && self.since.elapsed().as_secs_f64() >= 1.0
    }

    /// Gives back what the time since the last request or bytes has brought.
    fn refill(&mut self, quotas: &Quotas, now: Instant) {
        let passed = now.duration_since(self.since).as_secs_f64();
        self.since = now;
        if let Some(per_s) = quotas.requests_per_sec.map(f64::from) {
            self.requests = (self.requests + passed * per_s).min(per_s);
        }
        if let Some(per_s) = quotas.bytes_per_sec.map(|bytes| bytes as f64) {
            self.bytes = (self.bytes + passed * per_s).min(per_s);
        }
    }

    fn take(&mut self, quotas: &Quotas, now: Instant) -> Result<(), OverQuota> {
        self.refill(quotas, now);
        if quotas.in_flight.is_some_and(|max| self.in_flight >= max) {
            return Err(OverQuota { retry_after_s: IN_FLIGHT_RETRY_S });
        }
        if let Some(per_s) = quotas.requests_per_sec.filter(|_| self.requests < 1.0) {
            return Err(OverQuota::after((1.0 - self.requests) / f64::from(per_s)));
        }
        if let Some(per_s) = quotas.bytes_per_sec.filter(|_| self.bytes <= 0.0) {
            return Err(OverQuota::after((1.0 - self.bytes) / per_s as f64));
        }
        if quotas.requests_per_sec.is_some() {
            self.requests -= 1.0;
        }
        self.in_flight += 1;
        Ok(())
    }
}

impl OverQuota {
    fn after(seconds: f64) -> OverQuota {
        OverQuota { retry_after_s: seconds.ceil().clamp(1.0, 3600.0) as u64 }
    }
}

impl Spending {
    /// Takes bytes of the request's body from what is left. Returns how long it takes until more may be read.
    pub(crate) fn bytes(&self, bytes: usize) -> Option<Duration> {
        let per_s = self.quotas.bytes_per_sec? as f64;
        let mut left = self.account.left();
        left.refill(&self.quotas, Instant::now());
        left.bytes -= bytes as f64;
        let ahead_s = -left.bytes / per_s;
        (ahead_s > AHEAD_MAX_S).then(|| Duration::from_secs_f64(ahead_s - AHEAD_MAX_S))
    }
}

impl Drop for Spending {
    fn drop(&mut self) {
        self.account.left().in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spend(spent: &Spent, quotas: &Quotas) -> Result<Option<Spending>, OverQuota> {
        spent.spend(&"alice".into(), quotas)
    }

    #[tokio::test(start_paused = true)]
    async fn a_principal_has_so_many_requests_in_a_second() {
        let (spent, quotas) =
            (Spent::default(), Quotas { requests_per_sec: Some(2), ..Quotas::default() });
        assert!(spend(&spent, &quotas).is_ok() && spend(&spent, &quotas).is_ok());
        assert_eq!(spend(&spent, &quotas).err(), Some(OverQuota { retry_after_s: 1 }));
        assert!(spent.spend(&"bob".into(), &quotas).is_ok());
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(spend(&spent, &quotas).is_ok() && spend(&spent, &quotas).is_err());
        assert_eq!(spent.refused.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_paid_for_by_the_next_requests() {
        let (spent, quotas) =
            (Spent::default(), Quotas { bytes_per_sec: Some(100), ..Quotas::default() });
        spend(&spent, &quotas).unwrap().unwrap().bytes(450);
        assert_eq!(spend(&spent, &quotas).err(), Some(OverQuota { retry_after_s: 4 }));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(spend(&spent, &quotas).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_far_ahead_of_its_quota_is_slowed() {
        let (spent, quotas) =
            (Spent::default(), Quotas { bytes_per_sec: Some(100), ..Quotas::default() });
        let stream = spend(&spent, &quotas).unwrap().unwrap();
        assert_eq!(stream.bytes(1_100), None);
        assert_eq!(stream.bytes(500), Some(Duration::from_secs(5)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(stream.bytes(100), Some(Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn a_request_is_in_flight_until_it_is_answered() {
        let (spent, quotas) =
            (Spent::default(), Quotas { in_flight: Some(1), ..Quotas::default() });
        let first = spend(&spent, &quotas).unwrap();
        assert!(spend(&spent, &quotas).is_err());
        drop(first);
        assert!(spend(&spent, &quotas).is_ok());
        assert!(spend(&spent, &Quotas::default()).unwrap().is_none());
    }
}
