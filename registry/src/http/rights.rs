//! Rights: a handler gets the registry only from an extractor that has asked whether the caller may.
//!
//! The state of the routes is [`Guarded`], which lets nobody but this file take the registry out, so that a handler
//! without a right in its signature does not compile. A right is demanded on the name that is used: decoded, qualified,
//! behind its alias. It stands first in a signature, so that it is demanded before anything is looked for and before
//! the body is read: who is denied hears the same of what is there and of what is not.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
pub(super) use weir_http::rights::{Configure, Delete, Read, Right, Write};
use weir_http::{Action, Api, Caller, Kind, Proof, Resource};
use weir_registry_api::{Context, RegistryError, Subject, VersionSpec};
use weir_registry_core::Grants;

use super::answer::{Answer, Refused};
use super::request::Named;
use crate::Registry;
use crate::lanes::Client;

/// The registry behind the question whether the caller may: the state of the routes.
#[derive(Clone)]
pub(super) struct Guarded(Registry);

impl Guarded {
    pub(super) fn new(registry: Registry) -> Guarded {
        Guarded(registry)
    }

    /// Bytes that a request's body may have.
    pub(super) fn body_bytes_max(&self) -> usize {
        self.0.options().body_bytes_max
    }

    /// Does something short that is no question to the state, in the client's turn. 503.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        client: Client,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.0.aside(client, work).await
    }
}

impl Api for Guarded {
    type Error = RegistryError;
}

/// A right on `{subject}`, or on the subject that it is an alias of. What no subject can be called is not there;
/// who writes one checks its name.
pub(super) struct OnSubject<R> {
    pub(super) registry: Registry,
    pub(super) subject: Subject,
    pub(super) grants: Grants,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<Guarded> for OnSubject<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        let Named(name) = Named::<String>::from_request_parts(parts, guarded).await?;
        let registry = guarded.0.clone();
        let subject = behind_alias(&registry, Subject::written(&name));
        demand(&parts.extensions, R::ACTION, Resource::subject(subject.as_str()))?;
        let grants = grants(&parts.extensions);
        Ok(OnSubject { registry, subject, grants, right: PhantomData })
    }
}

/// A right on the subject of `{subject}` and `{version}`. 42202.
pub(super) struct OnVersion<R> {
    pub(super) registry: Registry,
    pub(super) subject: Subject,
    pub(super) spec: VersionSpec,
    pub(super) grants: Grants,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<Guarded> for OnVersion<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        let Named((name, version)) =
            Named::<(String, String)>::from_request_parts(parts, guarded).await?;
        let registry = guarded.0.clone();
        let subject = behind_alias(&registry, Subject::written(&name));
        demand(&parts.extensions, R::ACTION, Resource::subject(subject.as_str()))?;
        let spec = version.parse().map_err(RegistryError::from)?;
        let grants = grants(&parts.extensions);
        Ok(OnVersion { registry, subject, spec, grants, right: PhantomData })
    }
}

/// A right on `{subject}` of configuration and modes: on a subject, on a context (`:.context:`), or on the registry,
/// whose are those of the default context (none) and of all contexts. An alias is meant itself.
pub(super) struct OnScope<R> {
    pub(super) registry: Registry,
    pub(super) scope: Option<Subject>,
    pub(super) caller: Caller,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<Guarded> for OnScope<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        let Named(name) = Named::<String>::from_request_parts(parts, guarded).await?;
        let scope = Subject::scope(&name);
        let resource = match &scope {
            None => Resource::REGISTRY,
            Some(scope) if scope.is_global() => Resource::REGISTRY,
            Some(scope) => match scope.parts() {
                (context, "") if !scope.is_in_default_context() => Resource::context(context),
                _ => Resource::subject(scope.as_str()),
            },
        };
        demand(&parts.extensions, R::ACTION, resource)?;
        let (registry, caller) = (guarded.0.clone(), Caller::of(&parts.extensions));
        Ok(OnScope { registry, scope, caller, right: PhantomData })
    }
}

