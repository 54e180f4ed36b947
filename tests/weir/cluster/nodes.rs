//! Nodes of a cluster, and short ways to ask them.

use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use weir_faults::{Node, Site};
use weir_tests::{Answer, Api, TestBroker, kafka};

pub const WEIR: &str = env!("CARGO_BIN_EXE_weir");

/// What a write may take, whatever happens.
pub const ANSWER_MAX: Duration = Duration::from_millis(2000);

/// Three nodes on the Kafka that `tests/run` started, one of which leads.
pub async fn three_nodes() -> Option<Site> {
    let kafka = kafka()?;
    let site = Site::start(&kafka.bootstrap_servers, Path::new(WEIR), &[]).await;
    site.leader().await;
    Some(site)
}

/// Nodes that are not started, on a topic.
pub async fn nodes(kafka: &TestBroker, topic: &str, count: usize, flags: &[&str]) -> Site {
    Site::prepare(&kafka.bootstrap_servers, Path::new(WEIR), topic, count, flags).await
}

pub fn api(node: &Node) -> Api {
    Api::at(node.url.clone())
}

pub fn schema(name: &str) -> Value {
    json!({"schema": format!(r#"{{"type":"enum","name":"{name}","symbols":["A"]}}"#)})
}

pub async fn register(node: &Node, subject: &str, name: &str) -> Answer {
    api(node).post(&format!("/subjects/{subject}/versions"), &schema(name)).await
}

/// A schema of the subject `referring` that refers to the first one of `base`, an enum `Base`.
pub async fn register_referring(node: &Node) -> Answer {
    let record = r#"{"type":"record","name":"R","fields":[{"name":"b","type":"Base"}]}"#;
    let references = json!([{"name": "Base", "subject": "base", "version": 1}]);
    let body = json!({"schema": record, "references": references});
    api(node).post("/subjects/referring/versions", &body).await
}

/// `register` while the leader is lost: who does not know whether it was written tries again.
pub async fn register_again(node: &Node, subject: &str, name: &str) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = register(node, subject, name).await;
        assert!(begun.elapsed() < ANSWER_MAX, "{:?}: {}", begun.elapsed(), answer.text);
        if answer.json["error_code"] != json!(50003) {
            return answer;
        }
    }
}

/// The id that it got.
#[track_caller]
pub fn id(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["id"].as_u64().unwrap()
}

/// How far the node had read the log.
pub fn offset_of(answer: &Answer) -> u64 {
    answer.headers["weir-offset"].to_str().unwrap().parse().unwrap()
}

/// The leader and two others.
pub async fn roles(site: &Site) -> (&Node, &Node, &Node) {
    let (index, _) = site.leader().await;
    let node = |offset: usize| &site.nodes[(index + offset) % 3];
    (node(0), node(1), node(2))
}

/// Writes records as another program does.
pub async fn produce(
    kafka: &TestBroker,
    topic: &str,
    records: &[(Option<&str>, Option<&str>)],
) -> Vec<i64> {
    let producer: FutureProducer = kafka.client().create().unwrap();
    let mut offsets = Vec::new();
    for (key, value) in records {
        let mut record = FutureRecord::<str, str>::to(topic).partition(0);
        record.key = *key;
        record.payload = *value;
        let sent = producer.send(record, Duration::from_secs(10)).await;
        offsets.push(sent.unwrap().offset);
    }
    offsets
}

/// Makes a topic as Confluent does, or with another policy or number of partitions.
pub async fn make(kafka: &TestBroker, topic: &str, policy: &str, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let new =
        NewTopic::new(topic, partitions, TopicReplication::Fixed(1)).set("cleanup.policy", policy);
    let made = admin.create_topics([&new], &AdminOptions::new()).await.unwrap();
    made.into_iter().for_each(|result| drop(result.unwrap()));
}

pub async fn set_policy(kafka: &TestBroker, topic: &str, policy: &str) {
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let altered = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("cleanup.policy", policy);
    let results = admin.alter_configs([&altered], &AdminOptions::new()).await.unwrap();
    results.into_iter().for_each(|result| drop(result.unwrap()));
}
