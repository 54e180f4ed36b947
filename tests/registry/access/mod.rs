//! Who may do what. A layer of the tests says who calls, so that nobody has to log in: what callers may do stands in a
//! policy of each test.

mod changes;
mod many;
mod markers;
mod matrix;
mod names;
mod unseen;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use serde_json::{Value, json};
use tower::ServiceExt;
use weir_access::{Identity, Policy, Proof};
use weir_http::Caller;
use weir_registry::Registry;
use weir_registry::log::{Log, MemoryLog};
use weir_registry_core::RawRecord;

/// The header that says who calls.
const CALLER: &str = "x-test-caller";

/// The caller who may do everything, whatever the policy says of others.
const ADMIN: &str = "admin";

/// Another node, of which the policy says nothing.
const NODE: &str = "node";

/// What every policy of these tests says of [`ADMIN`].
const ADMIN_MAY: &str = r#"
[[rule]]
allow = ["read", "write", "delete", "configure", "admin"]
to = "user:admin"
on = "*"
"#;

/// A registry whose callers are told apart.
struct Guarded {
    router: Router,
}

/// What a caller was answered.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    status: u16,
    json: Value,
    text: String,
}

impl Said {
    fn code(&self) -> u64 {
        self.json["error_code"].as_u64().unwrap_or(0)
    }

    fn is_denied(&self) -> bool {
        (self.status, self.code()) == (403, 40301)
    }

    /// The one answer that whoever may not do something gets.
    #[track_caller]
    fn denied(&self) {
        let denied =
            json!({"error_code": 40301, "message": "User is denied operation on this server."});
        assert_eq!((self.status, &self.json), (403, &denied));
    }

    #[track_caller]
    fn is(&self, body: Value) {
        assert_eq!((self.status, &self.json), (200, &body));
    }

    #[track_caller]
    fn is_error(&self, status: u16, code: u32, message: &str) {
        let body = json!({"error_code": code, "message": message});
        assert_eq!((self.status, &self.json), (status, &body));
    }

    /// The answer is 200; its body.
    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json
    }
}

/// A rule that allows something.
fn allow(who: &str, actions: &[&str], on: &[&str]) -> String {
    format!("[[rule]]\nallow = {actions:?}\nto = \"user:{who}\"\non = {on:?}\n")
}

impl Guarded {
    /// An empty registry.
    async fn new(policy: &str) -> Guarded {
        Guarded::on(&[], policy)
    }

    /// A registry whose log begins with records: keys and values.
    fn on(records: &[(Value, Value)], policy: &str) -> Guarded {
        let record = |(key, value): &(Value, Value)| RawRecord {
            key: key.to_string().into(),
            value: Some(value.to_string().into()),
            timestamp_ms: None,
        };
        let mut log = MemoryLog::default();
        log.append(0, &records.iter().map(record).collect::<Vec<_>>()).unwrap();
        let policy = Policy::parse(&format!("{ADMIN_MAY}{policy}"));
        let policy = Arc::new(policy.unwrap_or_else(|problems| panic!("{problems:?}")));
        let named = from_fn(move |mut request: Request, next: Next| {
            let caller = request.headers().get(CALLER).map(|name| name.to_str().unwrap());
            let identity = match caller {
                None => Identity::anonymous(),
                Some(NODE) => Identity::new("node", Proof::Node),
                Some(name) => Identity::new(name, Proof::Password),
            };
            let rights = policy.rights(&identity);
            request.extensions_mut().insert(Caller::known(identity, Some(rights)));
            next.run(request)
        });
        Guarded { router: weir_registry::router(Registry::open(log).unwrap()).layer(named) }
    }

    /// Asks as a caller; the empty name is nobody's.
    async fn send(&self, caller: &str, method: &str, path: &str, body: Option<String>) -> Said {
        self.send_with(caller, method, path, body, &[]).await
    }

    async fn send_with(
        &self,
        caller: &str,
        method: &str,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Said {
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if !caller.is_empty() {
            request = request.header(CALLER, caller);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Said { status, json, text }
    }

    async fn get(&self, caller: &str, path: &str) -> Said {
        self.send(caller, "GET", path, None).await
    }

    async fn delete(&self, caller: &str, path: &str) -> Said {
        self.send(caller, "DELETE", path, None).await
    }

    async fn post(&self, caller: &str, path: &str, body: &Value) -> Said {
        self.send(caller, "POST", path, Some(body.to_string())).await
    }

    async fn put(&self, caller: &str, path: &str, body: &Value) -> Said {
        self.send(caller, "PUT", path, Some(body.to_string())).await
    }

    /// Registers a schema as [`ADMIN`]; its id.
    async fn register(&self, subject: &str, body: &Value) -> u64 {
        let answer = self.post(ADMIN, &format!("/subjects/{subject}/versions"), body).await.ok();
        answer["id"].as_u64().unwrap()
    }

    /// Puts something as [`ADMIN`].
    async fn set(&self, path: &str, body: &Value) {
        self.put(ADMIN, path, body).await.ok();
    }
}

/// A record with one field, of a name that stands nowhere else.
fn record(name: &str) -> Value {
    let schema = json!({"type": "record", "name": name, "fields": [{"name": "a", "type": "int"}]});
    json!({"schema": schema.to_string()})
}

/// A record with a field of another subject's type.
fn referring(name: &str, to: &str, subject: &str) -> Value {
    let schema = json!({"type": "record", "name": name, "fields": [{"name": "a", "type": to}]});
    let reference = json!({"name": to, "subject": subject, "version": 1});
    json!({"schema": schema.to_string(), "references": [reference]})
}
