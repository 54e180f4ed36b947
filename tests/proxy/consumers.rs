//! `/consumers/{group}` and `/consumers/{group}/instances/{instance}`

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use weir_proxy::ProxyConfig;
use weir_tests::{Api, TestBroker, embedded_broker, unique};

use super::fixtures::*;

on_both_brokers! {
    an_instance_is_deleted_once
    an_idle_instance_is_closed
    an_instance_in_use_is_not_closed
    a_waiting_read_keeps_its_instance
    a_deleted_instance_has_committed_what_was_read
    a_second_instance_continues_after_the_commit_of_the_first
}

#[tokio::test]
async fn an_instance_is_made_of_nothing() {
    let proxy = embedded_broker().proxy().await;
    for body in ["", "{}"] {
        let answer = proxy.api.post_as("/consumers/departures", V2, body.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.headers["content-type"].as_bytes()),
            (200, V2.as_bytes())
        );
        let name = answer.json["instance_id"].as_str().unwrap();
        assert!(name.starts_with("rest-consumer-"), "{name}");
        let base_uri = format!("{}/consumers/departures/instances/{name}", proxy.api.url);
        answer.is(json!({"instance_id": name, "base_uri": base_uri}));
    }
    let answer = proxy.api.send(proxy.api.request(Method::POST, "/consumers/departures")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn an_instance_has_the_name_that_was_asked_for() {
    let proxy = embedded_broker().proxy().await;
    for body in [json!({"name": "gate-7"}), json!({"id": "gate-8"})] {
        let answer = post(&proxy, "/consumers/departures", &body).await;
        let name = body.as_object().unwrap().values().next().unwrap();
        assert_eq!(&answer.json["instance_id"], name);
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_40902() {
    let proxy = embedded_broker().proxy().await;
    let body = json!({"name": "gate-7", "format": "json"});
    assert_eq!(post(&proxy, "/consumers/departures", &body).await.status, 200);
    let message =
        "Consumer with specified consumer ID already exists in the specified consumer group.";
    for body in [body.clone(), json!({"name": "gate-7"}), json!({"id": "gate-7"})] {
        post(&proxy, "/consumers/departures", &body).await.is_error(409, 40902, message);
    }
    // another group is another matter
    assert_eq!(post(&proxy, "/consumers/arrivals", &body).await.status, 200);
    done(&proxy.api.delete("/consumers/departures/instances/gate-7").await);
    assert_eq!(post(&proxy, "/consumers/departures", &body).await.status, 200);
}

#[tokio::test]
async fn settings_may_be_numbers_and_strings() {
    let proxy = embedded_broker().proxy().await;
    for body in [
        json!({"format": "JSON", "auto.offset.reset": "latest", "auto.commit.enable": "true"}),
        json!({"format": "Avro", "auto.commit.enable": false, "fetch.min.bytes": -1}),
        json!({"format": "binary", "fetch.min.bytes": "10000000", "consumer.request.timeout.ms": "500"}),
        json!({"responseMinBytes": 1, "requestWaitMs": 500, "auto.offset.reset": "none"}),
        json!({"name": null, "format": null, "auto.offset.reset": null, "auto.commit.enable": null}),
    ] {
        let answer = post(&proxy, "/consumers/departures", &body).await;
        assert_eq!(answer.status, 200, "{body} {}", answer.text);
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_by_name() {
    let proxy = embedded_broker().proxy().await;
    let range = "Invalid consumer configuration. It does not abide by the constraints: \
        fetch.min.bytes: expected -1 to 10000000, found";
    let invalid = "Invalid consumer configuration:";
    for (body, code, message) in [
        (json!({"format": "xml"}), 422, "Invalid format type.".to_string()),
        (json!({"format": ""}), 422, "Invalid format type.".to_string()),
        (json!({"fetch.min.bytes": 10_000_001}), 40001, format!("{range} 10000001")),
        (json!({"fetch.min.bytes": -2}), 40001, format!("{range} -2")),
        (
            json!({"auto.offset.reset": "middle"}),
            42204,
            format!("{invalid} auto.offset.reset: expected earliest, latest or none, found middle"),
        ),
        (
            json!({"auto.commit.enable": "perhaps"}),
            42204,
            format!("{invalid} auto.commit.enable: expected true or false, found \"perhaps\""),
        ),
        (
            json!({"consumer.request.timeout.ms": "soon"}),
            42204,
            format!("{invalid} consumer.request.timeout.ms: expected a number, found soon"),
        ),
    ] {
        post(&proxy, "/consumers/departures", &body).await.is_error(422, code, &message);
    }
}

/// As in the reference, whose older clients know `id` alone.
#[tokio::test]
async fn an_id_names_the_instance_and_may_be_a_number() {
    let proxy = embedded_broker().proxy().await;
    for (body, name) in
        [(json!({"id": "gate-7", "name": "gate-8"}), "gate-7"), (json!({"name": 9}), "9")]
    {
        let answer = post(&proxy, "/consumers/departures", &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json["instance_id"]), (200, &json!(name)));
    }
}

#[tokio::test]
async fn an_unknown_setting_is_named() {
    let proxy = embedded_broker().proxy().await;
    for name in ["group.id", "nmae"] {
        let answer = post(&proxy, "/consumers/departures", &json!({name: "arrivals"})).await;
        answer.is_error(422, 422, &format!("Unrecognized field: {name}"));
    }
    for body in [json!([]), json!("gate-7")] {
        refused(&post(&proxy, "/consumers/departures", &body).await, 400, 400);
    }
    for body in ["{", "name=gate-7", "{}{}"] {
        let answer = proxy.api.post_as("/consumers/departures", V2, body.to_string()).await;
        refused(&answer, 400, 400);
    }
}

#[tokio::test]
async fn the_base_uri_is_where_clients_reach_the_proxy() {
    let broker = embedded_broker();
    let config = ProxyConfig {
        advertised_url: Some("https://kafka.example.org/".to_string()),
        ..ProxyConfig::default()
    };
    let proxy = broker.proxy_with(config).await;
    let answer = post(&proxy, "/consumers/departures", &json!({"name": "gate-7"})).await;
    let base_uri = "https://kafka.example.org/consumers/departures/instances/gate-7";
    answer.is(json!({"instance_id": "gate-7", "base_uri": base_uri}));
}

#[tokio::test]
async fn the_base_uri_works_whatever_the_names() {
    let proxy = embedded_broker().proxy().await;
    for (group, name) in [("departures", "gate-7"), ("d%C3%A9parts%20de%20nuit", "gate 7/b?#é")] {
        let body = json!({"name": name});
        let answer = post(&proxy, &format!("/consumers/{group}"), &body).await;
        assert_eq!(answer.json["instance_id"], json!(name));
        let base_uri = answer.json["base_uri"].as_str().unwrap();
        assert!(base_uri.is_ascii() && !base_uri.contains(' '), "{base_uri}");
        let instance = Api::at(base_uri.to_string());
        instance.get("/subscription").await.is(json!({"topics": []}));
        done(&instance.delete("").await);
    }
}

#[tokio::test]
async fn an_instance_that_is_not_there_is_40403() {
    let proxy = embedded_broker().proxy().await;
    post(&proxy, "/consumers/departures", &json!({"name": "gate-7"})).await;
    let body = partitions("flights", &[0]);
    for path in ["/consumers/departures/instances/gate-8", "/consumers/arrivals/instances/gate-7"] {
        for (method, rest) in [
            (Method::DELETE, ""),
            (Method::GET, "/subscription"),
            (Method::POST, "/subscription"),
            (Method::DELETE, "/subscription"),
            (Method::GET, "/assignments"),
            (Method::POST, "/assignments"),
            (Method::GET, "/records"),
            (Method::GET, "/offsets"),
            (Method::POST, "/offsets"),
            (Method::POST, "/positions"),
            (Method::POST, "/positions/beginning"),
            (Method::POST, "/positions/end"),
        ] {
            let request = proxy.api.request(method, &format!("{path}{rest}"));
            let request = request.header("content-type", V2).body(body.to_string());
            proxy.api.send(request).await.is_error(404, 40403, "Consumer instance not found.");
        }
    }
}

async fn an_instance_is_deleted_once(broker: &TestBroker) {
    let proxy = broker.proxy().await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    done(&consumer.delete().await);
    consumer.delete().await.is_error(404, 40403, "Consumer instance not found.");
    consumer.get("/records").await.is_error(404, 40403, "Consumer instance not found.");
}

fn closing_after(timeout: Duration) -> ProxyConfig {
    ProxyConfig { consumer_instance_timeout: timeout, ..ProxyConfig::default() }
}

async fn an_idle_instance_is_closed(broker: &TestBroker) {
    let proxy = broker.proxy_with(closing_after(Duration::from_millis(200))).await;
    let group = unique("departures");
    let body = json!({"name": "gate-7"});
    assert_eq!(post(&proxy, &format!("/consumers/{group}"), &body).await.status, 200);
    // asking whether the name is taken is no use of the instance
    let deadline = Instant::now() + DEADLINE;
    while post(&proxy, &format!("/consumers/{group}"), &body).await.status != 200 {
        assert!(Instant::now() < deadline, "the instance is not closed");
        tokio::task::yield_now().await;
    }
}

async fn an_instance_in_use_is_not_closed(broker: &TestBroker) {
    let proxy = broker.proxy_with(closing_after(Duration::from_secs(1))).await;
    let consumer = Consumer::new(&proxy, json!({})).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2500) {
        consumer.get("/records?timeout=100").await.is(json!([]));
    }
}

async fn a_waiting_read_keeps_its_instance(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy_with(closing_after(Duration::from_secs(1))).await;
    let consumer = Consumer::of(&proxy, &topic, "json").await;
    consumer.get("/records?timeout=2500").await.is(json!([]));
    consumer.get("/assignments").await.is(partitions(&topic, &[0]));
}

async fn a_deleted_instance_has_committed_what_was_read(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let settings = json!({"format": "json", "auto.commit.enable": "true"});
    let first = Consumer::new(&proxy, settings.clone()).await;
    first.assign(&topic, &[0]).await;
    // the other two may have been fetched, but nobody has read them
    let answer = first.get("/records?timeout=60000&max_bytes=1").await;
    has_read(&answer, &[record(&topic, 0, 0, &flights()[0])]);
    done(&first.delete().await);
    let second = Consumer::in_group(&proxy, &first.group, settings).await;
    second.assign(&topic, &[0]).await;
    assert_eq!(second.take_offsets(2).await, [1, 2]);
    done(&second.delete().await);
}

async fn a_second_instance_continues_after_the_commit_of_the_first(broker: &TestBroker) {
    let topic = new_topic(broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let first = Consumer::of(&proxy, &topic, "json").await;
    assert_eq!(first.take_offsets(3).await, [0, 1, 2]);
    first.post("/offsets", &offset(&topic, 0, 1)).await.is(json!([]));
    done(&first.delete().await);
    let second = Consumer::in_group(&proxy, &first.group, json!({"format": "json"})).await;
    second.assign(&topic, &[0]).await;
    assert_eq!(second.take_offsets(1).await, [2]);
}

/// A number of `/metrics`.
async fn metric(api: &Api, name: &str) -> u64 {
    let text = api.get("/metrics").await.text;
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

const INSTANCES: &str = "weir_proxy_consumer_instances";
const CONNECTED: &str = "weir_proxy_consumer_instances_connected";

#[tokio::test]
async fn ten_thousand_abandoned_instances_are_reaped() {
    let broker = embedded_broker();
    let timeout = Duration::from_secs(8);
    let config = ProxyConfig { consumer_instance_timeout: timeout, ..ProxyConfig::default() };
    let proxy = broker.proxy_with(config).await;
    let creating = (0..16).map(|client| {
        let api = proxy.api.clone();
        tokio::spawn(async move {
            for n in 0..625 {
                let path = format!("/consumers/group-{client}-{n}");
                let answer = api.post_as(&path, V2, json!({"format": "json"}).to_string()).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
        })
    });
    futures_util::future::join_all(creating).await.into_iter().for_each(|ended| ended.unwrap());
    assert!(metric(&proxy.api, INSTANCES).await > 1000);
    assert_eq!(metric(&proxy.api, CONNECTED).await, 0);
    let deadline = Instant::now() + DEADLINE + timeout;
    while metric(&proxy.api, INSTANCES).await > 0 {
        assert!(Instant::now() < deadline);
    }
}

#[tokio::test]
async fn abandoned_readers_give_their_clients_up_and_go_on_where_they_were() {
    let broker = embedded_broker();
    let topic = new_topic(&broker, "flights", 1).await;
    let proxy = broker.proxy().await;
    sent(&produce(&proxy, &topic, JSON, &records(&flights())).await);
    let first = Consumer::of(&proxy, &topic, "json").await;
    while first.get("/records?max_bytes=1").await.json == json!([]) {}
    let mut others = Vec::new();
    for _ in 0..410 {
        others.push(Consumer::of(&proxy, &topic, "json").await);
    }
    // half a minute of idleness is enough, if there were never too many at a time
    let deadline = Instant::now() + DEADLINE * 3;
    while metric(&proxy.api, CONNECTED).await > 150 {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(metric(&proxy.api, INSTANCES).await, 411);
    first.get("/assignments").await.is(partitions(&topic, &[0]));
    assert_eq!(first.take_offsets(2).await, [1, 2]);
    assert_eq!(others[0].take_offsets(3).await, [0, 1, 2]);
}
