//! The parts that `dev` and `serve` run, and how they end together.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::Service;
use weir_http::{Site, Tls};
use weir_proxy::Proxy;
use weir_registry::Registry;

use crate::error::Error;
use crate::listen::{DRAIN_TIMEOUT, StopSignals};
use crate::otlp::Telemetry;

/// What a process runs, until it is told to stop.
#[derive(Default)]
pub struct Parts {
    serving: JoinSet<()>,
    starting: JoinSet<Result<(), Error>>,
    stop: watch::Sender<()>,
    proxy: Option<Proxy>,
    registry: Option<Registry>,
    telemetry: Telemetry,
}

impl Parts {
    /// Serves a listener until the process is told to stop.
    pub fn serve<S>(
        &mut self,
        listener: TcpListener,
        site: Arc<Site>,
        tls: Option<Arc<Tls>>,
        service: S,
    ) where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        let stop = self.stop.subscribe();
        self.serving.spawn(weir_http::serve(listener, site, tls, service, stop, DRAIN_TIMEOUT));
    }

    /// Runs what is still to be done for a part to be ready. The process ends if it fails.
    pub fn start(&mut self, starting: impl Future<Output = Result<(), Error>> + Send + 'static) {
        self.starting.spawn(starting);
    }

    /// Keeps the proxy, whose records under way are waited for at the end.
    pub fn proxy(&mut self, proxy: Proxy) {
        self.proxy = Some(proxy);
    }

    /// Keeps what sends spans and metrics, which sends the last of them at the end.
    pub fn telemetry(&mut self, telemetry: Telemetry) {
        self.telemetry = telemetry;
    }

    /// Keeps the registry, whose log is closed when all requests are answered.
    pub fn registry(&mut self, registry: Registry) {
        self.registry = Some(registry);
    }

    /// Runs until the process is told to stop; then requests that are being answered are answered, and
    /// what was sent to Kafka is acknowledged. Told a second time, it waits for neither.
    pub async fn run(mut self) -> Result<(), Error> {
        let mut signals = StopSignals::new()?;
        let signal = tokio::select! {
            signal = signals.told() => signal,
            failed = failure(&mut self.starting) => return Err(failed),
        };
        let limit = DRAIN_TIMEOUT.as_secs();
        tracing::info!(
            "stopping: {signal}: no new requests, those under way are answered, for {limit} s at most"
        );
        let told = Instant::now();
        tokio::select! {
            drained = self.drain() => {
                tracing::info!("stopped after {}", weir_trace::elapsed(told.elapsed()));
                drained
            }
            () = signals.told_again() => Err(Error::CutOff),
        }
    }

    async fn drain(mut self) -> Result<(), Error> {
        if let Some(proxy) = &self.proxy {
            proxy.end_waiting();
        }
        self.stop.send_replace(());
        while let Some(ended) = self.serving.join_next().await {
            ended.map_err(Error::Panicked)?;
        }
        if let Some(proxy) = self.proxy {
            proxy.shut_down(DRAIN_TIMEOUT).await;
        }
        if let Some(registry) = self.registry {
            registry.close().await;
        }
        self.telemetry.end().await;
        Ok(())
    }
}

/// Waits for one of what was started to fail, and returns why. It does not return if none does.
async fn failure(starting: &mut JoinSet<Result<(), Error>>) -> Error {
    while let Some(started) = starting.join_next().await {
        match started {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return why,
            Err(panic) => return Error::Panicked(panic),
        }
    }
    std::future::pending().await
}
