//! The settings of groups, by the names that Kafka gives them.

use std::time::Duration;

/// What a coordinator of groups is told once, at the start.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// As `group.min.session.timeout.ms`.
    pub session_min: Duration,
    /// As `group.max.session.timeout.ms`.
    pub session_max: Duration,
    /// As `group.initial.rebalance.delay.ms`. Zero starts a group as soon as its first member is there.
    pub initial_delay: Duration,
    /// As `group.max.size` and `group.consumer.max.size`.
    pub max_members: usize,
    /// How many groups there may be.
    pub max_groups: usize,
    /// As `offset.metadata.max.bytes`.
    pub metadata_max_bytes: usize,
    /// As `offsets.retention.minutes`.
    pub offsets_retention: Duration,
    /// As `offsets.retention.check.interval.ms`.
    pub retention_check: Duration,
    /// As `group.consumer.session.timeout.ms`.
    pub consumer_session: Duration,
    /// As `group.consumer.heartbeat.interval.ms`.
    pub consumer_heartbeat: Duration,
}

impl Default for GroupSettings {
    fn default() -> GroupSettings {
        GroupSettings {
            session_min: Duration::from_secs(6),
            session_max: Duration::from_secs(30 * 60),
            initial_delay: Duration::ZERO,
            max_members: 10_000,
            max_groups: 100_000,
            metadata_max_bytes: 4096,
            offsets_retention: Duration::from_secs(7 * 24 * 60 * 60),
            retention_check: Duration::from_secs(10 * 60),
            consumer_session: Duration::from_secs(45),
            consumer_heartbeat: Duration::from_secs(5),
        }
    }
}
