//! One consumer instance: a librdkafka consumer, what it has fetched and nobody has read, and how
//! far it was read.
//!
//! A record counts as read when it goes into an answer, not when librdkafka hands it over: what a
//! client did not get, because it went away or asked for fewer bytes, is there for the next read.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::spec::ConsumerSpec;
use crate::broker::{Offsets, ask};
use crate::error::ProxyError;

/// How long commits, seeks and look-ups are waited for.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a partition is to be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Offset(i64),
    Beginning,
    End,
    /// Milliseconds since 1970: the first record that is not older.
    Timestamp(i64),
}

pub(crate) struct Instance {
    spec: ConsumerSpec,
    /// There until the instance is dropped.
    consumer: Option<Arc<StreamConsumer<Context>>>,
    reading: Mutex<Reading>,
    /// Milliseconds after `created` when somebody last asked.
    last_used: AtomicU64,
    created: Instant,
}

#[derive(Default)]
struct Reading {
    source: Source,
    /// Fetched and not yet read.
    pending: VecDeque<OwnedMessage>,
    /// The next offset to read of each partition that was read from.
    positions: Offsets,
}

/// How the instance came by its partitions; the two ways exclude each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    None,
    Subscription,
    Assignment,
}

/// Hears of partitions that the group takes away.
#[derive(Default)]
struct Context {
    revoked: SyncMutex<Vec<(String, i32)>>,
}

impl ClientContext for Context {}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
            revoked.extend(names(partitions));
        }
    }
}

impl Instance {
    pub(crate) fn new(spec: ConsumerSpec, mut config: ClientConfig) -> Result<Self, ProxyError> {
        config
            .set("group.id", &spec.group)
            .set("auto.offset.reset", &spec.auto_offset_reset)
            .set("enable.auto.commit", if spec.auto_commit { "true" } else { "false" })
            .set("enable.auto.offset.store", "false");
        let consumer = config
            .create_with_context(Context::default())
            .map_err(|error| ProxyError::InvalidConsumerConfig { reason: error.to_string() })?;
        Ok(Instance {
            spec,
            consumer: Some(Arc::new(consumer)),
            reading: Mutex::default(),
            last_used: AtomicU64::new(0),
            created: Instant::now(),
        })
    }

    fn consumer(&self) -> &Arc<StreamConsumer<Context>> {
        self.consumer.as_ref().expect("taken only when the instance is dropped")
    }

    /// Leaves the group. librdkafka blocks for it, so it has a thread of its own.
    pub(crate) fn close(mut self) -> JoinHandle<()> {
        let consumer = self.consumer.take();
        tokio::task::spawn_blocking(move || drop(consumer))
    }

