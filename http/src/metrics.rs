//! What the process's `/metrics` have in common: requests, connections, bodies, limits, certificates, access control; and how
//! a scrape is answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use weir_metrics::common::{CACHE_ENTRIES, CACHE_HITS, CACHE_MISSES, LIMITS};
use weir_metrics::{Collect, Family, Format, Group, Scrape, Unit};

use crate::connection::Arrival;
use crate::counts;
use crate::shared::Shared;

/// The families of this crate, and those to which several crates add.
pub const GROUPS: [Group; 4] = [
    Group {
        title: "Requests",
        about: "On every listener, for all services of the process: `registry`, `proxy` and `management`.",
        families: counts::families::FAMILIES,
    },
    Group {
        title: "Connections, bodies and certificates",
        about: "On every listener. Registry and proxy of one process share listeners' limits, so that each says the same.",
        families: FAMILIES,
    },
    Group {
        title: "Limits and caches",
        about: "On every listener; the values of the label say whose they are.",
        families: weir_metrics::common::FAMILIES,
    },
    Group {
        title: "Access control",
        about: "On every listener of a process that has logins or rules.",
        families: crate::access::METRICS,
    },
];

weir_metrics::families! {
    CONNECTIONS = Family::gauge(
        "weir_connections",
        Unit::Count("connections"),
        "Connections that are open.",
    )
    .watch("How near it is to `weir_connections_max`.");
    CONNECTIONS_MAX = Family::gauge(
        "weir_connections_max",
        Unit::Count("connections"),
        "Limit of open connections.",
    )
    .watch("The bound to compare with.");
    PER_ADDRESS_MAX = Family::gauge(
        "weir_connections_per_address_max",
        Unit::Count("connections"),
        "Limit of open connections from one address.",
    )
    .watch("Behind a load balancer all connections come from one address: raise the limit there.");
    ADDRESSES = Family::gauge(
        "weir_connection_addresses",
        Unit::Count("addresses"),
        "Addresses that have connections.",
    )
    .watch("How many clients there are.");
    ACCEPTED = Family::counter(
        "weir_connections_accepted_total",
        Unit::Count("connections"),
        "Connections that were let in.",
    )
    .watch("Clients that connect anew for each request: many connections, few requests on each.");
    CONNECTIONS_REFUSED = Family::counter(
        "weir_connections_refused_total",
        Unit::Count("connections"),
        "Connections that were answered 503, by what there was no more of.",
    )
    .by(&["lack"])
    .watch("Clients that get no connection.");
    CONNECTIONS_CLOSED = Family::counter(
        "weir_connections_closed_total",
        Unit::Count("connections"),
        "Connections that were closed by this side: idle ones that others needed the place of, and those of slow readers.",
    )
    .by(&["reason"])
    .watch("Clients that do not read their answers, or connections that run short.");
    HANDSHAKES_FAILED = Family::counter(
        "weir_tls_handshakes_failed_total",
        Unit::Count("handshakes"),
        "TLS handshakes that came to nothing, by what went wrong.",
    )
    .by(&["reason"])
    .watch("Clients that do not trust the certificate, or speak no TLS.");
    REQUESTS_REFUSED = Family::counter(
        "weir_requests_refused_total",
        Unit::Count("requests"),
        "Requests that were refused for their headers.",
    )
    .by(&["header"])
    .watch("A name that is missing among `--allowed-host`, or pages of a browser that try to write.");
    GIVEN_UP = Family::counter(
        "weir_requests_given_up_total",
        Unit::Count("requests"),
        "Requests that took longer than a request may.",
    )
    .watch("Answers 503 after `limits.request_timeout_ms`: Kafka or the disk hangs.");
    BODY_BYTES = Family::gauge(
        "weir_request_body_bytes",
        Unit::Bytes,
        "Bytes of bodies that are under way.",
    )
    .watch("How near it is to `weir_request_body_bytes_max`.");
    BODY_BYTES_MAX = Family::gauge(
        "weir_request_body_bytes_max",
        Unit::Bytes,
        "Limit of bytes of bodies that are under way.",
    )
    .watch("The bound to compare with.");
    BODIES_REFUSED = Family::counter(
        "weir_request_bodies_refused_total",
        Unit::Count("bodies"),
        "Bodies that were not read to their end: too large, no room, too slow, cut off for others.",
    )
    .by(&["reason"])
    .watch("Clients that send more, or more slowly, than they may.");
    CERTIFICATE_EXPIRY = Family::gauge(
        "weir_certificate_expiry_seconds",
        Unit::Seconds,
        "Seconds until a listener's certificate expires; negative once it has.",
    )
    .by(&["file"])
    .watch("Certificates that nobody has renewed.");
    CERTIFICATE_RELOADS = Family::counter(
        "weir_certificate_reloads_total",
        Unit::Count("reads"),
        "Certificates that were read anew, by what came of it.",
    )
    .by(&["file", "result"])
    .watch("A renewed file that cannot be used: the old certificate goes on.");
    AUTHORITY_EXPIRY = Family::gauge(
        "weir_client_authority_expiry_seconds",
        Unit::Seconds,
        "Seconds until the first of the authorities expires that sign clients' certificates.",
    )
    .by(&["file"])
    .watch("Authorities that nobody has renewed: their clients will be shut out.");
    AUTHORITY_RELOADS = Family::counter(
        "weir_client_authority_reloads_total",
        Unit::Count("reads"),
        "Authorities of clients that were read anew, by what came of it.",
    )
    .by(&["file", "result"])
    .watch("A file of authorities that cannot be used: the old ones go on.");
}

