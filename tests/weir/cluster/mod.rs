//! Registries that share a topic of Kafka: what has gone wrong in the field, each by its name.

mod clients;
mod https;
mod log;
pub mod nodes;
mod others;
mod topic;

use std::time::{Duration, Instant};

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;
use weir_faults::{Node, Weather};
use weir_tests::{kafka, unique};

use nodes::*;

#[tokio::test]
async fn ids_are_not_given_twice_after_a_failover() {
    let Some(site) = three_nodes().await else { return };
    let mut ids = Vec::new();
    for round in 0..3 {
        let (leader, follower, other) = roles(&site).await;
        let (name, subject) = (format!("F{round}"), format!("failover-{round}"));
        ids.push(id(&register(follower, &subject, &name).await));
        leader.kill();
        let (subject, after) = (format!("{subject}-after"), format!("{name}After"));
        ids.push(id(&register_again(other, &subject, &after).await));
        // the same schema has the same id, whoever is asked
        assert_eq!(
            id(&register(follower, &format!("again-{round}"), &name).await),
            ids[ids.len() - 2]
        );
        leader.start();
        site.until_ready(leader).await;
    }
    assert_eq!(ids, (1..=6).collect::<Vec<u64>>());
}

#[tokio::test]
async fn ids_go_on_when_all_nodes_die_at_once() {
    let Some(site) = three_nodes().await else { return };
    let (leader, ..) = roles(&site).await;
    assert_eq!(id(&register(leader, "first", "First").await), 1);
    assert_eq!(id(&register(leader, "second", "Second").await), 2);
    assert_eq!(api(leader).delete("/subjects/second").await.status, 200);
    assert_eq!(api(leader).delete("/subjects/second?permanent=true").await.status, 200);
    site.nodes.iter().for_each(Node::kill);
    site.nodes.iter().for_each(Node::start);
    for node in &site.nodes {
        site.until_ready(node).await;
    }
    site.leader().await;
    assert_eq!(id(&register_again(&site.nodes[0], "third", "Third").await), 3);
    assert_eq!(id(&register(&site.nodes[1], "again", "First").await), 1);
}

#[tokio::test]
async fn a_node_that_joins_or_restarts_does_not_depose_the_leader() {
    let Some(site) = three_nodes().await else { return };
    let (index, epoch) = site.leader().await;
    for offset in 1..3 {
        let node = &site.nodes[(index + offset) % 3];
        node.stop().await;
        node.start();
        site.until_ready(node).await;
        node.kill();
        node.start();
        site.until_ready(node).await;
    }
    assert_eq!(site.leader().await, (index, epoch));
    // and the leader's own restart is one change
    let (leader, follower, _) = roles(&site).await;
    leader.stop().await;
    id(&register_again(follower, "s", "S").await);
    let (_, later) = site.leader().await;
    leader.start();
    site.until_ready(leader).await;
    id(&register(leader, "t", "T").await);
    assert_eq!(site.leader().await.1, later);
}

#[tokio::test]
async fn a_client_reads_its_own_writes_on_any_node() {
    let Some(site) = three_nodes().await else { return };
    for round in 0..30 {
        let (name, subject) = (format!("R{round}"), format!("read-{round}"));
        let node = &site.nodes[round % 3];
        let answer = register(node, &subject, &name).await;
        let (id, offset) = (id(&answer), offset_of(&answer));
        let path = format!("/subjects/{subject}/versions");
        assert_eq!(api(node).get(&path).await.json, json!([1]), "on the same node at once");
        for other in &site.nodes {
            // what is not there is looked for before it is said to be missing
            let found = api(other).get(&format!("/schemas/ids/{id}")).await;
            assert_eq!(found.status, 200, "{}", found.text);
        }
        let deleted = api(node).delete(&format!("/subjects/{subject}")).await;
        assert!(offset_of(&deleted) > offset);
        let other = api(&site.nodes[(round + 1) % 3]);
        let request = other.request(reqwest::Method::GET, &path);
        let read = other.send(request.header("weir-offset", offset_of(&deleted))).await;
        read.is_error(404, 40401, &format!("Subject '{subject}' not found."));
    }
}

