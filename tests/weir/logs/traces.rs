//! Traces, as a collector gets them.

use std::collections::HashSet;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rdkafka::Message;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::Headers;
use reqwest::Method;
use serde_json::{Value, json};
use weir_faults::Site;
use weir_tests::{kafka, unique};

use super::collector::{Collector, Span};
use crate::process::Weir;
use crate::python::PYTHON;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn traceparent() -> String {
    format!("00-{TRACE}-{CALLER}-01")
}

#[track_caller]
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no span {name} in {spans:#?}"))
}

fn has(spans: &[Span], names: &[&str]) -> bool {
    names.iter().all(|name| spans.iter().any(|span| span.name == *name))
}

/// Every span but those of the caller has its parent among the spans.
#[track_caller]
fn is_one_tree(spans: &[Span]) {
    let ids: HashSet<_> = spans.iter().map(|span| span.id.as_str()).collect();
    for span in spans {
        assert_eq!(span.trace, TRACE, "{span:#?}");
        assert!(
            span.parent == CALLER || ids.contains(span.parent.as_str()),
            "{span:#?}\n{spans:#?}"
        );
    }
}

const REGISTER: &str = "POST /subjects/{subject}/versions";

#[tokio::test]
async fn a_registration_through_a_follower_is_one_trace_across_both_nodes() {
    let Some(kafka) = kafka() else { return };
    let collector = Collector::start().await;
    let flags = ["--otlp-endpoint", &collector.url, "--access-log", "--log-format", "json"];
    let topic = unique("traced");
    let binary = Path::new(env!("CARGO_BIN_EXE_weir"));
    let site = Site::prepare(&kafka.bootstrap_servers, binary, &topic, 2, &flags).await;
    site.nodes.iter().for_each(|node| node.start());
    let (leader, _) = site.leader().await;
    let follower = &site.nodes[1 - leader];
    site.until_ready(follower).await;
    let api = weir_tests::Api::at(follower.url.clone());
    let request = api.request(Method::POST, "/subjects/traced/versions");
    let request = request.header("traceparent", traceparent()).header("tracestate", "a=1");
    let request = request.header("x-request-id", "order-4711");
    let answer = api.send(request.body(json!({"schema": "\"int\""}).to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let of_request = |spans: &[Span]| {
        let all = spans.iter().filter(|span| span.trace == TRACE).cloned();
        all.collect::<Vec<_>>()
    };
    let ways = ["registry forward", "registry decide", "registry append", "registry apply"];
    let spans = collector
        .spans(|spans| {
            let spans = of_request(spans);
            has(&spans, &ways) && spans.iter().filter(|span| span.name == REGISTER).count() == 2
        })
        .await;
    let spans = of_request(&spans);
    is_one_tree(&spans);
    let forward = named(&spans, "registry forward");
    let server: Vec<_> = spans.iter().filter(|span| span.name == REGISTER).collect();
    let first = server.iter().find(|span| span.parent == CALLER).unwrap();
    let second = server.iter().find(|span| span.parent != CALLER).unwrap();
    assert_ne!(first.instance, second.instance);
    assert_eq!((&second.parent, &forward.instance), (&forward.id, &first.instance));
    assert_eq!(named(&spans, "registry append").instance, second.instance);
    assert!(first.nanoseconds >= second.nanoseconds);
    let attribute = |name: &str| second.attributes[name].as_str();
    assert_eq!(attribute("http.request.method"), "POST");
    assert_eq!(attribute("http.route"), "/subjects/{subject}/versions");
    assert_eq!(attribute("http.response.status_code"), "200");
    assert_eq!(attribute("url.path"), "/subjects/traced/versions");
    assert_eq!(attribute("weir.request_id"), "order-4711");
    // both nodes' lines say to which request they belong
    for node in &site.nodes {
        let log = node.tail();
        let line = log.lines().find(|line| line.contains("weir::access") && line.contains("POST"));
        let line: Value = serde_json::from_str(line.unwrap()).unwrap();
        assert_eq!((&line["trace_id"], &line["request_id"]), (&TRACE.into(), &"order-4711".into()));
    }
    site.forget();
}

const PRODUCE: &str = "POST /topics/{topic}";

/// Produces a record with a schema.
async fn produce(weir: &mut Weir, topic: &str) {
    let proxy = weir.api("REST proxy on");
    let body = json!({"value_schema": "\"int\"", "records": [{"value": 7}]}).to_string();
    let request = proxy.request(Method::POST, &format!("/topics/{topic}"));
    let request = request.header("content-type", "application/vnd.kafka.avro.v2+json");
    let answer = proxy.send(request.header("traceparent", traceparent()).body(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["offsets"][0]["error_code"], Value::Null, "{}", answer.text);
}

/// The names of the headers of a topic's first record.
async fn headers(topic: &str) -> Vec<String> {
    let kafka = kafka().unwrap();
    let mut client = kafka.client();
    let consumer: StreamConsumer =
        client.set("group.id", topic).set("auto.offset.reset", "earliest").create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let record = consumer.recv().await.unwrap();
    let headers = record.headers();
    headers.map(|all| all.iter().map(|it| it.key.to_string()).collect()).unwrap_or_default()
}

// the process ends while the collector is asked
#[tokio::test(flavor = "multi_thread")]
async fn a_produce_with_a_schema_is_one_trace_through_proxy_and_registry() {
    let Some(kafka) = kafka() else { return };
    let collector = Collector::start().await;
    let topic = unique("traced-records");
    kafka.create_topic(&topic, 1).await;
    let args = ["--bootstrap-servers", &kafka.bootstrap_servers];
    let mut command = Weir::serve_command(&args);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2");
    command.env("OTEL_SERVICE_NAME", "kafka-over-http");
    let mut weir = Weir::spawn(&mut command);
    produce(&mut weir, &topic).await;
    let spans = collector
        .spans(|spans| has(spans, &["kafka produce", "schema registry", REGISTER, PRODUCE]))
        .await;
    is_one_tree(&spans);
    let (produced, question) = (named(&spans, PRODUCE), named(&spans, "schema registry"));
    assert_eq!((&question.parent, &named(&spans, REGISTER).parent), (&produced.id, &question.id));
    let delivery = named(&spans, "kafka produce");
    assert_eq!(delivery.parent, produced.id);
    assert_eq!(delivery.attributes["messaging.destination.name"], topic);
    // server, client and producer
    assert_eq!((produced.kind, question.kind, delivery.kind), (2, 3, 4));
    assert!(spans.iter().all(|span| span.service == "kafka-over-http"));
    let sent = &collector.received("/v1/traces")[0];
    assert_eq!(sent.headers["content-type"], "application/x-protobuf");
    assert_eq!(sent.headers["api-key"], "hunter2");
    // records are what their sender says, unless a setting says otherwise
    assert!(headers(&topic).await.is_empty());
    // metrics are sent at the end, whatever the interval
    weir.signal("TERM");
    weir.wait();
    let metrics = collector.received("/v1/metrics");
    let traces = collector.received("/v1/traces");
    let bodies = |all: &[super::collector::Received]| {
        let all: Vec<_> = all.iter().map(|it| STANDARD.encode(&it.body)).collect();
        json!(all)
    };
    let input = json!({"traces": bodies(&traces), "metrics": bodies(&metrics)}).to_string();
    let Some(read) = PYTHON.run("otlp.py", &[], &input) else { return };
    let read: Value = serde_json::from_slice(&read.stdout).unwrap();
    let names: Vec<_> = read["spans"].as_array().unwrap().iter().collect();
    assert!(names.contains(&&json!(PRODUCE)), "{read}");
    let metrics = read["metrics"].as_array().unwrap();
    assert!(metrics.contains(&json!("weir_http_request_duration_seconds")), "{read}");
}

#[tokio::test]
async fn records_say_to_which_trace_they_belong_if_a_setting_says_so() {
    let Some(kafka) = kafka() else { return };
    let topic = unique("traced-headers");
    kafka.create_topic(&topic, 1).await;
    let args = ["--bootstrap-servers", &kafka.bootstrap_servers, "--produce-traceparent"];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&args));
    produce(&mut weir, &topic).await;
    assert_eq!(headers(&topic).await, ["traceparent"]);
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nobody_up_and_is_said_once() {
    let args = ["--bootstrap-servers", "127.0.0.1:1", "--otlp-endpoint", "http://127.0.0.1:1"];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&args));
    let registry = weir.api("registry on");
    for _ in 0..50 {
        assert_eq!(registry.get("/subjects").await.status, 200);
    }
    weir.line("traces are not taken: http://127.0.0.1:1/v1/traces: ");
    weir.signal("TERM");
    weir.wait();
    let said = weir.output.iter().filter(|line| line.contains("traces are not taken"));
    assert_eq!(said.count(), 1, "{:#?}", weir.output);
}
