//! What is seen of requests: how many of each route there were, how long their answers took, and a line for each in
//! the access log.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use axum::routing::MethodRouter;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::answer::AnsweredCode;
use crate::connection::Arrival;
use crate::principal::Principal;
use crate::request_id::REQUEST_ID;

/// The target of the access log's lines, which are written at the level `debug`.
pub const ACCESS_LOG: &str = "weir::access";

/// What requests are counted under that no route has.
const NO_ROUTE: &str = "none";

const METHODS: [Method; 7] = [
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

/// A router whose requests are counted by route.
pub struct Routes<S> {
    service: &'static str,
    router: Router<S>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet, of a service of this name.
    pub fn new(service: &'static str) -> Routes<S> {
        Routes { service, router: Router::new() }
    }

    /// With a route, as `Router::route` has it.
    pub fn route(self, path: &'static str, methods: MethodRouter<S>) -> Routes<S> {
        let counted = CountedRoutes { service: self.service, path };
        Routes { router: self.router.route(path, methods.layer(counted)), ..self }
    }

    pub fn into_router(self) -> Router<S> {
        self.router
    }
}

/// Counts what the methods of one path answer.
#[derive(Clone, Copy)]
struct CountedRoutes {
    service: &'static str,
    path: &'static str,
}

impl<R> Layer<R> for CountedRoutes {
    type Service = CountedRoute<R>;

    fn layer(&self, route: R) -> CountedRoute<R> {
        CountedRoute { of: *self, counts: Arc::default(), route }
    }
}

#[derive(Clone)]
struct CountedRoute<R> {
    of: CountedRoutes,
    /// Found when the first request comes.
    counts: Arc<OnceLock<Arc<Route>>>,
    route: R,
}

impl<R: Service<Request, Response = Response>> Service<Request> for CountedRoute<R> {
    type Response = Response;
    type Error = R::Error;
    type Future = Counting<R::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), R::Error>> {
        self.route.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Counting<R::Future> {
        let counted = request.extensions().get::<Arrival>().map(|Arrival(connection)| {
            let CountedRoutes { service, path } = self.of;
            connection.take_route(path);
            let all = &connection.shared().requests;
            let counts = self.counts.get_or_init(|| all.route(service, path)).clone();
            (counts, index_of_method(request.method()), Instant::now())
        });
        Counting { answering: self.route.call(request), counted }
    }
}

pin_project! {
    /// An answer that is being made by a route.
    struct Counting<F> {
        #[pin]
        answering: F,
        counted: Option<(Arc<Route>, usize, Instant)>,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for Counting<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answered = ready!(this.answering.poll(context));
        if let (Ok(response), Some((counts, method, began))) = (&answered, this.counted.take()) {
            counts.count(method, response.status(), began.elapsed());
        }
        Poll::Ready(answered)
    }
}

/// A service whose requests are counted and logged.
#[derive(Clone)]
pub struct Observed<S> {
    name: &'static str,
    service: S,
}

/// Counts and logs a service's requests under a name.
pub fn observed<S>(name: &'static str, service: S) -> Observed<S> {
    Observed { name, service }
}

impl<S: Service<Request, Response = Response, Error = Infallible>> Service<Request>
    for Observed<S>
{
    type Response = Response;
    type Error = Infallible;
    type Future = Observing<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Observing<S::Future> {
        let line = tracing::enabled!(target: ACCESS_LOG, tracing::Level::DEBUG)
            .then(|| Box::new(Line::of(&request)));
        let seen = request.extensions().get::<Arrival>().cloned().map(|arrival| Seen {
            service: self.name,
            method: index_of_method(request.method()),
            arrival,
            line,
        });
        Observing { answering: self.service.call(request), seen }
    }
}

pin_project! {
    /// An answer that is being made.
    pub struct Observing<F> {
        #[pin]
        answering: F,
        seen: Option<Seen>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Observing<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answered = ready!(this.answering.poll(context));
        if let (Ok(response), Some(seen)) = (&answered, this.seen.take()) {
            seen.answered(response);
        }
        Poll::Ready(answered)
    }
}

/// A request that is being answered.
struct Seen {
    service: &'static str,
    method: usize,
    arrival: Arrival,
    /// If there is an access log.
    line: Option<Box<Line>>,
}

/// What the access log says of a request.
struct Line {
    began: Instant,
    principal: Principal,
    path: String,
    version: axum::http::Version,
    user_agent: Option<String>,
}

impl Line {
    fn of(request: &Request) -> Line {
        let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        Line {
            began: Instant::now(),
            principal: Principal::of(request.extensions()),
            path,
            version: request.version(),
            user_agent: agent.map(str::to_string),
        }
    }
}

impl Seen {
    fn answered(self, response: &Response) {
        let connection = &self.arrival.0;
        let route = connection.give_route();
        if route.is_none() {
            // no route has counted it
            let counts = connection.shared().requests.route(self.service, NO_ROUTE);
            counts.count_only(self.method, response.status());
        }
        let Some(line) = self.line else { return };
        let id = response.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
        tracing::debug!(
            target: ACCESS_LOG,
            service = self.service,
            principal = %line.principal,
            method = METHODS.get(self.method).map_or("other", Method::as_str),
            path = line.path,
            version = ?line.version,
            status = response.status().as_u16(),
            error_code = response.extensions().get::<AnsweredCode>().map(|code| code.0),
            bytes = response.body().size_hint().exact(),
            duration_us = line.began.elapsed().as_micros() as u64,
            route = route.unwrap_or(NO_ROUTE),
            request_id = id,
            user_agent = line.user_agent,
        );
    }
}

/// Requests of all services, by service and route. Routes are those of the routers: there are not more than these.
#[derive(Default)]
pub(crate) struct Requests(Mutex<BTreeMap<(&'static str, &'static str), Arc<Route>>>);

struct Route {
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
    fn count_only(&self, method: usize, status: StatusCode) {
        self.counts[method][index_of(status)].fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self, method: usize, status: StatusCode, took: Duration) {
        self.count_only(method, status);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.partition_point(|bound| *bound < took_us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }
}

/// The place of a method in [`METHODS`], or behind all of them.
fn index_of_method(method: &Method) -> usize {
    METHODS.iter().position(|known| known == method).unwrap_or(METHODS.len())
}

/// The place of a status in [`STATUSES`].
fn index_of(status: StatusCode) -> usize {
    let hundred = status.as_u16() / 100 * 100;
    let find = |status: u16| STATUSES.binary_search(&status);
    find(status.as_u16()).or_else(|_| find(hundred)).unwrap_or_default()
}

impl Requests {
    fn route(&self, service: &'static str, path: &'static str) -> Arc<Route> {
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
