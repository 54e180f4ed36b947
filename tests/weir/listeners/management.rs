//! How the process is, on a listener of its own.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use weir_tests::Api;

use crate::probes::{names, until_ready};
use crate::process::Weir;

const LISTENER: [&str; 2] = ["--management-listener", "127.0.0.1:0"];

/// Families of an exposition, of which none may stand there twice.
fn families(text: &str) -> BTreeSet<&str> {
    let mut families = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        assert!(families.insert(line.split(' ').next().unwrap()), "{line}");
    }
    families
}

#[tokio::test]
async fn one_listener_says_how_registry_and_proxy_are() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let listeners =
        ["--registry-listener", "127.0.0.1:0", "--proxy-listener", "127.0.0.1:0", "--data-dir"];
    let mut weir = Weir::start(&[&["dev"], &listeners[..], &[data], &LISTENER].concat());
    let management = weir.api("management on");
    management.get("/healthz").await.is(json!({"status": "ok"}));
    until_ready(&management).await;
    let ready = management.get("/readyz").await.json;
    assert_eq!(ready["status"], json!("ready"));
    assert_eq!(names(&ready), ["log", "disk", "kafka", "schema-registry"]);

    let metrics = management.get("/metrics").await.text;
    let families = families(&metrics);
    for family in [
        "weir_registry_ready",
        "weir_proxy_records_sent_total",
        "weir_connections",
        "weir_http_requests_total",
    ] {
        assert!(families.contains(family), "{family} {metrics}");
    }
    // what it asks itself is nobody's request
    assert!(metrics.contains("service=\"management\",route=\"/readyz\""), "{metrics}");
    assert!(!metrics.contains("service=\"registry\",route=\"/readyz\""), "{metrics}");
    assert_eq!(management.get("/subjects").await.status, 404);
    assert_eq!(management.post("/healthz", &json!({})).await.status, 405);
    let rebound = management.request(Method::GET, "/metrics").header("host", "rebound.example");
    assert_eq!(management.send(rebound).await.status, 421);
}

#[tokio::test]
async fn a_proxy_whose_kafka_does_not_answer_is_alive_and_not_ready() {
    let kafka = ["--bootstrap-servers", "127.0.0.1:1"];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&[&kafka[..], &LISTENER].concat()));
    let management = weir.api("management on");
    weir.line("REST proxy on");
    assert_eq!(management.get("/healthz").await.status, 200);
    let readiness = management.get("/readyz").await;
    assert_eq!(readiness.status, 503);
    assert_eq!(names(&readiness.json)[..3], ["log", "disk", "kafka"]);
    assert_eq!(readiness.json["checks"][0]["ok"], json!(true));
    assert_eq!(readiness.json["checks"][2]["ok"], json!(false));
}

#[tokio::test]
async fn a_process_answers_for_what_it_runs() {
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let registry = ["--registry-listener", "127.0.0.1:0"];
    let mut weir = Weir::start(&[&fixed[..], &registry, &LISTENER].concat());
    let management: Api = weir.api("management on");
    weir.line("registry on");
    until_ready(&management).await;
    assert_eq!(names(&management.get("/readyz").await.json), ["log", "disk"]);
}

/// Below paths of their own, as other services.
#[tokio::test]
async fn it_may_share_a_listener() {
    let port = {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        taken.local_addr().unwrap().port()
    };
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let (registry, management) = (url("/registry"), url("/management"));
    let listeners = ["--registry-listener", &registry, "--management-listener", &management];
    let mut weir = Weir::start(&[&fixed[..], &listeners].concat());
    weir.line("registry on");
    assert_eq!(Api::at(management).get("/healthz").await.status, 200);
    assert_eq!(Api::at(registry).get("/subjects").await.status, 200);
}
