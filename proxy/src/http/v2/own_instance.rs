//! Consumer instances, which are those of the principal that made them.
#![expect(clippy::disallowed_types, reason = "an instance is found by whose it is")]

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use weir_http::{Action, Caller, Named, Principal, Resource};

use crate::Proxy;
use crate::consumer::{Session, SessionKey, SessionName};
use crate::error::ProxyError;
use crate::http::answer::Refused;

/// Whose the consumer instances are that a request makes or names: a principal's, or anybody's without access control.
pub(crate) struct Maker(pub(crate) Option<Principal>);

impl FromRequestParts<Proxy> for Maker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Proxy) -> Result<Self, Infallible> {
        let is_known = Caller::of(&parts.extensions).identity().is_some();
        Ok(Maker(is_known.then(|| Principal::of(&parts.extensions))))
    }
}

/// The consumer instance that the path names, of those that its caller has made. Those of others are not there.
pub(crate) struct OwnInstance {
    key: SessionKey,
    caller: Caller,
}

#[derive(Deserialize)]
struct InstanceInPath {
    group: String,
    instance: String,
}

impl FromRequestParts<Proxy> for OwnInstance {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, proxy: &Proxy) -> Result<Self, Refused> {
        let Named(InstanceInPath { group, instance }) =
            Named::from_request_parts(parts, proxy).await?;
        let Ok(Maker(maker)) = Maker::from_request_parts(parts, proxy).await;
        let key = SessionKey { maker, name: SessionName { group, instance } };
        Ok(OwnInstance { key, caller: Caller::of(&parts.extensions) })
    }
}

impl OwnInstance {
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The session, which acts for the caller as it is now. 40403 · 40301 the caller may not read the group any more.
    pub(crate) fn session(&self, proxy: &Proxy) -> Result<Arc<Session>, ProxyError> {
        let session = proxy.instances.get(&self.key)?;
        self.caller.demand(Action::Read, Resource::group(&self.key.name.group))?;
        session.instance().act_for(&self.caller);
        Ok(session)
    }

    /// Ends the session, which is to be closed. 40403.
    pub(crate) fn end(&self, proxy: &Proxy) -> Result<Arc<Session>, ProxyError> {
        proxy.instances.remove(&self.key)
    }
}
