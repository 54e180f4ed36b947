//! Records of flights, movies and stocks, native clients beside the proxy, and short ways to say
//! what the tests say often.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, Headers, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use reqwest::Method;
use serde_json::{Value, json};
use weir_proxy::{Broker, Proxy, ProxyConfig};
use weir_serde::RegistryClient;
use weir_tests::{Answer, Api, ProxyUnderTest, TestBroker, serve, unique};

pub const V2: &str = "application/vnd.kafka.v2+json";
pub const BINARY: &str = "application/vnd.kafka.binary.v2+json";
pub const JSON: &str = "application/vnd.kafka.json.v2+json";
pub const AVRO: &str = "application/vnd.kafka.avro.v2+json";

/// How long a test waits for what has to happen.
pub const DEADLINE: Duration = Duration::from_secs(120);

pub const STOCK: &str = r#"{"type":"record","name":"Stock","namespace":"market","fields":[{"name":"symbol","type":"string"},{"name":"date","type":"string"},{"name":"price","type":"double"}]}"#;

pub const MOVIE: &str = r#"{"type":"record","name":"Movie","namespace":"cinema","fields":[{"name":"Title","type":["null","string"]},{"name":"US_Gross","type":["null","long"]},{"name":"IMDB_Rating","type":["null","double"]}]}"#;

pub fn flights() -> [Value; 3] {
    [
        json!({"date": "2001/01/10 18:20", "delay": 25, "distance": 192, "origin": "SAT", "destination": "HOU"}),
        json!({"date": "2001/01/31 16:45", "delay": 0, "distance": 361, "origin": "OAK", "destination": "ONT"}),
        json!({"date": "2001/02/14 07:05", "delay": -7, "distance": 1034, "origin": "PHX", "destination": "HOU"}),
    ]
}

pub fn stocks() -> [Value; 3] {
    [
        json!({"symbol": "MSFT", "date": "Jan 1 2000", "price": 39.81}),
        json!({"symbol": "MSFT", "date": "Feb 1 2000", "price": 36.35}),
        json!({"symbol": "AMZN", "date": "Jan 1 2000", "price": 64.56}),
    ]
}

/// Values as a produce request's body.
pub fn records(values: &[Value]) -> Value {
    json!({"records": values.iter().map(|value| json!({"value": value})).collect::<Vec<_>>()})
}

/// `{"partitions": [..]}` of one topic.
pub fn partitions(topic: &str, partitions: &[i32]) -> Value {
    let of = |partition: &i32| json!({"topic": topic, "partition": partition});
    json!({"partitions": partitions.iter().map(of).collect::<Vec<_>>()})
}

/// `{"offsets": [..]}` of one partition.
pub fn offset(topic: &str, partition: i32, offset: i64) -> Value {
    json!({"offsets": [{"topic": topic, "partition": partition, "offset": offset}]})
}

/// Records of a read without their timestamps, each of which is a number of milliseconds.
#[track_caller]
pub fn untimed(records: &Value) -> Vec<Value> {
    let untimed = |record: &Value| {
        let mut record = record.clone();
        let timestamp = record.as_object_mut().unwrap().remove("timestamp");
        assert!(timestamp.unwrap().as_i64().unwrap() > 0);
        record
    };
    records.as_array().unwrap().iter().map(untimed).collect()
}

/// The answer is 200 with these records, whenever they were written.
#[track_caller]
pub fn has_read(answer: &Answer, records: &[Value]) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(untimed(&answer.json), records);
}

/// A record as a read answers it, but for its timestamp.
pub fn record(topic: &str, partition: i32, offset: i64, value: &Value) -> Value {
    json!({"topic": topic, "key": null, "value": value, "partition": partition, "offset": offset})
}

/// A new topic that clients can use.
pub async fn new_topic(broker: &TestBroker, name: &str, partitions: i32) -> String {
    let topic = unique(name);
    broker.create_topic(&topic, partitions).await;
    appears(broker, &topic).await;
    topic
}

