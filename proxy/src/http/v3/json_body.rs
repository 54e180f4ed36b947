//! Bodies of API v3's requests.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::error::ProxyError;
use crate::http::answer::Refused;
use crate::http::json::parse;
use crate::http::request::Bytes;

/// A body that has to be there.
pub(crate) trait Required {
    /// What is said where it is not.
    const MISSING: &'static str = "Request body is empty. Data is required.";
}

/// A JSON object. 400 · 413 · 415 · 422 a field that it does not have · 42206 there is none.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Required> FromRequest<S> for JsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let media_type = check_json(request.headers());
        let Bytes(bytes) = Bytes::from_request(request, state).await?;
        media_type?;
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            return Err(ProxyError::Payload { reason: T::MISSING.to_string() }.into());
        }
        Ok(JsonBody(parse(&bytes)?))
    }
}

/// 415.
pub(crate) fn check_json(headers: &HeaderMap) -> Result<(), ProxyError> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let essence = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    match essence.trim().eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(ProxyError::UnsupportedMediaType),
    }
}
