//! A topic's configs as typed values, for those who act by them.

use super::definition::elements;
use super::topic_table::TOPIC_CONFIGS;
use crate::log::{Cleanup, LogConfig};

/// Where the timestamps of records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    CreateTime,
    LogAppendTime,
}

/// The configs of a topic that have an effect. What was not set has the broker's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopicConfig {
    pub log: LogConfig,
    /// `max.message.bytes`
    pub max_message_bytes: usize,
    /// `message.timestamp.type`
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`
    pub timestamp_after_max_ms: i64,
    /// `min.insync.replicas`
    pub min_insync_replicas: i32,
}

impl TopicConfig {
    /// What holds where nobody has set anything, until the broker's configs are known.
    pub(crate) fn kafka() -> TopicConfig {
        TopicConfig::read(|name| {
            let definition = TOPIC_CONFIGS.iter().find(|definition| definition.name == name);
            definition.and_then(|found| found.default).unwrap_or_default().to_owned()
        })
    }

    /// Reads values by their names. A value that cannot be read was never accepted, and counts as 0.
    pub(super) fn read(value: impl Fn(&str) -> String) -> TopicConfig {
        let number = |name: &str| value(name).trim().parse::<i64>().unwrap_or_default();
        let positive = |name: &str| u64::try_from(number(name)).unwrap_or_default();
        let limit = |name: &str| u64::try_from(number(name)).ok();
        let policy = value("cleanup.policy");
        let has = |word: &str| elements(&policy).any(|policy| policy == word);
        let log = LogConfig {
            cleanup: Cleanup { delete: has("delete"), compact: has("compact") },
            segment_bytes: positive("segment.bytes"),
            segment_ms: positive("segment.ms"),
            index_interval_bytes: positive("index.interval.bytes"),
            retention_ms: limit("retention.ms"),
            retention_bytes: limit("retention.bytes"),
            delete_retention_ms: positive("delete.retention.ms"),
            min_cleanable_dirty_ratio: value("min.cleanable.dirty.ratio")
                .trim()
                .parse()
                .unwrap_or(0.5),
            min_compaction_lag_ms: positive("min.compaction.lag.ms"),
            max_compaction_lag_ms: positive("max.compaction.lag.ms"),
            flush_messages: positive("flush.messages"),
            flush_ms: positive("flush.ms"),
        };
        TopicConfig {
            log,
            max_message_bytes: usize::try_from(number("max.message.bytes")).unwrap_or_default(),
            timestamp_type: match value("message.timestamp.type").trim() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            timestamp_before_max_ms: number("message.timestamp.before.max.ms"),
            timestamp_after_max_ms: number("message.timestamp.after.max.ms"),
            min_insync_replicas: i32::try_from(number("min.insync.replicas")).unwrap_or(i32::MAX),
        }
    }
}
