//! What a command would write, and what it would answer. Pure: nothing has happened yet.
//! Source: Confluent's `KafkaSchemaRegistry`, in the order of its checks.
//!
//! A command is a type that implements [`Decide`], and names what it answers.

mod associate;
mod config;
mod delete;
mod guards;
mod mode;
mod register;

use weir_registry_api::RegistryError;

use crate::record::Record;
use crate::state::State;
pub use associate::{Associated, AssociationChange, AssociationDelete, AssociationPlan};
pub use config::{DeleteConfig, PutConfig};
pub use delete::{DeleteContext, DeleteSubject, DeleteVersion};
pub use mode::{DeleteMode, PutMode};
pub use register::{Checked, RegisterOptions, Registered, Registration, RequestedVersion};

/// A command to the registry.
pub trait Decide {
    /// What the command answers once its records are written.
    type Outcome;

    /// Whether the command changes a mode, which an operator may forbid.
    const CHANGES_MODE: bool = false;

    /// Decides the command on a state. The decision holds if its records are the next in the log.
    fn decide(&self, state: &State) -> Result<Decision<Self::Outcome>, RegistryError>;
}

/// A command that depends on nothing that its maker has read, so that it does not matter how old that state was.
///
/// A command that is made of what a state has is not one: it has to be made again where that has changed, and
/// its outcome says [`Stale`] then.
pub trait Standalone: Decide {}

impl Standalone for AssociationDelete {}
impl Standalone for DeleteConfig {}
impl Standalone for DeleteContext {}
impl Standalone for DeleteMode {}
impl Standalone for DeleteSubject {}
impl Standalone for DeleteVersion {}
impl Standalone for PutConfig {}
impl Standalone for PutMode {}

impl<C: Decide> Decide for Box<C> {
    type Outcome = C::Outcome;
    const CHANGES_MODE: bool = C::CHANGES_MODE;

    fn decide(&self, state: &State) -> Result<Decision<C::Outcome>, RegistryError> {
        (**self).decide(state)
    }
}

/// What a command writes, and what it answers then.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<T> {
    /// Empty if what the command asks for is there already.
    pub records: Vec<Record>,
    pub outcome: T,
}

impl<T> Decision<T> {
    /// Writes nothing.
    fn nothing(outcome: T) -> Decision<T> {
        Decision { records: Vec::new(), outcome }
    }
}

/// The outcome of a command that was made from something that has changed since: nothing is written, and
/// the command is to be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale;
