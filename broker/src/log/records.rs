//! The records in a batch: reading them, and writing a batch with some of them.

use std::borrow::Cow;
use std::io;

use super::batch::{BatchHeader, HEADER_BYTES};
use super::compression::decompress;

/// The bits of a batch's attributes that say how its records are compressed.
const COMPRESSION: i16 = 7;
/// All records have the timestamp of the batch.
const LOG_APPEND_TIME: i16 = 8;
/// The field of the first timestamp says when tombstones may be removed. The timestamps of records count from there.
pub const DELETE_HORIZON: i16 = 0x40;

/// A record, and its bytes in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    /// `None` says that the key was deleted.
    pub value: Option<&'a [u8]>,
    attributes: u8,
    /// All of it, with its length.
    raw: &'a [u8],
    /// From the field `offsetDelta` on.
    tail: &'a [u8],
}

/// The decompressed records of a batch.
#[derive(Debug)]
pub struct Records<'a> {
    header: BatchHeader,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Records<'a> {
    /// Takes a whole batch.
    pub fn of(header: &BatchHeader, batch: &'a [u8]) -> io::Result<Records<'a>> {
        let compressed = batch.get(HEADER_BYTES..).unwrap_or_default();
        let bytes = decompress(header.attributes, compressed)?;
        Ok(Records { header: *header, bytes })
    }

    /// The records one after the other. The first that is malformed is the last.
    pub fn iter(&self) -> impl Iterator<Item = io::Result<Record<'_>>> {
        let mut rest = &self.bytes[..];
        let mut left = self.header.count;
        std::iter::from_fn(move || {
            if left <= 0 {
                return None;
            }
            left -= 1;
            let record = record(&self.header, &mut rest);
            if record.is_none() {
                left = 0;
            }
            Some(record.ok_or_else(malformed))
        })
    }

    /// All of them, if all can be read.
    pub fn all(&self) -> io::Result<Vec<Record<'_>>> {
        self.iter().collect()
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a record is malformed")
}

fn record<'a>(header: &BatchHeader, bytes: &mut &'a [u8]) -> Option<Record<'a>> {
    let all = *bytes;
    let length = usize::try_from(varint(bytes)?).ok()?;
    let (mut body, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    let raw = &all[..all.len() - rest.len()];
    let (&attributes, after) = body.split_first()?;
    body = after;
    let timestamp = header.first_timestamp.wrapping_add(varint(&mut body)?);
    let tail = body;
    let offset = header.base_offset.wrapping_add(varint(&mut body)?);
    let key = field(&mut body)?;
    let value = field(&mut body)?;
    let is_of_batch = header.attributes & LOG_APPEND_TIME != 0;
    let timestamp = if is_of_batch { header.max_timestamp } else { timestamp };
    Some(Record { offset, timestamp, key, value, attributes, raw, tail })
}

/// A field with its length before it; a length of -1 is null.
pub fn field<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = varint(bytes)?;
    if length == -1 {
        return Some(None);
    }
    let (field, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(field))
}

/// A number as records have it: zigzag, seven bits a byte.
pub fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

