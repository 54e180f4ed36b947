//! A service whose requests come in through their listener's [`Door`].

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Service, ServiceExt};
use weir_access::Proof;

use super::caller::{Caller, Note};
use super::door::{Door, Recognised, address};
use super::line;
use super::quota::Spending;
use super::refusal::{Refusal, unauthorized};
use crate::connection::Arrival;
use crate::request_id::{self, REQUEST_ID};

/// A service behind its listeners' doors. A listener without one lets everybody in.
#[derive(Clone)]
pub struct Admitted<S> {
    name: &'static str,
    service: S,
    believes_vouchers: bool,
}

impl<S> Admitted<S> {
    /// Believes those who may vouch for callers: nodes that forward requests, and the proxy of this process.
    pub fn believing_vouchers(self) -> Admitted<S> {
        Admitted { believes_vouchers: true, ..self }
    }
}

/// Has the requests of a service come in through their listeners' doors.
pub fn admitted<S>(name: &'static str, service: S) -> Admitted<S> {
    Admitted { name, service, believes_vouchers: false }
}

impl<S> Service<Request> for Admitted<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Admitting<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Admitting<S::Future> {
        let arrival = request.extensions().get::<Arrival>();
        let Some(door) = arrival.and_then(|arrival| arrival.0.site.door.clone()) else {
            return Admitting::Open { answering: self.service.call(request) };
        };
        let mut asked = Asked::of(&request, door, self.name);
        match asked.door.recognise(&request, self.believes_vouchers) {
            Recognised::Decided(Ok((caller, spending))) => {
                let request = asked.let_in(request, caller, spending);
                let answering = self.service.call(request);
                Admitting::Known { answering, asked: Some(asked) }
            }
            Recognised::Decided(Err(refusal)) => {
                let id = request_id::of(request.headers());
                Admitting::Boxed { answering: Box::pin(asked.refuse(refusal, id)) }
            }
            Recognised::Unchecked(digest, credentials) => {
                // what is cloned may not be ready, what was asked is
                let spare = self.service.clone();
                let service = std::mem::replace(&mut self.service, spare);
                let id = request_id::of(request.headers());
                Admitting::Boxed {
                    answering: Box::pin(async move {
                        let checked = asked.door.check(digest, credentials, asked.address).await;
                        match checked {
                            Ok((caller, spending)) => {
                                let request = asked.let_in(request, caller, spending);
                                let answered = service.oneshot(request).await;
                                let response = answered.unwrap_or_else(|never| match never {});
                                asked.finish(response).await
                            }
                            Err(refusal) => asked.refuse(refusal, id).await,
                        }
                    }),
                }
            }
        }
    }
}

