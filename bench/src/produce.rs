//! `produce`: records through the REST proxy, against a plain producer on the same Kafka.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::http::post;
use crate::kafka::Kafka;
use crate::process::cpu_us;
use crate::producer::{self, Sent};
use crate::server::{self, Server};
use crate::table::Table;
use crate::{Result, load};

const BINARY_JSON: &str = "application/vnd.kafka.binary.v2+json";
const VALUE_BYTES: usize = 100;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(1);

/// Different values, and different requests of each size; sent again and again.
const VALUES: usize = 10_000;
const REQUESTS: usize = 50;

/// What produces.
#[derive(Clone, Copy)]
enum Way {
    /// Through weir: records in a request, requests at a time.
    Weir { batch: usize, connections: usize },
    /// rdkafka, as fast as it takes records.
    Stream { linger_ms: Option<u32> },
    /// rdkafka, each record waited for, so many at a time.
    OneByOne { tasks: usize },
}

const STREAM: Way = Way::Stream { linger_ms: None };
const STREAM_AT_ONCE: Way = Way::Stream { linger_ms: Some(0) };
const ONE_BY_ONE: Way = Way::OneByOne { tasks: 16 };
const PEERS: [Way; 3] = [STREAM, STREAM_AT_ONCE, ONE_BY_ONE];
const WEIRS: [Way; 3] = [
    Way::Weir { batch: 1, connections: 16 },
    Way::Weir { batch: 100, connections: 8 },
    Way::Weir { batch: 1000, connections: 8 },
];

/// The places that records go through.
struct Bench {
    kafka: Kafka,
    weir: Server,
    topic: String,
    values: Arc<Vec<Vec<u8>>>,
}

#[derive(Default)]
struct Samples {
    records_per_s: Vec<f64>,
    cpu_us: Vec<f64>,
}

pub async fn run() -> Result {
    server::build()?;
    let bench = Bench::start().await?;
    let measured = bench.measure().await;
    bench.kafka.delete_topic(&bench.topic).await?;
    let samples = measured?;
    print(&samples[..PEERS.len()], &samples[PEERS.len()..]);
    Ok(())
}

fn print(peers: &[Samples], weirs: &[Samples]) {
    let seconds = ROUND.as_secs();
    let mut table = Table::new(&format!(
        "produce: values of {VALUE_BYTES} random bytes, one partition, acks=all; \
         {ROUNDS} rounds of {seconds} s"
    ));
    for (way, samples) in PEERS.into_iter().zip(peers) {
        table.row(&format!("{way}, records/s"), &samples.records_per_s);
        table.row("  CPU us/record", &samples.cpu_us);
    }
    for (way, samples) in WEIRS.into_iter().zip(weirs) {
        table.row(&format!("{way}, records/s"), &samples.records_per_s);
        table.row("  server CPU us/record", &samples.cpu_us);
        for (peer, others) in PEERS.into_iter().zip(peers) {
            table.ratio(&peer.to_string(), &samples.records_per_s, &others.records_per_s);
        }
    }
    table.print();
}

impl Bench {
    async fn start() -> Result<Bench> {
        let kafka = Kafka::new()?;
        let topic = kafka.create_topic().await?;
        let weir = Server::rest_proxy(&kafka.bootstrap_servers).await?;
        let mut random = vec![0; VALUES * VALUE_BYTES];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let values = random.chunks(VALUE_BYTES).map(<[u8]>::to_vec).collect();
        Ok(Bench { kafka, weir, topic, values: Arc::new(values) })
    }

    /// All ways in turns: the peers, then weir.
    async fn measure(&self) -> Result<Vec<Samples>> {
        let ways = [PEERS, WEIRS].concat();
        let mut samples: Vec<Samples> = ways.iter().map(|_| Samples::default()).collect();
        for way in &ways {
            self.produce(*way, WARM_UP).await?;
        }
        for _ in 0..ROUNDS {
            for (way, samples) in ways.iter().zip(&mut samples) {
                samples.add(self, *way).await?;
            }
        }
        Ok(samples)
    }

    /// Produces for so long. Kafka itself has to have got what was acknowledged.
    async fn produce(&self, way: Way, duration: Duration) -> Result<Sent> {
        let before = self.kafka.records(&self.topic).await?;
        let sent = self.send(way, duration).await?;
        let arrived = (self.kafka.records(&self.topic).await? - before) as f64;
        if arrived < sent.records {
            return Err(format!("{way}: {} were sent, {arrived} arrived", sent.records).into());
        }
        Ok(sent)
    }

    async fn send(&self, way: Way, duration: Duration) -> Result<Sent> {
        let mut config = self.kafka.client();
        config.set("acks", "all");
        match way {
            Way::Weir { batch, connections } => {
                let requests = self.requests(batch);
                let request = move |n| requests[n as usize % REQUESTS].clone();
                let load = load::run(self.weir.address, connections, duration, request).await?;
                Ok(Sent { records: load.requests() * batch as f64, elapsed: load.elapsed })
            }
            Way::Stream { linger_ms } => {
                if let Some(ms) = linger_ms {
                    config.set("linger.ms", ms.to_string());
                }
                let (topic, values) = (self.topic.clone(), self.values.clone());
                let stream = move || producer::stream(&config, &topic, &values, duration);
                tokio::task::spawn_blocking(stream).await?
            }
            Way::OneByOne { tasks } => {
                config.set("linger.ms", "0");
                producer::one_by_one(&config, &self.topic, &self.values, tasks, duration).await
            }
        }
    }

    fn requests(&self, batch: usize) -> Vec<Bytes> {
        let mut values = self.values.iter().cycle();
        let request = |_| {
            let records: Vec<Value> = values
                .by_ref()
                .take(batch)
                .map(|value| json!({"value": BASE64_STANDARD.encode(value)}))
                .collect();
            let body = json!({"records": records}).to_string();
            post(&format!("/topics/{}", self.topic), BINARY_JSON, &body)
        };
        (0..REQUESTS).map(request).collect()
    }
}

impl Samples {
    async fn add(&mut self, bench: &Bench, way: Way) -> Result {
        let pid = match way {
            Way::Weir { .. } => bench.weir.pid(),
            Way::Stream { .. } | Way::OneByOne { .. } => std::process::id(),
        };
        let cpu_before = cpu_us(pid)?;
        let sent = bench.produce(way, ROUND).await?;
        self.cpu_us.push((cpu_us(pid)? - cpu_before) / sent.records);
        self.records_per_s.push(sent.records / sent.elapsed.as_secs_f64());
        Ok(())
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Way::Weir { batch, connections } => {
                write!(f, "weir, batch {batch}, {connections} connections")
            }
            Way::Stream { linger_ms: None } => f.write_str("rdkafka"),
            Way::Stream { linger_ms: Some(ms) } => write!(f, "rdkafka, linger.ms={ms}"),
            Way::OneByOne { tasks } => write!(f, "rdkafka, {tasks} records in flight"),
        }
    }
}
