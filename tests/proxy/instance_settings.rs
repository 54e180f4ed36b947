//! What an instance may be told beyond one format: formats of keys and of values, transactions, and a time
//! to begin at.

use std::time::{Duration, Instant};

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use crate::fixtures::*;
use crate::v3::Site;

on_both_brokers! {
    string_keys_beside_values_with_a_schema_are_read
    a_side_that_cannot_be_read_leaves_the_other
    keys_and_values_have_the_formats_that_are_asked_for
    the_reference_reads_neither_side
    open_transactions_are_read_unless_an_instance_wants_committed_records
    an_instance_begins_at_a_time
}

/// A topic with a string key and an Avro value, as most clients write.
async fn with_string_key(broker: &TestBroker, site: &Site) -> (String, i64) {
    let topic = site.topic(broker, 1).await;
    let body = json!({"value_schema": STOCK, "records": [{"value": stocks()[0]}]});
    let answer = produce(&site.proxy, &topic, AVRO, &body).await;
    sent(&answer);
    let value = native_read(broker, &topic).await.remove(0).value.unwrap();
    native_write(broker, &topic, &[(Some(b"MSFT"), Some(&value)), (Some(b"\xff"), Some(&value))])
        .await;
    native_write(broker, &topic, &[(Some(b"MSFT"), None)]).await;
    (topic, answer.json["value_schema_id"].as_i64().unwrap())
}

async fn string_keys_beside_values_with_a_schema_are_read(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, id) = with_string_key(broker, &site).await;
    let stock = &stocks()[0];
    let entry = |offset: i64, key: &str, format: &str, value: &Value| {
        let mut entry = record(&topic, 0, offset, value);
        (entry["key"], entry["key_format"]) = (json!(key), json!(format));
        entry
    };
    let expected = [
        record(&topic, 0, 0, stock),
        entry(1, "MSFT", "text", stock),
        entry(2, "/w==", "binary", stock),
        entry(3, "MSFT", "text", &Value::Null),
    ];
    assert_eq!(Consumer::of(&site.proxy, &topic, "avro").await.take(4).await, expected);
    let path = format!("/topics/{topic}/partitions/0/records?format=avro");
    let page = site.get(&path).await;
    assert_eq!(page.json["data"][1]["key"], json!({"type": "STRING", "data": "MSFT"}));
    assert_eq!(page.json["data"][2]["key"], json!({"type": "BINARY", "data": "/w=="}));
    let value = json!({"type": "AVRO", "schema_id": id, "data": stock});
    assert_eq!(page.json["data"][1]["value"], value);
}

async fn a_side_that_cannot_be_read_leaves_the_other(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, _) = with_string_key(broker, &site).await;
    let value = native_read(broker, &topic).await.remove(0).value.unwrap();
    native_write(broker, &topic, &[(Some(&[0, 0, 0, 0, 99]), Some(&value))]).await;
    let read = Consumer::of(&site.proxy, &topic, "avro").await.take(5).await;
    assert_eq!((&read[4]["key"], &read[4]["value"]), (&Value::Null, &stocks()[0]));
    assert_eq!(read[4]["error"]["error_code"], json!(40801));
    assert_eq!(read[4]["error"]["key"], json!("AAAAAGM="));
}

async fn keys_and_values_have_the_formats_that_are_asked_for(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, _) = with_string_key(broker, &site).await;
    let settings = json!({"format": "avro", "key.format": "text"});
    let consumer = Consumer::new(&site.proxy, settings).await;
    consumer.assign(&topic, &[0]).await;
    let read = consumer.take(4).await;
    assert_eq!((&read[1]["key"], &read[1]["value"]), (&json!("MSFT"), &stocks()[0]));
    assert_eq!(read[1].get("key_format"), None, "it is what was asked for");
    let error = read[2]["error"]["message"].as_str().unwrap();
    assert!(error.starts_with("The record is not text"), "{error}");
    // answers are called what the values are
    let settings = json!({"key.format": "text", "value.format": "avro"});
    let consumer = Consumer::new(&site.proxy, settings).await;
    let answer = consumer.get("/records?timeout=10").await;
    assert_eq!(answer.headers["content-type"], AVRO, "{}", answer.text);
}

