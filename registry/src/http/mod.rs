//! The HTTP face: Confluent's registry API, one file a resource.

mod access;
mod answer;
mod associations;
mod cluster;
mod compatibility;
mod config;
mod contexts;
mod docs;
mod encode;
mod format;
#[cfg(feature = "kafka")]
mod forward;
#[cfg(not(feature = "kafka"))]
#[path = "alone.rs"]
mod forward;
mod json_body;
mod metadata;
mod mode;
mod negotiate;
mod path;
mod probes;
mod query;
mod register;
mod request;
mod rights;
mod router;
mod schemas;
mod shared_text;
mod subjects;

pub(crate) use cluster::Node;
pub use router::{router, service};
