//! `POST /topics/{topic}`, base64

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use weir_tests::{TestBroker, unique};

use super::fixtures::*;
use crate::v3::Site;

on_both_brokers! {
    base64_arrives_as_bytes
    null_and_empty_are_kept_apart
    what_is_no_base64_is_400_and_nothing_is_sent
    no_records_are_422
    unknown_properties_are_named
    a_body_without_a_media_type_is_base64
    a_record_that_is_too_large_fails_alone
    many_records_keep_their_order
    how_large_a_record_may_be_is_for_the_topic_to_say
}

async fn base64_arrives_as_bytes(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [{"key": "U0ZP", "value": "AAEC/w=="}]});
    let answer = produce(&proxy, &topic, BINARY, &body).await;
    assert_eq!(answer.headers["content-type"], V2);
    answer.is(json!({"key_schema_id": null, "value_schema_id": null,
        "offsets": [{"partition": 0, "offset": 0, "error_code": null, "error": null}]}));
    let native = native_read(broker, &topic).await;
    let data = (native[0].key.as_deref(), native[0].value.as_deref());
    assert_eq!((native.len(), data), (1, (Some(&b"SFO"[..]), Some(&[0, 1, 2, 255][..]))));
}

async fn null_and_empty_are_kept_apart(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [
        {"key": null, "value": ""}, {"key": "", "value": null}, {"value": "MA=="}, {"key": "AA=="}, {},
    ]});
    sent(&produce(&proxy, &topic, BINARY, &body).await);
    let some = |bytes: &[u8]| Some(bytes.to_vec());
    let expected = [
        (None, some(b"")),
        (some(b""), None),
        (None, some(b"0")),
        (some(b"\0"), None),
        (None, None),
    ];
    let found = native_read(broker, &topic).await;
    let found: Vec<_> = found.into_iter().map(|record| (record.key, record.value)).collect();
    assert_eq!(found, expected);
}

async fn what_is_no_base64_is_400_and_nothing_is_sent(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    for (data, what) in [
        (json!("The Land Girls"), "a valid"),
        (json!("U0Z"), "a valid"),
        (json!("U0ZP="), "a valid"),
        (json!("_-8="), "a valid"),
        (json!(7), "a"),
        (json!(false), "a"),
        (json!({"delay": 25}), "a"),
        (json!(["U0ZP"]), "a"),
    ] {
        let message = format!("Bad Request: data={data} is not {what} base64 string.");
        for part in ["key", "value"] {
            let body = json!({"records": [{"value": "U0ZP"}, {part: data}]});
            produce(&proxy, &topic, BINARY, &body).await.is_error(400, 400, &message);
        }
    }
    assert_eq!(native_read(broker, &topic).await, []);
}

async fn no_records_are_422(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    for body in [json!({"records": []}), json!({"records": null}), json!({})] {
        for format in [BINARY, JSON, AVRO] {
            let answer = produce(&proxy, &topic, format, &body).await;
            answer.is_error(422, 422, "records must not be empty");
        }
    }
}

async fn unknown_properties_are_named(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    for (body, name) in [
        (json!({"records": [{"value": "U0ZP"}], "topic": "posters"}), "topic"),
        (json!({"records": [{"value": "U0ZP", "Value": "U0ZP"}]}), "Value"),
        (json!({"records": [{"value": "U0ZP", "offset": 3}]}), "offset"),
    ] {
        let answer = produce(&proxy, &topic, BINARY, &body).await;
        answer.is_error(422, 422, &format!("Unrecognized field: {name}"));
    }
    for body in ["", "null", " "] {
        let answer = proxy.api.post_as(&format!("/topics/{topic}"), BINARY, body.into()).await;
        refused(&answer, 422, 422);
    }
    assert_eq!(native_read(broker, &topic).await, []);
}

/// As in the reference, which reads base64 that lacks its padding too.
async fn a_body_without_a_media_type_is_base64(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    let body = json!({"records": [{"key": "U0E", "value": "U0ZP", "partition": "0"}]});
    let request = proxy.api.request(reqwest::Method::POST, &format!("/topics/{topic}"));
    sent(&proxy.api.send(request.body(body.to_string())).await);
    let found = native_read(broker, &topic).await;
    assert_eq!(found[0].text(), (Some("SA"), Some("SFO")));
}

async fn a_record_that_is_too_large_fails_alone(broker: &TestBroker) {
    let topic = new_topic(broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    let large = STANDARD.encode(vec![7; 1_500_000]);
    let body = json!({"records": [{"value": "U0FU"}, {"value": large}, {"value": "SE9V"}]});
    let answer = produce(&proxy, &topic, BINARY, &body).await;
    assert_eq!(answer.status, 200);
    let fine =
        |offset| json!({"partition": 0, "offset": offset, "error_code": null, "error": null});
    let results = &answer.json["offsets"];
    assert_eq!((&results[0], &results[2]), (&fine(0), &fine(1)));
    let failed = &results[1];
    assert_eq!((&failed["partition"], &failed["offset"]), (&Value::Null, &Value::Null));
    assert_eq!(failed["error_code"], json!(50002));
    assert!(failed["error"].as_str().unwrap().contains("too large"), "{failed}");
    let found = native_read(broker, &topic).await;
    let found: Vec<_> = found.iter().map(|record| record.text().1.unwrap()).collect();
    assert_eq!(found, ["SAT", "HOU"]);
}

async fn many_records_keep_their_order(broker: &TestBroker) {
    let topic = new_topic(broker, "tickets", 1).await;
    let proxy = broker.proxy().await;
    let numbers: Vec<String> = (0..1000).map(|n| format!("ticket {n}")).collect();
    let values: Vec<Value> = numbers.iter().map(|n| json!(STANDARD.encode(n))).collect();
    let sent = sent(&produce(&proxy, &topic, BINARY, &records(&values)).await);
    assert_eq!(sent, (0..1000).map(|offset| (0, offset)).collect::<Vec<_>>());
    let found = native_read(broker, &topic).await;
    assert!(found.iter().map(|record| record.text().1.unwrap()).eq(numbers.iter()));
}

async fn how_large_a_record_may_be_is_for_the_topic_to_say(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let large = |bytes: usize| json!({"records": [{"value": STANDARD.encode(vec![7; bytes])}]});
    let topic = site.topic(broker, 1).await;
    // what a topic takes that has no limit of its own
    let body = large(1_048_588 - 100);
    sent(&produce(&site.proxy, &topic, BINARY, &body).await);
    let topic = unique("posters");
    let body = json!({"topic_name": topic, "partitions_count": 1,
        "configs": [{"name": "max.message.bytes", "value": "5000000"}]});
    assert_eq!(site.post("/topics", &body).await.status, 201);
    sent(&produce(&site.proxy, &topic, BINARY, &large(4_500_000)).await);
    let answer = produce(&site.proxy, &topic, BINARY, &large(5_500_000)).await;
    let error = answer.json["offsets"][0]["error"].as_str().unwrap();
    assert!(error.contains("too large"), "{error}");
    let read = Consumer::of(&site.proxy, &topic, "binary").await.take_data(1).await;
    assert_eq!(read[0].1.as_str().unwrap().len(), 6_000_000);
}
