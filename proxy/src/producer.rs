//! Sending records: one librdkafka producer for each `acks`, made when it is first asked for and
//! shared by all requests; the one that waits for all replicas is idempotent.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Timestamp};
use tokio::sync::oneshot;

use crate::broker::{BrokerConfig, Defaults, client};
use crate::error::ProxyError;

/// How long a record waits for its topic to appear; the reference waits a minute.
const TOPIC_TIMEOUT_MS: u32 = 3000;

/// How long a record may take to be acknowledged.
const MESSAGE_TIMEOUT_MS: u32 = 5000;

/// KiB of records that wait to be sent, over all requests.
const QUEUE_KBYTES_MAX: &str = "131072";

/// Who has to have a record before it counts as sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Acks {
    None,
    Leader,
    #[default]
    All,
}

/// A record to be sent; nothing is a null, which is not the same as empty.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<RecordHeader>,
    /// Milliseconds since 1970; now, if nothing is said.
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) partition: Option<i32>,
}

/// A header of a record: its name without NUL, its value, which may be null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) name: String,
    pub(crate) value: Option<Vec<u8>>,
}

/// Where a record went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) partition: i32,
    /// -1 where nobody acknowledges.
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
}

pub(crate) type SendResult = Result<Sent, ProxyError>;

type Shared = Arc<ThreadedProducer<Deliveries>>;

pub(crate) struct Producers {
    config: BrokerConfig,
    /// What `acks` is unless a request says so.
    default: Acks,
    /// By `acks`.
    made: [Mutex<Option<Shared>>; 3],
    counts: Arc<Counts>,
}

/// Records since the start.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    failed: AtomicU64,
}

impl Acks {
    /// As Kafka's setting has it. 422.
    pub(crate) fn named(text: &str) -> Result<Acks, ProxyError> {
        match text {
            "0" => Ok(Acks::None),
            "1" => Ok(Acks::Leader),
            "all" | "-1" => Ok(Acks::All),
            _ => Err(ProxyError::Invalid { reason: format!("acks: {text} is not 0, 1 or all") }),
        }
    }
}

impl Producers {
    /// Makes the default one, which connects when it is needed. An error names the setting that
    /// librdkafka refuses.
    pub(crate) fn new(config: BrokerConfig) -> Result<Producers, KafkaError> {
        let given = ["acks", "request.required.acks"].iter().find_map(|n| config.settings.get(*n));
        let default = given.and_then(|acks| Acks::named(acks).ok()).unwrap_or_default();
        let producers =
            Producers { config, default, made: Default::default(), counts: Arc::default() };
        producers.get(default)?;
        Ok(producers)
    }

    /// Sends records to a topic: all of them are on their way before the first is waited for, and
    /// each has its own result, in their order.
    pub(crate) async fn send(
        &self,
        topic: &str,
        records: Vec<Outgoing>,
        acks: Option<Acks>,
    ) -> Result<Vec<SendResult>, ProxyError> {
        Ok(self.start(topic, records, acks).await?.results().await)
    }

    /// Puts records on their way, in their order.
    pub(crate) async fn start(
        &self,
        topic: &str,
        records: Vec<Outgoing>,
        acks: Option<Acks>,
    ) -> Result<Delivery, ProxyError> {
        let producer = self.get(acks.unwrap_or(self.default))?;
        let (done, delivered) = oneshot::channel();
        let batch = Arc::new(Batch {
            topic: topic.to_string(),
            results: Mutex::new((0..records.len()).map(|_| None).collect()),
            missing: AtomicUsize::new(records.len()),
            done: Mutex::new(Some(done)),
            counts: self.counts.clone(),
        });
        let now = jiff::Timestamp::now().as_millisecond();
        for (index, record) in records.into_iter().enumerate() {
            let timestamp_ms = record.timestamp_ms.unwrap_or(now);
            enqueue(&producer, Ticket { batch: batch.clone(), index, timestamp_ms }, record).await;
        }
        Ok(Delivery { batch, delivered })
    }

    /// Records that were sent, and that were not.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let Counts { sent, failed } = &*self.counts;
        (sent.load(Ordering::Relaxed), failed.load(Ordering::Relaxed))
    }

    /// Waits until everything that was sent is acknowledged, or the time is over.
    pub(crate) async fn flush(&self, timeout: Duration) {
        let made: Vec<Shared> = self.made.iter().filter_map(|made| lock(made).clone()).collect();
        let flushed = made
            .into_iter()
            .map(|producer| tokio::task::spawn_blocking(move || drop(producer.flush(timeout))));
        futures_util::future::join_all(flushed).await;
    }

    fn get(&self, acks: Acks) -> Result<Shared, KafkaError> {
        let mut made = lock(&self.made[acks as usize]);
        if let Some(producer) = &*made {
            if !producer.context().broken.load(Ordering::Relaxed) {
                return Ok(producer.clone());
            }
            tracing::warn!("an idempotent producer that has lost its place makes room for another");
            let broken = made.take();
            // librdkafka waits for its threads
            std::thread::spawn(move || drop(broken));
        }
        let producer = Arc::new(self.make(acks)?);
        *made = Some(producer.clone());
        Ok(producer)
    }

    fn make(&self, acks: Acks) -> Result<ThreadedProducer<Deliveries>, KafkaError> {
        let mut settings = client(&self.config);
        settings.defaults(
            &self.config,
            &[
                ("linger.ms", "0"),
                // as Java does, so that a key has one partition whoever writes it
                ("partitioner", "murmur2_random"),
                ("queue.buffering.max.kbytes", QUEUE_KBYTES_MAX),
                ("topic.metadata.propagation.max.ms", &TOPIC_TIMEOUT_MS.to_string()),
                ("message.timeout.ms", &MESSAGE_TIMEOUT_MS.to_string()),
            ],
        );
        let idempotent = acks == Acks::All && self.default == Acks::All;
        match idempotent {
            true => settings.defaults(&self.config, &[("enable.idempotence", "true")]),
            false => settings.set("enable.idempotence", "false"),
        };
        settings.set("acks", ["0", "1", "all"][acks as usize]);
        let embedded = self.config.embedded.is_some();
        settings.create_with_context(Deliveries { embedded, broken: AtomicBool::new(false) })
    }
}

