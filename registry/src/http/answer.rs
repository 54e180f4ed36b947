//! Answers: JSON, bytes that are ready, errors in the API's shape. Their media type is set by
//! `negotiate`, from what the client accepts.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use weir_registry_api::RegistryError;

/// What a handler returns.
pub(super) type Answer<T = Json<serde_json::Value>> = Result<T, Refused>;

/// An error on its way out.
#[derive(Debug)]
pub(super) struct Refused(pub(super) RegistryError);

impl From<RegistryError> for Refused {
    fn from(error: RegistryError) -> Self {
        Refused(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> axum::response::Response {
        let status = StatusCode::from_u16(self.0.status()).expect("the table has statuses of HTTP");
        (status, Json(self.0.body())).into_response()
    }
}

/// A value as the body.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => Response::new(Body::from(bytes)),
            Err(_) => Refused(RegistryError::Internal).into_response(),
        }
    }
}

/// Bytes that were made before.
pub(super) struct Ready(pub(super) Arc<[u8]>);

impl IntoResponse for Ready {
    fn into_response(self) -> axum::response::Response {
        Response::new(Body::from(Bytes::from_owner(self.0)))
    }
}

pub(super) async fn not_found() -> Refused {
    Refused(RegistryError::NotFound)
}

pub(super) async fn method_not_allowed() -> Refused {
    Refused(RegistryError::MethodNotAllowed)
}
