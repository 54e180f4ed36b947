//! How many requests each route has answered, and how long that took.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};

/// What requests are counted under that no route has.
pub(crate) const NO_ROUTE: &str = "none";

pub(crate) const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::PATCH,
    Method::OPTIONS,
];

/// Statuses that are counted each by itself; others are counted as the first of their hundred.
const STATUSES: [u16; 25] = [
    200, 201, 202, 204, 206, 207, 300, 304, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 421,
    422, 429, 500, 502, 503, 504,
];

/// Upper bounds of the histogram's buckets, in microseconds.
const BUCKETS_US: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 5_000_000, 30_000_000];

/// Requests of all services, by service and route. Routes are those of the routers: there are not more than these.
#[derive(Default)]
pub(crate) struct Requests(Mutex<BTreeMap<(&'static str, &'static str), Arc<Route>>>);

pub(crate) struct Route {
    counts: [[AtomicU64; STATUSES.len()]; METHODS.len() + 1],
    /// How many took no longer than each bound, and longer than the bound before it; then, longer than all.
    buckets: [AtomicU64; BUCKETS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Route {
    fn new() -> Route {
        let counts = std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0)));
        let buckets = std::array::from_fn(|_| AtomicU64::new(0));
        Route { counts, buckets, sum_us: AtomicU64::new(0) }
    }

    /// Counts a request by its method's place in [`METHODS`].
    pub(crate) fn count_only(&self, method: usize, status: StatusCode) {
        self.counts[method][index_of(status)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, method: usize, status: StatusCode, took: Duration) {
        self.count_only(method, status);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.partition_point(|bound| *bound < took_us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }
}

/// The place of a method in [`METHODS`], or behind all of them.
pub(crate) fn index_of_method(method: &Method) -> usize {
    METHODS.iter().position(|known| known == method).unwrap_or(METHODS.len())
}

/// The place of a status in [`STATUSES`].
fn index_of(status: StatusCode) -> usize {
    let hundred = status.as_u16() / 100 * 100;
    let find = |status: u16| STATUSES.binary_search(&status);
    find(status.as_u16()).or_else(|_| find(hundred)).unwrap_or_default()
}

impl Requests {
    pub(crate) fn route(&self, service: &'static str, path: &'static str) -> Arc<Route> {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routes.entry((service, path)).or_insert_with(|| Arc::new(Route::new())).clone()
    }

    /// In Prometheus' text format, sorted by service and route.
    pub(crate) fn write(&self, out: &mut String) {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        out.push_str("# HELP weir_http_requests_total Requests that were answered, by route.\n");
        out.push_str("# TYPE weir_http_requests_total counter\n");
        for ((service, path), route) in &routes {
            for (method, counts) in route.counts.iter().enumerate() {
                let method = METHODS.get(method).map_or("other", Method::as_str);
                for (status, count) in STATUSES.iter().zip(counts) {
                    let count = count.load(Ordering::Relaxed);
                    if count > 0 {
                        let _ = writeln!(
                            out,
                            "weir_http_requests_total{{service=\"{service}\",route=\"{path}\",method=\"{method}\",status=\"{status}\"}} {count}"
                        );
                    }
                }
            }
        }
        out.push_str(
            "# HELP weir_http_request_duration_seconds From a request's head to its answer's.\n",
        );
        out.push_str("# TYPE weir_http_request_duration_seconds histogram\n");
        for ((service, path), route) in routes.iter().filter(|((_, path), _)| *path != NO_ROUTE) {
            write_histogram(out, &format!("service=\"{service}\",route=\"{path}\""), route);
        }
    }
}

fn write_histogram(out: &mut String, labels: &str, route: &Route) {
    let name = "weir_http_request_duration_seconds";
    let mut total = 0;
    for (at, count) in route.buckets.iter().enumerate() {
        total += count.load(Ordering::Relaxed);
        let bound = BUCKETS_US.get(at).map(|bound| (*bound as f64 / 1e6).to_string());
        let bound = bound.as_deref().unwrap_or("+Inf");
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {total}");
    }
    let sum = route.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
    let _ = writeln!(out, "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {total}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let requests = Requests::default();
        let route = "/subjects/{subject}";
        for (method, status, took_us) in
            [(Method::GET, 200, 90), (Method::GET, 200, 100), (Method::DELETE, 599, 2_000_000)]
        {
            let status = StatusCode::from_u16(status).unwrap();
            let counts = requests.route("registry", route);
            counts.count(index_of_method(&method), status, Duration::from_micros(took_us));
        }
        let mut out = String::new();
        requests.write(&mut out);
        let of = "service=\"registry\",route=\"/subjects/{subject}\"";
        for line in [
            format!("weir_http_requests_total{{{of},method=\"GET\",status=\"200\"}} 2"),
            format!("weir_http_requests_total{{{of},method=\"DELETE\",status=\"500\"}} 1"),
            format!("weir_http_request_duration_seconds_bucket{{{of},le=\"0.0001\"}} 2"),
            format!("weir_http_request_duration_seconds_bucket{{{of},le=\"1\"}} 2"),
            format!("weir_http_request_duration_seconds_bucket{{{of},le=\"5\"}} 3"),
            format!("weir_http_request_duration_seconds_bucket{{{of},le=\"+Inf\"}} 3"),
            format!("weir_http_request_duration_seconds_count{{{of}}} 3"),
        ] {
            assert!(out.lines().any(|found| found == line), "{line}\n{out}");
        }
    }

    #[test]
    fn statuses_are_in_the_order_that_they_are_looked_up_in() {
        assert!(STATUSES.is_sorted() && BUCKETS_US.is_sorted());
    }
}
