//! `/consumers/{group}/instances/{instance}/offsets`

use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use weir_tests::{ProxyUnderTest, TestBroker, embedded_broker};

use super::fixtures::*;

on_both_brokers! {
    parameters_name_partitions_too
    an_offset_that_was_consumed_is_committed_as_the_next
    a_commit_without_a_body_commits_what_was_read
    a_commit_of_a_part_of_what_was_fetched_is_of_what_was_read
    a_commit_after_a_seek_is_of_the_new_position
    a_commit_before_any_read_commits_nothing
    partitions_without_a_commit_are_left_out
    metadata_is_kept
    offsets_of_one_group_are_not_those_of_another
    a_commit_may_go_back
    records_that_were_committed_by_themselves_are_those_that_were_read
    minus_one_is_consumed_before_the_first
    an_offset_that_cannot_be_is_422
    committing_a_missing_partition_is_40403
}

/// A topic of two partitions, with the flights in the first.
async fn flights_topic(broker: &TestBroker, proxy: &ProxyUnderTest) -> String {
    let topic = new_topic(broker, "flights", 2).await;
    let path = format!("/topics/{topic}/partitions/0");
    sent(&proxy.api.post_as(&path, JSON, records(&flights()).to_string()).await);
    topic
}

async fn an_offset_that_was_consumed_is_committed_as_the_next(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    consumer.take(3).await;
    for (consumed, params) in [(0, ""), (1, "?async=true"), (2, "?async=false")] {
        let path = format!("/offsets{params}");
        let answer = consumer.post(&path, &offset(&topic, 0, consumed)).await;
        answer.is(json!([]));
        let answer = consumer.ask("/offsets", &partitions(&topic, &[0])).await;
        answer.is(json!({"offsets":
            [{"topic": topic, "partition": 0, "offset": consumed + 1, "metadata": ""}]}));
    }
}

async fn a_commit_without_a_body_commits_what_was_read(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.assign(&topic, &[0, 1]).await;
    consumer.take(3).await;
    consumer.post_nothing("/offsets").await.is(json!([]));
    assert_eq!(consumer.committed(&topic, 0).await, Some(3));
    // so does a body of nothing
    done(&consumer.post("/positions", &offset(&topic, 0, 1)).await);
    consumer.post("/offsets", &json!(null)).await.is(json!([]));
    assert_eq!(consumer.committed(&topic, 0).await, Some(1));
}

async fn a_commit_of_a_part_of_what_was_fetched_is_of_what_was_read(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    for read in 1..=3 {
        let answer = consumer.get("/records?timeout=60000&max_bytes=1").await;
        assert_eq!(answer.json.as_array().unwrap().len(), 1);
        consumer.post_nothing("/offsets?async=true").await.is(json!([]));
        assert_eq!(consumer.committed(&topic, 0).await, Some(read));
    }
}

async fn a_commit_after_a_seek_is_of_the_new_position(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    consumer.take(3).await;
    done(&consumer.post("/positions", &offset(&topic, 0, 2)).await);
    consumer.post_nothing("/offsets").await.is(json!([]));
    assert_eq!(consumer.committed(&topic, 0).await, Some(2));
    assert_eq!(consumer.take_offsets(1).await, [2]);
}

async fn a_commit_before_any_read_commits_nothing(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    consumer.post_nothing("/offsets").await.is(json!([]));
    consumer.post("/offsets", &json!({"offsets": []})).await.is(json!([]));
    assert_eq!(consumer.committed(&topic, 0).await, None);
}

async fn partitions_without_a_commit_are_left_out(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let both = partitions(&topic, &[0, 1]);
    consumer.ask("/offsets", &both).await.is(json!({"offsets": []}));
    consumer.post("/offsets", &offset(&topic, 1, 41)).await.is(json!([]));
    let found = json!({"topic": topic, "partition": 1, "offset": 42, "metadata": ""});
    consumer.ask("/offsets", &both).await.is(json!({"offsets": [found]}));
    consumer.ask("/offsets", &json!({"partitions": []})).await.is(json!({"offsets": []}));
}

async fn metadata_is_kept(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let body = json!({"offsets": [
        {"topic": topic, "partition": 0, "offset": 1, "metadata": "after the OAK flight é"},
        {"topic": topic, "partition": 1, "offset": 0, "metadata": null},
    ]});
    consumer.post("/offsets", &body).await.is(json!([]));
    let mut answer = consumer.ask("/offsets", &partitions(&topic, &[0, 1])).await;
    answer.json["offsets"].as_array_mut().unwrap().sort_by_key(|found| found["partition"].as_i64());
    answer.is(json!({"offsets": [
        {"topic": topic, "partition": 0, "offset": 2, "metadata": "after the OAK flight é"},
        {"topic": topic, "partition": 1, "offset": 1, "metadata": ""},
    ]}));
}

async fn offsets_of_one_group_are_not_those_of_another(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let (one, other) =
        (Consumer::new(&proxy, json!({})).await, Consumer::new(&proxy, json!({})).await);
    one.post("/offsets", &offset(&topic, 0, 1)).await.is(json!([]));
    assert_eq!(one.committed(&topic, 0).await, Some(2));
    assert_eq!(other.committed(&topic, 0).await, None);
    // but instances of a group see the same
    let same = Consumer::in_group(&proxy, &one.group, json!({})).await;
    assert_eq!(same.committed(&topic, 0).await, Some(2));
}

