//! A plain rdkafka producer, which is what a service with its own Kafka client would have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{
    BaseRecord, FutureProducer, FutureRecord, Producer, ProducerContext, ThreadedProducer,
};
use tokio::task::JoinSet;

use crate::Result;

/// How long what was sent may take to be acknowledged, once nothing more is sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// How long is waited where librdkafka's queue is full.
const PAUSE: Duration = Duration::from_millis(1);

/// Records that were acknowledged, and the time until the last of them was.
pub struct Sent {
    pub records: f64,
    pub elapsed: Duration,
}

#[derive(Default)]
struct Count {
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Count {}

impl ProducerContext for Count {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let count = if result.is_ok() { &self.delivered } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends as fast as the queue takes records. Blocks.
pub fn stream(
    config: &ClientConfig,
    topic: &str,
    values: &[Vec<u8>],
    duration: Duration,
) -> Result<Sent> {
    let producer: ThreadedProducer<Count> = config.create_with_context(Count::default())?;
    let start = Instant::now();
    let mut values = values.iter().cycle();
    while start.elapsed() < duration {
        let value = values.next().ok_or("no values")?;
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(value);
        while let Err((error, back)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = back;
            #[expect(
                clippy::disallowed_methods,
                reason = "rdkafka's producer blocks, on a thread of its own"
            )]
            std::thread::sleep(PAUSE);
        }
    }
    producer.flush(FLUSH_TIMEOUT)?;
    let elapsed = start.elapsed();
    let count: &Arc<Count> = producer.context();
    match count.failed.load(Ordering::Relaxed) {
        0 => Ok(Sent { records: count.delivered.load(Ordering::Relaxed) as f64, elapsed }),
        failed => Err(format!("{failed} records of rdkafka's were not delivered").into()),
    }
}

/// Sends so many records. Blocks.
pub fn fill(config: &ClientConfig, topic: &str, values: &[Vec<u8>], records: u64) -> Result {
    let producer: ThreadedProducer<Count> = config.create_with_context(Count::default())?;
    for value in values.iter().cycle().take(usize::try_from(records)?) {
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(value);
        while let Err((_, back)) = producer.send(record) {
            record = back;
            #[expect(
                clippy::disallowed_methods,
                reason = "rdkafka's producer blocks, on a thread of its own"
            )]
            std::thread::sleep(PAUSE);
        }
    }
    Ok(producer.flush(FLUSH_TIMEOUT)?)
}

/// Has so many tasks that each send a record and wait for it before the next.
pub async fn one_by_one(
    config: &ClientConfig,
    topic: &str,
    values: &Arc<Vec<Vec<u8>>>,
    tasks: usize,
    duration: Duration,
) -> Result<Sent> {
    let producer: FutureProducer = config.create()?;
    let start = Instant::now();
    let deadline = start + duration;
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (producer, topic, values) = (producer.clone(), topic.to_string(), values.clone());
        running.spawn(async move {
            let mut records = 0;
            for value in values.iter().cycle() {
                let record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&topic).payload(value);
                producer.send(record, FLUSH_TIMEOUT).await.map_err(|(error, _)| error)?;
                records += 1;
                if Instant::now() >= deadline {
                    break;
                }
            }
            Ok::<u32, KafkaError>(records)
        });
    }
    let mut records = 0.0;
    while let Some(ended) = running.join_next().await {
        records += f64::from(ended??);
    }
    Ok(Sent { records, elapsed: start.elapsed() })
}
