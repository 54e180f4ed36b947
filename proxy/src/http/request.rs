//! Requests as typed input.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use axum::http::request::Parts;
pub(crate) use weir_http::Named;
use weir_http::{Arrival, Origin};

use super::answer::Refused;
use crate::Proxy;
use crate::error::ProxyError;

/// Bytes of a request's body: a thousand records of 16 kB.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The address that the proxy's paths are appended to, as its client reaches it, without a slash at its end.
pub(crate) struct BaseUrl(pub(crate) String);

impl FromRequestParts<Proxy> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, proxy: &Proxy) -> Result<Self, Infallible> {
        Ok(BaseUrl(match &proxy.config.advertised_url {
            Some(url) => url.trim_end_matches('/').to_string(),
            None => Origin::of(&parts.headers, &parts.extensions).url(),
        }))
    }
}

/// The query's parameters, in their order. What cannot be is no such page.
pub(crate) struct Params(pub(super) Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Query::<Vec<(String, String)>>::from_request_parts(parts, state).await {
            Ok(Query(pairs)) => Ok(Params(pairs)),
            Err(_) => Err(Refused::from(ProxyError::NotFound)),
        }
    }
}

impl Params {
    /// A parameter; what is given twice counts once, the first time.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is no such thing is no such page, as in the reference; an empty one says
    /// nothing. 404.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, ProxyError> {
        let given = self.get(name).filter(|text| !text.is_empty());
        given.map(|text| text.parse().map_err(|_| ProxyError::NotFound)).transpose()
    }
}

/// The body's bytes, unpacked. 400 · 408 · 413 · 415 an encoding other than gzip, deflate and zstd · 503.
pub(crate) struct Bytes(pub(super) Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Bytes {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        check_encoding(request.headers())?;
        let (parts, body) = request.into_parts();
        let arrival = parts.extensions.get::<Arrival>();
        Ok(Bytes(weir_http::body::read(body, arrival, BODY_BYTES_MAX).await?))
    }
}

/// 415 an encoding that nobody has unpacked.
pub(crate) fn check_encoding(headers: &HeaderMap) -> Result<(), ProxyError> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(ProxyError::UnsupportedMediaType),
        _ => Ok(()),
    }
}
