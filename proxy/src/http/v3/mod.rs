//! Confluent's REST Proxy API v3, one file a resource, and what it lacks: reading, resetting offsets,
//! deleting groups and records.

pub(super) mod acls;
mod alterations;
pub(super) mod brokers;
pub(super) mod clusters;
pub(super) mod configs;
pub(super) mod groups;
mod json_body;
pub(super) mod lags;
pub(super) mod offsets;
pub(super) mod partitions;
pub(super) mod produce;
pub(super) mod records;
mod site;
pub(super) mod topics;
mod values;
