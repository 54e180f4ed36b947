//! An instance's client of Kafka: a librdkafka consumer, with some threads and half a megabyte.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::reading::{Reading, Source};
use super::seek::assignment;
use super::spec::ConsumerSpec;
use crate::broker::Broker;
use crate::clients::Permit;
use crate::error::ProxyError;

/// Bytes of the stack of a thread that waits for a consumer to leave its group.
const LEAVING_STACK: usize = 128 * 1024;

pub(super) type Client = Arc<Connected>;

/// A client with its permit, which ends after it.
pub(super) struct Connected {
    consumer: StreamConsumer<Context>,
    made: Instant,
    permit: Permit,
}

impl Deref for Connected {
    type Target = StreamConsumer<Context>;

    fn deref(&self) -> &StreamConsumer<Context> {
        &self.consumer
    }
}

impl Connected {
    pub(super) fn age(&self) -> Duration {
        self.made.elapsed()
    }
}

/// Hears of partitions that the group gives and takes away.
#[derive(Default)]
pub(super) struct Context {
    /// The group has said which partitions are the instance's, be they none.
    is_assigned: AtomicBool,
    revoked: Mutex<Vec<(String, i32)>>,
    /// Whether there is anything in it: asked for each record.
    any_revoked: AtomicBool,
}

impl ClientContext for Context {}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.is_assigned.store(matches!(rebalance, Rebalance::Assign(_)), Ordering::Release);
        if let Rebalance::Revoke(partitions) = rebalance {
            let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
            revoked.extend(names(partitions));
            self.any_revoked.store(true, Ordering::Release);
        }
    }
}

impl Context {
    /// Returns true between an assignment by the group and its end.
    pub(super) fn is_assigned(&self) -> bool {
        self.is_assigned.load(Ordering::Acquire)
    }

    /// What was taken away since the last time.
    pub(super) fn take_revoked(&self) -> Vec<(String, i32)> {
        if !self.any_revoked.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        self.any_revoked.store(false, Ordering::Release);
        std::mem::take(&mut *revoked)
    }
}

/// A client that reads what the instance reads. 42204.
pub(super) fn start(
    broker: &Broker,
    spec: &ConsumerSpec,
    reading: &Reading,
    permit: Permit,
) -> Result<Client, ProxyError> {
    let mut config = broker.consumer();
    config
        .set("group.id", &spec.group)
        .set("enable.auto.commit", if spec.auto_commit { "true" } else { "false" })
        .set("enable.auto.offset.store", "false");
    for (name, value) in
        [("auto.offset.reset", &spec.auto_offset_reset), ("isolation.level", &spec.isolation_level)]
    {
        if let Some(value) = value {
            config.set(name, value);
        }
    }
    let client: StreamConsumer<Context> =
        config.create_with_context(Context::default()).map_err(|error| {
            ProxyError::InvalidConsumerConfig { reason: weir_kafka::refusal(&error) }
        })?;
    match &reading.source {
        Source::None => {}
        Source::Subscription(topics) => subscribe(&client, topics)?,
        Source::Pattern(topics) if topics.is_empty() => {}
        Source::Pattern(topics) => subscribe(&client, topics)?,
        Source::Assignment(partitions) => {
            client.assign(&assignment(partitions, &reading.positions)?)?;
        }
    }
    Ok(Arc::new(Connected { consumer: client, made: Instant::now(), permit }))
}

/// At least one topic, each by its name: librdkafka would compile a pattern, for which it can need all memory.
pub(super) fn subscribe(
    client: &StreamConsumer<Context>,
    topics: &[String],
) -> Result<(), ProxyError> {
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    client.subscribe(&topics).map_err(|error| match error {
        KafkaError::Subscription(why) => ProxyError::Invalid { reason: why },
        error => error.into(),
    })
}

/// librdkafka blocks while a consumer leaves its group, without Kafka for good: so it has a thread of
/// its own, which keeps neither a runtime nor the process from ending, and which its permit has counted.
pub(super) fn leave(client: Option<Client>, done: Option<oneshot::Sender<()>>) {
    let Some(client) = client else { return };
    client.permit.note_leaving();
    let leaving = Arc::new(Leaving(Mutex::new(Some((client, done)))));
    let builder = std::thread::Builder::new().name("leaving".to_string());
    let theirs = leaving.clone();
    let Err(error) = builder.stack_size(LEAVING_STACK).spawn(move || theirs.end()) else { return };
    tracing::error!(%error, "no thread for a consumer to leave its group");
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn_blocking(move || leaving.end());
    }
}

/// A client that leaves its group, for a thread that may not come into being.
struct Leaving(Mutex<Option<(Client, Option<oneshot::Sender<()>>)>>);

impl Leaving {
    fn end(&self) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((client, done)) = left {
            drop(client);
            done.map(|done| done.send(()));
        }
    }
}

pub(super) fn names(list: &TopicPartitionList) -> impl Iterator<Item = (String, i32)> {
    list.elements()
        .iter()
        .map(|e| (e.topic().to_string(), e.partition()))
        .collect::<Vec<_>>()
        .into_iter()
}
