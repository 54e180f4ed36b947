//! What the black-box tests stand on: servers on ports that the system gave, and a client that
//! speaks plain HTTP to them.
#![allow(clippy::unwrap_used)] // how a test fails

pub mod golden;
mod kafka_cluster;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once, OnceLock, mpsc};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use weir_broker::{Broker as EmbeddedBroker, BrokerSettings, Faults};
use weir_http::{AllowedHost, Limits, Shared, Site};
use weir_proxy::{Broker, ClientSettings, Proxy, ProxyConfig};
use weir_registry::Registry;
use weir_registry::log::{Log, MemoryLog};
use weir_registry_core::RawRecord;
use weir_serde::RegistryClient;

pub use kafka_cluster::KafkaCluster;

/// Descriptors that a listener takes the tests' process for having: half of them may be connections.
const DESCRIPTORS: usize = 4096;

/// rustls wants to know whose cryptography to use, once in a process.
pub fn crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Serves a router as the binary does, on a free port of 127.0.0.1, until the test's runtime ends.
pub async fn serve(router: axum::Router) -> SocketAddr {
    serve_for(router, &[]).await
}

/// Serves a router for requests that name other hosts, too.
pub async fn serve_for(router: axum::Router, hosts: &[AllowedHost]) -> SocketAddr {
    let listener = weir_http::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::new(Shared::new(Limits::for_descriptors(DESCRIPTORS)));
    let site = Arc::new(Site::new(shared, address, false).allowing_hosts(hosts));
    let (stop, stopped) = watch::channel(());
    tokio::spawn(async move {
        let _until_the_runtime_ends = stop;
        weir_http::serve(listener, site, None, router, stopped, Duration::ZERO).await;
    });
    address
}

/// A registry in memory, on a port.
pub async fn registry() -> Api {
    registry_on(&[]).await
}

/// A registry in memory, on a port, whose log begins with records: keys and values.
pub async fn registry_on(records: &[(Value, Value)]) -> Api {
    let record = |(key, value): &(Value, Value)| RawRecord {
        key: key.to_string().into(),
        value: Some(value.to_string().into()),
        timestamp_ms: None,
    };
    let mut log = MemoryLog::default();
    log.append(0, &records.iter().map(record).collect::<Vec<_>>()).unwrap();
    let registry = Registry::open(log).unwrap();
    Api::new(serve(weir_registry::router(registry)).await)
}

/// A broker for tests: the embedded one, or the real Kafka that `tests/run` started.
pub struct TestBroker {
    pub bootstrap_servers: String,
    /// The broker that `weir dev` embeds, if it is that.
    pub embedded: Option<EmbeddedBroker>,
}

/// The broker that `weir dev` embeds, in memory. As the real Kafka of the tests, it makes no topics by itself.
pub fn embedded_broker() -> TestBroker {
    let mut settings = BrokerSettings::ephemeral();
    settings.core.auto_create_topics = false;
    embedded_broker_with(settings)
}

/// The broker that `weir dev` embeds.
pub fn embedded_broker_with(settings: BrokerSettings) -> TestBroker {
    let (started, starting) = mpsc::channel();
    // tests block their own runtimes
    brokers_runtime().spawn(async move { started.send(EmbeddedBroker::start(settings).await) });
    let embedded = starting.recv().unwrap().unwrap();
    TestBroker { bootstrap_servers: embedded.bootstrap_servers(), embedded: Some(embedded) }
}

/// Runs the brokers of all tests of a process.
fn brokers_runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    })
}

/// The real Kafka, or a line that says what is skipped. In CI there has to be one.
pub fn kafka() -> Option<TestBroker> {
    match std::env::var("WEIR_TEST_KAFKA") {
        Ok(bootstrap_servers) => Some(TestBroker { bootstrap_servers, embedded: None }),
        Err(_) => {
            let why = "skipped: no Kafka; `tests/run` starts one where java and mvn are";
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("{why}");
            None
        }
    }
}

/// A topic name that no other test uses.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{count}", std::process::id())
}

