//! `/consumers/{group}/instances/{instance}/positions`

use std::time::Duration;

use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use weir_tests::{ProxyUnderTest, TestBroker, embedded_broker, unique};

use super::fixtures::*;

on_both_brokers! {
    a_position_may_go_back_and_forth
    a_position_may_be_set_before_the_first_read
    what_was_fetched_before_a_seek_is_forgotten
    the_beginning_is_the_first_record
    the_end_is_after_the_last_record
    other_partitions_stay_where_they_are
    a_position_after_the_end_reads_from_there_once_it_is_reset
    a_position_that_is_not_assigned_is_40903_and_moves_nothing
    a_negative_position_is_422
    a_timestamp_is_the_first_record_that_is_not_older
    a_timestamp_after_the_last_record_is_the_end
}

/// A topic with the flights in partition 0, and an instance that reads it.
async fn reading(broker: &TestBroker) -> (ProxyUnderTest, String, Consumer) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    let path = format!("/topics/{topic}/partitions/0");
    sent(&proxy.api.post_as(&path, JSON, records(&flights()).to_string()).await);
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    (proxy, topic, consumer)
}

async fn a_position_may_go_back_and_forth(broker: &TestBroker) {
    let (_proxy, topic, consumer) = reading(broker).await;
    consumer.take(3).await;
    for (position, rest) in [(1, vec![1, 2]), (0, vec![0, 1, 2]), (2, vec![2])] {
        done(&consumer.post("/positions", &offset(&topic, 0, position)).await);
        assert_eq!(consumer.take_offsets(rest.len()).await, rest);
    }
    consumer.take_none().await;
}

async fn a_position_may_be_set_before_the_first_read(broker: &TestBroker) {
    let (_proxy, topic, consumer) = reading(broker).await;
    done(&consumer.post("/positions", &offset(&topic, 0, 1)).await);
    assert_eq!(consumer.take_offsets(2).await, [1, 2]);
}

async fn what_was_fetched_before_a_seek_is_forgotten(broker: &TestBroker) {
    let (_proxy, topic, consumer) = reading(broker).await;
    // one of three; the others have perhaps been fetched
    let answer = consumer.get("/records?timeout=60000&max_bytes=1").await;
    has_read(&answer, &[record(&topic, 0, 0, &flights()[0])]);
    done(&consumer.post("/positions", &offset(&topic, 0, 2)).await);
    assert_eq!(consumer.take_offsets(1).await, [2]);
    done(&consumer.post("/positions", &offset(&topic, 0, 0)).await);
    assert_eq!(consumer.take_offsets(3).await, [0, 1, 2]);
}

async fn the_beginning_is_the_first_record(broker: &TestBroker) {
    let (_proxy, topic, consumer) = reading(broker).await;
    for _ in 0..2 {
        assert_eq!(consumer.take_offsets(3).await, [0, 1, 2]);
        done(&consumer.post("/positions/beginning", &partitions(&topic, &[0])).await);
    }
    assert_eq!(consumer.take_offsets(3).await, [0, 1, 2]);
}

async fn the_end_is_after_the_last_record(broker: &TestBroker) {
    let (proxy, topic, consumer) = reading(broker).await;
    done(&consumer.post("/positions/end", &partitions(&topic, &[0])).await);
    // where the end is, is settled when the next read is over
    consumer.get("/records?timeout=2000").await.is(json!([]));
    let path = format!("/topics/{topic}/partitions/0");
    let answer = proxy.api.post_as(&path, JSON, records(&flights()[..1]).to_string()).await;
    assert_eq!(sent(&answer), [(0, 3)]);
    assert_eq!(consumer.take(1).await, [record(&topic, 0, 3, &flights()[0])]);
}

