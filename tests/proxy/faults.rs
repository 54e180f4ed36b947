//! Three brokers, one of which is killed: what was acknowledged by all is there once, nobody waits
//! long, consumers go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::{KafkaCluster, unique};

use crate::fixtures::*;
use crate::v3::Site;

/// Longer than the 8 seconds that a record waits for its acknowledgement, shorter than a client's patience.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Writes numbers to a topic, one after the other, until it is told to stop.
struct Writer {
    topic: String,
    /// Numbers and the places that they were acknowledged at.
    acknowledged: BTreeMap<(i64, i64), String>,
    /// Numbers that were said not to be written.
    not_sent: BTreeSet<String>,
    refused: usize,
}

async fn write(
    site: Arc<Site>,
    topic: String,
    acks: &str,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Writer {
    let (acknowledged, not_sent) = (BTreeMap::new(), BTreeSet::new());
    let mut writer = Writer { topic, acknowledged, not_sent, refused: 0 };
    let path = format!("/topics/{}?acks={acks}", writer.topic);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let text = number.to_string();
        let body = json!({"records": [{"key": text, "value": number}]});
        let begun = Instant::now();
        let answer = site.api.post_as(&path, JSON, body.to_string()).await;
        assert!(begun.elapsed() < ANSWER_MAX, "acks={acks}: {:?}", begun.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.text);
        let entry = &answer.json["offsets"][0];
        match (entry["partition"].as_i64(), entry["offset"].as_i64()) {
            (Some(partition), Some(offset)) => {
                let before = writer.acknowledged.insert((partition, offset), text);
                match acks {
                    "0" => assert_eq!(offset, -1),
                    // a leader that nobody has followed takes what it has with it
                    "1" => {}
                    _ => assert_eq!(before, None, "two records at one place"),
                }
            }
            _ => {
                match entry["error_code"].as_u64() {
                    Some(50003) => drop(writer.not_sent.insert(text)),
                    code => assert_eq!(code, Some(50004), "{}", answer.text),
                }
                writer.refused += 1;
            }
        }
        number += 1;
        count.fetch_add(1, Ordering::Relaxed);
    }
    writer
}

