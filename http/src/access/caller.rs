//! The caller of a request: who it is, and what it may do.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use weir_access::{Action, Identity, Kind, Proof, Resource, Rights};
use weir_errors::HttpError;

use crate::principal::Principal;

/// Who has sent a request, and what they may do, as an extension of the request.
///
/// Without access control everybody may do everything.
#[derive(Clone, Debug)]
pub struct Caller(Option<Arc<Known>>);

/// A caller that is known.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    /// None: whoever is known may do everything.
    pub(crate) rights: Option<Rights>,
    /// When the proof ends.
    pub(crate) until: Option<SystemTime>,
}

/// The caller may not do this. It is answered with 403, error code 40301, whether the resource is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied;

impl Caller {
    /// Anybody, where there is no access control.
    pub const ANYBODY: Caller = Caller(None);

    /// Somebody who is known, with rights; without rights, everything is allowed.
    pub fn known(identity: Identity, rights: Option<Rights>) -> Caller {
        Caller(Some(Arc::new(Known { identity, rights, until: None })))
    }

    pub fn of(extensions: &Extensions) -> Caller {
        extensions.get::<Caller>().cloned().unwrap_or(Caller::ANYBODY)
    }

    /// Returns true if the caller may do something. For what is left out of an answer: nobody hears of it.
    pub fn may(&self, action: Action, resource: Resource<'_>) -> bool {
        self.rights().is_none_or(|rights| rights.verdict(action, resource).allowed)
    }

    /// Returns true if the caller may read all resources of a kind, so that nothing is left out of an answer.
    pub fn sees_all(&self, kind: Kind) -> bool {
        self.rights().is_none_or(|rights| rights.on_all(Action::Read, kind))
    }

    /// Demands a right that a request needs: what is denied, and what changes anything, is in the audit log.
    pub fn demand(&self, action: Action, resource: Resource<'_>) -> Result<(), Denied> {
        match self.may(action, resource) {
            true => Ok(()),
            false => Err(Denied),
        }
    }

    /// Returns true if rules say what the caller may do.
    pub fn is_restricted(&self) -> bool {
        self.rights().is_some()
    }

    /// Who the caller is, if it has proved it.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.as_deref().map(|known| &known.identity)
    }

    /// Returns false once the proof has ended or rules have changed since the request came: what goes on for long asks
    /// again and again, and ends with 401.
    pub fn is_current(&self) -> bool {
        self.0
            .as_deref()
            .and_then(|known| known.until)
            .is_none_or(|until| SystemTime::now() < until)
    }

    fn rights(&self) -> Option<&Rights> {
        self.0.as_deref().and_then(|known| known.rights.as_ref())
    }

    /// Whom limits and the owners of consumer instances are known by.
    pub(crate) fn principal(&self) -> Option<Principal> {
        let identity = self.identity().filter(|identity| identity.proof != Proof::Nothing)?;
        Some(Principal::Named(identity.name.clone()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Infallible> {
        Ok(Caller::of(&parts.extensions))
    }
}

impl From<Denied> for HttpError {
    fn from(_: Denied) -> HttpError {
        HttpError::Denied
    }
}
