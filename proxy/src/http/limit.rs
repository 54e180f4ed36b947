//! Each principal's limit of requests.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answer::Refused;
use crate::Proxy;
use weir_http::Principal;

/// 429, with the seconds after which another try may pass.
pub(super) async fn limit(State(proxy): State<Proxy>, request: Request, next: Next) -> Response {
    let principal = Principal::of(request.extensions());
    match proxy.limits.request(&principal) {
        Ok(()) => next.run(request).await,
        Err(error) => Refused::from(error).into_response(),
    }
}
