//! Headers and timestamps of records, in both directions.

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use weir_tests::TestBroker;

use crate::fixtures::*;
use crate::wire;

on_both_brokers! {
    headers_and_timestamps_go_in_as_they_come_out
    native_headers_are_read
    a_record_without_headers_has_no_such_field
    a_time_may_be_a_text
    what_is_no_header_or_time_sends_nothing
    confluents_quirks_leave_them_out
    a_name_that_is_not_utf8_is_an_entry_with_its_bytes
}

const TAKEN_OFF: i64 = 979_150_800_000;

fn delayed() -> Value {
    json!({
        "value": flights()[0],
        "timestamp": TAKEN_OFF,
        "headers": [
            {"key": "source", "value": "QlRT"},
            {"key": "source", "value": ""},
            {"key": "verspätet", "value": null},
            {"key": "", "value": "AP8="},
        ],
    })
}

async fn headers_and_timestamps_go_in_as_they_come_out(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &json!({"records": [delayed()]})).await);
    let native = native_read(broker, &topic).await;
    let header = |name: &str, value: Option<&[u8]>| (name.to_string(), value.map(<[u8]>::to_vec));
    let expected = [
        header("source", Some(b"BTS")),
        header("source", Some(b"")),
        header("verspätet", None),
        header("", Some(&[0, 255])),
    ];
    assert_eq!((&native[0].headers[..], native[0].timestamp), (&expected[..], TAKEN_OFF));
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    let answer = consumer.get("/records?timeout=60000").await;
    assert_eq!(answer.json[0]["timestamp"], json!(TAKEN_OFF));
    assert_eq!(answer.json[0]["headers"], delayed()["headers"]);
}

async fn native_headers_are_read(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let headers = OwnedHeaders::new()
        .insert(Header { key: "leg", value: Some("SAT-HOU") })
        .insert(Header { key: "leg", value: None::<&str> });
    let record: FutureRecord<'_, [u8], [u8]> =
        FutureRecord::to(&topic).partition(0).headers(headers).timestamp(TAKEN_OFF);
    let producer: FutureProducer = broker.client().create().unwrap();
    producer.send(record, DEADLINE).await.unwrap();
    let proxy = broker.proxy().await;
    for format in ["binary", "json", "text", "avro"] {
        let answer = Consumer::of(&proxy, &topic, format).await.get("/records?timeout=60000").await;
        answer.is(json!([{
            "topic": topic, "key": null, "value": null, "partition": 0, "offset": 0,
            "timestamp": TAKEN_OFF,
            "headers": [{"key": "leg", "value": "U0FULUhPVQ=="}, {"key": "leg", "value": null}],
        }]));
    }
}

async fn a_record_without_headers_has_no_such_field(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [{"value": 1}, {"value": 2, "headers": []}]});
    sent(&produce(&proxy, &topic, JSON, &body).await);
    let taken = Consumer::of(&proxy, &topic, "json").await.take(2).await;
    assert_eq!(taken, [record(&topic, 0, 0, &json!(1)), record(&topic, 0, 1, &json!(2))]);
}

async fn a_time_may_be_a_text(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    for time in ["2001-01-10T18:20:00Z", "2001-01-10T12:20:00-06:00"] {
        let body = json!({"records": [{"value": 1, "timestamp": time}]});
        sent(&produce(&proxy, &topic, JSON, &body).await);
    }
    for record in native_read(broker, &topic).await {
        assert_eq!(record.timestamp, TAKEN_OFF);
    }
}

async fn what_is_no_header_or_time_sends_nothing(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    for (field, value) in [
        ("headers", json!({"source": "QlRT"})),
        ("headers", json!(["source"])),
        ("headers", json!([["source", "QlRT"]])),
        ("headers", json!([{"value": "QlRT"}])),
        ("headers", json!([{"key": null, "value": "QlRT"}])),
        ("headers", json!([{"key": "source", "value": "B!S"}])),
        ("headers", json!([{"key": "source", "value": 1}])),
        ("headers", json!([{"key": "a\u{0}b", "value": "QlRT"}])),
        ("timestamp", json!(0)),
        ("timestamp", json!(-1)),
        ("timestamp", json!(1.5)),
        ("timestamp", json!("yesterday")),
        ("timestamp", json!("1969-12-31T23:59:59Z")),
        ("timestamp", json!(1e300)),
        ("timestamp", json!(i64::MAX)),
        ("timestamp", json!(true)),
    ] {
        let mut record = json!({"value": 1});
        record[field] = value.clone();
        let answer = produce(&proxy, &topic, JSON, &json!({"records": [{}, record]})).await;
        refused(&answer, 400, 400);
    }
    let headers = json!([{"key": "source", "worth": "QlRT"}]);
    let body = json!({"records": [{}, {"value": 1, "headers": headers}]});
    let answer = produce(&proxy, &topic, JSON, &body).await;
    answer.is_error(422, 422, "Unrecognized field: worth");
    assert_eq!(native_read(broker, &topic).await, []);
}

async fn confluents_quirks_leave_them_out(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy_with(quirky()).await;
    sent(&produce(&proxy, &topic, JSON, &json!({"records": [delayed()]})).await);
    let settings = json!({"format": "json", "fetch.min.bytes": 1});
    let consumer = Consumer::new(&proxy, settings).await;
    consumer.assign(&topic, &[0]).await;
    let answer = loop {
        let answer = consumer.get("/records?timeout=1000").await;
        if answer.json != json!([]) {
            break answer;
        }
    };
    answer.is(json!([record(&topic, 0, 0, &flights()[0])]));
}

/// A client in C can write any bytes as a name. The only way to do so here is the wire.
async fn a_name_that_is_not_utf8_is_an_entry_with_its_bytes(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    wire::write(broker, &topic, b"l\xe9g", b"SAT").await;
    let proxy = broker.proxy().await;
    let taken = Consumer::of(&proxy, &topic, "text").await.take(1).await;
    let mut expected = record(&topic, 0, 0, &Value::Null);
    expected["error"] = json!({
        "error_code": 40801, "message": "The name of a header is not UTF-8",
        "key": null, "value": "U0FU",
    });
    assert_eq!(taken, [expected]);
}
