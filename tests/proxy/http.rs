//! What holds for the whole API: media types, bodies, paths, and a Kafka that does not answer.

use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ApiKey;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};
use weir_broker::{Action, Rule};
use weir_tests::{Answer, ProxyUnderTest, embedded_broker, kafka, unique};

use super::fixtures::*;

#[tokio::test]
async fn the_root_is_empty() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let answer = proxy.api.get("/").await;
    assert_eq!(answer.headers[CONTENT_TYPE], V2);
    answer.is(json!({}));
    post(&proxy, "/", &json!({"ping": "pong"})).await.is(json!({}));
}

#[tokio::test]
async fn brokers_are_listed() {
    let broker = embedded_broker();
    broker.proxy().await.api.get("/brokers").await.is(json!({"brokers": [1]}));
    let Some(kafka) = kafka() else { return };
    kafka.proxy().await.api.get("/brokers").await.is(json!({"brokers": [1]}));
}

#[tokio::test]
async fn a_path_that_is_not_there_is_404() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for path in
        ["/topic", "/topics/flights/partition", "/consumers/departures/instances", "/v2/topics"]
    {
        let answer = proxy.api.get(path).await;
        assert_eq!(answer.headers[CONTENT_TYPE], V2);
        answer.is_error(404, 404, "HTTP 404 Not Found");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_405() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for (method, path) in [
        (Method::DELETE, "/topics/flights"),
        (Method::POST, "/topics"),
        (Method::PUT, "/consumers/departures"),
        (Method::GET, "/consumers/departures"),
        (Method::GET, "/consumers/departures/instances/gate-7"),
        (Method::POST, "/consumers/departures/instances/gate-7/records"),
        (Method::GET, "/consumers/departures/instances/gate-7/positions"),
    ] {
        let answer = proxy.api.send(proxy.api.request(method, path)).await;
        answer.is_error(405, 405, "HTTP 405 Method Not Allowed");
    }
}

#[tokio::test]
async fn the_methods_of_a_path_can_be_asked_for() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for (path, expected) in [
        ("/topics", vec!["GET", "HEAD", "OPTIONS"]),
        ("/topics/flights/", vec!["GET", "HEAD", "OPTIONS", "POST"]),
        ("/v3/clusters/c/topics/flights", vec!["DELETE", "GET", "HEAD", "OPTIONS", "PATCH"]),
    ] {
        let answer = proxy.api.send(proxy.api.request(Method::OPTIONS, path)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers[CONTENT_TYPE]),
            (200, &"text/plain".parse().unwrap())
        );
        assert_eq!(answer.headers["allow"].to_str().unwrap(), answer.text);
        let mut methods: Vec<&str> = answer.text.split(", ").collect();
        methods.sort_unstable();
        assert_eq!(methods, expected, "{path}");
    }
    let answer = proxy.api.send(proxy.api.request(Method::OPTIONS, "/nowhere")).await;
    answer.is_error(404, 404, "HTTP 404 Not Found");
}

#[tokio::test]
async fn a_head_is_what_the_get_would_have() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for (path, media_type) in [("/topics", V2), ("/v3/clusters", "application/json")] {
        let answer = proxy.api.send(proxy.api.request(Method::HEAD, path)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
        assert_eq!(answer.headers[CONTENT_TYPE], media_type);
    }
}

#[tokio::test]
async fn a_slash_at_the_end_and_parameters_of_a_path_say_nothing() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let topic = new_topic(&broker, "flights", 1).await;
    let same =
        [format!("/topics/{topic}"), format!("/topics/{topic}/"), format!("/topics;a=b/{topic};c")];
    let answers = [
        proxy.api.get(&same[0]).await,
        proxy.api.get(&same[1]).await,
        proxy.api.get(&same[2]).await,
    ];
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.json == answers[0].json));
    sent(&produce(&proxy, &format!("{topic}/"), JSON, &records(&flights())).await);
    assert_eq!(proxy.api.get("/v3/clusters/").await.status, 200);
}

/// They would name something else than the client meant.
#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_is_400_and_names_nothing() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for name in ["a%ZZ", "a%5Cb", "a%00b", "a%0Ab", "a%", "/a", "a//b"] {
        let path = format!("/consumers/{name}");
        let answer = proxy.api.post_as(&path, V2, "{}".to_string()).await;
        refused(&answer, 400, 400);
        let answer = proxy.api.post_as(&format!("/topics/{name}"), BINARY, "{}".to_string()).await;
        refused(&answer, 400, 400);
    }
}

