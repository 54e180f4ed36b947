//! Requests as typed input.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::Refused;
use super::bodies::Object;
use super::negotiate::check_control;
use crate::error::ProxyError;

/// Bytes of a request's body: a thousand records of 16 kB.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of a body that is too large which are still read, so that the client gets to read the
/// answer instead of a reset connection.
const BODY_BYTES_DISCARDED_MAX: usize = 64 * 1024 * 1024;

/// What the path names. What cannot be is no such page.
pub(super) struct Named<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Named(value)),
            Err(_) => Err(Refused(ProxyError::NotFound)),
        }
    }
}

/// `timeout` in milliseconds and `max_bytes`; what is not positive means the default.
pub(super) struct ReadParams {
    pub(super) timeout: Option<i64>,
    pub(super) max_bytes: Option<i64>,
}

impl<S: Send + Sync> FromRequestParts<S> for ReadParams {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Refused(ProxyError::NotFound))?;
        // what is given twice counts once, the first time
        let number = |name: &str| match pairs.iter().find(|(key, _)| key == name) {
            None => Ok(None),
            Some((_, text)) => text.parse().map(Some).map_err(|_| Refused(ProxyError::NotFound)),
        };
        Ok(ReadParams { timeout: number("timeout")?, max_bytes: number("max_bytes")? })
    }
}

/// The body's bytes. 400 · 413.
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Bytes {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        let mut stream = request.into_body().into_data_stream();
        let mut bytes = Vec::new();
        let mut total = 0;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| {
                Refused(ProxyError::BadRequest { reason: format!("the body ends early: {error}") })
            })?;
            total += chunk.len();
            if total <= BODY_BYTES_MAX {
                bytes.extend_from_slice(&chunk);
            } else {
                bytes = Vec::new();
                if total > BODY_BYTES_DISCARDED_MAX {
                    break;
                }
            }
        }
        match total > BODY_BYTES_MAX {
            true => Err(Refused(ProxyError::BodyTooLarge)),
            false => Ok(Bytes(bytes)),
        }
    }
}

/// The body of a control request: JSON of one of the API's media types, or nothing. 400 · 413 · 415.
pub(super) struct Control(Vec<u8>);

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
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.0.trim_ascii(), b"" | b"null")
    }

    /// 400 · 422 if there is no body.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ProxyError> {
        if self.is_empty() {
            return Err(ProxyError::Invalid { reason: "must not be null".into() });
        }
        parse(&self.0)
    }
}

/// A JSON object from bytes. 400.
pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ProxyError> {
    match serde_json::from_slice(bytes) {
        Ok(Object(value)) => Ok(value),
        Err(error) => Err(ProxyError::BadRequest { reason: error.to_string() }),
    }
}
