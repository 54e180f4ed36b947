//! One consumer instance: a librdkafka consumer, what it has fetched and nobody has read, and how
//! far it was read.
//!
//! A record counts as read when it goes into an answer, not when librdkafka hands it over: what a
//! client did not wait for, or had no bytes for, is there for the next read. Other requests do not
//! wait for a read that waits: they interrupt it, and it goes on after them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedMessage;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use tokio::sync::{Mutex, MutexGuard, Notify, oneshot};
use tokio::time::Instant;

use super::reading::{Reading, Records, Source, size};
use super::seek::{Position, seek};
use super::spec::ConsumerSpec;
use crate::broker::ask;
use crate::error::ProxyError;

/// How long commits, seeks and look-ups are waited for.
pub(super) const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// An offset to commit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Commit {
    pub(crate) offset: i64,
    pub(crate) metadata: Option<String>,
}

pub(crate) struct Instance {
    spec: ConsumerSpec,
    /// There until the instance is dropped.
    consumer: Option<Arc<StreamConsumer<Context>>>,
    reading: Mutex<Reading>,
    /// Requests other than reads that want `reading`.
    wanted: AtomicUsize,
    /// Reads that wait; an instance that somebody waits for is not idle.
    readers: AtomicUsize,
    interrupt: Notify,
    /// No read waits any more: the instance is removed, or the process ends.
    ending: AtomicBool,
    /// Milliseconds after `created` when somebody last asked.
    last_used: AtomicU64,
    created: Instant,
}

