//! The registry as a state machine over a log of Confluent's `_schemas` records. Pure.
//!
//! [`decide`] says what a command would write, [`State::apply`] is the only thing that changes the
//! state, and everything else asks it. Ids, versions and texts are in the records: two states that
//! applied the same log are equal.

mod candidate;
mod check;
mod decide;
pub mod record;
mod state;

pub use candidate::Candidate;
pub use check::check;
pub use decide::{Command, Decision, Outcome, decide};
pub use record::{RawRecord, Record};
pub use state::{IdEntry, State, Use, VersionEntry};
