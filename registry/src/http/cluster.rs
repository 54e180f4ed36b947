//! `/v1/cluster` and `/metrics`: how this node is.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::Extension;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use weir_http::metrics::label;
use weir_http::{Arrival, ON_BEHALF};

use super::answer::Json;
use super::rights::{AmongNodes, OnRegistry, Read, of_caller};
use crate::Registry;
use crate::log::Fault;

/// Entries of a list among the metrics.
const LISTED_MAX: usize = 100;

/// This node among those that share its log. Offsets count the log's records.
#[derive(Serialize)]
pub(super) struct Node {
    /// `leader`, `follower`, `candidate` while it takes over; `single` if nobody else can write its log.
    role: &'static str,
    /// Whether the log was read to its end (before, everything else is 503) and no registry of another
    /// make leads on it.
    ready: bool,
    /// Whether this node takes writes, or knows who does.
    writable: bool,
    /// Where the leader is.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<String>,
    /// The offset with which the leader began: a later one has a higher.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// The offset after the last record that was applied, and that after the last of the log.
    applied_offset: u64,
    end_offset: u64,
    lag: u64,
    leader_changes: u64,
    /// Records that could not be applied.
    passed_over: u64,
    /// What keeps this node from taking writes, with what mends it.
    faults: Vec<String>,
}

impl Node {
    fn of(registry: &Registry) -> Node {
        let state = registry.state();
        let (applied, passed_over) = (state.next_offset(), state.passed_over().count);
        let alone = Node {
            role: "single",
            ready: true,
            writable: true,
            leader: None,
            epoch: None,
            url: None,
            topic: None,
            applied_offset: applied,
            end_offset: applied,
            lag: 0,
            leader_changes: 0,
            passed_over,
            faults: Vec::new(),
        };
        let Some(peers) = registry.peers() else {
            let reading = registry.is_clustered();
            let role = if reading { "follower" } else { "single" };
            let fault = registry.log().fault.as_ref().map(Fault::to_string);
            let writable = !reading && fault.is_none();
            let faults = fault.into_iter().collect();
            return Node { role, ready: !reading, writable, faults, ..alone };
        };
        let status = peers.status();
        Node {
            ready: !status.beside_others,
            role: match status.leading {
                Some(_) => "leader",
                None if status.taking_over => "candidate",
                None => "follower",
            },
            writable: status.is_writable(),
            epoch: status.leading.or(status.leader.as_ref().map(|leader| leader.epoch)),
            leader: status.leader.map(|leader| leader.url),
            url: Some(status.url),
            topic: Some(status.topic),
            applied_offset: status.applied,
            end_offset: status.end,
            lag: status.end - status.applied,
            leader_changes: status.leader_changes,
            faults: status.faults,
            ..alone
        }
    }
}

/// `GET /v1/cluster`: who leads, how far this node has read, what is wrong.
///
/// For other nodes, and for those who may read `cluster:registry`. Also while the log is read.
pub(super) async fn cluster(AmongNodes { registry }: AmongNodes, headers: HeaderMap) -> Json<Node> {
    if let Some(peers) = registry.peers().filter(|_| headers.contains_key(&ON_BEHALF)) {
        peers.was_asked();
    }
    Json(Node::of(&registry))
}

/// `GET /metrics`: how this node is, for Prometheus, with records that could not be applied, by offset; and the process's
/// connections, bodies and certificates.
pub(super) async fn metrics(
    OnRegistry { registry, caller, .. }: OnRegistry<Read>,
    arrival: Option<Extension<Arrival>>,
) -> impl IntoResponse {
    let (node, state) = (Node::of(&registry), registry.state());
    let mut out = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
        let _ =
            writeln!(out, "# HELP weir_registry_{name} {help}\n# TYPE weir_registry_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(out, "weir_registry_{name}{labels} {value}");
        }
    };
    let one = |value: u64| [(String::new(), value)];
    metric("ready", "gauge", "Whether the log was read.", &one(node.ready.into()));
    metric("writable", "gauge", "Whether writes are taken.", &one(node.writable.into()));
    let leads = ["leader", "single"].contains(&node.role);
    metric("leader", "gauge", "Whether this node leads.", &one(leads.into()));
    metric("epoch", "gauge", "The epoch of the leader.", &one(node.epoch.unwrap_or(0)));
    metric("leader_changes_total", "counter", "Leaders seen.", &one(node.leader_changes));
    metric("applied_offset", "gauge", "Offset after the last applied.", &one(node.applied_offset));
    metric("end_offset", "gauge", "Offset after the last of the log.", &one(node.end_offset));
    metric("lag", "gauge", "Offsets that are not applied.", &one(node.lag));
    metric("faults", "gauge", "What keeps writes away.", &one(node.faults.len() as u64));
    let log = registry.log();
    if !registry.is_clustered() {
        let is_damaged = matches!(log.fault, Some(Fault::Damaged(_) | Fault::Gone(_)));
        metric(
            "log_damaged",
            "gauge",
            "Whether the log has lost records.",
            &one(is_damaged.into()),
        );
        metric("log_records", "gauge", "Records in the log.", &one(log.records));
        metric("log_bytes", "gauge", "Bytes of the log on the disk.", &one(log.bytes));
        let seconds = log.compacted_at_ms / 1000;
        let help = "When the log was compacted last, in seconds since 1970; 0 if never.";
        metric("log_compacted_timestamp_seconds", "gauge", help, &one(seconds));
    }
    metric("schemas", "gauge", "Schemas with an id.", &one(state.schema_count() as u64));
    let lanes = registry.lanes();
    let (running, waiting) = lanes.load();
    metric("lanes_running", "gauge", "Requests that a lane works on.", &one(running as u64));
    metric("lanes_waiting", "gauge", "Requests that wait for a lane.", &one(waiting as u64));
    let count = |count: &AtomicU64| one(count.load(Relaxed));
    let counts = &lanes.counts;
    metric("lanes_refused_total", "counter", "Answered 503.", &count(&counts.refused));
    metric("lanes_abandoned_total", "counter", "Clients that left.", &count(&counts.abandoned));
    metric("over_budget_total", "counter", "Answered 42290.", &count(&counts.over_budget));
    let grants = of_caller(caller);
    let mut missing = state.missing_references();
    missing.retain(|(subject, _)| grants.read(subject));
    let count = missing.len() as u64;
    metric("missing_references", "gauge", "Versions referred to and not there.", &one(count));
    let listed = missing.iter().take(LISTED_MAX).map(|(subject, version)| {
        (format!("{{subject=\"{}\",version=\"{version}\"}}", label(subject.as_str())), 1)
    });
    let listed: Vec<_> = listed.collect();
    metric("missing_reference", "gauge", "The first of them.", &listed);
    metric("passed_over_total", "counter", "Records not applied.", &one(node.passed_over));
    let listed: Vec<_> = state
        .passed_over()
        .first
        .iter()
        .map(|(offset, why)| (format!("{{offset=\"{offset}\",reason=\"{}\"}}", label(why)), 1))
        .collect();
    metric("passed_over", "gauge", "The first records not applied.", &listed);
    out.extend(arrival.map(|Extension(arrival)| weir_http::metrics::text(&arrival)));
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], out)
}
