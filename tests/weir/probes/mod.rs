//! What probes are told: by each listener, by `weir probe`, and what systemd is told unasked.

mod command;
mod docs;
mod systemd;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::Api;

use crate::access::house::{House, PASSWORD, RULES};
use crate::process::Weir;

/// The names of the dependencies that an answer has.
pub fn names(readiness: &Value) -> Vec<&str> {
    let checks = readiness["checks"].as_array().unwrap();
    checks.iter().map(|check| check["name"].as_str().unwrap()).collect()
}

/// Returns once the process says that it is ready.
pub async fn until_ready(api: &Api) {
    while api.get("/readyz").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A registry alone, in memory.
pub fn registry(flags: &[&str]) -> (Weir, Api) {
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let mut weir =
        Weir::start(&[&fixed[..], &["--registry-listener", "127.0.0.1:0"], flags].concat());
    let api = weir.api("registry on");
    (weir, api)
}

/// A proxy alone, whose registry nobody runs.
fn proxy(kafka: &str, flags: &[&str]) -> (Weir, Api) {
    let fixed = ["serve", "--roles", "proxy", "--schema-registry-url", "http://127.0.0.1:1"];
    let listeners = ["--proxy-listener", "127.0.0.1:0", "--bootstrap-servers", kafka];
    let mut weir = Weir::start(&[&fixed[..], &listeners, flags].concat());
    let api = weir.api("REST proxy on");
    (weir, api)
}

#[tokio::test]
async fn a_registry_says_what_it_depends_on_and_since_when() {
    let (_weir, api) = registry(&[]);
    until_ready(&api).await;
    let readiness = api.get("/readyz").await;
    assert_eq!(readiness.headers["content-type"], "application/json");
    assert_eq!(names(&readiness.json), ["log", "disk"]);
    for check in readiness.json["checks"].as_array().unwrap() {
        assert_eq!((&check["ok"], &check["required"]), (&json!(true), &json!(true)));
        let since = check["since"].as_str().unwrap();
        assert!(since.len() == "2026-11-29T12:00:00Z".len() && since.ends_with('Z'), "{since}");
    }
    api.get("/healthz").await.is(json!({"status": "ok"}));
    api.get("/startupz").await.is(json!({"status": "started"}));
    // a probe accepts what it likes
    let request = api.request(reqwest::Method::HEAD, "/readyz").header("accept", "text/html");
    assert_eq!(api.send(request).await.status, 200);
}

#[tokio::test]
async fn a_proxy_whose_kafka_is_silent_answers_probes_at_once_and_asks_kafka_once() {
    // takes connections, and never answers
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            open.push(stream);
        }
    });
    let (_weir, api) = proxy(&address, &[]);
    let probes = (0..200).map(|_| api.get("/readyz"));
    let answers = futures_util::future::join_all(probes).await;
    assert!(answers.iter().all(|answer| answer.status == 503));
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked < 20, "{asked} questions for 200 probes");
    let readiness = &answers[0].json;
    assert_eq!(readiness["status"], json!("not ready"));
    assert_eq!(names(readiness), ["kafka", "schema-registry"]);
    assert_eq!(readiness["checks"][1]["required"], json!(false));
    assert_eq!(api.get("/healthz").await.status, 200);
    let startup = api.get("/startupz").await;
    assert_eq!(startup.status, 503);
    assert!(startup.json["reason"].as_str().unwrap().starts_with("kafka: "), "{}", startup.text);
    assert_eq!(api.get("/").await.status, 200, "as the reference");
}

#[tokio::test]
async fn a_proxy_is_ready_without_a_registry() {
    let broker = weir_tests::embedded_broker();
    let (_weir, api) = proxy(&broker.bootstrap_servers, &[]);
    until_ready(&api).await;
    api.get("/startupz").await.is(json!({"status": "started"}));
    // nobody's registry is found out, and keeps no request away
    loop {
        let readiness = api.get("/readyz").await;
        assert_eq!(readiness.status, 200);
        let registry = &readiness.json["checks"][1];
        assert_eq!(
            (&registry["name"], &registry["ok"]),
            (&json!("schema-registry"), &json!(false))
        );
        if registry["reason"] != json!("it was not looked at yet") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_probe_without_a_login_is_told_no_reasons() {
    let house = House::new(RULES);
    let (_weir, api) = house.registry(&[]);
    for (path, status) in [("/healthz", "ok"), ("/readyz", "ready"), ("/startupz", "started")] {
        while api.get(path).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        api.get(path).await.is(json!({"status": status}));
        assert_eq!(api.post(path, &json!({})).await.status, 401, "only reads are open");
    }
    let request = api.request(reqwest::Method::GET, "/readyz");
    let told = api.send(request.basic_auth("alice", Some(PASSWORD))).await;
    assert_eq!(names(&told.json), ["log", "disk", "oidc"]);
    let request = api.request(reqwest::Method::GET, "/readyz");
    assert_eq!(api.send(request.basic_auth("alice", Some("wrong"))).await.status, 401);
    assert_eq!(api.get("/readyz/../subjects").await.status, 401);

    let (_weir, api) = house.registry(&["--access-open-path", "/readyz"]);
    until_ready(&api).await;
    assert_eq!(names(&api.get("/readyz").await.json), ["log", "disk", "oidc"]);
}

#[tokio::test]
async fn a_process_that_stops_is_draining_and_takes_requests() {
    let management = ["--management-listener", "127.0.0.1:0"];
    let (mut weir, api) = registry(&[&management[..], &["--drain-delay-ms", "600000"]].concat());
    let lines = weir.output.join("\n");
    let line = lines.lines().find(|line| line.contains("management on")).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http")).unwrap();
    let management = Api::at(url.to_string());
    until_ready(&api).await;
    let kept = api.get("/subjects").await;
    assert!(!kept.headers.contains_key("connection"));
    weir.signal("TERM");
    weir.line("draining");
    for api in [&api, &management] {
        let readiness = api.get("/readyz").await;
        assert_eq!(
            (readiness.status.as_u16(), &readiness.json["status"]),
            (503, &json!("draining"))
        );
        assert!(readiness.json["since"].is_string(), "{}", readiness.text);
        assert_eq!(api.get("/healthz").await.status, 200);
        assert_eq!(api.get("/startupz").await.status, 200);
    }
    let answer = api.get("/subjects").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["connection"]),
        (200, &"close".parse().unwrap())
    );
    weir.signal_until_end("TERM");
}
