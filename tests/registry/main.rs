//! The registry through its socket; files mirror the URL tree.
//!
//! Every error code is reached here with its text: `every_error_code` has the list.
#![allow(clippy::unwrap_used)] // how a test fails

mod access;
mod aliases;
mod associations;
mod associations_batch;
mod associations_resources;
mod avro_suite;
mod compatibility;
mod config;
mod contexts;
mod contracts;
mod every_error_code;
mod fixtures;
mod golden;
mod http;
mod json_schema;
mod metadata;
mod mode;
mod protobuf;
mod schemas;
mod stored_texts;
mod subjects;
mod subjects_metadata;
mod subjects_versions;
mod subjects_versions_version;
mod tags;
mod timestamps;
