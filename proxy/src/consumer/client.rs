//! An instance's client of Kafka: a librdkafka consumer, with some threads and half a megabyte.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::Instant;
use weir_kafka::Fault;

use super::partitions::{Positions, TopicPartition, partitions_of, starting_at};
use super::reading::{Heard, Record};
use super::seek::seek;
use super::spec::ConsumerSpec;
use super::state::Effect;
use super::trouble::{Denied, Mishap, Refusal};
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

impl Record for OwnedMessage {
    fn topic(&self) -> &str {
        Message::topic(self)
    }

    fn partition(&self) -> i32 {
        Message::partition(self)
    }

    fn offset(&self) -> i64 {
        Message::offset(self)
    }

    fn bytes(&self) -> usize {
        size(self)
    }
}

/// Bytes of key and value, at least one: a record of nothing is something too.
pub(crate) fn size<M: Message>(message: &M) -> usize {
    (message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len)).max(1)
}

impl Connected {
    pub(super) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    /// Returns true between an assignment by the group and its end.
    pub(super) fn is_assigned(&self) -> bool {
        self.context().is_assigned.load(Ordering::Acquire)
    }

    pub(super) fn assigned(&self) -> Result<Vec<TopicPartition>, KafkaError> {
        Ok(partitions_of(&self.assignment()?))
    }

    /// Waits for what librdkafka says next. Nothing is lost where this is dropped while it waits.
    pub(super) async fn next(&self) -> Vec<Heard<OwnedMessage>> {
        let received = self.recv().await.map(|message| message.detach());
        self.in_order(received).collect()
    }

    /// Takes what librdkafka has at hand, up to about `bytes`.
    pub(super) fn at_hand(&self, bytes: usize) -> Vec<Heard<OwnedMessage>> {
        let mut heard = Vec::new();
        let mut fetched = 0;
        let mut messages = self.stream();
        while fetched < bytes {
            let Some(Some(received)) = messages.next().now_or_never() else { break };
            let has_failed = received.is_err();
            fetched += received.as_ref().map_or(0, size);
            heard.extend(self.in_order(received.map(|message| message.detach())));
            if has_failed {
                break;
            }
        }
        heard.extend(self.context().take_revoked().map(Heard::Revoked));
        heard
    }

    /// What was revoked before a record came is said before it: it may be the first of the partition's new
    /// assignment.
    fn in_order(
        &self,
        received: Result<OwnedMessage, KafkaError>,
    ) -> impl Iterator<Item = Heard<OwnedMessage>> + use<> {
        let revoked = self.context().take_revoked().map(Heard::Revoked);
        let heard = match received {
            Ok(message) => Heard::Record(message),
            Err(error) => {
                tracing::debug!(%error, "consuming");
                Heard::Mishap(fault(&error))
            }
        };
        revoked.into_iter().chain([heard])
    }

    /// The offsets after records that count as read: librdkafka commits them by itself.
    pub(super) fn store(&self, read: &Positions) {
        for (TopicPartition { topic, partition }, next) in read.iter() {
            if let Err(error) = self.store_offset(topic, *partition, next - 1) {
                tracing::debug!(%error, "the partition was taken away meanwhile");
            }
        }
    }

    /// Has the client do what a command asks for. [`Effect::Commit`] and [`Effect::Seek`] wait for Kafka, and block:
    /// they are for a thread that may. `others` are where the partitions go on that stay.
    pub(super) fn perform(&self, effect: Effect, others: &Positions) -> Result<(), KafkaError> {
        match effect {
            Effect::Subscribe(topics) => {
                let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                self.subscribe(&topics)
            }
            Effect::Unsubscribe => {
                self.unsubscribe();
                Ok(())
            }
            Effect::Assign(starts) => self.assign(&starting_at(&starts)?),
            Effect::Unassign => self.unassign(),
            Effect::Commit(offsets) => {
                let mut list = TopicPartitionList::new();
                for (TopicPartition { topic, partition }, commit) in offsets {
                    let mut place = list.add_partition(&topic, partition);
                    place.set_offset(Offset::Offset(commit.offset))?;
                    if let Some(metadata) = commit.metadata {
                        place.set_metadata(metadata);
                    }
                }
                self.commit(&list, CommitMode::Sync)
            }
            Effect::Seek(to) => seek(&self.consumer, &to, others),
        }
    }
}

fn fault(error: &KafkaError) -> Mishap {
    use RDKafkaErrorCode as Code;
    let Some(code) = error.rdkafka_error_code() else { return Mishap::Passes };
    let reason = code.to_string();
    match code {
        Code::GroupAuthorizationFailed => Mishap::Denied(Denied::Group),
        Code::TopicAuthorizationFailed => Mishap::Denied(Denied::Topics),
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve => Mishap::Unreachable,
        Code::AutoOffsetReset => Mishap::Refused(Refusal::NoOffset { reason }),
        Code::Authentication | Code::SaslAuthenticationFailed => {
            Mishap::Refused(Refusal::Unauthenticated { reason })
        }
        Code::Fatal => Mishap::Refused(Refusal::Fatal { reason }),
        _ => Mishap::Passes,
    }
}

/// Hears of partitions that the group gives and takes away.
#[derive(Default)]
pub(super) struct Context {
    /// The group has said which partitions are the instance's, be they none.
    is_assigned: AtomicBool,
    revoked: Mutex<Vec<TopicPartition>>,
    /// `revoked` is not empty: asked for each record.
    any_revoked: AtomicBool,
}

impl ClientContext for Context {}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.is_assigned.store(matches!(rebalance, Rebalance::Assign(_)), Ordering::Release);
        if let Rebalance::Revoke(partitions) = rebalance {
            let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
            revoked.extend(partitions_of(partitions));
            self.any_revoked.store(true, Ordering::Release);
        }
    }
}

impl Context {
    /// What was taken away since the last time, if anything was.
    fn take_revoked(&self) -> Option<Vec<TopicPartition>> {
        if !self.any_revoked.load(Ordering::Acquire) {
            return None;
        }
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        self.any_revoked.store(false, Ordering::Release);
        Some(std::mem::take(&mut *revoked))
    }
}

/// A client that reads nothing yet. 42204 librdkafka refuses a setting.
pub(super) fn start(
    broker: &Broker,
    spec: &ConsumerSpec,
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
    Ok(Arc::new(Connected { consumer: client, made: Instant::now(), permit }))
}

/// What the client of the API hears of effects that fail. 422 topics that cannot be subscribed to · 40403 Kafka does
/// not have a partition · what [`ProxyError`] makes of the rest.
pub(super) fn refused(error: KafkaError) -> ProxyError {
    match error {
        KafkaError::Subscription(reason) => ProxyError::Invalid { reason },
        error => unknown_partition(error.into()),
    }
}

/// The error with 40403 for a partition that librdkafka does not know: whoever names it has said that it is there.
pub(super) fn unknown_partition(error: ProxyError) -> ProxyError {
    match error {
        ProxyError::Retriable { fault } if fault.code == weir_kafka::Code::UnknownPartition => {
            Fault::new(weir_kafka::Code::UnknownTopicOrPartition, fault.reason).into()
        }
        error => error,
    }
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
