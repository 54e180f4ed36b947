//! Avro whose schema is `bytes`: Confluent's serializers write it without the length that Avro has before
//! bytes, a decimal on bytes too, and read all that stands after the schema's id.

use serde_json::{Value, json};
use weir_tests::TestBroker;

use crate::fixtures::*;
use crate::v3::Site;

on_both_brokers! {
    bytes_are_written_as_confluents_serializer_writes_them
    bytes_that_confluents_serializer_wrote_are_read
    bytes_within_another_type_keep_their_length
    decimals_come_as_they_are_asked_for
}

const BYTES: &str = r#""bytes""#;
const DECIMAL: &str = r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#;
const INVOICE: &str = r#"{"type":"record","name":"Invoice","fields":[{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},{"name":"rate","type":{"type":"fixed","name":"Rate","size":2,"logicalType":"decimal","precision":4,"scale":3}},{"name":"scan","type":"bytes"}]}"#;

/// What Confluent's serializer makes of bytes.
fn confluent(id: i64, bytes: &[u8]) -> Vec<u8> {
    [&[0], &u32::try_from(id).unwrap().to_be_bytes()[..], bytes].concat()
}

async fn bytes_are_written_as_confluents_serializer_writes_them(broker: &TestBroker) {
    let site = Site::new(broker).await;
    // 200 bytes: in Avro their length would take two
    let long: String = (0..200).map(|n| char::from(n as u8)).collect();
    for (schema, data, bytes) in [
        (BYTES, "\u{ff}abc", b"\xffabc".to_vec()),
        (BYTES, "", Vec::new()),
        (BYTES, &long, (0..200).collect()),
        (DECIMAL, "\u{4}\u{e2}", vec![4, 0xe2]), // 12.50
    ] {
        let topic = site.topic(broker, 1).await;
        let body = json!({"key_schema": schema, "value_schema": schema,
            "records": [{"key": data, "value": data}]});
        let answer = produce(&site.proxy, &topic, AVRO, &body).await;
        sent(&answer);
        let id = answer.json["value_schema_id"].as_i64().unwrap();
        let of_v3 = json!({"value": {"schema_id": id, "data": data}});
        let path = site.path(&format!("/topics/{topic}/records"));
        let report = site.api.post_as(&path, "application/json", of_v3.to_string()).await;
        assert_eq!(report.json["error_code"], json!(200), "{}", report.text);
        assert_eq!(report.json["value"]["size"], json!(5 + bytes.len()));
        let written = native_read(broker, &topic).await;
        let payload = Some(confluent(id, &bytes));
        assert_eq!((&written[0].key, &written[0].value), (&payload, &payload), "{schema} {data}");
        assert_eq!(written[1].value, payload, "{schema} {data}");
        let read = Consumer::of(&site.proxy, &topic, "avro").await.take_data(2).await;
        assert_eq!(read, [(json!(data), json!(data)), (Value::Null, json!(data))]);
    }
}

async fn bytes_that_confluents_serializer_wrote_are_read(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let id = register(&site.proxy, &format!("{topic}-value"), BYTES).await;
    // one that begins with what would be its length in Avro, and one that does not
    for bytes in [&b"\x06abc"[..], b"\xffabc", b""] {
        native_write(broker, &topic, &[(None, Some(&confluent(id, bytes)))]).await;
    }
    let texts = [json!("\u{6}abc"), json!("\u{ff}abc"), json!("")];
    let read = Consumer::of(&site.proxy, &topic, "avro").await.take_data(3).await;
    assert_eq!(read.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), texts);
    let path = format!("/topics/{topic}/partitions/0/records?format=avro");
    let page = site.get(&path).await;
    for (entry, text) in page.json["data"].as_array().unwrap().iter().zip(texts) {
        assert_eq!(entry["value"], json!({"type": "AVRO", "schema_id": id, "data": text}));
    }
}

async fn bytes_within_another_type_keep_their_length(broker: &TestBroker) {
    let topic = new_topic(broker, "scans", 1).await;
    let proxy = broker.proxy().await;
    let body =
        json!({"value_schema": r#"["null","bytes"]"#, "records": [{"value": {"bytes": "abc"}}]});
    let answer = produce(&proxy, &topic, AVRO, &body).await;
    sent(&answer);
    let id = answer.json["value_schema_id"].as_i64().unwrap();
    let written = native_read(broker, &topic).await;
    assert_eq!(written[0].value, Some(confluent(id, b"\x02\x06abc")));
}

async fn decimals_come_as_they_are_asked_for(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let invoice = json!({"total": "\u{4}\u{e2}", "rate": "\u{ff}\u{fb}", "scan": "\u{4}"});
    let body = json!({"key_schema": DECIMAL, "value_schema": INVOICE,
        "records": [{"key": "\u{ff}", "value": invoice}]});
    sent(&produce(&site.proxy, &topic, AVRO, &body).await);
    for (asked, key, total, rate) in [
        (json!({}), json!("\u{ff}"), json!("\u{4}\u{e2}"), json!("\u{ff}\u{fb}")),
        (json!({"avro.decimal": "string"}), json!("-0.01"), json!("12.50"), json!("-0.005")),
    ] {
        let mut settings = json!({"format": "avro"});
        settings.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        let consumer = Consumer::new(&site.proxy, settings).await;
        consumer.assign(&topic, &[0]).await;
        let read = consumer.take_data(1).await;
        let value = json!({"total": total, "rate": rate, "scan": "\u{4}"});
        assert_eq!(read, [(key, value)]);
    }
    let numbers =
        Consumer::new(&site.proxy, json!({"format": "avro", "avro.decimal": "number"})).await;
    numbers.assign(&topic, &[0]).await;
    let deadline = std::time::Instant::now() + DEADLINE;
    loop {
        let answer = numbers.get("/records?timeout=2000").await;
        if answer.text != "[]" {
            // with all their digits
            let value = r#""key":-0.01,"value":{"total":12.50,"rate":-0.005,"scan":"\u0004"}"#;
            assert!(answer.text.contains(value), "{}", answer.text);
            break;
        }
        assert!(std::time::Instant::now() < deadline);
    }
    let path = format!("/topics/{topic}/partitions/0/records?format=avro&decimals=string");
    let page = site.get(&path).await;
    assert_eq!(page.json["data"][0]["key"]["data"], json!("-0.01"), "{}", page.text);
}
