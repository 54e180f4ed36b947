//! The sum of all bodies that are under way: what has arrived, from its first byte until its request is
//! answered. What a client only announces is not counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, timeout_at};

use crate::exchange::Exchange;

/// A body up to this size finds room where larger ones do not: an eighth of the sum is for small ones.
const SMALL_BYTES: usize = 64 * 1024;

/// How often a body that waits for room looks whether a slow one has to make it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Budget {
    max: usize,
    used: AtomicUsize,
    freed: Notify,
    /// Bodies of more bytes than one may have.
    pub(crate) too_large: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) too_slow: AtomicU64,
    pub(crate) cut: AtomicU64,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Budget {
        Budget { max, ..Budget::default() }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes `more`, for a body that then has `bytes`.
    fn take(&self, more: usize, bytes: usize) -> bool {
        let max = if bytes <= SMALL_BYTES { self.max } else { self.max - self.max / 8 };
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(more).filter(|sum| *sum <= max)
        });
        taken.is_ok()
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.freed.notify_waiters();
    }
}

/// A body's share in the sum, given back when it is dropped.
pub(crate) struct Held {
    exchange: Arc<Exchange>,
    bytes: usize,
}

/// There is no room for a body, and none has come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Held {
    pub(crate) fn new(exchange: Arc<Exchange>) -> Held {
        Held { exchange, bytes: 0 }
    }

    /// Makes it `bytes`. More may have to wait until others have less, and those that are slow have to make room.
    pub(crate) async fn set(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= self.bytes {
            self.shrink(bytes);
            return Ok(());
        }
        if !self.budget().take(bytes - self.bytes, bytes) {
            self.wait_for(bytes).await?;
        }
        self.exchange.held_bytes().fetch_add(bytes - self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
        Ok(())
    }

    pub(crate) fn shrink(&mut self, bytes: usize) {
        let freed = self.bytes.saturating_sub(bytes);
        if freed > 0 {
            self.budget().give_back(freed);
            self.exchange.held_bytes().fetch_sub(freed, Ordering::Relaxed);
            self.bytes = bytes;
        }
    }

    /// From now on it counts until its request is answered.
    pub(crate) fn keep(mut self) {
        self.exchange.keep(std::mem::take(&mut self.bytes));
    }

    async fn wait_for(&self, bytes: usize) -> Result<(), NoRoom> {
        let shared = self.exchange.shared().clone();
        let budget = &shared.bodies;
        let deadline = Instant::now() + shared.limits.body_wait;
        loop {
            let mut freed = std::pin::pin!(budget.freed.notified());
            freed.as_mut().enable();
            if budget.take(bytes - self.bytes, bytes) {
                return Ok(());
            }
            let now = Instant::now();
            if now >= deadline {
                budget.refused.fetch_add(1, Ordering::Relaxed);
                return Err(NoRoom);
            }
            if shared.gate.evict_slow_body() {
                budget.cut.fetch_add(1, Ordering::Relaxed);
            }
            let _ = timeout_at(deadline.min(now + LOOK_AGAIN), freed).await;
        }
    }

    fn budget(&self) -> &Budget {
        &self.exchange.shared().bodies
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

/// Bytes of a body below which cutting it off makes no room to speak of.
pub(crate) const WORTH_CUTTING: usize = SMALL_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_eighth_of_the_sum_is_for_small_bodies() {
        let budget = Budget::new(8 * SMALL_BYTES);
        assert!(budget.take(7 * SMALL_BYTES, 7 * SMALL_BYTES));
        assert!(!budget.take(1, SMALL_BYTES + 1));
        assert!(budget.take(SMALL_BYTES, SMALL_BYTES));
        assert!(!budget.take(1, 1));
        budget.give_back(2);
        assert!(budget.take(1, 1) && budget.take(1, 1) && !budget.take(1, 1));
    }
}
