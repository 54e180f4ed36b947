//! The registry through its socket; files mirror the URL tree.
//!
//! Every error code is reached here with its text, except those that no request can bring about:
//! 50001 comes from a log that fails, 500 from a defect.
#![allow(clippy::unwrap_used)] // how a test fails

mod avro_suite;
mod compatibility;
mod config;
mod fixtures;
mod http;
mod metadata;
mod mode;
mod schemas;
mod subjects;
mod subjects_versions;
mod subjects_versions_version;