/// Waits until Kafka has a coordinator for groups: a Kafka that has just begun makes its topic of offsets first.
pub async fn has_coordinator(broker: &TestBroker) {
    let mut client = broker.client();
    client.set("group.id", unique("coordinated"));
    let asking = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = client.create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition("any", 0);
        let deadline = Instant::now() + DEADLINE;
        while let Err(error) = consumer.committed_offsets(list.clone(), Duration::from_secs(5)) {
            assert!(Instant::now() < deadline, "{error}");
        }
    });
    asking.await.unwrap();
}

/// Waits until clients can use a topic.
pub async fn appears(broker: &TestBroker, topic: &str) {
    let (name, client) = (topic.to_string(), broker.client());
    tokio::task::spawn_blocking(move || {
        let mut client = client;
        client.set("allow.auto.create.topics", "false");
        let client: BaseConsumer = client.create().unwrap();
        let deadline = Instant::now() + DEADLINE;
        loop {
            let metadata = client.fetch_metadata(Some(&name), DEADLINE).unwrap();
            let found = metadata.topics().iter().find(|t| t.name() == name);
            if found.is_some_and(|t| {
                t.error().is_none() && t.partitions().iter().all(|p| p.leader() >= 0)
            }) {
                return;
            }
            assert!(Instant::now() < deadline, "topic {name} does not appear");
        }
    })
    .await
    .unwrap();
}

/// A proxy that does as the reference where Weir does better.
pub fn quirky() -> ProxyConfig {
    ProxyConfig { confluent_quirks: true, ..ProxyConfig::default() }
}

/// A proxy before a Kafka and a registry of which only addresses are known.
pub async fn proxy_at(bootstrap_servers: &str, registry_url: &str) -> ProxyUnderTest {
    let broker = Broker::new(weir_kafka::Settings {
        bootstrap_servers: bootstrap_servers.to_string(),
        librdkafka: BTreeMap::new(),
    });
    let client = RegistryClient::new(registry_url).unwrap();
    let proxy = Proxy::new(broker.unwrap(), client, ProxyConfig::default());
    ProxyUnderTest {
        api: Api::new(serve(weir_proxy::router(proxy)).await),
        registry: Api::at(registry_url.to_string()),
        embedded: None,
    }
}

/// A proxy before the real Kafka's listener of a security protocol, as the user of a SASL mechanism.
pub async fn secured_proxy(protocol: &str, mechanism: &str, password: &str) -> ProxyUnderTest {
    secured_proxy_with(protocol, mechanism, password, &[]).await
}

/// As [`secured_proxy`], with more of librdkafka's settings.
pub async fn secured_proxy_with(
    protocol: &str,
    mechanism: &str,
    password: &str,
    others: &[(&str, String)],
) -> ProxyUnderTest {
    let listener = if protocol == "sasl_ssl" { "SSL" } else { "SASL" };
    let var = |name: String| std::env::var(name).expect("tests/run says where it is");
    let user = if mechanism == "PLAIN" { "weir" } else { "weir-scram" };
    let settings = [
        ("security.protocol", protocol.to_string()),
        ("sasl.mechanism", mechanism.to_string()),
        ("sasl.username", user.to_string()),
        ("sasl.password", password.to_string()),
        ("ssl.ca.location", var("WEIR_TEST_KAFKA_CA".to_string())),
    ];
    let owned = |(name, value): &(&str, String)| (name.to_string(), value.clone());
    let broker = Broker::new(weir_kafka::Settings {
        bootstrap_servers: var(format!("WEIR_TEST_KAFKA_{listener}")),
        librdkafka: settings.iter().chain(others).map(owned).collect(),
    });
    let registry = weir_tests::registry().await;
    let client = RegistryClient::new(&registry.url).unwrap();
    let proxy = Proxy::new(broker.unwrap(), client, ProxyConfig::default());
    let api = Api::new(serve(weir_proxy::router(proxy)).await);
    ProxyUnderTest { api, registry, embedded: None }
}

/// `POST` of a control request.
pub async fn post(proxy: &ProxyUnderTest, path: &str, body: &Value) -> Answer {
    proxy.api.post_as(path, V2, body.to_string()).await
}

