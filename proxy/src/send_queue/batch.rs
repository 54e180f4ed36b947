//! The records of one request on their way, and what becomes of each.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use tokio::time::Instant;
use weir_kafka::TopicName;
use weir_metrics::{Histogram, LATENCY};

use super::record::SendResult;
use super::{Group, lock};
use crate::counts::{Channel, RecordCounts};
use crate::error::ProxyError;
use crate::steps::PRODUCE;

/// Records since the start.
pub(crate) struct Counts {
    pub(crate) sent: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Those that were sent, by how they came.
    pub(crate) produced: RecordCounts,
    /// How long the records of a request took until the last was reported on.
    pub(crate) deliveries: Histogram,
}

impl Default for Counts {
    fn default() -> Counts {
        let (sent, failed, produced) = Default::default();
        Counts { sent, failed, produced, deliveries: Histogram::new(&LATENCY) }
    }
}

/// Records that are on their way.
pub(crate) struct Delivery {
    pub(super) batch: Arc<Batch>,
    pub(super) delivered: oneshot::Receiver<()>,
}

impl Delivery {
    /// Waits for all; a result of each, in their order.
    pub(crate) async fn results(self) -> Vec<SendResult> {
        if self.batch.missing.load(Ordering::Acquire) > 0 {
            // the last delivery says when; a producer that is gone delivers nothing
            let _ = weir_trace::wait(PRODUCE, self.delivered)
                .attribute("messaging.system", || "kafka")
                .attribute("messaging.destination.name", || &*self.batch.topic)
                .await;
        }
        let results = std::mem::take(&mut *lock(&self.batch.results));
        results.into_iter().map(|result| result.unwrap_or_else(unknown)).collect()
    }
}

/// The producer is gone, and has said nothing.
fn unknown() -> SendResult {
    let reason = "its producer has ended".to_string();
    Err(ProxyError::OutcomeUnknown { reason })
}

/// The records of one request that are on their way.
pub(super) struct Batch {
    pub(super) topic: TopicName,
    results: Mutex<Vec<Option<SendResult>>>,
    missing: AtomicUsize,
    done: Mutex<Option<oneshot::Sender<()>>>,
    channel: Channel,
    counts: Arc<Counts>,
    pub(super) since: Instant,
}

impl Batch {
    pub(super) fn new(
        topic: TopicName,
        records: usize,
        channel: Channel,
        counts: Arc<Counts>,
    ) -> (Arc<Batch>, oneshot::Receiver<()>) {
        let (done, delivered) = oneshot::channel();
        let batch = Batch {
            topic,
            results: Mutex::new((0..records).map(|_| None).collect()),
            missing: AtomicUsize::new(records),
            done: Mutex::new(Some(done)),
            channel,
            counts,
            since: Instant::now(),
        };
        (Arc::new(batch), delivered)
    }
}

/// Which record of which request a delivery is of.
pub(super) struct Ticket {
    pub(super) batch: Arc<Batch>,
    pub(super) index: usize,
    /// Of key and value.
    pub(super) bytes: usize,
    /// Unless the topic has the broker's.
    pub(super) timestamp_ms: i64,
    /// Kafka was asked for its partition, and has it.
    pub(super) was_asked_for: bool,
    /// Once it is handed over.
    pub(super) group: Option<Arc<Group>>,
}

impl Ticket {
    pub(super) fn settle(&self, result: SendResult) {
        let batch = &*self.batch;
        let counts = &batch.counts;
        match result {
            Ok(_) => {
                counts.sent.fetch_add(1, Ordering::Relaxed);
                counts.produced.count(batch.channel, 1, self.bytes as u64);
            }
            Err(_) => drop(counts.failed.fetch_add(1, Ordering::Relaxed)),
        }
        lock(&batch.results)[self.index] = Some(result);
        if batch.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            counts.deliveries.observe_time(batch.since.elapsed());
            if let Some(done) = lock(&batch.done).take() {
                let _ = done.send(()); // the client may have gone
            }
        }
    }
}
