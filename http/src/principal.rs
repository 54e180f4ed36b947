//! The principal of a request: whom limits and the access log know it by.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;

use crate::access::Caller;
use crate::origin::client_address;

/// Whom a request is from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Principal {
    /// Somebody who has logged in.
    Named(Arc<str>),
    /// Somebody who is known by an address only.
    Address(IpAddr),
    Unknown,
}

impl Principal {
    pub fn of(extensions: &Extensions) -> Principal {
        Caller::of(extensions).principal().unwrap_or_else(|| match client_address(extensions) {
            Some(address) => Principal::Address(address),
            None => Principal::Unknown,
        })
    }

    /// Whoever has an address.
    pub fn at(address: IpAddr) -> Principal {
        Principal::Address(address)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Principal, Infallible> {
        Ok(Principal::of(&parts.extensions))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Named(name) => f.write_str(name),
            Principal::Address(address) => address.fmt(f),
            Principal::Unknown => f.write_str("unknown"),
        }
    }
}
