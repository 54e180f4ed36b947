//! A provider of this test: its discovery document and its keys, and what it answers when it is broken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::mint::Signer;

/// A provider on a free port, until the test's runtime ends.
pub struct Provider {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    keys: Mutex<String>,
    fault: Mutex<Option<Fault>>,
    discovery: Mutex<Value>,
    /// How often the keys were asked for.
    fetches: AtomicUsize,
    /// Bytes of an endless answer that were taken.
    sent: AtomicUsize,
    /// How often anything else was asked for.
    strays: AtomicUsize,
}

/// What the provider answers instead of its keys.
#[derive(Clone)]
pub enum Fault {
    Text(String),
    Status(StatusCode),
    Redirect(String),
    /// 1 GB.
    Endless,
}

impl Provider {
    pub async fn start(signers: &[&Signer]) -> Provider {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            keys: Mutex::new(key_set(signers)),
            fault: Mutex::new(None),
            discovery: Mutex::new(json!({
                "issuer": format!("http://127.0.0.1:{port}"),
                "jwks_uri": format!("http://127.0.0.1:{port}/keys"),
            })),
            fetches: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
            strays: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/moved", get(moved))
            .fallback(stray)
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Provider { port, shared }
    }

    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// From now on, it has these keys.
    pub fn publish(&self, signers: &[&Signer]) {
        *self.shared.keys.lock().unwrap() = key_set(signers);
    }

    /// From now on, it is broken, or is not.
    pub fn break_with(&self, fault: impl Into<Option<Fault>>) {
        *self.shared.fault.lock().unwrap() = fault.into();
    }

    pub fn discover(&self, document: Value) {
        *self.shared.discovery.lock().unwrap() = document;
    }

    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    pub fn strays(&self) -> usize {
        self.shared.strays.load(Ordering::SeqCst)
    }

    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

pub fn key_set(signers: &[&Signer]) -> String {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    json!({"keys": keys}).to_string()
}

async fn discovery(State(shared): State<Arc<Shared>>) -> String {
    shared.discovery.lock().unwrap().to_string()
}

async fn keys(State(shared): State<Arc<Shared>>) -> Response {
    shared.fetches.fetch_add(1, Ordering::SeqCst);
    let fault = shared.fault.lock().unwrap().clone();
    match fault {
        None => {
            let keys = shared.keys.lock().unwrap().clone();
            ([(CACHE_CONTROL, "public, max-age=86400")], keys).into_response()
        }
        Some(Fault::Text(text)) => text.into_response(),
        Some(Fault::Status(status)) => status.into_response(),
        Some(Fault::Redirect(to)) => (StatusCode::FOUND, [(LOCATION, to)]).into_response(),
        Some(Fault::Endless) => endless(shared).into_response(),
    }
}

/// Where redirects of this origin lead to.
async fn moved(State(shared): State<Arc<Shared>>) -> String {
    shared.keys.lock().unwrap().clone()
}

async fn stray(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.strays.fetch_add(1, Ordering::SeqCst);
    StatusCode::NOT_FOUND
}

fn endless(shared: Arc<Shared>) -> Body {
    const CHUNK: usize = 64 * 1024;
    let chunks = (0..16_384).map(move |_| {
        shared.sent.fetch_add(CHUNK, Ordering::SeqCst);
        Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; CHUNK]))
    });
    Body::from_stream(futures_util::stream::iter(chunks))
}
