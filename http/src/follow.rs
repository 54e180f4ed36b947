//! A request from its head to the end of its answer: its id and its trace, a line in the access log, one if it was slow, and
//! its span.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::Service;
use weir_trace::{Current, Ongoing, Phase, Within, made_within};

use crate::access_log::{Answer, Head, is_on};
use crate::connection::Arrival;
use crate::request_id;
use crate::sending::{Sending, Sent};
use crate::slow::Slow;

/// Bytes of an answer that are gone when they are handed over: the system takes more for a client that does not read.
const SMALL_BYTES: u64 = 64 * 1024;

/// The service whose requests are in no trace: probes and scrapes come every few seconds.
const UNTRACED: &str = "management";

/// A service whose requests have a place in logs and traces.
#[derive(Clone)]
pub struct Followed<S> {
    name: &'static str,
    service: S,
}

/// Follows a service's requests under a name.
pub(crate) fn followed<S>(name: &'static str, service: S) -> Followed<S> {
    Followed { name, service }
}

impl<S: Service<Request, Response = Response, Error = Infallible>> Service<Request>
    for Followed<S>
{
    type Response = Response;
    type Error = Infallible;
    type Future = Following<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Following<S::Future> {
        let open = Open::new(self.name, &request);
        let current = Current::new(open.ongoing.clone());
        let answering = made_within(current, || self.service.call(request));
        Following { answering, asked: Asked(Some(open)) }
    }
}

pin_project! {
    /// An answer that is being made.
    pub struct Following<F> {
        #[pin]
        answering: Within<F>,
        asked: Asked,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Following<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.answering.poll(context) {
            Poll::Ready(Ok(response)) => Poll::Ready(Ok(this.asked.answered(response))),
            Poll::Pending => {
                if let Some(open) = &mut this.asked.0 {
                    // a request that is answered at once needs no clock
                    open.began.get_or_insert_with(Instant::now);
                }
                Poll::Pending
            }
        }
    }
}

/// A request that is not answered yet; if this is dropped, its client has gone.
struct Asked(Option<Open>);

/// A request that has not ended.
struct Open {
    service: &'static str,
    method: Method,
    uri: Uri,
    ongoing: Arc<Ongoing>,
    /// How long a request may take before it is slow; zero if none is.
    slow: Duration,
    /// Known where somebody wants to know it, or it had to be waited for.
    began: Option<Instant>,
    /// What the access log and a span say, if there is either.
    head: Option<Box<Head>>,
}

impl Open {
    fn new(service: &'static str, request: &Request) -> Open {
        let headers = request.headers();
        let ongoing = Ongoing::begin(request_id::given(headers), headers, service != UNTRACED);
        let is_recorded = ongoing.trace().is_some_and(|trace| trace.is_recorded);
        let head = (is_on() || is_recorded).then(|| Box::new(Head::of(request)));
        let arrival = request.extensions().get::<Arrival>();
        Open {
            service,
            method: request.method().clone(),
            uri: request.uri().clone(),
            ongoing: Arc::new(ongoing),
            slow: arrival.map_or(Duration::ZERO, |it| it.0.shared().limits.slow_request),
            began: head.is_some().then(Instant::now),
            head,
        }
    }

    /// Says what there is to say, `took` after the head came.
    fn end(self, answer: Option<&Answer>, took: Duration) {
        let current = Current::new(self.ongoing.clone());
        current.enter(|| {
            if let Some(head) = &self.head {
                head.write(self.service, &self.method, &self.uri, &self.ongoing, answer, took);
            }
            if took >= self.slow && !self.slow.is_zero() {
                let path = crate::access_log::shown(&self.uri);
                let status = answer.map(|answer| answer.status.as_u16());
                let (service, method) = (self.service, &self.method);
                Slow { service, method, path: &path, status, took }.write(self.slow, &self.ongoing);
            }
        });
    }
}

impl Asked {
    fn answered(&mut self, response: Response) -> Response {
        let Some(open) = self.0.take() else { return response };
        let bytes = response.body().size_hint().exact();
        let is_gone_at_once = bytes.is_some_and(|bytes| bytes <= SMALL_BYTES);
        if is_gone_at_once || (bytes.is_none() && open.head.is_none()) {
            let Some(began) = open.began else { return response };
            let answer = Answer::of(&response, bytes);
            open.end(Some(&answer), began.elapsed());
            return response;
        }
        let now = Instant::now();
        let (began, answer) = (open.began.unwrap_or(now), Answer::of(&response, None));
        let request = Current::new(open.ongoing.clone());
        // a stream lasts as long as its client likes
        let is_stream = bytes.is_none();
        let leaving = Leaving { open, answer, began, answered: now, is_stream };
        response.map(|body| Body::new(Sending::new(body, request, leaving)))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(open) = self.0.take()
            && let Some(began) = open.began
        {
            open.end(None, began.elapsed());
        }
    }
}

/// A request whose answer is on its way.
struct Leaving {
    open: Open,
    answer: Answer,
    began: Instant,
    answered: Instant,
    is_stream: bool,
}

impl Sent for Leaving {
    fn sent(self, bytes: u64, is_whole: bool) {
        let Leaving { mut open, mut answer, began, answered, is_stream } = self;
        (answer.bytes, answer.is_whole) = (Some(bytes), is_whole);
        match is_stream {
            true if answered.duration_since(began) < open.slow => open.slow = Duration::ZERO,
            true => {}
            false => open.ongoing.add(Phase::Sending, answered.elapsed()),
        }
        open.end(Some(&answer), began.elapsed());
    }
}

impl Answer {
    fn of(response: &Response, bytes: Option<u64>) -> Answer {
        Answer {
            status: response.status(),
            error_code: response.extensions().get::<crate::AnsweredCode>().map(|code| code.0),
            bytes,
            is_whole: true,
            principal: crate::access_log::known(response),
        }
    }

    /// Returns true if the fault is the server's.
    pub(crate) fn is_failure(&self) -> bool {
        self.status >= StatusCode::INTERNAL_SERVER_ERROR
    }
}
