//! A log that others have written, or write meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use weir_registry::log::{KafkaConfig, KafkaLog, Log};
use weir_registry_core::State;
use weir_tests::{TestBroker, kafka, unique};

use super::nodes::*;

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
        let line = format!("weir_registry_passed_over_record{{offset=\"{offset}\"");
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

#[tokio::test]
async fn what_karapace_deleted_stays_deleted() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    make(&kafka, &topic, "compact", 1).await;
    let version = |subject: &str| {
        format!(r#"{{"keytype":"SCHEMA","subject":"{subject}","version":1,"magic":1}}"#)
    };
    let value = |subject: &str, id: u32, deleted: bool| {
        format!(
            r#"{{"subject":"{subject}","version":1,"id":{id},"schema":"{{\"type\":\"enum\",\"name\":\"E{id}\",\"symbols\":[\"A\"]}}","deleted":{deleted}}}"#
        )
    };
    let (gone, late, config) =
        (version("gone"), version("late"), r#"{"keytype":"CONFIG","subject":"late","magic":0}"#);
    let (live, soft) = (value("gone", 1, false), value("gone", 1, true));
    let other = value("late", 2, false);
    let records = [
        (Some(gone.as_str()), Some(live.as_str())),
        (Some(gone.as_str()), Some(soft.as_str())),
        (Some(gone.as_str()), Some("")),
        (Some(late.as_str()), Some(other.as_str())),
        (Some(config), Some(r#"{"compatibilityLevel":"FORWARD"}"#)),
        (Some(config), Some("null")),
    ];
    produce(&kafka, &topic, &records).await;
    let site = nodes(&kafka, &topic, 1, &[]).await;
    let node = &site.nodes[0];
    node.start();
    site.until_ready(node).await;
    let api = api(node);
    assert_eq!(api.get("/subjects?deleted=true").await.json, json!(["late"]));
    assert_eq!(api.get("/config/late").await.json["error_code"], 40408);
    // and while it runs
    let last = produce(&kafka, &topic, &[(Some(&late), Some(""))]).await[0];
    let end = u64::try_from(last).unwrap() + 1;
    let status = site.until(node, "past it", |status| status.applied_offset >= end).await;
    assert_eq!(status.passed_over, 0);
    assert_eq!(api.get("/subjects?deleted=true").await.json, json!([]));
    // a topic that is made of it has tombstones that compaction knows
    let copy = unique("_schemas");
    let place = |topic: &str| format!("kafka://{}/{topic}", kafka.bootstrap_servers);
    let mut migrate = std::process::Command::new(WEIR);
    migrate.args(["migrate", "--verify", "--from", &place(&topic), "--to", &place(&copy)]);
    let output = migrate.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let copied = tokio::task::spawn_blocking(move || {
        let servers = kafka.bootstrap_servers.clone();
        let settings =
            weir_kafka::Settings { bootstrap_servers: servers, ..weir_kafka::Settings::default() };
        let config = KafkaConfig { topic: copy, ..KafkaConfig::new(settings) };
        let mut empty = Vec::new();
        let mut log = KafkaLog::open_to_read(config).unwrap();
        log.read(0, &mut |_, record| empty.push(record.value.is_none())).unwrap();
        empty
    });
    assert_eq!(copied.await.unwrap()[..6], [false, false, true, false, false, true]);
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
