//! The record that ends a transaction in a partition.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::log::{BatchHeader, HEADER_BYTES};

/// A transactional batch (16) of control records (32).
const ATTRIBUTES: i16 = 0x30;
/// The version of the key and of the value of a marker.
const VERSION: i16 = 0;
/// The bytes of the record of a marker.
const MARKER_BYTES: usize = 17;
/// Where the checksum of a batch is; it covers what comes after it.
const CHECKSUM_AT: usize = 17;

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Abort,
    Commit,
}

impl Outcome {
    fn number(self) -> i16 {
        match self {
            Outcome::Abort => 0,
            Outcome::Commit => 1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub outcome: Outcome,
    pub coordinator_epoch: i32,
}

impl Marker {
    /// A control batch with this marker alone.
    pub fn batch(&self, timestamp: i64) -> Bytes {
        let record = self.record();
        let mut batch = BytesMut::with_capacity(HEADER_BYTES + record.len());
        batch.put_i64(0); // base offset
        batch.put_i32((HEADER_BYTES - 12 + record.len()) as i32);
        batch.put_i32(0); // leader epoch
        batch.put_i8(2);
        batch.put_u32(0); // checksum
        batch.put_i16(ATTRIBUTES);
        batch.put_i32(0); // last offset delta
        batch.put_i64(timestamp);
        batch.put_i64(timestamp);
        batch.put_i64(self.producer_id);
        batch.put_i16(self.producer_epoch);
        batch.put_i32(-1); // base sequence
        batch.put_i32(1);
        batch.put_slice(&record);
        let checksum = crc32c::crc32c(&batch[CHECKSUM_AT + 4..]);
        batch[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&checksum.to_be_bytes());
        batch.freeze()
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

    /// Reads the marker of a control batch; `None` if it is a control batch of another kind.
    pub fn read(batch: &[u8]) -> Option<Marker> {
        let header = BatchHeader::parse(batch).ok()?;
        let mut record = batch.get(HEADER_BYTES..)?;
        if record.len() < MARKER_BYTES || header.attributes & ATTRIBUTES != ATTRIBUTES {
            return None;
        }
        record.advance(5); // up to the version of the key
        let _version = record.get_i16();
        let outcome = match record.get_i16() {
            0 => Outcome::Abort,
            1 => Outcome::Commit,
            _ => return None,
        };
        record.advance(3); // the length and the version of the value
        let coordinator_epoch = record.get_i32();
        Some(Marker {
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            outcome,
            coordinator_epoch,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Batch;

    #[test]
    fn a_marker_is_a_batch_which_says_what_was_written() {
        for outcome in [Outcome::Abort, Outcome::Commit] {
            let marker =
                Marker { producer_id: 7, producer_epoch: 3, outcome, coordinator_epoch: 5 };
            let bytes = marker.batch(1_000);
            let batch = Batch::parse(bytes.clone()).unwrap();
            assert!(batch.header().is_control() && batch.header().is_transactional());
            assert_eq!(bytes.len(), 78, "as long as Kafka's");
            assert_eq!(Marker::read(&bytes), Some(marker));
        }
    }
}
