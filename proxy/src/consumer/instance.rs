//! One consumer instance: what it is to read, a client of Kafka while somebody reads, what that has
//! fetched and nobody has read, and how far it was read.
//!
//! A record counts as read when it goes into an answer, not when librdkafka hands it over: what a
//! client did not wait for, or had no bytes for, is there for the next read. Other requests do not
//! wait for a read that waits: they interrupt it, and it goes on after them.
//!
//! An instance that nobody has asked for lately may lose its client to others: it leaves its group as
//! in a rebalance, and comes back with the next request.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::OwnedMessage;
use tokio::sync::{Mutex, MutexGuard, Notify, oneshot};
use tokio::time::Instant;
use weir_kafka::{Code, Fault};

use super::client::{Client, leave, names, subscribe};
use super::follow::Followed;
use super::reading::{Denied, Reading, Records, Source, size};
use super::seek::{Position, assignment, seek};
use super::spec::ConsumerSpec;
use crate::broker::{Broker, ask};
use crate::error::ProxyError;

/// How long commits, seeks and look-ups are waited for.
pub(super) const ASK_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct Instance {
    pub(super) spec: ConsumerSpec,
    pub(super) broker: Arc<Broker>,
    /// There while it is needed. Made and taken away with `reading` locked.
    pub(super) client: SyncMutex<Option<Client>>,
    pub(super) reading: Mutex<Reading>,
    /// The pattern of topics that it is subscribed to. Set with `reading` locked.
    pub(super) followed: SyncMutex<Option<Followed>>,
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

impl Instance {
    pub(crate) fn new(spec: ConsumerSpec, broker: Arc<Broker>) -> Self {
        Instance {
            spec,
            broker,
            client: SyncMutex::default(),
            reading: Mutex::default(),
            followed: SyncMutex::default(),
            wanted: AtomicUsize::new(0),
            readers: AtomicUsize::new(0),
            interrupt: Notify::new(),
            ending: AtomicBool::new(false),
            last_used: AtomicU64::new(0),
            created: Instant::now(),
        }
    }

    /// Leaves the group, and says when that is done.
    pub(crate) fn close(self) -> oneshot::Receiver<()> {
        let (done, closed) = oneshot::channel();
        leave(self.take_client(), Some(done));
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
        self.client().is_some()
    }

    pub(crate) fn touch(&self) {
        let now = self.created.elapsed().as_millis() as u64;
        self.last_used.fetch_max(now, Ordering::Relaxed);
    }

    /// Reads that wait are answered with what there is, now and from now on.
    pub(crate) fn end_waiting(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.interrupt_reads();
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// Reads that wait look at what has changed.
    pub(super) fn interrupt_reads(&self) {
        self.interrupt.notify_waiters();
    }

    /// What is being read, for a request that does not read.
    pub(super) async fn interrupting(&self) -> MutexGuard<'_, Reading> {
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
        if let Err(error) = self.follow(&mut reading) {
            tracing::debug!(%error, "the topics of a pattern");
        }
        if let Some(client) = self.client()
            && reading.source != Source::None
            && reading.pending.is_empty()
        {
            fetch(&client, &mut reading, 1);
        }
    }

    /// Has records ready for the next read.
    pub(crate) fn prefetch(&self, bytes: usize) {
        let Ok(mut reading) = self.reading.try_lock() else { return };
        if let Some(client) = self.client()
            && reading.pending_bytes < bytes
        {
            let missing = bytes - reading.pending_bytes;
            fetch(&client, &mut reading, missing);
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
        if reading.denied.is_some() && reading.pending.is_empty() {
            self.check_rights(&mut reading).await?;
        }
        loop {
            let interrupted = self.interrupt.notified();
            tokio::pin!(interrupted);
            interrupted.as_mut().enable();
            if self.wanted.load(Ordering::SeqCst) > 0 {
                drop(reading);
                reading = self.reading.lock().await; // after those who wait already
            }
            self.follow(&mut reading)?;
            let is_over = Instant::now() >= deadline || self.is_ending();
            let client = match self.client() {
                Some(client) => client,
                None if self.is_ending() => break,
                None if reading.source == Source::None && is_over => break,
                None if reading.source == Source::None => {
                    tokio::select! {
                        () = tokio::time::sleep_until(deadline) => {}
                        () = &mut interrupted => {}
                    }
                    continue;
                }
                None => {
                    tokio::select! {
                        woken = self.wake_until(&mut reading, deadline) => drop(woken?),
                        () = &mut interrupted => {}
                    }
                    continue;
                }
            };
            self.return_to_kept(&client, &mut reading).await?;
            let has_enough = self.has_enough(&client, &mut reading, max_bytes)?;
            if reading.wants_time {
                self.go_back(&client, &mut reading).await?;
            } else if has_enough || is_over {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => {}
                () = &mut interrupted => {}
                received = client.recv(), if reading.source != Source::None => {
                    match received.map(|message| message.detach()) {
                        Ok(message) => take(&client, &mut reading, message),
                        Err(error) => {
                            reading.notice(error);
                            // errors repeat as fast as one asks
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
            }
        }
        let outlook = self.outlook(&mut reading).await;
        self.touch();
        let auto_commit = self.spec.auto_commit;
        Ok(Records { client: self.client(), outlook, auto_commit, reading, max_bytes })
    }

    /// Takes what is at hand, and says whether a read has something to answer.
    fn has_enough(
        &self,
        client: &Client,
        reading: &mut Reading,
        max_bytes: usize,
    ) -> Result<bool, ProxyError> {
        if reading.pending_bytes < max_bytes && reading.source != Source::None {
            fetch(client, reading, max_bytes - reading.pending_bytes);
        }
        if reading.pending.is_empty() {
            if let Some(denied) = reading.denied {
                return Err(self.denied(denied, reading));
            }
            if let Some(error) = reading.refused.take() {
                let no_offset =
                    error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset);
                if no_offset && self.spec.since.is_some() {
                    reading.wants_time = true;
                    return Ok(false);
                }
                return Err(error.into());
            }
        }
        Ok(!reading.pending.is_empty()
            && reading.pending_bytes >= self.spec.min_bytes.min(max_bytes))
    }

    /// 40903 partitions are assigned, or a pattern is subscribed to.
    pub(crate) async fn subscribe(&self, topics: Vec<String>) -> Result<(), ProxyError> {
        let mut reading = self.interrupting().await;
        if matches!(reading.source, Source::Assignment(_) | Source::Pattern(_)) {
            return Err(mutually_exclusive());
        }
        if let Some(client) = self.client() {
            subscribe(&client, &topics)?;
        }
        let before = std::mem::replace(&mut reading.source, Source::Subscription(topics));
        if let Err(error) = self.wake_if_room(&mut reading).await {
            reading.source = before;
            return Err(error);
        }
        reading.denied = None;
        Ok(())
    }

    pub(crate) async fn unsubscribe(&self) {
        let mut reading = self.interrupting().await;
        if let Some(client) = self.client() {
            client.unsubscribe();
            let _ = client.unassign();
        }
        self.set_followed(None);
        *reading = Reading::default();
    }

    /// The subscribed topics; of a pattern, those that it has brought so far.
    pub(crate) async fn subscription(&self) -> Result<Vec<String>, ProxyError> {
        let source = self.interrupting().await.source.clone();
        let mut topics = match source {
            Source::None | Source::Assignment(_) => return Ok(Vec::new()),
            Source::Subscription(topics) => topics,
            Source::Pattern(_) => {
                self.assignment().await?.into_iter().map(|(topic, _)| topic).collect()
            }
        };
        topics.sort_unstable();
        topics.dedup();
        Ok(topics)
    }

    pub(crate) async fn assign(&self, partitions: Vec<(String, i32)>) -> Result<(), ProxyError> {
        let mut reading = self.interrupting().await;
        if reading.source.is_shared() {
            return Err(mutually_exclusive());
        }
        if partitions.is_empty() {
            if let Some(client) = self.client() {
                client.unassign()?;
            }
            *reading = Reading::default();
            return Ok(());
        }
        // what stays assigned stays where it is
        reading.positions.retain(|place, _| partitions.contains(place));
        if let Some(client) = self.client() {
            client.assign(&assignment(&partitions, &reading.positions)?)?;
        }
        // what was fetched and not read is fetched again
        reading.drop_pending();
        let before = std::mem::replace(&mut reading.source, Source::Assignment(partitions));
        if let Err(error) = self.wake_if_room(&mut reading).await {
            reading.source = before;
            return Err(error);
        }
        reading.denied = None;
        Ok(())
    }

    pub(crate) async fn assignment(&self) -> Result<Vec<(String, i32)>, ProxyError> {
        match (&self.interrupting().await.source, self.client()) {
            (_, Some(client)) => Ok(names(&client.assignment()?).collect()),
            (Source::Assignment(partitions), None) => Ok(partitions.clone()),
            (_, None) => Ok(Vec::new()),
        }
    }

    /// Moves to other positions; all of the partitions have to be assigned. 40903.
    pub(crate) async fn seek(
        &self,
        positions: Vec<(String, i32, Position)>,
    ) -> Result<(), ProxyError> {
        let mut reading = self.interrupting().await;
        let client = self.wake(&mut reading).await?;
        let assigned: Vec<_> = names(&client.assignment()?).collect();
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
        let asked = positions.clone();
        let others = reading.positions.clone();
        ask(move || seek(&client, &asked, &others)).await.map_err(unknown_partition)?;
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
        if let Some(client) = self.take_client() {
            leave(Some(client), None);
        }
    }
}

/// Takes what librdkafka has at hand, up to about `bytes`.
pub(super) fn fetch(client: &Client, reading: &mut Reading, bytes: usize) {
    let mut fetched = 0;
    let mut messages = client.stream();
    while fetched < bytes {
        match messages.next().now_or_never() {
            Some(Some(Ok(message))) => {
                fetched += size(&message);
                let message = message.detach();
                take(client, reading, message);
            }
            Some(Some(Err(error))) => {
                reading.notice(error);
                break;
            }
            _ => break,
        }
    }
    forget_revoked(client, reading);
}

/// A record that librdkafka hands over. What was revoked before it came is forgotten before it
/// is kept: it may be the first of the partition's new assignment.
fn take(client: &Client, reading: &mut Reading, message: OwnedMessage) {
    forget_revoked(client, reading);
    if reading.denied == Some(Denied::Group) {
        reading.denied = None; // the group has let it in
    }
    reading.is_troubled = false;
    reading.pending_bytes += size(&message);
    reading.pending.push_back(message);
}

/// What was fetched of partitions that belong to somebody else now is not ours to hand out.
fn forget_revoked(client: &Client, reading: &mut Reading) {
    for (topic, partition) in client.context().take_revoked() {
        reading.forget(&topic, partition);
    }
}

pub(super) fn unknown_partition(error: ProxyError) -> ProxyError {
    match error {
        ProxyError::Retriable { fault } if fault.code == Code::UnknownPartition => {
            Fault::new(Code::UnknownTopicOrPartition, fault.reason).into()
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

pub(super) fn mutually_exclusive() -> ProxyError {
    illegal("Subscription to topics, partitions and pattern are mutually exclusive")
}

fn illegal(reason: &str) -> ProxyError {
    ProxyError::IllegalState { reason: reason.to_string() }
}
