//! Kafka is away, or does not answer: what a client is told of its records and its reads.

use std::time::{Duration, Instant};

use kafka_protocol::messages::ApiKey;
use serde_json::{Value, json};
use weir_broker::{Action, Rule, RuleId};
use weir_tests::{Answer, KafkaCluster, TestBroker, embedded_broker};

use crate::fixtures::*;
use crate::v3::Site;

/// What a record waits for its acknowledgement, and some more.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// Longer than a broker is waited for.
const ROUND_TRIP: Duration = Duration::from_secs(20);

fn one_record(value: &str) -> Value {
    records(&[json!(value)])
}

/// The answer to the only record.
#[track_caller]
fn refused_record(entry: &Value, code: u64, words: &str) {
    assert_eq!(entry["error_code"], json!(code), "{entry}");
    let text = entry["error"].as_str().or(entry["message"].as_str()).unwrap();
    assert!(text.contains(words), "{text}");
}

/// A broker with a topic `flights`.
async fn with_flights() -> TestBroker {
    let broker = embedded_broker();
    broker.create_topic("flights", 1).await;
    broker
}

/// Closes every connection as soon as something is asked on it.
fn goes_down(broker: &TestBroker) -> RuleId {
    broker.faults().add(Rule::new(Action::Drop)).unwrap()
}

/// A broker has the record, and its answer does not come: the client is told that a second try may double it.
#[tokio::test]
async fn a_record_whose_answer_does_not_come_is_50004_and_may_be_there() {
    let broker = with_flights().await;
    let site = Site::new(&broker).await;
    sent(&produce(&site.proxy, "flights", JSON, &one_record("before")).await);
    let late = Rule::new(Action::DelayAnswer(ROUND_TRIP)).of_api(ApiKey::Produce);
    let late = broker.faults().add(late).unwrap();
    let begun = Instant::now();
    let body = json!({"entries": [{"id": "1", "value": {"type": "STRING", "data": "v3"}}]});
    let (one_record, stream) =
        (one_record("v2"), json!({"value": {"type": "STRING", "data": "s"}}));
    let (v2, batch, stream) = tokio::join!(
        produce(&site.proxy, "flights", JSON, &one_record),
        site.post("/topics/flights/records:batch", &body),
        site.post("/topics/flights/records", &stream),
    );
    assert!(begun.elapsed() < ANSWER_MAX, "{:?}", begun.elapsed());
    let words = "may be written or not";
    assert_eq!(v2.status, 200);
    refused_record(&v2.json["offsets"][0], 50004, words);
    assert_eq!(batch.status, 207);
    refused_record(&batch.json["failures"][0], 50004, words);
    refused_record(&stream.json, 50004, words);
    for answer in [v2, batch] {
        assert_eq!(answer.headers["retry-after"], "1");
    }
    // what was on its way is there
    broker.faults().remove(late).unwrap();
    let consumer = Consumer::of(&site.proxy, "flights", "binary").await;
    let deadline = Instant::now() + DEADLINE;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        assert!(Instant::now() < deadline, "{seen:?}");
        seen.extend(consumer.get("/records?timeout=500").await.json.as_array().unwrap().clone());
    }
}

