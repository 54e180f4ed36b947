//! schemathesis against the registry: requests made up from the contract get answers that the
//! contract has. Its seed is fixed, so that it makes up the same ones each time.

use std::process::Command;

use serde_json::{Value, json};
use weir_tests::Api;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

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
async fn run(python: String, args: Vec<String>) -> String {
    let run = move || {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(python)
            .args(args)
            .env("PYTHONPATH", format!("{ROOT}/tests/python"))
            .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
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

/// Each answer is held to what `schemathesis.toml` says. Answers how many requests there were.
async fn hold_to_contract(python: String, api: &Api, options: &[&str]) -> u32 {
    let config = format!("{ROOT}/tests/python/schemathesis.toml");
    let contract = format!("{ROOT}/openapi/registry.yaml");
    let mut args = vec!["-m", "schemathesis.cli", "--config-file", &config, "run", &contract];
    args.extend(["--url", &api.url, "--seed", "20", "--max-examples", "100", "--no-color"]);
    args.extend(options);
    let printed = run(python, args.into_iter().map(String::from).collect()).await;
    let (before, _) = printed.split_once(" generated, ").expect(&printed);
    before.split_whitespace().next_back().unwrap().parse().unwrap()
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

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_valid() {
    let Some(python) = python() else { return };
    let script = format!("{ROOT}/tests/python/contract.py");
    run(python, vec![script, format!("{ROOT}/openapi/registry.yaml")]).await;
}

/// Modes are set apart: in a registry that is read-only or imports there is little to be seen.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_gets_documented_answers() {
    let Some(python) = python() else { return };
    let api = registry().await;
    let mut options = vec!["--exclude-operation-id", "putMode"];
    options.extend(["--exclude-operation-id", "putGlobalMode"]);
    let count = hold_to_contract(python, &api, &options).await;
    assert!(count > 2000, "only {count} requests");
    assert_eq!(api.get("/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_of_modes_gets_documented_answers() {
    let Some(python) = python() else { return };
    let api = registry().await;
    let count = hold_to_contract(python, &api, &["--include-tag", "Mode"]).await;
    assert!(count > 100, "only {count} requests");
    assert_eq!(api.get("/").await.status, 200);
}
