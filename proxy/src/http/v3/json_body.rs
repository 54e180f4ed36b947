//! Bodies of API v3's requests.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::error::ProxyError;
use crate::http::answer::Refused;
use crate::http::request::{Bytes, parse};

/// A JSON object. 400 · 413 · 415 · 42206 there is none.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let media_type = check_json(request.headers());
        let Bytes(bytes) = Bytes::from_request(request, state).await?;
        media_type?;
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            return Err(empty().into());
        }
        Ok(JsonBody(parse(&bytes)?))
    }
}

pub(crate) fn empty() -> ProxyError {
    ProxyError::Payload { reason: "Request body is empty. Data is required.".to_string() }
}

/// 415.
pub(crate) fn check_json(headers: &HeaderMap) -> Result<(), ProxyError> {
    let Some(given) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else {
        return Ok(());
    };
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence == "application/json" || essence.ends_with("+json") {
        true => Ok(()),
        false => Err(ProxyError::UnsupportedMediaType),
    }
}
