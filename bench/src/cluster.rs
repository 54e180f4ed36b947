//! `cluster`: registries on Kafka. How long a node takes to read a log, beside a consumer of rdkafka that
//! reads the same; and registrations on three nodes and three brokers, beside a producer of rdkafka.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::http::{Connection, get};
use crate::kafka::Kafka;
use crate::process::rss_mib;
use crate::register::{ROUND, ROUNDS, Samples};
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, http};

/// Records of the logs that are read, and how often each is.
const LOGS: [(u64, usize); 2] = [(100_000, 5), (1_000_000, 2)];

/// Bytes of each schema's text.
const SCHEMA_BYTES: usize = 500;

const CONNECTIONS: usize = 64;

const TIMEOUT: Duration = Duration::from_secs(30);

pub async fn run() -> Result {
    server::build()?;
    read_logs().await?;
    register().await
}

async fn read_logs() -> Result {
    let kafka = Kafka::new()?;
    let mut table = Table::new(&format!(
        "cluster: a node that starts on a log of distinct schemas of {SCHEMA_BYTES} bytes, five versions \
         to a subject, on one local broker"
    ));
    for (records, rounds) in LOGS {
        let topic = format!("schemas-{records}");
        fill(&kafka, &topic, records).await?;
        let (mut ready, mut rss, mut read) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            read.push(consume(&kafka, &topic, records).await?);
            let start = Instant::now();
            let node = node(&kafka, &topic)?;
            http::ready(node.address).await?;
            ready.push(start.elapsed().as_secs_f64());
            rss.push(rss_mib(node.pid())?);
        }
        table.row(&format!("{records} records, ready after s"), &ready);
        table.row("  rdkafka reads them in s", &read);
        table.ratio("rdkafka", &ready, &read);
        table.row("  RSS MiB", &rss);
    }
    table.print();
    Ok(())
}

/// Makes a log as registries write it.
async fn fill(kafka: &Kafka, topic: &str, records: u64) -> Result {
    kafka.create_compacted(topic).await?;
    let producer: ThreadedProducer<_> = kafka
        .client()
        .set("queue.buffering.max.messages", "2000000")
        .set("linger.ms", "20")
        .create()?;
    let topic = topic.to_string();
    let filled = tokio::task::spawn_blocking(move || -> Result {
        for number in 0..records {
            let (subject, version) = (format!("events-{}-value", number / 5), number % 5 + 1);
            let head = format!(r#"{{"type":"record","name":"Event{number}","doc":""#);
            let tail = r#"","fields":[{"name":"id","type":"long"}]}"#;
            let doc = "x".repeat(SCHEMA_BYTES - head.len() - tail.len());
            let key = format!(
                r#"{{"keytype":"SCHEMA","subject":"{subject}","version":{version},"magic":1}}"#
            );
            let schema = json!(format!("{head}{doc}{tail}"));
            let value = format!(
                r#"{{"subject":"{subject}","version":{version},"id":{},"schemaType":"AVRO","schema":{schema},"deleted":false}}"#,
                number + 1
            );
            let sent = producer.send(BaseRecord::to(&topic).key(&key).payload(&value));
            sent.map_err(|(error, _)| error)?;
        }
        Ok(producer.flush(Duration::from_secs(120))?)
    });
    filled.await?
}

/// How long rdkafka takes to read all of it.
async fn consume(kafka: &Kafka, topic: &str, records: u64) -> Result<f64> {
    let start = Instant::now();
    let consumer: BaseConsumer = kafka
        .client()
        .set("group.id", "weir-bench")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&list)?;
    let read = tokio::task::spawn_blocking(move || -> Result<(u64, usize)> {
        let (mut count, mut bytes) = (0, 0);
        loop {
            match consumer.poll(TIMEOUT) {
                Some(Ok(message)) => {
                    count += 1;
                    bytes += message.payload_len();
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok((count, bytes)),
                Some(Err(error)) => return Err(error.into()),
                None => return Err("Kafka gives no records".into()),
            }
        }
    });
    let (count, bytes) = read.await??;
    if count < records || bytes == 0 {
        return Err(format!("{count} of {records} records").into());
    }
    Ok(start.elapsed().as_secs_f64())
}

fn node(kafka: &Kafka, topic: &str) -> Result<Server> {
    let brokers = ["--bootstrap-servers", &kafka.bootstrap_servers];
    Server::registry(&[&["--store", "kafka", "--schemas-topic", topic][..], &brokers].concat())
}

async fn register() -> Result {
    let kafka = Kafka::of_brokers(3)?;
    let nodes = [node(&kafka, "_schemas")?, node(&kafka, "_schemas")?, node(&kafka, "_schemas")?];
    for node in &nodes {
        http::ready(node.address).await?;
    }
    let leader = leader(&nodes).await?;
    let follower = (leader + 1) % nodes.len();
    kafka.create_compacted("peer").await?;
    let mut table = Table::new(&format!(
        "cluster: new schemas on three nodes and three brokers, {CONNECTIONS} connections; {ROUNDS} \
         rounds of {} s",
        ROUND.as_secs()
    ));
    let (mut peer, mut rows) = (Vec::new(), [Samples::default(), Samples::default()]);
    for round in 0..ROUNDS {
        peer.push(produce(&kafka).await?);
        for (index, samples) in [leader, follower].into_iter().zip(&mut rows) {
            let prefix = format!("{round}_{index}");
            samples.add(nodes[index].address, &nodes, CONNECTIONS, &prefix).await?;
        }
    }
    table.row(&format!("rdkafka, {CONNECTIONS} in flight, records/s"), &peer);
    for (name, samples) in ["leader", "follower"].iter().zip(&rows) {
        table.row(&format!("at the {name}, registrations/s"), &samples.per_s);
        table.ratio("rdkafka", &samples.per_s, &peer);
        table.row("  p50 ms", &samples.p50_ms);
        table.row("  p99 ms", &samples.p99_ms);
        table.row("  CPU us/registration, all nodes", &samples.cpu_us);
    }
    table.print();
    Ok(())
}

/// Which node leads, once one does.
async fn leader(nodes: &[Server]) -> Result<usize> {
    let deadline = Instant::now() + TIMEOUT;
    while Instant::now() < deadline {
        for (index, node) in nodes.iter().enumerate() {
            let mut connection = Connection::open(node.address).await?;
            let status: Value =
                serde_json::from_slice(connection.send(&get("/v1/cluster")).await?)?;
            if status["role"] == "leader" {
                return Ok(index);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("nobody leads".into())
}

/// Records that a producer has acknowledged by all, with as many in flight as there are connections.
async fn produce(kafka: &Kafka) -> Result<f64> {
    let producer: rdkafka::producer::FutureProducer =
        kafka.client().set("enable.idempotence", "true").set("linger.ms", "0").create()?;
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..CONNECTIONS {
        let producer = producer.clone();
        tasks.spawn(async move {
            let (mut count, value) = (0, "x".repeat(SCHEMA_BYTES));
            while start.elapsed() < ROUND {
                let key = format!("{task}-{count}");
                let record = rdkafka::producer::FutureRecord::to("peer").key(&key).payload(&value);
                producer.send(record, TIMEOUT).await.map_err(|(error, _)| error)?;
                count += 1;
            }
            Result::Ok(count)
        });
    }
    let mut total = 0;
    while let Some(count) = tasks.join_next().await {
        total += count??;
    }
    Ok(f64::from(total) / start.elapsed().as_secs_f64())
}
