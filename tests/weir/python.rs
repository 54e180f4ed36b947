//! confluent-kafka for Python, unchanged: every area of its registry client and serdes, and on both
//! brokers it and Weir read what the other wrote.

use std::process::Output;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir_serde::{AvroDeserializer, AvroSerializer, Part, RegistryClient};
use weir_tests::{TestBroker, embedded_broker, kafka, unique};

use crate::scripts::Client;

pub const PYTHON: Client = Client {
    variable: "WEIR_TEST_PYTHON",
    program: None,
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/python"),
};

/// Flights of January 2001, from the vega-datasets package.
const FLIGHTS: &str = include_str!("flights.jsonl");

const SCHEMA: &str = r#"{"type":"record","name":"Flight","namespace":"air","fields":[
    {"name":"date","type":"string"},
    {"name":"delay","type":["null","int"],"default":null},
    {"name":"distance","type":"double"},
    {"name":"origin","type":"string"},
    {"name":"destination","type":"string"}]}"#;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flight {
    date: String,
    delay: Option<i32>,
    distance: f64,
    origin: String,
    destination: String,
}

fn flights() -> Vec<Flight> {
    FLIGHTS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs `client.py` in a thread, so that servers of this test's runtime go on.
async fn client(args: &[&str], input: &str) -> Option<Output> {
    script("client.py", args, input).await
}

async fn script(script: &'static str, args: &[&str], input: &str) -> Option<Output> {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    let input = input.to_string();
    let run =
        move || PYTHON.run(script, &args.iter().map(String::as_str).collect::<Vec<_>>(), &input);
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[test]
fn its_registry_client_gets_what_it_expects() {
    PYTHON.check("registry.py", &[]);
}

#[test]
fn its_contexts_are_kept_apart() {
    PYTHON.check("contexts.py", &[]);
}

#[test]
fn its_avro_serializers_are_served() {
    PYTHON.check("serde.py", &["avro"]);
}

#[test]
fn its_json_serializers_are_served() {
    PYTHON.check("serde.py", &["json"]);
}

#[test]
fn its_protobuf_serializers_are_served() {
    PYTHON.check("serde.py", &["protobuf"]);
}

#[test]
fn its_data_contracts_are_kept() {
    PYTHON.check("contracts.py", &[]);
}

#[test]
fn its_associations_are_kept() {
    PYTHON.check("associations.py", &[]);
}

/// Its own producer and consumer make the serdes and ask under the cluster's id.
async fn python_produces_and_consumes(broker: &TestBroker) {
    for format in ["avro", "json", "protobuf"] {
        let topic = unique("delays");
        broker.create_topic(&topic, 1).await;
        let registry = weir_tests::registry().await;
        let args = [broker.bootstrap_servers.as_str(), &registry.url, &topic, format];
        script("messages.py", &args, "").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_what_it_writes_on_the_embedded_broker() {
    python_produces_and_consumes(&embedded_broker()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_what_it_writes_on_kafka() {
    let Some(kafka) = kafka() else { return };
    python_produces_and_consumes(&kafka).await;
}

/// Clients of the proxy that nobody wrote for it.
async fn others_use_the_proxy(broker: &TestBroker) {
    let topic = unique("legs");
    broker.create_topic(&topic, 1).await;
    let proxy = broker.proxy().await;
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/proxy.yaml");
    script("generated.py", &[contract, &proxy.api.url, &topic], "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_and_requests_use_the_embedded_broker() {
    others_use_the_proxy(&embedded_broker()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_and_requests_use_kafka() {
    let Some(kafka) = kafka() else { return };
    others_use_the_proxy(&kafka).await;
}

async fn python_produces(broker: &TestBroker) {
    let topic = unique("flights");
    broker.create_topic(&topic, 1).await;
    let proxy = broker.proxy().await;
    let args = ["produce", &broker.bootstrap_servers, &proxy.registry.url, &topic];
    if client(&args, FLIGHTS).await.is_none() {
        return;
    }

    // Weir's proxy reads it as JSON
    let v2 = "application/vnd.kafka.v2+json";
    let instance = "/consumers/readers/instances/r";
    let spec = json!({"name": "r", "format": "avro", "auto.offset.reset": "earliest"});
    proxy.api.post_as("/consumers/readers", v2, spec.to_string()).await;
    let partitions = json!({"partitions": [{"topic": topic, "partition": 0}]});
    proxy.api.post_as(&format!("{instance}/assignments"), v2, partitions.to_string()).await;
    let mut read: Vec<Value> = Vec::new();
    while read.len() < flights().len() {
        let records = proxy.api.get(&format!("{instance}/records?timeout=20000")).await.json;
        let records = records.as_array().unwrap().clone();
        assert!(!records.is_empty(), "only {} records came", read.len());
        read.extend(records);
    }
    for (record, flight) in read.iter().zip(flights()) {
        let delay = flight.delay.map_or(Value::Null, |delay| json!({"int": delay}));
        let expected = json!({"date": flight.date, "delay": delay, "distance": flight.distance,
            "origin": flight.origin, "destination": flight.destination});
        assert_eq!(record["value"], expected);
    }
    proxy.api.delete(instance).await;

    // Weir's Rust client reads the bytes that a native consumer gets
    let deserializer =
        AvroDeserializer::<Flight>::new(RegistryClient::new(&proxy.registry.url).unwrap());
    let consumer: rdkafka::consumer::BaseConsumer =
        broker.client().set("group.id", unique("native")).create().unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, rdkafka::Offset::Beginning).unwrap();
    rdkafka::consumer::Consumer::assign(&consumer, &list).unwrap();
    for flight in flights() {
        let message = consumer.poll(std::time::Duration::from_secs(20)).unwrap().unwrap();
        let payload = rdkafka::Message::payload(&message).unwrap();
        assert_eq!(deserializer.deserialize(payload).await.unwrap(), flight);
    }
}

async fn python_consumes(broker: &TestBroker) {
    let topic = unique("flights");
    broker.create_topic(&topic, 1).await;
    let proxy = broker.proxy().await;

    // half of the flights through the proxy, half by the Rust client
    let flights = flights();
    let (first, second) = flights.split_at(flights.len() / 2);
    let records: Vec<Value> = first
        .iter()
        .map(|flight| {
            let mut value = json!(flight);
            value["delay"] = flight.delay.map_or(Value::Null, |delay| json!({"int": delay}));
            json!({"key": flight.origin, "value": value})
        })
        .collect();
    let body = json!({"key_schema": "\"string\"", "value_schema": SCHEMA, "records": records});
    let answer = proxy
        .api
        .post_as(
            &format!("/topics/{topic}"),
            "application/vnd.kafka.avro.v2+json",
            body.to_string(),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let client_of_ours = RegistryClient::new(&proxy.registry.url).unwrap();
    let serializer = AvroSerializer::<Flight>::new(client_of_ours, SCHEMA).unwrap();
    let producer: rdkafka::producer::FutureProducer = broker.client().create().unwrap();
    for flight in second {
        let payload = serializer.serialize(&topic, Part::Value, flight).await.unwrap();
        let record = rdkafka::producer::FutureRecord::to(&topic).payload(&payload).key("");
        producer.send(record, std::time::Duration::from_secs(10)).await.unwrap();
    }

    let count = flights.len().to_string();
    let args = ["consume", &broker.bootstrap_servers, &proxy.registry.url, &topic, &count];
    let Some(output) = client(&args, "").await else { return };
    let seen: Vec<Flight> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(seen, flights);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_python_produces_is_read_on_the_embedded_broker() {
    python_produces(&embedded_broker()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_python_produces_is_read_on_kafka() {
    let Some(kafka) = kafka() else { return };
    python_produces(&kafka).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_what_weir_produces_on_the_embedded_broker() {
    python_consumes(&embedded_broker()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_what_weir_produces_on_kafka() {
    let Some(kafka) = kafka() else { return };
    python_consumes(&kafka).await;
}
