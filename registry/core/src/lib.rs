//! The registry as a state machine over a log of Confluent's `_schemas` records. Pure.
//!
//! [`Decide`] says what a command would write, [`State::apply`] is the only thing that changes the
//! state, and everything else asks it. Ids, versions and texts are in the records: two states that
//! applied the same log are equal.

mod associations;
mod candidate;
mod check;
mod compaction;
mod decide;
mod grants;
mod guid;
mod lookup;
mod parsed;
mod pin;
pub mod record;
mod state;

pub use associations::Associations;
pub use candidate::{Candidate, Purpose};
pub use check::{Verdict, check};
pub use compaction::Compaction;
pub use decide::{
    Associated, AssociationChange, AssociationDelete, AssociationPlan, Checked, Decide, Decision,
    DeleteConfig, DeleteContext, DeleteMode, DeleteSubject, DeleteVersion, PutConfig, PutMode,
    RegisterOptions, Registered, Registration, RequestedVersion, Stale, Standalone,
};
pub use grants::Grants;
pub use parsed::{Parsed, over_budget};
pub use record::{RawRecord, Record};
pub use weir_schema::{Budget, Limits};

pub use state::{
    IdEntry, Listing, LogEntry, ParseCache, PassedOver, State, Tally, Use, VersionEntry, type_name,
};
