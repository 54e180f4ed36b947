//! Sending records: one librdkafka producer for each `acks`, made when it is first asked for and
//! shared by all requests; the one that waits for all replicas is idempotent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::error::KafkaError;
use weir_kafka::{Code, Fault, Settings, TopicName};

use crate::clients::{Clients, Permit, Purpose, not_made};
use crate::counts::Channel;
use crate::error::ProxyError;
use crate::send_queue::{
    Counts, Delivery, MESSAGE_TIMEOUT, Outgoing, RecordHeader, SendQueue, SendResult,
    TOPIC_TIMEOUT_MS, lock, retire,
};

/// KiB of records that wait to be sent, over all requests.
const QUEUE_KBYTES_MAX: &str = "131072";

/// Milliseconds for which records without a key go to one partition.
const STICKY_MS: &str = "10";

/// Bytes of a record: more than a request's body can have. What is too large is for Kafka to say: each topic
/// has a limit of its own.
const MESSAGE_BYTES_MAX: &str = "33554432";

/// How long a record of an idempotent producer may take to be acknowledged: longer than the next leader takes
/// where one has fallen, shorter than a client waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

/// How much longer librdkafka keeps a record: it never gives one up.
const BEYOND_ANSWER: Duration = Duration::from_secs(120);

/// The brokers that have to have a record before it counts as sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Acks {
    None,
    Leader,
    #[default]
    All,
}

/// The producers of a proxy.
pub(crate) struct Producers {
    kafka: Settings,
    /// The `acks` of a request that says none.
    default: Acks,
    /// By `acks`.
    made: [Mutex<Option<Arc<SendQueue>>>; 3],
    counts: Arc<Counts>,
    clients: Arc<Clients>,
    /// Whether records say to which trace they belong.
    trace_records: bool,
}

impl Acks {
    /// The value of Kafka's setting: `0`, `1`, `all` or `-1`. 422 another one.
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
    pub(crate) fn new(
        kafka: Settings,
        clients: &Arc<Clients>,
        trace_records: bool,
    ) -> Result<Producers, KafkaError> {
        let names = ["acks", "request.required.acks"];
        let given = names.iter().find_map(|n| kafka.librdkafka.get(*n));
        let default = given.and_then(|acks| Acks::named(acks).ok()).unwrap_or_default();
        let (made, counts) = (Default::default(), Arc::default());
        let clients = clients.clone();
        let producers = Producers { kafka, default, made, counts, clients, trace_records };
        let permit = producers.clients.take(Purpose::Produce).map_err(not_made)?;
        let queue = Arc::new(producers.make(default, permit)?);
        *lock(&producers.made[default as usize]) = Some(queue);
        Ok(producers)
    }

    /// Sends records to a topic: all of them are on their way before the first is waited for, and
    /// each has its own result, in their order.
    pub(crate) async fn send(
        &self,
        topic: &str,
        records: Vec<Outgoing>,
        acks: Option<Acks>,
        channel: Channel,
    ) -> Result<Vec<SendResult>, ProxyError> {
        Ok(self.start(topic, records, acks, channel)?.results().await)
    }

    /// Puts records on their way, in their order. 40002 no topic can be called so.
    pub(crate) fn start(
        &self,
        topic: &str,
        records: Vec<Outgoing>,
        acks: Option<Acks>,
        channel: Channel,
    ) -> Result<Delivery, ProxyError> {
        let topic = TopicName::parse(topic).map_err(|_| {
            let reason = format!("Topic name '{topic}' is invalid.");
            Fault::new(Code::InvalidTopicException, reason)
        })?;
        let queue = self.get(acks.unwrap_or(self.default))?;
        let records = match self.trace_records {
            true => traced(records),
            false => records,
        };
        Ok(queue.add(topic, records, channel, &self.counts))
    }

    /// What has become of records since the start.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Records that wait, and those that are in flight, by the `acks` of each producer that was made.
    pub(crate) fn loads(&self) -> Vec<(&'static str, usize, usize)> {
        let made = ["0", "1", "all"].into_iter().zip(&self.made);
        let load = |(acks, made): (&'static str, &Mutex<Option<Arc<SendQueue>>>)| {
            let queue = lock(made).clone()?;
            let (waiting, in_flight) = queue.load();
            Some((acks, waiting, in_flight))
        };
        made.filter_map(load).collect()
    }

