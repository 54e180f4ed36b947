//! `weir dev`: what a newcomer sees.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::{Value, json};
use weir_tests::Api;

use crate::process::Weir;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// `weir dev` on free ports, with its data in a folder.
fn command(folder: &Path, args: &[&str]) -> Command {
    let fixed = [
        "dev",
        "--registry-listener",
        "127.0.0.1:0",
        "--proxy-listener",
        "127.0.0.1:0",
        "--broker-listener",
        "127.0.0.1:0",
    ];
    let mut command = Weir::command(&[&fixed[..], args].concat());
    command.arg("--data-dir").arg(folder);
    command
}

/// What `weir dev` prints of its broker: the address, and where topics are.
fn broker_of(weir: &mut Weir) -> (String, String) {
    let line = weir.line("  broker  ");
    let (address, about) =
        line.trim_start().trim_start_matches("broker").trim().split_once(' ').unwrap();
    (address.to_string(), about.trim().to_string())
}

/// The management listener. What says so comes on another stream than the rest.
fn management_of(weir: &mut Weir) -> Api {
    let text = "management on ";
    let said = weir.output.iter().find(|line| line.contains(text)).cloned();
    let line = said.unwrap_or_else(|| weir.line(text));
    Api::at(line.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_string())
}

async fn produce(client: &ClientConfig, topic: &str, value: &str) -> Result<i64, String> {
    let producer: FutureProducer = client.create().unwrap();
    let record: FutureRecord<'_, [u8], str> = FutureRecord::to(topic).payload(value);
    let sent = producer.send(record, PATIENCE).await;
    sent.map(|delivery| delivery.offset).map_err(|(error, _)| error.to_string())
}

fn client_of(brokers: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers);
    client
}

/// The first record of a topic.
fn first_record(client: &ClientConfig, topic: &str) -> String {
    let mut client = client.clone();
    client.set("group.id", "tests").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = client.create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let message = consumer.poll(PATIENCE).unwrap().unwrap();
    String::from_utf8(message.payload().unwrap().to_vec()).unwrap()
}

