//! How the process is, for who runs it: probes and `/metrics`, of the registry and the proxy together, and their documents.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::json;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};
use weir_http::api_docs::{DocsRequest, DocumentedApi, Form};
use weir_http::health::{self, Probed};
use weir_http::{Action, Arrival, Caller, Json, Refusal, Resource, Routes};

use crate::config::tree::Tree;
use crate::config::value::Role;

/// How long a service has to say what it counts.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of what a service says of itself.
const SAID_BYTES_MAX: usize = 64 * 1024 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");

/// The services that are asked for their metrics, and whose documents are shown.
#[derive(Clone, Default)]
pub struct Management {
    /// None where it does not run.
    registry: Option<Part>,
    proxy: Option<Part>,
}

/// A service of the process.
#[derive(Clone, Default)]
struct Part {
    service: Asked,
    /// Where its clients reach it.
    url: String,
}

/// A service that may still be starting.
type Asked = Arc<OnceLock<BoxCloneSyncService<Request, Response, Infallible>>>;

impl Management {
    /// Nothing of what runs has started yet. `url` says where clients reach what a role runs.
    pub fn new(tree: &Tree, url: impl Fn(Role) -> String) -> Management {
        let part = |role| {
            let runs = tree.process.roles.contains(&role);
            runs.then(|| Part { service: Asked::default(), url: url(role) })
        };
        Management { registry: part(Role::Registry), proxy: part(Role::Proxy) }
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

    /// What answers.
    pub fn service(&self) -> Router {
        Routes::new("management")
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/startupz", get(startupz))
            .route("/metrics", get(metrics))
            .route("/openapi/{document}", get(document))
            .route("/docs", get(docs))
            .route("/docs/{file}", get(docs_file))
            .into_router()
            .fallback(not_found)
            .method_not_allowed_fallback(async || {
                refused(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
            })
            .layer(from_fn(guarded))
            .with_state(self.clone())
    }

    /// A service that runs, by the name of its API.
    fn part(&self, api: DocumentedApi) -> Option<&Part> {
        match api {
            DocumentedApi::Registry => self.registry.as_ref(),
            DocumentedApi::Proxy => self.proxy.as_ref(),
        }
    }
}

fn start<S>(part: Option<&Part>, service: &S)
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + Sync + 'static,
{
    if let Some(part) = part {
        part.service.get_or_init(|| BoxCloneSyncService::new(service.clone()));
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

async fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, "HTTP 404 Not Found")
}

/// `GET /healthz`: 200 as long as the process answers and nothing has ended that it cannot do without, else 503.
async fn healthz(probed: Probed) -> Response {
    health::healthz(&probed)
}

/// `GET /readyz`: 200 if all that runs can do its work, else 503 with why; 503 while the process stops.
async fn readyz(probed: Probed) -> Response {
    health::readyz(&probed, None)
}

/// `GET /startupz`: 200 once all that runs has started, before 503.
async fn startupz(probed: Probed) -> Response {
    health::startupz(&probed)
}

/// `GET /openapi/{document}`: `registry.json`, `registry.yaml`, `proxy.json` or `proxy.yaml`, of what runs. Its server is the
/// first listener of the API, or where that is advertised. 404.
async fn document(State(management): State<Management>, uri: Uri, asked: DocsRequest) -> Response {
    let (api, form) = match uri.path().trim_start_matches("/openapi/") {
        "registry.json" => (DocumentedApi::Registry, Form::Json),
        "registry.yaml" => (DocumentedApi::Registry, Form::Yaml),
        "proxy.json" => (DocumentedApi::Proxy, Form::Json),
        "proxy.yaml" => (DocumentedApi::Proxy, Form::Yaml),
        _ => return not_found().await,
    };
    let part = management.part(api);
    match part.and_then(|part| asked.document_of_server(api, form, &part.url)) {
        Some(document) => document,
        None => not_found().await,
    }
}

/// `GET /docs`: a page that leads to those of the APIs that run. 404 where documents are not served.
async fn docs(State(management): State<Management>, asked: DocsRequest) -> Response {
    let all = [("/docs/registry", DocumentedApi::Registry), ("/docs/proxy", DocumentedApi::Proxy)];
    let links: Vec<_> =
        all.into_iter().filter(|(_, api)| management.part(*api).is_some()).collect();
    match asked.index(&links) {
        Some(page) => page,
        None => not_found().await,
    }
}

/// `GET /docs/{file}`: `registry` and `proxy` are pages that show an API, without what tries it, since that is at another
/// address; others are files of these pages. 404.
async fn docs_file(State(management): State<Management>, uri: Uri, asked: DocsRequest) -> Response {
    let name = uri.path().trim_start_matches("/docs/");
    let page = |api| {
        let document = format!("/openapi/{name}.json");
        management.part(api).and_then(|_| asked.page(api, &document, false))
    };
    let found = match name {
        "registry" => page(DocumentedApi::Registry),
        "proxy" => page(DocumentedApi::Proxy),
        file => asked.asset(file),
    };
    match found {
        Some(found) => found,
        None => not_found().await,
    }
}

/// `GET /metrics`: of registry, proxy and process, each family once.
///
/// Where the listener asks for a login: 403 without the right to read the clusters.
async fn metrics(
    State(management): State<Management>,
    caller: Caller,
    arrival: Option<Extension<Arrival>>,
) -> Response {
    for cluster in [Resource::REGISTRY, Resource::KAFKA] {
        if caller.demand(Action::Read, cluster).is_err() {
            let message = "User is denied operation on this server.";
            return answer(StatusCode::FORBIDDEN, 40301, message);
        }
    }
    let mut out = String::new();
    for part in [&management.registry, &management.proxy].into_iter().flatten() {
        if let Some((StatusCode::OK, body)) = ask(&part.service, "/metrics").await {
            out.push_str(&String::from_utf8_lossy(&body));
        }
    }
    out.extend(arrival.map(|Extension(arrival)| weir_http::metrics::text(&arrival)));
    ([(CONTENT_TYPE, PROMETHEUS)], out).into_response()
}