impl TestBroker {
    /// Makes a topic.
    pub async fn create_topic(&self, topic: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let created = admin.create_topics([&new], &AdminOptions::new()).await.unwrap();
        created.into_iter().for_each(|result| drop(result.unwrap()));
    }

    /// What goes wrong on demand at the embedded broker.
    pub fn faults(&self) -> &Faults {
        self.embedded.as_ref().unwrap().faults()
    }

    /// Settings of a native client.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config
    }

    /// A proxy in front of the broker, with a registry in memory behind it.
    pub async fn proxy(&self) -> ProxyUnderTest {
        self.proxy_with(ProxyConfig::default()).await
    }

    pub async fn proxy_with(&self, config: ProxyConfig) -> ProxyUnderTest {
        self.proxy_of(config, ClientSettings::default()).await
    }

    pub async fn proxy_of(&self, config: ProxyConfig, clients: ClientSettings) -> ProxyUnderTest {
        let registry = registry().await;
        let kafka = weir_kafka::Settings {
            bootstrap_servers: self.bootstrap_servers.clone(),
            librdkafka: BTreeMap::new(),
        };
        let broker = Broker::with_settings(kafka, clients).unwrap();
        let client = RegistryClient::new(&registry.url).unwrap();
        let proxy = Proxy::new(broker, client, config);
        let api = Api::new(serve(weir_proxy::router(proxy)).await);
        ProxyUnderTest { api, registry, embedded: self.embedded.clone() }
    }
}

/// A proxy on a port, and the registry that it asks.
pub struct ProxyUnderTest {
    pub api: Api,
    pub registry: Api,
    /// Keeps the broker, if it is the embedded one.
    pub embedded: Option<EmbeddedBroker>,
}

/// An HTTP API under test.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    pub url: String,
}

/// An answer: its status, its headers, its body as JSON where it is JSON, else as a string.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    pub json: Value,
}

pub const REGISTRY_JSON: &str = "application/vnd.schemaregistry.v1+json";

impl Api {
    pub fn new(address: SocketAddr) -> Api {
        Api::at(format!("http://{address}"))
    }

    pub fn at(url: String) -> Api {
        crypto();
        Api { client: reqwest::Client::new(), url }
    }

    /// A server whose certificate an authority signed that only the caller knows.
    pub fn trusting(url: String, ca_pem: &str) -> Api {
        crypto();
        let ca = reqwest::Certificate::from_pem(ca_pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([ca]).build().unwrap();
        Api { client, url }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().unwrap()
    }

    /// A request to fill in: `api.request(Method::GET, "/subjects").header(..)`.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
        Answer { status, headers, text, json }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Sends JSON with the registry's media type.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(path, REGISTRY_JSON, body.to_string()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::PUT, path).header("content-type", REGISTRY_JSON);
        self.send(request.body(body.to_string())).await
    }

    pub async fn post_as(&self, path: &str, media_type: &str, body: String) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", media_type);
        self.send(request.body(body)).await
    }
}

impl Answer {
    /// The answer is 200 with this body, but for the time of a stored schema.
    #[track_caller]
    pub fn is(&self, body: Value) {
        assert_eq!((self.status.as_u16(), &without_ts(&self.json)), (200, &body));
    }

    /// The answer is an error with this status, code and text.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: u32, message: &str) {
        let body = serde_json::json!({"error_code": code, "message": message});
        assert_eq!((self.status.as_u16(), &self.json), (status, &body));
    }
}

/// A body without `ts`, which is another one in every run: the time at which a version was written,
/// and without the `"deleted": false` beside it. They are taken out of schemas alone, by themselves or
/// in a list, and only where `ts` is a number; what they are to be has tests of its own.
pub fn without_ts(body: &Value) -> Value {
    let mut body = body.clone();
    let schemas = match &mut body {
        Value::Array(items) => items.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    for schema in schemas.iter_mut().filter_map(Value::as_object_mut) {
        if schema.contains_key("schema") && schema.get("ts").is_some_and(Value::is_u64) {
            schema.remove("ts");
            if schema.get("deleted") == Some(&Value::Bool(false)) {
                schema.remove("deleted");
            }
        }
    }
    body
}
