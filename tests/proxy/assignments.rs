//! `/consumers/{group}/instances/{instance}/assignments`

use serde_json::{Value, json};
use weir_tests::{TestBroker, embedded_broker};

use super::fixtures::*;

on_both_brokers! {
    assigned_partitions_are_read_and_no_others
    two_groups_read_the_same_records
    a_new_assignment_replaces_the_old
    a_partition_that_stays_assigned_keeps_its_position
    an_assignment_begins_at_the_committed_offset
    a_missing_partition_has_no_records
}

#[tokio::test]
async fn an_assignment_is_shown() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.get("/assignments").await.is(json!({"partitions": []}));
    let body = json!({"partitions": [{"topic": "flights", "partition": 0},
        {"topic": "flights", "partition": 2}, {"topic": "stocks", "partition": 1}]});
    done(&consumer.post("/assignments", &body).await);
    let mut answer = consumer.get("/assignments").await;
    answer.json["partitions"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    let mut expected = body.clone();
    expected["partitions"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    answer.is(expected);
    consumer.get("/subscription").await.is(json!({"topics": []}));
}

#[tokio::test]
async fn assigning_nothing_lets_the_instance_subscribe() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.assign("flights", &[0]).await;
    done(&consumer.post("/assignments", &json!({"partitions": []})).await);
    consumer.get("/assignments").await.is(json!({"partitions": []}));
    consumer.subscribe("flights").await;
}

#[tokio::test]
async fn an_assignment_without_a_body_is_422() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.post_nothing("/assignments").await.is_error(422, 422, "must not be null");
    consumer.post("/assignments", &json!(null)).await.is_error(422, 422, "must not be null");
}

#[tokio::test]
async fn a_malformed_assignment_is_400() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for body in [
        json!({"partitions": [{"topic": "flights"}]}),
        json!({"partitions": [{"partition": 0}]}),
        json!({"partitions": [{"topic": "flights", "partition": "first"}]}),
        json!({"partitions": {"topic": "flights", "partition": 0}}),
        json!({"partitions": [{"topic": "flights", "partition": 0.5}]}),
        json!([]),
    ] {
        refused(&consumer.post("/assignments", &body).await, 400, 400);
    }
    let place = json!({"topic": "flights", "partition": 0});
    let answer = consumer.post("/assignments", &json!({"partitions": [place], "topics": []})).await;
    answer.is_error(422, 422, "Unrecognized field: topics");
    consumer.get("/assignments").await.is(json!({"partitions": []}));
}

#[tokio::test]
async fn a_negative_partition_is_422() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    refused(&consumer.post("/assignments", &partitions("flights", &[-1])).await, 422, 422);
}

/// A topic of three partitions with a record in each: its number.
async fn numbered(broker: &TestBroker, proxy: &weir_tests::ProxyUnderTest) -> String {
    let topic = new_topic(broker, "flights", 3).await;
    let body = json!({"records": [{"value": 0, "partition": 0}, {"value": 1, "partition": 1},
        {"value": 2, "partition": 2}]});
    sent(&produce(proxy, &topic, JSON, &body).await);
    topic
}

