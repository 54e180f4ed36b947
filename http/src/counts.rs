//! How many requests each route has answered, how long that took, and how large they and their answers were.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::HttpBody;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use weir_metrics::{Collect, Histogram, LATENCY, SIZES, Scrape};

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

/// Error codes that are counted each by itself; the APIs have fewer.
const CODES_MAX: usize = 512;

/// Requests of all services, by service and route. Routes are those of the routers: there are not more than these.
#[derive(Default)]
pub(crate) struct Requests {
    routes: Mutex<BTreeMap<(&'static str, &'static str), Arc<Route>>>,
    services: Mutex<BTreeMap<&'static str, Arc<ServiceCounts>>>,
}

/// What a service has under way, and what it has refused.
#[derive(Default)]
pub(crate) struct ServiceCounts {
    /// Requests whose answers have not begun.
    in_flight: AtomicUsize,
    /// Requests whose clients left before an answer began.
    abandoned: AtomicU64,
    /// Answers with an error, by the code in their body.
    errors: Mutex<BTreeMap<u32, u64>>,
}

/// A request that is under way until this is dropped.
pub(crate) struct UnderWay {
    service: Arc<ServiceCounts>,
    is_answered: bool,
}

impl ServiceCounts {
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        UnderWay { service: self.clone(), is_answered: false }
    }
}