/// `POST /topics/{topic}`.
pub async fn produce(proxy: &ProxyUnderTest, topic: &str, format: &str, body: &Value) -> Answer {
    proxy.api.post_as(&format!("/topics/{topic}"), format, body.to_string()).await
}

/// Registers a schema; its id.
pub async fn register(proxy: &ProxyUnderTest, subject: &str, schema: &str) -> i64 {
    let path = format!("/subjects/{subject}/versions");
    let answer = proxy.registry.post(&path, &json!({"schema": schema})).await;
    answer.json["id"].as_i64().unwrap()
}

/// All records of a produce request were sent: their partitions and offsets.
#[track_caller]
pub fn sent(answer: &Answer) -> Vec<(i64, i64)> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let sent = answer.json["offsets"].as_array().unwrap().iter().map(|entry| {
        assert_eq!((&entry["error_code"], &entry["error"]), (&Value::Null, &Value::Null));
        (entry["partition"].as_i64().unwrap(), entry["offset"].as_i64().unwrap())
    });
    sent.collect()
}

/// The answer is 204.
#[track_caller]
pub fn done(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
}

/// The answer is an error with this status and code, whatever its text.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, code: u32) {
    let found = (answer.status.as_u16(), answer.json["error_code"].as_u64());
    assert_eq!(found, (status, Some(u64::from(code))), "{}", answer.text);
    assert!(!answer.json["message"].as_str().unwrap().is_empty());
}

/// A record as a native client sees it.
#[derive(Debug, PartialEq)]
pub struct Native {
    pub partition: i32,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub timestamp: i64,
}

impl Native {
    /// Key and value as text.
    pub fn text(&self) -> (Option<&str>, Option<&str>) {
        (text(&self.key), text(&self.value))
    }
}

/// The bytes that base64 means, or null.
pub fn decoded(data: &Value) -> Option<Vec<u8>> {
    data.as_str().map(|text| BASE64_STANDARD.decode(text).unwrap())
}

fn text(data: &Option<Vec<u8>>) -> Option<&str> {
    data.as_deref().map(|bytes| std::str::from_utf8(bytes).unwrap())
}

/// All records of a topic, read by a native client.
pub async fn native_read(broker: &TestBroker, topic: &str) -> Vec<Native> {
    let (mut client, topic) = (broker.client(), topic.to_string());
    client.set("group.id", unique("native")).set("enable.auto.commit", "false");
    let reading = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = client.create().unwrap();
        let metadata = consumer.fetch_metadata(Some(&topic), DEADLINE).unwrap();
        let mut list = TopicPartitionList::new();
        let mut missing = 0;
        for partition in metadata.topics()[0].partitions() {
            let (low, high) = consumer.fetch_watermarks(&topic, partition.id(), DEADLINE).unwrap();
            missing += high - low;
            list.add_partition_offset(&topic, partition.id(), Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let deadline = Instant::now() + DEADLINE;
        let mut found = Vec::new();
        while missing > 0 {
            assert!(Instant::now() < deadline, "{missing} records cannot be read");
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            let message = message.unwrap();
            found.push(Native {
                partition: message.partition(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: message.headers().map_or_else(Vec::new, |headers| {
                    let owned = |h: Header<'_, &[u8]>| (h.key.into(), h.value.map(<[u8]>::to_vec));
                    headers.iter().map(owned).collect()
                }),
                timestamp: message.timestamp().to_millis().unwrap(),
            });
            missing -= 1;
        }
        found
    });
    reading.await.unwrap()
}

type Data<'a> = Option<&'a [u8]>;

/// Writes keys and values to partition 0 with a native client.
pub async fn native_write(broker: &TestBroker, topic: &str, records: &[(Data<'_>, Data<'_>)]) {
    let producer: FutureProducer = broker.client().create().unwrap();
    for (key, value) in records {
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).partition(0);
        (record.key, record.payload) = (*key, *value);
        producer.send(record, DEADLINE).await.unwrap();
    }
}

/// A consumer instance.
pub struct Consumer {
    pub api: Api,
    pub group: String,
    pub name: String,
}

