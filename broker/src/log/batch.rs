//! A record batch of message format 2, which is stored as it came but for its offset and epoch.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes before the first record.
pub const HEADER_BYTES: usize = 61;
/// Bytes that the field `batchLength` does not count.
pub const UNCOUNTED_BYTES: usize = 12;
/// The checksum is of everything from here.
const CHECKED_FROM: usize = 21;
/// The bit in the attributes for timestamps of the broker.
const LOG_APPEND_TIME: i16 = 8;

/// Why bytes are not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// Fewer bytes than it says, or more.
    Length,
    /// Not message format 2.
    Magic(i8),
    Checksum,
    /// Counts that contradict each other.
    Count,
    /// An offset which cannot be where it is.
    Offset,
}

/// The fields of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    pub base_offset: i64,
    /// Bytes of the whole batch.
    pub bytes: usize,
    pub leader_epoch: i32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub first_timestamp: i64,
    pub max_timestamp: i64,
    /// -1 without idempotence.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub count: i32,
}

impl BatchHeader {
    /// Reads the first [`HEADER_BYTES`]. The checksum is not looked at.
    pub fn parse(mut bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        if bytes.len() < HEADER_BYTES {
            return Err(BatchError::Length);
        }
        let base_offset = bytes.get_i64();
        let length = usize::try_from(bytes.get_i32()).map_err(|_| BatchError::Length)?;
        let leader_epoch = bytes.get_i32();
        let magic = bytes.get_i8();
        if magic != 2 {
            return Err(BatchError::Magic(magic));
        }
        let _checksum = bytes.get_u32();
        let header = BatchHeader {
            base_offset,
            bytes: length + UNCOUNTED_BYTES,
            leader_epoch,
            attributes: bytes.get_i16(),
            last_offset_delta: bytes.get_i32(),
            first_timestamp: bytes.get_i64(),
            max_timestamp: bytes.get_i64(),
            producer_id: bytes.get_i64(),
            producer_epoch: bytes.get_i16(),
            base_sequence: bytes.get_i32(),
            count: bytes.get_i32(),
        };
        if header.bytes < HEADER_BYTES {
            return Err(BatchError::Length);
        }
        let is_counted = header.count >= 0 && header.last_offset_delta >= header.count - 1;
        if is_counted { Ok(header) } else { Err(BatchError::Count) }
    }

    /// Writes the fields over the beginning of `batch`, which is a whole one, with its checksum.
    pub fn write(&self, batch: &mut [u8]) -> io::Result<()> {
        let length = i32::try_from(batch.len().saturating_sub(UNCOUNTED_BYTES));
        let length = length.map_err(io::Error::other)?;
        let mut fields = BytesMut::with_capacity(HEADER_BYTES);
        fields.put_i64(self.base_offset);
        fields.put_i32(length);
        fields.put_i32(self.leader_epoch);
        fields.put_i8(2);
        fields.put_u32(0); // the checksum, once the rest is there
        fields.put_i16(self.attributes);
        fields.put_i32(self.last_offset_delta);
        fields.put_i64(self.first_timestamp);
        fields.put_i64(self.max_timestamp);
        fields.put_i64(self.producer_id);
        fields.put_i16(self.producer_epoch);
        fields.put_i32(self.base_sequence);
        fields.put_i32(self.count);
        let header = batch.get_mut(..HEADER_BYTES).ok_or(io::ErrorKind::InvalidInput)?;
        header.copy_from_slice(&fields);
        let checksum = crc32c::crc32c(&batch[CHECKED_FROM..]);
        batch[17..CHECKED_FROM].copy_from_slice(&checksum.to_be_bytes());
        Ok(())
    }

    /// The offset after the last record.
    pub fn next_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta) + 1)
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// The timestamps of the records are when the batch was appended, not the producer's.
    pub fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// A marker that ends a transaction.
    pub fn is_control(&self) -> bool {
        self.attributes & 0x20 != 0
    }
}

/// Reads the header of bytes which are exactly one batch, whose checksum is right.
pub fn check(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
    let header = BatchHeader::parse(bytes)?;
    if header.bytes != bytes.len() {
        return Err(BatchError::Length);
    }
    let said = (&bytes[17..CHECKED_FROM]).get_u32();
    if crc32c::crc32c(&bytes[CHECKED_FROM..]) != said {
        return Err(BatchError::Checksum);
    }
    Ok(header)
}

/// A whole batch, whose checksum is right.
#[derive(Clone, Debug)]
pub struct Batch {
    header: BatchHeader,
    bytes: BytesMut,
}

impl Batch {
    /// Takes exactly one batch.
    pub fn parse(bytes: Bytes) -> Result<Batch, BatchError> {
        let header = check(&bytes)?;
        Ok(Batch { header, bytes: BytesMut::from(bytes) })
    }

    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The checksum does not cover the offset.
    pub fn set_base_offset(&mut self, offset: i64) {
        self.header.base_offset = offset;
        self.bytes[..8].copy_from_slice(&offset.to_be_bytes());
    }

    /// The checksum does not cover the epoch.
    pub fn set_leader_epoch(&mut self, epoch: i32) {
        self.header.leader_epoch = epoch;
        self.bytes[12..16].copy_from_slice(&epoch.to_be_bytes());
    }
    /// All records get this timestamp, which is when they are appended.
    pub fn set_log_append_time(&mut self, timestamp: i64) {
        self.header.attributes |= LOG_APPEND_TIME;
        self.bytes[21..23].copy_from_slice(&self.header.attributes.to_be_bytes());
        self.set_max_timestamp(timestamp);
    }

    /// The timestamps of the records are the client's, the greatest of which is this one.
    pub fn set_create_time(&mut self, max_timestamp: i64) {
        self.header.attributes &= !LOG_APPEND_TIME;
        self.bytes[21..23].copy_from_slice(&self.header.attributes.to_be_bytes());
        self.set_max_timestamp(max_timestamp);
    }

    /// Sets the greatest timestamp of the records, and a new checksum.
    fn set_max_timestamp(&mut self, timestamp: i64) {
        self.header.max_timestamp = timestamp;
        self.bytes[35..43].copy_from_slice(&timestamp.to_be_bytes());
        let checksum = crc32c::crc32c(&self.bytes[CHECKED_FROM..]);
        self.bytes[17..CHECKED_FROM].copy_from_slice(&checksum.to_be_bytes());
    }
}
