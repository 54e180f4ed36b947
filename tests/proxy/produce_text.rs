//! `POST /topics/{topic}` with text, and reading it.

use serde_json::json;
use weir_tests::TestBroker;

use crate::fixtures::*;

on_both_brokers! {
    text_is_stored_as_it_is
    what_is_no_text_sends_nothing
}

const TEXT: &str = "application/vnd.kafka.text.v2+json";

async fn text_is_stored_as_it_is(broker: &TestBroker) {
    let topic = new_topic(broker, "remarks", 1).await;
    let proxy = broker.proxy().await;
    let remarks = ["", "null", "\"quoted\"\n", "höher als \u{10FFFF}", "a\u{0}b"];
    let body: Vec<_> = remarks.iter().map(|r| json!({"key": r, "value": r})).collect();
    sent(&produce(&proxy, &topic, TEXT, &json!({"records": body})).await);
    sent(&produce(&proxy, &topic, TEXT, &json!({"records": [{"value": null}]})).await);
    let native = native_read(broker, &topic).await;
    let found: Vec<_> = native.iter().map(|record| record.text()).collect();
    let mut expected: Vec<_> = remarks.iter().map(|r| (Some(*r), Some(*r))).collect();
    expected.push((None, None));
    assert_eq!(found, expected);
    let consumer = Consumer::of(&proxy, &topic, "text").await;
    let answer = consumer.get("/records?timeout=60000").await;
    assert_eq!(answer.headers["content-type"], TEXT);
    let mut data: Vec<_> = answer.json.as_array().unwrap().clone();
    // records of one batch may come in several answers
    while data.len() < 6 {
        let more = consumer.get("/records?timeout=60000").await;
        data.extend(more.json.as_array().unwrap().clone());
    }
    for (record, (key, value)) in data.iter().zip(expected) {
        assert_eq!((&record["key"], &record["value"]), (&json!(key), &json!(value)));
    }
}

async fn what_is_no_text_sends_nothing(broker: &TestBroker) {
    let topic = new_topic(broker, "remarks", 1).await;
    let proxy = broker.proxy().await;
    for data in [json!(1), json!(false), json!({}), json!(["a"])] {
        let body = json!({"records": [{"value": "a"}, {"value": data}]});
        let message = format!("Bad Request: data={data} is not a string.");
        produce(&proxy, &topic, TEXT, &body).await.is_error(400, 400, &message);
    }
    assert_eq!(native_read(broker, &topic).await, []);
}
