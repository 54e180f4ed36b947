//! `../topics/{topic}/records`: produce, one record after the other for as long as the connection
//! lasts, or a batch. Source: Confluent ProduceAction, ProduceBatchAction, StreamingResponse.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use weir_http::{Action, Arrival, Caller, IncomingBody, Principal, Resource};

use super::json_body::check_json;
use super::values::Values;
use crate::Proxy;
use crate::broker::Broker;
use crate::codec::UnknownFields;
use crate::counts::Channel;
use crate::error::{ProxyError, RETRY_AFTER_S};
use crate::http::Object;
use crate::http::answer::{Answer, Json, Refused, Streamed};
use crate::http::json::{self, parse};
use crate::http::request::{Acknowledged, Bytes, ClusterId, Query};
use crate::http::rights::{Standing, Topic, Write};
use crate::produce::{BatchRequest, ProduceRequest, Report, Target};
use crate::producer::Acks;
use crate::schemas::Schemas;
use crate::send_queue::{Delivery, Sent};

/// Records that are on their way to the broker in one stream; the next are not read before.
const IN_FLIGHT_MAX: usize = 1000;

/// How long a stream may last.
const STREAM_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Records of a batch, as many as the reference takes at most.
const BATCH_MAX: usize = 50;

/// Letters of an entry's id.
const ID_MAX: usize = 80;

/// The bytes between two reports.
const SEPARATOR: &[u8] = b"\r\n";

/// A record whose report is still to be written.
enum Pending {
    Refused(ProxyError),
    Sent(Box<dyn FnOnce(Sent) -> Report + Send>, Delivery),
}

/// `POST ../records`: JSON objects, one after the other, each a record; the answer has a report of
/// each, in order, as soon as the broker has it.
///
/// `acks` (0, 1, all). Answers 200 whatever becomes of the records; a report has `error_code` 200, or
/// another and a `message`. What is JSON and no record has a report and the next one follows; what is not
/// JSON ends the stream, and so does the end of the caller's login (401) or of its right (40301). 406 · 413 · 415 · 429.
pub(crate) async fn stream(
    State(proxy): State<Proxy>,
    topic: Topic<Write>,
    ClusterId(cluster): ClusterId,
    caller: Caller,
    principal: Principal,
    Query(asked): Query<Acknowledged>,
    request: Request,
) -> Answer<Response> {
    check_json(request.headers())?;
    crate::http::request::check_encoding(request.headers())?;
    let acks = asked.by()?;
    let arrival = request.extensions().get::<Arrival>().cloned();
    let body = IncomingBody::new(request.into_body(), arrival.as_ref());
    let (reports, pending) = mpsc::channel(IN_FLIGHT_MAX);
    let sender = Sender::new(&proxy, &caller, cluster, &topic, acks);
    let reading = Reading { proxy, caller, principal, sender, reports };
    tokio::spawn(weir_trace::carry(reading.run(body)));
    Ok(Streamed(Body::from_stream(written(pending))).into_response())
}

struct Reading {
    proxy: Proxy,
    caller: Caller,
    principal: Principal,
    sender: Sender,
    reports: mpsc::Sender<Pending>,
}

/// Sends a caller's records to a topic.
struct Sender {
    broker: Arc<Broker>,
    schemas: Arc<Schemas>,
    unknown_fields: UnknownFields,
    cluster: String,
    topic: String,
    acks: Option<Acks>,
}

