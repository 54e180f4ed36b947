//! Ids of producers, none of which is given twice.

use std::io;

use crate::core::{Core, Entry, Key, Now};

/// So many ids are taken from the journal at once. What is left of them at a restart is skipped.
const BLOCK: i64 = 1000;

#[derive(Debug, Default)]
pub(super) struct ProducerIds {
    next: i64,
    /// The first id that the journal does not have as given.
    reserved: i64,
}

impl ProducerIds {
    pub fn load(&mut self, value: Option<serde_json::Value>) -> io::Result<()> {
        if let Some(value) = value {
            self.reserved = serde_json::from_value(value)?;
            self.next = self.reserved;
        }
        Ok(())
    }
}

impl Core {
    /// An id that no producer has had.
    pub(super) fn new_producer_id(&mut self, now: Now) -> io::Result<i64> {
        let ids = &mut self.transactions.ids;
        if ids.next == ids.reserved {
            let reserved = ids.reserved.saturating_add(BLOCK);
            let value = Some(serde_json::to_value(reserved)?);
            self.journal.write(vec![Entry { key: Key::ProducerIds, value }], now)?;
            self.transactions.ids.reserved = reserved;
        }
        let ids = &mut self.transactions.ids;
        let id = ids.next;
        ids.next += 1;
        Ok(id)
    }
}
