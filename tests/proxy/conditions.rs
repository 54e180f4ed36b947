//! One condition of Kafka's as API v2 and API v3 answer it, side by side: the same status, the same code and the same
//! words, but where the reference has others.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ApiKey;
use serde_json::{Value, json};
use weir_broker::{Action, Rule};
use weir_tests::{Answer, TestBroker, embedded_broker, unique};

use crate::fixtures::*;
use crate::v3::Site;

/// A broker with a topic `flights`, and both APIs before it.
async fn with_flights() -> (TestBroker, Site) {
    let broker = embedded_broker();
    broker.create_topic("flights", 1).await;
    let site = Site::new(&broker).await;
    (broker, site)
}

/// Asks both APIs for the offsets of a partition.
async fn offsets(site: &Site, topic: &str) -> [Answer; 2] {
    let v2 = format!("/topics/{topic}/partitions/0/offsets");
    let v3 = format!("/topics/{topic}/partitions/0/offset");
    let (v2, v3) = tokio::join!(site.api.get(&v2), site.get(&v3));
    [v2, v3]
}

/// Both have answered this, in the same words.
#[track_caller]
fn answered(condition: &str, [v2, v3]: &[Answer; 2], status: u16, error_code: u32) {
    for (api, answer) in [("v2", v2), ("v3", v3)] {
        let found = (answer.status.as_u16(), &answer.json["error_code"]);
        assert_eq!(found, (status, &json!(error_code)), "{condition} {api}: {}", answer.text);
    }
    assert_eq!(v2.json["message"], v3.json["message"], "{condition}");
    let retry = |answer: &Answer| answer.headers.get("retry-after").cloned();
    assert_eq!(retry(v2), retry(v3), "{condition}");
}

#[tokio::test]
async fn a_question_that_kafka_refuses_has_one_answer_in_both_apis() {
    use ResponseError::*;
    let conditions = [
        ("topic authorization", TopicAuthorizationFailed, 403, 40301),
        ("cluster authorization", ClusterAuthorizationFailed, 403, 40301),
        ("authentication", SaslAuthenticationFailed, 401, 40101),
        ("request timed out", RequestTimedOut, 500, 50003),
        ("broker not available", BrokerNotAvailable, 503, 50302),
        ("leader not available", LeaderNotAvailable, 500, 50003),
        ("policy violation", PolicyViolation, 400, 40002),
        ("quota", ThrottlingQuotaExceeded, 429, 42901),
        ("invalid record", InvalidRecord, 500, 50002),
    ];
    let asked = conditions.map(|(condition, refusal, status, error_code)| async move {
        let (broker, site) = with_flights().await;
        broker.faults().add(Rule::error(ApiKey::ListOffsets, refusal)).unwrap();
        answered(condition, &offsets(&site, "flights").await, status, error_code);
    });
    futures_util::future::join_all(asked).await;
}

#[tokio::test]
async fn a_topic_that_is_missing_has_one_answer_in_both_apis() {
    for broker in [Some(embedded_broker()), weir_tests::kafka()].into_iter().flatten() {
        let site = Site::new(&broker).await;
        let path = format!("/topics/{}", unique("missing"));
        let (v2, v3) = tokio::join!(site.api.get(&path), site.get(&path));
        answered("missing topic", &[v2, v3], 404, 40403);
    }
}

#[tokio::test]
async fn a_kafka_that_has_gone_has_one_answer_in_both_apis() {
    let proxy = proxy_at("127.0.0.1:1", "http://127.0.0.1:1").await;
    let (v2, v3) = tokio::join!(proxy.api.get("/brokers"), proxy.api.get("/v3/clusters"));
    answered("no broker", &[v2, v3], 500, 50003);
    let (broker, site) = with_flights().await;
    broker.faults().add(Rule::new(Action::Drop)).unwrap();
    answered("broker down", &offsets(&site, "flights").await, 500, 50003);
}

/// What v2 and v3 say of one record.
async fn produced(site: &Site, topic: &str) -> [Value; 2] {
    let record = json!({"value": {"type": "STRING", "data": "v3"}});
    let (v2, path) = (records(&[json!("v2")]), format!("/topics/{topic}/records"));
    let (v2, v3) = tokio::join!(produce(&site.proxy, topic, JSON, &v2), site.post(&path, &record));
    [v2.json["offsets"][0].clone(), v3.json]
}

#[tokio::test]
async fn a_record_that_kafka_refuses_has_the_codes_that_the_reference_has() {
    use ResponseError::*;
    // v2 has four codes for records; v3 has those of all requests
    let conditions = [
        ("topic authorization", TopicAuthorizationFailed, 40301, 40301),
        ("authentication", SaslAuthenticationFailed, 40101, 40101),
        ("policy violation", PolicyViolation, 50002, 40002),
        ("invalid record", InvalidRecord, 50002, 50002),
        // no broker has said that it is not there
        ("request timed out", RequestTimedOut, 50004, 50004),
    ];
    let asked = conditions.map(|(condition, refusal, v2, v3)| async move {
        let (broker, site) = with_flights().await;
        broker.faults().add(Rule::error(ApiKey::Produce, refusal)).unwrap();
        let found = produced(&site, "flights").await.map(|entry| entry["error_code"].clone());
        assert_eq!(found, [json!(v2), json!(v3)], "{condition}");
    });
    futures_util::future::join_all(asked).await;
}

#[tokio::test]
async fn a_record_for_a_missing_topic_has_the_words_of_the_reference_in_both_apis() {
    let Some(kafka) = weir_tests::kafka() else { return };
    let site = Site::new(&kafka).await;
    let topic = unique("missing");
    let [v2, v3] = produced(&site, &topic).await;
    assert_eq!((&v2["error_code"], &v3["error_code"]), (&json!(50003), &json!(40401)));
    assert_eq!(v2["error"], v3["message"]);
}
