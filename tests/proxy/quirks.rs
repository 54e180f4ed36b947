//! What Confluent's proxy does and Weir does only if it is told to; others stand where the better
//! behaviour is tested.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::{TestBroker, embedded_broker};

use crate::fixtures::*;

on_both_brokers! {
    a_read_waits_for_its_whole_time
    a_reads_time_is_that_of_the_instance_at_most
    fields_that_an_avro_record_does_not_have_are_dropped
}

async fn waited(broker: &TestBroker, quirks: bool, settings: Value, timeout: u64) -> Duration {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = match quirks {
        true => broker.proxy_with(quirky()).await,
        false => broker.proxy().await,
    };
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let consumer = Consumer::new(&proxy, settings).await;
    consumer.assign(&topic, &[0]).await;
    let begun = Instant::now();
    let mut found = Vec::new();
    while found.is_empty() {
        let answer = consumer.get(&format!("/records?timeout={timeout}")).await;
        found = answer.json.as_array().unwrap().clone();
    }
    begun.elapsed()
}

async fn a_read_waits_for_its_whole_time(broker: &TestBroker) {
    let settings = json!({"format": "json", "consumer.request.timeout.ms": 2000});
    assert!(waited(broker, true, settings, 2000).await >= Duration::from_millis(2000));
    // as a single instance may ask for
    let settings = json!({"format": "json", "fetch.min.bytes": -1});
    assert!(waited(broker, false, settings, 1500).await >= Duration::from_millis(1500));
}

async fn a_reads_time_is_that_of_the_instance_at_most(broker: &TestBroker) {
    let settings = json!({"format": "json", "consumer.request.timeout.ms": 300});
    let proxy = broker.proxy_with(quirky()).await;
    let consumer = Consumer::new(&proxy, settings).await;
    let begun = Instant::now();
    consumer.get("/records?timeout=20000").await.is(json!([]));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

async fn fields_that_an_avro_record_does_not_have_are_dropped(broker: &TestBroker) {
    let topic = new_topic(broker, "stocks", 1).await;
    let mut more = stocks()[0].clone();
    more["splits"] = json!([{"ratio": [2, "to", 1]}]);
    let body = json!({"value_schema": STOCK, "records": [{"value": more}]});
    let proxy = broker.proxy().await;
    refused(&produce(&proxy, &topic, AVRO, &body).await, 400, 400);
    let proxy = broker.proxy_with(quirky()).await;
    sent(&produce(&proxy, &topic, AVRO, &body).await);
    let settings = json!({"format": "avro", "fetch.min.bytes": 1});
    let consumer = Consumer::new(&proxy, settings).await;
    consumer.assign(&topic, &[0]).await;
    let read = loop {
        let answer = consumer.get("/records?timeout=1000").await;
        if answer.json != json!([]) {
            break answer.json;
        }
    };
    assert_eq!(read[0]["value"], stocks()[0]);
}

#[tokio::test]
async fn asking_for_offsets_without_naming_any_is_40402_either_way() {
    let broker = embedded_broker();
    for proxy in [broker.proxy().await, broker.proxy_with(quirky()).await] {
        let consumer = Consumer::new(&proxy, json!({})).await;
        consumer.get("/offsets").await.is_error(404, 40402, "Partition not found.");
    }
}
