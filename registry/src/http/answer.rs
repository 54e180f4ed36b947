//! Answers: JSON, bytes that are ready, errors in the API's shape. Their media type is set by
//! `negotiate`, from what the client accepts.

use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
pub(super) use weir_http::Json;
use weir_registry_api::RegistryError;

/// What a handler returns.
pub(super) type Answer<T = Json<serde_json::Value>> = Result<T, Refused>;

/// An error on its way out.
pub(super) type Refused = weir_http::Refused<RegistryError>;

pub(super) async fn not_found() -> Refused {
    Refused::from(RegistryError::NotFound)
}

/// `OPTIONS` is answered with the methods of the path, in the header `Allow`.
pub(super) async fn method_not_allowed(method: Method) -> axum::response::Response {
    match method {
        Method::OPTIONS => StatusCode::OK.into_response(),
        _ => Refused::from(RegistryError::MethodNotAllowed).into_response(),
    }
}
