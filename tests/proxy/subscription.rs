//! `/consumers/{group}/instances/{instance}/subscription`

use std::time::Instant;

use serde_json::{Value, json};
use weir_tests::{TestBroker, embedded_broker, unique};

use super::fixtures::*;

on_both_brokers! {
    a_subscribed_instance_reads_and_commits
    a_topic_that_is_made_later_is_read_by_a_pattern
    an_instance_joins_its_group_without_a_read
    a_pattern_subscribes_to_the_topics_that_match_as_a_whole
    more_topics_that_are_made_later_are_read_by_a_pattern
    a_topic_that_is_made_later_interrupts_a_read_that_waits
    a_topic_that_is_deleted_leaves_the_subscription_by_a_pattern
    a_pattern_does_not_match_topics_of_kafka_itself
    a_subscription_to_several_topics_reads_all_of_them
    a_second_instance_continues_after_the_commit_of_the_first
    two_instances_of_a_group_share_the_partitions
    three_instances_share_what_comes
    a_rebalance_during_a_waiting_read_loses_nothing
    a_new_subscription_replaces_the_old
    nothing_is_read_after_unsubscribing
}

const EXCLUSIVE: &str =
    "Illegal state: Subscription to topics, partitions and pattern are mutually exclusive";

#[tokio::test]
async fn a_subscription_is_shown() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.get("/subscription").await.is(json!({"topics": []}));
    done(&consumer.post("/subscription", &json!({"topics": ["flights", "movies"]})).await);
    let mut answer = consumer.get("/subscription").await;
    answer.json["topics"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    answer.is(json!({"topics": ["flights", "movies"]}));
}

#[tokio::test]
async fn an_instance_can_be_unsubscribed() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    done(&consumer.api.delete(&consumer.path("/subscription")).await);
    consumer.subscribe("flights").await;
    done(&consumer.api.delete(&consumer.path("/subscription")).await);
    consumer.get("/subscription").await.is(json!({"topics": []}));
    // an empty list says the same
    consumer.subscribe("flights").await;
    done(&consumer.post("/subscription", &json!({"topics": []})).await);
    consumer.get("/subscription").await.is(json!({"topics": []}));
    // and now partitions may be assigned
    consumer.assign("flights", &[0]).await;
}

#[tokio::test]
async fn a_subscription_without_topics_or_pattern_changes_nothing() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.subscribe("flights").await;
    done(&consumer.post("/subscription", &json!({})).await);
    consumer.get("/subscription").await.is(json!({"topics": ["flights"]}));
}

#[tokio::test]
async fn topics_win_over_a_pattern() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let body = json!({"topics": ["flights"], "topic_pattern": "movies.*"});
    done(&consumer.post("/subscription", &body).await);
    consumer.get("/subscription").await.is(json!({"topics": ["flights"]}));
}

#[tokio::test]
async fn a_subscription_without_a_body_is_422() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.post_nothing("/subscription").await.is_error(422, 422, "must not be null");
    consumer.post("/subscription", &json!(null)).await.is_error(422, 422, "must not be null");
}

#[tokio::test]
async fn a_malformed_subscription_is_400() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for body in [
        json!({"topics": "flights"}),
        json!({"topics": [[7]]}),
        json!({"topic_pattern": ["flights"]}),
        json!(["flights"]),
    ] {
        refused(&consumer.post("/subscription", &body).await, 400, 400);
    }
    let answer = consumer.post("/subscription", &json!({"topic": ["flights"]})).await;
    answer.is_error(422, 422, "Unrecognized field: topic");
    consumer.get("/subscription").await.is(json!({"topics": []}));
}

/// As Java's consumer, which wants the one given up before the other.
#[tokio::test]
async fn a_pattern_can_follow_topics_once_they_are_given_up() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let (topics, pattern) = (json!({"topics": [7]}), json!({"topic_pattern": "flights.*"}));
    for (first, second) in [(&topics, &pattern), (&pattern, &topics)] {
        done(&consumer.post("/subscription", first).await);
        refused(&consumer.post("/subscription", second).await, 409, 40903);
        done(&consumer.delete_subscription().await);
        done(&consumer.post("/subscription", second).await);
        done(&consumer.delete_subscription().await);
    }
}

