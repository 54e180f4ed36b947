//! Registries that share a topic of Kafka: what has gone wrong in the field, each by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rdkafka::admin::TopicReplication;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use weir_faults::{Node, Site, Weather};
use weir_registry::log::{KafkaConfig, KafkaLog, Log};
use weir_registry_core::State;
use weir_tests::{Answer, Api, TestBroker, kafka, unique};

use crate::balancer;
use crate::python::PYTHON;

const WEIR: &str = env!("CARGO_BIN_EXE_weir");

/// What a write may take, whatever happens.
const ANSWER_MAX: Duration = Duration::from_millis(2000);

/// Three nodes on the Kafka that `tests/run` started, one of which leads.
async fn three_nodes() -> Option<Site> {
    let kafka = kafka()?;
    let site = Site::start(&kafka.bootstrap_servers, Path::new(WEIR), &[]).await;
    site.leader().await;
    Some(site)
}

/// Nodes that are not started, on a topic.
async fn nodes(kafka: &TestBroker, topic: &str, count: usize, flags: &[&str]) -> Site {
    Site::prepare(&kafka.bootstrap_servers, Path::new(WEIR), topic, count, flags).await
}

fn api(node: &Node) -> Api {
    Api::at(node.url.clone())
}

fn schema(name: &str) -> Value {
    json!({"schema": format!(r#"{{"type":"enum","name":"{name}","symbols":["A"]}}"#)})
}

async fn register(node: &Node, subject: &str, name: &str) -> Answer {
    api(node).post(&format!("/subjects/{subject}/versions"), &schema(name)).await
}

/// The same while the leader is lost: who does not know whether it was written tries again.
async fn register_again(node: &Node, subject: &str, name: &str) -> Answer {
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
fn id(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["id"].as_u64().unwrap()
}

/// How far the node had read the log.
fn offset_of(answer: &Answer) -> u64 {
    answer.headers["weir-offset"].to_str().unwrap().parse().unwrap()
}

/// The leader and two others.
async fn roles(site: &Site) -> (&Node, &Node, &Node) {
    let (index, _) = site.leader().await;
    let node = |offset: usize| &site.nodes[(index + offset) % 3];
    (node(0), node(1), node(2))
}

/// Writes records as another program does.
async fn produce(
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
async fn make(kafka: &TestBroker, topic: &str, policy: &str, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let new =
        NewTopic::new(topic, partitions, TopicReplication::Fixed(1)).set("cleanup.policy", policy);
    let made = admin.create_topics([&new], &AdminOptions::new()).await.unwrap();
    made.into_iter().for_each(|result| drop(result.unwrap()));
}

async fn set_policy(kafka: &TestBroker, topic: &str, policy: &str) {
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let altered = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("cleanup.policy", policy);
    let results = admin.alter_configs([&altered], &AdminOptions::new()).await.unwrap();
    results.into_iter().for_each(|result| drop(result.unwrap()));
}

#[tokio::test]
async fn ids_are_not_given_twice_after_a_failover() {
    let Some(site) = three_nodes().await else { return };
    let mut ids = Vec::new();
    for round in 0..3 {
        let (leader, follower, other) = roles(&site).await;
        let (name, subject) = (format!("F{round}"), format!("failover-{round}"));
        ids.push(id(&register(follower, &subject, &name).await));
        leader.kill();
        let (subject, after) = (format!("{subject}-after"), format!("{name}After"));
        ids.push(id(&register_again(other, &subject, &after).await));
        // the same schema has the same id, whoever is asked
        assert_eq!(
            id(&register(follower, &format!("again-{round}"), &name).await),
            ids[ids.len() - 2]
        );
        leader.start();
        site.until_ready(leader).await;
    }
    assert_eq!(ids, (1..=6).collect::<Vec<u64>>());
}

#[tokio::test]
async fn ids_go_on_when_all_nodes_die_at_once() {
    let Some(site) = three_nodes().await else { return };
    let (leader, ..) = roles(&site).await;
    assert_eq!(id(&register(leader, "first", "First").await), 1);
    assert_eq!(id(&register(leader, "second", "Second").await), 2);
    assert_eq!(api(leader).delete("/subjects/second").await.status, 200);
    assert_eq!(api(leader).delete("/subjects/second?permanent=true").await.status, 200);
    site.nodes.iter().for_each(Node::kill);
    site.nodes.iter().for_each(Node::start);
    for node in &site.nodes {
        site.until_ready(node).await;
    }
    site.leader().await;
    assert_eq!(id(&register_again(&site.nodes[0], "third", "Third").await), 3);
    assert_eq!(id(&register(&site.nodes[1], "again", "First").await), 1);
}

#[tokio::test]
async fn a_node_that_joins_or_restarts_does_not_depose_the_leader() {
    let Some(site) = three_nodes().await else { return };
    let (index, epoch) = site.leader().await;
    for offset in 1..3 {
        let node = &site.nodes[(index + offset) % 3];
        node.stop().await;
        node.start();
        site.until_ready(node).await;
        node.kill();
        node.start();
        site.until_ready(node).await;
    }
    assert_eq!(site.leader().await, (index, epoch));
    // and the leader's own restart is one change
    let (leader, follower, _) = roles(&site).await;
    leader.stop().await;
    id(&register_again(follower, "s", "S").await);
    let (_, later) = site.leader().await;
    leader.start();
    site.until_ready(leader).await;
    id(&register(leader, "t", "T").await);
    assert_eq!(site.leader().await.1, later);
}

#[tokio::test]
async fn a_client_reads_its_own_writes_on_any_node() {
    let Some(site) = three_nodes().await else { return };
    for round in 0..30 {
        let (name, subject) = (format!("R{round}"), format!("read-{round}"));
        let node = &site.nodes[round % 3];
        let answer = register(node, &subject, &name).await;
        let (id, offset) = (id(&answer), offset_of(&answer));
        let path = format!("/subjects/{subject}/versions");
        assert_eq!(api(node).get(&path).await.json, json!([1]), "on the same node at once");
        for other in &site.nodes {
            // what is not there is looked for before it is said to be missing
            let found = api(other).get(&format!("/schemas/ids/{id}")).await;
            assert_eq!(found.status, 200, "{}", found.text);
        }
        let deleted = api(node).delete(&format!("/subjects/{subject}")).await;
        assert!(offset_of(&deleted) > offset);
        let other = api(&site.nodes[(round + 1) % 3]);
        let request = other.request(reqwest::Method::GET, &path);
        let read = other.send(request.header("weir-offset", offset_of(&deleted))).await;
        read.is_error(404, 40401, &format!("Subject '{subject}' not found."));
    }
}

#[tokio::test]
async fn a_referenced_schema_cannot_be_deleted_through_any_node() {
    let Some(site) = three_nodes().await else { return };
    let (leader, follower, other) = roles(&site).await;
    id(&register(follower, "base", "Base").await);
    let record = r#"{"type":"record","name":"R","fields":[{"name":"b","type":"Base"}]}"#;
    let references = json!([{"name": "Base", "subject": "base", "version": 1}]);
    let body = json!({"schema": record, "references": references});
    let referring = api(other).post("/subjects/referring/versions", &body).await;
    assert_eq!(referring.status, 200, "{}", referring.text);
    for node in [leader, follower, other] {
        let answer = api(node).delete("/subjects/base/versions/1").await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42206)));
    }
    assert_eq!(api(other).delete("/subjects/referring").await.status, 200);
    assert_eq!(api(follower).delete("/subjects/base").await.status, 200);
    for node in [leader, follower, other] {
        let answer = api(node).delete("/subjects/base?permanent=true").await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42206)));
    }
}

