//! The log on Kafka: the one partition of a compacted topic, as Confluent's registry keeps it.

mod leader;
mod members;
mod producer;
mod reader;
mod topic;

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;
use weir_kafka::Code;
use weir_registry_core::RawRecord;
use weir_trace::Outage;

pub(crate) use leader::{Announced, Announcement};
pub(crate) use members::{Member, members_at};
pub(crate) use producer::{BATCH_BYTES, Producer, WriteError};
pub(crate) use reader::{Item, Reader};
pub(crate) use topic::{Fault, Range, Topic};

use super::{AppendError, Log, LogError};
use members::members;

/// How long the broker may take for one answer; with more, a write is not refused in time.
pub(crate) const ASK_TIMEOUT: Duration = Duration::from_millis(1000);

/// How long a write may take, of the two seconds that its client waits. Confluent allows half of it.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_millis(1000);

/// While the log is read, how often that is said.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Replicas without which a broker's loss is a loss of schemas.
const REPLICAS_WANTED: usize = 3;

/// Where the log is, and how it is written.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    pub kafka: weir_kafka::Settings,
    pub topic: String,
    /// Registries of one group elect their leader; it needs write access to the transactional id
    /// `weir-{group}-{topic}`.
    pub group: String,
    /// Replicas of a topic that is made; as many as there are brokers, if there are fewer.
    pub replication_factor: i16,
    /// Further settings of a topic that is made.
    pub topic_configs: Vec<(String, String)>,
    /// How long Kafka may be away at the start.
    pub init_timeout: Duration,
    /// Whether a deposed leader's writes are refused by the broker. Else they are found out after they are written:
    /// for clusters that have no transactional ids.
    pub fenced: bool,
    /// Start on a topic that is not as it should be.
    pub skip_topic_validation: bool,
    /// Lead although registries of another make may do so too: nobody looks whether `group` has any.
    pub beside_other_registries: bool,
}

impl KafkaConfig {
    pub fn new(kafka: weir_kafka::Settings) -> KafkaConfig {
        KafkaConfig {
            kafka,
            topic: "_schemas".to_string(),
            group: "schema-registry".to_string(),
            replication_factor: 3,
            topic_configs: Vec::new(),
            init_timeout: Duration::from_secs(60),
            fenced: true,
            skip_topic_validation: false,
            beside_other_registries: false,
        }
    }

    fn transactional_id(&self) -> Option<String> {
        self.fenced.then(|| format!("weir-{}-{}", self.group, self.topic))
    }
}

pub struct KafkaLog {
    pub(crate) config: KafkaConfig,
    /// What the producer's connections run on.
    pub(crate) runtime: Runtime,
    pub(crate) reader: Reader,
    pub(crate) producer: Producer,
    /// The last announcement that was read.
    pub(crate) leader: Option<Announced>,
    /// Where the topic began when it was opened.
    first: u64,
    /// The offset after the last record of the log, as far as we know.
    end: u64,
}

impl KafkaLog {
    /// Makes the topic if it is not there, and checks it. Waits for Kafka.
    pub fn open(config: KafkaConfig) -> Result<KafkaLog, LogError> {
        KafkaLog::open_with(config, async |topic, config| checked(topic, config).await)
    }

    /// Opens a topic that is there already, to read it: nothing is made, and how it is cleaned up does
    /// not matter. Waits for Kafka, but not for the topic.
    pub fn open_to_read(config: KafkaConfig) -> Result<KafkaLog, LogError> {
        KafkaLog::open_with(config, async |topic, _| found(topic).await)
    }

    fn open_with(
        config: KafkaConfig,
        look: impl AsyncFn(&Topic, &KafkaConfig) -> Looked,
    ) -> Result<KafkaLog, LogError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| LogError(e.to_string()))?;
        let topic = Topic::new(&config, ASK_TIMEOUT);
        let range = runtime.block_on(prepare(&topic, &config, look))?;
        let reader = Reader::open(&config, range.first)?;
        let producer = Producer::new(topic, config.transactional_id());
        let Range { first, end } = range;
        Ok(KafkaLog { config, runtime, reader, producer, leader: None, first, end })
    }

    /// Where the topic began when it was opened: what was before is deleted.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The offset after the last record: what the next append has to expect.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The registries of another make that are in the group, as a line for each: they would write too.
    pub fn other_registries(&self) -> Result<Vec<String>, LogError> {
        let client = &self.producer.topic().client;
        let members = self.runtime.block_on(members(client, &self.config.group));
        let members = members.map_err(|error| LogError(error.to_string()))?;
        Ok(members.iter().map(ToString::to_string).collect())
    }

    /// Makes the writes of everybody void who has taken over before.
    pub fn take_over(&mut self) -> Result<(), LogError> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        let taken = self.producer.take_over(None, deadline);
        self.runtime.block_on(taken).map(drop).map_err(LogError)
    }
}

