//! A proxy whose callers log in with a name and the password `secret`, under rules that a test may change.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::watch;
use weir_access::{
    Authenticating, Authenticator, Credentials, Identity, LoginCounts, LoginFailure, Policy, Proof,
    Proved,
};
use weir_http::{Door, DoorOptions, Limits, Shared, Site};
use weir_proxy::{Broker, Proxy, ProxyConfig, RegistryFor};
use weir_serde::RegistryClient;
use weir_tests::{Answer, Api, TestBroker, registry};

use crate::fixtures::*;

/// Connections that a listener may have.
const CONNECTIONS: usize = 1024;

/// An address at which there is no Kafka.
pub const NO_KAFKA: &str = "127.0.0.1:1";

/// Four users: one with rights on other topics and groups, one that reads, one that owns, one that may do all.
///
/// Topics and groups have names of their own in each test: those of `owner` begin with `flights` and `departures`.
pub const RULES: &str = r#"
[[rule]]
allow = ["read", "write", "delete", "configure"]
to = "user:writer"
on = ["topic:movies*", "group:cinema*"]

[[rule]]
allow = "read"
to = "user:reader"
on = ["topic:flights*", "group:departures*", "cluster:kafka"]

[[rule]]
allow = ["read", "write", "delete", "configure"]
to = "user:owner"
on = ["topic:flights*", "group:departures*"]

[[rule]]
allow = "read"
to = "user:owner"
on = "cluster:kafka"

[[rule]]
allow = ["read", "write", "delete", "configure", "admin"]
to = "user:admin"
on = "*"
"#;

/// Believes whoever knows the password.
struct Names {
    generation: Arc<AtomicU64>,
    challenges: Vec<String>,
}

impl Authenticator for Names {
    fn authenticate(&self, shown: Credentials, _: Option<IpAddr>) -> Authenticating<'_> {
        let found = match shown {
            Credentials::Basic { user, password } if password.0 == "secret" => {
                Ok(Proved { identity: Identity::new(&user, Proof::Password), until: None })
            }
            _ => Err(LoginFailure::Refused { reason: "wrong password".to_string() }),
        };
        Box::pin(std::future::ready(found))
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn counts(&self) -> LoginCounts {
        LoginCounts::default()
    }

    fn challenges(&self) -> &[String] {
        &self.challenges
    }
}

pub struct House {
    pub api: Api,
    pub door: Arc<Door>,
    generation: Arc<AtomicU64>,
    /// Keeps the broker, if it is the embedded one.
    _embedded: Option<weir_broker::Broker>,
}

/// Somebody who has logged in.
#[derive(Clone)]
pub struct User {
    pub api: Api,
    pub name: String,
}

impl House {
    /// A proxy before a broker, with a registry of its own, under [`RULES`].
    pub async fn new(broker: &TestBroker) -> House {
        let client = RegistryClient::new(&registry().await.url).unwrap();
        House::with(broker, client.into()).await
    }

    /// A proxy whose Kafka is away.
    pub async fn without_kafka() -> House {
        let broker = TestBroker { bootstrap_servers: NO_KAFKA.to_string(), embedded: None };
        House::new(&broker).await
    }

    pub async fn with(broker: &TestBroker, registry: RegistryFor) -> House {
        let kafka = weir_kafka::Settings {
            bootstrap_servers: broker.bootstrap_servers.clone(),
            librdkafka: BTreeMap::new(),
        };
        let embedded = broker.embedded.clone();
        let broker = Broker::new(kafka);
        let proxy = Proxy::new(broker.unwrap(), registry, ProxyConfig::default());
        let generation = Arc::<AtomicU64>::default();
        let challenges = vec!["Basic realm=\"weir\"".to_string()];
        let door = Door::new(DoorOptions {
            authenticator: Arc::new(Names { generation: generation.clone(), challenges }),
            policy: Some(policy(RULES)),
            may_enter: Box::new(|_| true),
            open_paths: Vec::new(),
            audit: None,
        });
        let door = door.unwrap();
        let api = Api::new(serve_behind(&door, proxy));
        House { api, door, generation, _embedded: embedded }
    }

    pub fn user(&self, name: &str) -> User {
        User { api: self.api.clone(), name: name.to_string() }
    }

    /// From now on there are these rules besides [`RULES`].
    pub fn add_rules(&self, rules: &str) {
        self.door.set_policy(policy(&format!("{RULES}\n{rules}")));
    }

    /// Everybody's login ends: those who go on have to log in again.
    pub fn end_logins(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

fn policy(rules: &str) -> Policy {
    Policy::parse(rules).unwrap_or_else(|problems| panic!("{problems:?}\n{rules}"))
}

/// Serves a proxy as the binary does, on a free port, until the test's runtime ends.
fn serve_behind(door: &Arc<Door>, proxy: Proxy) -> SocketAddr {
    let listener = weir_http::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::new(Shared::new(Limits::for_descriptors(CONNECTIONS)));
    let site = Arc::new(Site::new(shared, address, false).behind(door.clone()));
    let service = weir_http::admitted("proxy", weir_proxy::router(proxy));
    let (stop, stopped) = watch::channel(());
    tokio::spawn(async move {
        let _until_the_runtime_ends = stop;
        weir_http::serve(listener, site, None, service, stopped, Duration::ZERO).await;
    });
    address
}

impl User {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.api.request(method, path).basic_auth(&self.name, Some("secret"))
    }

    /// Asks with a body, if there is one, of a media type.
    pub async fn ask(&self, method: Method, path: &str, body: Option<(&str, Value)>) -> Answer {
        let mut request = self.request(method, path);
        if let Some((media_type, body)) = body {
            request = request.header("content-type", media_type).body(body.to_string());
        }
        self.api.send(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await
    }

    /// `POST` of a control request of API v2.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some((V2, body))).await
    }

    /// `POST` of API v3.
    pub async fn post_v3(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(("application/json", body))).await
    }

    /// `POST /topics/{topic}` of values as JSON.
    pub async fn produce(&self, topic: &str, values: &[Value]) -> Answer {
        let path = format!("/topics/{topic}");
        self.ask(Method::POST, &path, Some((JSON, records(values)))).await
    }

    /// The place of the cluster: `/v3/clusters/x`.
    pub async fn cluster(&self) -> String {
        let clusters = self.get("/v3/clusters").await;
        let id = clusters.json["data"][0]["cluster_id"].as_str().unwrap_or_else(|| {
            panic!("{} {}", clusters.status, clusters.text);
        });
        format!("/v3/clusters/{id}")
    }

    /// A consumer instance that reads JSON from the beginning: its path.
    pub async fn instance(&self, group: &str) -> String {
        let body = serde_json::json!({
            "format": "json", "auto.offset.reset": "earliest", "auto.commit.enable": "false",
        });
        let answer = self.post(&format!("/consumers/{group}"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let name = answer.json["instance_id"].as_str().unwrap();
        format!("/consumers/{group}/instances/{name}")
    }
}

pub const DENIED: &str = "User is denied operation on this server.";

/// The answer is the one of all that is denied.
#[track_caller]
pub fn denied(answer: &Answer) {
    answer.is_error(403, 40301, DENIED);
}
