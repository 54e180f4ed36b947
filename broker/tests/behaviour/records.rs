//! Batches as clients send them, and what is read back as text.

use bytes::{BufMut, Bytes, BytesMut};

/// What tests use as the timestamp of the first record; it is of 2001, so that it is told apart
/// from times at which a test runs.
pub const THEN: i64 = 1_000_000_000_000;

/// What a batch is made of. Offsets begin with 0, as clients write them.
#[derive(Clone, Debug)]
pub struct BatchOf {
    pub records: Vec<(Option<&'static str>, Option<&'static str>)>,
    pub timestamp: i64,
    pub attributes: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub magic: i8,
    pub leader_epoch: i32,
    pub base_offset: i64,
    /// Added to the right number.
    pub count_error: i32,
    pub delta_error: i32,
    pub checksum_error: u32,
}

impl BatchOf {
    /// Records with these values and no keys.
    pub fn values(values: &[&'static str]) -> BatchOf {
        BatchOf::keyed(&values.iter().map(|value| (None, Some(*value))).collect::<Vec<_>>())
    }

    pub fn keyed(records: &[(Option<&'static str>, Option<&'static str>)]) -> BatchOf {
        BatchOf {
            records: records.to_vec(),
            timestamp: THEN,
            attributes: 0,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            magic: 2,
            leader_epoch: -1,
            base_offset: 0,
            count_error: 0,
            delta_error: 0,
            checksum_error: 0,
        }
    }

    pub fn by_producer(mut self, id: i64, epoch: i16, sequence: i32) -> BatchOf {
        self.producer_id = id;
        self.producer_epoch = epoch;
        self.base_sequence = sequence;
        self
    }

    pub fn transactional(mut self) -> BatchOf {
        self.attributes |= 0x10;
        self
    }

    pub fn at(mut self, timestamp: i64) -> BatchOf {
        self.timestamp = timestamp;
        self
    }

    pub fn bytes(&self) -> Bytes {
        let mut body = BytesMut::new();
        let count = i32::try_from(self.records.len()).expect("few records");
        body.put_i16(self.attributes);
        body.put_i32(count - 1 + self.delta_error);
        body.put_i64(self.timestamp);
        body.put_i64(self.timestamp + i64::from((count - 1).max(0)));
        body.put_i64(self.producer_id);
        body.put_i16(self.producer_epoch);
        body.put_i32(self.base_sequence);
        body.put_i32(count + self.count_error);
        for (delta, (key, value)) in (0..).zip(&self.records) {
            put_record(&mut body, delta, *key, *value);
        }
        let mut batch = BytesMut::new();
        batch.put_i64(self.base_offset);
        batch.put_i32(i32::try_from(body.len() + 9).expect("a short batch"));
        batch.put_i32(self.leader_epoch);
        batch.put_i8(self.magic);
        batch.put_u32(crc32c::crc32c(&body).wrapping_add(self.checksum_error));
        batch.put_slice(&body);
        batch.freeze()
    }
}

/// A record whose timestamp is `delta` milliseconds after the first one's.
fn put_record(into: &mut BytesMut, delta: i64, key: Option<&str>, value: Option<&str>) {
    let mut record = BytesMut::new();
    record.put_i8(0);
    put_varint(&mut record, delta);
    put_varint(&mut record, delta);
    for bytes in [key, value] {
        match bytes {
            Some(bytes) => {
                put_varint(&mut record, i64::try_from(bytes.len()).expect("short"));
                record.put_slice(bytes.as_bytes());
            }
            None => put_varint(&mut record, -1),
        }
    }
    put_varint(&mut record, 0);
    put_varint(into, i64::try_from(record.len()).expect("short"));
    into.put_slice(&record);
}

fn put_varint(into: &mut BytesMut, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while zigzag >= 0x80 {
        into.put_u8((zigzag & 0x7f) as u8 | 0x80);
        zigzag >>= 7;
    }
    into.put_u8(zigzag as u8);
}

/// What was read, a batch after the other. Kafka may end with a part of one, which clients pass over.
pub fn shown(mut bytes: &[u8]) -> String {
    let mut batches = Vec::new();
    while bytes.len() >= 61 {
        let length = 12 + i32_at(bytes, 8).max(49) as usize;
        if length > bytes.len() {
            break;
        }
        let (batch, rest) = bytes.split_at(length);
        batches.push(shown_batch(batch));
        bytes = rest;
    }
    batches.join(" ")
}

fn shown_batch(batch: &[u8]) -> String {
    let base = i64_at(batch, 0);
    let time = |at| match i64_at(batch, at) {
        time if time > 1_600_000_000_000 => "now".to_string(),
        time => (time - THEN).to_string(),
    };
    let producer = match i64_at(batch, 43) {
        -1 => "-1",
        _ => "chosen",
    };
    let mut records = Vec::new();
    let mut rest = &batch[61..];
    if batch[22] & 7 == 0 {
        while let Some(record) = take_record(&mut rest, base) {
            records.push(record);
        }
    }
    format!(
        "[{base}+{} epoch {} magic {} attributes {} times {} {} producer {producer} {} {} count {}: {}]",
        i32_at(batch, 23),
        i32_at(batch, 12),
        batch[16],
        i16_at(batch, 21),
        time(27),
        time(35),
        i16_at(batch, 51),
        i32_at(batch, 53),
        i32_at(batch, 57),
        records.join(" "),
    )
}

fn take_record(bytes: &mut &[u8], base: i64) -> Option<String> {
    take_varint(bytes)?;
    bytes.split_off_first()?;
    let time = take_varint(bytes)?;
    let offset = base + take_varint(bytes)?;
    let key = take_text(bytes)?;
    let value = take_text(bytes)?;
    let headers = take_varint(bytes)?;
    for _ in 0..2 * headers {
        take_text(bytes)?;
    }
    Some(format!("{offset}@{time} {key}={value}"))
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    match usize::try_from(take_varint(bytes)?) {
        Ok(length) => {
            let text = bytes.split_off(..length)?;
            Some(text.escape_ascii().to_string())
        }
        Err(_) => Some("null".into()),
    }
}

fn take_varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut zigzag = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        zigzag |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed());
        }
    }
    None
}

fn i16_at(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}
