//! The registry's shell: an HTTP face, a log, and between them one writer.
//!
//! A write goes `http` -> [`Registry::submit`] -> `writer` -> [`log::Log::append`] -> the state that
//! everybody reads. A read goes `http` -> [`Registry::state`]. Where the log is on Kafka, `cluster`
//! stands in the writer's place, and `http::forward` takes a write to the node that leads. What both writers do
//! alike is in `batch`; what the rest has to know of other nodes is the trait `peers::Peers`.
//!
//! The features `kafka` and `sled` are the logs of these names; without them there is the one in memory.

mod batch;
#[cfg(feature = "kafka")]
mod cluster;
mod counts;
mod http;
mod lanes;
pub mod log;
mod metrics;
#[cfg_attr(
    not(feature = "kafka"),
    expect(dead_code, reason = "only a log on Kafka has other nodes")
)]
mod peers;
mod registry;
mod replay;
mod settle;
mod steps;
mod writer;

#[cfg(feature = "kafka")]
pub use cluster::NodeConfig;
pub use http::{router, service};
pub use metrics::METRICS;
pub use registry::{OpenError, Options, REQUEST_LIMITS, Registry};
pub use weir_schema::Limits;
