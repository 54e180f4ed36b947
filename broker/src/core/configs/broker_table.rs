//! The configs of the broker: those that topics fall back to, and those that say how it runs.

use super::definition::Check::{self, Any, AtLeast, OneOf};
use super::definition::Definition;
use super::definition::Kind::{self, Boolean, Int, List, Long, Password, Short, String};
use super::topic_table::TOPIC_CONFIGS;

const LISTED: &str = "As the config of topics which falls back to it.";

const fn row(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    check: Check,
    doc: &'static str,
) -> Definition {
    Definition { name, kind, default, check, broker_name: None, doc }
}

/// What cannot be changed while the broker runs, in the order of their names.
#[rustfmt::skip]
pub const STATIC: &[Definition] = &[
    row("advertised.listeners", String, None, Any, "Where clients are told to connect to. Without it they are told the address which they reached."),
    row("allow.everyone.if.no.acl.found", Boolean, Some("false"), Any, "Whether everybody may use what no ACL names."),
    row("authorizer.class.name", String, Some(""), Any, "Says whether ACLs are enforced. There is one authorizer, which follows the rules of Kafka's."),
    row("auto.create.topics.enable", Boolean, Some("true"), Any, "Whether a topic is made when a client asks for one that is not there."),
    row("broker.id", Int, Some("-1"), Any, "The number of this node."),
    row("connection.failed.authentication.delay.ms", Int, Some("100"), AtLeast(0), "How long the answer to a failed login is held back."),
    row("connections.max.idle.ms", Long, Some("600000"), Any, "After how long without a request a connection is closed."),
    row("connections.max.reauth.ms", Long, Some("0"), Any, "How long a login holds until the client has to log in again; 0 has no limit."),
    row("default.replication.factor", Int, Some("1"), Any, "How many replicas a new topic has. There is one node, so it is 1."),
    row("delete.topic.enable", Boolean, Some("true"), Any, "Topics can be deleted."),
    row("group.consumer.heartbeat.interval.ms", Int, Some("5000"), AtLeast(1), "How often members of groups of the consumer protocol send heartbeats."),
    row("group.consumer.session.timeout.ms", Int, Some("45000"), AtLeast(1), "After how long without a heartbeat a member of a group of the consumer protocol is removed."),
    row("group.coordinator.rebalance.protocols", List, Some("classic,consumer,streams"), Any, "The protocols of groups that the broker has."),
    row("group.initial.rebalance.delay.ms", Int, Some("3000"), Any, "How long the first rebalance of a new group waits for more members."),
    row("group.max.session.timeout.ms", Int, Some("1800000"), Any, "The longest session that a member of a group may ask for."),
    row("group.max.size", Int, Some("2147483647"), AtLeast(1), "How many members a group may have."),
    row("group.min.session.timeout.ms", Int, Some("6000"), Any, "The shortest session that a member of a group may ask for."),
    row("listener.security.protocol.map", String, Some("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"), Any, "Which listeners ask for a login."),
    row("listeners", String, Some("PLAINTEXT://:9092"), Any, "The addresses that the broker listens on."),
    row("log.dirs", String, None, Any, "The folder of the topics."),
    row("max.connections", Int, Some("2147483647"), AtLeast(0), "How many connections the broker has at a time. Further ones are closed."),
    row("node.id", Int, None, AtLeast(0), "The number of this node."),
    row("num.partitions", Int, Some("1"), AtLeast(1), "How many partitions a new topic has if its creator does not say."),
    row("offset.metadata.max.bytes", Int, Some("4096"), Any, "How long the text may be that a consumer commits with an offset."),
    row("offsets.retention.minutes", Int, Some("10080"), AtLeast(1), "How long the offsets of a group without members are kept."),
    row("process.roles", List, Some(""), OneOf(&["broker", "controller"]), "This node is both broker and controller."),
    row("sasl.enabled.mechanisms", List, Some("GSSAPI"), Any, "The ways to log in."),
    row("socket.request.max.bytes", Int, Some("104857600"), AtLeast(1), "The largest request that is read. A larger one closes its connection."),
    row("super.users", Password, None, Any, "Who may do everything, whatever ACLs say."),
    row("transaction.max.timeout.ms", Int, Some("900000"), AtLeast(1), "The longest transaction that a producer may ask for."),
    row("transaction.state.log.replication.factor", Short, Some("3"), AtLeast(1), "How many replicas the state of transactions has. There is one node, so it is 1."),
];

/// Retention and rolling can also be said in hours and minutes, which holds if milliseconds are not set.
const SPANS: &[Definition] = &[
    row("log.retention.hours", Int, Some("168"), Any, "As log.retention.ms, in hours."),
    row("log.retention.minutes", Int, None, Any, "As log.retention.ms, in minutes."),
    row("log.roll.hours", Int, Some("168"), AtLeast(1), "As log.roll.ms, in hours."),
    row("log.roll.jitter.hours", Int, Some("0"), AtLeast(0), "Has no effect here."),
];

/// Configs of topics whose counterpart of the broker has no value of its own.
const UNSET: &[&str] =
    &["log.flush.interval.ms", "log.retention.ms", "log.roll.jitter.ms", "log.roll.ms"];

/// What topics fall back to. It can be changed while the broker runs.
pub fn dynamic() -> impl Iterator<Item = Definition> {
    TOPIC_CONFIGS.iter().filter_map(|topic| {
        let name = topic.broker_name?;
        let default = topic.default.filter(|_| !UNSET.contains(&name));
        Some(Definition { name, default, broker_name: None, doc: LISTED, ..*topic })
    })
}

/// Everything that the broker has, in the order of the names, and whether it can be changed.
pub fn all() -> Vec<(Definition, bool)> {
    let fixed = STATIC.iter().chain(SPANS).map(|definition| (*definition, false));
    let mut all: Vec<_> = dynamic().map(|definition| (definition, true)).chain(fixed).collect();
    all.sort_by_key(|(definition, _)| definition.name);
    all
}
