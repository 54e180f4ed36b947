//! A container of Confluent's whose image was replaced: what its environment makes of `weir serve`.

use rcgen::CertifiedKey;
use reqwest::Method;
use serde_json::json;
use weir_serde::RegistryClient;
use weir_tests::{Api, kafka, unique};

use crate::process::Weir;

/// A registry in memory, with variables of Confluent's.
fn registry(vars: &[(&str, &str)]) -> (Weir, Api) {
    let args = ["serve", "--roles", "registry", "--store", "memory"];
    let mut command = Weir::command(&args);
    command.env("SCHEMA_REGISTRY_LISTENERS", "http://127.0.0.1:0").envs(vars.iter().copied());
    let mut weir = Weir::spawn(&mut command);
    let api = weir.api("registry on");
    (weir, api)
}

/// What is said by a start that fails.
fn refusal(args: &[&str], vars: &[(&str, &str)]) -> String {
    let mut command = Weir::command(&[&["serve"], args].concat());
    let output = command.envs(vars.iter().copied()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

const SCHEMA: &str = r#"{"schema": "\"string\""}"#;

#[tokio::test]
async fn a_swapped_container_keeps_its_topic() {
    let Some(kafka) = kafka() else { return };
    let (topic, folder) = (unique("_schemas"), tempfile::tempdir().unwrap());
    let start = || {
        let mut command = Weir::command(&["serve", "--roles", "registry"]);
        command
            .current_dir(folder.path())
            .env("SCHEMA_REGISTRY_HOST_NAME", "localhost")
            .env("SCHEMA_REGISTRY_LISTENERS", "http://localhost:0")
            .env(
                "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS",
                format!("PLAINTEXT://{}", kafka.bootstrap_servers),
            )
            .env("SCHEMA_REGISTRY_KAFKASTORE_TOPIC", &topic)
            .env("SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID", &topic);
        let mut weir = Weir::spawn(&mut command);
        let api = weir.api("registry on");
        weir.line("this node leads");
        (weir, api)
    };
    let (weir, api) = start();
    let answer = api.post("/subjects/kept/versions", &json!({"schema": "\"string\""})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    drop(weir);
    let (_weir, api) = start();
    assert_eq!(api.get("/subjects").await.json, json!(["kept"]));
    assert!(!folder.path().join("weir-data").exists());
}

#[test]
fn zookeeper_alone_is_refused_with_what_to_do() {
    let error = refusal(
        &["--roles", "registry"],
        &[("SCHEMA_REGISTRY_KAFKASTORE_CONNECTION_URL", "zookeeper:2181")],
    );
    assert!(error.contains("SCHEMA_REGISTRY_KAFKASTORE_CONNECTION_URL: ZooKeeper"), "{error}");
    assert!(error.contains("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS"), "{error}");
}

#[test]
fn a_setting_that_restricts_access_ends_the_start() {
    let vars = [
        ("SCHEMA_REGISTRY_AUTHENTICATION_METHOD", "BASIC"),
        ("SCHEMA_REGISTRY_SNI_CHECK_ENABLED", "true"),
        ("SCHEMA_REGISTRY_LISTENERS", "http://127.0.0.1:0"),
    ];
    let error = refusal(&["--roles", "registry", "--store", "memory"], &vars);
    assert!(error.contains(vars[0].0) && error.contains(vars[1].0), "{error}");
    let https = [("SCHEMA_REGISTRY_LISTENERS", "https://127.0.0.1:0")];
    let error = refusal(&["--roles", "registry", "--store", "memory"], &https);
    assert!(error.contains("there is no certificate"), "{error}");
    // which may be meant
    let waived = ["--roles", "registry", "--store", "memory", "--ignore-setting", vars[0].0];
    let mut command = Weir::command(&[&["serve"], &waived[..]].concat());
    command.env(vars[0].0, vars[0].1).env(vars[2].0, vars[2].1);
    Weir::spawn(&mut command).line("registry on");
}

#[test]
fn passwords_are_not_in_the_log() {
    let proxy = ["--roles", "proxy", "--proxy-listener", "127.0.0.1:0"];
    let kafka = ["--bootstrap-servers", "127.0.0.1:1"];
    let args = [&proxy[..], &kafka].concat();
    let unknown = ["--kafka", "no.such.user.info=me:hunter2"];
    let error = refusal(
        &[&args[..], &unknown].concat(),
        &[("KAFKA_REST_SCHEMA_REGISTRY_URL", "http://me:hunter2@127.0.0.1:1")],
    );
    assert!(error.contains("no.such.user.info") && !error.contains("hunter2"), "{error}");
    let error = refusal(&args, &[("KAFKA_REST_SCHEMA_REGISTRY_URL", "ftp://me:hunter2@sr:1")]);
    assert!(error.contains("ftp://sr:1") && !error.contains("hunter2"), "{error}");
    let mut command = Weir::command(&[&["serve"], &args[..]].concat());
    command.env("KAFKA_REST_SCHEMA_REGISTRY_URL", "http://me:hunter2@127.0.0.1:1");
    let mut weir = Weir::spawn(&mut command);
    let line = weir.line("REST proxy on");
    assert!(line.contains("schemas from http://127.0.0.1:1"), "{line}");
    assert!(!weir.output.iter().any(|line| line.contains("hunter2")), "{:?}", weir.output);
}

#[tokio::test]
async fn modes_that_the_operator_fixed_cannot_be_changed() {
    let (_weir, api) = registry(&[("SCHEMA_REGISTRY_MODE_MUTABILITY", "False")]);
    for path in ["/mode", "/mode/orders", "/contexts/.eu/mode"] {
        let changed = api.put(path, &json!({"mode": "READONLY"})).await;
        changed.is_error(422, 42205, "Mode changes are not allowed");
        api.delete(path).await.is_error(422, 42205, "Mode changes are not allowed");
    }
    api.get("/mode").await.is(json!({"mode": "READWRITE"}));
}

#[tokio::test]
async fn the_default_level_holds_where_none_is_set_and_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let start = |level: Option<&str>| {
        let args = ["serve", "--roles", "registry", "--registry-listener", "127.0.0.1:0"];
        let data = ["--data-dir", folder.path().to_str().unwrap()];
        let mut command = Weir::command(&[&args[..], &data].concat());
        command.envs(level.map(|level| ("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL", level)));
        let mut weir = Weir::spawn(&mut command);
        let api = weir.api("registry on");
        (weir, api)
    };
    let level = async |api: &Api| api.get("/config").await.json["compatibilityLevel"].clone();
    let (weir, api) = start(Some("none"));
    assert_eq!(level(&api).await, "NONE");
    for schema in ["\"string\"", "\"int\""] {
        let answer = api.post("/subjects/s/versions", &json!({"schema": schema})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // what is set wins, and the default is back when that is deleted
    api.put("/config", &json!({"compatibility": "FULL"})).await;
    assert_eq!(level(&api).await, "FULL");
    api.delete("/config").await;
    assert_eq!(level(&api).await, "NONE");
    drop(weir);
    let (_weir, api) = start(None);
    assert_eq!(level(&api).await, "BACKWARD");
    let answer = api.post("/subjects/s/versions", &json!({"schema": "\"bytes\""})).await;
    assert_eq!(answer.json["error_code"], 40901, "{}", answer.text);
    let wrong = [("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL", "sideways")];
    assert!(refusal(&["--roles", "registry"], &wrong).contains("is not a compatibility level"));
}

#[tokio::test]
async fn answers_bodies_and_names_are_as_the_environment_says() {
    let (_weir, api) = registry(&[
        ("SCHEMA_REGISTRY_RESPONSE_HTTP_HEADERS_CONFIG", "set X-XSS-Protection: 1; mode=block"),
        ("SCHEMA_REGISTRY_NOSNIFF_PREVENTION_ENABLE", "true"),
        ("SCHEMA_REGISTRY_SIZE_LIMIT_FILTER_ENABLED", "true"),
        ("SCHEMA_REGISTRY_SIZE_LIMIT_FILTER_MAX_REQUEST_BODY_SIZE", "100"),
        ("SCHEMA_REGISTRY_SCHEMA_REJECT_EMPTY_SUBJECT", "true"),
    ]);
    let answer = api.get("/subjects").await;
    assert_eq!(answer.headers["x-xss-protection"], "1; mode=block");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    let large = json!({"schema": format!("\"{}\"", "s".repeat(100))});
    let refused = api.post("/subjects/s/versions", &large).await;
    assert_eq!((refused.status.as_u16(), &refused.json["error_code"]), (413, &json!(413)));
    let empty = api.post("/subjects/:.eu:/versions", &serde_json::from_str(SCHEMA).unwrap()).await;
    assert_eq!(empty.json["error_code"], 42208, "{}", empty.text);
}

#[tokio::test]
async fn an_https_listener_of_the_environment_speaks_https() {
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let store = folder.path().join("store.pem");
    std::fs::write(&store, signing_key.serialize_pem() + &cert.pem()).unwrap();
    let args = ["serve", "--roles", "registry", "--store", "memory"];
    let mut command = Weir::command(&args);
    command
        .env("SCHEMA_REGISTRY_LISTENERS", "http://127.0.0.1:0,https://127.0.0.1:0/")
        .env("SCHEMA_REGISTRY_SSL_KEYSTORE_LOCATION", &store)
        .env("SCHEMA_REGISTRY_SSL_KEYSTORE_TYPE", "PEM");
    let mut weir = Weir::spawn(&mut command);
    let http = weir.api("registry on http://");
    let https = weir.api("registry on https://").url.replace("127.0.0.1", "localhost");
    assert_eq!(http.get("/subjects").await.json, json!([]));
    let client = RegistryClient::builder(&https).ca_pem(cert.pem()).build().unwrap();
    assert!(client.subjects("").await.unwrap().is_empty());
    let plain = Api::at(https.replace("https://", "http://"));
    assert!(plain.request(Method::GET, "/subjects").send().await.is_err(), "it is no plain HTTP");
}

#[tokio::test]
async fn an_api_that_is_switched_off_is_not_there() {
    let start = |switch: &str| {
        let proxy = ["serve", "--roles", "proxy", "--proxy-listener", "127.0.0.1:0"];
        let kafka = ["--bootstrap-servers", "127.0.0.1:1"];
        let registry = ["--schema-registry-url", "http://127.0.0.1:1"];
        let mut command = Weir::command(&[&proxy[..], &kafka, &registry].concat());
        let mut weir = Weir::spawn(command.env(switch, "false"));
        let api = weir.api("REST proxy on");
        (weir, api)
    };
    let (_weir, api) = start("KAFKA_REST_API_V2_ENABLE");
    assert_eq!(api.get("/").await.status, 404);
    assert_eq!(api.get("/consumers/g").await.status, 404);
    let (_weir, api) = start("KAFKA_REST_API_V3_ENABLE");
    for path in ["/v3/clusters", "/kafka/v3/clusters"] {
        assert_eq!(api.get(path).await.status, 404, "{path}");
    }
    assert_ne!(api.get("/").await.status, 404);
}
