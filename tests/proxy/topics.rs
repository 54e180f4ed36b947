//! `/topics`

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use super::fixtures::*;

on_both_brokers! {
    topics_are_listed_in_order
    a_topic_shows_its_partitions
    a_missing_topic_is_40403
    looking_for_a_topic_does_not_make_it
    a_topic_shows_its_configuration
    topics_of_kafkas_own_are_not_listed
    records_for_a_missing_topic_are_50003_in_five_seconds
    a_name_that_no_topic_can_have_is_40403
}

async fn topics_are_listed_in_order(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let mut mine = [
        new_topic(broker, "stocks", 1).await,
        new_topic(broker, "flights", 2).await,
        new_topic(broker, "movies", 1).await,
    ];
    mine.sort();
    let answer = proxy.api.get("/topics").await;
    assert_eq!(
        (answer.status.as_u16(), answer.headers["content-type"].as_bytes()),
        (200, V2.as_bytes())
    );
    let names: Vec<String> = serde_json::from_value(answer.json).unwrap();
    assert!(names.is_sorted());
    let found: Vec<&String> = names.iter().filter(|name| mine.contains(name)).collect();
    assert_eq!(found, mine.iter().collect::<Vec<_>>());
}

async fn a_topic_shows_its_partitions(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    let answer = proxy.api.get(&format!("/topics/{topic}")).await;
    assert_eq!(answer.status, 200);
    let members: Vec<&String> = answer.json.as_object().unwrap().keys().collect();
    assert_eq!(members, ["configs", "name", "partitions"]);
    assert_eq!(answer.json["name"], json!(topic));
    let replicas = json!([{"broker": 1, "leader": true, "in_sync": true}]);
    let partitions = json!([
        {"partition": 0, "leader": 1, "replicas": replicas},
        {"partition": 1, "leader": 1, "replicas": replicas},
    ]);
    assert_eq!(answer.json["partitions"], partitions);
}

async fn a_topic_shows_its_configuration(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let answer = broker.proxy().await.api.get(&format!("/topics/{topic}")).await;
    let configs = answer.json["configs"].as_object().unwrap();
    assert_eq!(configs["cleanup.policy"], json!("delete"));
    assert_eq!(configs["max.message.bytes"], json!("1048588"));
    assert!(configs.values().all(Value::is_string));
}

async fn a_missing_topic_is_40403(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = unique("missing");
    for rest in ["", "/partitions", "/partitions/0", "/partitions/0/offsets"] {
        let answer = proxy.api.get(&format!("/topics/{topic}{rest}")).await;
        answer.is_error(404, 40403, "This server does not host this topic-partition.");
    }
}

async fn looking_for_a_topic_does_not_make_it(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = unique("missing");
    proxy.api.get(&format!("/topics/{topic}")).await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    consumer.take_none().await;
    let names: Vec<String> = serde_json::from_value(proxy.api.get("/topics").await.json).unwrap();
    assert!(!names.contains(&topic));
}

async fn a_name_that_no_topic_can_have_is_40403(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    for name in ["no%20such%20topic", "flights%2Fdelayed", "vols%C3%A9"] {
        let answer = proxy.api.get(&format!("/topics/{name}")).await;
        answer.is_error(404, 40403, "This server does not host this topic-partition.");
    }
}

async fn records_for_a_missing_topic_are_50003_in_five_seconds(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = unique("missing");
    let begun = Instant::now();
    let answer = produce(&proxy, &topic, JSON, &records(&flights()[..2])).await;
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    let failed = json!({"partition": null, "offset": null, "error_code": 50003,
        "error": format!("Topic {topic} not present in metadata after 3000 ms.")});
    answer.is(json!({"key_schema_id": null, "value_schema_id": null, "offsets": [failed, failed]}));
}

async fn topics_of_kafkas_own_are_not_listed(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    consumer.post("/offsets", &offset(&topic, 0, 0)).await.is(json!([]));
    let names: Vec<String> = serde_json::from_value(proxy.api.get("/topics").await.json).unwrap();
    assert!(
        names.contains(&topic) && !names.iter().any(|name| name.starts_with("__")),
        "{names:?}"
    );
}
