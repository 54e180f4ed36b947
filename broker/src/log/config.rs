//! The settings of a topic that its logs follow, as typed values.

/// Two gibibytes: what a partition keeps before its oldest segments are deleted. Kafka has no limit.
const RETENTION_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Small enough that retention has something to delete on a laptop. Kafka has 1 GiB.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How old records are removed: `cleanup.policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanup {
    /// Segments that are too old or too many are deleted.
    pub delete: bool,
    /// The last record of each key is kept.
    pub compact: bool,
}

/// What a topic's configuration says about the storage of its partitions.
///
/// The defaults are Kafka's, but for `segment_bytes`, `retention_bytes` and `flush_ms`, which suit a laptop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogConfig {
    /// `cleanup.policy`
    pub cleanup: Cleanup,
    /// `segment.bytes`
    pub segment_bytes: u64,
    /// `segment.ms`: a record so much younger than the first of a segment begins another one.
    pub segment_ms: u64,
    /// `index.interval.bytes`
    pub index_interval_bytes: u64,
    /// `retention.ms`; `None` is Kafka's -1.
    pub retention_ms: Option<u64>,
    /// `retention.bytes`; `None` is Kafka's -1.
    pub retention_bytes: Option<u64>,
    /// `delete.retention.ms`: how long a tombstone can be read after it was compacted.
    pub delete_retention_ms: u64,
    /// `min.cleanable.dirty.ratio`
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`
    pub min_compaction_lag_ms: u64,
    /// `max.compaction.lag.ms`
    pub max_compaction_lag_ms: u64,
    /// `flush.messages`: so many records are on the disk before the last of them is acknowledged.
    /// 1 is an fsync for each write.
    pub flush_messages: u64,
    /// `flush.ms`: what was written is on the disk after this time. Kafka leaves it to the system.
    pub flush_ms: u64,
}

impl LogConfig {
    /// How much younger than the first record of a segment another one can be.
    pub fn segment_age_max_ms(&self) -> u64 {
        if self.cleanup.compact {
            self.segment_ms.min(self.max_compaction_lag_ms)
        } else {
            self.segment_ms
        }
    }
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig {
            cleanup: Cleanup { delete: true, compact: false },
            segment_bytes: SEGMENT_BYTES,
            segment_ms: 7 * DAY_MS,
            index_interval_bytes: 4096,
            retention_ms: Some(7 * DAY_MS),
            retention_bytes: Some(RETENTION_BYTES),
            delete_retention_ms: DAY_MS,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX.unsigned_abs(),
            flush_messages: i64::MAX.unsigned_abs(),
            flush_ms: 1000,
        }
    }
}
