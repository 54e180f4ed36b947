//! `/topics/{topic}/partitions`

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use super::fixtures::*;
use crate::v3::Site;

on_both_brokers! {
    partitions_are_listed
    a_partition_shows_its_replicas
    a_missing_partition_is_40402
    a_partition_that_is_no_number_is_404
    offsets_are_the_first_and_the_one_after_the_last
    records_go_to_the_partition_of_the_path
    the_partition_of_a_record_wins
    a_record_may_name_its_partition
    equal_keys_go_to_one_partition
    keys_go_to_the_partitions_that_java_gives_them
    a_record_for_a_missing_partition_fails_alone
    a_negative_partition_is_422
    records_without_keys_stay_together
    a_partition_that_was_just_added_is_written
    a_topic_that_is_made_after_a_failed_record_is_written
    offsets_of_a_topic_that_was_just_made_are_there
}

async fn partitions_are_listed(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 3).await;
    let answer = broker.proxy().await.api.get(&format!("/topics/{topic}/partitions")).await;
    let replicas = json!([{"broker": 1, "leader": true, "in_sync": true}]);
    answer.is(json!([
        {"partition": 0, "leader": 1, "replicas": replicas},
        {"partition": 1, "leader": 1, "replicas": replicas},
        {"partition": 2, "leader": 1, "replicas": replicas},
    ]));
}

async fn a_partition_shows_its_replicas(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let answer = broker.proxy().await.api.get(&format!("/topics/{topic}/partitions/1")).await;
    answer.is(json!({"partition": 1, "leader": 1,
        "replicas": [{"broker": 1, "leader": true, "in_sync": true}]}));
}

async fn a_missing_partition_is_40402(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    for rest in ["1", "2147483647", "-1", "1/offsets"] {
        let answer = proxy.api.get(&format!("/topics/{topic}/partitions/{rest}")).await;
        answer.is_error(404, 40402, "Partition not found.");
    }
}

async fn a_partition_that_is_no_number_is_404(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    for rest in ["first", "0.5", "2147483648", "first/offsets"] {
        let answer = proxy.api.get(&format!("/topics/{topic}/partitions/{rest}")).await;
        answer.is_error(404, 404, "HTTP 404 Not Found");
    }
    let path = format!("/topics/{topic}/partitions/first");
    let answer = proxy.api.post_as(&path, JSON, records(&flights()).to_string()).await;
    answer.is_error(404, 404, "HTTP 404 Not Found");
}

async fn offsets_are_the_first_and_the_one_after_the_last(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    let path = format!("/topics/{topic}/partitions/1/offsets");
    proxy.api.get(&path).await.is(json!({"beginning_offset": 0, "end_offset": 0}));
    let produce = format!("/topics/{topic}/partitions/1");
    sent(&proxy.api.post_as(&produce, JSON, records(&flights()).to_string()).await);
    proxy.api.get(&path).await.is(json!({"beginning_offset": 0, "end_offset": 3}));
    let other = proxy.api.get(&format!("/topics/{topic}/partitions/0/offsets")).await;
    other.is(json!({"beginning_offset": 0, "end_offset": 0}));
}

async fn records_go_to_the_partition_of_the_path(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 3).await;
    let proxy = broker.proxy().await;
    let path = format!("/topics/{topic}/partitions/2");
    let answer = proxy.api.post_as(&path, JSON, records(&flights()).to_string()).await;
    assert_eq!(sent(&answer), [(2, 0), (2, 1), (2, 2)]);
    assert!(native_read(broker, &topic).await.iter().all(|record| record.partition == 2));
}

async fn the_partition_of_a_record_wins(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 3).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [{"value": "SAT", "partition": 0}, {"value": "OAK"},
        {"value": "PHX", "partition": null}, {"value": "HOU", "partition": 1}]});
    let path = format!("/topics/{topic}/partitions/2");
    let answer = proxy.api.post_as(&path, JSON, body.to_string()).await;
    assert_eq!(sent(&answer), [(0, 0), (2, 0), (2, 1), (1, 0)]);
}

async fn a_record_may_name_its_partition(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 3).await;
    let proxy = broker.proxy().await;
    let body =
        json!({"records": [{"value": "SAT", "partition": 2}, {"value": "OAK", "partition": 0}]});
    assert_eq!(sent(&produce(&proxy, &topic, JSON, &body).await), [(2, 0), (0, 0)]);
}

async fn equal_keys_go_to_one_partition(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 4).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [{"key": "MSFT", "value": 39.81}, {"key": "MSFT", "value": 36.35},
        {"key": "MSFT", "value": 43.22}]});
    let sent = sent(&produce(&proxy, &topic, JSON, &body).await);
    assert!(sent.iter().all(|(partition, _)| *partition == sent[0].0), "{sent:?}");
    assert_eq!(sent.iter().map(|(_, offset)| *offset).collect::<Vec<_>>(), [0, 1, 2]);
}

