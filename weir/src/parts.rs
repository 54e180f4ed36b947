//! The parts that `dev` and `serve` run, and how they end together.

use std::net::{SocketAddr, TcpListener};

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::task::JoinSet;
use weir_proxy::Proxy;

use crate::listen::{self, DRAIN_TIMEOUT};

/// Listeners that are being served.
#[derive(Default)]
pub struct Parts {
    serving: JoinSet<Result<(), String>>,
    handle: Handle<SocketAddr>,
    proxy: Option<Proxy>,
}

impl Parts {
    pub fn serve(&mut self, listener: TcpListener, tls: Option<RustlsConfig>, router: Router) {
        self.serving.spawn(listen::serve(listener, tls, self.handle.clone(), router));
    }

    /// The proxy, which has more to end than its listener.
    pub fn proxy(&mut self, proxy: Proxy) {
        self.proxy = Some(proxy);
    }

    /// Runs until the process is told to stop or a listener fails; then requests that are being
    /// answered are answered, and what was sent to Kafka is acknowledged.
    pub async fn run(mut self) -> Result<(), String> {
        let failed = tokio::select! {
            () = listen::told_to_stop() => None,
            Some(ended) = self.serving.join_next() => Some(ended),
        };
        tracing::info!("stopping: no new requests, those under way are answered");
        if let Some(proxy) = &self.proxy {
            proxy.end_waiting();
        }
        self.handle.graceful_shutdown(Some(DRAIN_TIMEOUT));
        while self.serving.join_next().await.is_some() {}
        if let Some(proxy) = self.proxy {
            proxy.shut_down(DRAIN_TIMEOUT).await;
        }
        match failed {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(panic.to_string()),
        }
    }
}
