//! Confluent's REST Proxy API v2, one file a resource.

mod bodies;
pub(super) mod brokers;
pub(super) mod consumers;
mod control;
pub(super) mod negotiate;
mod own_instance;
pub(super) mod topics;
