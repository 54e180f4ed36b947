//! The log: an ordered list of records, durable once an append returns.

pub(crate) mod kafka;
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

pub use kafka::{KafkaConfig, KafkaLog};
pub use memory::MemoryLog;
pub use sled::SledLog;

/// What the registry stores its records in. Its methods may block: they run on a thread of their
/// own. Offsets ascend from 0; where a log is compacted, some are missing.
pub trait Log: Send + 'static {
    /// Hands on every record from offset `from` to the end, in order, each with its offset.
    fn read(&mut self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> Result<(), LogError>;

    /// Appends records behind offset `expected`, where the log ends, all or none of them; the offset
    /// of the first. When this returns, they survive the loss of power. That the offset is another
    /// than `expected` tells that somebody wrote at the same time, where the log cannot prevent it.
    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<u64, AppendError>;
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
    /// The log may hold the records or not; it is not to be written again before it was read.
    Failed(String),
    /// Another has taken the log over; nothing was written.
    Deposed,
    /// The log does not take these; nothing was written.
    Refused { reason: String, too_large: bool },
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::Conflict => f.write_str("somebody else has written"),
            AppendError::Deposed => f.write_str("another has taken over"),
            AppendError::Failed(reason) | AppendError::Refused { reason, .. } => {
                f.write_str(reason)
            }
        }
    }
}
