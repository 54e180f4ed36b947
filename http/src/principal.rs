//! The principal of a request: whom limits and the access log know it by.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;

use crate::origin::client_address;

/// The client that a request is from, known by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal(Option<IpAddr>);

impl Principal {
    pub fn of(extensions: &Extensions) -> Principal {
        Principal(client_address(extensions))
    }

    /// Whoever has an address.
    pub fn at(address: IpAddr) -> Principal {
        Principal(Some(address))
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
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}