/// The answer to a scrape, in the format that its `Accept` asks for.
///
/// `gather` fills the scrape on a thread that may block: it may read files, and walk what a registry has.
pub async fn answer(
    headers: &HeaderMap,
    gather: impl FnOnce(&mut Scrape) + Send + 'static,
) -> Response {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Format::accepted(accepted);
    let written = tokio::task::spawn_blocking(move || {
        let mut scrape = Scrape::new();
        gather(&mut scrape);
        scrape.text(format)
    });
    let text = written.await.unwrap_or_else(|panic| {
        tracing::error!(%panic, "metrics could not be gathered");
        String::new()
    });
    ([(CONTENT_TYPE, HeaderValue::from_static(format.content_type()))], text).into_response()
}

/// What the process's listeners share.
impl Collect for Arrival {
    fn collect(&self, scrape: &mut Scrape) {
        self.0.shared().collect(scrape);
    }
}

impl Collect for Shared {
    fn collect(&self, scrape: &mut Scrape) {
        FAMILIES.iter().for_each(|family| scrape.declare(family));
        weir_metrics::common::FAMILIES.iter().for_each(|family| scrape.declare(family));
        connections(scrape, self);
        requests(scrape, self);
        bodies(scrape, self);
        certificates(scrape, self);
        limits(scrape, self);
        if let Some(door) = self.door.get() {
            door.collect(scrape);
            let (hits, misses, entries) = door.login_cache();
            scrape.add(&CACHE_HITS, &["logins"], hits);
            scrape.add(&CACHE_MISSES, &["logins"], misses);
            scrape.add(&CACHE_ENTRIES, &["logins"], entries);
        }
        self.requests.collect(scrape);
        self.sources().iter().for_each(|source| source.collect(scrape));
    }
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

fn connections(scrape: &mut Scrape, shared: &Shared) {
    let (gate, limits) = (&shared.gate, &shared.limits);
    scrape.set(&CONNECTIONS, gate.count());
    scrape.set(&CONNECTIONS_MAX, limits.connections_max);
    scrape.set(&PER_ADDRESS_MAX, limits.connections_per_address_max);
    scrape.set(&ADDRESSES, gate.addresses());
    scrape.set(&ACCEPTED, read(&gate.accepted));
    for (lack, count) in [
        ("connections", &gate.refused_all),
        ("connections_of_address", &gate.refused_address),
        ("descriptors", &gate.refused_descriptors),
    ] {
        scrape.add(&CONNECTIONS_REFUSED, &[lack], read(count));
    }
    for (reason, count) in [
        ("evicted", &gate.evicted),
        ("slow_reader", &shared.slow_readers),
        ("slow_head", &shared.slow_heads),
    ] {
        scrape.add(&CONNECTIONS_CLOSED, &[reason], read(count));
    }
    for (reason, count) in
        [("refused", &shared.failed_handshakes), ("too_slow", &shared.slow_handshakes)]
    {
        scrape.add(&HANDSHAKES_FAILED, &[reason], read(count));
    }
}

fn requests(scrape: &mut Scrape, shared: &Shared) {
    scrape.add(&REQUESTS_REFUSED, &["host"], read(&shared.refused_hosts));
    scrape.add(&REQUESTS_REFUSED, &["origin"], read(&shared.refused_origins));
    scrape.set(&GIVEN_UP, read(&shared.late_requests));
}

fn bodies(scrape: &mut Scrape, shared: &Shared) {
    let bodies = &shared.bodies;
    scrape.set(&BODY_BYTES, bodies.used());
    scrape.set(&BODY_BYTES_MAX, shared.limits.body_bytes_sum_max);
    for (reason, count) in [
        ("too_large", &bodies.too_large),
        ("no_room", &bodies.refused),
        ("too_slow", &bodies.too_slow),
        ("cut", &bodies.cut),
    ] {
        scrape.add(&BODIES_REFUSED, &[reason], read(count));
    }
}

/// Limits of listeners, by the names of their settings.
fn limits(scrape: &mut Scrape, shared: &Shared) {
    let (gate, bodies) = (&shared.gate, &shared.bodies);
    for (limit, count) in [
        ("connections_max", &gate.refused_all),
        ("connections_per_address_max", &gate.refused_address),
        ("open_files", &gate.refused_descriptors),
        ("body_bytes_max", &bodies.too_large),
        ("body_bytes_sum_max", &bodies.refused),
        ("body_timeout_ms", &bodies.too_slow),
        ("header_timeout_ms", &shared.slow_heads),
        ("handshake_timeout_ms", &shared.slow_handshakes),
        ("answer_stall_timeout_ms", &shared.slow_readers),
        ("request_timeout_ms", &shared.late_requests),
    ] {
        scrape.add(&LIMITS, &[limit], read(count));
    }
}

fn certificates(scrape: &mut Scrape, shared: &Shared) {
    let now = SystemTime::now();
    for certificate in &shared.certificates() {
        let file = certificate.file().to_string_lossy();
        if let Some(seconds) = certificate.seconds_left(now) {
            scrape.add(&CERTIFICATE_EXPIRY, &[&file], seconds as f64);
        }
        scrape.add(&CERTIFICATE_RELOADS, &[&file, "read"], certificate.reloads());
        scrape.add(&CERTIFICATE_RELOADS, &[&file, "failed"], certificate.failures());
    }
    for known in &shared.client_authorities() {
        let file = known.file().to_string_lossy();
        if let Some(seconds) = known.seconds_left(now) {
            scrape.add(&AUTHORITY_EXPIRY, &[&file], seconds as f64);
        }
        scrape.add(&AUTHORITY_RELOADS, &[&file, "read"], known.reloads());
        scrape.add(&AUTHORITY_RELOADS, &[&file, "failed"], known.failures());
    }
}
