//! Answers: a value as JSON, and errors in an API's own shape. Each service names the media type of its answers.

use axum::body::Body;
use axum::http::header::RETRY_AFTER;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use weir_errors::{ApiError, ErrorBody, HttpError};

use crate::access::Denied;
use crate::body::BodyError;
use crate::guard::Refusal;

/// Bytes that an answer of JSON is given room for; most are no longer.
const ANSWER_BYTES: usize = 2048;

/// A value as the body, in JSON.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        let mut bytes = Vec::with_capacity(ANSWER_BYTES);
        match serde_json::to_writer(&mut bytes, &self.0) {
            Ok(()) => Response::new(Body::from(bytes)),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                let body = r#"{"error_code":500,"message":"Internal Server Error"}"#;
                (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
            }
        }
    }
}

/// The `error_code` of an answer, as an extension of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnsweredCode(pub u32);

/// An API's error on its way out.
#[derive(Debug)]
pub struct Refused<E>(pub E);

impl<E: ApiError> From<E> for Refused<E> {
    fn from(error: E) -> Refused<E> {
        Refused(error)
    }
}

impl<E: ApiError> From<BodyError> for Refused<E> {
    fn from(error: BodyError) -> Refused<E> {
        Refused(E::from(error.into()))
    }
}

impl<E: ApiError> From<Denied> for Refused<E> {
    fn from(denied: Denied) -> Refused<E> {
        Refused(E::from(denied.into()))
    }
}

impl<E: ApiError> From<Refusal> for Refused<E> {
    fn from(refusal: Refusal) -> Refused<E> {
        Refused(E::from(refusal.into()))
    }
}

impl<E: ApiError> IntoResponse for Refused<E> {
    fn into_response(self) -> axum::response::Response {
        let status = StatusCode::from_u16(self.0.status()).expect("the table has statuses of HTTP");
        let body = ErrorBody { error_code: self.0.code(), message: self.0.to_string() };
        let mut response = (status, Json(body)).into_response();
        response.extensions_mut().insert(AnsweredCode(self.0.code()));
        if let Some(seconds) = self.0.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<BodyError> for HttpError {
    fn from(error: BodyError) -> HttpError {
        match error {
            BodyError::TooLarge => HttpError::BodyTooLarge,
            BodyError::TooSlow => HttpError::BodyTimeout,
            BodyError::NoRoom => HttpError::Crowded,
            BodyError::Broken(_) => HttpError::BadRequest { reason: error.to_string() },
        }
    }
}

impl From<Refusal> for HttpError {
    fn from(refusal: Refusal) -> HttpError {
        let reason = refusal.to_string();
        match refusal {
            Refusal::Host(_) => HttpError::BadRequest { reason },
            Refusal::Misdirected { .. } => HttpError::Misdirected { reason },
            Refusal::ForeignOrigin { .. } => HttpError::ForeignOrigin { reason },
            Refusal::NoMediaType => HttpError::UnsupportedMediaType,
        }
    }
}