/// Hears of partitions that the group takes away.
#[derive(Default)]
pub(super) struct Context {
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
            wanted: AtomicUsize::new(0),
            readers: AtomicUsize::new(0),
            interrupt: Notify::new(),
            ending: AtomicBool::new(false),
            last_used: AtomicU64::new(0),
            created: Instant::now(),
        })
    }

    pub(super) fn consumer(&self) -> &Arc<StreamConsumer<Context>> {
        self.consumer.as_ref().expect("taken only when the instance is dropped")
    }

    /// Leaves the group, and says when that is done.
    pub(crate) fn close(mut self) -> oneshot::Receiver<()> {
        let (done, closed) = oneshot::channel();
        leave(self.consumer.take(), Some(done));
        closed
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

    /// Whether it has a client of Kafka.
    pub(crate) fn is_awake(&self) -> bool {
        self.consumer.is_some()
    }

    pub(crate) fn touch(&self) {
        let now = self.created.elapsed().as_millis() as u64;
        self.last_used.fetch_max(now, Ordering::Relaxed);
    }

    /// Reads that wait are answered with what there is, now and from now on.
    pub(crate) fn end_waiting(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.interrupt.notify_waiters();
    }

    /// What is being read, for a request that does not read.
    async fn interrupting(&self) -> MutexGuard<'_, Reading> {
        let _wanted = Counted::new(&self.wanted);
        self.interrupt.notify_waiters();
        self.reading.lock().await
    }

    /// How long nobody has asked.
    pub(crate) fn idle(&self) -> Duration {
        if self.readers.load(Ordering::SeqCst) > 0 {
            return Duration::ZERO;
        }
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
                    fetched += size(&message);
                    let message = message.detach();
                    self.take(reading, message);
                }
                Some(Err(error)) => {
                    reading.notice(error);
                    break;
                }
                None => break,
            }
        }
        self.forget_revoked(reading);
    }

    /// A record that librdkafka hands over. What was revoked before it came is forgotten before it
    /// is kept: it may be the first of the partition's new assignment.
    fn take(&self, reading: &mut Reading, message: OwnedMessage) {
        self.forget_revoked(reading);
        reading.pending.push_back(message);
    }

    /// What was fetched of partitions that belong to somebody else now is not ours to hand out.
    fn forget_revoked(&self, reading: &mut Reading) {
        let context = self.consumer().context();
        let mut revoked = context.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        for (topic, partition) in revoked.drain(..) {
            reading.forget(&topic, partition);
        }
    }

    /// Waits for records: until there are enough, or `timeout` is over. What keeps them from coming
    /// is told once there is nothing else to tell.
    pub(crate) async fn read(
        &self,
        timeout: Duration,
        max_bytes: usize,
    ) -> Result<Records<'_>, ProxyError> {
        let deadline = Instant::now() + timeout;
        let _reader = Counted::new(&self.readers);
        let mut reading = self.reading.lock().await;
        loop {
            let interrupted = self.interrupt.notified();
            tokio::pin!(interrupted);
            interrupted.as_mut().enable();
            if self.wanted.load(Ordering::SeqCst) > 0 {
                drop(reading);
                reading = self.reading.lock().await; // after those who wait already
            }
            if self.has_enough(&mut reading, max_bytes)?
                || Instant::now() >= deadline
                || self.ending.load(Ordering::SeqCst)
            {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => {}
                () = &mut interrupted => {}
                received = self.consumer().recv(), if reading.source != Source::None => {
                    match received.map(|message| message.detach()) {
                        Ok(message) => self.take(&mut reading, message),
                        Err(error) => {
                            reading.notice(error);
                            // errors repeat as fast as one asks
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
            }
        }
        self.touch();
        Ok(Records { instance: self, reading, max_bytes })
    }

    /// Takes what is at hand, and says whether a read has something to answer.
    fn has_enough(&self, reading: &mut Reading, max_bytes: usize) -> Result<bool, ProxyError> {
        let bytes = |reading: &Reading| reading.pending.iter().map(size).sum::<usize>();
        let pending = bytes(reading);
        if pending < max_bytes && reading.source != Source::None {
            self.fetch(reading, max_bytes - pending);
        }
        if reading.pending.is_empty()
            && let Some(error) = reading.refused.take()
        {
            return Err(error.into());
        }
        Ok(!reading.pending.is_empty() && bytes(reading) >= self.spec.min_bytes.min(max_bytes))
    }

    pub(crate) async fn subscribe(&self, topics: &[&str]) -> Result<(), ProxyError> {
        let mut reading = self.interrupting().await;
        if reading.source == Source::Assignment {
            return Err(illegal(
                "Subscription to topics, partitions and pattern are mutually exclusive",
            ));
        }
        self.consumer().subscribe(topics).map_err(|error| match error {
            KafkaError::Subscription(why) => ProxyError::Invalid { reason: why },
            error => error.into(),
        })?;
        reading.source = Source::Subscription;
        Ok(())
    }

    pub(crate) async fn unsubscribe(&self) {
        let mut reading = self.interrupting().await;
        self.consumer().unsubscribe();
        let _ = self.consumer().unassign();
        *reading = Reading::default();
    }

    /// The subscribed topics; of a pattern, those that it has brought so far.
    pub(crate) fn subscription(&self) -> Result<Vec<String>, ProxyError> {
        let mut topics: Vec<String> =
            names(&self.consumer().subscription()?).map(|(topic, _)| topic).collect();
        if topics.iter().any(|topic| topic.starts_with('^')) {
            topics = self.assignment()?.into_iter().map(|(topic, _)| topic).collect();
        }
        topics.sort_unstable();
        topics.dedup();
        Ok(topics)
    }

    pub(crate) async fn assign(&self, partitions: &[(String, i32)]) -> Result<(), ProxyError> {
        let mut reading = self.interrupting().await;
        if reading.source == Source::Subscription {
            return Err(illegal(
                "Subscription to topics, partitions and pattern are mutually exclusive",
            ));
        }
        if partitions.is_empty() {
            self.consumer().unassign()?;
            *reading = Reading::default();
            return Ok(());
        }
        // what stays assigned stays where it is
        let stays = |place: &(String, i32)| partitions.contains(place);
        reading.positions.retain(|place, _| stays(place));
        let mut list = TopicPartitionList::new();
        for place @ (topic, partition) in partitions {
            let offset =
                reading.positions.get(place).map_or(Offset::Stored, |n| Offset::Offset(*n));
            list.add_partition_offset(topic, *partition, offset)?;
        }
        self.consumer().assign(&list)?;
        // what was fetched and not read is fetched again
        reading.pending.clear();
        reading.source = Source::Assignment;
        Ok(())
    }

    pub(crate) fn assignment(&self) -> Result<Vec<(String, i32)>, ProxyError> {
        Ok(names(&self.consumer().assignment()?).collect())
    }

    /// Commits offsets, or how far the instance was read. 40403 no such partition.
    pub(crate) async fn commit(
        &self,
        given: Option<HashMap<(String, i32), Commit>>,
    ) -> Result<(), ProxyError> {
        let commits = match given {
            Some(commits) => commits,
            None => {
                let reading = self.interrupting().await;
                let read = |(place, offset): (&(String, i32), &i64)| {
                    (place.clone(), Commit { offset: *offset, metadata: None })
                };
                reading.positions.iter().map(read).collect()
            }
        };
        if commits.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for ((topic, partition), commit) in commits {
            let mut place = list.add_partition(&topic, partition);
            place.set_offset(Offset::Offset(commit.offset))?;
            if let Some(metadata) = commit.metadata {
                place.set_metadata(metadata);
            }
        }
        let consumer = self.consumer().clone();
        let committed = ask(move || consumer.commit(&list, CommitMode::Sync));
        match tokio::time::timeout(ASK_TIMEOUT, committed).await {
            Err(_) => Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::RequestTimedOut).into()),
            Ok(result) => result.map_err(unknown_partition),
        }
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
        let mut reading = self.interrupting().await;
        let assigned = self.assignment()?;
        for (topic, partition, _) in &positions {
            if !assigned.contains(&(topic.clone(), *partition)) {
                return Err(illegal(&format!(
                    "No current assignment for partition {topic}-{partition}"
                )));
            }
        }
        if positions.is_empty() {
            return Ok(());
        }
        let consumer = self.consumer().clone();
        let asked = positions.clone();
        let others = reading.positions.clone();
        ask(move || seek(&consumer, &asked, &others)).await?;
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
        if let Some(consumer) = self.consumer.take() {
            leave(Some(consumer), None);
        }
    }
}

/// librdkafka blocks while a consumer leaves its group, without Kafka for good: so it has a thread of
/// its own, which keeps neither a runtime nor the process from ending.
fn leave(consumer: Option<Arc<StreamConsumer<Context>>>, done: Option<oneshot::Sender<()>>) {
    std::thread::spawn(move || {
        drop(consumer);
        done.map(|done| done.send(()))
    });
}

fn unknown_partition(error: ProxyError) -> ProxyError {
    let unknown = RDKafkaErrorCode::UnknownTopicOrPartition.to_string();
    match error {
        ProxyError::Retriable { reason } if reason == unknown => {
            ProxyError::UnknownPartition { reason }
        }
        error => error,
    }
}

/// Counts while it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Counted<'a> {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(super) fn names(list: &TopicPartitionList) -> impl Iterator<Item = (String, i32)> {
    list.elements()
        .iter()
        .map(|e| (e.topic().to_string(), e.partition()))
        .collect::<Vec<_>>()
        .into_iter()
}

fn illegal(reason: &str) -> ProxyError {
    ProxyError::IllegalState { reason: reason.to_string() }
}