/// The lines that it prints to try are run by a shell, as a newcomer would.
#[test]
fn the_five_lines_that_it_prints_work_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let mut weir = Weir::start(&[
        "dev",
        "--registry-listener",
        "127.0.0.1:0",
        "--proxy-listener",
        "127.0.0.1:0",
        "--broker-listener",
        "127.0.0.1:0",
        "--data-dir",
        folder.path().to_str().unwrap(),
    ]);
    weir.line("weir dev is ready");
    let lines: Vec<String> = (0..5).map(|_| weir.line("curl ")).collect();
    let answers: Vec<String> = lines
        .iter()
        .map(|line| {
            let output = Command::new("sh").args(["-c", line]).output().unwrap();
            assert!(output.status.success(), "{line}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    assert_eq!(json(&answers[0])["id"], 1, "{}", answers[0]);
    assert_eq!(json(&answers[1])["value_schema_id"], 1, "{}", answers[1]);
    assert_eq!(json(&answers[1])["offsets"][0]["error_code"], Value::Null, "{}", answers[1]);
    assert_eq!(json(&answers[2])["offsets"][0]["error_code"], Value::Null, "{}", answers[2]);
    assert!(answers[3].contains(r#""value":{"origin":"SFO","delay":14}"#), "{}", answers[3]);
    assert_eq!(json(&answers[4])["error_code"], 40901, "{}", answers[4]);
}

#[test]
fn what_was_registered_is_there_the_next_day() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_string();
    let start = || Weir::spawn(&mut command(data.as_ref(), &[]));
    let mut weir = start();
    let line = weir.line("curl ");
    Command::new("sh").args(["-c", &line]).output().unwrap();
    weir.signal("TERM");
    assert!(weir.wait().success());
    let mut weir = start();
    let line = weir.line("curl ");
    let url = line.split_whitespace().find(|w| w.starts_with("http")).unwrap();
    let latest = format!("curl -s {url}/latest");
    let output = Command::new("sh").args(["-c", &latest]).output().unwrap();
    let latest: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&latest["id"], &latest["version"]), (&1.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_there_the_next_day() {
    let folder = tempfile::tempdir().unwrap();
    let mut weir = Weir::spawn(&mut command(folder.path(), &[]));
    let (brokers, about) = broker_of(&mut weir);
    assert!(about.contains(&*folder.path().join("topics").to_string_lossy()), "{about}");
    assert_eq!(produce(&client_of(&brokers), "flights", "SFO").await, Ok(0));
    weir.signal("TERM");
    assert!(weir.wait().success());
    let mut weir = Weir::spawn(&mut command(folder.path(), &[]));
    let (brokers, _) = broker_of(&mut weir);
    assert_eq!(first_record(&client_of(&brokers), "flights"), "SFO");
    assert_eq!(produce(&client_of(&brokers), "flights", "OAK").await, Ok(1));
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Weir::spawn(&mut command(folder.path(), &[]));
    first.line("weir dev is ready");
    let mut second = Weir::spawn(&mut command(folder.path(), &["--store", "memory"]));
    let error = second.line("topics");
    assert!(error.contains(&*folder.path().to_string_lossy()), "{error}");
    assert!(!second.wait().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_one_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut weir = Weir::spawn(&mut command(&data, &["--ephemeral"]));
    let (brokers, about) = broker_of(&mut weir);
    assert!(about.contains("in memory"), "{about}");
    assert_eq!(produce(&client_of(&brokers), "flights", "SFO").await, Ok(0));
    weir.signal("TERM");
    assert!(weir.wait().success());
    assert!(!data.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_can_be_on_a_topic_of_the_broker() {
    let folder = tempfile::tempdir().unwrap();
    let mut weir = Weir::spawn(&mut command(folder.path(), &["--store", "kafka"]));
    let registry = weir.api("  registry  ");
    let (brokers, _) = broker_of(&mut weir);
    let schema = json!({"schema": "\"string\""});
    // it says 503 until it has read its topic and leads
    let mut answer = registry.post("/subjects/flights-value/versions", &schema).await;
    while answer.status == 503 || answer.status == 500 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = registry.post("/subjects/flights-value/versions", &schema).await;
    }
    assert_eq!((answer.status.as_u16(), &answer.json["id"]), (200, &json!(1)), "{}", answer.text);
    let consumer: BaseConsumer = client_of(&brokers).create().unwrap();
    let (_, end) = consumer.fetch_watermarks("_schemas", 0, PATIENCE).unwrap();
    assert!(end > 0, "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_in_may_do_what_acls_say() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--ephemeral", "--broker-user", "alice=secret", "--broker-acls"];
    let mut weir = Weir::spawn(&mut command(folder.path(), &args));
    let (brokers, _) = broker_of(&mut weir);
    let line = weir.line("SASL_PLAINTEXT");
    let login = line.split_whitespace().next().unwrap();
    assert_eq!(produce(&client_of(&brokers), "flights", "SFO").await, Ok(0));
    let mut alice = client_of(login);
    alice
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanism", "PLAIN")
        .set("sasl.username", "alice")
        .set("sasl.password", "secret");
    let refused = produce(&alice, "flights", "OAK").await.unwrap_err();
    assert!(refused.contains("authorization failed"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_read_from_a_file_and_changed_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults.toml");
    let text = "[[rules]]\napi = 'Produce'\naction = 'error'\nerror = 'INVALID_RECORD'\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let management = ["--management-listener", "127.0.0.1:0", "--broker-faults", file];
    let mut weir =
        Weir::spawn(&mut command(folder.path(), &[&["--ephemeral"], &management[..]].concat()));
    let (brokers, _) = broker_of(&mut weir);
    let management = management_of(&mut weir);
    let client = client_of(&brokers);
    assert!(produce(&client, "flights", "SFO").await.unwrap_err().contains("validate record"));
    let found = management.get("/v1/faults").await;
    let rule = &found.json["rules"][0];
    assert_eq!((&rule["id"], &rule["error"]), (&json!(1), &json!("INVALID_RECORD")));
    assert!(rule["hits"].as_u64().unwrap() > 0, "{}", found.text);
    assert_eq!(management.delete("/v1/faults/1").await.json["id"], json!(1));
    assert_eq!(management.get("/v1/faults/1").await.status, 404);
    assert_eq!(produce(&client, "flights", "SFO").await, Ok(0));
    changes_faults(&management).await;
}

async fn changes_faults(management: &Api) {
    let added = management.post("/v1/faults", &json!({"action": "drop", "client_id": "x"})).await;
    assert_eq!((added.status.as_u16(), &added.json["id"]), (201, &json!(2)), "{}", added.text);
    let wrong = management.post("/v1/faults", &json!({"action": "burn"})).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.json["message"].as_str().unwrap().contains("unknown variant `burn`"));
    let rules = json!({"rules": [{"action": "pause", "topic": "none"}]});
    let replaced = management.put("/v1/faults", &rules).await;
    assert_eq!(replaced.json["rules"][0]["action"], json!("pause"), "{}", replaced.text);
    assert_eq!(replaced.json["rules"].as_array().unwrap().len(), 1);
    management.delete("/v1/faults").await.is(json!({"rules": []}));
}

#[test]
fn a_wrong_setting_of_the_broker_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    for (args, words) in [
        (["--broker-config", "log.burn.ms=1"], "the broker has no config log.burn.ms"),
        (["--broker-config", "log.retention.ms=soon"], "log.retention.ms"),
        (["--broker-num-partitions", "0"], "from 1 to 1000"),
        (
            ["--broker-config", "num.partitions=4"],
            "num.partitions is set by --broker-num-partitions",
        ),
        (["--broker-advertised-listener", "nowhere"], "nowhere is not HOST:PORT"),
        (
            ["--broker-advertised-listener", "0.0.0.0:9092"],
            "no address that a client can connect to",
        ),
        (["--broker-user", "alice="], "alice has no password"),
        (["--broker-super-user", "admin"], "admin is not of the form User:NAME"),
        (["--broker-acls", "--ephemeral"], "add --broker-user NAME=PASSWORD"),
    ] {
        let mut weir = Weir::spawn(&mut command(folder.path(), &args));
        weir.line(words);
        assert!(!weir.wait().success());
    }
}
