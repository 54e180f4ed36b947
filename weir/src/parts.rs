//! The parts that `dev` and `serve` run, and how they end together.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::Service;
use weir_http::{Shared, Site, Tls};
use weir_proxy::Proxy;
use weir_registry::Registry;

use crate::config::tree::Tree;
use crate::error::Error;
use crate::listen::{DRAIN_TIMEOUT, StopSignal, StopSignals};
use crate::otlp::Telemetry;
use crate::systemd;

/// What a process runs, until it is told to stop.
pub struct Parts {
    shared: Arc<Shared>,
    /// How long requests are taken once the process is told to stop.
    drain_delay: Duration,
    serving: JoinSet<()>,
    starting: JoinSet<Result<(), Error>>,
    stop: watch::Sender<()>,
    proxy: Option<Proxy>,
    registry: Option<Registry>,
    telemetry: Telemetry,
}

impl Parts {
    /// Nothing runs yet.
    pub fn new(shared: Arc<Shared>, tree: &Tree) -> Parts {
        Parts {
            shared,
            drain_delay: Duration::from_millis(*tree.process.drain_delay_ms),
            serving: JoinSet::new(),
            starting: JoinSet::new(),
            stop: watch::Sender::default(),
            proxy: None,
            registry: None,
            telemetry: Telemetry::default(),
        }
    }

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

    /// Runs until the process is told to stop. Then it asks for no more requests and takes those that come all the same, for a
    /// moment; then those that are being answered are answered, and what was sent to Kafka is acknowledged. Told a second time, it
    /// waits for none of it.
    pub async fn run(mut self, mut signals: StopSignals) -> Result<(), Error> {
        self.shared.health.complete();
        let signal = tokio::select! {
            signal = signals.told() => signal,
            failed = failure(&mut self.starting) => return Err(failed),
        };
        tracing::info!("stopping: {signal}");
        let told = Instant::now();
        self.shared.health.begin_draining();
        if signal == StopSignal::Interrupt {
            // somebody at a terminal waits
            self.drain_delay = Duration::ZERO;
        }
        tokio::select! {
            drained = self.drain() => {
                tracing::info!("stopped after {}", weir_trace::elapsed(told.elapsed()));
                drained
            }
            () = signals.told_again() => Err(Error::CutOff),
        }
    }

    async fn drain(mut self) -> Result<(), Error> {
        systemd::stopping().await;
        if !self.drain_delay.is_zero() {
            let delay = weir_trace::elapsed(self.drain_delay);
            tracing::info!("draining: not ready, and requests are taken for {delay}");
        }
        let resigned = async {
            if let Some(registry) = &self.registry {
                registry.resign().await;
            }
        };
        tokio::join!(tokio::time::sleep(self.drain_delay), resigned);
        let limit = weir_trace::elapsed(DRAIN_TIMEOUT);
        tracing::info!("no new requests: those under way are answered, for {limit} at most");
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
