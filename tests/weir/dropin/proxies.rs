//! The REST proxy with the environment of Confluent's container, asked by curl.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use weir_tests::{Api, kafka, unique};

use super::environment::{container, environments};
use super::{places, reachable, stores};
use crate::process::Weir;

const AVRO: &str = "application/vnd.kafka.avro.v2+json";
const JSON: &str = "application/vnd.kafka.json.v2+json";
const V2: &str = "application/vnd.kafka.v2+json";

/// What curl gets; none if it is not installed, which it is in CI.
fn curl(args: &[&str]) -> Option<Value> {
    let output = match Command::new("curl").args(["-sSk", "--max-time", "60"]).args(args).output() {
        Ok(output) => output,
        Err(why) => {
            assert!(std::env::var_os("CI").is_none(), "curl: {why}");
            eprintln!("skipped: no curl");
            return None;
        }
    };
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    Some(if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

fn post(url: &str, media_type: &str, body: &Value) -> Option<Value> {
    let (header, body) = (format!("Content-Type: {media_type}"), body.to_string());
    curl(&["-H", &header, "-d", &body, url])
}

/// Produces a record with a schema and reads it by a consumer instance.
fn produce_and_consume(url: &str, topic: &str) -> Option<()> {
    let schema = r#"{"type":"record","name":"Delay","fields":[{"name":"minutes","type":"int"}]}"#;
    let records = json!({"value_schema": schema, "records": [{"value": {"minutes": 14}}]});
    let produced = post(&format!("{url}/topics/{topic}"), AVRO, &records)?;
    assert_eq!(produced["offsets"][0]["offset"], json!(0), "{produced}");
    let group = unique("curl");
    let spec = json!({"name": "c", "format": "avro", "auto.offset.reset": "earliest"});
    let made = post(&format!("{url}/consumers/{group}"), V2, &spec)?;
    let base = made["base_uri"].as_str().unwrap_or_else(|| panic!("{made}"));
    // links lead to where the client asked, whatever the container is called
    assert!(base.starts_with(url), "{base}");
    let assigned = json!({"partitions": [{"topic": topic, "partition": 0}]});
    post(&format!("{base}/assignments"), V2, &assigned)?;
    let accept = format!("Accept: {AVRO}");
    let read = curl(&["-H", &accept, &format!("{base}/records?timeout=20000")])?;
    assert_eq!(read[0]["value"], json!({"minutes": 14}), "{read}");
    curl(&["-X", "DELETE", "-H", &format!("Content-Type: {V2}"), base])?;
    Some(())
}

/// A registry that lets in who shows the password, or everybody.
fn registry(user: Option<&str>) -> (Weir, Api, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("password.properties");
    std::fs::write(&users, user.unwrap_or_default()).unwrap();
    let fixed =
        ["serve", "--roles", "registry", "--store", "memory", "--registry-listener", "127.0.0.1:0"];
    let door = ["--access-users-format", "jetty", "--access-users", users.to_str().unwrap()];
    let door = if user.is_some() { &door[..] } else { &[] };
    let mut weir = Weir::spawn(&mut Weir::command(&[&fixed[..], door].concat()));
    let api = weir.api("registry on");
    (weir, api, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_serve_curl_with_the_environment_of_their_container() {
    let folder = tempfile::tempdir().unwrap();
    let (_open, open, _a) = registry(None);
    let (_closed, closed, _b) = registry(Some("key: registry-hunter2,user\n"));
    let Some(places) = places(&folder, &open.url) else { return };
    let has_stores = stores(&folder);
    for environment in environments("proxy-") {
        if environment.has_stores() && !has_stores {
            continue;
        }
        let mut places = places.clone();
        if environment.name == "proxy-confluent-cloud" {
            places.registry = closed.url.clone();
        }
        let mut weir = Weir::spawn(&mut container(&[], &environment.at(&places), &folder));
        let api = reachable(&weir.api("REST proxy on"));
        let topic = unique("dropin");
        kafka().unwrap().create_topic(&topic, 1).await;
        if tokio::task::block_in_place(|| produce_and_consume(&api.url, &topic)).is_none() {
            return;
        }
        if environment.name == "proxy-fast-data-dev" {
            let request = api.request(reqwest::Method::GET, "/topics");
            let answer = request.header("origin", "https://page.example").send().await.unwrap();
            assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        }
        let said = weir.output.join("\n");
        let is_alone = !said.contains("registry on ");
        assert!(is_alone && !said.contains("hunter2") && !said.contains("weir-secret"), "{said}");
    }
    let login = format!("Basic {}", STANDARD.encode("key:registry-hunter2"));
    let request = closed.request(reqwest::Method::GET, "/subjects").header("authorization", login);
    let subjects = closed.send(request).await.json;
    assert_eq!(subjects.as_array().map(Vec::len), Some(1), "{subjects}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_needs_no_registry_until_somebody_uses_a_schema() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("dropin");
    kafka.create_topic(&topic, 1).await;
    let args = ["serve", "--roles", "proxy", "--proxy-listener", "127.0.0.1:0"];
    let mut command = Weir::command(&args);
    command
        .env("KAFKA_REST_BOOTSTRAP_SERVERS", &kafka.bootstrap_servers)
        .env("KAFKA_REST_SCHEMA_REGISTRY_URL", "");
    let mut weir = Weir::spawn(&mut command);
    let api = weir.api("REST proxy on");
    assert!(weir.output.iter().any(|line| line.contains("no schemas: no registry is named")));
    let records = json!({"records": [{"value": 1}]}).to_string();
    let answer = api.post_as(&format!("/topics/{topic}"), JSON, records).await;
    assert_eq!(answer.json["offsets"][0]["offset"], json!(0), "{}", answer.text);
    let said = "Payload error. No schema registry is configured, so that records cannot have schemas: set \
                schema.registry.url (KAFKA_REST_SCHEMA_REGISTRY_URL, --schema-registry-url).";
    let records = json!({"value_schema": "\"int\"", "records": [{"value": 1}]}).to_string();
    let answer = api.post_as(&format!("/topics/{topic}"), AVRO, records).await;
    answer.is_error(422, 42206, said);
    let answer = api.post_as("/consumers/g", V2, json!({"format": "avro"}).to_string()).await;
    answer.is_error(422, 42206, said);
    let cluster = api.get("/v3/clusters").await.json["data"][0]["cluster_id"].clone();
    let records = format!("/v3/clusters/{}/topics/{topic}/records", cluster.as_str().unwrap());
    let record = json!({"value": {"type": "AVRO", "schema": "\"int\"", "data": 1}}).to_string();
    let answer = api.post_as(&records, "application/json", record).await;
    assert_eq!(answer.json["error_code"], json!(42206), "{}", answer.text);
}
