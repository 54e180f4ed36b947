//! Connections of HTTP/2, which carry several requests at once. TLS names it by ALPN; in clear, a client begins with the
//! preface of RFC 9113.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderValue, request};
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tower::{Service, ServiceExt};

use crate::answers::Sent;
use crate::connection::{Connection, End};
use crate::exchange::Exchange;
use crate::limits::Limits;
use crate::listen::Arriving;

/// The protocol's name in ALPN.
pub(crate) const ALPN: &[u8] = b"h2";

/// What a connection in clear begins with: no method of HTTP/1 has this name.
const PREFACE_BEGINNING: &[u8] = b"PRI ";

/// Streams that a client has reset before they were looked at; more end the connection (CVE-2023-44487).
const PENDING_RESETS_MAX: usize = 20;

/// Streams that are reset for a client's errors, or because there are too many; more end the connection (CVE-2025-8671).
/// A client that does not know yet how many it may open may be refused some hundred.
const ERROR_RESETS_MAX: usize = 1024;

/// Bytes of a request's headers, as HTTP/2 counts them; more are answered 431.
const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;

/// Bytes that a client may send of one body, and of all bodies of a connection, before they are read.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 128 * 1024;

/// Bytes of an answer that wait for their client's window.
const SEND_BUFFER_BYTES: usize = 32 * 1024;

/// How often a client is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection that was idle has for what its client is sending just then.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);

/// Bounds of how often a connection is looked at.
const LOOK_MIN: Duration = Duration::from_millis(20);
const LOOK_MAX: Duration = Duration::from_secs(5);

/// Returns true if what has come on a connection in clear begins as HTTP/2 does; false if nothing more comes, or only
/// after the time that a head may be waited for.
pub(crate) async fn is_spoken(stream: &TcpStream, limits: &Limits) -> bool {
    let mut beginning = [0; PREFACE_BEGINNING.len()];
    let peeked = timeout(limits.idle_timeout, stream.peek(&mut beginning)).await;
    matches!(peeked, Ok(Ok(bytes)) if bytes == beginning.len() && beginning == PREFACE_BEGINNING)
}

/// Answers one connection's requests, each in a task of its own.
pub(crate) async fn converse<S>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    connection: &Arc<Connection>,
    service: S,
    ending: oneshot::Receiver<End>,
) where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    let of_streams = connection.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let exchange = Exchange::of_stream(of_streams.clone());
        let arriving = Arriving { exchange: exchange.clone(), service: service.clone() };
        let answering = arriving.oneshot(in_origin_form(request));
        async move {
            let response = answering.await?;
            Ok::<_, Infallible>(response.map(|body| Sent::new(body, exchange)))
        }
    });
    let mut serving = std::pin::pin!(
        builder(&connection.shared().limits).serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        outcome = outcome(connection, ending) => {
            let patience = match outcome {
                Outcome::CutOff => return,
                Outcome::Goodbye => GOODBYE_TIMEOUT,
                Outcome::Drain => Duration::MAX,
            };
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                ended = timeout(patience, serving.as_mut()) => ended.unwrap_or(Ok(())),
                () = is_left(connection) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(ERROR_RESETS_MAX)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// How a connection is to end.
enum Outcome {
    /// At once: nobody misses anything, or nobody reads.
    CutOff,
    /// Its client has asked for nothing for long.
    Goodbye,
    /// When what is being answered is answered.
    Drain,
}

/// Waits until a connection is to end.
async fn outcome(connection: &Connection, mut ending: oneshot::Receiver<End>) -> Outcome {
    tokio::select! {
        why = &mut ending => match why {
            Ok(End::Evicted) if connection.is_idle() || connection.is_stalled() => Outcome::CutOff,
            _ => Outcome::Drain,
        },
        () = is_left(connection) => Outcome::CutOff,
        () = is_unused(connection) => Outcome::Goodbye,
    }
}

/// Returns when a client has left an answer where it is for longer than it may.
async fn is_left(connection: &Connection) {
    let limits = &connection.shared().limits;
    let look = limits.answer_stall_timeout.min(limits.answer_timeout) / 4;
    while !connection.answers.are_left(limits) {
        sleep(look.clamp(LOOK_MIN, LOOK_MAX)).await;
    }
    connection.shared().slow_readers.fetch_add(1, Ordering::Relaxed);
}

/// Returns when no request has come for the time that a connection may be idle.
async fn is_unused(connection: &Connection) {
    let idle_timeout = connection.shared().limits.idle_timeout;
    while !connection.is_idle_for(idle_timeout) {
        sleep((idle_timeout / 4).clamp(LOOK_MIN, LOOK_MAX)).await;
    }
}

/// A request as HTTP/1 would have it: the name of the server is in `Host`, and the address is a path. Where `Host` and
/// `:authority` differ, the address stays as it is, for [`guard`](crate::guard) to refuse it.
fn in_origin_form(request: Request<Incoming>) -> Request {
    let (mut head, body) = request.into_parts();
    let body = if body.is_end_stream() { Body::empty() } else { Body::new(body) };
    if takes_authority(&mut head) {
        let path = head.uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        head.uri = Uri::from(path);
    }
    Request::from_parts(head, body)
}

/// Returns true if `Host` is the request's authority, or has become it.
fn takes_authority(head: &mut request::Parts) -> bool {
    let Some(authority) = head.uri.authority() else { return true };
    match head.headers.get(HOST) {
        Some(host) => host.as_bytes() == authority.as_str().as_bytes(),
        None => match HeaderValue::from_str(authority.as_str()) {
            Ok(host) => head.headers.insert(HOST, host).is_none(),
            Err(_) => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(uri: &str, host: Option<&str>) -> (bool, Option<String>) {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let takes = takes_authority(&mut head);
        let host = head.headers.get(HOST).map(|host| host.to_str().unwrap().to_string());
        (takes, host)
    }

    #[test]
    fn a_request_has_the_host_that_its_authority_says() {
        let of = |host: &str| Some(host.to_string());
        assert_eq!(taken("http://a:1/x?y", None), (true, of("a:1")));
        assert_eq!(taken("http://a:1/x?y", Some("a:1")), (true, of("a:1")));
        assert_eq!(taken("http://a:1/x?y", Some("b:1")), (false, of("b:1")));
        assert_eq!(taken("/x", None), (true, None));
    }
}