async fn other_partitions_stay_where_they_are(broker: &TestBroker) {
    let (proxy, topic, consumer) = reading(broker).await;
    let path = format!("/topics/{topic}/partitions/1");
    sent(&proxy.api.post_as(&path, JSON, records(&flights()[..2]).to_string()).await);
    consumer.assign(&topic, &[0, 1]).await;
    consumer.take(5).await;
    done(&consumer.post("/positions", &offset(&topic, 1, 1)).await);
    assert_eq!(consumer.take(1).await, [record(&topic, 1, 1, &flights()[1])]);
    // several at once
    let body = json!({"offsets": [{"topic": topic, "partition": 0, "offset": 2, "metadata": "x"},
        {"topic": topic, "partition": 1, "offset": 1}]});
    done(&consumer.post("/positions", &body).await);
    let mut taken = consumer.take(2).await;
    taken.sort_by_key(|record| record["partition"].as_i64());
    assert_eq!(taken, [record(&topic, 0, 2, &flights()[2]), record(&topic, 1, 1, &flights()[1])]);
}

async fn a_position_after_the_end_reads_from_there_once_it_is_reset(broker: &TestBroker) {
    let (_proxy, topic, consumer) = reading(broker).await;
    consumer.take(3).await;
    // Kafka has no such offset: auto.offset.reset, here earliest, decides
    done(&consumer.post("/positions", &offset(&topic, 0, 1000)).await);
    assert_eq!(consumer.take_offsets(3).await, [0, 1, 2]);
}

async fn a_position_that_is_not_assigned_is_40903_and_moves_nothing(broker: &TestBroker) {
    let (_proxy, topic, consumer) = reading(broker).await;
    consumer.take(3).await;
    let message = format!("Illegal state: No current assignment for partition {topic}-1");
    let body = json!({"offsets": [{"topic": topic, "partition": 0, "offset": 0},
        {"topic": topic, "partition": 1, "offset": 0}]});
    consumer.post("/positions", &body).await.is_error(409, 40903, &message);
    for path in ["/positions/beginning", "/positions/end"] {
        let answer = consumer.post(path, &partitions(&topic, &[0, 1])).await;
        answer.is_error(409, 40903, &message);
    }
    let body = json!({"timestamps": [{"topic": topic, "partition": 1, "timestamp": "2001-01-10T18:20:00Z"}]});
    consumer.post("/positions", &body).await.is_error(409, 40903, &message);
    consumer.take_none().await;
    let other = unique("stocks");
    let answer = consumer.post("/positions/beginning", &partitions(&other, &[0])).await;
    let message = format!("Illegal state: No current assignment for partition {other}-0");
    answer.is_error(409, 40903, &message);
}

async fn a_negative_position_is_422(broker: &TestBroker) {
    let (_proxy, topic, consumer) = reading(broker).await;
    consumer.take(3).await;
    for negative in [-1, -2, -1000, i64::MIN] {
        refused(&consumer.post("/positions", &offset(&topic, 0, negative)).await, 422, 422);
    }
    consumer.take_none().await;
}

/// A topic with a record of each of three days, and an instance that reads it.
async fn of_three_days(broker: &TestBroker) -> (ProxyUnderTest, String, Consumer) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let producer: FutureProducer = broker.client().create().unwrap();
    // 2026-01-01, 2026-01-02, 2026-01-03, at noon
    for (day, price) in ["39.81", "36.35", "43.22"].iter().enumerate() {
        let record: FutureRecord<'_, (), str> = FutureRecord::to(&topic)
            .payload(*price)
            .timestamp(1_767_268_800_000 + day as i64 * 86_400_000);
        producer.send(record, Duration::from_secs(20)).await.unwrap();
    }
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    (proxy, topic, consumer)
}

fn timestamp(topic: &str, timestamp: &str) -> Value {
    json!({"timestamps": [{"topic": topic, "partition": 0, "timestamp": timestamp}]})
}

