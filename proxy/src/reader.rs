//! Reading a partition without a consumer instance: a consumer is lent for one read, and given back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::OwnedMessage;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;
use weir_kafka::{Code, Fault};

use crate::broker::Broker;
use crate::clients::{Permit, Purpose};
use crate::consumer::size;
use crate::error::ProxyError;

/// Consumers that wait for the next read.
const IDLE_MAX: usize = 4;

/// How long a read waits for a consumer.
const CLIENT_PATIENCE: Duration = Duration::from_secs(2);

/// How long a broker may take for what it has.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Consumers that nobody reads with at the moment.
#[derive(Default)]
pub(crate) struct Readers {
    idle: Mutex<Vec<Lent>>,
}

/// A consumer with its permit, which ends after it.
struct Lent {
    consumer: StreamConsumer,
    _permit: Permit,
}

/// A read of one partition.
pub(crate) struct ReadRequest<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    /// The first offset; there may be none below.
    pub(crate) offset: i64,
    pub(crate) records_max: usize,
    /// Bytes of keys and values at most; a record that is larger comes alone.
    pub(crate) bytes_max: usize,
    /// How long to wait for the first record.
    pub(crate) wait: Duration,
}

impl Readers {
    /// Records from an offset on; those of transactions that have not ended are not among them.
    pub(crate) async fn read(
        &self,
        broker: &Broker,
        read: &ReadRequest<'_>,
    ) -> Result<Vec<OwnedMessage>, ProxyError> {
        let lent = match self.take() {
            Some(lent) => lent,
            None => make(broker).await?,
        };
        let consumer = &lent.consumer;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(read.topic, read.partition, Offset::Offset(read.offset))?;
        consumer.assign(&list)?;
        let records = fetch(consumer, read).await;
        // a consumer that has failed may go on failing
        if records.is_ok() && consumer.unassign().is_ok() {
            self.give_back(lent);
        } else {
            end(lent);
        }
        records
    }

    fn take(&self) -> Option<Lent> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, lent: Lent) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(lent);
        } else {
            drop(idle);
            end(lent);
        }
    }
}

/// Dropping a consumer blocks.
fn end(lent: Lent) {
    tokio::task::spawn_blocking(move || drop(lent));
}

/// 50301.
async fn make(broker: &Broker) -> Result<Lent, ProxyError> {
    let permit = broker.clients.wait(Purpose::Read, Instant::now() + CLIENT_PATIENCE).await?;
    let mut config = broker.consumer();
    config
        // never joined, never committed to: librdkafka assigns nothing without one
        .set("group.id", "weir-reads")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "50");
    Ok(Lent { consumer: config.create()?, _permit: permit })
}

async fn fetch(
    consumer: &StreamConsumer,
    read: &ReadRequest<'_>,
) -> Result<Vec<OwnedMessage>, ProxyError> {
    let end = Instant::now() + read.wait;
    let broken = end + ANSWER_TIMEOUT;
    let (mut records, mut bytes) = (Vec::new(), 0);
    let mut at_end = false;
    while records.len() < read.records_max {
        let until = if at_end { end } else { broken };
        let received = match tokio::time::timeout_at(until, consumer.recv()).await {
            Ok(received) => received,
            Err(_) if at_end => break,
            Err(_) => {
                let reason = "The broker does not answer the read";
                return Err(Fault::new(Code::TimedOut, reason).into());
            }
        };
        match received {
            Ok(message) => {
                bytes += size(&message);
                if bytes > read.bytes_max && !records.is_empty() {
                    break;
                }
                records.push(message.detach());
                at_end = false;
            }
            Err(KafkaError::PartitionEOF(_)) if records.is_empty() => at_end = true,
            Err(KafkaError::PartitionEOF(_)) => break,
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(records)
}

/// librdkafka goes on by itself.
fn is_passing(error: &KafkaError) -> bool {
    let Some(code) = error.rdkafka_error_code().map(Code::from) else { return false };
    code.is_retriable() || code == Code::BrokerNotAvailable
}
