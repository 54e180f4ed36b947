//! Nodes that forward writes for callers whom they know.

use reqwest::Method;
use serde_json::json;
use weir_tests::{Api, TestBroker, kafka, unique};

use super::house::*;
use super::reload::until;
use crate::process::Weir;

/// A node with the house's access control, and an audit log of its own.
fn node(house: &House, kafka: &TestBroker, topic: &str, name: &str) -> (Weir, Api) {
    let audit = house.path(name);
    let secret = house.path("node.secret");
    std::fs::write(&secret, "only nodes know this\n").unwrap();
    let fixed = [
        ["--bootstrap-servers", &kafka.bootstrap_servers],
        ["--schemas-topic", topic],
        ["--registry-group", topic],
        ["--registry-listener", "127.0.0.1:0"],
        ["--registry-node-secret", secret.to_str().unwrap()],
        ["--access-audit-log", audit.to_str().unwrap()],
    ];
    let settings = house.settings();
    let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let at = settings.iter().position(|it| *it == "--access-audit-log").unwrap();
    settings.drain(at..at + 2);
    let serve = ["serve", "--roles", "registry", "--store", "kafka"];
    let mut weir = Weir::start(&[&serve[..], fixed.as_flattened(), &settings].concat());
    let api = weir.api("registry on");
    (weir, api)
}

fn audited(house: &House, name: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(house.path(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_leader_knows_for_whom_a_write_is_forwarded_and_decides_itself() {
    let Some(kafka) = kafka() else { return };
    let (house, topic) = (House::new(RULES), unique("_schemas"));
    let (mut first, one) = node(&house, &kafka, &topic, "first.log");
    let writable = async |api: &Api| {
        let status = house.admin().get(api, "/v1/cluster").await;
        status.json["writable"] == json!(true)
    };
    until(async || writable(&one).await).await;
    let (_second, other) = node(&house, &kafka, &topic, "second.log");
    until(async || writable(&other).await).await;
    assert_eq!(house.admin().get(&one, "/v1/cluster").await.json["role"], "leader");

    // through the one that does not lead
    let answer = user("alice").register(&other, "orders-value", "Order").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let line = audited(&house, "first.log").pop().unwrap();
    assert_eq!((&line["principal"], &line["proof"]), (&json!("alice"), &json!("password")));
    assert_eq!(user("bob").register(&other, "orders-value", "Other").await.status, 403);
    let token = house.token(json!({"sub": "eve", "groups": ["platform"]}));
    assert_eq!(token.register(&other, "payments-value", "Payment").await.status, 200);

    // how the cluster is, is for nodes and those who may read it
    assert_eq!(one.get("/v1/cluster").await.status, 401);
    assert_eq!(user("alice").get(&one, "/v1/cluster").await.status, 403);
    for name in ["weir-on-behalf", "weir-token"] {
        let request = one.request(Method::GET, "/v1/cluster").header(name, "eyJ9.AAAA");
        assert_eq!(one.send(request).await.status, 401);
    }

    // nodes ask each other without a login: who is left takes over
    first.kill();
    until(async || user("alice").register(&other, "orders-more", "More").await.status == 200).await;
}
