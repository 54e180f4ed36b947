//! `../partitions/{partition}/records`: reading without a consumer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::TestBroker;

use super::site::Site;
use crate::fixtures::*;
use crate::wire;

on_both_brokers! {
    records_come_with_all_that_they_have
    a_read_begins_where_it_is_told
    a_page_names_the_next
    a_larger_record_comes_alone
    a_read_waits_as_long_as_it_is_told
    what_cannot_be_read_has_its_bytes
    formats_can_differ
    what_is_no_place_is_400
    reads_do_not_disturb_each_other
    a_read_begins_at_a_time
}

async fn data(site: &Site, path: &str) -> Vec<Value> {
    let answer = site.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["data"].as_array().unwrap().clone()
}

fn offsets(records: &[Value]) -> Vec<i64> {
    records.iter().map(|record| record["offset"].as_i64().unwrap()).collect()
}

/// A topic with `count` records, the JSON of their offsets.
async fn counted(site: &Site, broker: &TestBroker, count: usize) -> (String, String) {
    let topic = site.topic(broker, 1).await;
    let values: Vec<Value> = (0..count).map(|n| json!(n)).collect();
    sent(&produce(&site.proxy, &topic, JSON, &records(&values)).await);
    let path = format!("/topics/{topic}/partitions/0/records");
    (topic, path)
}

async fn records_come_with_all_that_they_have(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let body = json!({"records": [
        {"key": "AP8=", "value": "", "timestamp": 979_150_800_000_i64, "headers": [{"key": "leg", "value": null}]},
        {"timestamp": 979_150_800_001_i64},
    ]});
    sent(&produce(&site.proxy, &topic, BINARY, &body).await);
    let path = format!("/topics/{topic}/partitions/0/records");
    let answer = site.get(&path).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    answer.is(json!({
        "kind": "KafkaRecordList",
        "metadata": {"self": site.url(&path), "next": site.url(&format!("{path}?offset=2"))},
        "cluster_id": site.id,
        "topic_name": topic,
        "partition_id": 0,
        "data": [
            {
                "partition_id": 0, "offset": 0, "timestamp": "2001-01-10T18:20:00Z",
                "headers": [{"name": "leg", "value": null}],
                "key": {"type": "BINARY", "data": "AP8="}, "value": {"type": "BINARY", "data": ""},
            },
            {
                "partition_id": 0, "offset": 1, "timestamp": "2001-01-10T18:20:00.001Z",
                "headers": [], "key": null, "value": null,
            },
        ],
    }));
}

async fn a_read_begins_where_it_is_told(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (_, path) = counted(&site, broker, 5).await;
    for (query, expected) in [
        ("", vec![0, 1, 2, 3, 4]),
        ("?from=earliest", vec![0, 1, 2, 3, 4]),
        ("?from=latest", vec![]),
        ("?offset=3", vec![3, 4]),
        ("?offset=5", vec![]),
        ("?offset=1&limit=2", vec![1, 2]),
    ] {
        assert_eq!(offsets(&data(&site, &format!("{path}{query}")).await), expected, "{query}");
    }
}

async fn a_read_begins_at_a_time(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let timed: Vec<Value> =
        (0..5).map(|n| json!({"value": n, "timestamp": 979_150_800_000_i64 + n * 1000})).collect();
    sent(&produce(&site.proxy, &topic, JSON, &json!({"records": timed})).await);
    let path = format!("/topics/{topic}/partitions/0/records");
    for (time, expected) in [
        ("2001-01-10T18:20:02Z", vec![2, 3, 4]),
        ("979150802001", vec![3, 4]),
        ("0", vec![0, 1, 2, 3, 4]),
        ("2030-01-01T00:00:00Z", vec![]),
    ] {
        let found = data(&site, &format!("{path}?timestamp={time}")).await;
        assert_eq!(offsets(&found), expected, "{time}");
    }
    // what was deleted is passed over
    let delete = format!("{path}:delete");
    assert_eq!(site.post(&delete, &json!({"before_offset": 3})).await.status, 200);
    assert_eq!(offsets(&data(&site, &format!("{path}?offset=1")).await), [3, 4]);
}

