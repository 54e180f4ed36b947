//! `../topics`.

use reqwest::Method;
use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use super::site::Site;
use crate::fixtures::*;

on_both_brokers! {
    a_topic_can_be_created_and_used
    a_validated_topic_is_not_there
    a_topic_that_cannot_be_is_40002
    topics_are_listed_in_pages
    a_body_that_is_not_the_apis_is_refused
    configs_and_assignments_are_the_topics
    partitions_can_be_added
    a_topic_can_be_deleted
    one_may_ask_what_one_may_do
}

fn described(site: &Site, topic: &str, partitions: usize) -> Value {
    let path = format!("/topics/{topic}");
    json!({
        "kind": "KafkaTopic",
        "metadata": site.metadata(&path, &format!("/topic={topic}")),
        "cluster_id": site.id,
        "topic_name": topic,
        "is_internal": false,
        "replication_factor": 1,
        "partitions_count": partitions,
        "partitions": site.link(&format!("{path}/partitions")),
        "configs": site.link(&format!("{path}/configs")),
        "partition_reassignments": site.link(&format!("{path}/partitions/-/reassignment")),
        "authorized_operations": [],
    })
}

async fn a_topic_can_be_created_and_used(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = unique("routes");
    let body = json!({"topic_name": topic, "partitions_count": 3, "replication_factor": 1});
    let answer = site.post("/topics", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json), (201, &described(&site, &topic, 3)));
    assert_eq!(answer.headers["location"], site.url(&format!("/topics/{topic}")));
    let deadline = std::time::Instant::now() + DEADLINE;
    while site.get(&format!("/topics/{topic}")).await.json != described(&site, &topic, 3) {
        assert!(std::time::Instant::now() < deadline, "the topic does not appear");
    }
    sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
}

async fn a_validated_topic_is_not_there(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = unique("routes");
    let body = json!({"topic_name": topic, "partitions_count": 2, "validate_only": true});
    let answer = site.post("/topics", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json), (200, &described(&site, &topic, 2)));
    let missing = "This server does not host this topic-partition.";
    site.get(&format!("/topics/{topic}")).await.is_error(404, 40403, missing);
}

async fn a_topic_that_cannot_be_is_40002(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    for (field, value) in [
        ("topic_name", json!(topic)),
        ("partitions_count", json!(0)),
        ("replication_factor", json!(7)),
    ] {
        let mut body = json!({"topic_name": unique("routes"), "partitions_count": 1});
        body[field] = value;
        refused(&site.post("/topics", &body).await, 400, 40002);
    }
    for name in ["no spaces", "", "ü", ".", "a/b"] {
        let answer = site.post("/topics", &json!({"topic_name": name})).await;
        answer.is_error(422, 42206, "Payload error. Invalid topic name.");
    }
}

async fn topics_are_listed_in_pages(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let mut mine = Vec::new();
    for _ in 0..3 {
        mine.push(site.topic(broker, 1).await);
    }
    let name = |topic: &Value| topic["topic_name"].as_str().unwrap().to_string();
    let ours = |topics: Vec<Value>| {
        topics.iter().map(name).filter(|name| mine.contains(name)).collect::<Vec<_>>()
    };
    let all = site.list("/topics", "KafkaTopicList").await;
    let mut sorted = mine.clone();
    sorted.sort();
    assert_eq!(ours(all), sorted);
    // others may make topics meanwhile
    let pages = site.pages("/topics", 2).await;
    assert!(pages.iter().rev().skip(1).all(|page| page.len() == 2));
    assert_eq!(ours(pages.concat()), sorted);
    refused(&site.get("/topics?page_token=!").await, 400, 400);
    for nothing in ["0", "-1", "x", ""] {
        let all = site.get(&format!("/topics?page_size={nothing}")).await;
        assert_eq!((all.status.as_u16(), &all.json["metadata"]["next"]), (200, &Value::Null));
    }
}

async fn a_body_that_is_not_the_apis_is_refused(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let answer = site.ask(Method::POST, "/topics", None).await;
    answer.is_error(422, 42206, "Payload error. Request body is empty. Data is required.");
    let answer = site.post("/topics", &json!({"topic": "a"})).await;
    answer.is_error(422, 422, "Unrecognized field: topic");
    for body in ["{", "[]", "1", "{}", "{\"topic_name\":null}"] {
        let answer =
            site.api.post_as(&site.path("/topics"), "application/json", body.to_string()).await;
        refused(&answer, 400, 400);
    }
    let answer = site.api.post_as(&site.path("/topics"), "text/plain", "{}".to_string()).await;
    answer.is_error(415, 415, "HTTP 415 Unsupported Media Type");
}

async fn configs_and_assignments_are_the_topics(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = unique("routes");
    let body = json!({
        "topic_name": topic,
        "replicas_assignments": {"0": [1], "1": [1]},
        "configs": [{"name": "cleanup.policy", "value": "compact"}],
    });
    let answer = site.post("/topics", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json), (201, &described(&site, &topic, 2)));
    let path = format!("/topics/{topic}/configs/cleanup.policy");
    site.until(&path, |answer| answer.json["value"] == json!("compact")).await;
    let body =
        json!({"topic_name": unique("routes"), "configs": [{"name": "no.such", "value": "1"}]});
    refused(&site.post("/topics", &body).await, 400, 40002);
}

async fn partitions_can_be_added(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let path = format!("/topics/{topic}");
    let grow = |count: i32| json!({"partitions_count": count});
    let answer = site.ask(Method::PATCH, &path, Some(&grow(3))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // a broker may answer the old state for a moment
    site.until(&path, |answer| answer.json["partitions_count"] == json!(3)).await;
    for count in [3, 1, 0] {
        refused(&site.ask(Method::PATCH, &path, Some(&grow(count))).await, 400, 40002);
    }
    refused(&site.ask(Method::PATCH, "/topics/missing", Some(&grow(3))).await, 404, 40403);
}

async fn a_topic_can_be_deleted(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let path = format!("/topics/{topic}");
    done(&site.delete(&path).await);
    refused(&site.delete(&path).await, 404, 40403);
    refused(&site.get(&path).await, 404, 40403);
}

async fn one_may_ask_what_one_may_do(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let path = format!("/topics/{topic}?include_authorized_operations=true");
    let found = site.get(&path).await.json["authorized_operations"].clone();
    let all = ["READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE"];
    for operation in all {
        assert!(found.as_array().unwrap().contains(&json!(operation)), "{operation}: {found}");
    }
}