fn put_varint(into: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

/// A batch in place of one whose records are not all kept. It has the offsets, the producer and the
/// sequence of the old one, and is not compressed.
///
/// Records can be none. With a `delete_horizon` tombstones in it may be removed at that time.
pub fn rewritten(
    old: &BatchHeader,
    records: &[Record<'_>],
    delete_horizon: Option<i64>,
) -> io::Result<Vec<u8>> {
    let mut header = *old;
    header.attributes &= !COMPRESSION;
    header.count = i32::try_from(records.len()).map_err(io::Error::other)?;
    if let Some(horizon) = delete_horizon {
        header.attributes |= DELETE_HORIZON;
        header.first_timestamp = horizon;
    }
    if old.attributes & LOG_APPEND_TIME == 0
        && let Some(newest) = records.iter().map(|record| record.timestamp).max()
    {
        header.max_timestamp = newest;
    }
    let mut bytes = vec![0; HEADER_BYTES];
    for record in records {
        if header.first_timestamp == old.first_timestamp {
            bytes.extend_from_slice(record.raw);
        } else {
            let mut body = vec![record.attributes];
            put_varint(&mut body, record.timestamp.wrapping_sub(header.first_timestamp));
            body.extend_from_slice(record.tail);
            put_varint(&mut bytes, body.len() as i64);
            bytes.extend_from_slice(&body);
        }
    }
    header.bytes = bytes.len();
    header.write(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
pub mod tests {
    use super::super::compression::tests::compress;
    use super::*;

    /// What a test says of a record: key, value, timestamp.
    pub type Fields<'a> = (Option<&'a str>, Option<&'a str>, i64);

    /// A batch as a client sends it.
    pub fn batch(fields: &[Fields<'_>], codec: i16, with: impl Fn(&mut BatchHeader)) -> Vec<u8> {
        let first_timestamp = fields.first().map_or(0, |(_, _, timestamp)| *timestamp);
        let mut records = Vec::new();
        for (number, (key, value, timestamp)) in fields.iter().enumerate() {
            let mut body = vec![0];
            put_varint(&mut body, timestamp - first_timestamp);
            put_varint(&mut body, number as i64);
            for field in [key, value] {
                put_varint(&mut body, field.map_or(-1, |field| field.len() as i64));
                body.extend_from_slice(field.unwrap_or_default().as_bytes());
            }
            put_varint(&mut body, 0);
            put_varint(&mut records, body.len() as i64);
            records.extend_from_slice(&body);
        }
        let mut bytes = vec![0; HEADER_BYTES];
        bytes.extend_from_slice(&compress(codec, &records));
        let mut header = BatchHeader {
            base_offset: 0,
            bytes: bytes.len(),
            leader_epoch: 0,
            attributes: if codec == 5 { 2 } else { codec },
            last_offset_delta: fields.len() as i32 - 1,
            first_timestamp,
            max_timestamp: fields.iter().map(|(_, _, timestamp)| *timestamp).max().unwrap_or(-1),
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: fields.len() as i32,
        };
        with(&mut header);
        header.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn records_of_every_codec_are_read() {
        let fields = [(Some("k"), Some("v"), 100), (None, Some(""), 90), (Some("k"), None, 3000)];
        for codec in 0..=5 {
            let bytes = batch(&fields, codec, |header| header.base_offset = 7);
            let header = super::super::batch::check(&bytes).unwrap();
            let records = Records::of(&header, &bytes).unwrap();
            let read: Vec<_> = records.iter().map(Result::unwrap).collect();
            assert_eq!(read.iter().map(|r| r.offset).collect::<Vec<_>>(), [7, 8, 9]);
            assert_eq!(read.iter().map(|r| r.timestamp).collect::<Vec<_>>(), [100, 90, 3000]);
            assert_eq!(read[0].key, Some(&b"k"[..]));
            assert_eq!((read[1].key, read[1].value), (None, Some(&b""[..])));
            assert_eq!(read[2].value, None);
        }
    }

    #[test]
    fn a_rewritten_batch_keeps_offsets_and_timestamps() {
        let fields =
            [(Some("a"), Some("1"), 100), (Some("b"), Some("2"), 300), (Some("c"), None, 200)];
        let bytes = batch(&fields, 4, |header| header.base_offset = 7);
        let header = super::super::batch::check(&bytes).unwrap();
        let records = Records::of(&header, &bytes).unwrap();
        let all = records.all().unwrap();
        for horizon in [None, Some(1_000_000)] {
            let bytes = rewritten(&header, &all[..1], horizon).unwrap();
            let new = super::super::batch::check(&bytes).unwrap();
            assert_eq!((new.base_offset, new.next_offset(), new.count), (7, 10, 1));
            assert_eq!(new.max_timestamp, 100);
            let new = rewritten(&header, &all[1..], horizon).unwrap();
            let header = super::super::batch::check(&new).unwrap();
            assert_eq!(header.attributes, if horizon.is_some() { DELETE_HORIZON } else { 0 });
            let kept = Records::of(&header, &new).unwrap();
            let kept: Vec<_> =
                kept.iter().map(|r| r.unwrap()).map(|r| (r.offset, r.timestamp, r.key)).collect();
            assert_eq!(kept, [(8, 300, Some(&b"b"[..])), (9, 200, Some(&b"c"[..]))]);
        }
    }

    #[test]
    fn malformed_records_are_an_error() {
        let bytes = batch(&[(Some("k"), Some("v"), 1), (Some("k"), Some("v"), 1)], 0, |_| {});
        let header = super::super::batch::check(&bytes).unwrap();
        for end in HEADER_BYTES..bytes.len() {
            assert!(Records::of(&header, &bytes[..end]).unwrap().all().is_err());
        }
        for at in HEADER_BYTES..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] = 0xff;
            let _ = Records::of(&header, &bytes).unwrap().all();
        }
    }
}