#[tokio::test]
async fn a_forward_header_from_outside_is_not_believed() {
    let Some(site) = three_nodes().await else { return };
    let (_, follower, _) = roles(&site).await;
    for (name, value) in [("weir-token", "guessed"), ("x-forward", "true")] {
        let api = api(follower);
        let request = api
            .request(reqwest::Method::POST, &format!("/subjects/{name}/versions"))
            .header("content-type", "application/json")
            .header(name, value);
        let answer = api.send(request.body(schema("Forwarded").to_string())).await;
        assert_eq!(id(&answer), 1, "it is forwarded all the same");
    }
}

#[tokio::test]
async fn a_write_is_forwarded_as_its_caller_sent_it() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    make(&kafka, &topic, "compact", 1).await;
    // a leader that tells what it was sent
    let (seen, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let router = axum::Router::new()
        .route(
            "/v1/cluster",
            axum::routing::get(|| async { r#"{"role":"leader","epoch":0,"writable":true}"# }),
        )
        .fallback(move |request: axum::extract::Request| async move {
            seen.send((request.uri().to_string(), request.headers().clone())).unwrap();
            ([("x-request-id", "of the leader")], r#"["forwarded"]"#)
        });
    let leader = weir_tests::serve(router).await;
    let producer: FutureProducer = kafka.client().create().unwrap();
    let url = format!("http://{leader}");
    let headers = OwnedHeaders::new()
        .insert(Header { key: "weir.leader", value: Some(&url) })
        .insert(Header { key: "weir.token", value: Some("of the leader") });
    let noop = FutureRecord::<str, str>::to(&topic).key(r#"{"keytype":"NOOP","magic":0}"#);
    producer.send(noop.headers(headers), Duration::from_secs(10)).await.unwrap();

    let site = nodes(&kafka, &topic, 1, &[]).await;
    let node = &site.nodes[0];
    node.start();
    site.until_ready(node).await;
    let api = api(node);
    let request = api
        .request(reqwest::Method::DELETE, "/subjects/a%2Fb?permanent=true")
        .header("authorization", "Basic bWU6c2VjcmV0")
        .header("x-request-id", "of the client");
    let answer = api.send(request).await;
    assert_eq!((answer.status.as_u16(), &answer.json), (200, &json!(["forwarded"])));
    let (uri, headers) = sent.recv().await.unwrap();
    assert_eq!(uri, "/subjects/a%2Fb?permanent=true");
    assert_eq!(headers["authorization"], "Basic bWU6c2VjcmV0");
    assert_eq!(headers["x-request-id"], "of the client");
    assert_eq!(headers["weir-token"], "of the leader");
    assert_eq!(answer.headers["x-request-id"], "of the client");
}

#[tokio::test]
async fn reads_go_on_and_writes_are_refused_in_time_while_kafka_is_away() {
    let Some(site) = three_nodes().await else { return };
    let schema_id = id(&register(&site.nodes[0], "kept", "Kept").await);
    for node in &site.nodes {
        site.until(node, "up to date", |status| status.lag == 0).await;
    }
    let stalled = Weather { stalls_requests: true, stalls_answers: true, ..Weather::default() };
    for weather in [Weather { cuts: true, ..Weather::default() }, stalled] {
        let (leader, follower, other) = roles(&site).await;
        site.nodes.iter().for_each(|node| node.kafka_weather(weather));
        let mut codes = Vec::new();
        for node in [leader, follower, other].into_iter().cycle().take(9) {
            let read = api(node).get(&format!("/schemas/ids/{schema_id}")).await;
            assert_eq!(read.status, 200, "{}", read.text);
            let begun = Instant::now();
            let write = register(node, "refused", "Refused").await;
            assert!(begun.elapsed() < ANSWER_MAX, "{:?}", begun.elapsed());
            assert_eq!(write.status, 500, "{}", write.text);
            assert_eq!(write.headers["retry-after"], "1");
            codes.push(write.json["error_code"].as_u64().unwrap());
        }
        // of what the leader has sent nobody knows; then nobody leads, and nothing is done
        assert_eq!(codes[0], 50002, "{codes:?}");
        assert!(codes.contains(&50004), "{codes:?}");
        assert!(codes.iter().all(|code| (50002..=50004).contains(code)), "{codes:?}");
        site.nodes.iter().for_each(|node| node.kafka_weather(Weather::default()));
        let back = Instant::now();
        while register(&site.nodes[0], "back", "Back").await.status != 200 {
            assert!(back.elapsed() < ANSWER_MAX, "{}", site.tails());
        }
        assert!(back.elapsed() < ANSWER_MAX, "{:?}", back.elapsed());
    }
}

#[tokio::test]
async fn a_leader_that_does_not_answer_is_50003() {
    let Some(site) = three_nodes().await else { return };
    let (leader, follower, other) = roles(&site).await;
    // so that no other can lead
    let cut = Weather { cuts: true, ..Weather::default() };
    [follower, other].iter().for_each(|node| node.kafka_weather(cut));
    leader.signal("STOP");
    let begun = Instant::now();
    let answer = register(follower, "s", "S").await;
    assert!(begun.elapsed() < ANSWER_MAX, "{:?}", begun.elapsed());
    assert_eq!(answer.status, 500, "{}", answer.text);
    assert_eq!(answer.json["error_code"], json!(50003), "{}", answer.text);
    let text = "Error while forwarding the request to the leader: ";
    assert!(answer.json["message"].as_str().unwrap().starts_with(text), "{}", answer.text);
    leader.signal("CONT");
}

#[tokio::test]
async fn a_node_that_has_not_read_its_log_answers_503() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    let site = nodes(&kafka, &topic, 1, &[]).await;
    let node = &site.nodes[0];
    node.kafka_weather(Weather { cuts: true, ..Weather::default() });
    node.start();
    site.until(node, "there", |status| !status.ready && !status.writable).await;
    for path in ["/", "/subjects"] {
        let answer = api(node).get(path).await;
        answer.is_error(503, 503, "The registry is reading its log.");
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert!(api(node).get("/metrics").await.text.contains("weir_registry_ready 0"));
    node.kafka_weather(Weather::default());
    site.until_ready(node).await;
    assert_eq!(api(node).get("/").await.status, 200);
}

#[tokio::test]
async fn records_that_cannot_be_applied_are_named_and_stop_nobody() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    make(&kafka, &topic, "compact", 1).await;
    let first = r#"{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}"#;
    let other = r#"{"keytype":"SCHEMA","subject":"b","version":1,"magic":1}"#;
    let records = [
        (Some("garbage"), Some("garbage")),
        (Some(""), None),
        (Some(r#"{"keytype":"FROM_THE_FUTURE","magic":9}"#), Some("{}")),
        (Some(first), Some("not JSON")),
        (
            Some(first),
            Some(
                r#"{"subject":"a","version":1,"id":7,"schema":"\"string\"","deleted":false,"new":1}"#,
            ),
        ),
        (
            Some(other),
            Some(r#"{"subject":"b","version":1,"id":7,"schema":"\"int\"","deleted":false}"#),
        ),
        (
            Some(r#"{"keytype":"SCHEMA","subject":"c","version":1,"magic":1}"#),
            Some(
                r#"{"subject":"c","version":1,"id":8,"schema":"[\"gone\"]","references":[{"name":"gone","subject":"gone","version":1}],"deleted":false}"#,
            ),
        ),
    ];
    let offsets = produce(&kafka, &topic, &records).await;
    let site = nodes(&kafka, &topic, 1, &[]).await;
    let node = &site.nodes[0];
    node.start();
    site.until_ready(node).await;
    let status = site.status(node).await.unwrap();
    assert_eq!(status.passed_over, 5, "{}", node.tail());
    let metrics = api(node).get("/metrics").await.text;
    for offset in offsets[..4].iter().chain([&offsets[5]]) {
        let line = format!("weir_registry_passed_over{{offset=\"{offset}\"");
        assert!(metrics.contains(&line), "{metrics}");
    }
    assert!(metrics.contains("weir_registry_missing_references 1"), "{metrics}");
    assert_eq!(api(node).get("/subjects").await.json, json!(["a", "c"]));
    assert_eq!(id(&register(node, "d", "D").await), 9);
    // and while it runs
    let late = produce(&kafka, &topic, &[(Some("late"), Some("garbage"))]).await;
    site.until(node, "past it", |status| status.passed_over == 6).await;
    let metrics = api(node).get("/metrics").await.text;
    assert!(metrics.contains(&format!("offset=\"{}\"", late[0])), "{metrics}");
    assert_eq!(id(&register(node, "e", "E").await), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_written_is_taken_over() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    make(&kafka, &topic, "compact", 1).await;
    let records = [
        // Confluent 3.1: magic 0, no type, configuration without a subject
        (
            r#"{"keytype":"SCHEMA","subject":"old","version":1,"magic":0}"#,
            Some(r#"{"subject":"old","version":1,"id":1,"schema":"\"string\""}"#),
        ),
        (
            r#"{"keytype":"CONFIG","subject":null,"magic":0}"#,
            Some(r#"{"compatibilityLevel":"NONE"}"#),
        ),
        (r#"{"keytype":"NOOP","magic":0}"#, None),
        // Karapace: another order of keys
        (
            r#"{"subject":"karapace","version":1,"magic":1,"keytype":"SCHEMA"}"#,
            Some(
                r#"{"deleted":false,"schema":"{\"type\":\"object\"}","schemaType":"JSON","id":2,"version":1,"subject":"karapace"}"#,
            ),
        ),
        (
            r#"{"subject":"karapace","magic":0,"keytype":"CONFIG"}"#,
            Some(r#"{"compatibilityLevel":"FULL"}"#),
        ),
        (
            r#"{"subject":"gone","magic":0,"keytype":"DELETE_SUBJECT"}"#,
            Some(r#"{"subject":"gone","version":3}"#),
        ),
        // Redpanda: where a record was to be, and who wrote it
        (
            r#"{"keytype":"SCHEMA","subject":"redpanda","version":1,"magic":1,"seq":6,"node":0}"#,
            Some(
                r#"{"subject":"redpanda","version":1,"id":3,"schemaType":"PROTOBUF","schema":"syntax = \"proto3\";\nmessage M {}\n","deleted":false}"#,
            ),
        ),
        // Confluent 8
        (
            r#"{"keytype":"CONTEXT","tenant":"default","context":".eu","magic":0}"#,
            Some(r#"{"tenant":"default","context":".eu"}"#),
        ),
        (
            r#"{"keytype":"SCHEMA","subject":":.eu:new","version":4,"magic":1}"#,
            Some(
                r#"{"subject":":.eu:new","version":4,"id":9,"schemaType":"AVRO","metadata":{"properties":{"owner":"a"}},"schema":"\"int\"","deleted":true,"md5":"x","offset":3,"ts":1}"#,
            ),
        ),
        (
            r#"{"keytype":"MODE","subject":":.eu:","magic":0}"#,
            Some(r#"{"subject":":.eu:","mode":"READONLY"}"#),
        ),
    ];
    let records: Vec<_> = records.into_iter().map(|(key, value)| (Some(key), value)).collect();
    produce(&kafka, &topic, &records).await;
    let site = nodes(&kafka, &topic, 1, &[]).await;
    let node = &site.nodes[0];
    node.start();
    site.until_ready(node).await;
    assert_eq!(site.status(node).await.unwrap().passed_over, 0, "{}", node.tail());
    let api = api(node);
    api.get("/subjects?subjectPrefix=:*:&deleted=true")
        .await
        .is(json!([":.eu:new", "karapace", "old", "redpanda"]));
    assert_eq!(api.get("/config").await.json, json!({"compatibilityLevel": "NONE"}));
    assert_eq!(api.get("/config/karapace").await.json, json!({"compatibilityLevel": "FULL"}));
    assert_eq!(api.get("/mode/:.eu:").await.json, json!({"mode": "READONLY"}));
    assert_eq!(api.get("/schemas/ids/1").await.json["schema"], json!("\"string\""));
    assert_eq!(api.get("/schemas/ids/3").await.json["schemaType"], json!("PROTOBUF"));
    assert_eq!(id(&register(node, "next", "Next").await), 4);

    // what is deleted for good does not come back by the form of the key that another wrote
    for subject in ["old", "karapace", "redpanda"] {
        assert_eq!(api.delete(&format!("/subjects/{subject}")).await.status, 200);
        assert_eq!(api.delete(&format!("/subjects/{subject}?permanent=true")).await.status, 200);
    }
    for (key, value) in compacted(&kafka, &topic) {
        let value = value.unwrap_or_default();
        let kept = !key.contains("SCHEMA") || key.contains(":.eu:new") || key.contains("next");
        assert!(kept || value.is_empty() || key.contains("DELETE_SUBJECT"), "{key} {value}");
    }
}

fn log_config(kafka: &TestBroker, topic: &str) -> KafkaConfig {
    let bootstrap_servers = kafka.bootstrap_servers.clone();
    let settings = weir_kafka::Settings { bootstrap_servers, ..Default::default() };
    KafkaConfig { topic: topic.into(), ..KafkaConfig::new(settings) }
}

/// What compaction would leave of a topic.
fn compacted(kafka: &TestBroker, topic: &str) -> Vec<(String, Option<String>)> {
    tokio::task::block_in_place(|| {
        let mut last = BTreeMap::new();
        let mut log = KafkaLog::open_to_read(log_config(kafka, topic)).unwrap();
        log.read(0, &mut |_, r| drop(last.insert(r.key, r.value))).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        last.into_iter().map(|(key, value)| (text(key), value.map(text))).collect()
    })
}

#[tokio::test]
async fn a_topic_that_is_not_compacted_or_has_two_partitions_is_refused_with_what_mends_it() {
    let Some(kafka) = kafka() else { return };
    for (policy, partitions, mends) in [
        ("delete", 1, "--add-config cleanup.policy=compact"),
        ("compact,delete", 1, "--add-config cleanup.policy=compact"),
        ("compact", 2, "--partitions 1"),
    ] {
        let topic = unique("_schemas");
        make(&kafka, &topic, policy, partitions).await;
        let site = nodes(&kafka, &topic, 1, &[]).await;
        site.nodes[0].start();
        let tail = site.nodes[0].ended().await;
        assert!(tail.contains(mends) && tail.contains(&topic), "{tail}");
    }
    let topic = unique("_schemas");
    make(&kafka, &topic, "delete", 1).await;
    let site = nodes(&kafka, &topic, 1, &["--skip-topic-validation"]).await;
    site.nodes[0].start();
    site.until_ready(&site.nodes[0]).await;
    id(&register(&site.nodes[0], "s", "S").await);
}

#[tokio::test]
async fn a_topic_that_loses_its_policy_while_running_takes_no_writes_until_it_is_mended() {
    let Some(kafka) = kafka() else { return };
    let Some(site) = three_nodes().await else { return };
    id(&register(&site.nodes[0], "s", "S").await);
    set_policy(&kafka, &site.topic, "compact,delete").await;
    for node in &site.nodes {
        let status = site.until(node, "at fault", |status| !status.faults.is_empty()).await;
        assert!(status.faults[0].contains("cleanup.policy=compact,delete"), "{:?}", status.faults);
        assert!(!status.writable);
    }
    let refused = register(&site.nodes[1], "t", "T").await;
    assert_eq!(refused.status, 500, "{}", refused.text);
    assert_eq!(api(&site.nodes[2]).get("/subjects").await.json, json!(["s"]));
    set_policy(&kafka, &site.topic, "compact").await;
    for node in &site.nodes {
        site.until_ready(node).await;
    }
    site.leader().await;
    id(&register_again(&site.nodes[1], "t", "T").await);
}

#[tokio::test]
async fn a_topic_that_is_deleted_while_running_leaves_reads_and_takes_no_writes() {
    let Some(kafka) = kafka() else { return };
    let Some(site) = three_nodes().await else { return };
    id(&register(&site.nodes[0], "s", "S").await);
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let deleted = admin.delete_topics(&[&site.topic], &AdminOptions::new()).await.unwrap();
    deleted.into_iter().for_each(|result| drop(result.unwrap()));
    for node in &site.nodes {
        site.until(node, "at fault", |status| !status.faults.is_empty()).await;
    }
    // one of the same name has nothing in it
    make(&kafka, &site.topic, "compact", 1).await;
    for node in &site.nodes {
        let status = site.status(node).await.unwrap();
        assert!(status.faults[0].contains("was deleted"), "{:?}", status.faults);
        let refused = register(node, "t", "T").await;
        assert_eq!(refused.status, 500, "{}", refused.text);
        assert_eq!(api(node).get("/subjects").await.json, json!(["s"]));
    }
}

#[tokio::test]
async fn a_topic_whose_beginning_is_deleted_while_running_takes_no_writes() {
    let Some(kafka) = kafka() else { return };
    let Some(site) = three_nodes().await else { return };
    for subject in ["a", "b", "s"] {
        id(&register(&site.nodes[0], subject, "S").await);
    }
    // Kafka deletes records of a topic only where it may delete
    set_policy(&kafka, &site.topic, "compact,delete").await;
    let proxy = kafka.proxy().await.api;
    let path = format!("/v3/clusters/-/topics/{}/partitions/0/records:delete", site.topic);
    let cluster = proxy.get("/v3/clusters").await.json["data"][0]["cluster_id"].clone();
    let path = path.replace("/-/", &format!("/{}/", cluster.as_str().unwrap()));
    let deleted =
        proxy.post_as(&path, "application/json", json!({"before_offset": 3}).to_string()).await;
    assert!(deleted.status.is_success(), "{path}: {}", deleted.text);
    set_policy(&kafka, &site.topic, "compact").await;
    for node in &site.nodes {
        let truncated = |status: &weir_faults::Status| {
            status.faults.iter().any(|fault| fault.contains("begins at offset 3"))
        };
        site.until(node, "at fault", truncated).await;
        assert_eq!(api(node).get("/subjects").await.json, json!(["a", "b", "s"]));
    }
    // and a node that comes then says what is missing, instead of forgetting it
    site.nodes[0].kill();
    site.nodes[0].start();
    let tail = site.nodes[0].ended().await;
    assert!(tail.contains("begins at offset 3"), "{tail}");
}

/// The highest id of a topic, as a registry knows it that has just read it.
fn max_id(kafka: &TestBroker, topic: &str) -> u32 {
    let mut state = State::default();
    let mut log = KafkaLog::open_to_read(log_config(kafka, topic)).unwrap();
    log.read(0, &mut |_, record| drop(state.apply(&record))).unwrap();
    state.max_id(".").0
}

/// Another program writes the topic, gives ids as we do, and knows nothing of our election.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_holds_while_another_registry_writes_the_same_topic() {
    let Some(kafka) = kafka() else { return };
    let Some(site) = three_nodes().await else { return };
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let api = api(&site.nodes[writer % 3]);
        writers.spawn(async move {
            let mut answered = Vec::new();
            for round in 0..40 {
                let name = format!("W{writer}r{round}");
                let subject = format!("s{writer}-{}", round % 5);
                let path = format!("/subjects/{subject}/versions?force=true");
                let answer = api.post(&path, &schema(&name)).await;
                if answer.status == 200 {
                    let version = answer.json["version"].as_u64().unwrap();
                    answered.push((subject, version, name, answer.json["id"].as_u64().unwrap()));
                }
            }
            answered
        });
    }
    for round in 0..15 {
        let id = tokio::task::block_in_place(|| max_id(&kafka, &site.topic)) + 1;
        let (subject, text) = (format!("other-{round}"), schema(&format!("Other{round}")));
        let key = format!(r#"{{"keytype":"SCHEMA","subject":"{subject}","version":1,"magic":1}}"#);
        let value = json!({
            "subject": subject, "version": 1, "id": id, "schema": text["schema"], "deleted": false,
        });
        let value = value.to_string();
        produce(&kafka, &site.topic, &[(Some(&key), Some(&value))]).await;
    }
    let mut answered = Vec::new();
    while let Some(of_one) = writers.join_next().await {
        answered.extend(of_one.unwrap());
    }
    assert!(answered.len() > 200, "most writes are answered: {}", answered.len());
    let ids: BTreeSet<u64> = answered.iter().map(|(_, _, _, id)| *id).collect();
    assert_eq!(ids.len(), answered.len(), "no id twice");
    let fresh = nodes(&kafka, &site.topic, 1, &["--never-lead"]).await;
    fresh.nodes[0].start();
    fresh.until_ready(&fresh.nodes[0]).await;
    for node in site.nodes.iter().chain(&fresh.nodes) {
        for (subject, version, name, id) in &answered {
            let by_id = api(node).get(&format!("/schemas/ids/{id}")).await;
            assert_eq!(by_id.json["schema"], schema(name)["schema"], "{id}: {}", by_id.text);
            let path = format!("/subjects/{subject}/versions/{version}");
            let found = api(node).get(&path).await;
            assert_eq!(found.json["id"], json!(id), "{path}: {}", found.text);
        }
    }
}

/// Kills the leader each time the log has grown by so many records, until a client is done.
async fn kill_leaders_while<T: Send + 'static>(
    site: &Site,
    records: u64,
    client: tokio::task::JoinHandle<T>,
) -> T {
    let (mut kills, mut goal) = (0, records);
    while !client.is_finished() {
        let (leader, _) = site.leader().await;
        let leader = &site.nodes[leader];
        let reached = site.status(leader).await.is_some_and(|s| s.applied_offset > goal);
        if reached {
            leader.kill();
            site.leader().await;
            leader.start();
            site.until_ready(leader).await;
            (kills, goal) = (kills + 1, goal + records);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(kills > 0, "the client was done before any node died");
    client.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn confluents_client_for_python_goes_on_while_nodes_behind_a_balancer_die() {
    let Some(site) = three_nodes().await else { return };
    if std::env::var_os(PYTHON.variable).is_none() {
        PYTHON.run("cluster.py", &[], ""); // says that it is skipped
        return;
    }
    let url = balancer::start(site.nodes.iter().map(|node| node.url.clone()).collect()).await;
    let client = tokio::task::spawn_blocking(move || PYTHON.run("cluster.py", &[&url, "120"], ""));
    let output = kill_leaders_while(&site, 40, client).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    eprintln!("{}", said.lines().last().unwrap());
}

/// Spring's client of Confluent's API, from Maven Central.
#[tokio::test(flavor = "multi_thread")]
async fn a_java_client_goes_on_while_nodes_behind_a_balancer_die() {
    let Some(site) = three_nodes().await else { return };
    let url = balancer::start(site.nodes.iter().map(|node| node.url.clone()).collect()).await;
    // where there is a Kafka, there are java and the jars beside it
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let client = tokio::task::spawn_blocking(move || {
        Command::new("java")
            .args(["-cp", &format!("{root}/target/java/libs/*")])
            .args([&format!("{root}/tests/java/Spring.java"), &url, "150"])
            .output()
            .unwrap()
    });
    let output = kill_leaders_while(&site, 50, client).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}\n{}", site.tails());
    eprintln!("{said}");
}
