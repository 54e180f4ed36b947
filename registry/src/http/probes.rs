//! `/healthz`, `/readyz` and `/startupz`: how this node is, for whom a probe asks.

use axum::response::Response;
use weir_http::health::{self, Probed};

use super::rights::AnyCaller;

/// `GET /healthz`: 200 as long as the process answers and nothing has ended that it cannot do without, else 503.
pub(super) async fn healthz(_: AnyCaller, probed: Probed) -> Response {
    health::healthz(&probed)
}

/// `GET /readyz`: 200 if the log was read and takes writes, else 503 with why; 503 while the process stops.
///
/// Where the log is on Kafka, it is enough that it was read: which node takes writes is at `/v1/cluster`, and nodes that
/// cannot reach Kafka still answer reads.
pub(super) async fn readyz(AnyCaller { registry }: AnyCaller, probed: Probed) -> Response {
    health::readyz(&probed, Some(("registry", registry.checks())))
}

/// `GET /startupz`: 200 once the log was read and whatever else the process runs has started, before 503.
pub(super) async fn startupz(_: AnyCaller, probed: Probed) -> Response {
    health::startupz(&probed)
}
