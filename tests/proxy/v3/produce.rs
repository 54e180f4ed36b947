//! `../topics/{topic}/records`, streamed and in batches.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use weir_tests::{TestBroker, embedded_broker, unique};

use super::site::Site;
use crate::fixtures::*;

on_both_brokers! {
    a_record_of_each_type_arrives_as_what_it_is
    a_report_says_where_the_record_is
    times_and_numbers_may_be_written_in_more_than_one_way
    records_of_one_request_are_reported_in_order
    reports_come_while_the_request_goes_on
    what_fails_has_a_report_of_its_own
    what_is_not_json_ends_the_stream
    schemas_are_found_in_each_way
    null_is_null
    a_batch_is_answered_by_entry
    a_batch_that_cannot_be_is_42208
    a_topic_that_is_not_there_is_reported_in_time
    records_that_are_read_can_be_produced_again
    an_answer_that_nobody_acknowledges
}

/// The reports of a stream.
fn reports(text: &str) -> Vec<Value> {
    assert!(text.ends_with("\r\n"), "{text}");
    text.trim_end().split("\r\n").map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn stream(site: &Site, topic: &str, body: String) -> Vec<Value> {
    let path = site.path(&format!("/topics/{topic}/records"));
    let answer = site.api.post_as(&path, "application/json", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/json");
    reports(&answer.text)
}

fn value(data: &Value) -> Value {
    json!({"partition_id": 0, "value": {"type": "JSON", "data": data}})
}

fn codes(reports: &[Value]) -> Vec<u64> {
    reports.iter().map(|report| report["error_code"].as_u64().unwrap()).collect()
}

async fn a_record_of_each_type_arrives_as_what_it_is(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let bodies = [
        json!({"key": {"type": "BINARY", "data": "AP8="}, "value": {"type": "BINARY", "data": ""}}),
        json!({"key": {"type": "STRING", "data": "k"}, "value": {"type": "JSON", "data": {"b": 1, "a": [0, false]}}}),
        json!({"value": {"type": "STRING", "data": "null"}}),
    ];
    let body: String = bodies.iter().map(Value::to_string).collect();
    assert_eq!(codes(&stream(&site, &topic, body).await), [200, 200, 200]);
    let native = native_read(broker, &topic).await;
    let data: Vec<_> = native.into_iter().map(|record| (record.key, record.value)).collect();
    let bytes = |bytes: &[u8]| Some(bytes.to_vec());
    let expected = [
        (bytes(&[0, 255]), bytes(b"")),
        (bytes(b"k"), bytes(b"{\"a\":[0,false],\"b\":1}")),
        (None, bytes(b"null")),
    ];
    assert_eq!(data, expected);
}

async fn a_report_says_where_the_record_is(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 3).await;
    let body = json!({
        "partition_id": 2,
        "headers": [{"name": "leg", "value": "U0FU"}, {"name": "leg", "value": null}],
        "key": {"type": "STRING", "data": "k"},
        "value": {"type": "AVRO", "schema": "\"string\"", "data": "SAT"},
        "timestamp": "2001-01-10T18:20:00Z",
    });
    let expected = json!({
        "error_code": 200,
        "cluster_id": site.id,
        "topic_name": topic,
        "partition_id": 2,
        "offset": 0,
        "timestamp": "2001-01-10T18:20:00Z",
        "key": {"type": "STRING", "size": 1},
        "value": {"type": "AVRO", "subject": format!("{topic}-value"), "schema_id": 1, "schema_version": 1, "size": 9},
    });
    assert_eq!(stream(&site, &topic, body.to_string()).await, [expected]);
    let native = native_read(broker, &topic).await;
    let header = |value: Option<&[u8]>| ("leg".to_string(), value.map(<[u8]>::to_vec));
    assert_eq!(native[0].headers, [header(Some(b"SAT")), header(None)]);
    assert_eq!((native[0].partition, native[0].timestamp), (2, 979_150_800_000));
}

/// As in the reference: a number is seconds, an empty string is now, and `"2"` is 2.
async fn times_and_numbers_may_be_written_in_more_than_one_way(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 3).await;
    let times = [json!(979_150_800), json!("979150800"), json!(979_150_800.5), json!("")];
    let body = times.map(|time| json!({"partition_id": "2", "timestamp": time}).to_string());
    let found = stream(&site, &topic, body.concat()).await;
    let time = |n: usize| found[n]["timestamp"].as_str().unwrap();
    assert_eq!((time(0), time(1)), ("2001-01-10T18:20:00Z", "2001-01-10T18:20:00Z"));
    assert_eq!(time(2), "2001-01-10T18:20:00.5Z");
    assert!(time(3) > "2026", "{}", time(3));
    assert!(found.iter().all(|report| report["partition_id"] == json!(2)), "{found:?}");
}

