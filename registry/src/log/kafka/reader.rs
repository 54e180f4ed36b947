//! Reading the topic: a consumer of librdkafka's, which reads every format of records and compression
//! that a topic of ten years may have, and knows a damaged batch by its checksum.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use weir_registry_core::RawRecord;

use super::KafkaConfig;
use super::leader::Announced;
use crate::log::LogError;

const SETTINGS: [(&str, &str); 12] = [
    // never joined, never committed to: librdkafka assigns nothing without one
    ("group.id", "weir-registry"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
    ("auto.offset.reset", "error"),
    ("allow.auto.create.topics", "false"),
    ("check.crcs", "true"),
    ("queued.max.messages.kbytes", "16384"),
    ("fetch.queue.backoff.ms", "10"),
    ("fetch.error.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "500"),
    // a fetch without an answer for so long is one of a broker that is away
    ("socket.timeout.ms", "3000"),
];

/// Logs librdkafka's errors quietly: each end of a partition is one, and the reader is told of it anyway.
struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "reading the log");
    }
}

impl ConsumerContext for Quiet {}

pub(crate) struct Reader {
    consumer: BaseConsumer<Quiet>,
    config: KafkaConfig,
    /// The offset after the last record that was handed on.
    next: u64,
    /// Whether the reader was asked for nothing yet.
    is_fresh: bool,
}

/// What comes out of the topic.
pub(crate) enum Item {
    Record {
        offset: u64,
        record: RawRecord,
        /// Who says with it that it leads.
        leader: Option<Announced>,
    },
    /// There was no more when this was asked. Said once, until there was a record or a `rewind`.
    End,
}

impl Reader {
    pub(crate) fn open(config: &KafkaConfig, from: u64) -> Result<Reader, LogError> {
        let client = config.kafka.librdkafka(&SETTINGS);
        let consumer: BaseConsumer<Quiet> = client.create_with_context(Quiet).map_err(failed)?;
        let mut list = TopicPartitionList::new();
        let offset = Offset::Offset(i64::try_from(from).unwrap_or(i64::MAX));
        list.add_partition_offset(&config.topic, 0, offset).map_err(failed)?;
        consumer.assign(&list).map_err(failed)?;
        Ok(Reader { consumer, config: config.clone(), next: from, is_fresh: true })
    }

    /// Goes on from an offset, whatever it was doing: with another consumer, because librdkafka ends the
    /// process if a partition is assigned again while it is still being given up.
    pub(crate) fn rewind(&mut self, from: u64) -> Result<(), LogError> {
        if self.is_fresh && self.next == from {
            return Ok(());
        }
        let before = std::mem::replace(self, Reader::open(&self.config, from)?);
        // closing it waits for the broker
        std::thread::spawn(move || drop(before));
        Ok(())
    }

    pub(crate) fn next_offset(&self) -> u64 {
        self.next
    }

    /// What comes next, if it comes in time. An error is one that librdkafka does not overcome.
    pub(crate) fn next(&mut self, timeout: Duration) -> Result<Option<Item>, LogError> {
        self.is_fresh = false;
        match self.consumer.poll(timeout) {
            None => Ok(None),
            Some(Err(KafkaError::PartitionEOF(_))) => Ok(Some(Item::End)),
            Some(Ok(message)) => {
                let offset = u64::try_from(message.offset()).unwrap_or(0);
                self.next = offset + 1;
                Ok(Some(item(offset, &message)))
            }
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(
                    RDKafkaErrorCode::AutoOffsetReset
                    | RDKafkaErrorCode::OffsetOutOfRange
                    | RDKafkaErrorCode::Authentication
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::BadMessage
                    | RDKafkaErrorCode::Fatal,
                ) => Err(failed(error)),
                _ => Ok(None), // it goes on by itself
            },
        }
    }
}

fn item(offset: u64, message: &BorrowedMessage<'_>) -> Item {
    let record = RawRecord {
        key: message.key().unwrap_or_default().to_vec(),
        value: message.payload().map(<[u8]>::to_vec),
        timestamp_ms: message.timestamp().to_millis(),
    };
    // rdkafka panics where a header's name is not UTF-8, and no leader's is not
    let leader = catch_unwind(AssertUnwindSafe(|| {
        let headers = message.headers()?;
        Announced::read(offset, headers.iter().map(|h| (h.key, h.value.unwrap_or_default())))
    }));
    Item::Record { offset, record, leader: leader.unwrap_or_default() }
}

fn failed(error: KafkaError) -> LogError {
    LogError(format!("the topic cannot be read: {}", weir_kafka::refusal(&error)))
}