#[tokio::test]
async fn a_pattern_that_is_none_is_the_fault_of_the_client() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let answer = consumer.post("/subscription", &json!({"topic_pattern": "flights-("})).await;
    assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.text);
}

#[tokio::test]
async fn what_a_pattern_cannot_do_is_named() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for (pattern, why) in [
        ("flights(?!-old)", "lookaround is not supported"),
        ("(?<=flights)-old", "lookaround is not supported"),
        (r"(a|b)-\1", "a backreference is not supported"),
        ("flights-.*+", "a possessive quantifier is not supported"),
        ("(?>a|b)", "an atomic group is not supported"),
        ("flights-(", "unclosed group"),
        ("a)|(b", "a group is closed that is not open"),
    ] {
        let answer = consumer.post("/subscription", &json!({"topic_pattern": pattern})).await;
        answer.is_error(422, 422, &format!("topic_pattern cannot be used: {why}"));
    }
    // none of them has subscribed it
    consumer.assign("flights", &[0]).await;
}

/// librdkafka would need all memory, or end the process.
#[tokio::test]
async fn a_pattern_that_repeats_without_end_is_refused_and_holds_nobody_up() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for pattern in [
        "((((a{1,200}){1,200}){1,200}){1,200}){1,200}",
        "((a{1,200}){1,200}){1,12}",
        "(.{1000}){9}",
    ] {
        let answer = consumer.post("/subscription", &json!({"topic_pattern": pattern})).await;
        answer.is_error(422, 422, "topic_pattern cannot be used: it repeats too much");
    }
    // backtracking would try 2^n ways to match these
    broker.create_topic(&"a".repeat(200), 1).await;
    for pattern in ["(a*)*b", "(a|a)*b", "(a|aa)+-"] {
        done(&consumer.post("/subscription", &json!({"topic_pattern": pattern})).await);
        consumer.take_none().await;
    }
    done(&consumer.delete_subscription().await);
    consumer.subscribe("flights").await;
}

#[tokio::test]
async fn subscribing_an_assigned_instance_is_40903() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.assign("flights", &[0]).await;
    for body in [json!({"topics": ["flights"]}), json!({"topic_pattern": "flights"})] {
        consumer.post("/subscription", &body).await.is_error(409, 40903, EXCLUSIVE);
    }
    consumer.get("/assignments").await.is(partitions("flights", &[0]));
}

#[tokio::test]
async fn topics_and_a_pattern_exclude_each_other() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let (topics, pattern) = (json!({"topics": ["flights"]}), json!({"topic_pattern": "fli.*"}));
    for (one, other) in [(&topics, &pattern), (&pattern, &topics)] {
        let consumer = Consumer::new(&proxy, json!({})).await;
        done(&consumer.post("/subscription", one).await);
        consumer.post("/subscription", other).await.is_error(409, 40903, EXCLUSIVE);
        done(&consumer.post("/subscription", one).await);
        done(&consumer.api.delete(&consumer.path("/subscription")).await);
        done(&consumer.post("/subscription", other).await);
    }
}

#[tokio::test]
async fn assigning_a_subscribed_instance_is_40903() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.subscribe("flights").await;
    let answer = consumer.post("/assignments", &partitions("flights", &[0])).await;
    answer.is_error(409, 40903, EXCLUSIVE);
    consumer.get("/subscription").await.is(json!({"topics": ["flights"]}));
}

async fn a_subscribed_instance_reads_and_commits(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.subscribe(&topic).await;
    let expected: Vec<Value> =
        flights().iter().zip(0..).map(|(flight, n)| record(&topic, 0, n, flight)).collect();
    assert_eq!(consumer.take(3).await, expected);
    consumer.get("/assignments").await.is(partitions(&topic, &[0]));
    consumer.post_nothing("/offsets").await.is(json!([]));
    assert_eq!(consumer.committed(&topic, 0).await, Some(3));
    done(&consumer.post("/positions/beginning", &partitions(&topic, &[0])).await);
    assert_eq!(consumer.take(3).await, expected);
}