async fn the_reference_reads_neither_side(broker: &TestBroker) {
    let site = Site::of(broker.proxy_with(quirky()).await).await;
    let (topic, _) = with_string_key(broker, &site).await;
    let consumer = Consumer::of(&site.proxy, &topic, "avro").await;
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = consumer.get("/records?timeout=1000").await;
        // the record without a key can be read, and comes first
        if answer.status != 200 {
            refused(&answer, 408, 40801);
            return;
        }
        assert!(Instant::now() < deadline);
    }
}

async fn open_transactions_are_read_unless_an_instance_wants_committed_records(
    broker: &TestBroker,
) {
    let topic = new_topic(broker, "bookings", 1).await;
    let proxy = broker.proxy().await;
    let (mut config, name) = (broker.client(), topic.clone());
    config.set("transactional.id", unique("bookings"));
    let writing = tokio::task::spawn_blocking(move || {
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(DEADLINE).unwrap();
        producer.begin_transaction().unwrap();
        producer.send(BaseRecord::<(), str>::to(&name).partition(0).payload("\"open\"")).unwrap();
        producer.flush(DEADLINE).unwrap();
        producer
    });
    let producer = writing.await.unwrap();
    let committed =
        Consumer::new(&proxy, json!({"format": "json", "isolation.level": "read_committed"})).await;
    committed.assign(&topic, &[0]).await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    assert_eq!(consumer.take_data(1).await, [(Value::Null, json!("open"))]);
    committed.take_none().await;
    let (end, path) = (json!({"beginning_offset": 0, "end_offset": 1}), "partitions/0/offsets");
    proxy.api.get(&format!("/topics/{topic}/{path}")).await.is(end);
    let ending =
        tokio::task::spawn_blocking(move || producer.commit_transaction(DEADLINE).unwrap());
    ending.await.unwrap();
    assert_eq!(committed.take_data(1).await, [(Value::Null, json!("open"))]);
}

async fn an_instance_begins_at_a_time(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let ago = |hours: u64| (now - Duration::from_secs(hours * 3600)).as_millis() as u64;
    let old = json!({"records": [
        {"partition": 0, "value": "three", "timestamp": ago(3)},
        {"partition": 0, "value": "one", "timestamp": ago(1)},
        {"partition": 1, "value": "three", "timestamp": ago(3)},
        {"partition": 1, "value": "two", "timestamp": ago(2)},
    ]});
    sent(&produce(&proxy, &topic, JSON, &old).await);
    let settings = json!({"format": "json", "auto.offset.reset": "by_duration:PT2H30M"});
    let consumer = Consumer::new(&proxy, settings.clone()).await;
    consumer.assign(&topic, &[0, 1]).await;
    let mut values: Vec<_> = consumer.take_data(2).await.into_iter().map(|(_, v)| v).collect();
    values.sort_by_key(Value::to_string);
    assert_eq!(values, ["one", "two"]);
    // what is committed wins
    let group = unique("departures");
    let first = Consumer::in_group(&proxy, &group, settings.clone()).await;
    done(&first.post("/assignments", &partitions(&topic, &[0, 1])).await);
    first.post("/offsets", &json!({"offsets": [
        {"topic": topic, "partition": 0, "offset": 1}, {"topic": topic, "partition": 1, "offset": -1},
    ]})).await.is(json!([]));
    first.delete().await;
    let second = Consumer::in_group(&proxy, &group, settings).await;
    second.subscribe(&topic).await;
    let values: Vec<_> = second.take_data(2).await.into_iter().map(|(_, v)| v).collect();
    assert_eq!(values, ["three", "two"]);
}