    /// Waits until everything that was sent is acknowledged, or the time is over.
    pub(crate) async fn flush(&self, timeout: Duration) {
        let made: Vec<Arc<SendQueue>> =
            self.made.iter().filter_map(|made| lock(made).clone()).collect();
        let flushed =
            made.into_iter().map(|queue| tokio::task::spawn_blocking(move || queue.flush(timeout)));
        futures_util::future::join_all(flushed).await;
    }

    /// 50301.
    fn get(&self, acks: Acks) -> Result<Arc<SendQueue>, ProxyError> {
        let mut made = lock(&self.made[acks as usize]);
        if let Some(queue) = &*made {
            if !queue.is_broken() {
                return Ok(queue.clone());
            }
            tracing::warn!("an idempotent producer that has lost its place makes room for another");
            if let Some(broken) = made.take() {
                retire(broken);
            }
        }
        let permit = self.clients.take(Purpose::Produce)?;
        let queue = Arc::new(self.make(acks, permit)?);
        *made = Some(queue.clone());
        Ok(queue)
    }

    /// How long a record may take: what the settings say.
    fn answer_timeout(&self) -> Duration {
        let names = ["message.timeout.ms", "delivery.timeout.ms"];
        let given = names.iter().find_map(|name| self.kafka.librdkafka.get(*name));
        let ms = given.and_then(|ms| ms.parse().ok()).filter(|ms| *ms > 0);
        ms.map_or(ANSWER_TIMEOUT, Duration::from_millis)
    }

    fn make(&self, acks: Acks, permit: Permit) -> Result<SendQueue, KafkaError> {
        let idempotent = acks == Acks::All && self.default == Acks::All;
        let mut settings = self.kafka.librdkafka(&[
            ("enable.idempotence", if idempotent { "true" } else { "false" }),
            ("linger.ms", "0"), // what waits, waits in the send queue
            // without it, linger.ms=0 would scatter records without a key over all partitions, one by one
            ("sticky.partitioning.linger.ms", STICKY_MS),
            ("message.max.bytes", MESSAGE_BYTES_MAX),
            // as Java does, so that a key has one partition whoever writes it
            ("partitioner", "murmur2_random"),
            ("queue.buffering.max.kbytes", QUEUE_KBYTES_MAX),
            // a broker may close the connection for what one request has sent
            ("reconnect.backoff.max.ms", "1000"),
            ("topic.metadata.propagation.max.ms", &TOPIC_TIMEOUT_MS.to_string()),
            ("message.timeout.ms", &MESSAGE_TIMEOUT.as_millis().to_string()),
        ]);
        if !idempotent {
            settings.set("enable.idempotence", "false");
        }
        settings.set("acks", ["0", "1", "all"][acks as usize]);
        let answer_timeout = idempotent.then(|| self.answer_timeout());
        if let Some(timeout) = answer_timeout {
            // a record that librdkafka gives up makes it send others twice: the send queue is the one that gives up
            let ms = (timeout + BEYOND_ANSWER).as_millis().to_string();
            settings.remove("delivery.timeout.ms");
            settings.set("message.timeout.ms", ms);
        }
        SendQueue::new(&settings, answer_timeout, permit)
    }
}

/// Records that say to which trace they belong, as the request does that they come with. What a record says itself stays.
fn traced(mut records: Vec<Outgoing>) -> Vec<Outgoing> {
    let context = weir_trace::outgoing();
    for name in [&weir_trace::TRACEPARENT, &weir_trace::TRACESTATE] {
        let Some(value) = context.get(name) else { continue };
        for record in &mut records {
            if record.headers.iter().all(|header| header.name != name.as_str()) {
                let (name, value) = (name.to_string(), Some(value.as_bytes().to_vec()));
                record.headers.push(RecordHeader { name, value });
            }
        }
    }
    records
}

impl Drop for Producers {
    fn drop(&mut self) {
        self.made.iter().filter_map(|made| lock(made).take()).for_each(retire);
    }
}