impl Reading {
    /// Sends records until the client has no more, is gone, or does not speak JSON.
    async fn run(self, mut body: IncomingBody) {
        let end = Instant::now() + STREAM_MAX;
        let standing = Standing::new(&self.caller, |caller| {
            caller.may(Action::Write, Resource::topic(&self.sender.topic))
        });
        let mut ending = self.proxy.ending.subscribe();
        let mut values = Values::default();
        loop {
            let read = tokio::select! {
                read = next(&mut body, &mut values) => read,
                () = tokio::time::sleep_until(end) => Some(Err(ProxyError::StreamTooOld)),
                error = standing.end() => Some(Err(error)),
                () = self.reports.closed() => None,
                _ = ending.wait_for(|ending| *ending) => None,
            };
            let (pending, goes_on) = match read {
                None => return,
                Some(Ok(value)) => match standing.check() {
                    Ok(()) => self.send(&value).await,
                    Err(error) => (Pending::Refused(error), false),
                },
                Some(Err(error)) => (Pending::Refused(error), false),
            };
            if self.reports.send(pending).await.is_err() || !goes_on {
                return;
            }
        }
    }

    /// Puts a record on its way. Returns false with it if no other may follow.
    async fn send(&self, value: &[u8]) -> (Pending, bool) {
        let request: ProduceRequest<'_> = match serde_json::from_slice(value) {
            Ok(Object(request)) => request,
            // what follows can be read if this is JSON at least
            Err(error) => return (Pending::Refused(unreadable(&error)), error.is_data()),
        };
        if request.id.is_some() {
            let reason = "only entries of batches have an id".to_string();
            return (Pending::Refused(ProxyError::BadRequest { reason }), true);
        }
        let pending = self.proxy.limits.record(&self.principal, value.len());
        let pending = match pending {
            Ok(()) => self.sender.send(&request).await,
            Err(error) => Err(error),
        };
        (pending.unwrap_or_else(Pending::Refused), true)
    }
}

/// Why a value of a stream is no record. 400, also for what is 422 in a whole body.
fn unreadable(error: &serde_json::Error) -> ProxyError {
    let reason = match json::refused(error) {
        ProxyError::UnrecognizedField { field } => format!("Unrecognized field: {field}"),
        _ => format!("Error processing JSON: {error}"),
    };
    ProxyError::BadRequest { reason }
}

impl Sender {
    fn new(
        proxy: &Proxy,
        caller: &Caller,
        cluster: String,
        topic: &str,
        acks: Option<Acks>,
    ) -> Sender {
        let (broker, schemas) = (proxy.brokers.of(caller).clone(), proxy.schemas.of(caller));
        let unknown_fields = proxy.unknown_fields();
        Sender { broker, schemas, unknown_fields, cluster, topic: topic.to_string(), acks }
    }

    /// Puts a record on its way.
    async fn send(&self, request: &ProduceRequest<'_>) -> Result<Pending, ProxyError> {
        let Sender { schemas, unknown_fields, topic, .. } = self;
        let target = Target { topic, schemas, unknown_fields: *unknown_fields };
        let ready = request.ready(target).await?;
        let channel = Channel::v3(ready.format());
        let (record, report) = ready.parts();
        let delivery = self.broker.producers.start(topic, vec![record], self.acks, channel)?;
        let (cluster, topic) = (self.cluster.clone(), topic.clone());
        let report = Box::new(move |sent| report(&cluster, &topic, sent));
        Ok(Pending::Sent(report, delivery))
    }
}

impl Pending {
    async fn report(self) -> Result<Report, ProxyError> {
        match self {
            Pending::Refused(error) => Err(error),
            Pending::Sent(report, delivery) => {
                let sent = delivery.results().await.pop().ok_or(ProxyError::Internal)?;
                sent.map(report)
            }
        }
    }
}

/// The reports as they come.
fn written(
    pending: mpsc::Receiver<Pending>,
) -> impl Stream<Item = Result<Vec<u8>, std::convert::Infallible>> {
    futures_util::stream::unfold(pending, |mut pending| async move {
        let mut line = match pending.recv().await?.report().await {
            Ok(report) => serde_json::to_vec(&report).unwrap_or_default(),
            Err(error) => failure(&error).to_string().into_bytes(),
        };
        line.extend_from_slice(SEPARATOR);
        Some((Ok(line), pending))
    })
}

fn failure(error: &ProxyError) -> Value {
    json!({"error_code": error.code(), "message": error.to_string()})
}

