//! Topics are made, grow and are deleted.

mod assignment;
mod create;
mod delete;
mod describe;
mod name;
mod partitions;
#[cfg(test)]
mod tests;

pub(crate) use assignment::check_replicas;
pub(crate) use name::check_name;

/// How many partitions one request may ask for, as in Kafka.
const PARTITIONS_OF_A_REQUEST_MAX: usize = 10_000;
/// How many partitions there may be altogether: each has files, and this is a laptop's broker.
const PARTITIONS_MAX: usize = 20_000;