async fn records_of_one_request_are_reported_in_order(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let body: Vec<String> = (0..3000).map(|n| value(&json!(n)).to_string()).collect();
    let found = stream(&site, &topic, body.join(" \n")).await;
    let offsets: Vec<_> = found.iter().map(|report| report["offset"].as_i64().unwrap()).collect();
    assert_eq!(offsets, (0..3000).collect::<Vec<_>>());
    let native = native_read(broker, &topic).await;
    let data: Vec<_> = native.iter().map(|r| r.text().1.unwrap().to_string()).collect();
    assert_eq!(data, (0..3000).map(|n| n.to_string()).collect::<Vec<_>>());
}

async fn reports_come_while_the_request_goes_on(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let (send, receive) = mpsc::channel::<Result<String, std::io::Error>>(1);
    let body = futures_util::stream::unfold(receive, |mut receive| async move {
        receive.recv().await.map(|piece| (piece, receive))
    });
    let request = site
        .api
        .request(Method::POST, &site.path(&format!("/topics/{topic}/records")))
        .header("content-type", "application/json")
        .header("accept-encoding", "gzip")
        .body(Body::wrap_stream(body));
    // half an object more: it is not waited for
    let first = format!("{}{{\"value\":", value(&json!(0)));
    send.send(Ok(first)).await.unwrap();
    let response = request.send().await.unwrap();
    let mut pieces = response.bytes_stream();
    for offset in 0..5 {
        let piece = tokio::time::timeout(DEADLINE, pieces.next()).await.unwrap().unwrap().unwrap();
        let report = reports(std::str::from_utf8(&piece).unwrap());
        assert_eq!((codes(&report), &report[0]["offset"]), (vec![200], &json!(offset)));
        let rest = format!("{{\"type\":\"JSON\",\"data\":{offset}}}}}{{\"value\":");
        send.send(Ok(rest)).await.unwrap();
    }
    drop(send);
    let last = tokio::time::timeout(DEADLINE, async {
        let mut rest = String::new();
        while let Some(piece) = pieces.next().await {
            rest.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
        rest
    });
    // the last object was never ended
    assert_eq!(codes(&reports(&last.await.unwrap())), [200, 400]);
}

async fn what_fails_has_a_report_of_its_own(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let whole = json!({"value": {"type": "JSON", "data": 1}});
    let mut failing = vec![
        (json!({"partition_id": -1}), 40402),
        (json!({"partition_id": 7}), 40401),
        (json!(null), 400),
        (json!(1), 400),
        (json!("SAT"), 400),
        (json!([{}]), 400),
        (json!({"partition_id": 0.5}), 400),
        (json!({"other": 1}), 400),
        (json!({"value": 1}), 400),
        (json!({"value": {"type": "WORD", "data": 1}}), 400),
        (json!({"value": {"type": "STRING"}}), 400),
        (json!({"value": {}}), 400),
        (json!({"timestamp": 1_612_552_482_123_i64}), 50002),
        (json!({"value": {"subject_name_strategy": "RECORD_NAME", "data": 1}}), 400),
        (json!({"value": {"type": "BINARY", "data": "!"}}), 400),
        (json!({"value": {"type": "STRING", "data": 1}}), 400),
        (json!({"value": {"type": "JSON", "schema": "\"string\"", "data": 1}}), 400),
        (json!({"value": {"type": "JSON", "subject": "s", "data": 1}}), 400),
        (json!({"value": {"type": "AVRO", "data": 1}}), 400),
        (json!({"value": {"type": "AVRO", "schema_id": 1, "data": 1}}), 400),
        (json!({"value": {"schema": "\"string\"", "data": "a"}}), 400),
        (json!({"value": {"schema_id": 1, "schema_version": 1, "data": "a"}}), 400),
        (json!({"value": {"subject": "s", "subject_name_strategy": "TOPIC_NAME", "data": 1}}), 400),
        (json!({"value": {"type": "AVRO", "schema": "\"strin\"", "data": "a"}}), 42205),
        (json!({"value": {"type": "AVRO", "schema": "\"string\"", "data": 1}}), 400),
        (json!({"value": {"schema_id": 99, "data": 1}}), 42207),
        (json!({"value": {"schema_id": -1, "data": 1}}), 42207),
        (json!({"value": {"schema_version": 99, "data": 1}}), 42207),
        (json!({"value": {"schema_version": 0, "data": 1}}), 42207),
        (json!({"value": {"subject": "no-such", "data": 1}}), 42207),
        (json!({"headers": [{"name": "a\u{0}", "value": null}]}), 400),
        (json!({"timestamp": "yesterday"}), 400),
        (json!({"id": "1"}), 400),
    ];
    // how large a record may be is for Kafka to say
    let large = "A".repeat(2_000_000);
    failing.push((json!({"value": {"type": "BINARY", "data": large}}), 413));
    let body: String = failing.iter().map(|(record, _)| format!("{record}{whole}")).collect();
    let found = codes(&stream(&site, &topic, body).await);
    let expected: Vec<u64> = failing.iter().flat_map(|(_, code)| [*code, 200]).collect();
    assert_eq!(found, expected);
    assert_eq!(native_read(broker, &topic).await.len(), failing.len());
}

async fn what_is_not_json_ends_the_stream(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let whole = value(&json!(1)).to_string();
    for broken in ["[", "nothing", "{x}", "{", ",", "}", "{\"value\":NaN}"] {
        let found = stream(&site, &topic, format!("{whole}{broken}{whole}")).await;
        assert_eq!(codes(&found), [200, 400], "{broken}");
        let message = found[1]["message"].as_str().unwrap();
        assert!(message.starts_with("Bad Request: Error processing JSON: "), "{message}");
    }
    let path = site.path(&format!("/topics/{topic}/records"));
    // no records, no reports
    for body in ["", " \r\n"] {
        let answer = site.api.post_as(&path, "application/json", body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    }
    for media_type in [JSON, "text/plain"] {
        let answer = site.api.post_as(&path, media_type, whole.clone()).await;
        answer.is_error(415, 415, "HTTP 415 Unsupported Media Type");
    }
    let request = site.api.request(Method::POST, &path).header("content-type", "application/json");
    let answer = site.api.send(request.header("accept", "application/xml").body(whole)).await;
    answer.is_error(406, 406, "HTTP 406 Not Acceptable");
}

async fn schemas_are_found_in_each_way(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let registry = &site.proxy;
    let value = format!("{topic}-value");
    let first = register(registry, &value, r#""string""#).await;
    let second = register(registry, &value, r#"["string"]"#).await;
    assert_ne!(first, second);
    let stock = register(registry, "market.Stock", STOCK).await;
    let of_topic = register(registry, &format!("{topic}-market.Stock"), STOCK).await;
    assert_eq!(stock, of_topic);
    let data = &stocks()[0];
    for (data, subject, id, version) in [
        (json!({"schema_id": first, "data": "a"}), value.clone(), first, 1),
        (json!({"schema_version": 1, "data": "a"}), value.clone(), first, 1),
        (json!({"data": {"string": "a"}}), value.clone(), second, 2),
        (json!({"schema_version": "-1", "data": {"string": "a"}}), value.clone(), second, 2),
        (json!({"subject": "market.Stock", "data": data}), "market.Stock".to_string(), stock, 1),
        (
            json!({"subject": "market.Stock", "schema_version": 1, "data": data}),
            "market.Stock".to_string(),
            stock,
            1,
        ),
        (
            json!({"subject_name_strategy": "RECORD_NAME", "schema_id": stock, "data": data}),
            "market.Stock".to_string(),
            stock,
            1,
        ),
        (
            json!({"subject_name_strategy": "TOPIC_RECORD_NAME", "type": "AVRO", "schema": STOCK, "data": data}),
            format!("{topic}-market.Stock"),
            stock,
            1,
        ),
        (
            json!({"type": "JSONSCHEMA", "subject": format!("{topic}-json"), "schema": "{\"type\":\"number\"}", "data": 1.5}),
            format!("{topic}-json"),
            stock + 1,
            1,
        ),
        (
            json!({"type": "PROTOBUF", "subject": format!("{topic}-pb"), "schema": "syntax = \"proto3\"; message A { int32 n = 1; }", "data": {"n": 1}}),
            format!("{topic}-pb"),
            stock + 2,
            1,
        ),
    ] {
        let found = stream(&site, &topic, json!({"value": data}).to_string()).await;
        let written = &found[0]["value"];
        assert_eq!(
            (&written["subject"], &written["schema_id"], &written["schema_version"]),
            (&json!(subject), &json!(id), &json!(version)),
            "{} {data}",
            found[0]
        );
    }
}

async fn null_is_null(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let body = [
        json!({}),
        json!({"key": null, "value": null}),
        json!({"key": {"type": "BINARY", "data": null}, "value": {"type": "JSON", "data": null}}),
        json!({"value": {"type": "STRING", "data": null}}),
        json!({"value": {"type": "AVRO", "schema": "\"string\"", "data": null}}),
        json!({"value": {"type": "JSON", "data": 0}}),
        json!({"value": {"type": "JSON", "data": false}}),
        json!({"value": {"type": "JSON", "data": ""}}),
        json!({"value": {"type": "STRING", "data": ""}}),
    ];
    let body: String = body.iter().map(Value::to_string).collect();
    let found = stream(&site, &topic, body).await;
    assert_eq!(codes(&found), [200; 9]);
    assert_eq!((found[0].get("key"), found[1].get("value")), (None, None));
    assert_eq!(found[2]["key"], json!({"type": "BINARY", "size": -1}));
    assert_eq!((&found[4]["value"]["size"], &found[8]["value"]["size"]), (&json!(-1), &json!(0)));
    let native = native_read(broker, &topic).await;
    let data: Vec<_> = native.iter().map(|record| record.text()).collect();
    let mut expected = vec![(None, None); 5];
    expected.extend(["0", "false", "\"\"", ""].map(|text| (None, Some(text))));
    assert_eq!(data, expected);
}

async fn a_batch_is_answered_by_entry(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let body = json!({"entries": [
        {"id": "a", "partition_id": 0, "value": {"type": "JSON", "data": 1}, "timestamp": "2001-01-10T18:20:00Z"},
        {"id": "b", "value": {"type": "BINARY", "data": "!"}},
        {"id": "c-C_9", "partition_id": 0, "value": {"type": "JSON", "data": 2}, "timestamp": "2001-01-10T18:20:00Z"},
        {"id": "d", "partition_id": -1},
    ]});
    let answer = site.post(&format!("/topics/{topic}/records:batch"), &body).await;
    let success = |id: &str, offset: i64| {
        json!({
            "id": id, "cluster_id": site.id, "topic_name": topic,
            "partition_id": 0, "offset": offset, "timestamp": "2001-01-10T18:20:00Z",
            "value": {"type": "JSON", "size": 1},
        })
    };
    assert_eq!(answer.status, 207, "{}", answer.text);
    assert_eq!(answer.json["successes"], json!([success("a", 0), success("c-C_9", 1)]));
    let failures = answer.json["failures"].as_array().unwrap();
    let found: Vec<_> = failures.iter().map(|f| (&f["id"], &f["error_code"])).collect();
    assert_eq!(found, [(&json!("b"), &json!(400)), (&json!("d"), &json!(40402))]);
}

async fn a_batch_that_cannot_be_is_42208(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let path = format!("/topics/{topic}/records:batch");
    let of = |ids: &[Value]| {
        let entries = ids.iter().map(|id| json!({"id": id, "value": {"type": "JSON", "data": 1}}));
        json!({"entries": entries.collect::<Vec<_>>()})
    };
    let many: Vec<Value> = (0..51).map(|n| json!(n.to_string())).collect();
    let no_id = "Batch entry identifier is not a valid string.";
    for (body, message) in [
        (json!({}), "Empty batch."),
        (of(&[]), "Empty batch."),
        (of(&many), "Too many entries in batch."),
        (of(&[json!("a"), json!("a")]), "Batch entry IDs are not distinct."),
        (of(&[json!(1)]), no_id),
        (of(&[json!("")]), no_id),
        (of(&[json!("a b")]), no_id),
        (of(&[json!("ü")]), no_id),
        (of(&[json!("a".repeat(81))]), no_id),
        (json!({"entries": [{"value": {"type": "JSON", "data": 1}}]}), no_id),
    ] {
        site.post(&path, &body).await.is_error(422, 42208, message);
    }
    for body in ["", "null"] {
        let path = site.path(&path);
        let answer = site.api.post_as(&path, "application/json", body.to_string()).await;
        answer.is_error(422, 42208, "Request body is empty. Data is required.");
    }
    refused(&site.post(&path, &json!([])).await, 400, 400);
    refused(&site.post(&path, &json!({"entries": [1]})).await, 400, 400);
    let answer = site.post(&path, &json!({"entries": [{"id": "a", "other": 1}]})).await;
    answer.is_error(422, 422, "Unrecognized field: other");
    assert_eq!(
        site.post(&path, &of(&many[..50])).await.json["successes"].as_array().unwrap().len(),
        50
    );
}

async fn a_topic_that_is_not_there_is_reported_in_time(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = unique("missing");
    let begun = Instant::now();
    let found = stream(&site, &topic, value(&json!(1)).to_string()).await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let message = format!("Topic {topic} not present in metadata after 3000 ms.");
    assert_eq!(found, [json!({"error_code": 40401, "message": message})]);
}

async fn records_that_are_read_can_be_produced_again(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (from, to) = (site.topic(broker, 1).await, site.topic(broker, 1).await);
    let body = json!({
        "headers": [{"name": "leg", "value": "U0FU"}],
        "key": {"type": "BINARY", "data": "AP8="},
        "value": {"type": "AVRO", "subject": "routes", "schema": "\"string\"", "data": "SAT"},
    });
    stream(&site, &from, body.to_string()).await;
    let path = |topic: &str| format!("/topics/{topic}/partitions/0/records?value_format=avro");
    let read = site.get(&path(&from)).await.json["data"][0].clone();
    let mut again = read.clone();
    again.as_object_mut().unwrap().remove("offset");
    again["value"].as_object_mut().unwrap().remove("type");
    again["value"]["subject"] = json!("routes");
    assert_eq!(codes(&stream(&site, &to, again.to_string()).await), [200]);
    assert_eq!(site.get(&path(&to)).await.json["data"], json!([read]));
}

async fn an_answer_that_nobody_acknowledges(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    for (acks, offset) in [("0", -1), ("1", 1), ("all", 2), ("-1", 3)] {
        let path = site.path(&format!("/topics/{topic}/records?acks={acks}"));
        let body = value(&json!(acks)).to_string();
        let answer = site.api.post_as(&path, "application/json", body).await;
        let found = reports(&answer.text);
        assert_eq!((codes(&found), &found[0]["offset"]), (vec![200], &json!(offset)), "{acks}");
        while native_read(broker, &topic).await.is_empty() {} // nobody said that it is there
    }
    let path = site.path(&format!("/topics/{topic}/records?acks=2"));
    refused(&site.api.post_as(&path, "application/json", "{}".into()).await, 422, 422);
}

/// A client that goes away takes nothing with it.
#[tokio::test]
async fn a_client_that_leaves_a_stream_ends_it() {
    let broker = embedded_broker();
    let site = Site::new(&broker).await;
    let topic = site.topic(&broker, 1).await;
    for _ in 0..20 {
        let body = futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(value(&json!(1)).to_string())
        });
        let request = site
            .api
            .request(Method::POST, &site.path(&format!("/topics/{topic}/records")))
            .header("content-type", "application/json")
            .body(Body::wrap_stream(body));
        let mut response = request.send().await.unwrap().bytes_stream();
        response.next().await.unwrap().unwrap();
    }
    assert_eq!(codes(&stream(&site, &topic, value(&json!(2)).to_string()).await), [200]);
}