/// What a topic holds, or what is wrong with it.
type Looked = Result<Result<Range, Fault>, weir_kafka::Fault>;

/// The offsets of a topic that is as it should be.
async fn prepare(
    topic: &Topic,
    config: &KafkaConfig,
    look: impl AsyncFn(&Topic, &KafkaConfig) -> Looked,
) -> Result<Range, LogError> {
    let give_up = Instant::now() + config.init_timeout;
    let outage =
        Outage::new("Kafka is not ready for the registry", "Kafka is ready for the registry");
    loop {
        let error = match look(topic, config).await {
            Ok(Ok(range)) => {
                outage.is_over();
                return Ok(range);
            }
            Ok(Err(fault)) => return Err(LogError(fault.to_string())),
            Err(error) => error,
        };
        if !error.is_retriable() || Instant::now() > give_up {
            return Err(LogError(format!("topic {} on Kafka: {error}", config.topic)));
        }
        outage.fails(&error);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A topic that is there and has one partition.
async fn found(topic: &Topic) -> Looked {
    let named = || topic.name.clone();
    match topic.shape().await {
        Ok((1, _)) => topic.range().await.map(Ok),
        Ok((count, _)) => Ok(Err(Fault::Partitions { topic: named(), count })),
        Err(error) if error.code == Code::UnknownTopicOrPartition => {
            Ok(Err(Fault::Missing { topic: named() }))
        }
        Err(error) => Err(error),
    }
}

async fn checked(topic: &Topic, config: &KafkaConfig) -> Looked {
    topic.make(config).await?;
    let (count, replicas) = topic.shape().await?;
    let range = topic.range().await?;
    if replicas < REPLICAS_WANTED {
        tracing::warn!(
            replicas,
            "topic {}: with fewer than {REPLICAS_WANTED} replicas, a broker's loss is a loss of schemas; \
             kafka-reassign-partitions.sh adds replicas",
            topic.name
        );
    }
    let named = || topic.name.clone();
    if count != 1 {
        return Ok(Err(Fault::Partitions { topic: named(), count }));
    }
    if !config.skip_topic_validation {
        if let Some(policy) = topic.cleanup_policy().await?.filter(|policy| policy != "compact") {
            let bootstrap_servers = config.kafka.bootstrap_servers.clone();
            return Ok(Err(Fault::CleanupPolicy { topic: named(), policy, bootstrap_servers }));
        }
        if range.first > 0 {
            return Ok(Err(Fault::Truncated { topic: named(), first: range.first }));
        }
    }
    Ok(Ok(range))
}

impl Log for KafkaLog {
    /// Reads to the end that there is when this begins, or a little further.
    fn read(&mut self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> Result<(), LogError> {
        let asked = self.runtime.block_on(self.producer.topic().end());
        self.end = asked.map_err(|e| LogError(e.to_string()))?;
        self.reader.rewind(from.max(self.first))?;
        let (begun, mut said) = (Instant::now(), Instant::now());
        let mut last = Instant::now();
        while self.reader.next_offset() < self.end {
            match self.reader.next(Duration::from_millis(100))? {
                Some(Item::Record { offset, record, leader }) => {
                    if leader.is_some() {
                        self.leader = leader;
                    }
                    each(offset, record);
                    last = Instant::now();
                }
                // what is left are not records
                Some(Item::End) => break,
                None if last.elapsed() > self.config.init_timeout => {
                    return Err(LogError("Kafka gives no more records".to_string()));
                }
                None => {}
            }
            if said.elapsed() > PROGRESS_INTERVAL {
                said = Instant::now();
                let (offset, end) = (self.reader.next_offset(), self.end);
                tracing::info!(offset, end, "reading topic {}", self.config.topic);
            }
        }
        self.end = self.end.max(self.reader.next_offset());
        let (end, took) = (self.end, begun.elapsed());
        let took_ms = took.as_millis() as u64;
        tracing::info!(end, took_ms, "topic {} is read", self.config.topic);
        Ok(())
    }

    fn append(&mut self, expected: u64, records: &[RawRecord]) -> Result<u64, AppendError> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        let failed = |e: weir_kafka::Fault| AppendError::Failed(e.to_string());
        let topic = self.producer.topic();
        self.end = self.runtime.block_on(topic.end()).map_err(failed)?;
        if self.end != expected {
            return Err(AppendError::Conflict);
        }
        let written = self.runtime.block_on(self.producer.append(records, &[], deadline));
        // it may be known that nothing was written: that nobody knows is the safe thing to say
        let first = written.map_err(|error| AppendError::Failed(error.to_string()))?;
        self.end = first + records.len() as u64;
        Ok(first)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A topic of its own on the Kafka that `tests/run` started, or a line that says what is skipped.
    pub(crate) fn config(name: &str) -> Option<KafkaConfig> {
        let Ok(bootstrap_servers) = std::env::var("WEIR_TEST_KAFKA") else {
            let why = "skipped: no Kafka; `tests/run` starts one where java and mvn are";
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("{why}");
            return None;
        };
        let kafka = weir_kafka::Settings { bootstrap_servers, ..Default::default() };
        let topic = format!("_schemas-{name}-{}", uuid::Uuid::new_v4());
        Some(KafkaConfig { topic, ..KafkaConfig::new(kafka) })
    }

    fn noop(name: &str) -> RawRecord {
        RawRecord { key: name.as_bytes().to_vec(), ..RawRecord::default() }
    }

    fn write(log: &mut KafkaLog, records: &[RawRecord]) -> Result<u64, WriteError> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        log.runtime.block_on(log.producer.append(records, &[], deadline))
    }

    fn keys(log: &mut KafkaLog) -> Vec<String> {
        let mut keys = Vec::new();
        log.read(0, &mut |_, r| keys.push(String::from_utf8(r.key).unwrap())).unwrap();
        keys
    }

    #[test]
    fn who_is_deposed_cannot_write() {
        let Some(config) = config("fence") else { return };
        let mut old = KafkaLog::open(config.clone()).unwrap();
        old.take_over().unwrap();
        assert_eq!(old.append(0, &[noop("old")]), Ok(0));
        let mut new = KafkaLog::open(config).unwrap();
        new.take_over().unwrap();
        // until the new one has written, the old one may: what it writes will be read
        assert_eq!(old.append(1, &[noop("old still")]), Ok(1));
        assert_eq!(new.append(2, &[noop("new")]), Ok(2));
        assert_eq!(write(&mut old, &[noop("late")]), Err(WriteError::Deposed));
        assert_eq!(new.append(3, &[noop("new")]), Ok(3));
        assert_eq!(keys(&mut new), ["old", "old still", "new", "new"]);
    }

    #[test]
    fn a_producer_id_of_old_days_is_fenced_too() {
        let Some(config) = config("ids") else { return };
        let mut old = KafkaLog::open(config.clone()).unwrap();
        let deadline = || Instant::now() + WRITE_TIMEOUT;
        let identity = old.runtime.block_on(old.producer.take_over(None, deadline())).unwrap();
        assert_eq!(old.append(0, &[noop("old")]), Ok(0));
        // as if Kafka had forgotten the transactional id
        let mut new = KafkaLog::open(KafkaConfig { group: "other".into(), ..config }).unwrap();
        let taken = new.producer.take_over(Some(identity), deadline());
        assert_ne!(new.runtime.block_on(taken).unwrap().producer_id, identity.producer_id);
        assert_eq!(write(&mut old, &[noop("late")]), Err(WriteError::Deposed));
        assert_eq!(new.append(2, &[noop("new")]), Ok(2));
        assert_eq!(keys(&mut new), ["old", r#"{"keytype":"NOOP","magic":0}"#, "new"]);
    }
}
