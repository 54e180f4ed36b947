//! A service behind a door, asked as by a connection.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower::{Service, ServiceExt};
use weir_access::{
    Action, Authenticating, Authenticator, Credentials, Identity, LoginCounts, LoginFailure, Proof,
    Proved, Resource,
};

use std::sync::Arc;

use super::*;
use crate::connection::{Arrival, Connection};
use crate::exchange::Exchange;
use crate::limits::Limits;
use crate::shared::{Shared, Site};

/// Knows `alice:secret` and the token `good`, until a moment.
struct Few {
    until: Option<SystemTime>,
    generation: Arc<AtomicU64>,
    asked: Arc<AtomicUsize>,
    challenges: Vec<String>,
}

impl Authenticator for Few {
    fn authenticate(&self, shown: Credentials, _: Option<IpAddr>) -> Authenticating<'_> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = match &shown {
            Credentials::Basic { user, password } if user == "alice" && password.0 == "secret" => {
                Ok(Proof::Password)
            }
            Credentials::Bearer(token) if token.0 == "good" => Ok(Proof::Token),
            Credentials::Bearer(token) if token.0 == "later" => Err(LoginFailure::Unavailable {
                reason: "the provider is away".to_string(),
                retry_after: Duration::from_millis(2500),
            }),
            Credentials::Bearer(token) if token.0 == "slow" => {
                Err(LoginFailure::Slowed { retry_after: Duration::from_secs(7) })
            }
            _ => Err(LoginFailure::Refused { reason: "wrong password".to_string() }),
        };
        let until = self.until;
        Box::pin(async move {
            tokio::task::yield_now().await;
            found.map(|proof| Proved { identity: Identity::new("alice", proof), until })
        })
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    fn counts(&self) -> LoginCounts {
        let refused = self.asked.load(Ordering::Relaxed) as u64;
        LoginCounts { refused, ..LoginCounts::default() }
    }

    fn challenges(&self) -> &[String] {
        &self.challenges
    }
}

struct House {
    door: Arc<Door>,
    site: Arc<Site>,
    generation: Arc<AtomicU64>,
    asked: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
    audit: std::path::PathBuf,
}

/// Demands to write the subject that the path is called, and says who has asked.
async fn written(caller: Caller, request: Request) -> Result<String, axum::http::StatusCode> {
    let subject = request.uri().path().trim_start_matches('/').to_string();
    match caller.demand(Action::Write, Resource::subject(&subject)) {
        Ok(()) => Ok(crate::Principal::of(request.extensions()).to_string()),
        Err(Denied) => Err(axum::http::StatusCode::FORBIDDEN),
    }
}

impl House {
    fn new(until: Option<SystemTime>) -> House {
        let (generation, asked) = (Arc::<AtomicU64>::default(), Arc::<AtomicUsize>::default());
        let challenges = vec!["Basic realm=\"weir\"".to_string(), "Bearer".to_string()];
        let few = Few { until, generation: generation.clone(), asked: asked.clone(), challenges };
        let folder = tempfile::tempdir().unwrap();
        let audit = folder.path().join("audit.log");
        let target = AuditTarget::File { path: audit.clone(), bytes_max: 1 << 20, kept: 1 };
        let door = Door::new(DoorOptions {
            authenticator: Arc::new(few),
            policy: None,
            may_enter: Box::new(|identity| &*identity.name == "alice"),
            open_paths: vec!["/open".to_string(), "/below/*".to_string()],
            audit: Some(Audit::open(target).unwrap()),
        })
        .unwrap();
        let shared = Arc::new(Shared::new(Limits::for_descriptors(64)));
        let site = Site::new(shared, "127.0.0.1:1".parse().unwrap(), false).behind(door.clone());
        House { door, site: Arc::new(site), generation, asked, _folder: folder, audit }
    }

    fn arrival(&self) -> Arrival {
        let (connection, _) = Connection::new("10.1.2.3:4".parse().unwrap(), self.site.clone());
        Arrival(Exchange::in_turn(connection))
    }

