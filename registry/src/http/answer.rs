//! Answers: JSON, bytes that are ready, errors in the API's shape. Their media type is set by
//! `negotiate`, from what the client accepts.

use axum::body::Body;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use weir_http::{BodyError, Refusal};
use weir_registry_api::RegistryError;

/// Room for an answer; most schemas are no longer.
const ANSWER_BYTES: usize = 2048;

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

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        Refused(match error {
            BodyError::TooLarge => RegistryError::BodyTooLarge,
            BodyError::TooSlow => RegistryError::BodyTimeout,
            BodyError::NoRoom => RegistryError::Crowded,
            BodyError::Broken(_) => RegistryError::BadRequest { reason: error.to_string() },
        })
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let reason = refusal.to_string();
        Refused(match refusal {
            Refusal::Host(_) => RegistryError::BadRequest { reason },
            Refusal::Misdirected { .. } => RegistryError::Misdirected { reason },
            Refusal::ForeignOrigin { .. } => RegistryError::ForeignOrigin { reason },
            Refusal::NoMediaType => RegistryError::UnsupportedMediaType,
        })
    }
}

/// Of an answer: nothing was done, because another node leads.
#[derive(Clone, Copy)]
pub(super) struct Elsewhere;

impl IntoResponse for Refused {
    fn into_response(self) -> axum::response::Response {
        let status = StatusCode::from_u16(self.0.status()).expect("the table has statuses of HTTP");
        let mut response = (status, Json(self.0.body())).into_response();
        if self.0.is_passing() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.0 == RegistryError::NoLeader {
            response.extensions_mut().insert(Elsewhere);
        }
        response
    }
}

/// A value as the body.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        let mut bytes = Vec::with_capacity(ANSWER_BYTES);
        match serde_json::to_writer(&mut bytes, &self.0) {
            Ok(()) => Response::new(Body::from(bytes)),
            Err(_) => Refused(RegistryError::Internal).into_response(),
        }
    }
}

pub(super) async fn not_found() -> Refused {
    Refused(RegistryError::NotFound)
}

/// `OPTIONS` is answered with the methods of the path, in the header `Allow`.
pub(super) async fn method_not_allowed(method: Method) -> axum::response::Response {
    match method {
        Method::OPTIONS => StatusCode::OK.into_response(),
        _ => Refused(RegistryError::MethodNotAllowed).into_response(),
    }
}
