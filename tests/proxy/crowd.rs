//! More consumer instances than clients of Kafka: they take turns, and each goes on where it was.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_proxy::{ClientSettings, ProxyConfig};
use weir_tests::{Answer, ProxyUnderTest, TestBroker, embedded_broker};

use crate::fixtures::*;

/// A proxy whose instances share so many clients.
async fn proxy_with_clients(broker: &TestBroker, count: usize) -> ProxyUnderTest {
    let clients = ClientSettings { instances_connected: Some(count), ..ClientSettings::default() };
    broker.proxy_of(ProxyConfig::default(), clients).await
}

/// The answer of the first read that is not refused for want of a client.
async fn read_in_turn(consumer: &Consumer, query: &str) -> Answer {
    let deadline = Instant::now() + DEADLINE * 3;
    loop {
        let answer = consumer.get(&format!("/records?{query}")).await;
        let has_records = answer.json.as_array().is_some_and(|records| !records.is_empty());
        if answer.status == 200 && has_records {
            return answer;
        }
        if answer.status != 200 {
            refused(&answer, 503, 50301);
            assert_eq!(answer.headers["retry-after"], "1");
        }
        assert!(Instant::now() < deadline, "{}", answer.text);
    }
}

fn offsets(answer: &Answer) -> Vec<i64> {
    let records = answer.json.as_array().unwrap().iter();
    records.map(|record| record["offset"].as_i64().unwrap()).collect()
}

fn first(consumer: Value) -> Value {
    let mut settings = json!({"format": "json", "auto.offset.reset": "earliest"});
    settings.as_object_mut().unwrap().extend(consumer.as_object().unwrap().clone());
    settings
}

/// Another instance reads everything, for which it needs the only client.
async fn another_reads(proxy: &ProxyUnderTest, topic: &str) {
    let other = Consumer::new(proxy, first(json!({}))).await;
    other.assign(topic, &[0]).await;
    assert_eq!(offsets(&read_in_turn(&other, "timeout=2000").await)[0], 0);
    done(&other.delete().await);
}

async fn who_gave_its_client_up_goes_on_where_it_was(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = proxy_with_clients(broker, 1).await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    for auto_commit in ["true", "false"] {
        for subscribes in [true, false] {
            let settings = first(json!({"auto.commit.enable": auto_commit}));
            let consumer = Consumer::new(&proxy, settings).await;
            match subscribes {
                true => consumer.subscribe(&topic).await,
                false => consumer.assign(&topic, &[0]).await,
            }
            let answer = read_in_turn(&consumer, "timeout=2000&max_bytes=1").await;
            assert_eq!(offsets(&answer), [0]);
            another_reads(&proxy, &topic).await;
            let answer = read_in_turn(&consumer, "timeout=2000&max_bytes=1").await;
            assert_eq!(offsets(&answer), [1], "commits {auto_commit}, subscribes {subscribes}");
            done(&consumer.delete().await);
        }
    }
}

/// What was read is committed although another has had the client in between.
async fn a_commit_after_a_rest_is_of_what_was_read(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = proxy_with_clients(broker, 1).await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let settings = first(json!({"auto.commit.enable": "false"}));
    let consumer = Consumer::new(&proxy, settings).await;
    consumer.subscribe(&topic).await;
    let answer = read_in_turn(&consumer, "timeout=2000&max_bytes=1").await;
    assert_eq!(offsets(&answer), [0]);
    another_reads(&proxy, &topic).await;
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = consumer.post_nothing("/offsets").await;
        if answer.status == 200 {
            break;
        }
        // no client is free yet, or the group has not taken the instance back yet
        match answer.status.as_u16() {
            503 => refused(&answer, 503, 50301),
            _ => refused(&answer, 500, 50003),
        }
        assert!(Instant::now() < deadline, "{}", answer.text);
    }
    assert_eq!(consumer.committed(&topic, 0).await, Some(1));
}

// the mock cluster takes a member that has left for the better part of a minute for one that is there
on_both_brokers! {
    a_commit_after_a_rest_is_of_what_was_read
    who_gave_its_client_up_goes_on_where_it_was
}

/// Requests that need no client are not refused, and those that wait are answered in their time.
#[tokio::test]
async fn an_instance_without_a_client_can_be_subscribed_and_deleted() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = proxy_with_clients(&broker, 1).await;
    let reader = Consumer::of(&proxy, &topic, "json").await;
    let (api, path) = (proxy.api.clone(), reader.path("/records?timeout=8000"));
    let reading = tokio::spawn(async move { api.get(&path).await });
    let deadline = Instant::now() + DEADLINE;
    let other = Consumer::new(&proxy, first(json!({}))).await;
    other.subscribe(&topic).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        let answer = other.get("/records?timeout=500").await;
        if answer.status != 200 {
            refused(&answer, 503, 50301);
        }
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        assert!(Instant::now() < deadline);
    }
    other.get("/subscription").await.is(json!({"topics": [topic]}));
    done(&other.delete().await);
    assert_eq!(reading.await.unwrap().status, 200);
    let text = proxy.api.get("/metrics").await.text;
    assert!(!text.contains("weir_proxy_consumer_instances_refused_total 0\n"), "{text}");
    assert!(text.contains("weir_proxy_consumer_instances_connected_max 1\n"), "{text}");
}
