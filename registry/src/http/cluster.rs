//! `/v1/cluster` and `/metrics`: how this node is.

use axum::Extension;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use weir_http::{Arrival, ON_BEHALF};
use weir_metrics::{Collect, Scrape};

use super::answer::Json;
use super::rights::{AmongNodes, OnRegistry, Read, of_caller};
use crate::Registry;
use crate::log::Fault;

/// This node among those that share its log. Offsets count the log's records.
#[derive(Serialize)]
pub(crate) struct Node {
    /// `leader`, `follower`, `candidate` while it takes over; `single` if nobody else can write its log.
    role: &'static str,
    /// Whether the log was read to its end (before, everything else is 503) and no registry of another
    /// make leads on it.
    pub(crate) ready: bool,
    /// Whether this node takes writes, or knows who does.
    pub(crate) writable: bool,
    /// Where the leader is.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<String>,
    /// The offset with which the leader began: a later one has a higher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// The offset after the last record that was applied, and that after the last of the log.
    pub(crate) applied_offset: u64,
    pub(crate) end_offset: u64,
    pub(crate) lag: u64,
    pub(crate) leader_changes: u64,
    /// Records that could not be applied.
    passed_over: u64,
    /// What keeps this node from taking writes, with what mends it.
    pub(crate) faults: Vec<String>,
}

impl Node {
    /// Returns true if this node takes writes itself, where its log takes any.
    pub(crate) fn leads(&self) -> bool {
        ["leader", "single"].contains(&self.role)
    }

    pub(crate) fn of(registry: &Registry) -> Node {
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

/// `GET /metrics`: how this node is and what it has, with records that could not be applied; and what the process's
/// listeners share. In Prometheus' text format, or as OpenMetrics where `Accept` asks for it.
pub(super) async fn metrics(
    OnRegistry { registry, caller, .. }: OnRegistry<Read>,
    arrival: Option<Extension<Arrival>>,
    headers: HeaderMap,
) -> Response {
    let grants = of_caller(caller);
    let gather = move |scrape: &mut Scrape| {
        registry.collect_for(&grants, scrape);
        arrival.iter().for_each(|Extension(arrival)| arrival.collect(scrape));
    };
    weir_http::metrics::answer(&headers, gather).await
}