async fn a_commit_may_go_back(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for consumed in [2, 0] {
        consumer.post("/offsets", &offset(&topic, 0, consumed)).await.is(json!([]));
        assert_eq!(consumer.committed(&topic, 0).await, Some(consumed + 1));
    }
}

async fn records_that_were_committed_by_themselves_are_those_that_were_read(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer =
        Consumer::new(&proxy, json!({"format": "json", "auto.commit.enable": true})).await;
    consumer.assign(&topic, &[0]).await;
    let answer = consumer.get("/records?timeout=60000&max_bytes=1").await;
    assert_eq!(answer.json.as_array().unwrap().len(), 1);
    let deadline = Instant::now() + DEADLINE;
    let committed = loop {
        match consumer.committed(&topic, 0).await {
            Some(committed) => break committed,
            None => assert!(Instant::now() < deadline, "nothing is committed"),
        }
    };
    assert_eq!(committed, 1);
    done(&consumer.delete().await);
}

async fn minus_one_is_consumed_before_the_first(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.post("/offsets", &offset(&topic, 0, 2)).await.is(json!([]));
    consumer.post("/offsets", &offset(&topic, 0, -1)).await.is(json!([]));
    assert_eq!(consumer.committed(&topic, 0).await, Some(0));
}

async fn an_offset_that_cannot_be_is_422(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for negative in [-2, -1001, i64::MIN] {
        refused(&consumer.post("/offsets", &offset(&topic, 0, negative)).await, 422, 422);
    }
    assert_eq!(consumer.committed(&topic, 0).await, None);
}

async fn committing_a_missing_partition_is_40403(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = flights_topic(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    refused(&consumer.post("/offsets", &offset(&topic, 7, 0)).await, 404, 40403);
}

async fn parameters_name_partitions_too(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let (a, b) = (new_topic(broker, "flights", 3).await, new_topic(broker, "flights", 1).await);
    let consumer = Consumer::new(&proxy, json!({})).await;
    let commit = json!({"offsets": [
        {"topic": a, "partition": 0, "offset": 0},
        {"topic": a, "partition": 2, "offset": 2, "metadata": "m"},
        {"topic": b, "partition": 0, "offset": 9},
    ]});
    consumer.post("/offsets", &commit).await.is(json!([]));
    let of = |topic: &str, partition: i32, offset: i64, metadata: &str| json!({"topic": topic, "partition": partition, "offset": offset, "metadata": metadata});
    let (a0, a2, b0) = (of(&a, 0, 1, ""), of(&a, 2, 3, "m"), of(&b, 0, 10, ""));
    for (query, expected) in [
        (format!("topic={a}&partition=2"), vec![&a2]),
        (format!("topic={a}&partition=0&partition=2"), vec![&a0, &a2]),
        (format!("topic={a}&partition=1"), vec![]),
        (format!("topic={a}"), vec![&a0, &a2]),
        (format!("topic={a}&partition=0&topic={b}"), vec![&a0, &b0]),
    ] {
        let mut answer = consumer.get(&format!("/offsets?{query}")).await;
        let found = answer.json["offsets"].as_array_mut().unwrap();
        found.sort_by_key(|o| (o["topic"].to_string(), o["partition"].as_i64()));
        let mut expected = expected;
        expected.sort_by_key(|o| (o["topic"].to_string(), o["partition"].as_i64()));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    refused(&consumer.get("/offsets?partition=0").await, 422, 422);
    refused(&consumer.get(&format!("/offsets?topic={a}&partition=-1")).await, 422, 422);
    refused(&consumer.get(&format!("/offsets?topic={a}&partition=x")).await, 404, 404);
    refused(&consumer.get("/offsets?topic=missing").await, 404, 40401);
}

#[tokio::test]
async fn asking_without_a_body_is_40402() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.get("/offsets").await.is_error(404, 40402, "Partition not found.");
    consumer.ask("/offsets", &json!(null)).await.is_error(404, 40402, "Partition not found.");
}

#[tokio::test]
async fn malformed_offsets_are_400() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for body in [
        json!({"offsets": [{"topic": "flights", "partition": 0}]}),
        json!({"offsets": [{"topic": "flights", "offset": 1}]}),
        json!({"offsets": [{"topic": "flights", "partition": 0, "offset": "first"}]}),
        json!({"offsets": {"topic": "flights", "partition": 0, "offset": 1}}),
        json!([]),
    ] {
        let answer = consumer.post("/offsets", &body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["error_code"]),
            (400, &json!(400)),
            "{body}"
        );
    }
    for body in [
        json!({"partitions": [{"topic": "flights", "partition": 0, "offset": 1}]}),
        json!({"offsets": [{"topic": "flights", "partition": 0, "offset": 1, "leader": 1}]}),
    ] {
        refused(&consumer.post("/offsets", &body).await, 422, 422);
    }
    let body = json!({"offsets": [{"topic": "flights", "partition": 0}]});
    refused(&consumer.ask("/offsets", &body).await, 422, 422);
    let request = consumer.api.request(Method::POST, &consumer.path("/offsets"));
    let answer = consumer.api.send(request.header("content-type", V2).body("{")).await;
    refused(&answer, 400, 400);
}
