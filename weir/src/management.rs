//! How the process is, for who runs it: `/healthz`, `/readyz` and `/metrics`, of the registry and the proxy together.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};
use weir_http::{Action, Arrival, Caller, Json, Refusal, Resource, Routes};
use weir_metrics::{Collect, Scrape};

use crate::config::tree::Tree;
use crate::config::value::Role;
use crate::metrics::Products;

/// How long a service has to say how it is; who asks for readiness gives up after some seconds itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of what a service says of itself.
const SAID_BYTES_MAX: usize = 64 * 1024 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The services that are asked how they are.
#[derive(Clone, Default)]
pub struct Management {
    /// None where it does not run.
    registry: Option<Asked>,
    proxy: Option<Asked>,
    /// A path of the proxy that needs Kafka, if it has one.
    kafka_path: Option<&'static str>,
    /// What has metrics.
    products: Products,
}

/// A service that may still be starting.
type Asked = Arc<OnceLock<BoxCloneSyncService<Request, Response, Infallible>>>;

/// What is found of one thing that has to work.
#[derive(Debug, Serialize, Deserialize)]
struct Check {
    name: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Check {
    fn of(name: &str, reason: Option<&str>) -> Check {
        let reason = reason.map(str::to_string);
        Check { name: name.to_string(), ok: reason.is_none(), reason }
    }
}

impl Management {
    /// Nothing of what runs has started yet.
    pub fn new(tree: &Tree) -> Management {
        let asked = |role| tree.process.roles.contains(&role).then(Asked::default);
        let (v2, v3) = (*tree.proxy.api_v2, *tree.proxy.api_v3);
        let kafka_path = if v3 { Some("/v3/clusters") } else { v2.then_some("/brokers") };
        let (registry, proxy) = (asked(Role::Registry), asked(Role::Proxy));
        Management { registry, proxy, kafka_path, products: Products::default() }
    }

    /// The registry has started. It is asked as nobody: this is what stands behind any login.
    pub fn registry_is<S>(&self, service: &S)
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        start(self.registry.as_ref(), service);
    }

    /// The proxy has started, too.
    pub fn proxy_is<S>(&self, service: &S)
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        start(self.proxy.as_ref(), service);
    }

    /// Has a product's metrics among those of the process.
    pub fn measures(&self, product: impl Collect + 'static) {
        self.products.add(product);
    }

    /// What answers.
    pub fn service(&self) -> Router {
        Routes::new("management")
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .route("/v1/log", crate::log::endpoint::methods())
            .into_router()
            .fallback(async || refused(StatusCode::NOT_FOUND, "HTTP 404 Not Found"))
            .method_not_allowed_fallback(async || {
                refused(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
            })
            .layer(from_fn(guarded))
            .with_state(self.clone())
    }

    async fn checks(&self) -> Vec<Check> {
        let (of_registry, of_proxy) = tokio::join!(self.registry_checks(), self.proxy_checks());
        of_registry.into_iter().chain(of_proxy).collect()
    }

    /// What the registry says itself.
    async fn registry_checks(&self) -> Vec<Check> {
        #[derive(Deserialize)]
        struct Readiness {
            checks: Vec<Check>,
        }
        let Some(registry) = &self.registry else { return Vec::new() };
        let Some((_, body)) = ask(registry, "/readyz").await else {
            return vec![Check::of("log", Some("the registry does not answer yet"))];
        };
        match serde_json::from_slice::<Readiness>(&body) {
            Ok(said) => said.checks,
            Err(_) => vec![Check::of("log", Some("the registry does not say how it is"))],
        }
    }

    /// Whether Kafka answers the proxy.
    async fn proxy_checks(&self) -> Vec<Check> {
        let Some(proxy) = &self.proxy else { return Vec::new() };
        if proxy.get().is_none() {
            return vec![Check::of("kafka", Some("the proxy has not started yet"))];
        }
        let Some(path) = self.kafka_path else { return Vec::new() };
        let answered = ask(proxy, path).await;
        let is_well = answered.is_some_and(|(status, _)| status.is_success());
        vec![Check::of("kafka", (!is_well).then_some("Kafka does not answer the proxy"))]
    }
}

fn start<S>(asked: Option<&Asked>, service: &S)
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    if let Some(asked) = asked {
        asked.get_or_init(|| BoxCloneSyncService::new(service.clone()));
    }
}

/// Asks a service, by no connection. None if it has not started, or takes too long.
async fn ask(asked: &Asked, path: &str) -> Option<(StatusCode, Vec<u8>)> {
    let service = asked.get()?.clone();
    let request = Request::get(path).header(HOST, "localhost").body(Body::empty()).ok()?;
    let asking = async {
        let Ok(response) = service.oneshot(request).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), SAID_BYTES_MAX).await.ok()?;
        Some((status, body.to_vec()))
    };
    timeout(PATIENCE, asking).await.ok()?
}

/// Refuses what a browser was tricked into.
async fn guarded(request: Request, next: Next) -> Response {
    let Err(refusal) = weir_http::guard::check(&request) else { return next.run(request).await };
    let status = match refusal {
        Refusal::Host(_) => StatusCode::BAD_REQUEST,
        Refusal::Misdirected { .. } => StatusCode::MISDIRECTED_REQUEST,
        Refusal::ForeignOrigin { .. } => StatusCode::FORBIDDEN,
        Refusal::NoMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    };
    refused(status, &refusal.to_string())
}

fn refused(status: StatusCode, message: &str) -> Response {
    answer(status, u32::from(status.as_u16()), message)
}

fn answer(status: StatusCode, error_code: u32, message: &str) -> Response {
    let body = Json(json!({"error_code": error_code, "message": message}));
    (status, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// `GET /healthz`: 200 as long as the process answers.
async fn healthz() -> Response {
    ([(CONTENT_TYPE, JSON)], Json(json!({"status": "ok"}))).into_response()
}

/// `GET /readyz`: 200 if all that runs can do its work, else 503 with why.
async fn readyz(State(management): State<Management>) -> Response {
    let checks = management.checks().await;
    let (code, status) = match checks.iter().all(|check| check.ok) {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    let body = Json(json!({"status": status, "checks": checks}));
    (code, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// `GET /metrics`: of registry, proxy and process, each family once.
///
/// Where the listener asks for a login: 403 without the right to read the clusters.
async fn metrics(
    State(management): State<Management>,
    caller: Caller,
    arrival: Option<Extension<Arrival>>,
    headers: HeaderMap,
) -> Response {
    for cluster in [Resource::REGISTRY, Resource::KAFKA] {
        if caller.demand(Action::Read, cluster).is_err() {
            let message = "User is denied operation on this server.";
            return answer(StatusCode::FORBIDDEN, 40301, message);
        }
    }
    let products = management.products;
    let gather = move |scrape: &mut Scrape| {
        products.collect(scrape);
        arrival.iter().for_each(|Extension(arrival)| arrival.collect(scrape));
    };
    weir_http::metrics::answer(&headers, gather).await
}