async fn a_timestamp_is_the_first_record_that_is_not_older(broker: &TestBroker) {
    let (_proxy, topic, consumer) = of_three_days(broker).await;
    consumer.take(3).await;
    for (time, rest) in [
        ("2026-01-02T12:00:00Z", vec![1, 2]),
        ("2026-01-02T12:00:00.001Z", vec![2]),
        ("1970-01-01T00:00:00Z", vec![0, 1, 2]),
        ("2026-01-02T13:00:00+01:00", vec![1, 2]),
        ("2026-01-01T12:00:01Z", vec![1, 2]),
    ] {
        done(&consumer.post("/positions", &timestamp(&topic, time)).await);
        assert_eq!(consumer.take_offsets(rest.len()).await, rest, "{time}");
    }
}

async fn a_timestamp_after_the_last_record_is_the_end(broker: &TestBroker) {
    let (proxy, topic, consumer) = of_three_days(broker).await;
    done(&consumer.post("/positions", &timestamp(&topic, "2026-01-04T00:00:00Z")).await);
    consumer.get("/records?timeout=2000").await.is(json!([]));
    sent(&produce(&proxy, &topic, JSON, &records(&[json!(28.37)])).await);
    assert_eq!(consumer.take_offsets(1).await, [3]);
}

#[tokio::test]
async fn positions_of_no_partition_change_nothing() {
    let broker = embedded_broker();
    let (_proxy, _topic, consumer) = reading(&broker).await;
    consumer.take(3).await;
    for (path, body) in [
        ("/positions", json!({})),
        ("/positions", json!({"offsets": [], "timestamps": []})),
        ("/positions/beginning", json!({"partitions": []})),
        ("/positions/end", json!({"partitions": []})),
    ] {
        done(&consumer.post(path, &body).await);
    }
    consumer.take_none().await;
}

#[tokio::test]
async fn positions_without_a_body_are_422() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for path in ["/positions", "/positions/beginning", "/positions/end"] {
        consumer.post_nothing(path).await.is_error(422, 422, "must not be null");
    }
}

#[tokio::test]
async fn malformed_positions_are_400() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::of(&proxy, "flights", "json").await;
    for (path, body) in [
        ("/positions", offset("flights", 0, 1).as_object().unwrap()["offsets"].clone()),
        ("/positions", json!({"offsets": [{"topic": "flights", "partition": 0}]})),
        ("/positions", json!({"offsets": [{"topic": "flights", "partition": 0, "offset": 1.5}]})),
        ("/positions", timestamp("flights", "yesterday")),
        ("/positions", timestamp("flights", "2026-01-02")),
        ("/positions/beginning", json!({"partitions": [{"topic": "flights"}]})),
        ("/positions/end", json!([])),
    ] {
        let answer = consumer.post(path, &body).await;
        let found = (answer.status.as_u16(), &answer.json["error_code"]);
        assert_eq!(found, (400, &json!(400)), "{path} {body}");
    }
    let answer = consumer.post("/positions", &partitions("flights", &[0])).await;
    answer.is_error(422, 422, "Unrecognized field: partitions");
    let answer = consumer.post("/positions/beginning", &offset("flights", 0, 1)).await;
    answer.is_error(422, 422, "Unrecognized field: offsets");
}

/// As in the reference, no partition means all of them.
#[tokio::test]
async fn all_assigned_partitions_go_to_the_beginning_or_the_end_if_none_is_named() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let topic = new_topic(&broker, "flights", 2).await;
    let body = json!({"records": [{"value": 0, "partition": 0}, {"value": 1, "partition": "1"}]});
    sent(&produce(&proxy, &topic, JSON, &body).await);
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.assign(&topic, &[0, 1]).await;
    consumer.take(2).await;
    done(&consumer.post("/positions/beginning", &json!({"partitions": []})).await);
    consumer.take(2).await;
    done(&consumer.post("/positions/beginning", &json!({"partitions": []})).await);
    done(&consumer.post("/positions/end", &json!({"partitions": []})).await);
    consumer.take_none().await;
}