    pub(crate) fn group(&self) -> &str {
        &self.spec.group
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(crate) fn spec(&self) -> &ConsumerSpec {
        &self.spec
    }

    pub(crate) fn touch(&self) {
        let now = self.created.elapsed().as_millis() as u64;
        self.last_used.fetch_max(now, Ordering::Relaxed);
    }

    /// How long nobody has asked.
    pub(crate) fn idle(&self) -> Duration {
        let last = Duration::from_millis(self.last_used.load(Ordering::Relaxed));
        self.created.elapsed().saturating_sub(last)
    }

    /// Serves the group between reads: joining and rebalancing happen while librdkafka is polled.
    pub(crate) fn keep_up(&self) {
        let Ok(mut reading) = self.reading.try_lock() else { return };
        if reading.source != Source::None && reading.pending.is_empty() {
            self.fetch(&mut reading, 1);
        }
    }

    /// Takes what librdkafka has at hand, up to about `bytes`.
    fn fetch(&self, reading: &mut Reading, bytes: usize) {
        let mut fetched = 0;
        while fetched < bytes {
            match self.consumer().recv().now_or_never() {
                Some(Ok(message)) => {
                    fetched += size(&message).max(1);
                    reading.pending.push_back(message.detach());
                }
                Some(Err(error)) => {
                    // the client goes on trying by itself; a read finds nothing meanwhile
                    tracing::debug!(group = self.group(), %error, "consuming");
                }
                None => break,
            }
        }
        self.forget_revoked(reading);
    }

    /// What was fetched of partitions that belong to somebody else now is not ours to hand out.
    fn forget_revoked(&self, reading: &mut Reading) {
        let context = self.consumer().context();
        let mut revoked = context.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        for (topic, partition) in revoked.drain(..) {
            reading.forget(&topic, partition);
        }
    }

    /// Waits for records: until there are enough, or `timeout` is over.
    pub(crate) async fn read(&self, timeout: Duration, max_bytes: usize) -> Records<'_> {
        let deadline = Instant::now() + timeout;
        let mut reading = self.reading.lock().await;
        loop {
            let pending: usize = reading.pending.iter().map(size).sum();
            if pending < max_bytes {
                self.fetch(&mut reading, max_bytes - pending);
            }
            let pending: usize = reading.pending.iter().map(size).sum();
            let enough = self.spec.min_bytes.min(max_bytes);
            if !reading.pending.is_empty() && pending >= enough || Instant::now() >= deadline {
                break;
            }
            if reading.source == Source::None {
                tokio::time::sleep_until(deadline).await;
                break;
            }
            match tokio::time::timeout_at(deadline, self.consumer().recv()).await {
                Ok(Ok(message)) => {
                    let message = message.detach();
                    reading.pending.push_back(message);
                }
                Ok(Err(error)) => {
                    tracing::debug!(group = self.group(), %error, "consuming");
                    // errors repeat as fast as one asks
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(_) => break,
            }
            self.touch();
        }
        self.touch();
        Records { instance: self, reading, max_bytes }
    }

    pub(crate) async fn subscribe(&self, topics: &[&str]) -> Result<(), ProxyError> {
        let mut reading = self.reading.lock().await;
        if reading.source == Source::Assignment {
            return Err(illegal(
                "Subscription to topics, partitions and pattern are mutually exclusive",
            ));
        }
        self.consumer().subscribe(topics)?;
        reading.source = Source::Subscription;
        Ok(())
    }

    pub(crate) async fn unsubscribe(&self) {
        let mut reading = self.reading.lock().await;
        self.consumer().unsubscribe();
        let _ = self.consumer().unassign();
        *reading = Reading::default();
    }

    pub(crate) fn subscription(&self) -> Result<Vec<String>, ProxyError> {
        let mut topics: Vec<String> =
            names(&self.consumer().subscription()?).map(|(topic, _)| topic).collect();
        topics.dedup();
        Ok(topics)
    }

    pub(crate) async fn assign(&self, partitions: &[(String, i32)]) -> Result<(), ProxyError> {
        let mut reading = self.reading.lock().await;
        if reading.source == Source::Subscription {
            return Err(illegal(
                "Subscription to topics, partitions and pattern are mutually exclusive",
            ));
        }
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions {
            list.add_partition_offset(topic, *partition, Offset::Stored)?;
        }
        self.consumer().assign(&list)?;
        *reading = Reading { source: Source::Assignment, ..Reading::default() };
        Ok(())
    }

    pub(crate) fn assignment(&self) -> Result<Vec<(String, i32)>, ProxyError> {
        Ok(names(&self.consumer().assignment()?).collect())
    }

    /// Commits offsets, or how far the instance was read. The offset of a request is the last
    /// consumed one, so that the next is committed.
    pub(crate) async fn commit(&self, consumed: Option<Offsets>) -> Result<(), ProxyError> {
        let offsets = match consumed {
            Some(consumed) => {
                consumed.into_iter().map(|(p, offset)| (p, offset.saturating_add(1))).collect()
            }
            None => self.reading.lock().await.positions.clone(),
        };
        if offsets.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for ((topic, partition), offset) in &offsets {
            list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
        }
        let consumer = self.consumer().clone();
        ask(move || consumer.commit(&list, CommitMode::Sync)).await
    }

    /// Committed offsets; a partition without one is left out.
    pub(crate) async fn committed(
        &self,
        partitions: &[(String, i32)],
    ) -> Result<Vec<(String, i32, i64, String)>, ProxyError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions {
            list.add_partition(topic, *partition);
        }
        let consumer = self.consumer().clone();
        let found = ask(move || consumer.committed_offsets(list, ASK_TIMEOUT)).await?;
        Ok(found
            .elements()
            .iter()
            .filter_map(|e| match e.offset() {
                Offset::Offset(offset) => {
                    Some((e.topic().to_string(), e.partition(), offset, e.metadata().to_string()))
                }
                _ => None,
            })
            .collect())
    }