/// A JSON value's bytes, or why there is none.
type Read = Result<Vec<u8>, ProxyError>;

/// The next value of a body, nothing at its end. A stream may be silent between two values, but has to come to the end
/// of one that has begun. 408 · 503.
async fn next(body: &mut IncomingBody, values: &mut Values) -> Option<Read> {
    loop {
        match values.next() {
            Ok(Some(value)) => return Some(Ok(value)),
            Ok(None) => {}
            Err(error) => return Some(Err(error)),
        }
        match values.begun_bytes() {
            0 => body.rest(),
            bytes => {
                if let Err(error) = body.hold(bytes).await {
                    return Some(Err(Refused::from(error).0));
                }
            }
        }
        match body.chunk().await {
            Some(Ok(chunk)) => values.push(&chunk),
            Some(Err(error)) => return Some(Err(Refused::from(error).0)),
            None => return values.end().transpose(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct BatchResponse {
    successes: Vec<Report>,
    failures: Vec<Value>,
}

/// `POST ../records:batch`: up to 50 records, each with an id of its own.
///
/// Answers 207 with `successes` and `failures`. 400 · 406 · 413 · 415 · 422 a field that there is not ·
/// 42208 no body, no entries, or too many, or an id that is not one · 429.
pub(crate) async fn batch(
    State(proxy): State<Proxy>,
    topic: Topic<Write>,
    ClusterId(cluster): ClusterId,
    caller: Caller,
    principal: Principal,
    Query(asked): Query<Acknowledged>,
    request: Request,
) -> Answer<Response> {
    use axum::extract::FromRequest;
    check_json(request.headers())?;
    let acks = asked.by()?;
    let Bytes(body) = Bytes::from_request(request, &()).await?;
    if matches!(body.trim_ascii(), b"" | b"null") {
        let reason = "Request body is empty. Data is required.".to_string();
        return Err(ProxyError::Batch { reason }.into());
    }
    proxy.limits.produce(&principal, body.len())?;
    let entries = parse::<BatchRequest<'_>>(&body)?.entries.unwrap_or_default();
    let ids = ids(&entries)?;
    let sender = Sender::new(&proxy, &caller, cluster, &topic, acks);
    let mut pending = Vec::with_capacity(ids.len());
    for Object(entry) in &entries {
        let sent = sender.send(entry).await;
        pending.push(sent.unwrap_or_else(Pending::Refused));
    }
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    let mut is_worth_another_try = false;
    for (id, pending) in ids.iter().zip(pending) {
        match pending.report().await {
            Ok(report) => successes.push(report.of_entry(id)),
            Err(error) => {
                is_worth_another_try |= error.is_worth_another_try();
                let mut failure = failure(&error);
                failure["id"] = json!(id);
                failures.push(failure);
            }
        }
    }
    let response = Json(BatchResponse { successes, failures });
    let mut response = (StatusCode::MULTI_STATUS, response).into_response();
    if is_worth_another_try {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S.into());
    }
    Ok(response)
}

/// The entries' ids. 42208.
fn ids(entries: &[Object<ProduceRequest<'_>>]) -> Result<Vec<String>, ProxyError> {
    let wrong = |reason: &str| Err(ProxyError::Batch { reason: reason.to_string() });
    if entries.is_empty() {
        return wrong("Empty batch.");
    }
    if entries.len() > BATCH_MAX {
        return wrong("Too many entries in batch.");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut ids = Vec::with_capacity(entries.len());
    for Object(entry) in entries {
        match entry.id.and_then(|id| serde_json::from_str::<String>(id.get()).ok()) {
            Some(id) if (1..=ID_MAX).contains(&id.len()) && id.chars().all(allowed) => ids.push(id),
            _ => return wrong("Batch entry identifier is not a valid string."),
        }
    }
    if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        return wrong("Batch entry IDs are not distinct.");
    }
    Ok(ids)
}

impl From<Refused> for ProxyError {
    fn from(refused: Refused) -> Self {
        refused.0
    }
}
