//! The rules of `access.toml`, and what they say of a caller.

use std::fmt;
use std::sync::Arc;

use crate::action::Action;
use crate::identity::Identity;
use crate::resource::{Kind, Resource};

/// The rules of an `access.toml`.
#[derive(Debug, Default)]
pub struct Policy {}

/// A mistake in an `access.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    pub text: String,
}

/// A rule, as it is said which one has decided: `rule payments, line 12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: Arc<str>,
    /// Where it begins in `access.toml`, counted from 1.
    pub line: usize,
}

/// Whether something may be done, and which rule says so. No rule: nothing allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'r> {
    pub allowed: bool,
    pub rule: Option<&'r Rule>,
}

/// How much a principal may ask for; none is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Requests in a second.
    pub requests_per_sec: Option<u32>,
    /// Bytes of requests' bodies in a second.
    pub bytes_per_sec: Option<u64>,
    /// Requests that are being answered at one time.
    pub in_flight: Option<u32>,
    /// Consumer instances of the REST proxy.
    pub consumer_instances: Option<u32>,
}

/// What one identity may do: the rules that concern it, ready to be asked.
#[derive(Debug)]
pub struct Rights {}

impl Policy {
    /// Reads an `access.toml`. The errors are all of its mistakes, in the order of their places.
    pub fn parse(_text: &str) -> Result<Policy, Vec<Problem>> {
        Ok(Policy {})
    }

    /// The rights of an identity.
    pub fn rights(&self, _identity: &Identity) -> Rights {
        Rights {}
    }
}

impl Rights {
    /// Says whether an action on a resource is allowed: a rule that denies it decides, then one that allows it; without
    /// any, it is denied.
    pub fn verdict(&self, _action: Action, _resource: Resource<'_>) -> Verdict<'_> {
        Verdict { allowed: false, rule: None }
    }

    /// Returns true if an action is allowed on all resources of a kind, so that nobody has to ask for each.
    pub fn on_all(&self, _action: Action, _kind: Kind) -> bool {
        false
    }

    /// Returns false if an action is allowed on no resource of a kind.
    pub fn on_any(&self, _action: Action, _kind: Kind) -> bool {
        false
    }

    pub fn quotas(&self) -> Quotas {
        Quotas::default()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.text)
    }
}

/// `rule payments, line 12`
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}, line {}", self.name, self.line)
    }
}
