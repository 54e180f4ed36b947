//! Bodies of requests that do not produce.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::negotiate::check_control;
use crate::error::ProxyError;
use crate::http::answer::Refused;
use crate::http::json::parse;
use crate::http::request::Bytes;

/// The body of a control request: JSON of one of the API's media types, or nothing. 400 · 413 · 415.
pub(crate) struct Control(Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Control {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let media_type = check_control(request.headers());
        let Bytes(bytes) = Bytes::from_request(request, state).await?;
        if !bytes.is_empty() {
            media_type?;
        }
        Ok(Control(bytes))
    }
}

impl Control {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.0.trim_ascii(), b"" | b"null")
    }

    /// 400 · 422 if there is no body, or a field that it does not have.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ProxyError> {
        if self.is_empty() {
            return Err(ProxyError::Invalid { reason: "must not be null".into() });
        }
        parse(&self.0)
    }
}
