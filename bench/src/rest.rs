//! `rest`: the REST proxy beside what it stands for: single requests beside a bare axum handler that
//! parses the same JSON, the time that a produce takes longer than Kafka itself, reads beside a native
//! consumer, the time from an append to the answer of a read that waits, and memory.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::json;

use crate::http::{Connection, post, request};
use crate::kafka::Kafka;
use crate::numbers::percentile;
use crate::process::rss_mib;
use crate::producer;
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, http, load};

const V2: &str = "application/vnd.kafka.v2+json";
const BINARY_JSON: &str = "application/vnd.kafka.binary.v2+json";
const VALUE_BYTES: usize = 100;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 16;

/// Records that each read bench reads.
const RECORDS: usize = 1_000_000;

/// Produces, and reads that wait, of which the time is taken.
const LATENCIES: usize = 2_000;

/// Consumer instances that are made and left.
const INSTANCES: usize = 10_000;

/// The load of the memory bench: a GB a minute.
const LOAD_BYTES_PER_S: usize = 1_000_000_000 / 60;
const LOAD: Duration = Duration::from_secs(60);

struct Bench {
    kafka: Kafka,
    weir: Server,
    topic: String,
    value: Vec<u8>,
}

pub async fn run() -> Result {
    server::build()?;
    let bench = Bench::start().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = rss_mib(bench.weir.pid())?;
    bench.single_requests().await?;
    bench.added_latency().await?;
    bench.waiting_reads().await?;
    bench.read_throughput().await?;
    bench.memory(idle).await?;
    bench.kafka.delete_topic(&bench.topic).await
}

impl Bench {
    async fn start() -> Result<Bench> {
        let kafka = Kafka::new()?;
        let topic = kafka.create_topic().await?;
        let weir = Server::rest_proxy(&kafka.bootstrap_servers).await?;
        let value = (0..VALUE_BYTES as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
        Ok(Bench { kafka, weir, topic, value: value.collect() })
    }

    fn produce_request(&self, records: usize) -> Bytes {
        let record = json!({"value": BASE64_STANDARD.encode(&self.value)});
        let body = json!({"records": vec![record; records]}).to_string();
        post(&format!("/topics/{}", self.topic), BINARY_JSON, &body)
    }

    async fn single_requests(&self) -> Result {
        let answer = json!({"key_schema_id": null, "value_schema_id": null,
            "offsets": [{"partition": 0, "offset": 1_000_000, "error_code": null, "error": null}]});
        let bare = Server::bare_axum(answer.to_string().as_bytes())?;
        http::ready(bare.address).await?;
        let request = self.produce_request(1);
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (server, rates) in [&self.weir, &bare].into_iter().zip(&mut rates) {
                let request = request.clone();
                let load =
                    load::run(server.address, CONNECTIONS, ROUND, move |_| request.clone()).await?;
                rates.push(load.requests_per_s());
            }
        }
        let mut table = Table::new(&format!(
            "rest: produce of one record of {VALUE_BYTES} B a request, acks=all, {CONNECTIONS} connections"
        ));
        table.row("weir, requests/s", &rates[0]);
        table.row("bare axum that parses the same JSON, requests/s", &rates[1]);
        table.ratio("bare axum", &rates[0], &rates[1]);
        table.print();
        Ok(())
    }

    /// One produce after the other, through weir and without it, in turns.
    async fn added_latency(&self) -> Result {
        let mut config = self.kafka.client();
        config.set("acks", "all").set("linger.ms", "0");
        let native: FutureProducer = config.create()?;
        let mut weir = Connection::open(self.weir.address).await?;
        let request = self.produce_request(1);
        let (mut through_weir, mut alone) = (Vec::new(), Vec::new());
        for n in 0..LATENCIES + 200 {
            let begun = Instant::now();
            weir.send(&request).await?;
            let middle = Instant::now();
            let record: FutureRecord<'_, [u8], [u8]> =
                FutureRecord::to(&self.topic).payload(&self.value);
            native.send(record, ROUND).await.map_err(|(error, _)| error)?;
            if n >= 200 {
                through_weir.push((middle - begun).as_secs_f64() * 1000.0);
                alone.push(middle.elapsed().as_secs_f64() * 1000.0);
            }
        }
        let mut table = Table::new("rest: one produce after the other, acks=all");
        let parts = [0.5, 0.9, 0.99];
        for part in parts {
            let (weir, alone) = (percentile(&through_weir, part), percentile(&alone, part));
            let name = format!("p{}", part * 100.0);
            table.row(&format!("{name}: weir, ms"), &[weir]);
            table.row(&format!("{name}: rdkafka, ms"), &[alone]);
            table.row("  added, ms", &[weir - alone]);
        }
        table.print();
        Ok(())
    }

