//! What a compaction has to know before it rewrites: the last offset of each key, and which transactions were aborted.

use std::collections::HashMap;
use std::io;

use super::Compaction;
use crate::log::batch::BatchHeader;
use crate::log::outcome::Outcome;
use crate::log::records::Records;

/// What the keys of one compaction may take. What has more keys is compacted in several runs.
const KEYS_MAX_BYTES: usize = 64 * 1024 * 1024;
/// What a key takes besides its bytes.
const KEY_OVERHEAD_BYTES: usize = 64;

/// The last offset of each key in what is not compacted yet.
#[derive(Debug)]
pub struct Keys {
    last: HashMap<Box<[u8]>, i64>,
    /// Records from here on were not looked at.
    pub end: i64,
}

impl Keys {
    pub fn read(compaction: &Compaction, transactions: &Transactions) -> io::Result<Keys> {
        let mut keys = Keys { last: HashMap::new(), end: compaction.end };
        let mut bytes = 0;
        let dirty = |source: &&super::Source| source.end > compaction.compacted;
        for source in compaction.sources.iter().filter(dirty) {
            let mut reader = compaction.reader(source)?;
            while let Some((found, batch)) = reader.read()? {
                compaction.check_stopped()?;
                let header = found.header;
                if header.next_offset() <= compaction.compacted || !transactions.counts(&header) {
                    continue;
                }
                if bytes > KEYS_MAX_BYTES {
                    keys.end = header.base_offset;
                    return Ok(keys);
                }
                bytes += keys.add(&header, &batch);
            }
        }
        Ok(keys)
    }

    /// Returns how much more it takes.
    fn add(&mut self, header: &BatchHeader, batch: &[u8]) -> usize {
        let Ok(records) = Records::of(header, batch) else { return 0 };
        let Ok(records) = records.all() else { return 0 };
        let mut bytes = 0;
        for record in &records {
            let Some(key) = record.key else { continue };
            if let Some(last) = self.last.get_mut(key) {
                *last = record.offset;
            } else {
                self.last.insert(key.into(), record.offset);
                bytes += key.len() + KEY_OVERHEAD_BYTES;
            }
        }
        bytes
    }

    /// Returns true if there is a later record of this key.
    pub fn has_later(&self, key: &[u8], offset: i64) -> bool {
        self.last.get(key).is_some_and(|last| *last > offset)
    }
}

/// The transactions of the segments that are compacted. All of them have ended.
#[derive(Debug, Default)]
pub struct Transactions {
    /// By the producer: the first offset of each, and the offset of its marker.
    aborted: HashMap<i64, Vec<(i64, i64)>>,
    /// By the producer: the offset after its last batch of records.
    last_data: HashMap<i64, i64>,
}

impl Transactions {
    pub fn read(compaction: &Compaction) -> io::Result<Transactions> {
        let mut transactions = Transactions::default();
        let mut open: HashMap<i64, i64> = HashMap::new();
        for source in &compaction.sources {
            let mut reader = compaction.reader(source)?;
            while let Some(header) = reader.peek_header()? {
                compaction.check_stopped()?;
                let producer = header.producer_id;
                if !header.is_control() {
                    reader.skip()?;
                    transactions.last_data.insert(producer, header.next_offset());
                    if header.is_transactional() {
                        open.entry(producer).or_insert(header.base_offset);
                    }
                    continue;
                }
                let Some((_, batch)) = reader.read()? else { break };
                let Some(marker) = marker(&header, &batch) else { continue };
                let first = open.remove(&producer);
                if let (Outcome::Abort, Some(first)) = (marker, first) {
                    let aborted = transactions.aborted.entry(producer).or_default();
                    aborted.push((first, header.base_offset));
                }
            }
        }
        Ok(transactions)
    }

    /// Returns true if the batch has records that a reader of committed ones gets.
    pub fn counts(&self, header: &BatchHeader) -> bool {
        !header.is_control() && !self.is_aborted(header)
    }

    pub fn is_aborted(&self, header: &BatchHeader) -> bool {
        let Some(aborted) = self.aborted.get(&header.producer_id) else { return false };
        let after = aborted.partition_point(|(first, _)| *first <= header.base_offset);
        let before = after.checked_sub(1).and_then(|last| aborted.get(last));
        header.is_transactional() && before.is_some_and(|(_, end)| header.base_offset < *end)
    }

    /// Returns true if the producer has no later batch of records here.
    pub fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        self.last_data.get(&header.producer_id).is_none_or(|last| *last <= header.next_offset())
    }
}

/// Reads a control batch. `None` says that it is one of another kind.
pub fn marker(header: &BatchHeader, batch: &[u8]) -> Option<Outcome> {
    let records = Records::of(header, batch).ok()?;
    Outcome::of_key(records.iter().next()?.ok()?.key?)
}
