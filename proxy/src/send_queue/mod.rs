//! The send queue in front of a producer of librdkafka's. Records of all requests are handed over in groups, one group in
//! flight after the other, and the delivery report of each goes to the request that it is of.

mod batch;
mod deliveries;
mod guard;
mod record;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use tokio::runtime::Handle;
use tokio::time::Instant;
use weir_kafka::{Fault, TopicName};

pub(crate) use batch::{Counts, Delivery};
pub(crate) use guard::retire;
pub(crate) use record::{Outgoing, RecordHeader, SendResult, Sent};

use batch::{Batch, Ticket};
use deliveries::{Deliveries, absent, send_error};
use guard::Guarded;

use crate::clients::Permit;
use crate::counts::Channel;

/// How long a record waits for its topic to appear; the reference waits a minute.
pub(crate) const TOPIC_TIMEOUT_MS: u32 = 3000;

/// How long a record waits to be sent where Kafka cannot be reached, and how long one may take to be
/// acknowledged that no idempotent producer sends.
pub(crate) const MESSAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Groups of records in flight: handed to librdkafka and not all acknowledged. What comes meanwhile is the next group. With more requests under way than it may have, librdkafka's thread spins: a record
/// costs twice the time.
const GROUPS_MAX: usize = 1;

/// How long a group waits for those before it, while librdkafka may send more.
const GROUP_WAIT: Duration = Duration::from_millis(2);

/// Records in flight with which an idempotent producer of librdkafka's sends nothing more to their
/// partition: it would look for something to do, as fast as it can, until one of them is acknowledged.
/// That acknowledgement starts the next group.
const IDEMPOTENT_IN_FLIGHT_MAX: usize = 5;

/// A group does not wait longer than so many usual groups take: those before it may be for a broker that
/// has fallen.
const USUAL_GROUPS: u32 = 3;
const HOLD_MAX: Duration = Duration::from_millis(200);

/// Pauses before Kafka is asked for what librdkafka does not know. It is asked anew, because a broker hears
/// of a new partition a moment after the controller has answered who made it.
const ASK_PAUSES: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(400)];

/// A producer, and the records that wait to be handed to it.
pub(crate) struct SendQueue {
    producer: ThreadedProducer<Deliveries>,
    /// Ends after the producer.
    _permit: Permit,
    waiting: Mutex<Waiting>,
    /// Records that are handed over and not acknowledged.
    in_flight: Arc<AtomicUsize>,
    /// Records in flight from which on librdkafka may have nothing that it could send.
    in_flight_max: usize,
    /// How long a record may take, where librdkafka must not be the one to give it up.
    answer_timeout: Option<Duration>,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<(Ticket, Outgoing)>,
    /// When the first of them began to wait.
    since: Option<Instant>,
    /// Groups that are not all acknowledged.
    under_way: usize,
    /// How long a group takes, smoothed.
    group_time: Duration,
    /// Records of partitions that librdkafka does not know, while Kafka is asked for these.
    unknown: HashMap<Place, Vec<(Ticket, Outgoing)>>,
    /// A task is there that hands them over when [`GROUP_WAIT`] is over.
    is_watched: bool,
    /// The runtime that tasks are started on.
    runtime: Option<Handle>,
    guarded: Guarded,
}

/// A topic, and the partition of it that a record names.
type Place = (TopicName, Option<i32>);

impl Waiting {
    /// How long records wait for a group that does not end.
    fn hold(&self) -> Duration {
        (self.group_time * USUAL_GROUPS).clamp(GROUP_WAIT, HOLD_MAX)
    }

    fn note_group(&mut self, took: Duration) {
        self.under_way -= 1;
        self.group_time = (self.group_time * 7 + took) / 8;
    }
}

/// Records that were handed over together.
struct Group {
    queue: Weak<SendQueue>,
    missing: AtomicUsize,
    in_flight: Arc<AtomicUsize>,
    begun: Instant,
}

impl Group {
    /// One of its records is settled. With the last the next group goes.
    fn one_less(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(queue) = self.queue.upgrade()
        {
            let mut waiting = lock(&queue.waiting);
            waiting.note_group(self.begun.elapsed());
            queue.hand_over(&mut waiting);
            queue.watch_over(&mut waiting);
        }
    }
}

