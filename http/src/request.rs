//! Requests as typed input: what the path names and what the query asks.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use weir_errors::{ApiError, HttpError};

use crate::answer::Refused;
use crate::query;

/// A service's API, as the state of its routes: what it refuses with.
pub trait Api: Send + Sync {
    type Error: ApiError;
}

/// What the path names. What cannot be read is not there (404).
pub struct Named<T>(pub T);

impl<A: Api, T: DeserializeOwned + Send> FromRequestParts<A> for Named<T> {
    type Rejection = Refused<A::Error>;

    async fn from_request_parts(parts: &mut Parts, api: &A) -> Result<Self, Self::Rejection> {
        match Path::<T>::from_request_parts(parts, api).await {
            Ok(Path(value)) => Ok(Named(value)),
            Err(_) => Err(Refused(HttpError::NotFound.into())),
        }
    }
}

/// What the query asks, as a struct with a field for each parameter. What cannot be read is not there (404).
pub struct Query<T>(pub T);

impl<A: Api, T: DeserializeOwned + Send> FromRequestParts<A> for Query<T> {
    type Rejection = Refused<A::Error>;

    async fn from_request_parts(parts: &mut Parts, _: &A) -> Result<Self, Self::Rejection> {
        match query::read(parts.uri.query()) {
            Ok(value) => Ok(Query(value)),
            Err(_) => Err(Refused(HttpError::NotFound.into())),
        }
    }
}
