//! Requests as typed input.
#![expect(clippy::disallowed_types, reason = "parts of paths that need no right")]

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use axum::http::request::Parts;
use serde::Deserialize;
use weir_http::Named;
pub(crate) use weir_http::Query;
use weir_http::{Arrival, Origin};

use super::answer::Refused;
use crate::Proxy;
use crate::error::ProxyError;
use crate::producer::Acks;

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

macro_rules! parts_of_path {
    ($($(#[$doc:meta])* $name:ident($field:ident: $type:ty))*) => {$(
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) $type);

        impl FromRequestParts<Proxy> for $name {
            type Rejection = Refused;

            async fn from_request_parts(parts: &mut Parts, proxy: &Proxy) -> Result<Self, Refused> {
                #[derive(Deserialize)]
                struct InPath {
                    $field: $type,
                }
                let Named(InPath { $field }) = Named::from_request_parts(parts, proxy).await?;
                Ok($name($field))
            }
        }
    )*};
}

// What the path names besides topics and groups, which `rights` has. What cannot be read is not there (404).
parts_of_path! {
    /// The id of a cluster, which need not be the one behind the proxy.
    ClusterId(cluster: String)
    /// The number of a partition.
    PartitionId(partition: i32)
    /// The id of a broker.
    BrokerId(broker: i32)
    /// The name of a setting.
    SettingName(name: String)
    /// The id of a group's member.
    MemberId(consumer: String)
}

/// The query's parameters in their order, for those whose order counts. Others are fields of a [`Query`].
pub(crate) struct Ordered(pub(super) Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Ordered {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Ordered(weir_http::query::ordered(parts.uri.query())))
    }
}

/// The replicas that have to have a record before it is answered: the parameter `acks`.
#[derive(Deserialize)]
pub(crate) struct Acknowledged {
    /// 0, 1, -1 or all.
    acks: Option<String>,
}

impl Acknowledged {
    /// 400 or 422 for what cannot be said of that; none if nothing is said.
    pub(crate) fn by(&self) -> Result<Option<Acks>, ProxyError> {
        self.acks.as_deref().map(Acks::named).transpose()
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