#[tokio::test]
async fn what_was_written_a_moment_ago_is_not_missing_to_a_node_that_lags() {
    let Some(site) = three_nodes().await else { return };
    let (_, follower, other) = roles(&site).await;
    other.kafka_weather(Weather { delay: Duration::from_millis(100), ..Weather::default() });
    id(&register(follower, "base", "Base").await);
    id(&register_referring(other).await);
    id(&register(follower, "looked-up", "LookedUp").await);
    let found = api(other).post("/subjects/looked-up", &schema("LookedUp")).await;
    assert_eq!(found.status, 200, "{}", found.text);
    id(&register(follower, "deleted", "Deleted").await);
    let deleted = api(other).delete("/subjects/deleted").await;
    assert_eq!(deleted.status, 200, "{}", deleted.text);
}

#[tokio::test]
async fn a_referenced_schema_cannot_be_deleted_through_any_node() {
    let Some(site) = three_nodes().await else { return };
    let (leader, follower, other) = roles(&site).await;
    id(&register(follower, "base", "Base").await);
    id(&register_referring(other).await);
    for node in [leader, follower, other] {
        let answer = api(node).delete("/subjects/base/versions/1").await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42206)));
    }
    assert_eq!(api(other).delete("/subjects/referring").await.status, 200);
    assert_eq!(api(follower).delete("/subjects/base").await.status, 200);
    for node in [leader, follower, other] {
        let answer = api(node).delete("/subjects/base?permanent=true").await;
        assert_eq!((answer.status.as_u16(), &answer.json["error_code"]), (422, &json!(42206)));
    }
}

#[tokio::test]
async fn a_forward_header_from_outside_is_not_believed() {
    let Some(site) = three_nodes().await else { return };
    let (_, follower, _) = roles(&site).await;
    for (name, value) in [("weir-token", "guessed"), ("x-forward", "true")] {
        let api = api(follower);
        let request = api
            .request(reqwest::Method::POST, &format!("/subjects/{name}/versions"))
            .header("content-type", "application/json")
            .header(name, value);
        let answer = api.send(request.body(schema("Forwarded").to_string())).await;
        assert_eq!(id(&answer), 1, "it is forwarded all the same");
    }
}

