//! Delivery reports: what librdkafka says of records, and of the brokers.

use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::{ClientContext, Timestamp};

use super::TOPIC_TIMEOUT_MS;
use super::batch::Ticket;
use super::record::Sent;
use crate::error::ProxyError;

/// Hears of each record what became of it, and of brokers that are away.
pub(super) struct Deliveries {
    /// Brokers answer where a record stands.
    pub(super) are_acknowledged: bool,
    /// The producer has failed for good, or holds records that it cannot send: another takes its place.
    pub(super) is_broken: AtomicBool,
    /// Some broker can be reached, as far as is known. Nothing is known at the beginning.
    pub(super) is_reached: AtomicBool,
}

impl Deliveries {
    pub(super) fn new(are_acknowledged: bool) -> Deliveries {
        let (is_broken, is_reached) = (AtomicBool::new(false), AtomicBool::new(false));
        Deliveries { are_acknowledged, is_broken, is_reached }
    }
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Fatal) => self.is_broken.store(true, Ordering::Relaxed),
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.is_reached.store(false, Ordering::Release);
            }
            _ => {}
        }
        tracing::debug!(%error, reason, "producing");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, delivery: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let result = match delivery {
            // librdkafka takes it for one that is there, because a later one is
            Ok(message) if self.are_acknowledged && message.offset() < 0 => {
                let reason = "the broker has not said where it is".to_string();
                Err(ProxyError::OutcomeUnknown { reason })
            }
            Ok(message) => Ok(Sent {
                partition: message.partition(),
                offset: message.offset().max(-1),
                timestamp_ms: match message.timestamp() {
                    Timestamp::LogAppendTime(ms) => ms,
                    _ => ticket.timestamp_ms,
                },
            }),
            Err((error, message)) => {
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    self.is_broken.store(true, Ordering::Relaxed);
                }
                let partition = Some(message.partition()).filter(|partition| *partition >= 0);
                Err(delivery_error(&ticket.batch.topic, partition, error.clone()))
            }
        };
        ticket.settle(result);
        if let Some(group) = &ticket.group {
            group.one_less();
        }
    }
}

/// Why a record that librdkafka had is not known to be written. A record whose time is over may have been sent
/// before: librdkafka does not tell those that were from those that waited. Only a broker's refusal says
/// that a record is not there.
fn delivery_error(topic: &str, partition: Option<i32>, error: KafkaError) -> ProxyError {
    use RDKafkaErrorCode as Code;
    let why = match error.rdkafka_error_code() {
        Some(Code::MessageTimedOut | Code::PurgeQueue | Code::PurgeInflight) => {
            "no broker has acknowledged it in time"
        }
        Some(Code::BrokerTransportFailure | Code::NetworkException | Code::BrokerDestroy) => {
            "the connection to its broker has ended"
        }
        Some(
            Code::RequestTimedOut | Code::OperationTimedOut | Code::NotEnoughReplicasAfterAppend,
        ) => "not all replicas have followed in time",
        Some(
            Code::Fatal
            | Code::OutOfOrderSequenceNumber
            | Code::DuplicateSequenceNumber
            | Code::UnknownProducerId
            | Code::InvalidProducerEpoch
            | Code::GaplessGuarantee,
        ) => "the producer has lost its place in the partition",
        _ => return send_error(topic, partition, error),
    };
    ProxyError::OutcomeUnknown { reason: format!("{why} ({error})") }
}

/// The error of a topic or a partition that Kafka does not have, in the words of its Java client.
pub(super) fn absent(topic: &str, partition: Option<i32>, count: Option<i32>) -> ProxyError {
    let reason = match (partition, count) {
        (Some(partition), Some(count)) => format!(
            "Partition {partition} of topic {topic} with partition count {count} is not present in metadata."
        ),
        _ => format!("Topic {topic} not present in metadata after {TOPIC_TIMEOUT_MS} ms."),
    };
    ProxyError::NotInMetadata { reason }
}

/// Why a record was not taken: it was not sent.
pub(super) fn send_error(topic: &str, partition: Option<i32>, error: KafkaError) -> ProxyError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
            absent(topic, None, None)
        }
        Some(RDKafkaErrorCode::UnknownPartition) if partition.is_some() => {
            let partition = partition.unwrap_or_default();
            let reason =
                format!("Partition {partition} of topic {topic} is not present in metadata.");
            ProxyError::NotInMetadata { reason }
        }
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => ProxyError::topics_denied(&[topic]),
        _ => error.into(),
    }
}
