//! Rights that handlers state in their signatures: `Topic<Write>` is a topic that the caller may write.
//!
//! A right is demanded before the handler runs: before the body is read, before anything is asked of Kafka, and
//! whether what is named is there or not. Handlers get names of topics and groups in no other way.
#![expect(clippy::disallowed_types, reason = "here it is looked what the caller may")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Deserializer};
pub(crate) use weir_http::rights::{Admin, Configure, Delete, Read, Right, Write};
use weir_http::{Action, Caller, Denied, Named, Resource};

use super::answer::Refused;
use super::json::coerced;
use crate::Proxy;
use crate::error::ProxyError;

/// How often what goes on for long looks whether its caller is still who it was.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The topic that the path names, on which the caller has a right. 40301.
pub(crate) struct Topic<R>(String, PhantomData<fn() -> R>);

/// The consumer group that the path names, on which the caller has a right. 40301.
pub(crate) struct Group<R>(String, PhantomData<fn() -> R>);

/// The caller has a right on Kafka's cluster as a whole. 40301.
pub(crate) struct Cluster<R>(PhantomData<fn() -> R>);

#[derive(Deserialize)]
struct TopicInPath {
    topic: String,
}

#[derive(Deserialize)]
struct GroupInPath {
    group: String,
}

impl<R: Right> FromRequestParts<Proxy> for Topic<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, proxy: &Proxy) -> Result<Self, Refused> {
        let Named(TopicInPath { topic }) = Named::from_request_parts(parts, proxy).await?;
        Caller::of(&parts.extensions).demand(R::ACTION, Resource::topic(&topic))?;
        Ok(Topic(topic, PhantomData))
    }
}

impl<R: Right> FromRequestParts<Proxy> for Group<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, proxy: &Proxy) -> Result<Self, Refused> {
        let Named(GroupInPath { group }) = Named::from_request_parts(parts, proxy).await?;
        Caller::of(&parts.extensions).demand(R::ACTION, Resource::group(&group))?;
        Ok(Group(group, PhantomData))
    }
}

impl<R: Right> FromRequestParts<Proxy> for Cluster<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Proxy) -> Result<Self, Refused> {
        Caller::of(&parts.extensions).demand(R::ACTION, Resource::KAFKA)?;
        Ok(Cluster(PhantomData))
    }
}

impl<R> Deref for Topic<R> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<R> Deref for Group<R> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The name of a topic in a body or a query: nobody can use it before a right on it was demanded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TopicInBody(String);

impl TopicInBody {
    pub(crate) fn new(name: &str) -> TopicInBody {
        TopicInBody(name.to_string())
    }

    /// The name, if the caller has the right.
    pub(crate) fn demand<R: Right>(self, caller: &Caller) -> Result<String, Denied> {
        caller.demand(R::ACTION, Resource::topic(&self.0))?;
        Ok(self.0)
    }
}

impl<'de> Deserialize<'de> for TopicInBody {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        coerced(input).map(TopicInBody)
    }
}

impl fmt::Debug for TopicInBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns true if the caller may read a topic. For lists: what it may not read is left out.
pub(crate) fn sees_topic(caller: &Caller, topic: &str) -> bool {
    caller.may(Action::Read, Resource::topic(topic))
}

/// Returns true if the caller may read a consumer group. For lists, too.
pub(crate) fn sees_group(caller: &Caller, group: &str) -> bool {
    caller.may(Action::Read, Resource::group(group))
}

/// Who asks for something that goes on for long, and what it needs rights for: a login may end meanwhile, and rules may
/// change.
pub(crate) struct Standing<'a, F> {
    caller: &'a Caller,
    may: F,
}

impl<'a, F: Fn(&Caller) -> bool> Standing<'a, F> {
    /// `may` says whether the caller has the rights now. It is asked again and again, and writes nothing down.
    pub(crate) fn new(caller: &'a Caller, may: F) -> Standing<'a, F> {
        Standing { caller, may }
    }

    /// 401 the caller's login has ended · 40301 its rights have.
    pub(crate) fn check(&self) -> Result<(), ProxyError> {
        if !self.caller.is_current() {
            return Err(ProxyError::Unauthorized);
        }
        if (self.may)(self.caller) { Ok(()) } else { Err(ProxyError::Denied) }
    }

    /// Resolves once a check fails, with its error; never without access control.
    pub(crate) async fn end(&self) -> ProxyError {
        if self.caller.identity().is_none() {
            return std::future::pending().await;
        }
        loop {
            if let Err(error) = self.check() {
                return error;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// What is waited for, unless a check fails before it comes, or then: what comes in the last moment is not for
    /// whoever may not have it any more.
    pub(crate) async fn wait<T>(
        &self,
        waiting: impl Future<Output = Result<T, ProxyError>>,
    ) -> Result<T, ProxyError> {
        let found = tokio::select! {
            found = waiting => found?,
            error = self.end() => return Err(error),
        };
        self.check()?;
        Ok(found)
    }
}
