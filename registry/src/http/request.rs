//! Requests as typed input: what a path names, what a query asks, what a body says.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use weir_http::Arrival;
pub(super) use weir_http::{Named, Query};
use weir_registry_api::{RegistryError, SchemaId};

use super::answer::Refused;
use super::json_body;
use super::rights::Guarded;
use crate::lanes::{Asker, Client};

/// Bytes of a body that takes longer to be read than others should wait for.
pub(super) const LONG_BYTES: usize = 32 * 1024;

/// `{id}`; what is no number is no such page.
pub(super) struct IdPath(pub(super) SchemaId);

impl FromRequestParts<Guarded> for IdPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        let Named(id) = Named::<i32>::from_request_parts(parts, guarded).await?;
        match u32::try_from(id) {
            Ok(id) => Ok(IdPath(SchemaId(id))),
            Err(_) => Err(Refused::from(RegistryError::SchemaIdNotFound { id: id.to_string() })),
        }
    }
}

/// `{guid}`, as text: it is for the handler to say that there is none.
pub(super) struct GuidPath(pub(super) String);

impl FromRequestParts<Guarded> for GuidPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        let Named(guid) = Named::from_request_parts(parts, guarded).await?;
        Ok(GuidPath(guid))
    }
}

/// Who asks.
pub(super) struct From(pub(super) Asker);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Self, std::convert::Infallible> {
        Ok(From(Asker::of(&parts.extensions)))
    }
}

/// The body as JSON. 400 · 408 · 413 · 422 if there is none · 503.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<Guarded> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, guarded: &Guarded) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let arrival = parts.extensions.get::<Arrival>();
        let bytes = read(body, arrival, guarded.body_bytes_max()).await?;
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            let request = argument(&parts.method, parts.uri.path());
            return Err(Refused::from(RegistryError::MissingBody { request }));
        }
        let read = match bytes.len() > LONG_BYTES {
            false => json_body::read(&bytes),
            true => {
                let client = Client::of(&parts.extensions);
                guarded.aside(client, move || json_body::read(&bytes)).await?
            }
        };
        Ok(Body(read?))
    }
}

/// What the reference calls the body of a request.
fn argument(method: &Method, path: &str) -> &'static str {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments[..] {
        ["subjects", _] => "lookUpSchemaUnderSubject.request",
        ["subjects", _, "versions"] => "register.request",
        ["subjects", _, "versions", _, "tags"] => "modifyTags.request",
        ["compatibility", "subjects", _, "versions"] => "testCompatibilityForSubject.request",
        ["compatibility", ..] => "testCompatibilityBySubjectName.request",
        ["config"] => "updateTopLevelConfig.request",
        ["config", _] => "updateSubjectLevelConfig.request",
        ["mode"] => "updateTopLevelMode.request",
        ["mode", _] => "updateMode.request",
        ["associations"] if method == Method::POST => "createAssociation.request",
        _ => "request",
    }
}

/// 400 · 408 · 413 · 503.
pub(super) async fn read(
    body: axum::body::Body,
    arrival: Option<&Arrival>,
    bytes_max: usize,
) -> Result<Vec<u8>, Refused> {
    Ok(weir_http::body::read(body, arrival, bytes_max).await?)
}