// Media types of answers

async fn accepting(proxy: &ProxyUnderTest, path: &str, accept: &str) -> Answer {
    proxy.api.send(proxy.api.request(Method::GET, path).header(ACCEPT, accept)).await
}

#[tokio::test]
async fn answers_have_the_media_type_that_the_client_accepts() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for (accept, answered) in [
        (V2, V2),
        ("*/*", V2),
        ("application/json", "application/json"),
        ("APPLICATION/JSON; charset=utf-8", "application/json"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("application/json;q=0.5, application/vnd.kafka.v2+json", V2),
        ("application/vnd.kafka.v2+json;q=0.5, application/json", "application/json"),
        ("text/html, */*;q=0.1", V2),
    ] {
        let answer = accepting(&proxy, "/topics", accept).await;
        assert_eq!(answer.status, 200, "{accept} {}", answer.text);
        assert_eq!(answer.headers[CONTENT_TYPE], answered, "{accept}");
        let answer = accepting(&proxy, "/topics/flights", accept).await;
        assert_eq!(answer.status, 404, "{accept} {}", answer.text);
        assert_eq!(answer.headers[CONTENT_TYPE], answered, "{accept}");
    }
}

#[tokio::test]
async fn a_client_that_accepts_no_json_is_406() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    for accept in ["text/html", "application/xml", "application/json;q=0", "text/*"] {
        for path in ["/", "/brokers", "/topics", &format!("/topics/{topic}/partitions")] {
            let answer = accepting(&proxy, path, accept).await;
            answer.is_error(406, 406, "HTTP 406 Not Acceptable");
        }
    }
}

#[tokio::test]
async fn a_producer_that_accepts_no_answer_is_406_and_nothing_is_sent() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let producing = |accept: &'static str| {
        let request = proxy.api.request(Method::POST, &format!("/topics/{topic}"));
        let request = request.header(CONTENT_TYPE, JSON).header(ACCEPT, accept);
        proxy.api.send(request.body(records(&flights()).to_string()))
    };
    for accept in ["text/html", JSON, "application/vnd.kafka.v1+json"] {
        producing(accept).await.is_error(406, 406, "HTTP 406 Not Acceptable");
    }
    assert_eq!(native_read(&broker, &topic).await, []);
    for accept in [
        V2,
        "application/json",
        "*/*",
        "application/vnd.kafka.json.v2+json, application/vnd.kafka.v2+json",
    ] {
        assert_eq!(producing(accept).await.status, 200, "{accept}");
    }
}

// Media types of requests

#[tokio::test]
async fn plain_json_is_records_of_json_but_for_confluents_quirks() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let path = format!("/topics/{topic}");
    let body = records(&flights()).to_string();
    let proxy = broker.proxy_with(quirky()).await;
    let answer = proxy.api.post_as(&path, "application/json", body.clone()).await;
    answer.is_error(415, 415, "HTTP 415 Unsupported Media Type");
    let proxy = broker.proxy().await;
    sent(&proxy.api.post_as(&path, "application/json", body).await);
    let taken = Consumer::of(&proxy, &topic, "json").await.take_data(3).await;
    assert_eq!(taken, flights().map(|flight| (Value::Null, flight)));
}

#[tokio::test]
async fn a_produce_request_of_another_media_type_is_415() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    let path = format!("/topics/{topic}");
    let body = records(&flights()).to_string();
    for media_type in [
        V2,
        "text/plain",
        "application/vnd.kafka.json.v1+json",
        "application/x-www-form-urlencoded",
        "json",
    ] {
        let answer = proxy.api.post_as(&path, media_type, body.clone()).await;
        answer.is_error(415, 415, "HTTP 415 Unsupported Media Type");
    }
    assert_eq!(native_read(&broker, &topic).await, []);
    for media_type in
        ["application/vnd.kafka.json.v2+json; charset=utf-8", "Application/Vnd.Kafka.JSON.v2+JSON"]
    {
        sent(&proxy.api.post_as(&path, media_type, body.clone()).await);
    }
}

