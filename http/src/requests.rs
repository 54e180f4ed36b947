//! Requests as they are counted, by the route that answers each.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower::{Layer, Service};
use weir_errors::ErrorBody;

use crate::answer::{AnsweredCode, Json};
use crate::connection::Arrival;
use crate::counts::{NO_ROUTE, Route, ServiceCounts, UnderWay, index_of_method};
use crate::follow::{Followed, followed};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

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
        let counted = request.extensions().get::<Arrival>().map(|Arrival(exchange)| {
            let CountedRoutes { service, path } = self.of;
            exchange.take_route(path);
            weir_trace::with_current(|current| current.ongoing.take_route(path));
            let all = &exchange.shared().requests;
            let counts = self.counts.get_or_init(|| all.route(service, path)).clone();
            counts.count_body(announced_bytes(&request));
            (counts, index_of_method(request.method()), Instant::now())
        });
        Counting { answering: self.route.call(request), counted }
    }
}

/// Bytes of the body that a request announces.
fn announced_bytes(request: &Request) -> u64 {
    if request.body().is_end_stream() {
        return 0;
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
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
            counts.count(method, response, began.elapsed());
        }
        Poll::Ready(answered)
    }
}

/// A service whose requests are counted.
#[derive(Clone)]
pub struct Observed<S> {
    name: &'static str,
    /// Found when the first request comes.
    counts: Arc<OnceLock<Arc<ServiceCounts>>>,
    service: S,
}

/// Counts, logs and traces a service's requests under a name.
pub fn observed<S>(name: &'static str, service: S) -> Followed<Observed<S>> {
    followed(name, Observed { name, counts: Arc::default(), service })
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
        let seen = request.extensions().get::<Arrival>().cloned().map(|arrival| {
            let all = &arrival.0.shared().requests;
            let under_way = self.counts.get_or_init(|| all.service(self.name)).begin();
            let method = index_of_method(request.method());
            Seen { service: self.name, method, arrival, under_way }
        });
        Observing { answering: self.service.call(request), seen, deadline: None }
    }
}

pin_project! {
    /// An answer that is being made.
    pub struct Observing<F> {
        #[pin]
        answering: F,
        seen: Option<Seen>,
        // set once the answer has to be waited for: most are there at once
        deadline: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Observing<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut is_late = false;
        let answered = match this.answering.poll(context) {
            Poll::Ready(answered) => answered,
            Poll::Pending => {
                let Some(seen) = this.seen else { return Poll::Pending };
                let limit = seen.arrival.0.shared().limits.request_timeout;
                let deadline = this.deadline.get_or_insert_with(|| Box::pin(sleep(limit)));
                ready!(deadline.as_mut().poll(context));
                seen.arrival.0.shared().late_requests.fetch_add(1, Ordering::Relaxed);
                is_late = true;
                Ok(too_late())
            }
        };
        if let (Ok(response), Some(seen)) = (&answered, this.seen.take()) {
            seen.answered(response, is_late);
        }
        Poll::Ready(answered)
    }
}

/// The answer to a request that has taken its time without one. What it asked for is given up, and may have been done.
fn too_late() -> Response {
    let message = "The request has taken too long.".to_string();
    let answer = Json(ErrorBody { error_code: 503, message });
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, answer).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response.extensions_mut().insert(AnsweredCode(503));
    response
}

/// A request that is being answered.
struct Seen {
    service: &'static str,
    method: usize,
    arrival: Arrival,
    under_way: UnderWay,
}

impl Seen {
    /// `is_late`: the answer is ours, and that of the service was given up.
    fn answered(self, response: &Response, is_late: bool) {
        let exchange = &self.arrival.0;
        let route = exchange.give_route();
        if route.is_none() || is_late {
            // no route has counted it
            let counts = exchange.shared().requests.route(self.service, route.unwrap_or(NO_ROUTE));
            counts.count_only(self.method, response.status());
        }
        self.under_way.answered(response.extensions().get::<AnsweredCode>().map(|code| code.0));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use tower::service_fn;

    use super::*;
    use crate::connection::Connection;
    use crate::exchange::Exchange;
    use crate::limits::Limits;
    use crate::shared::{Shared, Site};

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_answered_503_and_given_up() {
        let shared = Arc::new(Shared::new(Limits::for_descriptors(64)));
        let limit = shared.limits.request_timeout;
        let site = Arc::new(Site::new(shared.clone(), "127.0.0.1:1".parse().unwrap(), false));
        let (connection, _ending) = Connection::new("127.0.0.1:2".parse().unwrap(), site);
        let answer = |after: Duration| {
            service_fn(move |_: Request| async move {
                sleep(after).await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            })
        };
        for (after, status) in [(limit / 2, 200), (limit * 2, 503)] {
            let mut request = Request::new(Body::empty());
            let exchange = Exchange::in_turn(connection.clone());
            request.extensions_mut().insert(Arrival(exchange));
            let response = observed("test", answer(after)).call(request).await.unwrap();
            assert_eq!(response.status(), status);
        }
        assert_eq!(shared.late_requests.load(Ordering::Relaxed), 1);
    }
}
