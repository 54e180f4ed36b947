//! The log: an ordered list of records, durable once an append returns.

#[cfg(feature = "kafka")]
pub(crate) mod kafka;
mod memory;
#[cfg(feature = "sled")]
mod sled;

#[cfg(test)]
#[cfg(all(feature = "kafka", feature = "sled"))]
mod conformance;
#[cfg(test)]
#[cfg(feature = "sled")]
mod crash;
#[cfg(test)]
#[cfg(feature = "sled")]
mod power;

use std::fmt;
use std::time::Duration;

use weir_registry_core::{RawRecord, State};

#[cfg(feature = "kafka")]
pub use kafka::{KafkaConfig, KafkaLog};
pub use memory::MemoryLog;
#[cfg(feature = "sled")]
pub use sled::SledLog;

/// Records from which on a log that nobody else writes is looked at for compaction.
const COMPACT_FROM_RECORDS: u64 = 5_000;

/// What the registry stores its records in. Its methods may block: they run on a thread of their
/// own. Offsets ascend from 0; where a log is compacted, some are missing.
pub trait Log: Send + 'static {
    /// Hands on every record from offset `from` to the end, in order, each with its offset. If the log is damaged,
    /// only the sound ones.
    fn read(&mut self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> Result<(), LogError>;

    /// Appends records at offset `expected`, where the log ends, all or none of them. When this returns, they
    /// survive the loss of power.
    ///
    /// Returns the offset of the first. It is another than `expected` if somebody has written at the same time and
    /// the log could not prevent it.
    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<u64, AppendError>;

    /// Ids that may have been given and are lost with their records; only ids above this one are given.
    fn ids_above(&self) -> u32 {
        0
    }

    /// Does what is to be done beside appending. `state` is what the log makes.
    ///
    /// Returns how long until it wants to be called again, if nothing is appended before.
    fn tend(&mut self, _state: &State) -> Option<Duration> {
        None
    }

    /// Takes what is sound of a log that could not be read to its end. Returns true if there is something to be
    /// read now, from the beginning.
    fn salvage(&mut self) -> bool {
        false
    }

    /// Tries to make a log that has failed one that takes writes. What it holds has to be read anew from where
    /// the state ends.
    fn recover(&mut self) -> Result<(), LogError> {
        Err(LogError("writes need a restart".into()))
    }

    fn status(&self) -> LogStatus {
        LogStatus::default()
    }
}

/// How a log is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStatus {
    /// Why the log takes no writes, if it takes none.
    pub fault: Option<Fault>,
    /// How much of the disk the log has, with what is still to be given back.
    pub bytes: u64,
    pub records: u64,
    /// When the log was compacted last, in milliseconds since 1970; 0 if never.
    pub compacted_at_ms: u64,
    /// Compactions since the log was opened, and those that have failed.
    pub compactions: u64,
    pub failed_compactions: u64,
}

/// Why a log takes no writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The log has lost or changed what was written.
    Damaged(String),
    /// The log's files were removed or replaced while it was open.
    Gone(String),
    /// The log could not write, and may be able to again: the disk is full, for one.
    Failed(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Damaged(why) | Fault::Gone(why) | Fault::Failed(why) => f.write_str(why),
        }
    }
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

impl From<std::io::Error> for LogError {
    fn from(error: std::io::Error) -> LogError {
        LogError(error.to_string())
    }
}

/// Why records were not appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The log's end is not where it was expected: somebody else has written.
    Conflict,
    /// The log may hold the records or not; it is not to be written again before it was read.
    Failed(String),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::Conflict => f.write_str("somebody else has written"),
            AppendError::Failed(reason) => f.write_str(reason),
        }
    }
}