async fn assigned_partitions_are_read_and_no_others(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = numbered(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.assign(&topic, &[0, 2]).await;
    let mut taken = consumer.take(2).await;
    taken.sort_by_key(Value::to_string);
    let mut expected = [record(&topic, 0, 0, &json!(0)), record(&topic, 2, 0, &json!(2))];
    expected.sort_by_key(Value::to_string);
    assert_eq!(taken, expected);
    consumer.take_none().await;
}

async fn two_groups_read_the_same_records(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let first = Consumer::of(&proxy, &topic, "json").await;
    let second = Consumer::of(&proxy, &topic, "binary").await;
    assert_eq!(first.take_offsets(3).await, [0, 1, 2]);
    assert_eq!(second.take_offsets(3).await, [0, 1, 2]);
}

async fn a_new_assignment_replaces_the_old(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = numbered(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.assign(&topic, &[0, 1]).await;
    // one of two; the other has perhaps been fetched
    let answer = consumer.get("/records?timeout=60000&max_bytes=1").await;
    assert_eq!(answer.json.as_array().unwrap().len(), 1);
    consumer.assign(&topic, &[2]).await;
    assert_eq!(consumer.take(1).await, [record(&topic, 2, 0, &json!(2))]);
    consumer.take_none().await;
    consumer.get("/assignments").await.is(partitions(&topic, &[2]));
}

async fn a_partition_that_stays_assigned_keeps_its_position(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let topic = numbered(broker, &proxy).await;
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.assign(&topic, &[0]).await;
    assert_eq!(consumer.take(1).await, [record(&topic, 0, 0, &json!(0))]);
    consumer.assign(&topic, &[0, 1]).await;
    assert_eq!(consumer.take(1).await, [record(&topic, 1, 0, &json!(1))]);
    consumer.take_none().await;
}

async fn an_assignment_begins_at_the_committed_offset(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let first = Consumer::new(&proxy, json!({})).await;
    first.post("/offsets", &offset(&topic, 0, 1)).await.is(json!([]));
    let second = Consumer::in_group(&proxy, &first.group, json!({"format": "json"})).await;
    second.assign(&topic, &[0]).await;
    assert_eq!(second.take_offsets(1).await, [2]);
}

async fn a_missing_partition_has_no_records(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.assign(&topic, &[7]).await;
    consumer.take_none().await;
    consumer.assign(&topic, &[7, 0]).await;
    assert_eq!(consumer.take_offsets(3).await, [0, 1, 2]);
}

/// librdkafka ends the process where a name is too long.
#[tokio::test]
async fn names_that_no_topic_can_have_are_refused_everywhere() {
    let broker = weir_tests::embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for name in ["", ".", "..", "a b", "x.*", "ü", "a\u{0}b", &"a".repeat(250), &"a".repeat(600)] {
        let body = partitions(name, &[0]);
        for rest in ["/assignments", "/positions/beginning", "/positions/end"] {
            refused(&consumer.post(rest, &body).await, 422, 422);
        }
        refused(&consumer.post("/offsets", &offset(name, 0, 0)).await, 422, 422);
        refused(&consumer.ask("/offsets", &body).await, 422, 422);
        refused(&consumer.post("/subscription", &json!({"topics": [name]})).await, 422, 422);
        if [".", "..", ""].contains(&name) {
            continue; // no part of a path
        }
        let path: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for rest in ["", "/partitions", "/partitions/0", "/partitions/0/offsets"] {
            let answer = proxy.api.get(&format!("/topics/{path}{rest}")).await;
            match name.contains('\0') {
                true => refused(&answer, 400, 400),
                false => refused(&answer, 404, 40403),
            }
        }
        let answer = consumer.get(&format!("/offsets?topic={path}")).await;
        answer.is_error(404, 40401, "Topic not found.");
        let code = if name.contains('\0') { 400 } else { 40002 };
        refused(&produce(&proxy, &path, JSON, &records(&flights())).await, 400, code);
    }
    let group = format!("/consumers/{}", "g".repeat(9000));
    refused(&post(&proxy, &group, &json!({})).await, 422, 422);
    refused(&post(&proxy, "/consumers/a%00b", &json!({})).await, 400, 400);
}

#[tokio::test]
async fn a_partition_that_is_named_twice_counts_once() {
    let broker = weir_tests::embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.assign(&topic, &[0, 0]).await;
    consumer.get("/assignments").await.is(partitions(&topic, &[0]));
    consumer.take(3).await;
    let place = |offset: i64| json!({"topic": topic, "partition": 0, "offset": offset});
    done(&consumer.post("/positions", &json!({"offsets": [place(0), place(2)]})).await);
    assert_eq!(consumer.take_offsets(1).await, [2]);
    done(&consumer.post("/positions/beginning", &partitions(&topic, &[0, 0])).await);
    assert_eq!(consumer.take_offsets(3).await, [0, 1, 2]);
}