    /// Moves to other positions; all of the partitions have to be assigned. 40903.
    pub(crate) async fn seek(
        &self,
        positions: Vec<(String, i32, Position)>,
    ) -> Result<(), ProxyError> {
        let mut reading = self.reading.lock().await;
        let assigned = self.assignment()?;
        for (topic, partition, _) in &positions {
            if !assigned.contains(&(topic.clone(), *partition)) {
                return Err(illegal(&format!(
                    "No current assignment for partition {topic}-{partition}"
                )));
            }
        }
        let consumer = self.consumer().clone();
        let asked = positions.clone();
        ask(move || seek(&consumer, &asked)).await?;
        for (topic, partition, position) in positions {
            reading.forget(&topic, partition);
            if let Position::Offset(offset) = position {
                reading.positions.insert((topic, partition), offset);
            }
        }
        Ok(())
    }
}

impl Drop for Instance {
    /// For an instance that is removed while somebody reads from it.
    fn drop(&mut self) {
        if let (Some(consumer), Ok(runtime)) = (self.consumer.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(consumer));
        }
    }
}

impl Reading {
    fn forget(&mut self, topic: &str, partition: i32) {
        self.pending.retain(|m| m.topic() != topic || m.partition() != partition);
        self.positions.remove(&(topic.to_string(), partition));
    }
}

/// Records that are ready to be read. Dropping this leaves them for the next read.
pub(crate) struct Records<'a> {
    instance: &'a Instance,
    reading: MutexGuard<'a, Reading>,
    max_bytes: usize,
}

impl Records<'_> {
    /// The records that fit into `max_bytes`, at least one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &OwnedMessage> {
        let mut bytes = 0;
        let fitting = self.reading.pending.iter().enumerate().take_while(move |(i, message)| {
            bytes += size(*message);
            *i == 0 || bytes <= self.max_bytes
        });
        fitting.map(|(_, message)| message)
    }

    /// The first `count` records are read.
    pub(crate) fn read(mut self, count: usize) {
        let reading = &mut *self.reading;
        for message in reading.pending.drain(..count) {
            let place = (message.topic().to_string(), message.partition());
            if self.instance.spec.auto_commit {
                let stored = self.instance.consumer().store_offset(
                    message.topic(),
                    message.partition(),
                    message.offset(),
                );
                if let Err(error) = stored {
                    tracing::debug!(%error, "the partition was taken away meanwhile");
                }
            }
            reading.positions.insert(place, message.offset() + 1);
        }
    }
}

fn seek(
    consumer: &StreamConsumer<Context>,
    positions: &[(String, i32, Position)],
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    let mut times = TopicPartitionList::new();
    for (topic, partition, position) in positions {
        match position {
            Position::Timestamp(ms) => {
                times.add_partition_offset(topic, *partition, Offset::Offset(*ms))?;
            }
            Position::Offset(n) => {
                list.add_partition_offset(topic, *partition, Offset::Offset(*n))?
            }
            Position::Beginning => {
                list.add_partition_offset(topic, *partition, Offset::Beginning)?;
            }
            Position::End => list.add_partition_offset(topic, *partition, Offset::End)?,
        }
    }
    if times.count() > 0 {
        for found in consumer.offsets_for_times(times, ASK_TIMEOUT)?.elements() {
            let offset = match found.offset() {
                Offset::Offset(n) if n >= 0 => Offset::Offset(n),
                _ => Offset::End,
            };
            list.add_partition_offset(found.topic(), found.partition(), offset)?;
        }
    }
    // a partition that was assigned a moment ago cannot be moved yet
    let deadline = std::time::Instant::now() + ASK_TIMEOUT;
    loop {
        let result = consumer.seek_partitions(list.clone(), ASK_TIMEOUT)?;
        let failed = result.elements().into_iter().find_map(|e| e.error().err());
        match failed {
            None => return Ok(()),
            Some(error)
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::State)
                    && std::time::Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            Some(error) => return Err(error),
        }
    }
}

fn names(list: &TopicPartitionList) -> impl Iterator<Item = (String, i32)> {
    list.elements()
        .iter()
        .map(|e| (e.topic().to_string(), e.partition()))
        .collect::<Vec<_>>()
        .into_iter()
}

fn size<M: Message>(message: &M) -> usize {
    message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len)
}

fn illegal(reason: &str) -> ProxyError {
    ProxyError::IllegalState { reason: reason.to_string() }
}
