//! `/healthz`, `/readyz` and `/startupz`: how the proxy is, for whom a probe asks. Nothing of it waits for Kafka: a task asks.

use axum::extract::State;
use axum::response::Response;
use weir_http::health::{self, Probed};

use crate::Proxy;

/// `GET /healthz`: 200 as long as the process answers and nothing has ended that it cannot do without, else 503.
pub(super) async fn healthz(probed: Probed) -> Response {
    health::healthz(&probed)
}

/// `GET /readyz`: 200 if Kafka was reached when it was asked last, some seconds ago; else 503 with why; 503 while the process stops.
pub(super) async fn readyz(State(proxy): State<Proxy>, probed: Probed) -> Response {
    health::readyz(&probed, Some(("proxy", proxy.checks())))
}

/// `GET /startupz`: 200 once Kafka was reached and whatever else the process runs has started, before 503.
pub(super) async fn startupz(probed: Probed) -> Response {
    health::startupz(&probed)
}
