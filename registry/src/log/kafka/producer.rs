//! Writing as the node that leads.
//!
//! All nodes of a cluster share a `transactional.id`. Who takes it over gets its producer id with a
//! higher epoch; with its first record of that epoch, the broker refuses what any earlier one still has
//! in flight. There are no transactions: batches carry id and epoch alone, so that the topic has no
//! control records, and a write is one request.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    InitProducerIdRequest, ProduceRequest, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, Record, RecordBatchEncoder, RecordEncodeOptions,
    TimestampType,
};
use tokio::time::Instant;
use weir_kafka::{Code, Coordinated, Fault, check};
use weir_registry_core::RawRecord;

use super::topic::Topic;

/// The version of produce requests from which on they name topics by id.
const PRODUCE_WITH_TOPIC_ID: i16 = 13;

/// The version from which on they may be told what the producer is now.
const INIT_WITH_CURRENT: i16 = 3;

/// Nobody opens a transaction; Kafka wants to know how long one might take.
const TRANSACTION_TIMEOUT_MS: i32 = 10_000;

const ACKS_ALL: i16 = -1;

/// How long is waited before a request that failed is sent again.
const BACKOFF: Duration = Duration::from_millis(20);

/// Bytes of records in one batch; a broker takes 1 MiB unless it is told otherwise.
pub(crate) const BATCH_BYTES: usize = 900 * 1024;

/// Who writes: the broker takes nothing of the same id with a lower epoch than it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
}

/// Why records were not appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WriteError {
    /// Another node has taken the log over; nothing was written.
    Deposed,
    /// The broker does not take these records; nothing was written.
    Refused { reason: String, too_large: bool },
    /// The log may hold the records or not; it is not to be written again before it was read.
    Unknown(String),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Deposed => f.write_str("another has taken over"),
            WriteError::Refused { reason, .. } | WriteError::Unknown(reason) => f.write_str(reason),
        }
    }
}

pub(crate) struct Producer {
    topic: Topic,
    /// What the nodes share so that a deposed leader is fenced; none if nobody is.
    transactional_id: Option<String>,
    identity: Option<Identity>,
    sequence: i32,
}

/// A header of a record.
pub(crate) type Header<'a> = (&'static str, &'a str);

impl Producer {
    pub(crate) fn new(topic: Topic, transactional_id: Option<String>) -> Producer {
        Producer { topic, transactional_id, identity: None, sequence: 0 }
    }

    pub(crate) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Gets an identity of which no record has been written: everybody's from before is void once the
    /// first one is. If a producer id of old days had another number, which Kafka gives after a week of
    /// disuse or 32,767 takeovers, that is made void as well.
    pub(crate) async fn take_over(
        &mut self,
        before: Option<Identity>,
        deadline: Instant,
    ) -> Result<Identity, String> {
        loop {
            let error = match self.init_producer_id().await {
                Ok(identity) => {
                    (self.identity, self.sequence) = (Some(identity), 0);
                    self.fence(before, identity, deadline).await?;
                    return Ok(identity);
                }
                Err(error) => error,
            };
            let passes = error.is_retriable() || error.code == Code::ConcurrentTransactions;
            if !passes || Instant::now() + BACKOFF > deadline {
                return Err(format!("no producer id: {error}"));
            }
            tokio::time::sleep(BACKOFF).await;
        }
    }

    async fn init_producer_id(&self) -> Result<Identity, Fault> {
        let client = &self.topic.client;
        let request = InitProducerIdRequest::default()
            .with_transaction_timeout_ms(TRANSACTION_TIMEOUT_MS)
            .with_transactional_id(
                self.transactional_id.clone().map(StrBytes::from_string).map(TransactionalId),
            );
        let request = |version| match version {
            ..INIT_WITH_CURRENT => request.clone(),
            _ => request.clone().with_producer_id(ProducerId(-1)).with_producer_epoch(-1),
        };
        let answer = match &self.transactional_id {
            Some(id) => {
                let coordinator = client.coordinator(Coordinated::Transactions, id).await?;
                client.ask(&coordinator.address(), request).await?
            }
            None => client.ask_any(request).await?,
        };
        check(answer.error_code, None)?;
        Ok(Identity { producer_id: answer.producer_id.0, epoch: answer.producer_epoch })
    }

    /// Writes with the highest epoch of an id that nobody is given any more.
    async fn fence(
        &mut self,
        before: Option<Identity>,
        now: Identity,
        deadline: Instant,
    ) -> Result<(), String> {
        let Some(before) = before.filter(|b| b.producer_id != now.producer_id) else {
            return Ok(());
        };
        if self.transactional_id.is_none() || before.epoch == i16::MAX {
            return Ok(());
        }
        let last = Identity { epoch: i16::MAX, ..before };
        let noop = weir_registry_core::Record::Noop.encode();
        let batch = encode(&[noop], &[], last, 0)?;
        match self.produce(batch, deadline).await {
            // somebody else has done the same
            Ok(_) | Err(WriteError::Deposed) => Ok(()),
            Err(error) => Err(format!("the producer before cannot be fenced: {error}")),
        }
    }

