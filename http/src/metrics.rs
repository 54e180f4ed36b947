//! Connections, bodies, certificates and requests for Prometheus: what the process's `/metrics` have in common.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::connection::Arrival;
use crate::shared::Shared;

/// In Prometheus' text format, to be appended to a product's own. Registry and proxy of one process share what is
/// counted here.
pub fn text(arrival: &Arrival) -> String {
    let shared = arrival.0.shared();
    let mut out = Metrics(String::new());
    connections(&mut out, shared);
    bodies(&mut out, shared);
    certificates(&mut out, shared);
    client_authorities(&mut out, shared);
    if let Some(door) = shared.door.get() {
        door.write_metrics(&mut out.0);
    }
    shared.requests.write(&mut out.0);
    out.0
}

fn connections(out: &mut Metrics, shared: &Shared) {
    let (gate, limits) = (&shared.gate, &shared.limits);
    out.gauge("connections", "Connections that are open.", gate.count());
    out.gauge("connections_max", "As many may be.", limits.connections_max);
    let max = limits.connections_per_address_max;
    out.gauge("connections_per_address_max", "As many may be from one address.", max);
    out.gauge("connection_addresses", "Addresses that have connections.", gate.addresses());
    out.counters(
        "connections_refused_total",
        "Connections that were answered 503, by what there was no more of.",
        "lack",
        &[
            ("connections", &gate.refused_all),
            ("connections_of_address", &gate.refused_address),
            ("descriptors", &gate.refused_descriptors),
        ],
    );
    out.counters(
        "connections_closed_total",
        "Connections that were closed early: idle ones that others needed the place of, and those of slow readers.",
        "reason",
        &[("evicted", &gate.evicted), ("slow_reader", &shared.slow_readers)],
    );
    out.counters(
        "requests_refused_total",
        "Requests that were refused for their headers.",
        "header",
        &[("host", &shared.refused_hosts), ("origin", &shared.refused_origins)],
    );
    out.counter(
        "requests_given_up_total",
        "Requests that took longer than a request may.",
        &shared.late_requests,
    );
}

fn bodies(out: &mut Metrics, shared: &Shared) {
    let bodies = &shared.bodies;
    out.gauge("request_body_bytes", "Bytes of bodies that are under way.", bodies.used());
    let max = shared.limits.body_bytes_sum_max;
    out.gauge("request_body_bytes_max", "As many may be.", max);
    out.counters(
        "request_bodies_refused_total",
        "Bodies that were not read to their end: no room, too slow, cut off for others.",
        "reason",
        &[("no_room", &bodies.refused), ("too_slow", &bodies.too_slow), ("cut", &bodies.cut)],
    );
}

fn certificates(out: &mut Metrics, shared: &Shared) {
    let certificates = shared.certificates();
    if certificates.is_empty() {
        return;
    }
    let now = SystemTime::now();
    out.begin(
        "certificate_expiry_seconds",
        "gauge",
        "Seconds until a listener's certificate expires; negative once it has.",
    );
    for certificate in &certificates {
        if let Some(seconds) = certificate.seconds_left(now) {
            let file = label(&certificate.file().to_string_lossy());
            out.value("certificate_expiry_seconds", &format!("{{file=\"{file}\"}}"), seconds);
        }
    }
    out.begin("certificate_reloads_total", "counter", "Certificates that were read anew.");
    for certificate in &certificates {
        let file = label(&certificate.file().to_string_lossy());
        for (result, count) in [("read", certificate.reloads()), ("failed", certificate.failures())]
        {
            let labels = format!("{{file=\"{file}\",result=\"{result}\"}}");
            out.value("certificate_reloads_total", &labels, count);
        }
    }
}

fn client_authorities(out: &mut Metrics, shared: &Shared) {
    let authorities = shared.client_authorities();
    if authorities.is_empty() {
        return;
    }
    let now = SystemTime::now();
    out.begin(
        "client_authority_expiry_seconds",
        "gauge",
        "Seconds until the first of the authorities expires that sign clients' certificates.",
    );
    for known in &authorities {
        if let Some(seconds) = known.seconds_left(now) {
            let file = label(&known.file().to_string_lossy());
            out.value("client_authority_expiry_seconds", &format!("{{file=\"{file}\"}}"), seconds);
        }
    }
    out.begin("client_authority_reloads_total", "counter", "Authorities that were read anew.");
    for known in &authorities {
        let file = label(&known.file().to_string_lossy());
        for (result, count) in [("read", known.reloads()), ("failed", known.failures())] {
            let labels = format!("{{file=\"{file}\",result=\"{result}\"}}");
            out.value("client_authority_reloads_total", &labels, count);
        }
    }
}

struct Metrics(String);

impl Metrics {
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP weir_{name} {help}\n# TYPE weir_{name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "weir_{name}{labels} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.begin(name, "gauge", help);
        self.value(name, "", value);
    }

    fn counter(&mut self, name: &str, help: &str, count: &AtomicU64) {
        self.begin(name, "counter", help);
        self.value(name, "", count.load(Ordering::Relaxed));
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, &AtomicU64)]) {
        self.begin(name, "counter", help);
        for (value, count) in values {
            let labels = format!("{{{label}=\"{value}\"}}");
            self.value(name, &labels, count.load(Ordering::Relaxed));
        }
    }
}

/// A text as the value of a label.
pub fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
