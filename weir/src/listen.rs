//! Listeners: bound before anything else, served until the process is told to stop.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;

/// How long a client may take to send a request's headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests that are being answered may take once the process is told to stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Takes an address. Loopback is for everybody on this machine; other addresses are for anyone who
/// reaches them, which has to be said.
pub fn bind(address: SocketAddr, insecure: bool) -> Result<TcpListener, String> {
    if !address.ip().is_loopback() && !insecure {
        return Err(format!(
            "{address} is reachable from elsewhere and there is no authentication: \
             say --insecure if that is meant, or listen on 127.0.0.1"
        ));
    }
    let listener =
        TcpListener::bind(address).map_err(|e| format!("cannot listen on {address}: {e}"))?;
    listener.set_nonblocking(true).map_err(|e| format!("cannot listen on {address}: {e}"))?;
    Ok(listener)
}

/// Reads certificate and key.
pub async fn tls(cert: &Path, key: &Path) -> Result<RustlsConfig, String> {
    RustlsConfig::from_pem_file(cert, key)
        .await
        .map_err(|e| format!("cannot use {} with {}: {e}", cert.display(), key.display()))
}

/// Serves until `handle` says to stop and the last request is answered.
pub async fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
    router: Router,
) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("a listener failed: {e}");
    let service = router.into_make_service();
    let plain = axum_server::from_tcp(listener).map_err(failed)?.handle(handle);
    match tls {
        None => {
            let mut server = plain.acceptor(NoDelayAcceptor::new());
            limit(&mut server);
            server.serve(service).await.map_err(failed)
        }
        Some(config) => {
            let acceptor = RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new());
            let mut server = plain.acceptor(acceptor);
            limit(&mut server);
            server.serve(service).await.map_err(failed)
        }
    }
}

fn limit<A>(server: &mut axum_server::Server<SocketAddr, A>) {
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_TIMEOUT);
}

/// Returns when the process is told to stop, by SIGTERM or Ctrl-C.
pub async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