/// A right on `{context}`: `.eu`, `eu` or `:.eu:`. 400.
pub(super) struct OnContext<R> {
    pub(super) registry: Registry,
    pub(super) context: Context,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<Guarded> for OnContext<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        let Named(name) = Named::<String>::from_request_parts(parts, guarded).await?;
        let context = Context::new(name.trim_matches(':')).map_err(RegistryError::from)?;
        demand(&parts.extensions, R::ACTION, Resource::context(context.as_str()))?;
        Ok(OnContext { registry: guarded.0.clone(), context, right: PhantomData })
    }
}

/// A right on the registry as a whole: its global configuration and mode, its cluster of nodes.
pub(super) struct OnRegistry<R> {
    pub(super) registry: Registry,
    pub(super) caller: Caller,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<Guarded> for OnRegistry<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        demand(&parts.extensions, R::ACTION, Resource::REGISTRY)?;
        let (registry, caller) = (guarded.0.clone(), Caller::of(&parts.extensions));
        Ok(OnRegistry { registry, caller, right: PhantomData })
    }
}

/// The right to look at the registry as a whole, which other nodes have.
pub(super) struct AmongNodes {
    pub(super) registry: Registry,
}

impl FromRequestParts<Guarded> for AmongNodes {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        let identity = parts.extensions.get::<Caller>().and_then(Caller::identity);
        if identity.is_none_or(|identity| identity.proof != Proof::Node) {
            demand(&parts.extensions, Action::Read, Resource::REGISTRY)?;
        }
        Ok(AmongNodes { registry: guarded.0.clone() })
    }
}

/// No right: every caller is answered, with what it may read. What it may not read is left out, or is unknown.
pub(super) struct Filtered {
    pub(super) registry: Registry,
    /// All, if the caller may read every subject.
    pub(super) grants: Grants,
}

impl FromRequestParts<Guarded> for Filtered {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        let caller = parts.extensions.get::<Caller>();
        let grants = match caller.filter(|caller| !caller.sees_all(Kind::Subject)) {
            None => Grants::ALL,
            Some(caller) => of_caller(caller.clone()),
        };
        Ok(Filtered { registry: guarded.0.clone(), grants })
    }
}

/// Rights on what the body names: the handler demands them once it has read it.
pub(super) struct ByBody {
    pub(super) registry: Registry,
    pub(super) caller: Caller,
}

impl FromRequestParts<Guarded> for ByBody {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        Ok(ByBody { registry: guarded.0.clone(), caller: Caller::of(&parts.extensions) })
    }
}

/// No right: every caller is answered alike, and nothing of the answer is about a subject.
pub(super) struct AnyCaller {
    pub(super) registry: Registry,
}

impl FromRequestParts<Guarded> for AnyCaller {
    type Rejection = Refused;

    async fn from_request_parts(_: &mut Parts, guarded: &Guarded) -> Result<Self, Refused> {
        Ok(AnyCaller { registry: guarded.0.clone() })
    }
}

/// The subject that a request for this one is about. One step: an alias of an alias is none.
pub(super) fn behind_alias(registry: &Registry, subject: Subject) -> Subject {
    registry.state().behind_alias(subject)
}

/// Demands a right on a subject that the body names. 40301.
pub(super) fn demand_on(caller: &Caller, action: Action, subject: &Subject) -> Answer<()> {
    Ok(caller.demand(action, Resource::subject(subject.as_str()))?)
}

/// What a caller may do, for those who do not know it.
pub(super) fn of_caller(caller: Caller) -> Grants {
    match caller.is_restricted() {
        false => Grants::ALL,
        true => Grants::by(move |action, resource| caller.may(action, resource)),
    }
}

fn grants(extensions: &Extensions) -> Grants {
    extensions.get::<Caller>().cloned().map_or(Grants::ALL, of_caller)
}

fn demand(extensions: &Extensions, action: Action, resource: Resource<'_>) -> Answer<()> {
    match extensions.get::<Caller>() {
        None => Ok(()),
        Some(caller) => Ok(caller.demand(action, resource)?),
    }
}
