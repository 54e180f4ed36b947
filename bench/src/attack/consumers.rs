//! Consumer instances beyond the descriptors and threads that there are: 10,000 of them, a thousand of which are
//! read from at any time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::Result;
use crate::http::{Connection, get, post, request};
use crate::kafka::Kafka;
use crate::numbers::percentile;
use crate::process::rss_mib;
use crate::server::Server;
use crate::table::Table;

const V2: &str = "application/vnd.kafka.v2+json";
const INSTANCES: usize = 10_000;
const READERS: usize = 1_000;
const RECORDS: usize = 100;

/// How long a read waits at most.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
const ALONE: Duration = Duration::from_secs(5);
const READING: Duration = Duration::from_secs(60);

/// What the reads came to.
#[derive(Default)]
struct Reads {
    records_ms: Vec<f64>,
    empty_ms: Vec<f64>,
    refused_ms: Vec<f64>,
}

/// The most that the server had of each.
#[derive(Default)]
struct Peaks {
    rss_mib: f64,
    threads: usize,
    descriptors: usize,
}

pub async fn run() -> Result {
    let kafka = Kafka::new()?;
    let topic = kafka.create_topic_of("crowd", 1).await?;
    write(&kafka, &topic).await?;
    let weir = Server::rest_proxy(&kafka.bootstrap_servers).await?;
    let alone = bystander(weir.address, Arc::default(), ALONE).await?;
    let before = rss_mib(weir.pid())?;
    let (made, subscribed) = make(weir.address, &topic).await?;
    let resting = rss_mib(weir.pid())?;

    let stop = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(watch(weir.pid(), stop.clone()));
    let beside = tokio::spawn(bystander(weir.address, stop.clone(), READING));
    let next = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + READING;
    let readers: Vec<_> =
        (0..READERS).map(|_| tokio::spawn(read(weir.address, next.clone(), end))).collect();
    let mut all = Reads::default();
    for reader in readers {
        let reads = reader.await??;
        all.records_ms.extend(reads.records_ms);
        all.empty_ms.extend(reads.empty_ms);
        all.refused_ms.extend(reads.refused_ms);
    }
    stop.store(true, Ordering::Relaxed);
    let (peaks, beside) = (watching.await??, beside.await??);

    let mut table = Table::new("attack consumers: 10,000 instances, 1,000 reads at any time");
    table.row("instances made a second", &[made]);
    table.row("subscriptions a second", &[subscribed]);
    table.row("resident MiB before, with them, at most", &[before, resting, peaks.rss_mib]);
    table.row("threads at most", &[peaks.threads as f64]);
    table.row("descriptors at most", &[peaks.descriptors as f64]);
    for (what, ms) in [
        ("with records", all.records_ms),
        ("without", all.empty_ms),
        ("refused with 503", all.refused_ms),
    ] {
        table.row(&format!("reads {what}"), &[ms.len() as f64]);
        if !ms.is_empty() {
            table.row(&format!("reads {what}: ms, p99"), &[percentile(&ms, 0.99)]);
        }
    }
    table.row("bystander alone: ms, p99", &[alone]);
    table.row("bystander meanwhile: ms, p99", &[beside]);
    table.print();
    drop(weir);
    kafka.delete_topic(&topic).await
}

async fn write(kafka: &Kafka, topic: &str) -> Result {
    let producer: FutureProducer = kafka.client().create()?;
    for _ in 0..RECORDS {
        let record = FutureRecord::<(), str>::to(topic).payload("1");
        producer.send(record, Duration::from_secs(10)).await.map_err(|(error, _)| error)?;
    }
    Ok(())
}

fn instance(number: usize) -> String {
    format!("/consumers/crowd-{number}/instances/one")
}

/// How many instances are made a second, and how many subscribe a second.
async fn make(address: SocketAddr, topic: &str) -> Result<(f64, f64)> {
    let mut connection = Connection::open(address).await?;
    let settings = r#"{"name":"one","format":"json","auto.offset.reset":"earliest"}"#;
    let begun = Instant::now();
    for number in 0..INSTANCES {
        let made = post(&format!("/consumers/crowd-{number}"), V2, settings);
        connection.send(&made).await?;
    }
    let made = INSTANCES as f64 / begun.elapsed().as_secs_f64();
    let topics = format!(r#"{{"topics":["{topic}"]}}"#);
    let begun = Instant::now();
    for number in 0..INSTANCES {
        let subscription = format!("{}/subscription", instance(number));
        connection.send(&post(&subscription, V2, &topics)).await?;
    }
    Ok((made, INSTANCES as f64 / begun.elapsed().as_secs_f64()))
}

/// Reads from one instance after the other.
async fn read(address: SocketAddr, next: Arc<AtomicUsize>, end: Instant) -> Result<Reads> {
    let mut connection = Connection::open(address).await?;
    let mut reads = Reads::default();
    while Instant::now() < end {
        let path = instance(next.fetch_add(1, Ordering::Relaxed) % INSTANCES);
        let path = format!("{path}/records?timeout={}&max_bytes=1", READ_TIMEOUT.as_millis());
        let begun = Instant::now();
        let answer = connection.send(&request("GET", &path, "")).await.map(|body| body.len() > 2);
        let ms = begun.elapsed().as_secs_f64() * 1000.0;
        match answer {
            Ok(true) => reads.records_ms.push(ms),
            Ok(false) => reads.empty_ms.push(ms),
            Err(error) if error.to_string().contains("was answered 503") => {
                reads.refused_ms.push(ms);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(reads)
}

/// The p99 in milliseconds of somebody who asks for something else.
async fn bystander(address: SocketAddr, stop: Arc<AtomicBool>, within: Duration) -> Result<f64> {
    let mut connection = Connection::open(address).await?;
    let end = Instant::now() + within;
    let mut ms = Vec::new();
    while Instant::now() < end && !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        connection.send(&get("/")).await?;
        ms.push(begun.elapsed().as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(percentile(&ms, 0.99))
}

async fn watch(pid: u32, stop: Arc<AtomicBool>) -> Result<Peaks> {
    let mut peaks = Peaks::default();
    let count = |what: &str| std::fs::read_dir(format!("/proc/{pid}/{what}")).map(Iterator::count);
    while !stop.load(Ordering::Relaxed) {
        peaks.rss_mib = peaks.rss_mib.max(rss_mib(pid)?);
        peaks.threads = peaks.threads.max(count("task")?);
        peaks.descriptors = peaks.descriptors.max(count("fd")?);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(peaks)
}
