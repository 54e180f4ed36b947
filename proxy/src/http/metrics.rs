//! `/metrics`, in Prometheus' text format or as OpenMetrics.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use weir_http::Arrival;
use weir_metrics::{Collect, Scrape};

use super::rights::{Cluster, Read};
use crate::Proxy;

/// `GET /metrics`.
///
/// Records that were sent and read, consumer instances, refused requests of each principal; and what the process's
/// listeners share.
pub(super) async fn metrics(
    State(proxy): State<Proxy>,
    _: Cluster<Read>,
    arrival: Option<Extension<Arrival>>,
    headers: HeaderMap,
) -> Response {
    let gather = move |scrape: &mut Scrape| {
        proxy.collect(scrape);
        arrival.iter().for_each(|Extension(arrival)| arrival.collect(scrape));
    };
    weir_http::metrics::answer(&headers, gather).await
}
