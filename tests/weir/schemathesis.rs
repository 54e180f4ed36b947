//! schemathesis against the registry and the proxy: requests made up from a contract get answers that
//! the contract has. Its seed is fixed, so that it makes up the same ones each time.

use std::process::Command;

use serde_json::{Value, json};
use weir_tests::{Api, ProxyUnderTest, embedded_broker};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const JSON: &str = "application/json";

/// The Python that `tests/run` has installed schemathesis for, or a line that says what is skipped.
/// In CI there has to be one.
fn python() -> Option<String> {
    let python = std::env::var("WEIR_TEST_PYTHON").ok();
    if python.is_none() {
        let why = "skipped: no schemathesis; `tests/run` installs it where python3 is";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("{why}");
    }
    python
}

/// Runs a module of Python's in an empty folder, and answers what it prints. It has to end well.
async fn run(python: String, args: Vec<String>, env: Vec<(&'static str, String)>) -> String {
    let run = move || {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(python)
            .args(args)
            .env("PYTHONPATH", format!("{ROOT}/tests/python"))
            .envs(env)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}\n{errors}");
        printed
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// A contract, the module that puts into requests what is there, and how many requests of an operation
/// are made up at random.
struct Contract {
    file: &'static str,
    hooks: &'static str,
    examples: &'static str,
}

const REGISTRY: Contract =
    Contract { file: "registry.yaml", hooks: "schemathesis_hooks", examples: "100" };
const PROXY: Contract =
    Contract { file: "proxy.yaml", hooks: "schemathesis_proxy_hooks", examples: "10" };

impl Contract {
    async fn is_valid(&self, python: String) {
        let script = format!("{ROOT}/tests/python/contract.py");
        run(python, vec![script, format!("{ROOT}/openapi/{}", self.file)], Vec::new()).await;
    }

    /// Each answer is held to what `schemathesis.toml` says. Answers how many requests there were.
    async fn holds(
        &self,
        python: String,
        api: &Api,
        options: &[&str],
        env: &[(&'static str, &str)],
    ) -> u32 {
        let config = format!("{ROOT}/tests/python/schemathesis.toml");
        let contract = format!("{ROOT}/openapi/{}", self.file);
        let mut args = vec!["-m", "schemathesis.cli", "--config-file", &config, "run", &contract];
        args.extend(["--url", &api.url, "--seed", "20", "--max-examples", self.examples]);
        args.push("--no-color");
        args.extend(options);
        let mut env: Vec<_> = env.iter().map(|(name, value)| (*name, value.to_string())).collect();
        env.push(("SCHEMATHESIS_HOOKS", self.hooks.to_string()));
        let printed = run(python, args.into_iter().map(String::from).collect(), env).await;
        let (before, _) = printed.split_once(" generated, ").expect(&printed);
        before.split_whitespace().next_back().unwrap().parse().unwrap()
    }
}

/// A registry that has what the hooks name.
async fn registry() -> Api {
    let api = weir_tests::registry().await;
    let record = |name: &str, fields: Value| {
        let schema = json!({"type": "record", "name": name, "namespace": "shop", "fields": fields});
        json!({"schema": schema.to_string(), "metadata": {"properties": {"team": "sales"}}})
    };
    let cents = json!([{"name": "cents", "type": "long"}]);
    let json_schema = json!({"schemaType": "JSON", "schema": "{\"type\":\"object\"}"});
    for (subject, request) in [
        ("orders-value", record("Order", cents.clone())),
        (":.eu:orders-value", record("Order", cents.clone())),
        ("money", record("Money", cents.clone())),
        (":.eu:money", record("Money", cents)),
        ("payments-value", json_schema),
    ] {
        let answer = api.post(&format!("/subjects/{subject}/versions"), &request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    api
}

/// A proxy that has what the hooks name.
async fn proxy() -> ProxyUnderTest {
    let broker = embedded_broker();
    for (topic, partitions) in [("flights", 2), ("stocks", 1), ("remarks", 1)] {
        broker.create_topic(topic, partitions).await;
    }
    let proxy = broker.proxy().await;
    let records = [
        ("flights", "json", json!({"records": [{"value": {"origin": "SAT"}, "partition": 0}]})),
        ("flights", "binary", json!({"records": [{"value": "/w==", "partition": 0}]})),
        (
            "stocks",
            "avro",
            json!({"value_schema": "\"string\"", "records": [{"value": "MSFT"}, {"value": null}]}),
        ),
        (
            "remarks",
            "text",
            json!({"records": [{"value": "late", "headers": [{"key": "leg", "value": null}]}]}),
        ),
    ];
    for (topic, format, body) in records {
        let media_type = format!("application/vnd.kafka.{format}.v2+json");
        let path = format!("/topics/{topic}");
        let answer = proxy.api.post_as(&path, &media_type, body.to_string()).await;
        assert_eq!(answer.json["offsets"][0]["error_code"], Value::Null, "{}", answer.text);
    }
    let place = |topic: &str| json!({"topic": topic, "partition": 0});
    let partitions = ["flights", "stocks", "remarks"].map(place);
    let partitions = json!({"partitions": partitions});
    for (group, format, read) in [
        ("binary", "binary", None),
        ("json", "json", Some(("assignments", &partitions))),
        ("avro", "avro", Some(("assignments", &partitions))),
        ("text", "text", Some(("assignments", &partitions))),
        ("subscriber", "json", Some(("subscription", &json!({"topics": ["flights"]})))),
        ("closed", "binary", None),
    ] {
        let settings = json!({
            "name": "gate", "format": format, "auto.offset.reset": "earliest",
            "consumer.request.timeout.ms": 20,
        });
        let path = format!("/consumers/{group}");
        let answer = proxy.api.post_as(&path, JSON, settings.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if let Some((way, body)) = read {
            let path = format!("{path}/instances/gate/{way}");
            let answer = proxy.api.post_as(&path, JSON, body.to_string()).await;
            assert_eq!(answer.status, 204, "{}", answer.text);
        }
    }
    proxy
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contracts_are_valid() {
    let Some(python) = python() else { return };
    REGISTRY.is_valid(python.clone()).await;
    PROXY.is_valid(python).await;
}

/// Modes are set apart: in a registry that is read-only or imports there is little to be seen.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_gets_documented_answers() {
    let Some(python) = python() else { return };
    let api = registry().await;
    let mut options = vec!["--exclude-operation-id", "putMode"];
    options.extend(["--exclude-operation-id", "putGlobalMode"]);
    let count = REGISTRY.holds(python, &api, &options, &[]).await;
    assert!(count > 2000, "only {count} requests");
    assert_eq!(api.get("/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_of_modes_gets_documented_answers() {
    let Some(python) = python() else { return };
    let api = registry().await;
    let count = REGISTRY.holds(python, &api, &["--include-tag", "Mode"], &[]).await;
    assert!(count > 100, "only {count} requests");
    assert_eq!(api.get("/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_of_the_proxys_contract_gets_documented_answers() {
    let Some(python) = python() else { return };
    let proxy = proxy().await; // its broker ends with it
    let api = &proxy.api;
    let clusters = api.get("/v3/clusters").await.json;
    let cluster = clusters["data"][0]["cluster_id"].as_str().unwrap();
    let count = PROXY.holds(python, api, &[], &[("WEIR_TEST_CLUSTER", cluster)]).await;
    assert!(count > 5000, "only {count} requests");
    assert_eq!(api.get("/").await.status, 200);
}