impl SendQueue {
    /// An error names the setting that librdkafka refuses.
    pub(crate) fn new(
        settings: &ClientConfig,
        answer_timeout: Option<Duration>,
        permit: Permit,
    ) -> Result<SendQueue, KafkaError> {
        let deliveries = Deliveries::new(settings.get("acks") != Some("0"));
        let producer = settings.create_with_context(deliveries)?;
        let is_idempotent = settings.get("enable.idempotence") == Some("true");
        Ok(SendQueue {
            producer,
            _permit: permit,
            waiting: Mutex::default(),
            in_flight: Arc::default(),
            in_flight_max: if is_idempotent { IDEMPOTENT_IN_FLIGHT_MAX } else { usize::MAX },
            answer_timeout,
        })
    }

    /// Returns true if another producer has to take its place.
    pub(crate) fn is_broken(&self) -> bool {
        self.producer.context().is_broken.load(Ordering::Relaxed)
    }

    /// Records that wait, and records that were handed over and are not acknowledged.
    pub(crate) fn load(&self) -> (usize, usize) {
        let waiting = lock(&self.waiting).records.len();
        (waiting, self.in_flight.load(Ordering::Relaxed))
    }

    /// Blocks until all that was handed over is acknowledged, or the time is over.
    pub(crate) fn flush(&self, timeout: Duration) {
        let _ = self.producer.flush(timeout); // what is left is said to those who wait
    }

    /// Puts a request's records at the end; they go at once if not too many are under way.
    pub(crate) fn add(
        self: &Arc<SendQueue>,
        topic: TopicName,
        records: Vec<Outgoing>,
        channel: Channel,
        counts: &Arc<Counts>,
    ) -> Delivery {
        let (batch, delivered) = Batch::new(topic, records.len(), channel, counts.clone());
        let now = jiff::Timestamp::now().as_millisecond();
        let records = records.into_iter().enumerate().map(|(index, record)| {
            let timestamp_ms = record.timestamp_ms.unwrap_or(now);
            let (batch, bytes) = (batch.clone(), record.bytes());
            let ticket =
                Ticket { batch, index, bytes, timestamp_ms, was_asked_for: false, group: None };
            (ticket, record)
        });
        let mut waiting = lock(&self.waiting);
        waiting.records.extend(records);
        waiting.since.get_or_insert_with(Instant::now);
        waiting.runtime.get_or_insert_with(Handle::current);
        if waiting.under_way < GROUPS_MAX {
            self.hand_over(&mut waiting);
        }
        self.watch_over(&mut waiting);
        drop(waiting);
        Delivery { batch, delivered }
    }

    /// Sees to it that what waits does not wait for ever.
    fn watch_over(self: &Arc<SendQueue>, waiting: &mut Waiting) {
        if let Some(runtime) = &waiting.runtime
            && !waiting.records.is_empty()
            && !waiting.is_watched
        {
            waiting.is_watched = true;
            runtime.spawn(self.clone().watch());
        }
    }

    /// Hands over what has waited long enough.
    async fn watch(self: Arc<SendQueue>) {
        loop {
            tokio::time::sleep(GROUP_WAIT).await;
            let mut waiting = lock(&self.waiting);
            if self.in_flight.load(Ordering::Acquire) < self.in_flight_max
                || waiting.since.is_some_and(|since| since.elapsed() >= waiting.hold())
            {
                self.hand_over(&mut waiting);
            }
            if waiting.records.is_empty() {
                waiting.is_watched = false;
                return;
            }
        }
    }

