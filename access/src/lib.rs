//! Who may do what. Pure: no IO, no clock, no randomness.
//!
//! A [`Policy`] is read from `access.toml`. An [`Identity`], which some [`Authenticator`] has found behind
//! [`Credentials`], has [`Rights`] under it, and these give a [`Verdict`] on an [`Action`] on a [`Resource`].

mod action;
mod authenticator;
mod identity;
mod policy;
mod resource;

pub use action::Action;
pub use authenticator::{Authenticating, Authenticator, Credentials, LoginFailure, Proved, Secret};
pub use identity::{Identity, Proof};
pub use policy::{Policy, Problem, Quotas, Rights, Rule, Verdict};
pub use resource::{Kind, Resource};