    /// From the acknowledgement of a record to the answer of a read that waits for it.
    async fn waiting_reads(&self) -> Result {
        let mut reader = Connection::open(self.weir.address).await?;
        let path = self.instance(&mut reader, "waiting", "latest").await?;
        let read = request("GET", &format!("{path}/records?timeout=1000"), "");
        reader.send(&read).await?; // where it begins is settled
        let mut config = self.kafka.client();
        config.set("acks", "all").set("linger.ms", "0");
        let native: FutureProducer = config.create()?;
        let mut waited = Vec::new();
        for _ in 0..LATENCIES / 4 {
            let append = async {
                tokio::time::sleep(Duration::from_millis(5)).await; // so that the read waits
                let record: FutureRecord<'_, [u8], [u8]> =
                    FutureRecord::to(&self.topic).payload(&self.value);
                let sent = native.send(record, ROUND).await;
                (sent.is_ok(), Instant::now())
            };
            let answer = async { (reader.send(&read).await, Instant::now()) };
            let ((sent, appended), (answered, at)) = tokio::join!(append, answer);
            answered?;
            if sent {
                waited.push(at.saturating_duration_since(appended).as_secs_f64() * 1000.0);
            }
        }
        let mut table =
            Table::new("rest: from an acknowledged append to the answer of a waiting read");
        for part in [0.5, 0.99] {
            let name = format!("p{}, ms", part * 100.0);
            table.row(&name, &[percentile(&waited, part)]);
        }
        table.print();
        Ok(())
    }

    /// A consumer instance of the topic's one partition; its path.
    async fn instance(
        &self,
        connection: &mut Connection,
        name: &str,
        reset: &str,
    ) -> Result<String> {
        let settings = json!({"name": name, "format": "binary", "auto.offset.reset": reset,
            "auto.commit.enable": "false"});
        connection.send(&post("/consumers/bench", V2, &settings.to_string())).await?;
        let path = format!("/consumers/bench/instances/{name}");
        let partitions = json!({"partitions": [{"topic": self.topic, "partition": 0}]});
        let assign = post(&format!("{path}/assignments"), V2, &partitions.to_string());
        connection.send(&assign).await?;
        Ok(path)
    }

    async fn read_throughput(&self) -> Result {
        let missing = RECORDS as i64 - self.kafka.records(&self.topic).await?;
        let (config, topic) = (self.kafka.client(), self.topic.clone());
        let values = vec![self.value.clone()];
        let filled = move || producer::fill(&config, &topic, &values, missing.max(0) as u64);
        tokio::task::spawn_blocking(filled).await??;
        let (mut weir, mut native) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            weir.push(self.read_through_weir(round).await?);
            let (mut config, topic) = (self.kafka.client(), self.topic.clone());
            config.set("group.id", "bench-native").set("enable.auto.commit", "false");
            let read = tokio::task::spawn_blocking(move || -> Result<f64> {
                let consumer: BaseConsumer = config.create()?;
                let mut list = TopicPartitionList::new();
                list.add_partition_offset(&topic, 0, Offset::Beginning)?;
                let begun = Instant::now();
                consumer.assign(&list)?;
                let mut records = 0;
                while records < RECORDS {
                    if let Some(message) = consumer.poll(Duration::from_secs(5)) {
                        message?;
                        records += 1;
                    }
                }
                Ok(records as f64 / begun.elapsed().as_secs_f64())
            });
            native.push(read.await??);
        }
        let mut table = Table::new(&format!(
            "rest: reading {RECORDS} records of {VALUE_BYTES} B, format binary, one connection"
        ));
        table.row("weir, records/s", &weir);
        table.row("rdkafka, records/s", &native);
        table.ratio("rdkafka", &weir, &native);
        table.print();
        Ok(())
    }

    async fn read_through_weir(&self, round: usize) -> Result<f64> {
        let mut connection = Connection::open(self.weir.address).await?;
        let begun = Instant::now();
        let path = self.instance(&mut connection, &format!("reader-{round}"), "earliest").await?;
        let read = request("GET", &format!("{path}/records?timeout=5000&max_bytes=4000000"), "");
        let mut records = 0;
        while records < RECORDS {
            let answer = connection.send(&read).await?;
            // one for each record: base64 has none
            records += answer.iter().filter(|byte| **byte == b'{').count();
        }
        let rate = records as f64 / begun.elapsed().as_secs_f64();
        connection.send(&request("DELETE", &path, "")).await?;
        Ok(rate)
    }

    async fn memory(&self, idle: f64) -> Result {
        let pid = self.weir.pid();
        let mut table = Table::new("rest: memory of `weir serve`, registry and proxy");
        table.row("idle at the start, RSS MiB", &[idle]);
        let mut connection = Connection::open(self.weir.address).await?;
        let batch = 1000;
        let request = self.produce_request(batch);
        let pause = Duration::from_secs_f64((batch * VALUE_BYTES) as f64 / LOAD_BYTES_PER_S as f64);
        let mut samples = Vec::new();
        let (begun, mut next) = (Instant::now(), Instant::now());
        while begun.elapsed() < LOAD {
            connection.send(&request).await?;
            samples.push(rss_mib(pid)?);
            next += pause;
            tokio::time::sleep_until(next.into()).await;
        }
        let (first, last) = samples.split_at(samples.len() / 2);
        table.row("a GB a minute, the first 30 s, RSS MiB", first);
        table.row("  the second", last);
        let before = rss_mib(pid)?;
        for n in 0..INSTANCES {
            let settings = json!({"name": format!("abandoned-{n}"), "format": "binary"});
            let group = format!("/consumers/abandoned-{n}");
            connection.send(&post(&group, V2, &settings.to_string())).await?;
            let topics = json!({"topics": [self.topic]});
            let path = format!("{group}/instances/abandoned-{n}/subscription");
            connection.send(&post(&path, V2, &topics.to_string())).await?;
        }
        let after = rss_mib(pid)?;
        let each = (after - before) * 1024.0 / INSTANCES as f64;
        table.row(&format!("{INSTANCES} subscribed and abandoned instances, RSS MiB"), &[after]);
        table.row("  each, KiB", &[each]);
        table.print();
        Ok(())
    }
}
