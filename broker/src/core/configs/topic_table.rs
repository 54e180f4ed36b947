//! The configs of a topic: everything that Kafka 4.1 knows, with its defaults.

use super::definition::Check::{self, Any, AtLeast, Between, BetweenOr, OneOf, Replicas};
use super::definition::Definition;
use super::definition::Kind::{self, Boolean, Double, Int, List, Long, String};

pub const COMPRESSIONS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
const LONGEST: &str = "9223372036854775807";

/// Describes one config. `""` as the name of the broker's config says that there is none.
const fn row(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    check: Check,
    broker_name: &'static str,
    doc: &'static str,
) -> Definition {
    let broker_name = if broker_name.is_empty() { None } else { Some(broker_name) };
    Definition { name, kind, default: Some(default), check, broker_name, doc }
}

/// In the order of their names.
#[rustfmt::skip]
pub const TOPIC_CONFIGS: &[Definition] = &[
    row("cleanup.policy", List, "delete", OneOf(&["compact", "delete"]), "log.cleanup.policy",
        "Old records are removed by age and size (delete), or all but the last record of each key (compact), or both."),
    row("compression.gzip.level", Int, "-1", BetweenOr(1, 9, -1), "compression.gzip.level",
        "Has no effect here: the broker stores batches as producers compressed them."),
    row("compression.lz4.level", Int, "9", Between(1, 17), "compression.lz4.level",
        "Has no effect here: the broker stores batches as producers compressed them."),
    row("compression.type", String, "producer", OneOf(COMPRESSIONS), "compression.type",
        "Accepted and shown. Batches are stored as producers compressed them, whatever it says."),
    row("compression.zstd.level", Int, "3", Between(-131_072, 22), "compression.zstd.level",
        "Has no effect here: the broker stores batches as producers compressed them."),
    row("delete.retention.ms", Long, "86400000", AtLeast(0), "log.cleaner.delete.retention.ms",
        "How long a compacted topic keeps a record without a value (tombstone), so that readers see the deletion."),
    row("file.delete.delay.ms", Long, "60000", AtLeast(0), "log.segment.delete.delay.ms",
        "Has no effect here: files of removed segments are deleted at once."),
    row("flush.messages", Long, LONGEST, AtLeast(1), "log.flush.interval.messages",
        "After how many records files are synced before the last record is acknowledged; 1 syncs every write."),
    row("flush.ms", Long, LONGEST, AtLeast(0), "log.flush.interval.ms",
        "How long a record may wait until it is synced to the disk."),
    row("follower.replication.throttled.replicas", List, "", Replicas, "",
        "Has no effect here: there is one node, which nothing is replicated to."),
    row("index.interval.bytes", Int, "4096", AtLeast(0), "log.index.interval.bytes",
        "About how many bytes of records lie between two entries of the index of offsets."),
    row("leader.replication.throttled.replicas", List, "", Replicas, "",
        "Has no effect here: there is one node, which nothing is replicated to."),
    row("local.retention.bytes", Long, "-2", AtLeast(-2), "log.local.retention.bytes",
        "Has no effect here: there is no tiered storage."),
    row("local.retention.ms", Long, "-2", AtLeast(-2), "log.local.retention.ms",
        "Has no effect here: there is no tiered storage."),
    row("max.compaction.lag.ms", Long, LONGEST, AtLeast(1), "log.cleaner.max.compaction.lag.ms",
        "A compacted topic is compacted at the latest when a record has waited this long for it."),
    row("max.message.bytes", Int, "1048588", AtLeast(0), "message.max.bytes",
        "The largest batch of records that is taken, in bytes, after compression."),
    row("message.timestamp.after.max.ms", Long, "3600000", AtLeast(0), "log.message.timestamp.after.max.ms",
        "How far a record's timestamp may be ahead of the broker's clock, if producers set timestamps."),
    row("message.timestamp.before.max.ms", Long, LONGEST, AtLeast(0), "log.message.timestamp.before.max.ms",
        "How far a record's timestamp may be behind the broker's clock, if producers set timestamps."),
    row("message.timestamp.type", String, "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), "log.message.timestamp.type",
        "Whether a record has the time that its producer says (CreateTime) or the time when it was stored (LogAppendTime)."),
    row("min.cleanable.dirty.ratio", Double, "0.5", Between(0, 1), "log.cleaner.min.cleanable.ratio",
        "How much of a compacted topic has to be uncompacted, by bytes, before it is compacted again."),
    row("min.compaction.lag.ms", Long, "0", AtLeast(0), "log.cleaner.min.compaction.lag.ms",
        "How long a record of a compacted topic stays as it is at the least."),
    row("min.insync.replicas", Int, "1", AtLeast(1), "min.insync.replicas",
        "How many replicas have to store a record that is produced with acks=all. There is one replica here: with more than 1, such records are refused."),
    row("preallocate", Boolean, "false", Any, "log.preallocate",
        "Has no effect here: files grow as they are written."),
    row("remote.log.copy.disable", Boolean, "false", Any, "",
        "Has no effect here: there is no tiered storage."),
    row("remote.log.delete.on.disable", Boolean, "false", Any, "",
        "Has no effect here: there is no tiered storage."),
    row("remote.storage.enable", Boolean, "false", Any, "",
        "There is no tiered storage: true is refused."),
    row("retention.bytes", Long, "-1", Any, "log.retention.bytes",
        "How large a partition may grow before its oldest segments are removed; -1 sets no limit."),
    row("retention.ms", Long, "604800000", AtLeast(-1), "log.retention.ms",
        "How long records are kept at the least; -1 keeps them for ever."),
    row("segment.bytes", Int, "1073741824", AtLeast(1_048_576), "log.segment.bytes",
        "How large a file of a partition grows before the next is begun. Records are removed by whole files."),
    row("segment.index.bytes", Int, "10485760", AtLeast(4), "log.index.size.max.bytes",
        "Has no effect here: an index is as large as its segment needs."),
    row("segment.jitter.ms", Long, "0", AtLeast(0), "log.roll.jitter.ms",
        "Has no effect here: segments end when they are due."),
    row("segment.ms", Long, "604800000", AtLeast(1), "log.roll.ms",
        "How long a file of a partition is written to before the next is begun."),
    row("unclean.leader.election.enable", Boolean, "false", Any, "unclean.leader.election.enable",
        "Has no effect here: the only node is the leader."),
];
