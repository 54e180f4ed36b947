//! rskafka, a client in Rust alone: `weir-tests-broker-rust BOOTSTRAP PREFIX` prints a line of JSON for each step.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;

/// No step takes so long that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_MS: i32 = 60_000;

type Done = Result<(), Box<dyn Error>>;

#[derive(Default)]
struct Run {
    failed: bool,
}

impl Run {
    async fn step(&mut self, name: &str, step: impl Future<Output = Done>) {
        let begin = Instant::now();
        let done = tokio::time::timeout(PATIENCE, step).await;
        let mut said = serde_json::json!({"step": name, "ok": true});
        if let Err(error) = done.map_err(Box::from).flatten() {
            self.failed = true;
            said = serde_json::json!({"step": name, "ok": false, "error": error.to_string()});
        }
        said["ms"] = serde_json::json!(begin.elapsed().as_millis() as u64);
        println!("{said}");
    }
}

async fn partition(client: &Client, topic: &str) -> Result<PartitionClient, Box<dyn Error>> {
    Ok(client.partition_client(topic, 0, UnknownTopicHandling::Retry).await?)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Done {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} is {found:?} instead of {expected:?}").into())
    }
}

/// The time in the precision that records have.
fn now() -> DateTime<Utc> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    DateTime::from_timestamp_millis(since.as_millis() as i64).unwrap_or_default()
}

fn record(key: Option<&str>, value: Option<&str>, headers: &[(&str, &str)]) -> Record {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let headers: BTreeMap<_, _> =
        headers.iter().map(|(name, value)| (name.to_string(), bytes(value))).collect();
    let timestamp = now();
    Record { key: key.map(bytes), value: value.map(bytes), headers, timestamp }
}

/// A key, a header, a record without key and one without value.
fn records() -> Vec<Record> {
    vec![
        record(Some("k"), Some("v"), &[]),
        record(None, Some("no key"), &[("h", "1"), ("empty", "")]),
        record(Some("no value"), None, &[]),
    ]
}

fn compressible() -> Vec<Record> {
    (0..5).map(|i| record(None, Some(&format!("{i} compressible ").repeat(100)), &[])).collect()
}

async fn create(client: &Client, topic: &str) -> Done {
    Ok(client.controller_client()?.create_topic(topic, 1, 1, PATIENCE_MS).await?)
}

async fn create_twice(client: &Client, topic: &str) -> Done {
    create(client, topic).await?;
    match create(client, topic).await {
        Err(error) if error.to_string().contains("TopicAlreadyExists") => Ok(()),
        other => Err(format!("created twice: {other:?}").into()),
    }
}

/// Reads from an offset on until there are so many.
async fn read(
    from: &PartitionClient,
    offset: i64,
    count: usize,
) -> Result<Vec<Record>, Box<dyn Error>> {
    let (mut all, mut next) = (Vec::new(), offset);
    while all.len() < count {
        let (found, _) = from.fetch_records(next, 1..1_000_000, 100).await?;
        next = found.last().map_or(next, |last| last.offset + 1);
        all.extend(found.into_iter().map(|one| one.record));
    }
    Ok(all)
}

async fn carries(
    client: &Client,
    topic: &str,
    records: Vec<Record>,
    compression: Compression,
) -> Done {
    let partition = partition(client, topic).await?;
    partition.produce(records.clone(), compression).await?;
    same("what was read", read(&partition, 0, records.len()).await?, records)
}

async fn seek(client: &Client, topic: &str) -> Done {
    let partition = partition(client, topic).await?;
    for offset in [1, 0] {
        let found = read(&partition, offset, 1).await?;
        same("the value", &found[0].value, &records()[offset as usize].value)?;
    }
    same("earliest", partition.get_offset(OffsetAt::Earliest).await?, 0)?;
    same("latest", partition.get_offset(OffsetAt::Latest).await?, 3)
}

async fn timestamps(client: &Client, topic: &str) -> Done {
    let partition = partition(client, topic).await?;
    let time = now() - PATIENCE;
    same("offset at a time", partition.get_offset(OffsetAt::Timestamp(time)).await?, 0)
}

async fn delete_records(client: &Client, topic: &str) -> Done {
    let partition = partition(client, topic).await?;
    partition.delete_records(1, PATIENCE_MS).await?;
    same("start", partition.get_offset(OffsetAt::Earliest).await?, 1)
}

async fn delete_topic(client: &Client, topic: &str) -> Done {
    client.controller_client()?.delete_topic(topic, PATIENCE_MS).await?;
    while client.list_topics().await?.iter().any(|one| one.name == topic) {}
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, prefix] = arguments.as_slice() else {
        eprintln!("usage: weir-tests-broker-rust BOOTSTRAP PREFIX");
        return ExitCode::from(2);
    };
    let built =
        tokio::time::timeout(PATIENCE, ClientBuilder::new(vec![bootstrap.clone()]).build()).await;
    let Ok(Ok(client)) = built else {
        eprintln!("no connection to {bootstrap}");
        return ExitCode::FAILURE;
    };
    let topic = format!("{prefix}-records");
    let mut run = Run::default();
    run.step("create_topic", create_twice(&client, &topic)).await;
    run.step("records", carries(&client, &topic, records(), Compression::NoCompression)).await;
    let codecs = [
        ("gzip", Compression::Gzip),
        ("snappy", Compression::Snappy),
        ("lz4", Compression::Lz4),
        ("zstd", Compression::Zstd),
    ];
    for (name, compression) in codecs {
        let topic = format!("{prefix}-{name}");
        run.step(name, async {
            create(&client, &topic).await?;
            carries(&client, &topic, compressible(), compression).await
        })
        .await;
    }
    run.step("seek", seek(&client, &topic)).await;
    run.step("timestamps", timestamps(&client, &topic)).await;
    run.step("delete_records", delete_records(&client, &topic)).await;
    run.step("delete_topic", delete_topic(&client, &topic)).await;
    if run.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