    /// Hands what waits to librdkafka, as far as its queue takes it.
    fn hand_over(self: &Arc<SendQueue>, waiting: &mut Waiting) {
        if waiting.records.is_empty() || self.is_held_back(waiting) {
            return;
        }
        // one more than there are: it is not over before all are handed over
        let group = Arc::new(Group {
            queue: Arc::downgrade(self),
            missing: AtomicUsize::new(1),
            in_flight: self.in_flight.clone(),
            begun: Instant::now(),
        });
        let mut records = std::mem::take(&mut waiting.records).into_iter();
        for (ticket, record) in records.by_ref() {
            // those of one partition keep their order
            if !waiting.unknown.is_empty()
                && let Some(asking) = waiting.unknown.get_mut(&place(&ticket, &record))
            {
                asking.push((ticket, record));
                continue;
            }
            group.missing.fetch_add(1, Ordering::AcqRel);
            self.in_flight.fetch_add(1, Ordering::AcqRel);
            let Err((error, ticket)) = self.send(&group, ticket, &record) else { continue };
            group.missing.fetch_sub(1, Ordering::AcqRel);
            self.in_flight.fetch_sub(1, Ordering::AcqRel);
            let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            if full && ticket.batch.since.elapsed() < MESSAGE_TIMEOUT {
                waiting.records.push_back((*ticket, record));
                break;
            }
            if is_unknown(&error) && !ticket.was_asked_for {
                self.ask_for(*ticket, record, waiting);
                continue;
            }
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                self.producer.context().is_broken.store(true, Ordering::Relaxed);
            }
            ticket.settle(Err(send_error(&ticket.batch.topic, record.partition, error)));
        }
        waiting.records.extend(records);
        waiting.since = (!waiting.records.is_empty()).then(Instant::now);
        self.guard(waiting, &group);
        if group.missing.fetch_sub(1, Ordering::AcqRel) > 1 {
            waiting.under_way += 1; // its last delivery waits for the lock that we have
        }
    }

    /// Has Kafka asked for a record's partition, or its topic, of which librdkafka may have heard long ago.
    fn ask_for(self: &Arc<SendQueue>, ticket: Ticket, record: Outgoing, waiting: &mut Waiting) {
        let place = place(&ticket, &record);
        waiting.unknown.insert(place.clone(), vec![(ticket, record)]);
        if let Some(runtime) = &waiting.runtime {
            runtime.spawn(self.clone().ask(place));
        }
    }

    /// Asks Kafka for a partition or a topic. If it is there, its records go on.
    async fn ask(self: Arc<SendQueue>, place: Place) {
        let mut known = Ok(None);
        for pause in ASK_PAUSES {
            tokio::time::sleep(pause).await;
            known = self.partitions(&place).await;
            if known.is_err() || is_among(place.1, &known) {
                break;
            }
        }
        let mut waiting = lock(&self.waiting);
        let Some(asking) = waiting.unknown.remove(&place) else { return };
        if is_among(place.1, &known) {
            for (mut ticket, record) in asking.into_iter().rev() {
                ticket.was_asked_for = true;
                waiting.records.push_front((ticket, record));
            }
            self.hand_over(&mut waiting);
            self.watch_over(&mut waiting);
            return;
        }
        drop(waiting);
        let error = match known {
            Ok(partitions) => absent(&place.0, place.1, partitions),
            Err(fault) => fault.into(),
        };
        asking.into_iter().for_each(|(ticket, _)| ticket.settle(Err(error.clone())));
    }

    /// How many partitions Kafka says that a topic has; librdkafka hears the answer too. None if there is
    /// no such topic, or if those that the place means cannot be written yet: a broker that has not heard
    /// that it leads refuses the first records of a producer and may take the next, and then nothing tells
    /// those that were refused from records that are there.
    async fn partitions(self: &Arc<SendQueue>, place: &Place) -> Result<Option<i32>, Fault> {
        let (queue, (topic, partition)) = (self.clone(), place.clone());
        weir_kafka::blocking(move || {
            let client = queue.producer.client();
            let metadata = client.fetch_metadata(Some(&topic), MESSAGE_TIMEOUT)?;
            let found = metadata.topics().iter().find(|found| found.name() == topic.as_str());
            let count = found.map_or(0, |found| found.partitions().len());
            let Some(count) = i32::try_from(count).ok().filter(|count| *count > 0) else {
                return Ok(None);
            };
            let mut meant = partition.map_or(0..=count - 1, |partition| partition..=partition);
            let can_be_written = |partition| {
                partition >= count
                    || client.fetch_watermarks(&topic, partition, MESSAGE_TIMEOUT).is_ok()
            };
            Ok(meant.all(can_be_written).then_some(count))
        })
        .await
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

fn place(ticket: &Ticket, record: &Outgoing) -> Place {
    (ticket.batch.topic.clone(), record.partition)
}

/// librdkafka does not know the topic, or the partition of it.
fn is_unknown(error: &KafkaError) -> bool {
    let unknown = [RDKafkaErrorCode::UnknownTopic, RDKafkaErrorCode::UnknownPartition];
    error.rdkafka_error_code().is_some_and(|code| unknown.contains(&code))
}

fn is_among(partition: Option<i32>, known: &Result<Option<i32>, Fault>) -> bool {
    matches!(known, Ok(Some(count)) if partition.is_none_or(|partition| partition < *count))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
