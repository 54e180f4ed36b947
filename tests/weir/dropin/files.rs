//! Confluent's files of properties, and its start scripts, which take one.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;
use weir_tests::kafka;

use super::environment::{folder, moved};
use super::{own_topic, places, reachable};
use crate::process::Weir;

/// A file that is delivered with Confluent's packages, with the test's addresses.
fn delivered(name: &str, to: &TempDir) -> Option<PathBuf> {
    let places = places(to, "")?;
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let line = |line: &str| match line.split_once('=') {
        Some((name, value)) if !line.starts_with(['#', '!']) => {
            format!("{name}={}", moved(name.trim(), value.trim(), &places))
        }
        _ => line.to_string(),
    };
    let path = to.path().join(name);
    std::fs::write(&path, text.lines().map(line).collect::<Vec<_>>().join("\n")).unwrap();
    Some(path)
}

#[tokio::test]
async fn the_registry_starts_with_the_file_that_it_is_delivered_with() {
    let folder = tempfile::tempdir().unwrap();
    let Some(file) = delivered("schema-registry.properties", &folder) else { return };
    let mut command = Weir::command(&["serve", file.to_str().unwrap()]);
    let topic = own_topic();
    command.env_clear().current_dir(folder.path()).envs(topic.clone());
    let mut weir = Weir::spawn(&mut command);
    let api = reachable(&weir.api("registry on"));
    weir.line("this node leads");
    let answer = api.post("/subjects/s/versions", &json!({"schema": "\"string\""})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let said = weir.output.join("\n");
    assert!(said.contains("schema-registry.properties:7: metadata.encoder.secret"), "{said}");
    assert!(!said.contains("not-the-delivered-one") && !said.contains("REST proxy"), "{said}");
    drop(weir);
    // under the name of Confluent's script, and with a variable, which wins
    let script = folder.path().join("schema-registry-start");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_weir"), &script).unwrap();
    let mut command = Command::new(&script);
    command.arg(&file).env_clear().current_dir(folder.path()).envs(topic);
    command.env("SCHEMA_REGISTRY_MODE_MUTABILITY", "false");
    let mut weir = Weir::spawn(&mut command);
    let api = reachable(&weir.api("registry on"));
    weir.line("this node leads");
    assert_eq!(api.get("/subjects").await.json, json!(["s"]));
    assert_eq!(api.put("/mode", &json!({"mode": "IMPORT"})).await.status, 422);
}

#[tokio::test]
async fn the_proxy_starts_with_the_file_that_it_is_delivered_with() {
    let folder = tempfile::tempdir().unwrap();
    let Some(file) = delivered("kafka-rest.properties", &folder) else { return };
    let script = folder.path().join("kafka-rest-start");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_weir"), &script).unwrap();
    let mut command = Command::new(&script);
    command.arg(&file).env_clear().current_dir(folder.path()).env("KAFKA_REST_PORT", "0");
    let mut weir = Weir::spawn(&mut command);
    let line = weir.line("REST proxy on");
    // as the reference, it looks for a registry on its own machine
    assert!(line.contains("http://0.0.0.0:") && line.contains("http://localhost:8081"), "{line}");
}

#[tokio::test]
async fn one_process_takes_a_file_of_each_server() {
    let folder = tempfile::tempdir().unwrap();
    if kafka().is_none() {
        return;
    }
    let registry = delivered("schema-registry.properties", &folder).unwrap();
    let proxy = delivered("kafka-rest.properties", &folder).unwrap();
    let args = ["serve", registry.to_str().unwrap(), "--proxy-properties", proxy.to_str().unwrap()];
    let mut command = Weir::command(&args);
    command.env_clear().current_dir(folder.path()).envs(own_topic()).env("KAFKA_REST_PORT", "0");
    let mut weir = Weir::spawn(&mut command);
    let registry = weir.api("registry on");
    let line = weir.line("REST proxy on");
    let own = registry.url.replace("0.0.0.0", "127.0.0.1");
    assert!(line.contains(&format!("schemas from {own}")), "{line}");
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str, args: &[&str]| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let args = [&["config", "check", file.to_str().unwrap()], args].concat();
        let output = Weir::command(&args).env_clear().output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let text =
        "bootstrap.servers=k:9092\n\napi.v2.enable : perhaps\nauthentication.method BEARER\n";
    let said = check("kafka-rest.properties", text, &[]);
    let line =
        "kafka-rest.properties:3: api.v2.enable: \"perhaps\" is neither true nor false (BOOLEAN)";
    assert!(said.contains(line), "{said}");
    assert!(said.contains("kafka-rest.properties:4: authentication.method: of BASIC"), "{said}");
    let said = check("a.properties", "listeners=http://127.0.0.1:1\n", &[]);
    assert!(said.contains("say --registry-properties or --proxy-properties"), "{said}");
    let said = check("kafka-rest.properties", "bootstrap.servers=k\nx=\\u12\n", &[]);
    assert!(said.contains("kafka-rest.properties:2:1: \\u12 is not"), "{said}");
    // which may be meant
    let file = folder.path().join("kafka-rest.properties");
    std::fs::write(&file, "bootstrap.servers=k:9092\nauthentication.method=BEARER\n").unwrap();
    let waived = ["--ignore-setting", "authentication.method"];
    let args = [&["config", "check", file.to_str().unwrap()], &waived[..]].concat();
    let output = Weir::command(&args).env_clear().output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_setting_is_explained_by_its_variable_or_its_name() {
    let explain = |name: &str| {
        let output = Weir::command(&["config", "explain", name]).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.success())
    };
    let (said, is_known) = explain("SCHEMA_REGISTRY_HOST_NAME");
    assert!(
        is_known
            && said.contains("host.name (SCHEMA_REGISTRY_HOST_NAME), a setting of the registry")
    );
    assert!(said.contains("understood: --registry-host-name"), "{said}");
    let (said, _) = explain("ssl.keystore.location");
    assert!(said.contains("KAFKA_REST_SSL_KEYSTORE_LOCATION"), "{said}");
    assert!(said.contains("SCHEMA_REGISTRY_SSL_KEYSTORE_LOCATION"), "{said}");
    let (said, is_known) = explain("KAFKA_REST_NO_SUCH");
    assert!(!is_known && said.contains("unknown: nobody here knows it"), "{said}");
    let output = Weir::command(&["config", "explain"]).output().unwrap();
    let counts = String::from_utf8(output.stdout).unwrap();
    let unknown = counts.lines().find(|line| line.starts_with("unknown")).unwrap();
    assert_eq!(unknown.split_whitespace().collect::<Vec<_>>(), ["unknown", "0", "0"]);
}
