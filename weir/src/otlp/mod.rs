//! OpenTelemetry: spans and metrics on their way to a collector, by OTLP over HTTP.
//!
//! A collector that is slow or away holds up nobody: what waits for it is bounded, and dropped beyond.

mod exporter;
mod exposition;
mod message;
mod metrics;
mod options;
mod traces;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use weir_http::Shared;

use crate::config::tree::Tree;
use crate::error::Error;
use crate::shown_url::shown_url;
use exporter::Exporter;
use options::Options;

/// How long the end of the process waits for what is still to be sent.
const LAST_MAX: Duration = Duration::from_secs(3);

/// What sends spans and metrics while the process runs.
#[derive(Default)]
pub struct Telemetry {
    end: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Telemetry {
    /// Starts what the settings ask for; nothing if they name no collector. `management` answers `/metrics`.
    pub fn start(
        tree: &Tree,
        management: Router,
        shared: &Arc<Shared>,
    ) -> Result<Telemetry, Error> {
        let mut telemetry = Telemetry::default();
        let Some(options) = Options::of(&tree.otlp)? else { return Ok(telemetry) };
        let resource = Arc::new(options.resource.clone());
        if let Some(url) = &options.traces {
            tracing::info!("traces go to {}", shown_url(url.as_str()));
            let exporter = Exporter::new(url.clone(), &options, "traces")?;
            let spans = weir_trace::start_tracing(options.sampler);
            let sending = traces::send(spans, exporter, resource.clone(), telemetry.ending());
            telemetry.tasks.push(tokio::spawn(sending));
        }
        if let Some(url) = &options.metrics {
            let every = options.metrics_interval;
            let shown = shown_url(url.as_str());
            tracing::info!("metrics go to {shown} every {} s", every.as_secs());
            let exporter = Exporter::new(url.clone(), &options, "metrics")?;
            let (shared, ending) = (shared.clone(), telemetry.ending());
            let sending = metrics::send(management, shared, every, exporter, resource, ending);
            telemetry.tasks.push(tokio::spawn(sending));
        }
        Ok(telemetry)
    }

    fn ending(&self) -> watch::Receiver<bool> {
        self.end.subscribe()
    }

    /// Sends what is left, for some seconds at most.
    pub async fn end(self) {
        self.end.send_replace(true);
        for task in self.tasks {
            let _ = timeout(LAST_MAX, task).await; // what is left is lost
        }
    }
}

/// Returns when the time is over, or at once if the process ends. Returns true if it does.
async fn pause(time: Duration, ending: &mut watch::Receiver<bool>) -> bool {
    timeout(time, ending.wait_for(|is_ending| *is_ending)).await.is_ok()
}