    /// Appends records behind what is there. Returns the offset of the first.
    pub(crate) async fn append(
        &mut self,
        records: &[RawRecord],
        headers: &[Header<'_>],
        deadline: Instant,
    ) -> Result<u64, WriteError> {
        let Some(identity) = self.identity else { return Err(WriteError::Deposed) };
        let mut first = None;
        for records in chunks(records) {
            let batch = encode(records, headers, identity, self.sequence)
                .map_err(|reason| WriteError::Refused { reason, too_large: false })?;
            let base = match self.produce(batch, deadline).await {
                Ok(base) => base,
                Err(error) if first.is_none() => return Err(error),
                Err(error) => return Err(WriteError::Unknown(format!("half written: {error}"))),
            };
            self.sequence = self.sequence.wrapping_add_unsigned(records.len() as u32) & i32::MAX;
            first.get_or_insert(base);
        }
        first.ok_or_else(|| WriteError::Unknown("there was nothing to write".to_string()))
    }

    /// Sends the same batch until it is acknowledged by all: the broker knows it by its sequence.
    async fn produce(&self, batch: Bytes, deadline: Instant) -> Result<u64, WriteError> {
        let mut may_be_written = false;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match tokio::time::timeout(left, self.try_produce(&batch, left)).await {
                Ok(Ok(base)) => return Ok(base),
                Ok(Err(error)) => error,
                Err(_) => Fault::new(Code::TimedOut, "Kafka does not answer"),
            };
            let unknown = |error: Fault| Err(WriteError::Unknown(error.to_string()));
            match error.code {
                Code::InvalidProducerEpoch | Code::ProducerFenced if !may_be_written => {
                    return Err(WriteError::Deposed);
                }
                Code::MessageTooLarge | Code::RecordListTooLarge => {
                    let reason = error.to_string();
                    return Err(WriteError::Refused { reason, too_large: true });
                }
                code if code.number().is_some() && !code.is_retriable() => {
                    let nothing_was = matches!(
                        code,
                        Code::TopicAuthorizationFailed
                            | Code::ClusterAuthorizationFailed
                            | Code::TransactionalIdAuthorizationFailed
                            | Code::PolicyViolation
                            | Code::InvalidRecord
                    );
                    return match nothing_was && !may_be_written {
                        true => {
                            Err(WriteError::Refused { reason: error.to_string(), too_large: false })
                        }
                        false => unknown(error),
                    };
                }
                Code::NotLeaderOrFollower
                | Code::LeaderNotAvailable
                | Code::UnknownTopicOrPartition
                | Code::UnknownTopicId
                | Code::NotEnoughReplicas
                | Code::FencedLeaderEpoch => {}
                _ => may_be_written = true,
            }
            self.topic.forget_leader();
            if Instant::now() + BACKOFF > deadline {
                return match may_be_written {
                    true => unknown(error),
                    false => {
                        Err(WriteError::Refused { reason: error.to_string(), too_large: false })
                    }
                };
            }
            tokio::time::sleep(BACKOFF).await;
        }
    }

    async fn try_produce(&self, batch: &Bytes, left: Duration) -> Result<u64, Fault> {
        let leader = self.topic.leader().await?;
        let id = self.topic.id();
        let data = PartitionProduceData::default().with_records(Some(batch.clone()));
        let request = ProduceRequest::default()
            .with_acks(ACKS_ALL)
            .with_timeout_ms(i32::try_from(left.as_millis()).unwrap_or(i32::MAX));
        let request = |version| {
            let topic = TopicProduceData::default().with_partition_data(vec![data.clone()]);
            let topic = match version {
                ..PRODUCE_WITH_TOPIC_ID => topic.with_name(self.topic.protocol_name()),
                _ => topic.with_topic_id(id.unwrap_or_default()),
            };
            request.clone().with_topic_data(vec![topic])
        };
        let answer = self.topic.client.ask_within(left, &leader, request).await?;
        let result = answer.responses.into_iter().next();
        let result = result.and_then(|topic| topic.partition_responses.into_iter().next());
        let unreadable = |reason| Fault::new(Code::Unreadable, reason);
        let result =
            result.ok_or_else(|| unreadable("The broker answers without the partition"))?;
        check(result.error_code, result.error_message)?;
        u64::try_from(result.base_offset)
            .map_err(|_| unreadable("The broker answers without an offset"))
    }
}

/// Records in as few batches as a broker takes.
fn chunks(records: &[RawRecord]) -> impl Iterator<Item = &[RawRecord]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |record: &&RawRecord| {
            bytes += size(record);
            bytes <= BATCH_BYTES
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (chunk, others) = rest.split_at(count);
        rest = others;
        Some(chunk).filter(|chunk| !chunk.is_empty())
    })
}

/// What a record takes in a batch, at most.
fn size(record: &RawRecord) -> usize {
    const AROUND: usize = 32; // lengths, offset and time
    record.bytes() + AROUND
}

fn encode(
    records: &[RawRecord],
    headers: &[Header<'_>],
    identity: Identity,
    sequence: i32,
) -> Result<Bytes, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let headers: IndexMap<StrBytes, Option<Bytes>> = headers
        .iter()
        .map(|(name, value)| {
            (StrBytes::from_static_str(name), Some(Bytes::copy_from_slice(value.as_bytes())))
        })
        .collect();
    let record = |(index, raw): (i32, &RawRecord)| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: identity.producer_id,
        producer_epoch: identity.epoch,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(index),
        sequence: sequence.wrapping_add(index),
        timestamp: raw.timestamp_ms.unwrap_or(now),
        key: Some(Bytes::copy_from_slice(&raw.key)),
        value: raw.value.as_deref().map(Bytes::copy_from_slice),
        headers: headers.clone(),
    };
    let records: Vec<Record> = (0..).zip(records).map(record).collect();
    let mut batch = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut batch, &records, &options).map_err(|e| e.to_string())?;
    Ok(batch.freeze())
}