/// Waits until each of the writers has written so many more.
async fn more(counts: &[Arc<AtomicUsize>], records: usize) {
    let deadline = Instant::now() + Duration::from_secs(120);
    for count in counts {
        let goal = count.load(Ordering::Relaxed) + records;
        while count.load(Ordering::Relaxed) < goal {
            assert!(Instant::now() < deadline, "a writer stands still");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The leader of partition 0.
async fn leader(site: &Site, topic: &str) -> i64 {
    let found = site.get(&format!("/topics/{topic}/partitions/0")).await;
    let url = found.json["leader"]["related"].as_str().expect(&found.text);
    url.rsplit('/').next().unwrap().parse().unwrap()
}

async fn new_replicated_topic(site: &Site, acks: &str) -> String {
    let topic = unique(&format!("routes-{acks}"));
    let body = json!({
        "topic_name": topic, "partitions_count": 3, "replication_factor": 3,
        "configs": [{"name": "min.insync.replicas", "value": "2"}],
    });
    let answer = site.post("/topics", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    site.until(&format!("/topics/{topic}/partitions"), |answer| {
        let partitions = answer.json["data"].as_array().cloned().unwrap_or_default();
        partitions.len() == 3 && partitions.iter().all(|p| p["leader"].is_object())
    })
    .await;
    topic
}

#[tokio::test]
async fn a_killed_broker_loses_nothing_that_all_have_acknowledged() {
    if weir_tests::kafka().is_none() {
        return;
    }
    let cluster = KafkaCluster::start(3).await;
    let broker = cluster.broker();
    let site = Arc::new(Site::new(&broker).await);
    let stop = Arc::new(AtomicBool::new(false));
    let (mut writers, mut counts, mut topics) = (Vec::new(), Vec::new(), Vec::new());
    for acks in ["0", "1", "all"] {
        let topic = new_replicated_topic(&site, acks).await;
        let count = Arc::new(AtomicUsize::new(0));
        counts.push(count.clone());
        topics.push(topic.clone());
        writers.push(tokio::spawn(write(site.clone(), topic, acks, stop.clone(), count)));
    }
    let topic = &topics[2];
    let consumer = Consumer::new(&site.proxy, json!({"format": "json"})).await;
    consumer.subscribe(topic).await;
    for _ in 0..2 {
        more(&counts, 50).await;
        let node = leader(&site, topic).await;
        cluster.kill(node).await;
        more(&counts, 100).await;
        assert_ne!(leader(&site, topic).await, node);
        cluster.revive(node).await;
    }
    more(&counts, 50).await;
    stop.store(true, Ordering::Relaxed);
    let mut ended = Vec::new();
    for writer in writers {
        ended.push(writer.await.unwrap());
    }
    let all = &ended[2];
    // each number that was acknowledged by all is at its place, and nowhere else
    let native = native_read(&broker, &all.topic).await;
    let mut seen = BTreeSet::new();
    for record in &native {
        assert!(seen.insert(record.text().1.unwrap().to_string()), "{record:?} is there twice");
    }
    for (place, number) in &all.acknowledged {
        assert!(seen.contains(number), "{number} was acknowledged at {place:?} and is lost");
    }
    assert!(all.not_sent.is_disjoint(&seen), "said not to be written: {:?}", all.not_sent);
    // a consumer instance has seen the same
    let mut read = BTreeSet::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while read.len() < native.len() {
        assert!(Instant::now() < deadline, "{} of {}", read.len(), native.len());
        let answer = consumer.get("/records?timeout=2000").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let records = answer.json.as_array().unwrap();
        read.extend(records.iter().map(|record| record["value"].to_string()));
    }
    assert_eq!(read, seen);
    for writer in &ended {
        eprintln!("{}: {} refused", writer.topic, writer.refused);
    }
}

#[tokio::test]
async fn questions_are_answered_while_one_of_three_brokers_is_down() {
    if weir_tests::kafka().is_none() {
        return;
    }
    let cluster = KafkaCluster::start(3).await;
    let site = Site::new(&cluster.broker()).await;
    let topic = new_replicated_topic(&site, "all").await;
    let group = unique("travellers");
    let consumer = Consumer::in_group(&site.proxy, &group, json!({"format": "json"})).await;
    consumer.assign(&topic, &[0]).await;
    // a new cluster makes the topic of offsets first
    let deadline = Instant::now() + Duration::from_secs(60);
    while consumer.post("/offsets", &offset(&topic, 0, 0)).await.status != 200 {
        assert!(Instant::now() < deadline, "nothing can be committed");
    }
    for node in [1, 2, 3] {
        cluster.kill(node).await;
        // what any broker knows
        for path in [
            "/topics".to_string(),
            "/brokers".to_string(),
            format!("/topics/{topic}"),
            format!("/topics/{topic}/partitions"),
            site.path(&format!("/topics/{topic}/configs")),
        ] {
            let begun = Instant::now();
            let answer = site.api.get(&path).await;
            assert_eq!(answer.status, 200, "{node} {path} {}", answer.text);
            assert!(begun.elapsed() < ANSWER_MAX, "{node} {path} {:?}", begun.elapsed());
        }
        // what waits for another leader or coordinator
        for path in [
            format!("/topics/{topic}/partitions/0/offsets"),
            site.path(&format!("/consumer-groups/{group}/lags")),
            consumer.path(&format!("/offsets?topic={topic}&partition=0")),
        ] {
            let deadline = Instant::now() + DEADLINE;
            loop {
                let answer = site.api.get(&path).await;
                if answer.status == 200 {
                    break;
                }
                refused(&answer, 500, 50003);
                assert!(Instant::now() < deadline, "{node} {path} {}", answer.text);
            }
        }
        cluster.revive(node).await;
        // the next may fall when this one follows again
        site.until(&format!("/topics/{topic}/partitions/0/replicas"), |answer| {
            let replicas = answer.json["data"].as_array().cloned().unwrap_or_default();
            replicas.len() == 3
                && replicas.iter().all(|replica| replica["is_in_sync"] == json!(true))
        })
        .await;
    }
}