async fn a_page_names_the_next(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (_, path) = counted(&site, broker, 7).await;
    let mut next = format!("{path}?limit=3&format=json");
    for expected in [vec![0, 1, 2], vec![3, 4, 5], vec![6], vec![]] {
        let answer = site.get(&next).await;
        assert_eq!(offsets(answer.json["data"].as_array().unwrap()), expected);
        let url = answer.json["metadata"]["next"].as_str().unwrap();
        next = url.strip_prefix(&site.url("")).unwrap().to_string();
    }
    // records that come later are there
    let url = next.clone();
    let topic = path.split('/').nth(2).unwrap();
    sent(&produce(&site.proxy, topic, JSON, &records(&[json!("later")])).await);
    assert_eq!(offsets(&data(&site, &url).await), [7]);
}

async fn a_larger_record_comes_alone(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let values = [json!("a"), json!("b".repeat(100_000)), json!("c"), json!("d")];
    sent(&produce(&site.proxy, &topic, JSON, &records(&values)).await);
    let path = format!("/topics/{topic}/partitions/0/records?max_bytes=1000");
    assert_eq!(offsets(&data(&site, &path).await), [0]);
    assert_eq!(offsets(&data(&site, &format!("{path}&offset=1")).await), [1]);
    assert_eq!(offsets(&data(&site, &format!("{path}&offset=2")).await), [2, 3]);
}

async fn a_read_waits_as_long_as_it_is_told(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (topic, path) = counted(&site, broker, 1).await;
    let begun = Instant::now();
    assert_eq!(data(&site, &format!("{path}?offset=1&wait_ms=300")).await, [json!(null); 0]);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let (produced, path) = (records(&[json!("new")]), format!("{path}?offset=1&wait_ms=15000"));
    let producing = async {
        site.api.get("/").await; // so that the read is on its way
        sent(&produce(&site.proxy, &topic, JSON, &produced).await);
    };
    let begun = Instant::now();
    let (found, ()) = tokio::join!(data(&site, &path), producing);
    assert_eq!(offsets(&found), [1]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

async fn what_cannot_be_read_has_its_bytes(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    native_write(broker, &topic, &[(None, Some(b"{")), (Some(b"k"), Some(b"1"))]).await;
    wire::write(broker, &topic, b"\xff", b"2").await;
    let path = format!("/topics/{topic}/partitions/0/records?value_format=json&key_format=string");
    let found = data(&site, &path).await;
    let value = |n: usize| found[n]["value"].clone();
    assert_eq!(value(0), json!({"type": "BINARY", "data": "ew=="}));
    assert_eq!(found[0]["error"]["error_code"], json!(40801));
    assert_eq!(found[1]["key"], json!({"type": "STRING", "data": "k"}));
    assert_eq!((value(1), &found[1]["error"]), (json!({"type": "JSON", "data": 1}), &Value::Null));
    assert_eq!(value(2), json!({"type": "BINARY", "data": "Mg=="}));
    assert_eq!(found[2]["error"]["message"], json!("The name of a header is not UTF-8"));
}

async fn formats_can_differ(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let topic = site.topic(broker, 1).await;
    let body = json!({"value_schema": STOCK, "records": [{"value": stocks()[0]}]});
    sent(&produce(&site.proxy, &topic, AVRO, &body).await);
    let path = format!("/topics/{topic}/partitions/0/records");
    let found = data(&site, &format!("{path}?format=avro")).await;
    assert_eq!(found[0]["value"], json!({"type": "AVRO", "schema_id": 1, "data": stocks()[0]}));
    refused(&site.get(&format!("{path}?format=xml")).await, 422, 422);
}

async fn what_is_no_place_is_400(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let (_, path) = counted(&site, broker, 1).await;
    for query in [
        "offset=-1",
        "offset=x",
        "offset=2",
        "from=middle",
        "timestamp=soon",
        "limit=0",
        "limit=-1",
        "max_bytes=0",
        "wait_ms=x",
        "offset=0&from=latest",
        "timestamp=1&from=latest",
    ] {
        refused(&site.get(&format!("{path}?{query}")).await, 400, 400);
    }
}

async fn reads_do_not_disturb_each_other(broker: &TestBroker) {
    let site = Site::new(broker).await;
    let mut paths = Vec::new();
    for count in [3, 4, 5] {
        paths.push((count, counted(&site, broker, count).await.1));
    }
    let mut reads = Vec::new();
    for round in 0..30 {
        let (count, path) = &paths[round % 3];
        let (site, from) = (&site, round % 2);
        reads.push(async move {
            let found = offsets(&data(site, &format!("{path}?offset={from}&format=json")).await);
            assert_eq!(found, (from as i64..*count as i64).collect::<Vec<_>>());
        });
    }
    futures_util::future::join_all(reads).await;
}
