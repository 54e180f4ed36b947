//! Histograms that many threads count in without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::family::Unit;

/// The bounds of a histogram's buckets, in parts of its unit that are whole numbers.
#[derive(Debug)]
pub struct Buckets {
    /// Upper bounds, inclusive, ascending.
    pub bounds: &'static [u64],
    /// How many parts make one of the unit.
    pub per_unit: u64,
    pub unit: Unit,
}

/// Times, counted in microseconds.
pub static LATENCY: Buckets = Buckets {
    bounds: &[
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 5_000_000,
        30_000_000,
    ],
    per_unit: 1_000_000,
    unit: Unit::Seconds,
};

/// Sizes of messages, counted in bytes.
pub static SIZES: Buckets = Buckets {
    bounds: &[256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 16_777_216],
    per_unit: 1,
    unit: Unit::Bytes,
};

/// Counts observations by size. An observation is two additions, and a search among some ten bounds.
pub struct Histogram {
    buckets: &'static Buckets,
    /// How many are no larger than each bound, and larger than the bound before it; then, larger than all.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A histogram's values at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// As many as there are bounds, and one more.
    pub counts: Vec<u64>,
    /// In parts of the unit.
    pub sum: u64,
}

impl Histogram {
    pub fn new(buckets: &'static Buckets) -> Histogram {
        let counts = (0..=buckets.bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram { buckets, counts, sum: AtomicU64::new(0) }
    }

    /// Counts one, in parts of the unit: microseconds of [`LATENCY`], bytes of [`SIZES`].
    pub fn observe(&self, parts: u64) {
        let at = self.buckets.bounds.partition_point(|bound| *bound < parts);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(parts, Ordering::Relaxed);
    }

    /// Counts a time. Only for buckets of microseconds.
    pub fn observe_time(&self, took: std::time::Duration) {
        self.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Returns true if nothing was counted yet.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| count.load(Ordering::Relaxed) == 0)
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bound_is_part_of_its_bucket() {
        let histogram = Histogram::new(&LATENCY);
        for micros in [100, 101, 30_000_001] {
            histogram.observe_time(Duration::from_micros(micros));
        }
        let Snapshot { counts, sum } = histogram.snapshot();
        assert_eq!((counts[0], counts[1], counts[12], sum), (1, 1, 1, 30_000_202));
    }
}
