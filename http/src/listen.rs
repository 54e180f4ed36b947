//! Accepts connections and has their requests answered, until the process is told to stop.
//!
//! hyper serves the connections; this accepts them. A server that is made around hyper has all
//! connections wait at one signal, whose lock each request would take.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::timeout;
use tower::{Service, ServiceExt};

use crate::connection::{Arrival, Connection, End};
use crate::exchange::Exchange;
use crate::exhaustion::{Refusing, Spare};
use crate::gate::Place;
use crate::head_timer::HeadTimer;
use crate::http2;
use crate::origin::Forwarded;
use crate::shared::Site;
use crate::tls::Tls;
use crate::watched::Watched;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Bytes that are read ahead or wait to be written on a connection; the head of a request has to fit in.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Bytes of an answer that the system takes at a time for a client that does not read yet. Left to itself it takes 4 MB
/// of each, which for some hundred clients is a gigabyte of its memory, and seconds of copying.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// Connections that the system has agreed to and nobody has accepted yet.
const BACKLOG: i32 = 1024;

/// Takes an address.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    rustix::net::listen(&listener, BACKLOG)?;
    // connections have what their listener has
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER_BYTES)?;
    TcpListener::from_std(listener)
}

/// Serves until `stop` changes and the last request is answered, or `drain_timeout` is over.
pub async fn serve<S>(
    listener: TcpListener,
    site: Arc<Site>,
    tls: Option<Arc<Tls>>,
    service: S,
    mut stop: watch::Receiver<()>,
    drain_timeout: Duration,
) where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    let (mut spare, refusing) = (Spare::new(), Refusing::new());
    let mut trust = tls.as_ref().and_then(|tls| tls.changes());
    let mut served =
        Served { site: site.clone(), tls, service, open: HashMap::new(), tasks: JoinSet::new() };
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Err(stream) = served.take(stream, peer) {
                        refusing.refuse(stream, site.https);
                    }
                    site.shared.gate.settle().await;
                }
                Err(error) => spare.after(&error, &listener, &site.shared, site.https).await,
            },
            Some(ended) = served.tasks.join_next_with_id() => {
                let id = ended.map_or_else(|panic| panic.id(), |(id, ())| id);
                served.open.remove(&id);
            }
            () = changed(&mut trust) => served.look_at_clients_again(),
            _ = stop.changed() => break,
        }
    }
    drop((listener, spare));
    served.open.drain().for_each(|(_, connection)| connection.end(End::Drain));
    let drained = async { while served.tasks.join_next().await.is_some() {} };
    if timeout(drain_timeout, drained).await.is_err() {
        tracing::warn!(
            connections = served.tasks.len(),
            "requests that are not answered after {} are cut off",
            weir_trace::elapsed(drain_timeout)
        );
    }
}

/// The connections of a listener.
struct Served<S> {
    site: Arc<Site>,
    tls: Option<Arc<Tls>>,
    service: S,
    open: HashMap<Id, Arc<Connection>>,
    tasks: JoinSet<()>,
}

impl<S> Served<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    /// Serves a connection, if there is a place for it.
    fn take(&mut self, stream: TcpStream, peer: SocketAddr) -> Result<(), TcpStream> {
        let (connection, ending) = Connection::new(peer, self.site.clone());
        let Ok(place) = self.site.shared.gate.admit(&connection) else { return Err(stream) };
        let service = self.service.clone();
        let tls = self.tls.clone();
        let task = self.tasks.spawn(greet(place, stream, tls, connection.clone(), service, ending));
        self.open.insert(task.id(), connection);
        Ok(())
    }

    /// Ends connections of clients whose certificates are no longer trusted, when what is being answered is answered.
    fn look_at_clients_again(&self) {
        let Some(tls) = &self.tls else { return };
        for connection in self.open.values() {
            if connection.client_chain.get().is_some_and(|chain| !tls.trusts(chain)) {
                tracing::info!(
                    peer = %connection.peer,
                    "a client's certificate is no longer trusted: its connection is closed"
                );
                connection.end(End::Drain);
            }
        }
    }
}

/// Returns when something has changed, if it is followed.
async fn changed(what: &mut Option<watch::Receiver<u64>>) {
    let is_followed = match what {
        Some(changes) => changes.changed().await.is_ok(),
        None => false,
    };
    if !is_followed {
        std::future::pending().await
    }
}

/// Tells a service where its requests come from.
#[derive(Clone)]
pub(crate) struct Arriving<S> {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) service: S,
}

impl<S: Service<Request>> Service<Request> for Arriving<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> S::Future {
        self.exchange.begin_answering();
        let (site, peer) = (&self.exchange.site, self.exchange.peer.ip());
        if let Some(forwarded) = Forwarded::read(request.headers(), site, peer) {
            request.extensions_mut().insert(forwarded);
        }
        request.extensions_mut().insert(Arrival(self.exchange.clone()));
        self.service.call(request)
    }
}

/// `_place` is given back when the stream is closed.
async fn greet<S>(
    _place: Place,
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    connection: Arc<Connection>,
    service: S,
    mut ending: oneshot::Receiver<End>,
) where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    let _ = stream.set_nodelay(true); // the client may be gone already
    let limits = &connection.shared().limits;
    // what the system holds for a client that does not read: an answer's last part, after we have closed as well
    let patience = limits.answer_stall_timeout.as_millis();
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, patience.try_into().unwrap_or(0));
    let Some(tls) = tls else {
        let is_http2 = tokio::select! {
            is_spoken = http2::is_spoken(&stream, limits) => is_spoken,
            _ = &mut ending => return,
        };
        let stream = Watched::new(stream, connection.clone());
        return match is_http2 {
            true => http2::converse(stream, &connection, service, ending).await,
            false => converse(stream, &connection, service, ending).await,
        };
    };
    let stream = Watched::new(stream, connection.clone());
    let shaken = tokio::select! {
        shaken = timeout(limits.handshake_timeout, tls.acceptor().accept(stream)) => shaken,
        _ = &mut ending => return,
    };
    match shaken {
        Ok(Ok(stream)) if tls.remember(stream.get_ref().1, &connection).is_err() => {
            tracing::debug!("a client's certificate has no subject that can be read");
        }
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(http2::ALPN) => {
            http2::converse(stream, &connection, service, ending).await;
        }
        Ok(Ok(stream)) => converse(stream, &connection, service, ending).await,
        Ok(Err(error)) => {
            connection.shared().failed_handshakes.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%error, "a TLS handshake failed");
        }
        Err(_) => {
            connection.shared().slow_handshakes.fetch_add(1, Ordering::Relaxed);
            tracing::debug!("a TLS handshake took too long");
        }
    }
}

/// Answers one connection's requests of HTTP/1, one after the other.
async fn converse<S>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    connection: &Arc<Connection>,
    service: S,
    ending: oneshot::Receiver<End>,
) where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    let exchange = Exchange::in_turn(connection.clone());
    let arriving = Arriving { exchange: exchange.clone(), service };
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = connection.shared();
        let answering = arriving.clone().oneshot(request.map(|body| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(body),
        }));
        async move {
            let mut response = answering.await?;
            if shared.health.is_draining() {
                // its client goes elsewhere with the next request
                response.headers_mut().insert(CONNECTION, CLOSE);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let serving = http1::Builder::new()
        .timer(HeadTimer::new(exchange))
        .header_read_timeout(connection.shared().limits.idle_timeout)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        why = ending => match why {
            // nobody misses anything, or nobody reads
            Ok(End::Evicted) if connection.is_idle() || connection.is_stalled() => return,
            _ => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
