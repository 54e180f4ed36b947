//! How the process is, for who runs it: probes and `/metrics`, of the registry and the proxy together, and their documents.

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::json;
use weir_broker::Faults;
use weir_http::api_docs::{DocsRequest, DocumentedApi, Form};
use weir_http::health::{self, Probed};
use weir_http::{Action, Arrival, Caller, Json, Refusal, Resource, Routes};
use weir_metrics::{Collect, Scrape};

use crate::config::tree::Tree;
use crate::config::value::Role;
use crate::dev;
use crate::metrics::Products;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What is measured, and the APIs whose documents are shown.
#[derive(Clone, Default)]
pub struct Management {
    /// Where clients reach the registry; none where it does not run.
    registry: Option<String>,
    /// Where clients reach the proxy, likewise.
    proxy: Option<String>,
    /// What has metrics.
    products: Products,
    /// The faults of this process's broker, where they can be changed.
    faults: Option<Faults>,
}

impl Management {
    /// Nothing of what runs has started yet. `url` says where clients reach what a role runs.
    pub fn new(tree: &Tree, url: impl Fn(Role) -> String, faults: Option<Faults>) -> Management {
        let url = |role| tree.process.roles.contains(&role).then(|| url(role));
        let (registry, proxy) = (url(Role::Registry), url(Role::Proxy));
        Management { registry, proxy, products: Products::default(), faults }
    }

    /// Has a product's metrics among those of the process.
    pub fn measures(&self, product: impl Collect + 'static) {
        self.products.add(product);
    }

    /// What answers.
    pub fn service(&self) -> Router {
        let routes = Routes::new("management")
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/startupz", get(startupz))
            .route("/metrics", get(metrics))
            .route("/v1/log", crate::log::endpoint::methods())
            .route("/openapi/{document}", get(document))
            .route("/docs", get(docs))
            .route("/docs/{file}", get(docs_file))
            .into_router()
            .with_state(self.clone());
        let routes = match &self.faults {
            Some(faults) => routes.merge(dev::faults::routes(faults.clone())),
            None => routes,
        };
        routes
            .fallback(not_found)
            .method_not_allowed_fallback(async || {
                refused(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
            })
            .layer(from_fn(guarded))
    }

    /// Where clients reach an API; none if it does not run.
    fn url(&self, api: DocumentedApi) -> Option<&str> {
        match api {
            DocumentedApi::Registry => self.registry.as_deref(),
            DocumentedApi::Proxy => self.proxy.as_deref(),
        }
    }
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
    let url = management.url(api);
    match url.and_then(|url| asked.document_of_server(api, form, url)) {
        Some(document) => document,
        None => not_found().await,
    }
}

/// `GET /docs`: a page that leads to those of the APIs that run. 404 where documents are not served.
async fn docs(State(management): State<Management>, asked: DocsRequest) -> Response {
    let all = [("/docs/registry", DocumentedApi::Registry), ("/docs/proxy", DocumentedApi::Proxy)];
    let links: Vec<_> = all.into_iter().filter(|(_, api)| management.url(*api).is_some()).collect();
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
        management.url(api).and_then(|_| asked.page(api, &document, false))
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
