//! `/metrics`, in Prometheus' text format.

use std::fmt::Write;

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use weir_http::Arrival;

use super::rights::{Cluster, Read};
use crate::Proxy;

/// `GET /metrics`.
///
/// Records that were sent and that failed, consumer instances, refused requests of each principal; and the process's
/// connections, bodies and certificates.
pub(super) async fn metrics(
    State(proxy): State<Proxy>,
    _: Cluster<Read>,
    arrival: Option<Extension<Arrival>>,
) -> impl IntoResponse {
    let mut out = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
        let _ = writeln!(out, "# HELP weir_proxy_{name} {help}\n# TYPE weir_proxy_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(out, "weir_proxy_{name}{labels} {value}");
        }
    };
    let one = |value: u64| [(String::new(), value)];
    let (sent, failed) = proxy.brokers.own().producers.counts();
    metric("records_sent_total", "counter", "Records that the brokers have.", &one(sent));
    metric("records_failed_total", "counter", "Records that no broker took.", &one(failed));
    let instances = proxy.instances.all();
    let awake = instances.iter().filter(|instance| instance.is_awake()).count();
    metric("consumer_instances", "gauge", "Consumer instances.", &one(instances.len() as u64));
    metric(
        "consumer_instances_connected",
        "gauge",
        "Consumer instances with a client of Kafka.",
        &one(awake as u64),
    );
    let clients = &proxy.brokers.own().clients;
    let resting = instances.len().saturating_sub(awake);
    metric(
        "consumer_instances_resting",
        "gauge",
        "Consumer instances without a client of Kafka.",
        &one(resting as u64),
    );
    metric(
        "consumer_instances_connected_max",
        "gauge",
        "Consumer instances that may have a client of Kafka at once.",
        &one(clients.connected_max() as u64),
    );
    metric(
        "consumer_instances_refused_total",
        "counter",
        "Requests for which no client of Kafka was free.",
        &one(clients.refused()),
    );
    let refused = proxy.limits.refused().into_iter();
    let refused: Vec<_> = refused.map(|(principal, n)| (labelled(&principal), n)).collect();
    metric("rate_limited_total", "counter", "Requests and records over the limit.", &refused);
    out.extend(arrival.map(|Extension(arrival)| weir_http::metrics::text(&arrival)));
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], out)
}

fn labelled(principal: &str) -> String {
    format!("{{principal=\"{}\"}}", weir_http::metrics::label(principal))
}