async fn keys_go_to_the_partitions_that_java_gives_them(broker: &TestBroker) {
    let topic = new_topic(broker, "airports", 6).await;
    let proxy = broker.proxy().await;
    // SFO, MSFT, ff fe, and empty: murmur2, without its sign, modulo the partitions
    let body =
        json!({"records": [{"key": "U0ZP"}, {"key": "TVNGVA=="}, {"key": "//4="}, {"key": ""}]});
    let sent = sent(&produce(&proxy, &topic, BINARY, &body).await);
    assert_eq!(sent.iter().map(|(partition, _)| *partition).collect::<Vec<_>>(), [4, 0, 3, 3]);
}

async fn a_record_for_a_missing_partition_fails_alone(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [{"value": "SAT", "partition": 0}, {"value": "OAK", "partition": 7},
        {"value": "PHX", "partition": 1}]});
    // before the proxy has heard of the topic, and after
    for offset in [0, 1] {
        let answer = produce(&proxy, &topic, JSON, &body).await;
        assert_eq!(answer.status, 200);
        let results = &answer.json["offsets"];
        let fine = |partition| json!({"partition": partition, "offset": offset, "error_code": null, "error": null});
        assert_eq!((&results[0], &results[2]), (&fine(0), &fine(1)));
        assert_eq!((&results[1]["partition"], &results[1]["offset"]), (&json!(null), &json!(null)));
        assert_eq!(results[1]["error_code"], json!(50003));
        assert!(results[1]["error"].as_str().unwrap().to_lowercase().contains("partition"));
    }
    assert_eq!(native_read(broker, &topic).await.len(), 4);
}

async fn a_negative_partition_is_422(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    for partition in [-1, -2, i32::MIN] {
        let body = json!({"records": [{"value": "SAT"}, {"value": "OAK", "partition": partition}]});
        refused(&produce(&proxy, &topic, JSON, &body).await, 422, 422);
        let path = format!("/topics/{topic}/partitions/{partition}");
        let answer = proxy.api.post_as(&path, JSON, records(&flights()).to_string()).await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
    }
    assert_eq!(native_read(broker, &topic).await, []);
}

async fn a_partition_that_was_just_added_is_written(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
    let more = json!({"partitions_count": 3});
    let grown = site.ask(Method::PATCH, &format!("/topics/{topic}"), Some(&more)).await;
    assert_eq!(grown.status, 200, "{}", grown.text);
    let values: Vec<Value> = (0..30).map(|n| json!({"partition": 1 + n % 2, "value": n})).collect();
    let answer = produce(&site.proxy, &topic, JSON, &json!({"records": values})).await;
    let expected: Vec<_> = (0..30).map(|n| (1 + n % 2, n / 2)).collect();
    assert_eq!(sent(&answer), expected, "each in its place, in their order");
}

async fn a_topic_that_is_made_after_a_failed_record_is_written(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = unique("late");
    for _ in 0..2 {
        let answer = produce(&site.proxy, &topic, JSON, &records(&flights()[..1])).await;
        assert_eq!(answer.json["offsets"][0]["error_code"], json!(50003), "{}", answer.text);
    }
    let body = json!({"topic_name": topic, "partitions_count": 1});
    assert_eq!(site.post("/topics", &body).await.status, 201);
    let begun = Instant::now();
    sent(&produce(&site.proxy, &topic, JSON, &records(&flights())).await);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

async fn offsets_of_a_topic_that_was_just_made_are_there(broker: &TestBroker) {
    let site = Site::new(broker).await;
    for _ in 0..10 {
        let topic = unique("young");
        let body = json!({"topic_name": topic, "partitions_count": 2});
        assert_eq!(site.post("/topics", &body).await.status, 201);
        // a broker may not have heard of the topic yet, but what it has heard of has offsets
        while site.api.get(&format!("/topics/{topic}/partitions/1")).await.status == 404 {}
        let path = format!("/topics/{topic}/partitions/1/offsets");
        site.api.get(&path).await.is(json!({"beginning_offset": 0, "end_offset": 0}));
    }
}

async fn records_without_keys_stay_together(broker: &TestBroker) {
    let topic = new_topic(broker, "tickets", 50).await;
    let proxy = broker.proxy().await;
    let values: Vec<Value> = (0..200).map(|n| json!(n)).collect();
    sent(&produce(&proxy, &topic, JSON, &records(&values[..1])).await); // so that it has metadata
    let places = sent(&produce(&proxy, &topic, JSON, &records(&values)).await);
    let partitions: BTreeSet<i64> = places.iter().map(|(partition, _)| *partition).collect();
    assert!(partitions.len() < 25, "200 records are in {} partitions", partitions.len());
}
