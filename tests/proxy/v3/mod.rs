//! API v3.

mod acls;
mod brokers;
mod clusters;
mod configs;
mod groups;
mod partitions;
mod produce;
mod records;
mod site;
mod topics;

pub use site::Site;
