//! The caller of a request: who it is, and what it may do.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use weir_access::{Action, Identity, Kind, Proof, Quotas, Resource, Rights, Rule};
use weir_errors::HttpError;

use super::door::Door;
use crate::principal::Principal;

/// Who has sent a request, and what they may do, as an extension of the request.
///
/// Without access control everybody may do everything.
#[derive(Clone, Debug)]
pub struct Caller(Option<Arc<Asking>>);

/// A caller that is known, and what its request has asked for.
#[derive(Debug)]
struct Asking {
    known: Arc<Known>,
    notes: Mutex<Vec<Note>>,
}

/// Somebody who is known.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    /// When the proof ends.
    pub(crate) until: Option<SystemTime>,
    /// The authenticator's generation when the proof was checked.
    pub(crate) proved_in: u64,
    /// Where the newest rules are; none if the rights are what they are.
    door: Weak<Door>,
    /// None: whoever is known may do everything.
    rights: ArcSwapOption<Ruled>,
}

/// Rights under the rules of a generation.
#[derive(Debug)]
struct Ruled {
    generation: u64,
    rights: Rights,
}

/// What a request needed a right for, and what the rules said: a line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) action: Action,
    /// `subject:orders-value`
    pub(crate) resource: String,
    pub(crate) allowed: bool,
    pub(crate) rule: Option<Rule>,
}

/// The caller may not do this. It is answered with 403, error code 40301, whether the resource is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied;

impl Known {
    /// Somebody whose rights are those that the door's rules give.
    ///
    /// `proved_in` is the authenticator's generation before the proof was checked.
    pub(crate) fn at(
        door: &Arc<Door>,
        identity: Identity,
        until: Option<SystemTime>,
        proved_in: u64,
    ) -> Known {
        let rights = ArcSwapOption::empty();
        Known { identity, until, proved_in, door: Arc::downgrade(door), rights }
    }

    /// Looks at the rights under the newest rules.
    fn with_rights<T>(&self, look: impl FnOnce(Option<&Rights>) -> T) -> T {
        let held = self.rights.load();
        let Some(door) = self.door.upgrade() else {
            return look(held.as_ref().map(|ruled| &ruled.rights));
        };
        let rules = door.rules();
        let Some(rules) = &*rules else { return look(None) };
        if let Some(ruled) = held.as_ref().filter(|ruled| ruled.generation == rules.generation) {
            return look(Some(&ruled.rights));
        }
        let rights = rules.policy.rights(&self.identity);
        let ruled = Arc::new(Ruled { generation: rules.generation, rights });
        self.rights.store(Some(ruled.clone()));
        look(Some(&ruled.rights))
    }

    fn rules_generation(&self) -> u64 {
        let newest = self.door.upgrade().and_then(|door| Some(door.rules().as_ref()?.generation));
        newest.or_else(|| Some(self.rights.load().as_ref()?.generation)).unwrap_or_default()
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| SystemTime::now() >= until)
    }

    /// Returns true while the proof holds: it has not ended, and its authenticator has read nothing anew.
    pub(crate) fn is_proved(&self) -> bool {
        let holds = |door: Arc<Door>| door.proved_generation() == self.proved_in;
        !self.is_over() && self.door.upgrade().is_none_or(holds)
    }

    pub(crate) fn quotas(&self) -> Quotas {
        self.with_rights(|rights| rights.map(Rights::quotas).unwrap_or_default())
    }
}

impl Caller {
    /// Anybody, where there is no access control.
    pub const ANYBODY: Caller = Caller(None);

    /// Somebody who is known, with rights; without rights, everything is allowed.
    pub fn known(identity: Identity, rights: Option<Rights>) -> Caller {
        let ruled = rights.map(|rights| Arc::new(Ruled { generation: 0, rights }));
        Caller::asking(Arc::new(Known {
            identity,
            until: None,
            proved_in: 0,
            door: Weak::new(),
            rights: ArcSwapOption::new(ruled),
        }))
    }

    /// The caller of one request.
    pub(crate) fn asking(known: Arc<Known>) -> Caller {
        Caller(Some(Arc::new(Asking { known, notes: Mutex::default() })))
    }

