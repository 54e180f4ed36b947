//! The HTTP face: Confluent's REST Proxy API v2, one file a resource.

mod answer;
mod bodies;
mod brokers;
mod consumers;
mod negotiate;
mod request;
mod router;
mod topics;

pub(crate) use bodies::Object;
pub use router::router;
