//! Answers: JSON, nothing, errors in the API's shape. `negotiate` names their media type where a
//! handler has not.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use weir_http::Api;
pub(crate) use weir_http::Json;

use crate::Proxy;
use crate::error::ProxyError;

/// What a handler returns.
pub(crate) type Answer<T> = Result<T, Refused>;

/// An error on its way out.
pub(crate) type Refused = weir_http::Refused<ProxyError>;

impl Api for Proxy {
    type Error = ProxyError;
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
    Refused::from(ProxyError::NotFound)
}

pub(crate) async fn method_not_allowed() -> Refused {
    Refused::from(ProxyError::MethodNotAllowed)
}
