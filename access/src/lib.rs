//! Who may do what. Pure: no IO, no clock, no randomness.
//!
//! A [`Policy`] is read from `access.toml`. An [`Identity`], which some [`Authenticator`] has found behind
//! [`Credentials`], has [`Rights`] under it, and these give a [`Verdict`] on an [`Action`] on a [`Resource`].

mod action;
mod actions;
mod authenticator;
mod file;
mod identity;
mod mapping;
mod nearest;
mod pattern;
mod policy;
mod problem;
mod quotas;
mod resource;
mod rights;
mod table;

pub use action::Action;
pub use authenticator::{
    Authenticating, Authenticator, Credentials, LoginCounts, LoginFailure, Proved, Secret,
};
pub use identity::{Identity, Proof};
pub use mapping::MappingRules;
pub use nearest::nearest;
pub use policy::Policy;
pub use problem::Problem;
pub use quotas::Quotas;
pub use resource::{Kind, Resource};
pub use rights::{Rights, Rule, Verdict};
