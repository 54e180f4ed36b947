//! The configs of a group, and those of a subscription to clients' metrics.

use super::definition::Check::{Any, AtLeast, OneOf};
use super::definition::Kind::{self, Int, List, String};
use super::definition::{Check, Definition};

const NO_SHARES: &str = "Has no effect here: there are no share groups.";
const NO_STREAMS: &str = "Has no effect here: there are no streams groups.";
const NO_METRICS: &str = "Has no effect here: the broker takes no metrics from clients.";

const fn row(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    check: Check,
    doc: &'static str,
) -> Definition {
    Definition { name, kind, default: Some(default), check, broker_name: None, doc }
}

/// A value which a group's config has to lie between.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub name: &'static str,
    pub min: (i64, &'static str),
    pub max: (i64, &'static str),
}

/// What Kafka's broker configs allow groups, by default.
pub const BOUNDS: &[Bounds] = &[
    Bounds {
        name: "consumer.session.timeout.ms",
        min: (45_000, "group.consumer.min.session.timeout.ms"),
        max: (60_000, "group.consumer.max.session.timeout.ms"),
    },
    Bounds {
        name: "consumer.heartbeat.interval.ms",
        min: (5_000, "group.consumer.min.heartbeat.interval.ms"),
        max: (15_000, "group.consumer.max.heartbeat.interval.ms"),
    },
];

#[rustfmt::skip]
pub const GROUP_CONFIGS: &[Definition] = &[
    row("consumer.heartbeat.interval.ms", Int, "5000", AtLeast(1), "How often members of the group send heartbeats, with the consumer protocol."),
    row("consumer.session.timeout.ms", Int, "45000", AtLeast(1), "After how long without a heartbeat a member is removed, with the consumer protocol."),
    row("share.auto.offset.reset", String, "latest", Any, NO_SHARES),
    row("share.heartbeat.interval.ms", Int, "5000", AtLeast(1), NO_SHARES),
    row("share.isolation.level", String, "read_uncommitted", OneOf(&["read_committed", "read_uncommitted"]), NO_SHARES),
    row("share.record.lock.duration.ms", Int, "30000", AtLeast(1000), NO_SHARES),
    row("share.session.timeout.ms", Int, "45000", AtLeast(1), NO_SHARES),
    row("streams.heartbeat.interval.ms", Int, "5000", AtLeast(1), NO_STREAMS),
    row("streams.num.standby.replicas", Int, "0", AtLeast(0), NO_STREAMS),
    row("streams.session.timeout.ms", Int, "45000", AtLeast(1), NO_STREAMS),
];

#[rustfmt::skip]
pub const CLIENT_METRICS_CONFIGS: &[Definition] = &[
    row("interval.ms", Int, "300000", Check::Between(100, 3_600_000), NO_METRICS),
    row("match", List, "", Any, NO_METRICS),
    row("metrics", List, "", Any, NO_METRICS),
];
