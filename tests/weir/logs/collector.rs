//! A collector of OpenTelemetry, as far as tests need one: it keeps what it is sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use prost::Message;

/// What a collector was sent.
#[derive(Clone, Default)]
pub struct Collector {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

/// One request of an exporter's.
#[derive(Clone)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A span, as far as tests look at it.
#[derive(Clone, Debug)]
pub struct Span {
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub name: String,
    pub kind: i32,
    pub attributes: HashMap<String, String>,
    /// `service.name` of the process.
    pub service: String,
    /// `service.instance.id` of the process.
    pub instance: String,
    pub nanoseconds: u64,
}

impl Collector {
    pub async fn start() -> Collector {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Collector { url, ..Collector::default() };
        let received = collector.received.clone();
        let take = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let path = uri.path().to_string();
            received.lock().unwrap().push(Received { path, headers, body: body.to_vec() });
            std::future::ready("") // an empty message
        };
        let router = Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, router).await });
        collector
    }

    pub fn received(&self, path: &str) -> Vec<Received> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|it| it.path == path).cloned().collect()
    }

    /// All spans, once they are as expected.
    pub async fn spans(&self, are_all: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            let bodies = self.received("/v1/traces");
            let spans: Vec<Span> = bodies.iter().flat_map(|it| spans(&it.body)).collect();
            if are_all(&spans) {
                return spans;
            }
            assert!(Instant::now() < give_up, "these spans are not all: {spans:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[derive(Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<OfResource>,
}

#[derive(Message)]
struct OfResource {
    #[prost(message, optional, tag = "1")]
    resource: Option<Attributes>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<OfScope>,
}

#[derive(Message)]
struct Attributes {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<Attribute>,
}

#[derive(Message)]
struct OfScope {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Sent>,
}

#[derive(Message)]
struct Sent {
    #[prost(bytes = "vec", tag = "1")]
    trace: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    begun: u64,
    #[prost(fixed64, tag = "8")]
    ended: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<Attribute>,
}

#[derive(Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Message)]
struct AnyValue {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(int64, tag = "3")]
    number: i64,
}

fn by_name(attributes: &[Attribute]) -> HashMap<String, String> {
    let value = |value: &AnyValue| match value.text.is_empty() {
        true => value.number.to_string(),
        false => value.text.clone(),
    };
    let pair = |it: &Attribute| Some((it.name.clone(), value(it.value.as_ref()?)));
    attributes.iter().filter_map(pair).collect()
}

fn spans(body: &[u8]) -> Vec<Span> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut found = Vec::new();
    for of_resource in Export::decode(body).unwrap().resources {
        let of_process = by_name(&of_resource.resource.unwrap().attributes);
        for sent in of_resource.scopes.into_iter().flat_map(|scope| scope.spans) {
            assert_eq!((sent.trace.len(), sent.id.len()), (16, 8));
            found.push(Span {
                trace: hex(&sent.trace),
                id: hex(&sent.id),
                parent: hex(&sent.parent),
                name: sent.name,
                kind: sent.kind,
                attributes: by_name(&sent.attributes),
                service: of_process["service.name"].clone(),
                instance: of_process["service.instance.id"].clone(),
                nanoseconds: sent.ended - sent.begun,
            });
        }
    }
    found
}
