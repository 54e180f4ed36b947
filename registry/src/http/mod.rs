//! The HTTP face: Confluent's registry API, one file a resource.

mod answer;
mod compatibility;
mod config;
mod metadata;
mod mode;
mod negotiate;
mod request;
mod router;
mod schemas;
mod subjects;

pub use router::router;
