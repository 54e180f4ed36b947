//! A log in memory: for tests, and for a registry that is to forget.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use weir_registry_core::{Compaction, LogEntry, RawRecord, State};

use super::{AppendError, COMPACT_FROM_RECORDS, Log, LogError, LogStatus};

#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    /// The records, each with its offset.
    records: Vec<(u64, RawRecord)>,
    next_offset: u64,
    compacted_at_ms: u64,
    /// At how many records the log is looked at for compaction next.
    look_at: u64,
}

impl MemoryLog {
    /// Forgets what has no say any more.
    fn compact(&mut self, state: &State) {
        let mut compaction = Compaction::default();
        self.records.iter().for_each(|(offset, record)| compaction.see(*offset, record));
        let kept = compaction.kept();
        let mut compacted = State::default();
        for (offset, record) in self.records.iter().filter(|(offset, _)| kept.contains(offset)) {
            // what cannot be applied could not be applied before
            let _ = compacted.apply_entry(*offset, LogEntry::read(record));
        }
        if compacted.is_indistinguishable_from(state) {
            self.records.retain(|(offset, _)| kept.contains(offset));
            self.records.shrink_to_fit();
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.compacted_at_ms = since_1970.as_millis().try_into().unwrap_or(u64::MAX);
        }
        self.look_at = self.records.len() as u64 * 2;
    }
}

impl Log for MemoryLog {
    fn read(&mut self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> Result<(), LogError> {
        let start = self.records.partition_point(|(offset, _)| *offset < from);
        self.records[start..].iter().for_each(|(offset, record)| each(*offset, record.clone()));
        Ok(())
    }

    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<u64, AppendError> {
        if self.next_offset != expected {
            return Err(AppendError::Conflict);
        }
        self.records.extend((expected..).zip(records.iter().cloned()));
        self.next_offset += records.len() as u64;
        Ok(expected)
    }

    fn tend(&mut self, state: &State) -> Option<Duration> {
        let is_worth_it = self.records.len() as u64 >= self.look_at.max(COMPACT_FROM_RECORDS);
        if is_worth_it && state.next_offset() == self.next_offset {
            self.compact(state);
        }
        None
    }

    fn status(&self) -> LogStatus {
        LogStatus {
            fault: None,
            bytes: 0,
            records: self.records.len() as u64,
            compactions: 0,
            failed_compactions: 0,
            compacted_at_ms: self.compacted_at_ms,
        }
    }
}