/// While no broker can be reached a record is not sent, and the client is told so.
#[tokio::test]
async fn a_record_for_a_kafka_that_has_gone_is_50003_and_never_comes() {
    let broker = with_flights().await;
    let site = Site::new(&broker).await;
    sent(&produce(&site.proxy, "flights", JSON, &one_record("before")).await);
    let outage = goes_down(&broker);
    let deadline = Instant::now() + DEADLINE;
    // a moment passes until the producer knows
    let mut denied = 0;
    while denied < 2 {
        let begun = Instant::now();
        let answer = produce(&site.proxy, "flights", JSON, &one_record("during")).await;
        assert!(begun.elapsed() < ANSWER_MAX, "{:?}", begun.elapsed());
        assert_eq!(answer.headers["retry-after"], "1");
        match answer.json["offsets"][0]["error_code"].as_u64() {
            Some(50004) => assert_eq!(denied, 0),
            _ => {
                refused_record(&answer.json["offsets"][0], 50003, "was not sent");
                denied += 1;
            }
        }
        assert!(Instant::now() < deadline, "{}", answer.text);
    }
    broker.faults().remove(outage).unwrap();
    let mut answer = produce(&site.proxy, "flights", JSON, &one_record("after")).await;
    while answer.json["offsets"][0]["error_code"] != Value::Null {
        assert!(Instant::now() < deadline + DEADLINE, "{}", answer.text);
        answer = produce(&site.proxy, "flights", JSON, &one_record("after")).await;
    }
    let consumer = Consumer::of(&site.proxy, "flights", "json").await;
    let mut seen = Vec::new();
    while seen.last() != Some(&json!("after")) {
        assert!(Instant::now() < deadline + DEADLINE, "{seen:?}");
        let answer = consumer.get("/records?timeout=500").await;
        let records = answer.json.as_array().cloned().unwrap_or_default();
        seen.extend(records.iter().map(|record| record["value"].clone()));
    }
    let during = seen.iter().filter(|value| **value == json!("during")).count();
    // the first of them may have been under way
    assert!(during <= 1, "{seen:?}");
}

fn kept_away(answer: &Answer) -> Option<&str> {
    answer.headers.get("weir-kafka").map(|why| why.to_str().unwrap())
}

/// Reads say that Kafka is away, and go on when it is back.
#[tokio::test]
async fn reads_during_an_outage_say_so() {
    if weir_tests::kafka().is_none() {
        return;
    }
    let cluster = KafkaCluster::start(1).await;
    let broker = cluster.broker();
    has_coordinator(&broker).await;
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &one_record("before")).await);
    let subscriber = Consumer::new(&proxy, json!({"format": "json"})).await;
    subscriber.subscribe(&topic).await;
    let joining = subscriber.get("/records?timeout=1").await;
    assert_eq!((joining.status.as_u16(), kept_away(&joining)), (200, Some("joining")));
    let assigned = Consumer::of(&proxy, &topic, "json").await;
    let without = Consumer::new(&proxy, json!({})).await;
    for consumer in [&subscriber, &assigned] {
        assert_eq!(consumer.take_offsets(1).await, [0]);
        let nothing = consumer.get("/records?timeout=200").await;
        assert_eq!((&nothing.json, kept_away(&nothing)), (&json!([]), None));
    }
    cluster.kill(1).await;
    for consumer in [&subscriber, &assigned] {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let begun = Instant::now();
            let answer = consumer.get("/records?timeout=200").await;
            assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
            if answer.status != 200 {
                refused(&answer, 503, 50302);
                assert_eq!(answer.headers["retry-after"], "1");
                break;
            }
            assert!(Instant::now() < deadline, "{}", answer.text);
        }
        // from then on until it is back
        refused(&consumer.get("/records?timeout=200").await, 503, 50302);
    }
    // it reads nothing, whatever Kafka does
    without.get("/records?timeout=200").await.is(json!([]));
    cluster.revive(1).await;
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = produce(&proxy, &topic, JSON, &one_record("after")).await;
        if answer.json["offsets"][0]["error_code"] == Value::Null {
            break;
        }
        assert!(Instant::now() < deadline, "{}", answer.text);
    }
    for consumer in [&subscriber, &assigned] {
        let deadline = Instant::now() + DEADLINE * 3;
        loop {
            let answer = consumer.get("/records?timeout=1000").await;
            let last = answer.json.as_array().and_then(|records| records.last().cloned());
            if last.is_some_and(|last| last["value"] == json!("after")) {
                break;
            }
            assert!(Instant::now() < deadline, "{}", answer.text);
        }
    }
}

/// A proxy that is to be as the reference answers as the reference, and says why there is nothing.
#[tokio::test]
async fn a_quirky_proxy_reads_nothing_from_a_kafka_that_has_gone() {
    let broker = with_flights().await;
    let proxy = broker.proxy_with(quirky()).await;
    let consumer = Consumer::of(&proxy, "flights", "json").await;
    goes_down(&broker);
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = consumer.get("/records?timeout=200").await;
        assert_eq!((answer.status.as_u16(), &answer.json), (200, &json!([])));
        if kept_away(&answer) == Some("unreachable") {
            return;
        }
        assert!(Instant::now() < deadline);
    }
}
