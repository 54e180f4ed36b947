//! The registry's shell: an HTTP face, a log, and between them one writer.
//!
//! A write goes `http` -> [`Registry::submit`] -> `writer` -> [`log::Log::append`] -> the state that
//! everybody reads. A read goes `http` -> [`Registry::state`]. Where the log is on Kafka, `cluster`
//! stands in the writer's place, and `http::forward` takes a write to the node that leads.
//!
//! The features `kafka` and `sled` are the logs of these names; without them there is the one in memory.

#[cfg(feature = "kafka")]
mod cluster;
mod http;
mod lanes;
pub mod log;
mod registry;
mod replay;
mod writer;

#[cfg(feature = "kafka")]
pub use cluster::NodeConfig;
pub use http::{router, service};
pub use registry::{OpenError, Options, REQUEST_LIMITS, Registry};
pub use weir_schema::Limits;