/// Waits until an instance has so many partitions.
async fn assigned(consumer: &Consumer, count: usize) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = consumer.get("/assignments").await;
        if answer.json["partitions"].as_array().unwrap().len() == count {
            return;
        }
        assert!(Instant::now() < deadline, "not {count} partitions: {}", answer.text);
        consumer.get("/subscription").await;
    }
}

async fn an_instance_joins_its_group_without_a_read(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.subscribe(&topic).await;
    assigned(&consumer, 2).await;
}

async fn a_pattern_subscribes_to_the_topics_that_match_as_a_whole(broker: &TestBroker) {
    let name = unique("stocks");
    let (nasdaq, nyse) = (format!("{name}-nasdaq"), format!("{name}-nyse"));
    let proxy = broker.proxy().await;
    for topic in [&nasdaq, &nyse, &format!("{name}-nyse-old"), &format!("old-{name}-nyse")] {
        broker.create_topic(topic, 1).await;
        let body = json!({"records": [{"value": topic}]});
        sent(&produce(&proxy, topic, JSON, &body).await);
    }
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    let body = json!({"topic_pattern": format!("{name}-(nasdaq|nyse)")});
    done(&consumer.post("/subscription", &body).await);
    let mut values: Vec<Value> =
        consumer.take_data(2).await.into_iter().map(|(_, value)| value).collect();
    values.sort_by_key(Value::to_string);
    assert_eq!(values, [json!(nasdaq), json!(nyse)]);
    consumer.take_none().await;
    // the subscription is to the topics that match
    let mut answer = consumer.get("/subscription").await;
    answer.json["topics"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    answer.is(json!({"topics": [nasdaq, nyse]}));
}

async fn a_topic_that_is_made_later_is_read_by_a_pattern(broker: &TestBroker) {
    reads_new_topics(broker, &["IBM"]).await;
}

async fn more_topics_that_are_made_later_are_read_by_a_pattern(broker: &TestBroker) {
    reads_new_topics(broker, &["AMZN", "IBM", "MSFT"]).await;
}

async fn reads_new_topics(broker: &TestBroker, symbols: &[&str]) {
    let name = unique("stocks");
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    done(&consumer.post("/subscription", &json!({"topic_pattern": format!("{name}-.*")})).await);
    consumer.take_none().await;
    for symbol in symbols {
        let topic = format!("{name}-{symbol}");
        broker.create_topic(&topic, 1).await;
        appears(broker, &topic).await;
        sent(&produce(&proxy, &topic, JSON, &json!({"records": [{"value": symbol}]})).await);
        let read = consumer.take_until(&json!(symbol)).await;
        assert_eq!(read["topic"], json!(topic));
    }
}

async fn a_topic_that_is_made_later_interrupts_a_read_that_waits(broker: &TestBroker) {
    let name = unique("stocks");
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    done(&consumer.post("/subscription", &json!({"topic_pattern": format!("{name}-.*")})).await);
    let read = consumer.get("/records?timeout=20000&max_bytes=1");
    let write = async {
        let topic = format!("{name}-IBM");
        broker.create_topic(&topic, 1).await;
        appears(broker, &topic).await;
        sent(&produce(&proxy, &topic, JSON, &json!({"records": [{"value": "IBM"}]})).await);
        topic
    };
    let (answer, topic) = tokio::join!(read, write);
    has_read(&answer, &[record(&topic, 0, 0, &json!("IBM"))]);
}

/// Waits until these are the topics of a subscription.
async fn subscribed(consumer: &Consumer, topics: &[&str]) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = consumer.get("/subscription").await;
        if answer.json == json!({"topics": topics}) {
            return;
        }
        assert!(Instant::now() < deadline, "not {topics:?}: {}", answer.text);
        consumer.get("/records?timeout=100").await;
    }
}

