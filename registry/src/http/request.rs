//! Requests as typed input: what a path names, what a query asks, what a body says.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use weir_http::Arrival;
pub(super) use weir_http::{Named, Query};
use weir_registry_api::{Context, RegistryError, SchemaId, Subject, VersionSpec};

use super::answer::Refused;
use super::json_body;
use crate::Registry;
use crate::lanes::{Asker, Client};

/// Bytes of a body that takes longer to be read than others should wait for.
pub(super) const LONG_BYTES: usize = 32 * 1024;

/// `{subject}`, or the subject that it is an alias of. What no subject can be called is not there;
/// who writes one checks its name.
pub(super) struct SubjectPath(pub(super) Subject);

impl FromRequestParts<Registry> for SubjectPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, registry: &Registry) -> Result<Self, Refused> {
        let Named(name) = Named::<String>::from_request_parts(parts, registry).await?;
        Ok(SubjectPath(behind_alias(registry, Subject::written(&name))))
    }
}

/// `{subject}` and `{version}`. 42202.
pub(super) struct VersionPath(pub(super) Subject, pub(super) VersionSpec);

impl FromRequestParts<Registry> for VersionPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, registry: &Registry) -> Result<Self, Refused> {
        let Named((name, version)) =
            Named::<(String, String)>::from_request_parts(parts, registry).await?;
        Ok(VersionPath(
            behind_alias(registry, Subject::written(&name)),
            version.parse().map_err(RegistryError::from)?,
        ))
    }
}

/// The subject that a request for this one is about. One step: an alias of an alias is none.
pub(super) fn behind_alias(registry: &Registry, subject: Subject) -> Subject {
    registry.state().behind_alias(subject)
}

/// `{subject}` of configuration and modes, which may be a context; none is the default one.
pub(super) struct ScopePath(pub(super) Option<Subject>);

impl FromRequestParts<Registry> for ScopePath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, registry: &Registry) -> Result<Self, Refused> {
        let Named(name) = Named::<String>::from_request_parts(parts, registry).await?;
        Ok(ScopePath(Subject::scope(&name)))
    }
}

/// `{context}`: `.eu`, `eu` or `:.eu:`. 400.
pub(super) struct ContextPath(pub(super) Context);

impl FromRequestParts<Registry> for ContextPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, registry: &Registry) -> Result<Self, Refused> {
        let Named(name) = Named::<String>::from_request_parts(parts, registry).await?;
        Ok(ContextPath(Context::new(name.trim_matches(':')).map_err(RegistryError::from)?))
    }
}

/// `{id}`; what is no number is no such page.
pub(super) struct IdPath(pub(super) SchemaId);

impl FromRequestParts<Registry> for IdPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, registry: &Registry) -> Result<Self, Refused> {
        let Named(id) = Named::<i32>::from_request_parts(parts, registry).await?;
        match u32::try_from(id) {
            Ok(id) => Ok(IdPath(SchemaId(id))),
            Err(_) => Err(Refused::from(RegistryError::SchemaIdNotFound { id: id.to_string() })),
        }
    }
}

/// `{guid}`, as text: it is for the handler to say that there is none.
pub(super) struct GuidPath(pub(super) String);

impl FromRequestParts<Registry> for GuidPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, registry: &Registry) -> Result<Self, Refused> {
        let Named(guid) = Named::from_request_parts(parts, registry).await?;
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

impl<T: DeserializeOwned + Send + 'static> FromRequest<Registry> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, registry: &Registry) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let arrival = parts.extensions.get::<Arrival>();
        let bytes = read(body, arrival, registry.options().body_bytes_max).await?;
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            let request = argument(&parts.method, parts.uri.path());
            return Err(Refused::from(RegistryError::MissingBody { request }));
        }
        let read = match bytes.len() > LONG_BYTES {
            false => json_body::read(&bytes),
            true => {
                let client = Client::of(&parts.extensions);
                registry.aside(client, move || json_body::read(&bytes)).await?
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
