//! Records that cannot be sent. Where no broker can be reached they are not handed to librdkafka, so that they
//! are known not to be sent. And librdkafka never gives an idempotent producer's record up, because then it
//! begins a new epoch and sends again, under new numbers, what other partitions may have been sent already: Kafka
//! cannot know it for the same and writes it twice. A producer that holds a record for too long is ended instead.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::producer::{Producer, PurgeConfig};
use tokio::time::Instant;
use weir_kafka::{Code, Fault};

use super::{Group, MESSAGE_TIMEOUT, SendQueue, Waiting, lock};
use crate::error::ProxyError;

/// How long Kafka may take to say that it is there.
const REACH_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause before it is asked again.
const REACH_PAUSE: Duration = Duration::from_millis(100);

/// A producer that ends has this long to send what it can; then what waits is given up, and after the same time again what
/// brokers have not answered.
const LAST_CHANCE: Duration = Duration::from_millis(250);

/// The groups that somebody watches over, and whether Kafka is being looked for.
#[derive(Default)]
pub(super) struct Guarded {
    groups: VecDeque<(Instant, Weak<Group>)>,
    is_watched: bool,
    is_looked_for: bool,
}

impl SendQueue {
    /// Returns true if what waits is not to be handed over: it is settled, or goes when Kafka is there.
    pub(super) fn is_held_back(self: &Arc<SendQueue>, waiting: &mut Waiting) -> bool {
        if self.is_broken() {
            let records = std::mem::take(&mut waiting.records);
            let ended = || not_sent("Its producer has ended");
            records.into_iter().for_each(|(ticket, _)| ticket.settle(Err(ended())));
            waiting.since = None;
            return true;
        }
        if self.producer.context().is_reached.load(Ordering::Acquire) {
            return false;
        }
        let Some(runtime) = &waiting.runtime else { return false };
        if !waiting.guarded.is_looked_for {
            waiting.guarded.is_looked_for = true;
            runtime.spawn(self.clone().look_for_kafka());
        }
        true
    }

    /// Asks until a broker answers, or nobody waits any more.
    async fn look_for_kafka(self: Arc<SendQueue>) {
        loop {
            let topic = lock(&self.waiting).records.front().map(|(t, _)| t.batch.topic.clone());
            let queue = self.clone();
            let asked = weir_kafka::blocking(move || {
                let client = queue.producer.client();
                client.fetch_metadata(topic.as_deref(), REACH_TIMEOUT).map(drop)
            });
            if !self.goes_on_looking(asked.await.is_ok()) {
                return;
            }
            tokio::time::sleep(REACH_PAUSE).await;
        }
    }

    /// Hands over what waits if Kafka is there, and settles what has waited too long. Returns true if there
    /// is something left to look for.
    fn goes_on_looking(self: &Arc<SendQueue>, is_there: bool) -> bool {
        let mut waiting = lock(&self.waiting);
        if is_there {
            self.producer.context().is_reached.store(true, Ordering::Release);
            waiting.guarded.is_looked_for = false;
            self.hand_over(&mut waiting);
            self.watch_over(&mut waiting);
            return false;
        }
        let is_late = |since: &Instant| since.elapsed() >= MESSAGE_TIMEOUT;
        while waiting.records.front().is_some_and(|(t, _)| is_late(&t.batch.since)) {
            if let Some((ticket, _)) = waiting.records.pop_front() {
                ticket.settle(Err(not_sent("No broker can be reached")));
            }
        }
        waiting.guarded.is_looked_for = !waiting.records.is_empty();
        waiting.guarded.is_looked_for
    }

    /// Has somebody watch over a group that was handed over.
    pub(super) fn guard(self: &Arc<SendQueue>, waiting: &mut Waiting, group: &Arc<Group>) {
        let (Some(timeout), Some(runtime)) = (self.answer_timeout, &waiting.runtime) else {
            return;
        };
        let guarded = &mut waiting.guarded;
        guarded.forget_settled();
        guarded.groups.push_back((Instant::now(), Arc::downgrade(group)));
        if !guarded.is_watched {
            guarded.is_watched = true;
            runtime.spawn(stand_guard(Arc::downgrade(self), timeout));
        }
    }

    /// When the oldest group was handed over that is not settled; if there is none, nobody watches any more.
    fn oldest_unsettled(&self) -> Option<Instant> {
        let mut waiting = lock(&self.waiting);
        waiting.guarded.forget_settled();
        waiting.guarded.is_watched = !waiting.guarded.groups.is_empty();
        waiting.guarded.groups.front().map(|(since, _)| *since)
    }

    /// Ends the producer with what it holds; new requests go to another. Returns when all is settled.
    async fn end(self: Arc<SendQueue>) {
        self.producer.context().is_broken.store(true, Ordering::Release);
        self.is_held_back(&mut lock(&self.waiting));
        for purge in [PurgeConfig::default().queue(), PurgeConfig::default().queue().inflight()] {
            tokio::time::sleep(LAST_CHANCE).await;
            let queue = self.clone();
            let purged = tokio::task::spawn_blocking(move || queue.producer.purge(purge));
            let _ = purged.await;
        }
        // what is purged is reported a moment later
        tokio::time::sleep(LAST_CHANCE).await;
    }
}

/// Ends a producer if one of its records is not settled in time.
async fn stand_guard(queue: Weak<SendQueue>, timeout: Duration) {
    loop {
        let Some(guarded) = queue.upgrade() else { return };
        let Some(since) = guarded.oldest_unsettled() else { return };
        let Some(left) = timeout.checked_sub(since.elapsed()) else {
            tracing::warn!(
                "a producer has records that no broker has acknowledged in {timeout:?}: it ends with them"
            );
            return guarded.end().await;
        };
        drop(guarded);
        tokio::time::sleep(left + Duration::from_millis(1)).await;
    }
}

impl Guarded {
    fn forget_settled(&mut self) {
        let is_settled = |group: &Weak<Group>| {
            group.upgrade().is_none_or(|group| group.missing.load(Ordering::Acquire) == 0)
        };
        while self.groups.front().is_some_and(|(_, group)| is_settled(group)) {
            self.groups.pop_front();
        }
    }
}

/// A record that librdkafka was never given.
fn not_sent(why: &str) -> ProxyError {
    Fault::new(Code::NotSent, format!("{why}: the record was not sent.")).into()
}

/// Drops a producer, which waits for its threads: on a thread of its own, and on none of the
/// producer's, which may just be looking at the queue.
pub(crate) fn retire(queue: Arc<SendQueue>) {
    let end = move || {
        let mut queue = queue;
        while let Err(used) = Arc::try_unwrap(queue) {
            queue = used;
            #[expect(clippy::disallowed_methods, reason = "a thread of its own")]
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let builder = std::thread::Builder::new().name("retiring".to_string());
    if let Err(error) = builder.spawn(end) {
        tracing::error!(%error, "no thread for a producer to end");
    }
}
