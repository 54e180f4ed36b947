//! A Kafka broker for development and tests: one node, the real protocol, on disk or in memory.
//!
//! It is never clustered and is no production broker.
//!
//! [`core`] is a state machine without input and output: a request goes in with the time, answers
//! come out. `server` has the connections, `log` the records of a partition, `files` where they are
//! kept.

pub mod apis;
pub mod core;
pub mod faults;
pub mod files;
mod guard;
pub mod log;
mod metrics;
mod server;
mod settings;

pub use faults::{Action, Faults, Rule, RuleId};
pub use metrics::METRICS;
pub use server::{Broker, StartError};
pub use settings::{BrokerSettings, ConnectionSettings, Storage};
