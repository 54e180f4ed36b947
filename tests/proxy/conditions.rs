//! One condition of Kafka's as API v2 and API v3 answer it, side by side: the same status, the same code and the same
//! words, but where the reference has others.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use serde_json::{Value, json};
use weir_tests::{Answer, TestBroker, embedded_broker, unique};

use crate::fixtures::*;
use crate::v3::Site;

/// What a cluster answers to every try of a request.
const TRIES: usize = 100;

type Cluster = MockCluster<'static, DefaultProducerContext>;

async fn mock() -> (Cluster, Site) {
    let cluster: Cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("flights", 1, 1).unwrap();
    let broker = TestBroker { bootstrap_servers: cluster.bootstrap_servers(), embedded: None };
    (cluster, Site::new(&broker).await)
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
    use RDKafkaRespErr::*;
    let conditions = [
        ("topic authorization", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 403, 40301),
        ("cluster authorization", RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, 403, 40301),
        ("authentication", RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, 401, 40101),
        ("request timed out", RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 500, 50003),
        ("broker not available", RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, 503, 50302),
        ("leader not available", RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, 500, 50003),
        ("policy violation", RD_KAFKA_RESP_ERR_POLICY_VIOLATION, 400, 40002),
        ("quota", RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, 429, 42901),
        ("invalid record", RD_KAFKA_RESP_ERR_INVALID_RECORD, 500, 50002),
    ];
    let asked = conditions.map(|(condition, refusal, status, error_code)| async move {
        let (cluster, site) = mock().await;
        cluster.request_errors(RDKafkaApiKey::ListOffsets, &[refusal; TRIES]);
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
    let (cluster, site) = mock().await;
    cluster.broker_down(1).unwrap();
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
    use RDKafkaRespErr::*;
    // v2 has four codes for records; v3 has those of all requests
    let conditions = [
        ("topic authorization", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 40301, 40301),
        ("authentication", RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, 40101, 40101),
        ("policy violation", RD_KAFKA_RESP_ERR_POLICY_VIOLATION, 50002, 40002),
        ("invalid record", RD_KAFKA_RESP_ERR_INVALID_RECORD, 50002, 50002),
        // no broker has said that it is not there
        ("request timed out", RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 50004, 50004),
    ];
    let asked = conditions.map(|(condition, refusal, v2, v3)| async move {
        let (cluster, site) = mock().await;
        cluster.request_errors(RDKafkaApiKey::Produce, &[refusal; TRIES]);
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
