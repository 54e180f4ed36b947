//! Moments as numbers, so that a connection can say without a lock since when it waits.
#![expect(
    clippy::disallowed_types,
    reason = "one clock for the process: a paused one belongs to one test"
)]

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A moment that may be unset.
#[derive(Default)]
pub(crate) struct Moment(AtomicU64);

/// Milliseconds since the first use of this clock, and one more: 0 is no moment.
fn number(moment: Instant) -> u64 {
    let passed = moment.saturating_duration_since(*START).as_millis();
    u64::try_from(passed).unwrap_or(u64::MAX - 1) + 1
}

impl Moment {
    pub(crate) fn set(&self, moment: Instant) {
        self.0.store(number(moment), Ordering::Relaxed);
    }

    pub(crate) fn unset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// A number that is smaller the earlier it was, if the moment is set and at least so long ago.
    pub(crate) fn since(&self, now: Instant, at_least: Duration) -> Option<u64> {
        let since = self.0.load(Ordering::Relaxed);
        let passed = number(now).saturating_sub(since);
        (since != 0 && u128::from(passed) >= at_least.as_millis()).then_some(since)
    }
}