async fn a_topic_that_is_deleted_leaves_the_subscription_by_a_pattern(broker: &TestBroker) {
    let name = unique("stocks");
    let (nasdaq, nyse) = (format!("{name}-nasdaq"), format!("{name}-nyse"));
    let proxy = broker.proxy().await;
    for topic in [&nasdaq, &nyse] {
        broker.create_topic(topic, 1).await;
        appears(broker, topic).await;
    }
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    done(&consumer.post("/subscription", &json!({"topic_pattern": format!("{name}-.*")})).await);
    subscribed(&consumer, &[&nasdaq, &nyse]).await;
    let cluster = proxy.api.get("/v3/clusters").await.json["data"][0]["cluster_id"].clone();
    let path = format!("/v3/clusters/{}/topics/{nasdaq}", cluster.as_str().unwrap());
    done(&proxy.api.delete(&path).await);
    subscribed(&consumer, &[&nyse]).await;
}

async fn a_pattern_does_not_match_topics_of_kafka_itself(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    // a group's offsets make the topic that they are in
    let other = Consumer::new(&proxy, json!({})).await;
    other.subscribe(&topic).await;
    assigned(&other, 1).await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let body = json!({"topic_pattern": format!("__consumer_offsets|{topic}")});
    done(&consumer.post("/subscription", &body).await);
    assigned(&consumer, 1).await;
    consumer.get("/subscription").await.is(json!({"topics": [topic]}));
}

async fn a_subscription_to_several_topics_reads_all_of_them(broker: &TestBroker) {
    let topics = [new_topic(broker, "flights", 2).await, new_topic(broker, "stocks", 1).await];
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topics[0], JSON, &records(&flights())).await);
    sent(&produce(&proxy, &topics[1], JSON, &records(&stocks())).await);
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    done(&consumer.post("/subscription", &json!({"topics": topics})).await);
    let taken = consumer.take(6).await;
    let of = |topic: &String| taken.iter().filter(|r| r["topic"] == json!(topic)).count();
    assert_eq!((of(&topics[0]), of(&topics[1])), (3, 3));
    assigned(&consumer, 3).await;
}

async fn a_second_instance_continues_after_the_commit_of_the_first(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let first = Consumer::new(&proxy, json!({"format": "json"})).await;
    first.subscribe(&topic).await;
    assert_eq!(first.take_offsets(3).await, [0, 1, 2]);
    first.post("/offsets", &offset(&topic, 0, 0)).await.is(json!([]));
    done(&first.delete().await);
    let second = Consumer::in_group(&proxy, &first.group, json!({"format": "json"})).await;
    second.subscribe(&topic).await;
    assert_eq!(second.take_offsets(2).await, [1, 2]);
}

async fn two_instances_of_a_group_share_the_partitions(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    let first = Consumer::new(&proxy, json!({"format": "json"})).await;
    first.subscribe(&topic).await;
    assigned(&first, 2).await;
    let second = Consumer::in_group(&proxy, &first.group, json!({"format": "json"})).await;
    second.subscribe(&topic).await;
    tokio::join!(assigned(&first, 1), assigned(&second, 1));
    let body =
        json!({"records": [{"value": "SAT", "partition": 0}, {"value": "OAK", "partition": 1}]});
    sent(&produce(&proxy, &topic, JSON, &body).await);
    let (one, other) = tokio::join!(first.take(1), second.take(1));
    assert_ne!(one[0]["partition"], other[0]["partition"]);
    first.take_none().await;
    second.take_none().await;
}

/// The third comes while the others read, and the first goes: each record is read by somebody, and
/// what was committed by nobody else again.
async fn three_instances_share_what_comes(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 3).await;
    let proxy = broker.proxy().await;
    let group = unique("departures");
    let settings = json!({"format": "json", "auto.commit.enable": "true"});
    let mut members = Vec::new();
    for _ in 0..3 {
        let member = Consumer::in_group(&proxy, &group, settings.clone()).await;
        member.subscribe(&topic).await;
        members.push(member);
    }
    let deadline = std::time::Instant::now() + DEADLINE;
    loop {
        let mut shares = Vec::new();
        for member in &members {
            let found = member.get("/assignments").await.json;
            shares.push(found["partitions"].as_array().unwrap().len());
        }
        if shares == [1, 1, 1] {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{shares:?}");
    }
    let write = async |from: i64| {
        let records: Vec<Value> =
            (from..from + 30).map(|n| json!({"value": n, "partition": n % 3})).collect();
        sent(&produce(&proxy, &topic, JSON, &json!({"records": records})).await);
    };
    write(0).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut read = async |members: &[Consumer], goal: usize| {
        let deadline = std::time::Instant::now() + DEADLINE;
        while seen.len() < goal {
            assert!(std::time::Instant::now() < deadline, "{seen:?}");
            for member in members {
                let answer = member.get("/records?timeout=100").await;
                assert_eq!(answer.status, 200, "{}", answer.text);
                let values = answer.json.as_array().unwrap().clone();
                seen.extend(values.iter().map(|record| record["value"].as_i64().unwrap()));
            }
        }
    };
    read(&members, 30).await;
    done(&members.remove(0).delete().await);
    write(30).await;
    read(&members, 60).await;
}

