//! A request to one node of many: reads are answered here, writes where the leader is.
//!
//! A write is tried here first. If another node leads, nothing has happened, and the request goes to
//! that node as it came, with its request id. Where there is access control, the node vouches for its caller; elsewhere
//! the caller's credentials go with it. What shows that it comes from
//! a node is the token that the leader has announced in the log; a header from elsewhere has no say.
//! Before the answer goes back, this node has read what was written: its clients read their own writes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tower::ServiceExt;
use weir_http::{AnsweredCode, Arrival, Caller, ON_BEHALF};
use weir_registry_api::{ErrorCode, RegistryError};

use super::answer::Refused;
use super::request;
use crate::Registry;
use crate::peers::{Leader, PATIENCE, Peers};
use crate::steps::{CATCH_UP, FOLLOW, FORWARD};

/// The header with the token that the leader has announced, which only nodes know.
static TOKEN: HeaderName = HeaderName::from_static("weir-token");

/// The header that says in an answer how far the node had applied the log, and in a request how far it has to have.
static OFFSET: HeaderName = HeaderName::from_static("weir-offset");

/// The header with which a node answers another one that it does not lead, and has done nothing.
static NOT_LEADER: HeaderName = HeaderName::from_static("weir-not-leader");

/// How long is waited for another leader to be announced before it is looked again who leads.
const LEADER_POLL: Duration = Duration::from_millis(50);

/// How long a leader that another one has deposed may take to answer what it was asked before: it has written it, or has done
/// nothing, and only if it says which is its client told.
const DEPOSED_ANSWER_MAX: Duration = Duration::from_millis(500);

/// Headers that are between two ends of a connection. What a browser says of a page was looked at here: the leader has
/// another name.
static HOP_BY_HOP: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    ORIGIN,
    HeaderName::from_static("sec-fetch-site"),
    TRANSFER_ENCODING,
];

/// Answers a request of a registry whose log others write too.
pub(super) async fn answer(registry: Registry, routes: Router, request: Request) -> Response {
    let Some(peers) = registry.peers().cloned() else {
        return match request.uri().path() {
            "/v1/cluster" | "/metrics" | "/healthz" | "/readyz" | "/startupz" | "/openapi.json"
            | "/openapi.yaml" | "/docs" => call(&routes, request).await,
            path if path.starts_with("/docs/") => call(&routes, request).await,
            _ => starting(request.headers()),
        };
    };
    let here = Here { registry, peers, routes };
    let (parts, body) = request.into_parts();
    let mut response = match parts.method {
        Method::GET | Method::HEAD | Method::OPTIONS => here.read(parts).await,
        _ => match read(&parts, body, &here.registry).await {
            Ok(body) => here.write(parts, Bytes::from(body)).await,
            Err(refused) => refused.into_response(),
        },
    };
    if response.headers().get(&OFFSET).is_none() {
        let applied = here.registry.state().next_offset();
        response.headers_mut().insert(OFFSET.clone(), HeaderValue::from(applied));
    }
    response
}

/// The answer of a node that has not read its log. A node that takes it for the leader, which was at this address before,
/// is told that it does not lead.
fn starting(headers: &HeaderMap) -> Response {
    let mut response = passing(RegistryError::Starting);
    if headers.contains_key(&TOKEN) {
        response.headers_mut().insert(NOT_LEADER.clone(), HeaderValue::from_static("1"));
    }
    response
}

/// Returns true if an answer says that another node leads: nothing was done here.
fn is_elsewhere(response: &Response) -> bool {
    let code = response.extensions().get::<AnsweredCode>();
    code.is_some_and(|code| ErrorCode::from(code.0) == ErrorCode::NoLeader)
}

async fn read(parts: &Parts, body: Body, registry: &Registry) -> Result<Vec<u8>, Refused> {
    let arrival = parts.extensions.get::<Arrival>();
    request::read(body, arrival, registry.options().body_bytes_max).await
}

async fn call(routes: &Router, request: Request) -> Response {
    routes.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// A refusal that may be none a second later.
fn passing(error: RegistryError) -> Response {
    Refused::from(error).into_response()
}

/// Returns true if an answer says that something is missing, of the request or of what its schema refers to:
/// nothing has been done, and it may have been written a moment ago through another node.
fn says_missing(response: &Response) -> bool {
    [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY].contains(&response.status())
}

/// A node that answers requests, among its peers.
struct Here {
    registry: Registry,
    peers: Arc<dyn Peers>,
    routes: Router,
}

/// Why the leader has not answered.
enum NotForwarded {
    /// The node that was asked does not lead, and has done nothing.
    NotLeader,
    Failed(String),
}

impl fmt::Display for NotForwarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotForwarded::NotLeader => f.write_str("the node does not lead, or is not reached"),
            NotForwarded::Failed(why) => f.write_str(why),
        }
    }
}

impl Here {
    async fn read(&self, parts: Parts) -> Response {
        if let Err(refused) = self.reach_asked(&parts).await {
            return refused;
        }
        self.answer(&parts, &Bytes::new()).await
    }

    /// This node's own answer.
    async fn answer(&self, parts: &Parts, body: &Bytes) -> Response {
        let request = || Request::from_parts(parts.clone(), Body::from(body.clone()));
        self.registry.look_twice(|| call(&self.routes, request()), says_missing).await
    }

