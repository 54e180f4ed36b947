//! The HTTP face: Confluent's registry API, one file a resource.

mod answer;
mod associations;
mod cluster;
mod compatibility;
mod config;
mod contexts;
mod format;
mod forward;
mod metadata;
mod mode;
mod negotiate;
mod register;
mod request;
mod router;
mod schemas;
mod subjects;

pub use router::{router, service};