#[tokio::test]
async fn control_requests_may_have_any_media_type_of_the_api() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for media_type in
        [V2, BINARY, JSON, AVRO, "application/json", "application/vnd.kafka.v2+json; charset=utf-8"]
    {
        let body = json!({"format": "json"}).to_string();
        let answer = proxy.api.post_as("/consumers/departures", media_type, body).await;
        assert_eq!(answer.status, 200, "{media_type}");
    }
    let request = proxy.api.request(Method::POST, "/consumers/departures").body("{}");
    assert_eq!(proxy.api.send(request).await.status, 200);
}

#[tokio::test]
async fn a_control_request_of_another_media_type_is_415() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    for path in
        ["/consumers/departures", &consumer.path("/subscription"), &consumer.path("/offsets")]
    {
        for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
            let body = json!({"topics": ["flights"]}).to_string();
            let answer = proxy.api.post_as(path, media_type, body).await;
            answer.is_error(415, 415, "HTTP 415 Unsupported Media Type");
        }
    }
    consumer.get("/subscription").await.is(json!({"topics": []}));
}

// Bodies

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_400() {
    let broker = embedded_broker();
    let proxy = broker.proxy().await;
    for (path, media_type, body) in [
        ("/topics/flights", JSON, &b"{\"records\": [{\"value\": \"S\xffT\"}]}"[..]),
        ("/topics/flights", BINARY, b"{\"records\": [{\"value\": \"\xff\"}]}"),
        ("/consumers/departures", V2, b"{\"name\": \"\xff\"}"),
    ] {
        let request = proxy.api.request(Method::POST, path).header(CONTENT_TYPE, media_type);
        refused(&proxy.api.send(request.body(body)).await, 400, 400);
    }
}

#[tokio::test]
async fn a_body_of_twenty_megabytes_is_413() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "posters", 1).await;
    let proxy = broker.proxy().await;
    let body = records(&[json!("A".repeat(20 * 1024 * 1024))]);
    for format in [BINARY, JSON, AVRO] {
        let answer = produce(&proxy, &topic, format, &body).await;
        assert_eq!(answer.headers[CONTENT_TYPE], V2);
        answer.is_error(413, 413, "HTTP 413 Request Entity Too Large");
    }
    let answer = post(&proxy, "/consumers/departures", &body).await;
    answer.is_error(413, 413, "HTTP 413 Request Entity Too Large");
    assert_eq!(native_read(&broker, &topic).await, []);
}

// Kafka refuses