    /// Waits until this node has read what the client has seen of another one. 50002.
    async fn reach_asked(&self, parts: &Parts) -> Result<(), Response> {
        let asked = parts.headers.get(&OFFSET).and_then(|offset| offset.to_str().ok());
        let asked: u64 = asked.and_then(|offset| offset.parse().ok()).unwrap_or(0);
        // an offset may be of another log: no more is waited for than there is
        if asked <= self.registry.state().next_offset()
            || weir_trace::wait(CATCH_UP, self.peers.catch_up(Instant::now() + PATIENCE)).await
        {
            return Ok(());
        }
        let reason = "this node cannot read what the client has seen".to_string();
        Err(passing(RegistryError::Timeout { reason }))
    }

    async fn write(&self, parts: Parts, body: Bytes) -> Response {
        if let Err(refused) = self.reach_asked(&parts).await {
            return refused;
        }
        let token = parts.headers.get(&TOKEN).and_then(|token| token.to_str().ok());
        let from_node = token.is_some_and(|token| self.peers.has_announced(token));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut response = self.answer(&parts, &body).await;
            if !is_elsewhere(&response) {
                return response;
            }
            if from_node {
                response.headers_mut().insert(NOT_LEADER.clone(), HeaderValue::from_static("1"));
                return response;
            }
            let leader = self.peers.leader();
            let epoch = leader.as_ref().map(|leader| leader.epoch);
            let elsewhere = leader.filter(|leader| leader.url != self.peers.own_url());
            if let Some(leader) = elsewhere {
                let counts = self.registry.counts();
                let forwarded = self.forward(&leader, &parts, &body, deadline);
                let forwarded = weir_trace::wait(FORWARD, forwarded)
                    .attribute("server.address", || leader.url.as_str())
                    .attribute("http.request.method", || parts.method.as_str())
                    .failing_as(|forwarded| forwarded.as_ref().err().map(NotForwarded::to_string));
                match forwarded.await {
                    Ok(response) => {
                        counts.forwarded.fetch_add(1, Relaxed);
                        return response;
                    }
                    Err(NotForwarded::NotLeader) => {}
                    Err(NotForwarded::Failed(reason)) => {
                        counts.not_forwarded.fetch_add(1, Relaxed);
                        return passing(RegistryError::Forwarding { reason });
                    }
                }
            }
            if Instant::now() + LEADER_POLL > deadline {
                return response;
            }
            let _ = tokio::time::timeout(LEADER_POLL, self.peers.later_leader(epoch)).await;
        }
    }

    /// Tells the leader who asks, if that is known here: it believes a node, and decides by its own rules. The caller's
    /// credentials stay here.
    fn vouch(&self, leader: &Leader, parts: &Parts, headers: &mut HeaderMap) {
        headers.remove(&ON_BEHALF);
        if let Some(identity) = Caller::of(&parts.extensions).identity() {
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let key = self.peers.voucher_key(&leader.token);
            headers.remove(AUTHORIZATION);
            headers.insert(ON_BEHALF.clone(), key.for_request(identity, &parts.method, path));
        }
    }

    /// Asks the leader. Returns its answer once this node has read what it has written.
    async fn forward(
        &self,
        leader: &Leader,
        parts: &Parts,
        body: &Bytes,
        deadline: Instant,
    ) -> Result<Response, NotForwarded> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", leader.url);
        let left = deadline.saturating_duration_since(Instant::now());
        let mut headers = parts.headers.clone();
        HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(name)));
        headers.extend(weir_trace::outgoing());
        let token = HeaderValue::from_str(&leader.token);
        headers.insert(TOKEN.clone(), token.map_err(|_| NotForwarded::NotLeader)?);
        self.vouch(leader, parts, &mut headers);
        let is_vouched = headers.contains_key(&ON_BEHALF);
        let request = self.peers.http().request(parts.method.clone(), url).headers(headers);
        let sending = request.body(body.clone()).timeout(left).send();
        let deposed = async {
            self.peers.later_leader(Some(leader.epoch)).await;
            tokio::time::sleep(DEPOSED_ANSWER_MAX).await;
        };
        let sent = tokio::select! {
            biased;
            sent = sending => sent,
            // what it has not written until then, it never will; if it is there, it says so
            () = deposed => {
                let reason = "another leads since it was asked".to_string();
                return Err(NotForwarded::Failed(reason));
            }
        };
        let answer = match sent {
            Ok(answer) if answer.headers().contains_key(&NOT_LEADER) => {
                return Err(NotForwarded::NotLeader);
            }
            Ok(answer) if has_begun_anew(answer.status(), answer.headers(), is_vouched) => {
                return Err(NotForwarded::NotLeader);
            }
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Err(NotForwarded::NotLeader),
            Err(error) => return Err(NotForwarded::Failed(chain(&error))),
        };
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(name)));
        let body = answer.bytes().await.map_err(|e| NotForwarded::Failed(chain(&e)))?;
        let offset = headers.get(&OFFSET).and_then(|o| o.to_str().ok()?.parse().ok());
        // its client may read here next, and has to find what it wrote
        if let Some(offset) = offset
            && !weir_trace::wait(FOLLOW, self.peers.reach(offset, deadline)).await
        {
            let reason = "the leader has answered, and this node has not read it in time";
            return Err(NotForwarded::Failed(reason.to_string()));
        }
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Returns true if the process at the leader's address is another than the one that led: it has not read its log, or does not
/// know what the one before it has announced. It has done nothing.
fn has_begun_anew(status: StatusCode, headers: &HeaderMap, is_vouched: bool) -> bool {
    let is_of_node = headers.contains_key(&OFFSET);
    !is_of_node
        && (status == StatusCode::SERVICE_UNAVAILABLE
            || is_vouched && status == StatusCode::UNAUTHORIZED)
}

/// An error with what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
