//! `../topics/{topic}/records`: produce, one record after the other for as long as the connection
//! lasts, or a batch. Source: Confluent ProduceAction, ProduceBatchAction, StreamingResponse.

use std::collections::HashSet;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::json_body::{check_json, empty};
use super::objects::Objects;
use crate::Proxy;
use crate::error::ProxyError;
use crate::http::Object;
use crate::http::answer::{Answer, Json, Refused, Streamed};
use crate::http::request::{Bytes, Named, Params, parse};
use crate::limits::Principal;
use crate::line::Delivery;
use crate::produce::{BatchRequest, ProduceRequest, Report};
use crate::producer::Acks;

/// Records that are on their way to the broker in one stream; the next are not read before.
const IN_FLIGHT_MAX: usize = 1000;

/// How long a stream may last.
const STREAM_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Records of a batch, as many as the reference takes at most.
const BATCH_MAX: usize = 50;

/// Letters of an entry's id.
const ID_MAX: usize = 80;

/// What stands between reports.
const SEPARATOR: &[u8] = b"\r\n";

/// What a record is waiting for.
enum Pending {
    Refused(ProxyError),
    Sent(Box<dyn FnOnce(crate::producer::Sent) -> Report + Send>, Delivery),
}

/// `POST ../records`: JSON objects, one after the other, each a record; the answer has a report of
/// each, in order, as soon as the broker has it.
///
/// `acks` (0, 1, all). Answers 200 whatever becomes of the records; a report has `error_code` 200, or
/// another and a `message`. What is not JSON ends the stream. 413 · 415 · 42206 no body · 429.
pub(crate) async fn stream(
    State(proxy): State<Proxy>,
    Named((cluster, topic)): Named<(String, String)>,
    principal: Principal,
    params: Params,
    request: Request,
) -> Answer<Response> {
    check_json(request.headers())?;
    crate::http::request::check_encoding(request.headers())?;
    let acks = params.get("acks").map(Acks::named).transpose()?;
    let mut body = request.into_body().into_data_stream();
    let mut objects = Objects::default();
    // a request without a record has an answer of its own
    let first = next(&mut body, &mut objects).await.ok_or_else(empty)?;
    let (reports, pending) = mpsc::channel(IN_FLIGHT_MAX);
    let reading = Reading { proxy, cluster, topic, principal, acks, reports };
    tokio::spawn(reading.run(first, body, objects));
    Ok(Streamed(Body::from_stream(written(pending))).into_response())
}

struct Reading {
    proxy: Proxy,
    cluster: String,
    topic: String,
    principal: Principal,
    acks: Option<Acks>,
    reports: mpsc::Sender<Pending>,
}

impl Reading {
    /// Sends records until the client has no more, is gone, or does not speak JSON.
    async fn run(self, first: Read, mut body: BodyDataStream, mut objects: Objects) {
        let end = Instant::now() + STREAM_MAX;
        let mut ending = self.proxy.ending.subscribe();
        let mut read = Some(first);
        while let Some(found) = read {
            let (pending, goes_on) = match found {
                Ok(object) => self.send(&object).await,
                Err(error) => (Pending::Refused(error), false),
            };
            if self.reports.send(pending).await.is_err() || !goes_on {
                return;
            }
            read = tokio::select! {
                read = next(&mut body, &mut objects) => read,
                () = tokio::time::sleep_until(end) => Some(Err(ProxyError::StreamTooOld)),
                () = self.reports.closed() => None,
                _ = ending.wait_for(|ending| *ending) => None,
            };
        }
    }

    /// What becomes of a record, and whether another may follow it.
    async fn send(&self, object: &[u8]) -> (Pending, bool) {
        let request = match record(object) {
            Ok(request) => request,
            Err(error) => return (Pending::Refused(error), false),
        };
        if request.id.is_some() {
            let reason = "only entries of batches have an id".to_string();
            return (Pending::Refused(ProxyError::BadRequest { reason }), true);
        }
        let pending = self.proxy.limits.record(&self.principal, object.len());
        let pending = match pending {
            Ok(()) => send(&self.proxy, &self.cluster, &self.topic, &request, self.acks).await,
            Err(error) => Err(error),
        };
        (pending.unwrap_or_else(Pending::Refused), true)
    }
}

