//! Sending records: one librdkafka producer for each `acks`, made when it is first asked for and
//! shared by all requests; the one that waits for all replicas is idempotent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::broker::{BrokerConfig, Defaults, client, is_topic_name};
use crate::error::ProxyError;

/// How long a record waits for its topic to appear; the reference waits a minute.
const TOPIC_TIMEOUT_MS: u32 = 3000;

/// How long a record may take to be acknowledged.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Groups of records that are handed to librdkafka and not all acknowledged; what comes meanwhile is
/// the next group. With more requests under way than it may have, librdkafka's thread spins: a record
/// costs twice the time.
const GROUPS_MAX: usize = 1;

/// How long a group waits for those before it, which may be for a broker that has fallen.
const GROUP_WAIT: Duration = Duration::from_millis(2);

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

type Shared = Arc<Line>;

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
        Ok(self.start(topic, records, acks)?.results().await)
    }

    /// Puts records on their way, in their order.
    pub(crate) fn start(
        &self,
        topic: &str,
        records: Vec<Outgoing>,
        acks: Option<Acks>,
    ) -> Result<Delivery, ProxyError> {
        if !is_topic_name(topic) {
            return Err(ProxyError::Refused {
                reason: format!("Topic name '{topic}' is invalid."),
            });
        }
        let line = self.get(acks.unwrap_or(self.default))?;
        let (done, delivered) = oneshot::channel();
        let batch = Arc::new(Batch {
            topic: topic.to_string(),
            results: Mutex::new((0..records.len()).map(|_| None).collect()),
            missing: AtomicUsize::new(records.len()),
            done: Mutex::new(Some(done)),
            counts: self.counts.clone(),
            since: Instant::now(),
        });
        let now = jiff::Timestamp::now().as_millisecond();
        let waiting = records.into_iter().enumerate().map(|(index, record)| {
            let timestamp_ms = record.timestamp_ms.unwrap_or(now);
            (Ticket { batch: batch.clone(), index, timestamp_ms, group: None }, record)
        });
        line.add(waiting);
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
        let flushed = made.into_iter().map(|producer| {
            tokio::task::spawn_blocking(move || drop(producer.producer.flush(timeout)))
        });
        futures_util::future::join_all(flushed).await;
    }

    fn get(&self, acks: Acks) -> Result<Shared, KafkaError> {
        let mut made = lock(&self.made[acks as usize]);
        if let Some(producer) = &*made {
            if !producer.producer.context().broken.load(Ordering::Relaxed) {
                return Ok(producer.clone());
            }
            tracing::warn!("an idempotent producer that has lost its place makes room for another");
            if let Some(broken) = made.take() {
                retire(broken);
            }
        }
        let producer = Arc::new(Line { producer: self.make(acks)?, waiting: Mutex::default() });
        *made = Some(producer.clone());
        Ok(producer)
    }

    fn make(&self, acks: Acks) -> Result<ThreadedProducer<Deliveries>, KafkaError> {
        let mut settings = client(&self.config);
        settings.defaults(
            &self.config,
            &[
                ("linger.ms", "0"), // what waits, waits in the line
                // as Java does, so that a key has one partition whoever writes it
                ("partitioner", "murmur2_random"),
                ("queue.buffering.max.kbytes", QUEUE_KBYTES_MAX),
                // a broker may close the connection for what one request has sent
                ("reconnect.backoff.max.ms", "1000"),
                ("topic.metadata.propagation.max.ms", &TOPIC_TIMEOUT_MS.to_string()),
                ("message.timeout.ms", &MESSAGE_TIMEOUT.as_millis().to_string()),
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
    since: Instant,
}

/// Which record of which request a delivery is of.
struct Ticket {
    batch: Arc<Batch>,
    index: usize,
    /// Unless the topic has the broker's.
    timestamp_ms: i64,
    /// Once it is handed over.
    group: Option<Arc<Group>>,
}

impl Ticket {
    fn settle(&self, result: SendResult) {
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
        if let Some(group) = &ticket.group {
            group.one_less();
        }
    }
}

impl Drop for Producers {
    fn drop(&mut self) {
        self.made.iter().filter_map(|made| lock(made).take()).for_each(retire);
    }
}

/// Drops a producer, which waits for its threads: on a thread of its own, and on none of the
/// producer's, which may just be looking at the line.
fn retire(mut line: Shared) {
    std::thread::spawn(move || {
        while let Err(used) = Arc::try_unwrap(line) {
            line = used;
            std::thread::sleep(Duration::from_millis(50));
        }
    });
}

/// A producer, and the records that wait for it.
struct Line {
    producer: ThreadedProducer<Deliveries>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<(Ticket, Outgoing)>,
    /// Groups that are not all acknowledged.
    under_way: usize,
    /// Somebody will look after them when [`GROUP_WAIT`] is over.
    is_watched: bool,
    /// Where that somebody runs.
    runtime: Option<Handle>,
}

/// Records that were handed over together.
struct Group {
    line: Weak<Line>,
    missing: AtomicUsize,
}

impl Group {
    /// One of its records is settled. With the last the next group goes.
    fn one_less(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(line) = self.line.upgrade()
        {
            let mut waiting = lock(&line.waiting);
            waiting.under_way -= 1;
            line.hand_over(&mut waiting);
            line.watch_over(&mut waiting);
        }
    }
}

impl Line {
    /// Puts records at the end; they go at once if not too many are under way.
    fn add(self: &Arc<Line>, records: impl Iterator<Item = (Ticket, Outgoing)>) {
        let mut waiting = lock(&self.waiting);
        waiting.records.extend(records);
        waiting.runtime.get_or_insert_with(Handle::current);
        if waiting.under_way < GROUPS_MAX {
            self.hand_over(&mut waiting);
        }
        self.watch_over(&mut waiting);
    }

    /// Sees to it that what waits does not wait for ever.
    fn watch_over(self: &Arc<Line>, waiting: &mut Waiting) {
        if let Some(runtime) = &waiting.runtime
            && !waiting.records.is_empty()
            && !waiting.is_watched
        {
            waiting.is_watched = true;
            runtime.spawn(self.clone().watch());
        }
    }

    /// Hands over what has waited long enough, whatever is under way.
    async fn watch(self: Arc<Line>) {
        loop {
            tokio::time::sleep(GROUP_WAIT).await;
            let mut waiting = lock(&self.waiting);
            self.hand_over(&mut waiting);
            if waiting.records.is_empty() {
                waiting.is_watched = false;
                return;
            }
        }
    }

    /// Hands what waits to librdkafka, as far as its queue takes it.
    fn hand_over(self: &Arc<Line>, waiting: &mut Waiting) {
        if waiting.records.is_empty() {
            return;
        }
        // one more than there are: it is not over before all are handed over
        let group = Arc::new(Group { line: Arc::downgrade(self), missing: AtomicUsize::new(1) });
        let mut records = std::mem::take(&mut waiting.records).into_iter();
        for (ticket, record) in records.by_ref() {
            group.missing.fetch_add(1, Ordering::AcqRel);
            let Err((error, ticket)) = self.send(&group, ticket, &record) else { continue };
            group.missing.fetch_sub(1, Ordering::AcqRel);
            let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            if full && ticket.batch.since.elapsed() < MESSAGE_TIMEOUT {
                waiting.records.push_back((*ticket, record));
                break;
            }
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                self.producer.context().broken.store(true, Ordering::Relaxed);
            }
            ticket.settle(Err(send_error(&ticket.batch.topic, error)));
        }
        waiting.records.extend(records);
        if group.missing.fetch_sub(1, Ordering::AcqRel) > 1 {
            waiting.under_way += 1; // its last delivery waits for the lock that we have
        }
    }

    /// A record that is not taken comes back.
    fn send(
        &self,
        group: &Arc<Group>,
        mut ticket: Ticket,
        record: &Outgoing,
    ) -> Result<(), (KafkaError, Box<Ticket>)> {
        ticket.group = Some(group.clone());
        let batch = ticket.batch.clone();
        let timestamp_ms = ticket.timestamp_ms;
        let mut outgoing: BaseRecord<'_, [u8], [u8], Box<Ticket>> =
            BaseRecord::with_opaque_to(&batch.topic, Box::new(ticket));
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.value.as_deref();
        outgoing.partition = record.partition;
        outgoing.timestamp = Some(timestamp_ms);
        outgoing.headers = native_headers(&record.headers);
        self.producer.send(outgoing).map_err(|(error, back)| (error, back.delivery_opaque))
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