pin_project! {
    /// An answer that is being made.
    #[project = AdmittingProjected]
    pub enum Admitting<F> {
        Open { #[pin] answering: F },
        Known { #[pin] answering: F, asked: Option<Asked> },
        Boxed { answering: Pin<Box<dyn Future<Output = Response> + Send>> },
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Admitting<F> {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let finishing = match self.as_mut().project() {
            AdmittingProjected::Open { answering } => return answering.poll(context),
            AdmittingProjected::Boxed { answering } => {
                return answering.as_mut().poll(context).map(Ok);
            }
            AdmittingProjected::Known { answering, asked } => {
                let Ok(response) = ready!(answering.poll(context));
                let Some(asked) = asked.take() else { return Poll::Ready(Ok(response)) };
                if !asked.has_more_to_do(&response) {
                    return Poll::Ready(Ok(asked.seen(response)));
                }
                Box::pin(asked.finish(response))
            }
        };
        self.set(Admitting::Boxed { answering: finishing });
        self.poll(context)
    }
}

/// What is kept of a request while it is answered.
pub struct Asked {
    door: Arc<Door>,
    service: &'static str,
    method: Method,
    uri: Uri,
    address: Option<IpAddr>,
    /// Once it is known.
    caller: Caller,
    spending: Option<Arc<Spending>>,
}

impl Asked {
    fn of(request: &Request, door: Arc<Door>, service: &'static str) -> Asked {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (address, caller) = (address(request), Caller::ANYBODY);
        Asked { door, service, method, uri, address, caller, spending: None }
    }

    /// Tells the service who asks. What its body brings is paid for as it comes.
    fn let_in(
        &mut self,
        mut request: Request,
        caller: Caller,
        spending: Option<Arc<Spending>>,
    ) -> Request {
        request.extensions_mut().insert(caller.clone());
        (self.caller, self.spending) = (caller, spending.clone());
        match spending {
            None => request,
            Some(spending) => {
                request.map(|body| Body::new(Paid { body, spending, pays: true, pause: None }))
            }
        }
    }

    /// Returns true if an answer has to wait for the audit log, or is another one for who has not logged in.
    fn has_more_to_do(&self, response: &Response) -> bool {
        response.status() == StatusCode::FORBIDDEN || self.caller.has_notes()
    }

    /// Writes down what the request has asked for, and gives the answer its last form.
    async fn finish(self, mut response: Response) -> Response {
        let notes = self.caller.take_notes();
        let is_denied = notes.iter().any(|note| !note.allowed);
        let is_nobody = self.caller.identity().is_some_and(|it| it.proof == Proof::Nothing);
        if is_denied {
            self.door.counts.denied.fetch_add(1, Ordering::Relaxed);
        }
        // who has not logged in may be somebody who may
        if is_denied && is_nobody && response.status() == StatusCode::FORBIDDEN {
            let id = response.headers_mut().remove(&REQUEST_ID);
            response = unauthorized(self.door.challenges());
            response.headers_mut().extend(id.map(|id| (REQUEST_ID.clone(), id)));
        }
        if let Some(audit) = self.door.audit.as_ref().filter(|_| !notes.is_empty()) {
            audit.write(self.lines(&notes, Some(&response))).await;
        }
        self.seen(response)
    }

    /// An answer that says whose it is, and counts as in flight until it is sent.
    fn seen(mut self, mut response: Response) -> Response {
        response.extensions_mut().insert(self.caller.clone());
        match self.spending.take() {
            None => response,
            Some(spending) => {
                response.map(|body| Body::new(Paid { body, spending, pays: false, pause: None }))
            }
        }
    }

    /// Answers a request that does not come in.
    async fn refuse(self, refusal: Refusal, id: HeaderValue) -> Response {
        let counts = &self.door.counts;
        let count = match refusal.status() {
            StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => &counts.unknown,
            StatusCode::TOO_MANY_REQUESTS => &counts.slowed,
            StatusCode::FORBIDDEN => &counts.denied,
            _ => &counts.unavailable,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let mut response = refusal.answer(self.door.challenges());
        response.headers_mut().insert(REQUEST_ID.clone(), id);
        if let Some(audit) = &self.door.audit {
            audit.write(self.line(Some(&response)).of_refusal(&refusal)).await;
        }
        response
    }

    fn lines(&self, notes: &[Note], response: Option<&Response>) -> Vec<u8> {
        let told = self.line(response);
        notes.iter().flat_map(|note| told.of_note(&self.caller, note)).collect()
    }

    fn line<'a>(&'a self, response: Option<&'a Response>) -> line::Request<'a> {
        let id = response.and_then(|response| response.headers().get(&REQUEST_ID));
        line::Request {
            service: self.service,
            method: &self.method,
            path: self.uri.path(),
            address: self.address,
            status: response.map(Response::status),
            id: id.and_then(|id| id.to_str().ok()),
        }
    }
}

/// A request whose client has gone, or that has taken too long, may have done what it asked for.
impl Drop for Asked {
    fn drop(&mut self) {
        let notes = self.caller.take_notes();
        if notes.is_empty() || self.door.audit.is_none() {
            return;
        }
        let (door, lines) = (self.door.clone(), self.lines(&notes, None));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Some(audit) = &door.audit {
                    audit.write(lines).await;
                }
            });
        }
    }
}

pin_project! {
    /// A body with the request that it counts for.
    struct Paid {
        #[pin]
        body: Body,
        spending: Arc<Spending>,
        // Whether its bytes are paid for.
        pays: bool,
        // Until the quota allows more of it.
        pause: Option<Pin<Box<Sleep>>>,
    }
}

impl HttpBody for Paid {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        if let Some(pause) = this.pause {
            ready!(pause.as_mut().poll(context));
            *this.pause = None;
        }
        let frame = ready!(this.body.poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && *this.pays
        {
            let wait = this.spending.bytes(frame.data_ref().map_or(0, Bytes::len));
            *this.pause = wait.map(|wait| Box::pin(sleep(wait)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