/// Puts a record on its way.
async fn send(
    proxy: &Proxy,
    cluster: &str,
    topic: &str,
    request: &ProduceRequest<'_>,
    acks: Option<Acks>,
) -> Result<Pending, ProxyError> {
    let (record, report) = request.ready(&proxy.schemas, topic).await?.parts();
    let delivery = proxy.broker.producers.start(topic, vec![record], acks)?;
    let (cluster, topic) = (cluster.to_string(), topic.to_string());
    let report = Box::new(move |sent| report(&cluster, &topic, sent));
    Ok(Pending::Sent(report, delivery))
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

/// A JSON object's bytes, or why there is none.
type Read = Result<Vec<u8>, ProxyError>;

/// The next object of a body, nothing at its end.
async fn next(body: &mut BodyDataStream, objects: &mut Objects) -> Option<Read> {
    loop {
        match objects.next() {
            Ok(Some(object)) => return Some(Ok(object)),
            Ok(None) => {}
            Err(error) => return Some(Err(error)),
        }
        match body.next().await {
            Some(Ok(chunk)) => objects.push(&chunk),
            Some(Err(error)) => {
                let reason = format!("the body ends early: {error}");
                return Some(Err(ProxyError::BadRequest { reason }));
            }
            None => return objects.end().map(Err),
        }
    }
}

/// 400.
fn record(object: &[u8]) -> Result<ProduceRequest<'_>, ProxyError> {
    match serde_json::from_slice(object) {
        Ok(Object(request)) => Ok(request),
        Err(error) => {
            Err(ProxyError::BadRequest { reason: format!("Error processing JSON: {error}") })
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
/// Answers 207 with `successes` and `failures`. 400 · 413 · 415 · 42206 no body · 42208 no entries, or
/// too many, or an id that is not one · 429.
pub(crate) async fn batch(
    State(proxy): State<Proxy>,
    Named((cluster, topic)): Named<(String, String)>,
    principal: Principal,
    params: Params,
    request: Request,
) -> Answer<(StatusCode, Json<BatchResponse>)> {
    use axum::extract::FromRequest;
    check_json(request.headers())?;
    let acks = params.get("acks").map(Acks::named).transpose()?;
    let Bytes(body) = Bytes::from_request(request, &()).await?;
    if body.trim_ascii().is_empty() {
        return Err(empty().into());
    }
    proxy.limits.produce(&principal, body.len())?;
    let batch: BatchRequest<'_> = parse(&body)?;
    let ids = ids(&batch.entries)?;
    let mut pending = Vec::with_capacity(ids.len());
    for entry in &batch.entries {
        let sent = match record(entry.get().as_bytes()) {
            Ok(request) => send(&proxy, &cluster, &topic, &request, acks).await,
            Err(error) => Err(error),
        };
        pending.push(sent.unwrap_or_else(Pending::Refused));
    }
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    for (id, pending) in ids.iter().zip(pending) {
        match pending.report().await {
            Ok(report) => successes.push(report.of_entry(id)),
            Err(error) => {
                let mut failure = failure(&error);
                failure["id"] = json!(id);
                failures.push(failure);
            }
        }
    }
    Ok((StatusCode::MULTI_STATUS, Json(BatchResponse { successes, failures })))
}

/// The entries' ids. 42208.
fn ids(entries: &[&RawValue]) -> Result<Vec<String>, ProxyError> {
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        id: Value,
    }
    let wrong = |reason: &str| Err(ProxyError::Batch { reason: reason.to_string() });
    if entries.is_empty() {
        return wrong("Empty batch.");
    }
    if entries.len() > BATCH_MAX {
        return wrong("Too many entries in batch.");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut ids = Vec::with_capacity(entries.len());
    for entry in entries {
        let id = serde_json::from_str::<Object<Entry>>(entry.get()).ok();
        let id = id.and_then(|Object(entry)| entry.id.as_str().map(str::to_string));
        match id {
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
