//! A log in memory: for tests, and for a registry that is to forget.

use weir_registry_core::RawRecord;

use super::{AppendError, Log, LogError};

#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    records: Vec<RawRecord>,
}

impl Log for MemoryLog {
    fn read(&mut self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> Result<(), LogError> {
        let records = (from..).zip(self.records.iter().skip(from as usize));
        records.for_each(|(offset, record)| each(offset, record.clone()));
        Ok(())
    }

    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<u64, AppendError> {
        if self.records.len() as u64 != expected {
            return Err(AppendError::Conflict);
        }
        self.records.extend_from_slice(records);
        Ok(expected)
    }
}