/// Records that are on their way.
pub(crate) struct Delivery {
    batch: Arc<Batch>,
    delivered: oneshot::Receiver<()>,
}

impl Delivery {
    /// Waits for all; a result of each, in their order.
    pub(crate) async fn results(self) -> Vec<SendResult> {
        if self.batch.missing.load(Ordering::Acquire) > 0 {
            // the last delivery says when; a producer that is gone delivers nothing
            let _ = self.delivered.await;
        }
        let results = std::mem::take(&mut *lock(&self.batch.results));
        results.into_iter().map(|r| r.unwrap_or(Err(ProxyError::Internal))).collect()
    }
}

/// The records of one request that are on their way.
struct Batch {
    topic: String,
    results: Mutex<Vec<Option<SendResult>>>,
    missing: AtomicUsize,
    done: Mutex<Option<oneshot::Sender<()>>>,
    counts: Arc<Counts>,
}

/// Which record of which request a delivery is of.
struct Ticket {
    batch: Arc<Batch>,
    index: usize,
    /// Unless the topic has the broker's.
    timestamp_ms: i64,
}

impl Ticket {
    fn settle(self, result: SendResult) {
        let batch = &*self.batch;
        let count = if result.is_ok() { &batch.counts.sent } else { &batch.counts.failed };
        count.fetch_add(1, Ordering::Relaxed);
        lock(&batch.results)[self.index] = Some(result);
        if batch.missing.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(done) = lock(&batch.done).take()
        {
            let _ = done.send(()); // the client may have gone
        }
    }
}

/// Hears of each record what became of it.
struct Deliveries {
    embedded: bool,
    /// The producer has failed for good.
    broken: AtomicBool,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.broken.store(true, Ordering::Relaxed);
        }
        tracing::debug!(%error, reason, "producing");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, delivery: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let result = match delivery {
            Ok(message) => Ok(Sent {
                partition: message.partition(),
                offset: message.offset().max(-1),
                timestamp_ms: match message.timestamp() {
                    // the embedded broker says one that it does not keep
                    Timestamp::LogAppendTime(ms) if !self.embedded => ms,
                    _ => ticket.timestamp_ms,
                },
            }),
            Err((error, _)) => {
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    self.broken.store(true, Ordering::Relaxed);
                }
                Err(send_error(&ticket.batch.topic, error.clone()))
            }
        };
        ticket.settle(result);
    }
}

/// Hands a record to librdkafka; waits while its queue is full.
async fn enqueue(producer: &ThreadedProducer<Deliveries>, ticket: Ticket, record: Outgoing) {
    let deadline = Instant::now() + Duration::from_millis(u64::from(MESSAGE_TIMEOUT_MS));
    let batch = ticket.batch.clone();
    let mut outgoing: BaseRecord<'_, [u8], [u8], Box<Ticket>> =
        BaseRecord::with_opaque_to(&batch.topic, Box::new(ticket));
    outgoing.key = record.key.as_deref();
    outgoing.payload = record.value.as_deref();
    outgoing.partition = record.partition;
    outgoing.timestamp = Some(outgoing.delivery_opaque.timestamp_ms);
    outgoing.headers = native_headers(&record.headers);
    loop {
        match producer.send(outgoing) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                if Instant::now() < deadline =>
            {
                outgoing = back;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Err((error, back)) => {
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    producer.context().broken.store(true, Ordering::Relaxed);
                }
                return back.delivery_opaque.settle(Err(send_error(&batch.topic, error)));
            }
        }
    }
}

fn native_headers(headers: &[RecordHeader]) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let with = |native: OwnedHeaders, header: &RecordHeader| {
        native.insert(Header { key: &header.name, value: header.value.as_ref() })
    };
    Some(headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), with))
}

fn send_error(topic: &str, error: KafkaError) -> ProxyError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
            ProxyError::Retriable {
                reason: format!(
                    "Topic {topic} not present in metadata after {TOPIC_TIMEOUT_MS} ms."
                ),
            }
        }
        _ => error.into(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
