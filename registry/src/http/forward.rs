//! A request to one node of many: reads are answered here, writes where the leader is.
//!
//! A write is tried here first. If another node leads, nothing has happened, and the request goes to
//! that node as it came: with its caller's credentials and its request id. What shows that it comes from
//! a node is the token that the leader has announced in the log; a header from elsewhere has no say.
//! Before the answer goes back, this node has read what was written: its clients read their own writes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tower::ServiceExt;
use weir_http::{AnsweredCode, Arrival};
use weir_registry_api::{ErrorCode, RegistryError};

use super::answer::Refused;
use super::request;
use crate::Registry;
use crate::cluster::{Cluster, PATIENCE};
use crate::log::kafka::Leader;

/// What the leader has announced, and only nodes know.
static TOKEN: HeaderName = HeaderName::from_static("weir-token");

/// Of an answer: how far the node had applied the log; of a request: how far it has to.
static OFFSET: HeaderName = HeaderName::from_static("weir-offset");

/// Of an answer to a node: it does not lead, and has done nothing.
static NOT_LEADER: HeaderName = HeaderName::from_static("weir-not-leader");

/// How long what is not found here is looked for in what others have written.
const MISS_PATIENCE: Duration = Duration::from_millis(500);

/// Before it is seen again who leads, if nobody is announced meanwhile.
const LEADER_POLL: Duration = Duration::from_millis(50);

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
    let Some(cluster) = registry.cluster().cloned() else {
        return match request.uri().path() {
            "/v1/cluster" | "/readyz" | "/metrics" => call(&routes, request).await,
            _ => passing(RegistryError::Starting),
        };
    };
    let here = Here { registry, cluster, routes };
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

struct Here {
    registry: Registry,
    cluster: Arc<Cluster>,
    routes: Router,
}

/// Why the leader has not answered.
enum NotForwarded {
    /// It has done nothing.
    NotLeader,
    Failed(String),
}

impl Here {
    async fn read(&self, parts: Parts) -> Response {
        if let Err(refused) = self.reach_asked(&parts).await {
            return refused;
        }
        let before = self.registry.state().next_offset();
        let again = parts.clone();
        let response = call(&self.routes, Request::from_parts(parts, Body::empty())).await;
        match self.has_missed_something(response.status(), before).await {
            true => call(&self.routes, Request::from_parts(again, Body::empty())).await,
            false => response,
        }
    }

    /// Whether what a request did not find, or what its schema refers to, may have been written a moment
    /// ago through another node: this one has read more since.
    async fn has_missed_something(&self, status: StatusCode, before: u64) -> bool {
        [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY].contains(&status)
            && self.cluster.status().kafka
            && self.cluster.catch_up(Instant::now() + MISS_PATIENCE).await
            && self.registry.state().next_offset() != before
    }

    /// What the client has seen of another node, it sees here. 50002.
    async fn reach_asked(&self, parts: &Parts) -> Result<(), Response> {
        let asked = parts.headers.get(&OFFSET).and_then(|offset| offset.to_str().ok());
        let asked: u64 = asked.and_then(|offset| offset.parse().ok()).unwrap_or(0);
        // an offset may be of another log: no more is waited for than there is
        if asked <= self.registry.state().next_offset()
            || self.cluster.catch_up(Instant::now() + PATIENCE).await
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
        let from_node = token.is_some_and(|token| self.cluster.has_announced(token));
        let deadline = Instant::now() + PATIENCE;
        let mut is_first = true;
        loop {
            let before = self.registry.state().next_offset();
            let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
            let mut response = call(&self.routes, request).await;
            if !is_elsewhere(&response) {
                // refused: nothing has happened
                if is_first && self.has_missed_something(response.status(), before).await {
                    is_first = false;
                    continue;
                }
                return response;
            }
            if from_node {
                response.headers_mut().insert(NOT_LEADER.clone(), HeaderValue::from_static("1"));
                return response;
            }
            let mut leaders = self.cluster.leaders();
            let leader = leaders.borrow_and_update().clone();
            let elsewhere = leader.filter(|l| l.url != self.cluster.node.advertised_url);
            if let Some(leader) = elsewhere {
                match self.forward(&leader, &parts, &body, deadline).await {
                    Ok(response) => return response,
                    Err(NotForwarded::NotLeader) => {}
                    Err(NotForwarded::Failed(reason)) => {
                        return passing(RegistryError::Forwarding { reason });
                    }
                }
            }
            if Instant::now() + LEADER_POLL > deadline {
                return response;
            }
            let _ = tokio::time::timeout(LEADER_POLL, leaders.changed()).await;
        }
    }

    /// The leader's answer, once this node has read what it has written.
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
        let token = HeaderValue::from_str(&leader.token);
        headers.insert(TOKEN.clone(), token.map_err(|_| NotForwarded::NotLeader)?);
        let request = self.cluster.http.request(parts.method.clone(), url).headers(headers);
        let sending = request.body(body.clone()).timeout(left).send();
        let mut leaders = self.cluster.leaders();
        let deposed = leaders.wait_for(|now| now.as_ref().is_some_and(|l| l.epoch > leader.epoch));
        let sent = tokio::select! {
            biased;
            sent = sending => sent,
            // what it has not written until then, it never will
            _ = deposed => {
                let reason = "another leads since it was asked".to_string();
                return Err(NotForwarded::Failed(reason));
            }
        };
        let answer = match sent {
            Ok(answer) if answer.headers().contains_key(&NOT_LEADER) => {
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
            && !self.cluster.reach(offset, deadline).await
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
