//! The record that ends a transaction in a partition.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};

use crate::log::{BatchHeader, HEADER_BYTES, Outcome, Records};

/// A transactional batch (16) of control records (32).
const ATTRIBUTES: i16 = 0x30;
/// The version of the key and of the value of a marker.
const VERSION: i16 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub outcome: Outcome,
    pub coordinator_epoch: i32,
}

impl Marker {
    /// A control batch with this marker alone.
    pub fn batch(&self, timestamp: i64) -> io::Result<Bytes> {
        let mut batch = vec![0; HEADER_BYTES];
        batch.extend_from_slice(&self.record());
        let header = BatchHeader {
            base_offset: 0,
            bytes: batch.len(),
            leader_epoch: 0,
            attributes: ATTRIBUTES,
            last_offset_delta: 0,
            first_timestamp: timestamp,
            max_timestamp: timestamp,
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
            base_sequence: -1,
            count: 1,
        };
        header.write(&mut batch)?;
        Ok(batch.into())
    }

    /// All numbers of it are below 64, so that each varint is one byte.
    fn record(&self) -> Bytes {
        let mut body = BytesMut::new();
        body.put_u8(0); // attributes
        body.put_u8(0); // timestamp delta
        body.put_u8(0); // offset delta
        body.put_u8(4 << 1);
        body.put_i16(VERSION);
        body.put_i16(self.outcome.number());
        body.put_u8(6 << 1);
        body.put_i16(VERSION);
        body.put_i32(self.coordinator_epoch);
        body.put_u8(0); // headers
        let mut record = BytesMut::new();
        record.put_u8((body.len() as u8) << 1);
        record.put_slice(&body);
        record.freeze()
    }

    /// Reads the marker of a control batch, also of one that a compaction has written again; `None` if it is a control batch
    /// of another kind.
    pub fn read(batch: &[u8]) -> Option<Marker> {
        let header = BatchHeader::parse(batch).ok()?;
        if header.attributes & ATTRIBUTES != ATTRIBUTES {
            return None;
        }
        let records = Records::of(&header, batch).ok()?;
        let record = records.iter().next()?.ok()?;
        let outcome = Outcome::of_key(record.key?)?;
        let coordinator_epoch = record.value?.get(2..6)?.try_into().ok()?;
        Some(Marker {
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            outcome,
            coordinator_epoch: i32::from_be_bytes(coordinator_epoch),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Batch, rewritten};

    #[test]
    fn a_marker_is_a_batch_which_says_what_was_written() {
        for outcome in [Outcome::Abort, Outcome::Commit] {
            let marker =
                Marker { producer_id: 7, producer_epoch: 3, outcome, coordinator_epoch: 5 };
            let bytes = marker.batch(1_000).unwrap();
            let batch = Batch::parse(bytes.clone()).unwrap();
            assert!(batch.header().is_control() && batch.header().is_transactional());
            assert_eq!(bytes.len(), 78, "as long as Kafka's");
            assert_eq!(Marker::read(&bytes), Some(marker));
        }
    }

    /// Its timestamp then counts from the horizon, which takes more than a byte.
    #[test]
    fn a_marker_that_a_compaction_has_written_again_is_read() {
        let outcome = Outcome::Abort;
        let marker = Marker { producer_id: 7, producer_epoch: 3, outcome, coordinator_epoch: 5 };
        let bytes = marker.batch(1_000).unwrap();
        let header = BatchHeader::parse(&bytes).unwrap();
        let records = Records::of(&header, &bytes).unwrap();
        let again = rewritten(&header, &records.all().unwrap(), Some(86_401_000)).unwrap();
        assert!(again.len() > bytes.len());
        assert_eq!(Marker::read(&again), Some(marker));
    }
}
