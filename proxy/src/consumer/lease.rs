//! How long an instance is kept for its client. Time comes in as a parameter: since a moment that its owner chose.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instance's right to be there, which each use renews and which idleness ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    /// How long it lasts without a use.
    timeout: Duration,
    last_used: Duration,
    /// Reads that wait or are being answered: an instance that somebody waits for is not idle.
    reads: usize,
}

/// The lease is over, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expired;

impl Lease {
    pub(crate) fn new(timeout: Duration, now: Duration) -> Lease {
        Lease { timeout, last_used: now, reads: 0 }
    }

    /// Somebody uses the instance.
    pub(crate) fn renew(&mut self, now: Duration) -> Result<(), Expired> {
        if self.is_expired(now) {
            return Err(Expired);
        }
        self.last_used = self.last_used.max(now);
        Ok(())
    }

    pub(crate) fn begin_read(&mut self) {
        self.reads += 1;
    }

    /// A read that began before is over: the lease counts from here.
    pub(crate) fn end_read(&mut self, now: Duration) {
        self.reads = self.reads.saturating_sub(1);
        self.last_used = self.last_used.max(now);
    }

    /// How long nobody has used the instance.
    pub(crate) fn idle(&self, now: Duration) -> Duration {
        if self.reads > 0 { Duration::ZERO } else { now.saturating_sub(self.last_used) }
    }

    pub(crate) fn is_expired(&self, now: Duration) -> bool {
        self.reads == 0 && self.idle(now) >= self.timeout
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Pass(u64),
        Renew,
        BeginRead,
        EndRead,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..2000u64).prop_map(Step::Pass),
            Just(Step::Renew),
            Just(Step::BeginRead),
            Just(Step::EndRead),
        ]
    }

    const TIMEOUT: Duration = Duration::from_secs(1);

    proptest! {
        #[test]
        fn an_expired_lease_allows_nothing_and_stays_expired(steps in prop::collection::vec(step(), 0..40)) {
            let mut now = Duration::from_secs(5);
            let mut lease = Lease::new(TIMEOUT, now);
            let mut has_expired = false;
            let mut reads = 0;
            for step in steps {
                match step {
                    Step::Pass(ms) => now += Duration::from_millis(ms),
                    // a read begins with a use of the instance
                    Step::BeginRead if lease.renew(now).is_ok() => {
                        lease.begin_read();
                        reads += 1;
                    }
                    Step::EndRead if reads > 0 => {
                        lease.end_read(now);
                        reads -= 1;
                    }
                    Step::Renew => prop_assert_eq!(lease.renew(now).is_err(), has_expired || lease.is_expired(now)),
                    _ => {}
                }
                has_expired |= lease.is_expired(now);
                prop_assert_eq!(lease.is_expired(now), has_expired);
                prop_assert!(reads == 0 || !has_expired);
                if !has_expired && reads == 0 {
                    prop_assert!(lease.idle(now) < TIMEOUT);
                }
            }
        }

        #[test]
        fn a_lease_survives_serialisation(ms in 0..5000u64, later in 0..5000u64) {
            let lease = Lease::new(TIMEOUT, Duration::from_millis(ms));
            let read: Lease = serde_json::from_slice(&serde_json::to_vec(&lease).unwrap()).unwrap();
            let now = Duration::from_millis(ms + later);
            prop_assert_eq!(read.is_expired(now), lease.is_expired(now));
            prop_assert_eq!(read, lease);
        }
    }
}