impl UnderWay {
    /// The answer begins; `error_code` is that of its body, if it has one.
    pub(crate) fn answered(mut self, error_code: Option<u32>) {
        self.is_answered = true;
        let Some(code) = error_code else { return };
        let mut errors = self.service.errors.lock().unwrap_or_else(PoisonError::into_inner);
        if errors.len() < CODES_MAX || errors.contains_key(&code) {
            *errors.entry(code).or_default() += 1;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.service.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.is_answered {
            self.service.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(crate) struct Route {
    counts: [[AtomicU64; STATUSES.len()]; METHODS.len() + 1],
    took: Histogram,
    /// Sizes of bodies that requests announce.
    request_bytes: Histogram,
    /// Sizes of answers, where they are known when the answer begins.
    response_bytes: Histogram,
}

impl Route {
    fn new() -> Route {
        let counts = std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0)));
        Route {
            counts,
            took: Histogram::new(&LATENCY),
            request_bytes: Histogram::new(&SIZES),
            response_bytes: Histogram::new(&SIZES),
        }
    }

    /// Counts a request by its method's place in [`METHODS`].
    pub(crate) fn count_only(&self, method: usize, status: StatusCode) {
        self.counts[method][index_of(status)].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request with the time until its answer began and, where it is known, the size of that.
    pub(crate) fn count(&self, method: usize, response: &Response, took: Duration) {
        self.count_only(method, response.status());
        self.took.observe_time(took);
        if let Some(bytes) = response.body().size_hint().exact() {
            self.response_bytes.observe(bytes);
        }
    }

    /// Counts the body that a request announces, if it has one.
    pub(crate) fn count_body(&self, bytes: u64) {
        if bytes > 0 {
            self.request_bytes.observe(bytes);
        }
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
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.entry((service, path)).or_insert_with(|| Arc::new(Route::new())).clone()
    }

    pub(crate) fn service(&self, service: &'static str) -> Arc<ServiceCounts> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.entry(service).or_default().clone()
    }
}

impl Collect for Requests {
    fn collect(&self, scrape: &mut Scrape) {
        families::FAMILIES.iter().for_each(|family| scrape.declare(family));
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((service, path), route) in &routes {
            for (method, counts) in route.counts.iter().enumerate() {
                let method = METHODS.get(method).map_or("other", Method::as_str);
                for (status, count) in STATUSES.iter().zip(counts) {
                    let count = count.load(Ordering::Relaxed);
                    if count > 0 {
                        let labels = [service, path, method, &status.to_string()];
                        scrape.add(&families::REQUESTS, &labels, count);
                    }
                }
            }
            if *path != NO_ROUTE {
                let labels = [*service, *path];
                scrape.add(&families::DURATION, &labels, &route.took);
                // most routes take no bodies
                if !route.request_bytes.is_empty() {
                    scrape.add(&families::REQUEST_SIZE, &labels, &route.request_bytes);
                }
                scrape.add(&families::RESPONSE_SIZE, &labels, &route.response_bytes);
            }
        }
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (service, counts) in &services {
            let in_flight = counts.in_flight.load(Ordering::Relaxed);
            scrape.add(&families::IN_FLIGHT, &[service], in_flight);
            let abandoned = counts.abandoned.load(Ordering::Relaxed);
            scrape.add(&families::ABANDONED, &[service], abandoned);
            let errors = counts.errors.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for (code, count) in errors {
                scrape.add(&families::ERRORS, &[service, &code.to_string()], count);
            }
        }
    }
}

/// The families of requests.
pub(crate) mod families {
    use weir_metrics::{Family, LATENCY, SIZES, Unit};

    weir_metrics::families! {
        pub REQUESTS = Family::counter(
            "weir_http_requests_total",
            Unit::Count("requests"),
            "Requests that were answered, by route, method and status.",
        )
        .by(&["service", "route", "method", "status"])
        .watch("Traffic, and the share of errors. A route is a template such as `/subjects/{subject}`, and `none` where no route took the request; a status that is rare counts as the first of its hundred.");
        pub DURATION = Family::histogram(
            "weir_http_request_duration_seconds",
            &LATENCY,
            "Time from a request's head to its answer's, by route.",
        )
        .by(&["service", "route"])
        .watch("Latency. Reads of consumers wait for records on purpose: look at them apart.");
        pub REQUEST_SIZE = Family::histogram(
            "weir_http_request_size_bytes",
            &SIZES,
            "Bodies that requests announced with Content-Length, by route.",
        )
        .by(&["service", "route"])
        .watch("What is sent to us, and how near the largest comes to the limit of a body.");
        pub RESPONSE_SIZE = Family::histogram(
            "weir_http_response_size_bytes",
            &SIZES,
            "Bodies of answers whose size was known when they began, before compression, by route.",
        )
        .by(&["service", "route"])
        .watch("What is sent by us. Streams are not among them.");
        pub IN_FLIGHT = Family::gauge(
            "weir_http_requests_in_flight",
            Unit::Count("requests"),
            "Requests whose answers have not begun, by service.",
        )
        .by(&["service"])
        .watch("What waits. Reads of consumers wait on purpose.");
        pub ABANDONED = Family::counter(
            "weir_http_requests_abandoned_total",
            Unit::Count("requests"),
            "Requests whose clients left before an answer began, by service.",
        )
        .by(&["service"])
        .watch("Clients whose timeouts are shorter than our answers.");
        pub ERRORS = Family::counter(
            "weir_http_errors_total",
            Unit::Count("answers"),
            "Answers with an error, by the code in their body.",
        )
        .by(&["service", "error_code"])
        .watch("What goes wrong, by the codes of docs/errors.md.");
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use weir_metrics::Format;

    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_status_and_size() {
        let requests = Requests::default();
        let route = "/subjects/{subject}";
        for (method, status, took_us, bytes) in [
            (Method::GET, 200, 90, 3),
            (Method::GET, 200, 100, 300),
            (Method::DELETE, 599, 2_000_000, 0),
        ] {
            let counts = requests.route("registry", route);
            let mut response = Response::new(Body::from(vec![0; bytes]));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            counts.count(index_of_method(&method), &response, Duration::from_micros(took_us));
            counts.count_body(0);
        }
        let out = Scrape::of(&requests).text(Format::Text);
        let of = "service=\"registry\",route=\"/subjects/{subject}\"";
        for line in [
            format!("weir_http_requests_total{{{of},method=\"GET\",status=\"200\"}} 2"),
            format!("weir_http_requests_total{{{of},method=\"DELETE\",status=\"500\"}} 1"),
            format!("weir_http_request_duration_seconds_bucket{{{of},le=\"0.0001\"}} 2"),
            format!("weir_http_request_duration_seconds_bucket{{{of},le=\"1.0\"}} 2"),
            format!("weir_http_request_duration_seconds_bucket{{{of},le=\"5.0\"}} 3"),
            format!("weir_http_request_duration_seconds_sum{{{of}}} 2.00019"),
            format!("weir_http_request_duration_seconds_count{{{of}}} 3"),
            format!("weir_http_response_size_bytes_bucket{{{of},le=\"256.0\"}} 2"),
            format!("weir_http_response_size_bytes_sum{{{of}}} 303"),
        ] {
            assert!(out.lines().any(|l| l == line), "{line} is not in:\n{out}");
        }
    }

    #[test]
    fn bodies_are_counted_where_there_are_any() {
        let requests = Requests::default();
        let route = requests.route("proxy", "/topics/{topic}");
        route.count_body(0);
        let text = || Scrape::of(&requests).text(Format::Text);
        assert!(!text().contains("weir_http_request_size_bytes_count"));
        route.count_body(300);
        let of = "service=\"proxy\",route=\"/topics/{topic}\"";
        let line = format!("weir_http_request_size_bytes_sum{{{of}}} 300");
        assert!(text().lines().any(|found| found == line), "{}", text());
    }

    #[test]
    fn a_request_is_in_flight_until_it_is_answered_or_abandoned() {
        let requests = Requests::default();
        let service = requests.service("registry");
        let [answered, refused, abandoned] = [(); 3].map(|()| service.begin());
        let read = || {
            let in_flight = service.in_flight.load(Ordering::Relaxed);
            (in_flight, service.abandoned.load(Ordering::Relaxed))
        };
        assert_eq!(read(), (3, 0));
        answered.answered(None);
        refused.answered(Some(40401));
        drop(abandoned);
        assert_eq!(read(), (0, 1));
        assert_eq!(*service.errors.lock().unwrap(), BTreeMap::from([(40401, 1)]));
    }

    #[test]
    fn statuses_are_in_the_order_that_they_are_looked_up_in() {
        assert!(STATUSES.is_sorted());
    }
}