async fn a_new_subscription_replaces_the_old(broker: &TestBroker) {
    let topics = [new_topic(broker, "flights", 1).await, new_topic(broker, "stocks", 1).await];
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topics[0], JSON, &records(&flights())).await);
    sent(&produce(&proxy, &topics[1], JSON, &records(&stocks())).await);
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.subscribe(&topics[0]).await;
    // one of three; the others have perhaps been fetched
    let answer = consumer.get("/records?timeout=15000&max_bytes=1").await;
    has_read(&answer, &[record(&topics[0], 0, 0, &flights()[0])]);
    consumer.subscribe(&topics[1]).await;
    let taken = consumer.take(3).await;
    assert!(taken.iter().all(|record| record["topic"] == json!(topics[1])), "{taken:?}");
    consumer.take_none().await;
}

async fn nothing_is_read_after_unsubscribing(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let consumer = Consumer::new(&proxy, json!({"format": "json"})).await;
    consumer.subscribe(&topic).await;
    let answer = consumer.get("/records?timeout=15000&max_bytes=1").await;
    has_read(&answer, &[record(&topic, 0, 0, &flights()[0])]);
    done(&consumer.api.delete(&consumer.path("/subscription")).await);
    consumer.take_none().await;
    consumer.get("/assignments").await.is(json!({"partitions": []}));
}

/// A member joins while another waits for records: what comes first after that is not taken for
/// what was fetched before.
async fn a_rebalance_during_a_waiting_read_loses_nothing(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 2).await;
    let proxy = broker.proxy().await;
    let settings = json!({"format": "json", "auto.offset.reset": "earliest"});
    let first = Consumer::new(&proxy, settings.clone()).await;
    first.subscribe(&topic).await;
    assigned(&first, 2).await;
    let waiting = async { first.get("/records?timeout=15000&max_bytes=1").await };
    let meanwhile = async {
        let second = Consumer::in_group(&proxy, &first.group, settings).await;
        second.subscribe(&topic).await;
        assigned(&second, 1).await;
        for round in 0..3 {
            let body = json!({"records": [{"value": round, "partition": 0},
                {"value": round, "partition": 1}]});
            sent(&produce(&proxy, &topic, JSON, &body).await);
        }
        second
    };
    let (answer, second) = tokio::join!(waiting, meanwhile);
    let mut read = answer.json.as_array().unwrap().clone();
    read.extend(first.take(3 - read.len()).await);
    read.extend(second.take(3).await);
    let mut places: Vec<(i64, i64)> = read
        .iter()
        .map(|r| (r["partition"].as_i64().unwrap(), r["offset"].as_i64().unwrap()))
        .collect();
    places.sort_unstable();
    assert_eq!(places, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
}

#[tokio::test]
async fn names_that_would_end_the_process_are_422() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let deep = format!("{}{}", "(".repeat(30_000), ")".repeat(30_000));
    for body in [
        json!({"topic_pattern": deep}),
        json!({"topics": [format!("^{deep}")]}),
        json!({"topic_pattern": "a\0b"}),
        json!({"topics": ["a\0b"]}),
    ] {
        refused(&consumer.post("/subscription", &body).await, 422, 422);
    }
    refused(&consumer.post("/assignments", &partitions("a\0b", &[0])).await, 422, 422);
    refused(&consumer.post("/offsets", &offset("a\0b", 0, 1)).await, 422, 422);
    refused(&consumer.ask("/offsets", &partitions("a\0b", &[0])).await, 422, 422);
    consumer.get("/subscription").await.is(json!({"topics": []}));
}