    async fn answer(&self, request: Request) -> axum::response::Response {
        let service = admitted("test", Router::new().fallback(any(written))).believing_vouchers();
        service.oneshot(request).await.unwrap()
    }

    async fn ask(&self, method: &str, path: &str, authorization: &[&str]) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path).extension(self.arrival());
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let response = self.answer(request.body(Body::empty()).unwrap()).await;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn audited(&self) -> Vec<serde_json::Value> {
        #[expect(clippy::disallowed_methods, reason = "a test may wait for its file")]
        let text = std::fs::read_to_string(&self.audit).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn basic(login: &str) -> String {
    format!("Basic {}", STANDARD.encode(login))
}

#[tokio::test]
async fn who_is_known_comes_in_and_is_asked_for_once() {
    let house = House::new(None);
    for _ in 0..3 {
        let answer = house.ask("POST", "/a", &[&basic("alice:secret")]).await;
        assert_eq!(answer, (200, "alice".to_string()));
    }
    assert_eq!(house.asked.load(Ordering::Relaxed), 1);
    assert_eq!(house.ask("POST", "/a", &["bearer good"]).await.0, 200);
    // a file was read anew
    house.generation.fetch_add(1, Ordering::Relaxed);
    assert_eq!(house.ask("POST", "/a", &[&basic("alice:secret")]).await.0, 200);
    assert_eq!(house.asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn who_shows_the_same_at_the_same_time_is_asked_for_once() {
    let house = House::new(None);
    let login = basic("alice:secret");
    let login = [login.as_str()];
    let all = (0..20).map(|_| house.ask("POST", "/a", &login));
    let mut all: Vec<_> = all.map(Box::pin).collect();
    // all have begun before one ends
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for one in &mut all {
        assert!(one.as_mut().poll(&mut context).is_pending());
    }
    for one in all {
        assert_eq!(one.await.0, 200);
    }
    assert_eq!(house.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn who_is_not_known_hears_the_same_whatever_is_wrong() {
    let house = House::new(None);
    let unauthorized = r#"{"error_code":401,"message":"Unauthorized"}"#.to_string();
    for shown in [
        vec![],
        vec![basic("alice:wrong")],
        vec![basic("nobody:secret")],
        vec!["Basic !!!".to_string()],
        vec!["Bearer bad".to_string()],
        vec!["Digest a".to_string()],
    ] {
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            assert_eq!(house.ask(method, "/a", &shown).await, (401, unauthorized.clone()));
        }
    }
    let request = Request::builder().uri("/a").extension(house.arrival());
    let response = house.answer(request.body(Body::empty()).unwrap()).await;
    let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Basic realm=\"weir\"", "Bearer"]);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn two_logins_are_none() {
    let house = House::new(None);
    let login = basic("alice:secret");
    assert_eq!(house.ask("POST", "/a", &[&login, &login]).await.0, 400);
}

#[tokio::test]
async fn a_login_that_cannot_be_checked_now_is_worth_another_try() {
    let house = House::new(None);
    for (token, status, seconds) in [("later", 503, "3"), ("slow", 429, "7")] {
        let request = Request::builder().uri("/a").extension(house.arrival());
        let request = request.header("authorization", format!("Bearer {token}"));
        let response = house.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["retry-after"], seconds);
    }
}

#[tokio::test]
async fn a_proof_that_has_ended_is_checked_again() {
    let house = House::new(Some(SystemTime::now() - Duration::from_secs(1)));
    for asked in 1..=2 {
        house.ask("POST", "/a", &["Bearer good"]).await;
        assert_eq!(house.asked.load(Ordering::Relaxed), asked);
    }
}

#[tokio::test]
async fn open_paths_are_read_by_anybody_and_only_as_they_are_written() {
    let house = House::new(None);
    for path in ["/open", "/below", "/below/a"] {
        assert_eq!(house.ask("GET", path, &[]).await.0, 200, "{path}");
        assert_eq!(house.ask("PUT", path, &[]).await.0, 401, "{path}");
    }
    for path in ["/open/", "/%6fpen", "/below/../a", "/below//a", "/belows", "/below/%2e%2e/a"] {
        assert_eq!(house.ask("GET", path, &[]).await.0, 401, "{path}");
    }
}

#[tokio::test]
async fn rules_that_change_hold_at_once_and_what_is_denied_is_written_down() {
    let house = House::new(None);
    let login = basic("alice:secret");
    assert_eq!(house.ask("POST", "/a?token=x", &[&login]).await.0, 200);
    // the rules allow nothing
    house.door.set_policy(weir_access::Policy::default());
    assert_eq!(house.ask("POST", "/a?token=x", &[&login]).await.0, 403);
    assert_eq!(house.ask("POST", "/a", &[&basic("alice:wr0ng")]).await.0, 401);
    let lines = house.audited();
    let said: Vec<_> = lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect();
    assert_eq!(said, ["allowed", "denied", "refused"]);
    assert_eq!(lines[1]["principal"], "alice");
    assert_eq!(lines[1]["proof"], "password");
    assert_eq!(lines[1]["resource"], "subject:a");
    assert_eq!(lines[1]["action"], "write");
    assert_eq!(lines[1]["status"], 403);
    assert_eq!(lines[1]["address"], "10.1.2.3");
    assert_eq!(lines[1]["path"], "/a");
    let text = serde_json::to_string(&lines).unwrap();
    assert!(!text.contains("wr0ng") && !text.contains("token"), "{text}");
}

#[tokio::test]
async fn what_was_asked_for_is_written_down_though_nobody_waits_for_the_answer() {
    let house = House::new(None);
    let never = async |caller: Caller| {
        caller.demand(Action::Delete, Resource::subject("a")).unwrap();
        std::future::pending::<()>().await;
    };
    let mut service = admitted("test", Router::new().fallback(any(never)));
    let request = Request::delete("/a").extension(house.arrival());
    let request = request.header("authorization", basic("alice:secret"));
    {
        let mut answering = Box::pin(service.call(request.body(Body::empty()).unwrap()));
        let waiting = tokio::time::timeout(Duration::from_millis(100), answering.as_mut());
        assert!(waiting.await.is_err());
    }
    while house.audited().is_empty() {
        tokio::task::yield_now().await;
    }
    let line = house.audited().pop().unwrap();
    assert_eq!((&line["action"], &line["status"]), (&"delete".into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn whom_a_key_vouches_for_comes_in_without_a_login() {
    let house = House::new(None);
    let key = VoucherKey::new(b"of this process");
    let alice = Identity::new("alice", Proof::Certificate);
    let vouched = key.for_request(&alice, &axum::http::Method::POST, "/a");
    let ask = || {
        let request = Request::post("/a").extension(house.arrival());
        house.answer(request.header(&ON_BEHALF, &vouched).body(Body::empty()).unwrap())
    };
    assert_eq!(ask().await.status(), 401);
    let nodes = key.for_request(&node_identity(), &axum::http::Method::POST, "/a");
    house.door.believe(Box::new(move || vec![key.clone()]));
    assert_eq!(ask().await.status(), 200);
    // nor is it asked again whether it may come in: a node has no role
    let request = Request::post("/a").extension(house.arrival()).header(&ON_BEHALF, nodes);
    assert_eq!(house.answer(request.body(Body::empty()).unwrap()).await.status(), 200);
    // another request is none that was vouched for
    let request = Request::post("/b").extension(house.arrival()).header(&ON_BEHALF, &vouched);
    assert_eq!(house.answer(request.body(Body::empty()).unwrap()).await.status(), 401);
    // nor does a service believe it that nobody vouches to
    let other = admitted("other", Router::new().fallback(any(written)));
    let request = Request::post("/a").extension(house.arrival()).header(&ON_BEHALF, &vouched);
    let answer = other.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(house.asked.load(Ordering::Relaxed), 0);
}
