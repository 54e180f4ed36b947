//! Answers: JSON, nothing, errors in the API's shape. `negotiate` names their media type where a
//! handler has not.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use weir_http::{BodyError, Refusal};

use crate::error::ProxyError;

/// What a handler returns.
pub(crate) type Answer<T> = Result<T, Refused>;

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Refused(pub(super) ProxyError);

impl From<ProxyError> for Refused {
    fn from(error: ProxyError) -> Self {
        Refused(error)
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        Refused(error.into())
    }
}

impl From<BodyError> for ProxyError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => ProxyError::BodyTooLarge,
            BodyError::TooSlow => ProxyError::BodyTimeout,
            BodyError::NoRoom => ProxyError::Crowded,
            BodyError::Broken(_) => ProxyError::BadRequest { reason: error.to_string() },
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let reason = refusal.to_string();
        Refused(match refusal {
            Refusal::Host(_) => ProxyError::BadRequest { reason },
            Refusal::Misdirected { .. } => ProxyError::Misdirected { reason },
            Refusal::ForeignOrigin { .. } => ProxyError::ForeignOrigin { reason },
            Refusal::NoMediaType => ProxyError::UnsupportedMediaType,
        })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> axum::response::Response {
        let status = StatusCode::from_u16(self.0.status()).expect("the table has statuses of HTTP");
        let body = serde_json::json!({"error_code": self.0.code(), "message": self.0.to_string()});
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = self.0.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A value as the body.
pub(crate) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => Response::new(Body::from(bytes)),
            Err(_) => Refused(ProxyError::Internal).into_response(),
        }
    }
}

/// JSON that is there already, of a media type of its own.
pub(crate) struct Bytes(pub(super) Vec<u8>, pub(super) &'static str);

impl IntoResponse for Bytes {
    fn into_response(self) -> axum::response::Response {
        let mut response = Response::new(Body::from(self.0));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.1));
        response
    }
}

/// JSON that comes piece by piece, each of which is to be sent at once.
pub(crate) struct Streamed(pub(crate) Body);

/// Marks an answer that must not wait for a compressor to have enough.
#[derive(Clone)]
pub(super) struct Unbuffered;

impl IntoResponse for Streamed {
    fn into_response(self) -> axum::response::Response {
        let mut response = Response::new(self.0);
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response.extensions_mut().insert(Unbuffered);
        response
    }
}

/// 204.
pub(crate) struct Nothing;

impl IntoResponse for Nothing {
    fn into_response(self) -> axum::response::Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

pub(crate) async fn not_found() -> Refused {
    Refused(ProxyError::NotFound)
}

pub(crate) async fn method_not_allowed() -> Refused {
    Refused(ProxyError::MethodNotAllowed)
}