#[tokio::test]
async fn a_write_is_forwarded_as_its_caller_sent_it() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    make(&kafka, &topic, "compact", 1).await;
    // a leader that tells what it was sent
    let (seen, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let router = axum::Router::new()
        .route(
            "/v1/cluster",
            axum::routing::get(|| async { r#"{"role":"leader","epoch":0,"writable":true}"# }),
        )
        .fallback(move |request: axum::extract::Request| async move {
            seen.send((request.uri().to_string(), request.headers().clone())).unwrap();
            ([("x-request-id", "of the leader")], r#"["forwarded"]"#)
        });
    let leader = weir_tests::serve(router).await;
    let producer: FutureProducer = kafka.client().create().unwrap();
    let url = format!("http://{leader}");
    let headers = OwnedHeaders::new()
        .insert(Header { key: "weir.leader", value: Some(&url) })
        .insert(Header { key: "weir.token", value: Some("of the leader") });
    let noop = FutureRecord::<str, str>::to(&topic).key(r#"{"keytype":"NOOP","magic":0}"#);
    producer.send(noop.headers(headers), Duration::from_secs(10)).await.unwrap();

    let site = nodes(&kafka, &topic, 1, &[]).await;
    let node = &site.nodes[0];
    node.start();
    site.until_ready(node).await;
    let api = api(node);
    let request = api
        .request(reqwest::Method::DELETE, "/subjects/a%2Fb?permanent=true")
        .header("authorization", "Basic bWU6c2VjcmV0")
        .header("x-request-id", "of the client");
    let answer = api.send(request).await;
    assert_eq!((answer.status.as_u16(), &answer.json), (200, &json!(["forwarded"])));
    let (uri, headers) = sent.recv().await.unwrap();
    assert_eq!(uri, "/subjects/a%2Fb?permanent=true");
    assert_eq!(headers["authorization"], "Basic bWU6c2VjcmV0");
    assert_eq!(headers["x-request-id"], "of the client");
    assert_eq!(headers["weir-token"], "of the leader");
    assert_eq!(answer.headers["x-request-id"], "of the client");
}

#[tokio::test]
async fn reads_go_on_and_writes_are_refused_in_time_while_kafka_is_away() {
    let Some(site) = three_nodes().await else { return };
    let schema_id = id(&register(&site.nodes[0], "kept", "Kept").await);
    for node in &site.nodes {
        site.until(node, "up to date", |status| status.lag == 0).await;
    }
    let stalled = Weather { stalls_requests: true, stalls_answers: true, ..Weather::default() };
    for weather in [Weather { cuts: true, ..Weather::default() }, stalled] {
        let (leader, follower, other) = roles(&site).await;
        site.nodes.iter().for_each(|node| node.kafka_weather(weather));
        let mut codes = Vec::new();
        for node in [leader, follower, other].into_iter().cycle().take(9) {
            let read = api(node).get(&format!("/schemas/ids/{schema_id}")).await;
            assert_eq!(read.status, 200, "{}", read.text);
            let begun = Instant::now();
            let write = register(node, "refused", "Refused").await;
            assert!(begun.elapsed() < ANSWER_MAX, "{:?}", begun.elapsed());
            assert_eq!(write.status, 500, "{}", write.text);
            assert_eq!(write.headers["retry-after"], "1");
            codes.push(write.json["error_code"].as_u64().unwrap());
        }
        // of what the leader has sent nobody knows; then nobody leads, and nothing is done
        assert_eq!(codes[0], 50002, "{codes:?}");
        assert!(codes.contains(&50004), "{codes:?}");
        assert!(codes.iter().all(|code| (50002..=50004).contains(code)), "{codes:?}");
        site.nodes.iter().for_each(|node| node.kafka_weather(Weather::default()));
        let back = Instant::now();
        while register(&site.nodes[0], "back", "Back").await.status != 200 {
            assert!(back.elapsed() < ANSWER_MAX, "{}", site.tails());
        }
        assert!(back.elapsed() < ANSWER_MAX, "{:?}", back.elapsed());
    }
}

#[tokio::test]
async fn a_leader_that_does_not_answer_is_50003() {
    let Some(site) = three_nodes().await else { return };
    let (leader, follower, other) = roles(&site).await;
    // so that no other can lead
    let cut = Weather { cuts: true, ..Weather::default() };
    [follower, other].iter().for_each(|node| node.kafka_weather(cut));
    leader.signal("STOP");
    let begun = Instant::now();
    let answer = register(follower, "s", "S").await;
    assert!(begun.elapsed() < ANSWER_MAX, "{:?}", begun.elapsed());
    assert_eq!(answer.status, 500, "{}", answer.text);
    assert_eq!(answer.json["error_code"], json!(50003), "{}", answer.text);
    let text = "Error while forwarding the request to the leader: ";
    assert!(answer.json["message"].as_str().unwrap().starts_with(text), "{}", answer.text);
    leader.signal("CONT");
}

#[tokio::test]
async fn a_node_that_has_not_read_its_log_answers_503() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("_schemas");
    let site = nodes(&kafka, &topic, 1, &[]).await;
    let node = &site.nodes[0];
    node.kafka_weather(Weather { cuts: true, ..Weather::default() });
    node.start();
    site.until(node, "there", |status| !status.ready && !status.writable).await;
    for path in ["/", "/subjects"] {
        let answer = api(node).get(path).await;
        answer.is_error(503, 503, "The registry is reading its log.");
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert!(api(node).get("/metrics").await.text.contains("weir_registry_ready 0"));
    node.kafka_weather(Weather::default());
    site.until_ready(node).await;
    assert_eq!(api(node).get("/").await.status, 200);
}
