//! A secured Kafka: producing goes through librdkafka, asking the cluster through connections of the
//! proxy's own; both have to be let in.

use std::time::Instant;

use serde_json::json;
use weir_tests::{Answer, TestBroker, unique};

use crate::fixtures::*;
use crate::v3::Site;

on_kafka! {
    each_way_of_saying_who_one_is_works
    a_wrong_password_is_40101
    a_group_without_rights_is_40301_each_time
    a_topic_without_rights_is_40301_each_time
    a_keystore_that_only_librdkafka_reads_leaves_both_apis_their_metadata
}

async fn each_way_of_saying_who_one_is_works(_kafka: &TestBroker) {
    for protocol in ["sasl_plaintext", "sasl_ssl"] {
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let site = Site::of(secured_proxy(protocol, mechanism, "weir-secret").await).await;
            let topic = unique("secured");
            let body = json!({"topic_name": topic, "partitions_count": 1});
            let answer = site.post("/topics", &body).await;
            assert_eq!(answer.status, 201, "{protocol} {mechanism} {}", answer.text);
            sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
            let path = format!("/topics/{topic}/partitions/0/records?format=json");
            let read = site.get(&path).await;
            assert_eq!(read.json["data"].as_array().unwrap().len(), 3, "{}", read.text);
        }
    }
}

async fn a_wrong_password_is_40101(_kafka: &TestBroker) {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let proxy = secured_proxy("sasl_ssl", mechanism, "guessed").await;
        refused(&proxy.api.get("/v3/clusters").await, 401, 40101);
    }
}

/// Connections of the proxy's own read no PKCS #12: librdkafka is asked in their place, for what it can.
async fn a_keystore_that_only_librdkafka_reads_leaves_both_apis_their_metadata(kafka: &TestBroker) {
    let topic = new_topic(kafka, "routes", 2).await;
    let ca = std::env::var("WEIR_TEST_KAFKA_CA").expect("tests/run says where it is");
    let keystore = [
        ("ssl.keystore.location", ca.replace("ca.pem", "keystore.p12")),
        ("ssl.keystore.password", "weir-secret".to_string()),
    ];
    let proxy = secured_proxy_with("sasl_ssl", "PLAIN", "weir-secret", &keystore).await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights()[..1])).await);
    let site = Site::of(proxy).await;
    let listed = site.api.get("/topics").await;
    assert!(listed.json.as_array().unwrap().contains(&json!(topic)), "{}", listed.text);
    let found = site.api.get(&format!("/topics/{topic}")).await;
    assert_eq!(found.json["configs"]["cleanup.policy"], json!("delete"), "{}", found.text);
    let same = site.get(&format!("/topics/{topic}")).await;
    assert_eq!(same.json["partitions_count"], json!(2), "{}", same.text);
    let config = site.get(&format!("/topics/{topic}/configs/cleanup.policy")).await;
    assert_eq!(config.json["value"], json!("delete"), "{}", config.text);
    let mut sum = 0;
    for partition in 0..2 {
        let v2 = site.api.get(&format!("/topics/{topic}/partitions/{partition}/offsets")).await;
        let v3 = site.get(&format!("/topics/{topic}/partitions/{partition}/offset")).await;
        assert_eq!(v2.json["end_offset"], v3.json["latest_offset"], "{} {}", v2.text, v3.text);
        sum += v3.json["latest_offset"].as_i64().unwrap();
    }
    assert_eq!(sum, 1);
    refused(&site.api.get("/topics/missing").await, 404, 40403);
    refused(&site.get("/topics/missing").await, 404, 40403);
    // the rest needs a connection of the proxy's own, and says which setting stands in the way
    let acls = site.get("/acls").await;
    refused(&acls, 400, 40002);
    assert!(acls.text.contains("ssl.keystore.location"), "{}", acls.text);
}

/// Only somebody else may do this.
async fn forbid(site: &Site, resource_type: &str, name: &str, operation: &str) {
    let acl = json!({
        "resource_type": resource_type, "resource_name": name, "pattern_type": "LITERAL",
        "principal": "User:somebody", "host": "*", "operation": operation, "permission": "ALLOW",
    });
    assert_eq!(site.post("/acls", &acl).await.status, 201);
    site.until(&format!("/acls?resource_name={name}"), |answer| {
        answer.json["data"].as_array().is_some_and(|acls| !acls.is_empty())
    })
    .await;
}

/// The rights that a proxy has are given back.
async fn allow(site: &Site, name: &str) {
    let query = format!(
        "resource_name={name}&pattern_type=LITERAL&resource_type=ANY&operation=ANY&permission=ANY"
    );
    assert_eq!(site.delete(&format!("/acls?{query}")).await.status, 200);
}

/// The answer, once Kafka's authorizer has heard of it.
async fn until_refused(ask: impl AsyncFn() -> Answer) -> Answer {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = ask().await;
        if answer.status == 403 {
            return answer;
        }
        assert!(Instant::now() < deadline, "{} {}", answer.status, answer.text);
    }
}

async fn a_group_without_rights_is_40301_each_time(kafka: &TestBroker) {
    let site = Site::new(kafka).await;
    let topic = site.topic(kafka, 1).await;
    sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
    let group = unique("closed");
    forbid(&site, "GROUP", &group, "READ").await;
    let proxy = secured_proxy("sasl_plaintext", "PLAIN", "weir-secret").await;
    let message = format!("Not authorized to access group: {group}");
    let consumer = Consumer::in_group(&proxy, &group, json!({"format": "json"})).await;
    consumer.subscribe(&topic).await;
    until_refused(async || consumer.get("/records?timeout=2000").await)
        .await
        .is_error(403, 40301, &message);
    for _ in 0..2 {
        consumer.get("/records?timeout=1000").await.is_error(403, 40301, &message);
    }
    let commit = consumer.post("/offsets", &offset(&topic, 0, 1)).await;
    commit.is_error(403, 40301, &message);
    let committed = consumer.ask("/offsets", &partitions(&topic, &[0])).await;
    committed.is_error(403, 40301, &message);
    allow(&site, &group).await;
    let deadline = Instant::now() + DEADLINE;
    let mut read = 0;
    while read < 3 {
        assert!(Instant::now() < deadline, "it may read again, and does not");
        let answer = consumer.get("/records?timeout=1000").await;
        read += answer.json.as_array().map_or(0, Vec::len);
    }
}

async fn a_topic_without_rights_is_40301_each_time(kafka: &TestBroker) {
    let site = Site::new(kafka).await;
    let topic = site.topic(kafka, 1).await;
    forbid(&site, "TOPIC", &topic, "DESCRIBE").await;
    let proxy = secured_proxy("sasl_plaintext", "PLAIN", "weir-secret").await;
    let message = format!("Not authorized to access topics: [{topic}]");
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.subscribe(&topic).await;
    until_refused(async || consumer.get("/records?timeout=2000").await)
        .await
        .is_error(403, 40301, &message);
    for _ in 0..2 {
        consumer.get("/records?timeout=1000").await.is_error(403, 40301, &message);
    }
    let committed = consumer.ask("/offsets", &partitions(&topic, &[0])).await;
    committed.is_error(403, 40301, &message);
    let produced = produce(&proxy, &topic, JSON, &records(&flights()[..1])).await;
    assert_eq!(produced.status, 403, "{}", produced.text);
    assert_eq!(produced.json["offsets"][0]["error"], json!(message));
}