    pub fn of(extensions: &Extensions) -> Caller {
        extensions.get::<Caller>().cloned().unwrap_or(Caller::ANYBODY)
    }

    /// Returns true if the caller may do something. For what is left out of an answer: nobody hears of it.
    pub fn may(&self, action: Action, resource: Resource<'_>) -> bool {
        self.with_rights(|rights| {
            rights.is_none_or(|rights| rights.verdict(action, resource).allowed)
        })
    }

    /// Returns true if the caller may read all resources of a kind, so that nothing is left out of an answer.
    pub fn sees_all(&self, kind: Kind) -> bool {
        self.with_rights(|rights| rights.is_none_or(|rights| rights.on_all(Action::Read, kind)))
    }

    /// Demands a right that a request needs: what is denied, and what changes anything, is in the audit log.
    pub fn demand(&self, action: Action, resource: Resource<'_>) -> Result<(), Denied> {
        let Some(asking) = &self.0 else { return Ok(()) };
        let (allowed, rule) = asking.known.with_rights(|rights| match rights {
            None => (true, None),
            Some(rights) => {
                let verdict = rights.verdict(action, resource);
                let is_noted = !verdict.allowed || action != Action::Read;
                (verdict.allowed, verdict.rule.filter(|_| is_noted).cloned())
            }
        });
        if !allowed || action != Action::Read {
            let resource = resource.to_string();
            asking.notes().push(Note { action, resource, allowed, rule });
        }
        if allowed { Ok(()) } else { Err(Denied) }
    }

    /// What the newest rules say of anybody; none if there are no rules.
    pub(super) fn explain_of(
        &self,
        who: &Identity,
        action: Action,
        resource: Resource<'_>,
    ) -> Option<(bool, Option<Rule>)> {
        let door = self.0.as_deref()?.known.door.upgrade()?;
        let rules = door.rules();
        let rights = (*rules).as_ref()?.policy.rights(who);
        let verdict = rights.verdict(action, resource);
        Some((verdict.allowed, verdict.rule.cloned()))
    }

    /// Returns true if rules say what the caller may do.
    pub fn is_restricted(&self) -> bool {
        self.with_rights(|rights| rights.is_some())
    }

    /// Who the caller is, if there is access control.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.as_deref().map(|asking| &asking.known.identity)
    }

    /// A number that is another one after the caller's rules have changed: what was found out under rules that have gone
    /// is to be found out again.
    pub fn rules_generation(&self) -> u64 {
        self.0.as_deref().map(|asking| asking.known.rules_generation()).unwrap_or_default()
    }

    /// How much the caller may ask for.
    pub fn quotas(&self) -> Quotas {
        self.0.as_deref().map(|asking| asking.known.quotas()).unwrap_or_default()
    }

    /// Returns false once the proof does not hold any more: a token has expired, users were read anew. What goes on for
    /// long asks again and again, and ends with 401. Rules that have changed are seen by [`Caller::may`].
    pub fn is_current(&self) -> bool {
        self.0.as_deref().is_none_or(|asking| asking.known.is_proved())
    }

    pub(crate) fn has_notes(&self) -> bool {
        self.0.as_deref().is_some_and(|asking| !asking.notes().is_empty())
    }

    /// What the request has asked for, to be written down; it is not kept.
    pub(crate) fn take_notes(&self) -> Vec<Note> {
        self.0.as_deref().map(|asking| std::mem::take(&mut *asking.notes())).unwrap_or_default()
    }

    /// Whom limits and the owners of consumer instances are known by.
    pub(crate) fn principal(&self) -> Option<Principal> {
        let identity = self.identity().filter(|identity| identity.proof != Proof::Nothing)?;
        Some(Principal::Named(identity.name.clone()))
    }

    fn with_rights<T>(&self, look: impl FnOnce(Option<&Rights>) -> T) -> T {
        match &self.0 {
            None => look(None),
            Some(asking) => asking.known.with_rights(look),
        }
    }
}

impl Asking {
    fn notes(&self) -> std::sync::MutexGuard<'_, Vec<Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
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
