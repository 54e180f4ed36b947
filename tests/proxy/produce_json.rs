//! `POST /topics/{topic}`, JSON

use serde_json::{Value, json};
use weir_tests::TestBroker;

use super::fixtures::*;

on_both_brokers! {
    json_arrives_compactly
    every_kind_of_json_is_kept_apart
    null_is_a_tombstone
    numbers_and_strings_stay_as_they_are_written
    what_is_produced_is_read_back
    malformed_json_is_400_and_nothing_is_sent
}

async fn json_arrives_compactly(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let body = r#"{ "records" : [ { "key" : { "origin" : "SAT" } ,
        "value" : { "date" : "2001/01/10 18:20" , "delay" : 25 , "stops" : [ ] } } ] }"#;
    let path = format!("/topics/{topic}");
    let answer = proxy.api.post_as(&path, JSON, body.to_string()).await;
    answer.is(json!({"key_schema_id": null, "value_schema_id": null,
        "offsets": [{"partition": 0, "offset": 0, "error_code": null, "error": null}]}));
    let found = native_read(broker, &topic).await;
    let value = r#"{"date":"2001/01/10 18:20","delay":25,"stops":[]}"#;
    assert_eq!(found[0].text(), (Some(r#"{"origin":"SAT"}"#), Some(value)));
}

/// Each of them means something else, and none is null.
const KINDS: [&str; 10] =
    ["0", "-0.0", "false", "true", r#""""#, "{}", "[]", r#""null""#, "[null]", r#"{"price":null}"#];

async fn every_kind_of_json_is_kept_apart(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let records: Vec<String> = KINDS
        .iter()
        .map(|kind| format!(r#"{{"key":{kind},"value":{kind},"partition":0}}"#))
        .collect();
    let body = format!(r#"{{"records":[{}]}}"#, records.join(","));
    sent(&proxy.api.post_as(&format!("/topics/{topic}"), JSON, body).await);
    let found = native_read(broker, &topic).await;
    let found: Vec<_> = found.iter().map(Native::text).collect();
    assert_eq!(found, KINDS.map(|kind| (Some(kind), Some(kind))));
    let read = Consumer::of(&proxy, &topic, "json").await.take_data(KINDS.len()).await;
    for (kind, (key, value)) in KINDS.iter().zip(read) {
        let kind: Value = serde_json::from_str(kind).unwrap();
        assert_eq!((&key, &value), (&kind, &kind));
    }
}

async fn null_is_a_tombstone(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [{"key": "MSFT", "value": null}, {"key": "AMZN"}, {"value": 64.56},
        {"key": null, "value": null}]});
    sent(&produce(&proxy, &topic, JSON, &body).await);
    let found = native_read(broker, &topic).await;
    let found: Vec<_> = found.iter().map(Native::text).collect();
    let (msft, amzn) = (Some("\"MSFT\""), Some("\"AMZN\""));
    assert_eq!(found, [(msft, None), (amzn, None), (None, Some("64.56")), (None, None)]);
    let read = Consumer::of(&proxy, &topic, "json").await.take_data(4).await;
    assert_eq!(read[0], (json!("MSFT"), json!(null)));
    assert_eq!(read[3], (json!(null), json!(null)));
}

async fn numbers_and_strings_stay_as_they_are_written(broker: &TestBroker) {
    let topic = new_topic(broker, "movies", 1).await;
    let proxy = broker.proxy().await;
    let value = r#"{"gross":9007199254740993,"budget":18446744073709551616,"rating":6.10,"far":1e300,"near":-0.0,"title":"Am\u00e9lie \"A b\" \\","год":"é 🎬"}"#;
    let body = format!(r#"{{"records":[{{"value":{value}}}]}}"#);
    sent(&proxy.api.post_as(&format!("/topics/{topic}"), JSON, body).await);
    let found = native_read(broker, &topic).await;
    assert_eq!(found[0].text().1, Some(value));
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    let answer = consumer.get("/records?timeout=60000").await;
    assert!(answer.text.contains(value), "{}", answer.text);
}

async fn what_is_produced_is_read_back(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let read = Consumer::of(&proxy, &topic, "json").await.take(3).await;
    let expected: Vec<Value> = flights()
        .iter()
        .zip(0..)
        .map(|(flight, offset)| record(&topic, 0, offset, flight))
        .collect();
    assert_eq!(read, expected);
}

async fn malformed_json_is_400_and_nothing_is_sent(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    for body in [
        r#"{"records":[{"value":"SAT"},{"value":}]}"#,
        r#"{"records":[{"value":"SAT"}]"#,
        r#"{"records":[{"value":"SAT"}]}}"#,
        r#"{"records":[{"value":NaN}]}"#,
        r#"{"records":{"value":"SAT"}}"#,
        r#"{"records":["SAT"]}"#,
        r#"{"records":[{"value":"SAT","partition":"first"}]}"#,
        r#"{"records":[{"value":"SAT","partition":0.5}]}"#,
        r#"[{"value":"SAT"}]"#,
        "SAT",
    ] {
        let answer = proxy.api.post_as(&format!("/topics/{topic}"), JSON, body.to_string()).await;
        refused(&answer, 400, 400);
        assert!(answer.json["message"].as_str().unwrap().starts_with("Bad Request: "), "{body}");
    }
    assert_eq!(native_read(broker, &topic).await, []);
}
