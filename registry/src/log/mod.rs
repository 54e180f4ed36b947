//! The log: an ordered list of records, durable once an append returns.

mod memory;
mod sled;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod power;

use std::fmt;

use weir_registry_core::RawRecord;

pub use memory::MemoryLog;
pub use sled::SledLog;

/// What the registry stores its records in. Its methods may block: they run on a thread of their
/// own. Offsets count records from 0.
pub trait Log: Send + 'static {
    /// Hands on every record from offset `from` to the end, in order.
    fn read(&mut self, from: u64, each: &mut dyn FnMut(RawRecord)) -> Result<(), LogError>;

    /// Appends records at offset `expected`, all or none of them. When this returns, they survive
    /// the loss of power.
    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<(), AppendError>;
}

/// Why a log cannot be read or opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogError(pub String);

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LogError {}

/// Why records were not appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The log's end is not where it was expected: somebody else has written.
    Conflict,
    /// The log may hold the records or not; it is not to be written again.
    Failed(String),
}
