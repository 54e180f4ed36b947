//! What is seen of requests: how many of each route there were, how long their answers took, and a line for each in
//! the access log.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
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

/// Has a router say in each answer which of its routes has made it: for `Router::route_layer`.
#[derive(Clone, Copy)]
pub struct NameRoutes;

impl<S> Layer<S> for NameRoutes {
    type Service = NamedRoute<S>;

    fn layer(&self, route: S) -> NamedRoute<S> {
        NamedRoute(route)
    }
}

/// A route that says in its answers which it is.
#[derive(Clone)]
pub struct NamedRoute<S>(S);

impl<S: Service<Request, Response = Response>> Service<Request> for NamedRoute<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Naming<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Naming<S::Future> {
        let route = request.extensions_mut().remove::<MatchedPath>();
        Naming { answering: self.0.call(request), route }
    }
}

pin_project! {
    /// An answer that is being made by a route.
    pub struct Naming<F> {
        #[pin]
        answering: F,
        route: Option<MatchedPath>,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for Naming<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answered = ready!(this.answering.poll(context));
        if let (Ok(response), Some(route)) = (&mut answered, this.route.take()) {
            response.extensions_mut().insert(route);
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
        let arrival = request.extensions().get::<Arrival>().cloned();
        let line = tracing::enabled!(target: ACCESS_LOG, tracing::Level::DEBUG)
            .then(|| Box::new(Line::of(&request)));
        let seen = Seen {
            service: self.name,
            method: request.method().clone(),
            began: Instant::now(),
            arrival,
            line,
        };
        Observing { answering: self.service.call(request), seen }
    }
}

pin_project! {
    /// An answer that is being made.
    pub struct Observing<F> {
        #[pin]
        answering: F,
        seen: Seen,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Observing<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answered = ready!(this.answering.poll(context));
        if let Ok(response) = &answered {
            this.seen.answered(response);
        }
        Poll::Ready(answered)
    }
}

/// A request that is being answered.
struct Seen {
    service: &'static str,
    method: Method,
    began: Instant,
    arrival: Option<Arrival>,
    /// If there is an access log.
    line: Option<Box<Line>>,
}

/// What the access log says of a request.
struct Line {
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
            principal: Principal::of(request.extensions()),
            path,
            version: request.version(),
            user_agent: agent.map(str::to_string),
        }
    }
}

impl Seen {
    fn answered(&mut self, response: &Response) {
        let took = self.began.elapsed();
        let route =
            response.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str);
        if let Some(Arrival(connection)) = &self.arrival {
            let requests = &connection.shared().requests;
            requests.count(self.service, route, &self.method, response.status(), took);
        }
        let Some(line) = self.line.take() else { return };
        let id = response.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
        tracing::debug!(
            target: ACCESS_LOG,
            service = self.service,
            principal = %line.principal,
            method = %self.method,
            path = line.path,
            version = ?line.version,
            status = response.status().as_u16(),
            error_code = response.extensions().get::<AnsweredCode>().map(|code| code.0),
            bytes = response.body().size_hint().exact(),
            duration_us = took.as_micros() as u64,
            route,
            request_id = id,
            user_agent = line.user_agent,
        );
    }
}

/// Requests of all services, by route. Routes are those of the routers: there are not more than these.
#[derive(Default)]
pub(crate) struct Requests {
    by_service: ArcSwap<HashMap<&'static str, Routes>>,
    adding: Mutex<()>,
}

type Routes = HashMap<Box<str>, Arc<Route>>;

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

    fn count(&self, method: &Method, status: StatusCode, took: Duration) {
        let method = METHODS.iter().position(|known| known == method).unwrap_or(METHODS.len());
        self.counts[method][index_of(status)].fetch_add(1, Ordering::Relaxed);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.partition_point(|bound| *bound < took_us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }
}

/// The place of a status in [`STATUSES`].
fn index_of(status: StatusCode) -> usize {
    let hundred = status.as_u16() / 100 * 100;
    let find = |status: u16| STATUSES.binary_search(&status);
    find(status.as_u16()).or_else(|_| find(hundred)).unwrap_or_default()
}

impl Requests {
    fn count(
        &self,
        service: &'static str,
        route: &str,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let known = self.by_service.load();
        match known.get(service).and_then(|routes| routes.get(route)) {
            Some(route) => route.count(method, status, took),
            None => self.add(service, route).count(method, status, took),
        }
    }

    fn add(&self, service: &'static str, route: &str) -> Arc<Route> {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = HashMap::clone(&self.by_service.load());
        let routes = all.entry(service).or_default();
        let route = routes.entry(route.into()).or_insert_with(|| Arc::new(Route::new())).clone();
        self.by_service.store(Arc::new(all));
        route
    }

    /// In Prometheus' text format, sorted by service and route.
    pub(crate) fn write(&self, out: &mut String) {
        let known = self.by_service.load();
        let mut routes: Vec<_> = known
            .iter()
            .flat_map(|(service, routes)| {
                routes.iter().map(move |(path, route)| (service, path, route))
            })
            .collect();
        routes.sort_by_key(|(service, path, _)| (**service, (*path).clone()));
        out.push_str("# HELP weir_http_requests_total Requests that were answered, by route.\n");
        out.push_str("# TYPE weir_http_requests_total counter\n");
        for (service, path, route) in &routes {
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
        for (service, path, route) in &routes {
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
            requests.count("registry", route, &method, status, Duration::from_micros(took_us));
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
