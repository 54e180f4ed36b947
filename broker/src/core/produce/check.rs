//! What a batch must be like before it is appended: the checks of Kafka, in Kafka's order.

use std::io;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;

use super::Refusal;
use super::records::{Record, Records};
use crate::core::{Now, TimestampType, Topic};
use crate::log::{Batch, BatchError, BatchHeader, UNCOUNTED_BYTES};

/// Bytes of a batch up to its field `magic`, inclusive.
const UP_TO_MAGIC_BYTES: usize = 17;
/// The shortest value of `batchLength` that any format of messages had.
const LENGTH_MIN: i32 = 14;
/// The number of zstd in the attributes of a batch.
const ZSTD: i16 = 4;
/// Produce knows zstd from this version on.
const ZSTD_SINCE: i16 = 7;
/// How many records of a batch are named as faulty.
const NAMED_RECORDS_MAX: usize = 100;
/// How many of them the message shows.
const SHOWN_RECORDS_MAX: usize = 3;

/// The length of the first batch in `records`; `None` if they have no whole batch.
pub(super) fn batch_bytes(records: &[u8]) -> Result<Option<usize>, Refusal> {
    let Some(length) =
        records.get(8..UNCOUNTED_BYTES).filter(|_| records.len() >= UP_TO_MAGIC_BYTES)
    else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(length.try_into().unwrap_or_default());
    if length < LENGTH_MIN {
        let why =
            format!("Record size {length} is less than the minimum record overhead ({LENGTH_MIN})");
        return Err(Refusal::said(ResponseError::CorruptMessage, why));
    }
    let magic = records.get(UP_TO_MAGIC_BYTES - 1).map_or(0, |magic| magic.cast_signed());
    if !(0..=2).contains(&magic) {
        let why = format!("Invalid magic found in record: {magic}");
        return Err(Refusal::said(ResponseError::CorruptMessage, why));
    }
    let bytes = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(UNCOUNTED_BYTES);
    Ok((bytes <= records.len()).then_some(bytes))
}

/// Checks what the version of Produce says about the format of its batch.
pub(super) fn is_produced_in(batch: &[u8], version: i16) -> Result<(), Refusal> {
    if batch.get(16) != Some(&2) {
        return Err(Refusal::new(ResponseError::InvalidRecord));
    }
    let compression = batch.get(22).map_or(0, |attributes| i16::from(attributes & 7));
    if compression > ZSTD && version < ZSTD_SINCE {
        return Err(Refusal::new(ResponseError::UnknownServerError));
    }
    if compression == ZSTD && version < ZSTD_SINCE {
        return Err(Refusal::new(ResponseError::UnsupportedCompressionType));
    }
    Ok(())
}

/// A batch which was checked, and the greatest timestamp of its records.
#[derive(Debug)]
pub(super) struct CheckedBatch {
    batch: Batch,
    newest: i64,
}

/// What the configuration of a topic says about its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordRules {
    max_bytes: usize,
    is_compacted: bool,
    is_log_append_time: bool,
    before_max_ms: i64,
    after_max_ms: i64,
    now_ms: i64,
}

impl RecordRules {
    pub fn of(topic: &Topic, now: Now) -> RecordRules {
        let settings = &topic.settings;
        RecordRules {
            max_bytes: settings.max_message_bytes,
            is_compacted: settings.log.cleanup.compact,
            is_log_append_time: settings.timestamp_type == TimestampType::LogAppendTime,
            before_max_ms: settings.timestamp_before_max_ms,
            after_max_ms: settings.timestamp_after_max_ms,
            now_ms: now.wall_ms,
        }
    }

    /// Checks the bytes of one batch, of which no more is decompressed than is `left`.
    pub fn check(
        &self,
        topic: &str,
        partition: i32,
        bytes: Bytes,
        left: &mut usize,
    ) -> Result<CheckedBatch, Refusal> {
        if bytes[..8] != [0; 8] {
            return Err(invalid());
        }
        if bytes.len() > self.max_bytes {
            return Err(Refusal::new(ResponseError::MessageTooLarge));
        }
        let batch = Batch::parse(bytes).map_err(|error| match error {
            BatchError::Count => invalid(),
            _ => Refusal::new(ResponseError::CorruptMessage),
        })?;
        let place = format_args!("topic partition {topic}-{partition}");
        if !is_consistent(batch.header()) {
            return Err(invalid());
        }
        let newest = self.check_records(&batch, place, left)?;
        Ok(CheckedBatch { batch, newest })
    }