impl Consumer {
    /// In a group of its own; reads from the beginning and commits nothing by itself, unless the
    /// settings say so.
    pub async fn new(proxy: &ProxyUnderTest, settings: Value) -> Consumer {
        Consumer::in_group(proxy, &unique("departures"), settings).await
    }

    pub async fn in_group(proxy: &ProxyUnderTest, group: &str, settings: Value) -> Consumer {
        let mut body = json!({"auto.offset.reset": "earliest", "auto.commit.enable": "false"});
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let answer = post(proxy, &format!("/consumers/{group}"), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let name = answer.json["instance_id"].as_str().unwrap().to_string();
        Consumer { api: proxy.api.clone(), group: group.to_string(), name }
    }

    /// Reads partition 0 of a topic.
    pub async fn of(proxy: &ProxyUnderTest, topic: &str, format: &str) -> Consumer {
        let consumer = Consumer::new(proxy, json!({"format": format})).await;
        consumer.assign(topic, &[0]).await;
        consumer
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/consumers/{}/instances/{}{rest}", self.group, self.name)
    }

    pub async fn get(&self, rest: &str) -> Answer {
        self.api.get(&self.path(rest)).await
    }

    /// `GET` with a body.
    pub async fn ask(&self, rest: &str, body: &Value) -> Answer {
        let request = self.api.request(Method::GET, &self.path(rest)).header("content-type", V2);
        self.api.send(request.body(body.to_string())).await
    }

    pub async fn post(&self, rest: &str, body: &Value) -> Answer {
        self.api.post_as(&self.path(rest), V2, body.to_string()).await
    }

    /// `POST` without a body.
    pub async fn post_nothing(&self, rest: &str) -> Answer {
        self.api.send(self.api.request(Method::POST, &self.path(rest))).await
    }

    pub async fn delete(&self) -> Answer {
        self.api.delete(&self.path("")).await
    }

    pub async fn delete_subscription(&self) -> Answer {
        self.api.delete(&self.path("/subscription")).await
    }

    pub async fn assign(&self, topic: &str, numbers: &[i32]) {
        done(&self.post("/assignments", &partitions(topic, numbers)).await);
    }

    pub async fn subscribe(&self, topic: &str) {
        done(&self.post("/subscription", &json!({"topics": [topic]})).await);
    }

    /// The next `count` records, and not one more, in as many reads as it takes.
    pub async fn take(&self, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + DEADLINE;
        let mut taken = Vec::new();
        while taken.len() < count {
            let answer = self.get("/records?timeout=2000").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let (found, kept_away) = (taken.len(), answer.headers.get("weir-kafka"));
            assert!(Instant::now() < deadline, "{found} of {count} ({kept_away:?}): {taken:?}");
            taken.extend(untimed(&answer.json));
        }
        assert_eq!(taken.len(), count, "{taken:?}");
        taken
    }

    /// The first record with this value; what was read and not committed may come again before it.
    pub async fn take_until(&self, value: &Value) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < deadline, "{value} does not come");
            let answer = self.get("/records?timeout=2000").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let records = untimed(&answer.json);
            if let Some(found) = records.into_iter().find(|record| record["value"] == *value) {
                return found;
            }
        }
    }

    /// The keys and values of the next `count` records.
    pub async fn take_data(&self, count: usize) -> Vec<(Value, Value)> {
        let taken = self.take(count).await.into_iter();
        taken.map(|record| (record["key"].clone(), record["value"].clone())).collect()
    }

    /// The offsets of the next `count` records.
    pub async fn take_offsets(&self, count: usize) -> Vec<i64> {
        let taken = self.take(count).await.into_iter();
        taken.map(|record| record["offset"].as_i64().unwrap()).collect()
    }

    /// No record comes in half a second.
    pub async fn take_none(&self) {
        self.get("/records?timeout=500").await.is(json!([]));
    }

    /// The committed offset of a partition.
    pub async fn committed(&self, topic: &str, partition: i32) -> Option<i64> {
        let answer = self.ask("/offsets", &partitions(topic, &[partition])).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["offsets"].get(0).map(|found| found["offset"].as_i64().unwrap())
    }
}
