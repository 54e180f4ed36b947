//! Listeners: bound before anything else, served until the process is told to stop.
//!
//! hyper serves the connections; this accepts them. A server that is made around hyper has all
//! connections wait at one signal, whose lock each request would take.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tower::{Service, ServiceExt};

use crate::head_timer::HeadTimer;
use crate::listeners::Identity;

/// Its number on Linux and macOS.
const SIGXFSZ: i32 = 25;

/// How long a client may take to send a request's headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take to agree on keys.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests that are being answered may take once the process is told to stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Signals to stop that come this soon after the first say the same: `timeout` and others signal the process and its group.
const SAME_STOP: Duration = Duration::from_millis(500);

/// How long nobody is accepted after the system had no more to give, such as descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes an address. Loopback is for everybody on this machine; other addresses are for anyone who
/// reaches them, which has to be said.
pub fn bind(address: SocketAddr, insecure: bool) -> Result<TcpListener, String> {
    if !address.ip().is_loopback() && !insecure {
        return Err(format!(
            "{address} is reachable from elsewhere and there is no authentication: \
             say --insecure if that is meant, or listen on 127.0.0.1"
        ));
    }
    let failed = |e: std::io::Error| format!("cannot listen on {address}: {e}");
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    TcpListener::from_std(listener).map_err(failed)
}

/// Reads certificate and key.
pub fn tls(identity: &Identity) -> Result<TlsAcceptor, String> {
    let Identity { cert, key, versions } = identity;
    let failed = |why: &dyn std::fmt::Display| {
        format!("cannot use {} with {}: {why}", cert.display(), key.display())
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
    let chain = chain.map_err(|e| failed(&e))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| failed(&e))?;
    let config = ServerConfig::builder_with_protocol_versions(versions);
    let config = config.with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|e| failed(&e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop` changes and the last request is answered, or [`DRAIN_TIMEOUT`] is over.
pub async fn serve<S>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: S,
    mut stop: watch::Receiver<()>,
) where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    // a connection is told to end by what it was given being dropped here
    let mut open = HashMap::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (keep, end) = oneshot::channel::<Infallible>();
                    let service = Peer { peer, service: service.clone() };
                    let task = connections.spawn(greet(stream, tls.clone(), service, end));
                    open.insert(task.id(), keep);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next_with_id() => {
                let id = ended.map_or_else(|panic| panic.id(), |(id, ())| id);
                open.remove(&id);
            }
            _ = stop.changed() => break,
        }
    }
    drop((listener, open));
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(DRAIN_TIMEOUT, drained).await; // what is left is cut off
}

/// Tells a service where its requests come from.
#[derive(Clone)]
struct Peer<S> {
    peer: SocketAddr,
    service: S,
}

impl<S: Service<Request>> Service<Request> for Peer<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> S::Future {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        self.service.call(request)
    }
}

async fn greet<S>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: S,
    end: oneshot::Receiver<Infallible>,
) where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    let _ = stream.set_nodelay(true); // the client may be gone already
    match tls {
        None => converse(stream, service, end).await,
        Some(tls) => match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => converse(stream, service, end).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

/// Answers one connection's requests, one after the other.
async fn converse<S>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    service: S,
    end: oneshot::Receiver<Infallible>,
) where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        service.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(HeadTimer::new(HEADERS_TIMEOUT))
        .header_read_timeout(HEADERS_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = end => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// SIGTERM and SIGINT (Ctrl-C), from when this is made.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub fn new() -> Result<StopSignals, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("cannot hear signals: {error}"));
        let terminate = listen(SignalKind::terminate())?;
        Ok(StopSignals { terminate, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Returns when the process is told to stop, once for each time.
    pub async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Returns when the process, which was told to stop just now, is told again.
    pub async fn told_again(&mut self) {
        let told = Instant::now();
        loop {
            self.told().await;
            if told.elapsed() >= SAME_STOP {
                return;
            }
        }
    }
}

/// From now on these do not end the process. They are sent where a terminal is closed, or by those who expect that logs are
/// rotated, settings are read anew or threads are listed.
pub fn outlive_signals() {
    for (name, kind) in [
        ("SIGHUP", SignalKind::hangup()),
        ("SIGQUIT", SignalKind::quit()),
        ("SIGUSR1", SignalKind::user_defined1()),
        ("SIGUSR2", SignalKind::user_defined2()),
        // a limit on the size of files is reached: the write fails, and says so
        ("SIGXFSZ", SignalKind::from_raw(SIGXFSZ)),
    ] {
        match signal(kind) {
            Ok(mut signals) => {
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        tracing::info!("{name} is ignored");
                    }
                });
            }
            Err(error) => tracing::warn!("{name} would end the process: {error}"),
        }
    }
}