    /// The batch with the timestamps that it is stored with.
    pub fn stamp(&self, checked: CheckedBatch) -> Batch {
        let CheckedBatch { mut batch, newest } = checked;
        if self.is_log_append_time {
            batch.set_log_append_time(self.now_ms);
        } else if newest != batch.header().max_timestamp || batch.header().is_log_append_time() {
            batch.set_create_time(newest);
        }
        batch
    }

    /// Checks each record. Returns the greatest timestamp.
    fn check_records(
        &self,
        batch: &Batch,
        place: std::fmt::Arguments<'_>,
        left: &mut usize,
    ) -> Result<i64, Refusal> {
        let records = Records::of(batch, left).map_err(|error| {
            tracing::debug!(%error, "records cannot be decompressed in {place}");
            undecompressed(&error)
        })?;
        let mut newest = -1;
        let mut count = 0;
        let mut faults = Faults::default();
        for (at, record) in records.iter().enumerate() {
            let Some(record) = record else { return Err(invalid()) };
            newest = newest.max(record.timestamp);
            count += 1;
            if self.is_compacted && !record.has_key {
                let why = format!("Compacted topic cannot accept message without key in {place}");
                faults.add(at, ResponseError::InvalidRecord, why);
            } else if let Some(why) = self.timestamp_fault(&record) {
                faults.add(at, ResponseError::InvalidTimestamp, why);
            }
        }
        if count != batch.header().count {
            return Err(invalid());
        }
        faults.refusal().map_or(Ok(newest), Err)
    }

    fn timestamp_fault(&self, record: &Record) -> Option<String> {
        if self.is_log_append_time {
            return None;
        }
        let Record { timestamp, offset_delta, .. } = record;
        let is_without = *timestamp == -1;
        let oldest = self.now_ms.saturating_sub(self.before_max_ms);
        let newest = self.now_ms.saturating_add(self.after_max_ms);
        (!is_without && !(oldest..=newest).contains(timestamp)).then(|| {
            format!(
                "Timestamp {timestamp} of message with offset {offset_delta} is out of range. The \
                 timestamp should be within [{oldest}, {newest}]"
            )
        })
    }
}

/// Returns true if the fields of a batch fit each other, and a client may write it.
fn is_consistent(header: &BatchHeader) -> bool {
    let offsets = i64::from(header.last_offset_delta) + 1;
    let is_counted = header.count > 0 && offsets == i64::from(header.count);
    let has_sequence = header.producer_id < 0 || header.base_sequence >= 0;
    is_counted && has_sequence && !header.is_control()
}

/// The refusal of a batch that cannot be decompressed. Kafka has no bound; a batch that is too large for ours is told as such
/// a one, and a producer of Java then splits it.
fn undecompressed(error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            Refusal::said(ResponseError::MessageTooLarge, error.to_string())
        }
        _ => Refusal { has_log_start: true, ..Refusal::new(ResponseError::UnknownServerError) },
    }
}

/// The refusal of a batch that is not what it says. Kafka gives no reason.
fn invalid() -> Refusal {
    Refusal { has_log_start: true, ..Refusal::new(ResponseError::InvalidRecord) }
}

/// The records of one batch that are refused.
#[derive(Debug, Default)]
struct Faults {
    count: usize,
    named: Vec<(usize, String)>,
    has_timestamps: bool,
}

impl Faults {
    fn add(&mut self, at: usize, error: ResponseError, why: String) {
        self.count += 1;
        self.has_timestamps |= error == ResponseError::InvalidTimestamp;
        if self.named.len() < NAMED_RECORDS_MAX {
            self.named.push((at, why));
        }
    }

    fn refusal(self) -> Option<Refusal> {
        if self.count == 0 {
            return None;
        }
        let (error, message) = if self.has_timestamps {
            let why = "One or more records have been rejected due to invalid timestamp";
            (ResponseError::InvalidTimestamp, why.to_owned())
        } else {
            let shown: Vec<String> = self
                .named
                .iter()
                .take(SHOWN_RECORDS_MAX)
                .map(|(at, why)| format!("RecordError(batchIndex={at}, message='{why}')"))
                .collect();
            let why = format!(
                "One or more records have been rejected due to {} record errors in total, and only \
                 showing the first three errors at most: [{}]",
                self.count,
                shown.join(", ")
            );
            (ResponseError::InvalidRecord, why)
        };
        Some(Refusal { records: self.named, has_log_start: true, ..Refusal::said(error, message) })
    }
}
