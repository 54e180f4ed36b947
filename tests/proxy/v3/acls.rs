//! `../acls`.

use reqwest::Method;
use serde_json::{Value, json};
use weir_tests::{Answer, TestBroker, unique};

use super::site::Site;
use crate::fixtures::*;

on_both_brokers! {
    an_acl_can_be_created_found_and_deleted
    several_are_created_together
    what_is_no_acl_is_refused
}

// as another user, on a listener that asks for a login
on_kafka! {
    what_an_acl_forbids_is_40301
}

fn acl(topic: &str, operation: &str) -> Value {
    json!({
        "resource_type": "TOPIC", "resource_name": topic, "pattern_type": "LITERAL",
        "principal": "User:alice", "host": "*", "operation": operation, "permission": "ALLOW",
    })
}

/// The ACLs without what names their place.
fn bare(acls: &Value) -> Vec<Value> {
    let bare = |acl: &Value| {
        let mut acl = acl.clone();
        let fields = acl.as_object_mut().unwrap();
        assert_eq!(fields.remove("kind"), Some(json!("KafkaAcl")));
        assert!(fields.remove("metadata").is_some() && fields.remove("cluster_id").is_some());
        acl
    };
    acls["data"].as_array().unwrap().iter().map(bare).collect()
}

/// So many ACLs.
fn has(count: usize) -> impl Fn(&Answer) -> bool {
    move |answer| answer.json["data"].as_array().is_some_and(|acls| acls.len() == count)
}

const ANY: &str = "pattern_type=LITERAL&operation=ANY&permission=ANY&resource_type=TOPIC";

async fn an_acl_can_be_created_found_and_deleted(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = unique("routes");
    let created = site.post("/acls", &acl(&topic, "READ")).await;
    assert_eq!((created.status.as_u16(), created.text.as_str()), (201, ""));
    let place = created.headers["location"].to_str().unwrap();
    let place = place.strip_prefix(&site.api.url).unwrap();
    site.until(&format!("/acls?resource_name={topic}"), has(1)).await;
    assert_eq!(bare(&site.api.get(place).await.json), [acl(&topic, "READ")]);
    let named = format!("resource_name={topic}");
    for query in [
        named.clone(),
        format!("{named}&resource_type=topic&pattern_type=MATCH"),
        format!("{named}&principal=User:alice&operation=READ&host=*"),
    ] {
        assert_eq!(bare(&site.get(&format!("/acls?{query}")).await.json), [acl(&topic, "READ")]);
    }
    let other = site.get(&format!("/acls?{named}&operation=WRITE")).await;
    assert_eq!(bare(&other.json), [Value::Null; 0]);
    let deleted = site.delete(&format!("/acls?{named}&{ANY}")).await;
    assert_eq!((deleted.status.as_u16(), bare(&deleted.json)), (200, vec![acl(&topic, "READ")]));
    site.until(&format!("/acls?{named}"), has(0)).await;
    let deleted = site.delete(&format!("/acls?{named}&{ANY}")).await;
    deleted.is(json!({"data": []}));
}

async fn several_are_created_together(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = unique("routes");
    let both = [acl(&topic, "ALTER"), acl(&topic, "READ"), acl(&topic, "WRITE")];
    let answer = site.post("/acls:batch", &json!({"data": both})).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let path = format!("/acls?resource_name={topic}");
    assert_eq!(bare(&site.until(&path, has(3)).await.json), both);
    let pages = site.pages(&path, 1).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    site.delete(&format!("{path}&{ANY}")).await;
}

async fn what_is_no_acl_is_refused(broker: &TestBroker) {
    let site = Site::new(broker).await;
    for (field, value) in [
        ("operation", json!("ANY")),
        ("operation", json!("FLY")),
        ("permission", json!("ANY")),
        ("pattern_type", json!("MATCH")),
        ("resource_type", json!("ANY")),
        ("resource_name", json!(null)),
        ("host", json!(1)),
    ] {
        let mut acl = acl("routes", "READ");
        acl[field] = value;
        refused(&site.post("/acls", &acl).await, 400, 400);
    }
    // Kafka's own rules
    let mut cluster = acl("elsewhere", "ALTER");
    cluster["resource_type"] = json!("CLUSTER");
    refused(&site.post("/acls", &cluster).await, 400, 40002);
    let mut nobody = acl("routes", "READ");
    nobody["principal"] = json!("alice");
    refused(&site.post("/acls", &nobody).await, 400, 40002);
    for (name, kind) in [
        ("operation", "Operation"),
        ("pattern_type", "PatternType"),
        ("resource_type", "ResourceType"),
        ("permission", "Permission"),
    ] {
        for word in ["FLY", "UNKNOWN"] {
            let message = format!("The valid values for {kind} do not include '{word}'");
            site.get(&format!("/acls?{name}={word}")).await.is_error(404, 404, &message);
        }
    }
    if broker.embedded.is_none() {
        // longer than Java's clients can write
        let long = format!("/acls?resource_name={}", "a".repeat(40_000));
        refused(&site.get(&long).await, 400, 40002);
    }
    refused(&site.delete("/acls?resource_type=TOPIC").await, 400, 400);
    refused(&site.ask(Method::POST, "/acls:batch", Some(&json!([]))).await, 400, 400);
}

async fn what_an_acl_forbids_is_40301(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let mut deny = acl(&topic, "ALL");
    (deny["principal"], deny["permission"]) = (json!("User:weir-scram"), json!("DENY"));
    assert_eq!(site.post("/acls", &deny).await.status, 201);
    let secured = secured_proxy("sasl_plaintext", "SCRAM-SHA-256", "weir-secret").await;
    let secured = Site::of(secured).await;
    let path = format!("/topics/{topic}/configs");
    refused(&secured.until(&path, |answer| answer.status == 403).await, 403, 40301);
    let answer = produce(&secured.proxy, &topic, JSON, &records(&flights())).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert_eq!(answer.json["offsets"][0]["error_code"], json!(40301));
    site.delete(&format!("/acls?resource_name={topic}&{ANY}")).await;
}