#[tokio::test]
async fn a_record_that_kafka_refuses_names_why_and_decides_the_status() {
    use ResponseError::*;
    for (refusal, status, code) in [
        (TopicAuthorizationFailed, 403, 40301),
        (ClusterAuthorizationFailed, 403, 40301),
        (SaslAuthenticationFailed, 401, 40101),
        (InvalidRecord, 200, 50002),
        // librdkafka tells this one from one that was sent as little as any other that is late
        (NotEnoughReplicas, 200, 50004),
    ] {
        let broker = embedded_broker();
        broker.create_topic("flights", 1).await;
        broker.faults().add(Rule::error(ApiKey::Produce, refusal)).unwrap();
        let proxy = proxy_at(&broker.bootstrap_servers, "http://127.0.0.1:1").await;
        let begun = Instant::now();
        let answer = produce(&proxy, "flights", JSON, &records(&flights()[..1])).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{refusal:?} {:?}", begun.elapsed());
        assert_eq!(answer.headers.contains_key("retry-after"), code == 50004, "{refusal:?}");
        let result = &answer.json["offsets"][0];
        assert_eq!(
            (answer.status.as_u16(), &result["error_code"]),
            (status, &json!(code)),
            "{refusal:?}"
        );
        assert_eq!((&result["partition"], &result["offset"]), (&Value::Null, &Value::Null));
        assert!(!result["error"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_commit_that_kafka_refuses_is_40301() {
    let broker = embedded_broker();
    broker.create_topic("flights", 1).await;
    let proxy = proxy_at(&broker.bootstrap_servers, "http://127.0.0.1:1").await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let refusal = Rule::error(ApiKey::OffsetCommit, ResponseError::GroupAuthorizationFailed);
    let refusal = broker.faults().add(refusal).unwrap();
    refused(&consumer.post("/offsets", &offset("flights", 0, 1)).await, 403, 40301);
    broker.faults().remove(refusal).unwrap();
    consumer.post("/offsets", &offset("flights", 0, 1)).await.is(json!([]));
}

// Kafka does not answer

async fn unreachable() -> ProxyUnderTest {
    proxy_at("127.0.0.1:1", "http://127.0.0.1:1").await
}

/// The answer, which has to come in time.
async fn in_time(answer: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(Duration::from_secs(7), answer).await.expect("an answer in 7 s")
}

#[tokio::test]
async fn metadata_of_an_unreachable_kafka_is_50003_in_time() {
    let proxy = unreachable().await;
    let api = &proxy.api;
    let answers = tokio::join!(
        in_time(api.get("/topics")),
        in_time(api.get("/brokers")),
        in_time(api.get("/topics/flights")),
        in_time(api.get("/topics/flights/partitions/0/offsets")),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        refused(&answer, 500, 50003);
        assert_eq!(answer.headers[CONTENT_TYPE], V2);
    }
    api.get("/").await.is(json!({}));
}

#[tokio::test]
async fn records_for_an_unreachable_kafka_are_50003_in_time() {
    let proxy = unreachable().await;
    let body = records(&flights());
    let producing = || in_time(produce(&proxy, "flights", JSON, &body));
    let (one, other) = tokio::join!(producing(), producing());
    for answer in [one, other] {
        assert_eq!(answer.status, 200);
        let results = answer.json["offsets"].as_array().unwrap();
        assert_eq!(results.len(), 3);
        for result in results {
            assert_eq!((&result["error_code"], &result["offset"]), (&json!(50003), &Value::Null));
            assert!(!result["error"].as_str().unwrap().is_empty());
        }
    }
    proxy.api.get("/").await.is(json!({}));
}

#[tokio::test]
async fn a_read_from_an_unreachable_kafka_is_50302_in_time() {
    let proxy = unreachable().await;
    let consumer = Consumer::of(&proxy, "flights", "json").await;
    let answer = in_time(consumer.get("/records?timeout=500")).await;
    refused(&answer, 503, 50302);
    assert_eq!(answer.headers["retry-after"], "1");
    done(&in_time(consumer.delete()).await);
}

#[tokio::test]
async fn committed_offsets_of_an_unreachable_kafka_are_50003_in_time() {
    let proxy = unreachable().await;
    let consumer = Consumer::of(&proxy, "flights", "json").await;
    let asked = partitions("flights", &[0]);
    refused(&in_time(consumer.ask("/offsets", &asked)).await, 500, 50003);
}

#[tokio::test]
async fn a_commit_to_an_unreachable_kafka_is_50003_in_time() {
    let proxy = unreachable().await;
    let consumer = Consumer::of(&proxy, "flights", "json").await;
    let answer = in_time(consumer.post("/offsets", &offset("flights", 0, 1))).await;
    refused(&answer, 500, 50003);
}

#[tokio::test]
async fn a_position_in_an_unreachable_kafka_is_answered_in_time() {
    let proxy = unreachable().await;
    // whether it is kept for later or refused, the client hears of it
    let (one, other) = (
        Consumer::of(&proxy, "flights", "json").await,
        Consumer::of(&proxy, "flights", "json").await,
    );
    let (position, end) = (offset("flights", 0, 1), partitions("flights", &[0]));
    let (one, other) = tokio::join!(
        in_time(one.post("/positions", &position)),
        in_time(other.post("/positions/end", &end)),
    );
    for answer in [one, other] {
        if answer.status != 204 {
            refused(&answer, 500, 50003);
        }
    }
}

#[tokio::test]
async fn a_subscriber_of_an_unreachable_kafka_can_be_deleted_in_time() {
    let proxy = unreachable().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    consumer.subscribe(&unique("flights")).await;
    refused(&in_time(consumer.get("/records?timeout=500")).await, 503, 50302);
    done(&in_time(consumer.delete()).await);
}

#[tokio::test]
async fn an_instance_can_be_deleted_in_time_when_kafka_has_gone() {
    let broker = embedded_broker();
    broker.create_topic("flights", 1).await;
    let proxy = proxy_at(&broker.bootstrap_servers, "http://127.0.0.1:1").await;
    sent(&produce(&proxy, "flights", JSON, &records(&flights())).await);
    let settings = json!({"format": "json", "auto.commit.enable": "true"});
    let consumer = Consumer::new(&proxy, settings).await;
    consumer.assign("flights", &[0]).await;
    consumer.take(3).await;
    broker.faults().add(Rule::new(Action::Drop)).unwrap();
    done(&in_time(consumer.delete()).await);
}
