//! The API's table of contents, in the order of the reference.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use tower::{Service, ServiceExt};
use weir_http::Routes;

use super::encode::Encoded;
use super::negotiate::Negotiated;
use super::rights::Guarded;
use super::{
    access, answer, associations, cluster, compatibility, config, contexts, docs, metadata, mode,
    probes, register, schemas, subjects,
};
use crate::Registry;

/// The registry's API, to be served or nested with others.
pub fn router(registry: Registry) -> Router {
    Router::new().fallback_service(service(registry))
}

/// The registry's API without a `Router` around it, which would cost each request some hundred nanoseconds.
pub fn service(
    registry: Registry,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let routes = Routes::new("registry")
        // Root and metadata
        .route("/", get(metadata::root).post(metadata::post_root))
        .route("/v1/metadata/id", get(metadata::id))
        .route("/v1/metadata/version", get(metadata::version))
        .route("/v1/metadata/deployment", get(metadata::deployment))
        .route("/v1/cluster", get(cluster::cluster))
        .route("/v1/access/check", get(access::check))
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/startupz", get(probes::startupz))
        .route("/metrics", get(cluster::metrics))
        .route("/openapi.json", get(docs::json))
        .route("/openapi.yaml", get(docs::yaml))
        .route("/docs", get(docs::page))
        .route("/docs/{file}", get(docs::file))
        // Subjects
        .route("/subjects", get(subjects::list))
        .route("/subjects/{subject}", post(subjects::lookup).delete(subjects::delete))
        .route("/subjects/{subject}/metadata", get(subjects::latest_with_metadata))
        .route("/subjects/{subject}/versions", get(subjects::versions).post(register::register))
        .route(
            "/subjects/{subject}/versions/{version}",
            get(subjects::version).delete(subjects::delete_version),
        )
        .route("/subjects/{subject}/versions/{version}/schema", get(subjects::schema))
        .route("/subjects/{subject}/versions/{version}/referencedby", get(subjects::referenced_by))
        .route("/subjects/{subject}/versions/{version}/tags", post(register::tag))
        // Schemas
        .route("/schemas", get(schemas::list))
        .route("/schemas/types", get(schemas::types))
        .route("/schemas/ids/{id}", get(schemas::by_id))
        .route("/schemas/ids/{id}/schema", get(schemas::text))
        .route("/schemas/ids/{id}/subjects", get(schemas::subjects))
        .route("/schemas/ids/{id}/versions", get(schemas::versions))
        .route("/schemas/guids/{guid}", get(schemas::by_guid))
        .route("/schemas/guids/{guid}/ids", get(schemas::ids_of_guid))
        // Compatibility
        .route("/compatibility/subjects/{subject}/versions", post(compatibility::all))
        .route("/compatibility/subjects/{subject}/versions/{version}", post(compatibility::one))
        // Config
        .route("/config", get(config::global).put(config::put_global).delete(config::delete_global))
        .route("/config/{subject}", get(config::get).put(config::put).delete(config::delete))
        // Mode
        .route("/mode", get(mode::global).put(mode::put_global).delete(mode::delete_global))
        .route("/mode/{subject}", get(mode::get).put(mode::put).delete(mode::delete))
        // Contexts; all the other paths are there below `/contexts/{context}` as well
        .route("/contexts", get(contexts::list))
        .route("/contexts/{context}", delete(contexts::delete))
        // Associations
        .route("/associations", post(associations::create))
        .route("/associations:batchGet", post(associations::batch_get))
        .route("/associations:batchMutate", post(associations::batch_change))
        .route("/associations/subjects/{subject}", get(associations::of_subject))
        .route(
            "/associations/resources/{resource}",
            get(associations::of_resource_id).put(associations::put).delete(associations::delete),
        )
        .route("/associations/resources/{namespace}/{name}", get(associations::of_resource_name))
        .into_router()
        .method_not_allowed_fallback(answer::method_not_allowed)
        .with_state(Guarded::new(registry.clone()));
    let again = routes.clone();
    let routes = routes.fallback(move |request| rewritten(again, request));
    Encoded::new(Negotiated::new(registry, routes))
}

/// A path that is no route may be one in other words: below a context, or with a slash at its end,
/// which clients of the reference send.
async fn rewritten(routes: Router, mut request: Request) -> Response {
    let uri = match contexts::qualified(request.method().as_str(), request.uri()) {
        Err(refused) => return refused.into_response(),
        Ok(Some(qualified)) => Some(qualified),
        Ok(None) => without_slash(request.uri()),
    };
    let Some(uri) = uri else { return answer::not_found().await.into_response() };
    *request.uri_mut() = uri;
    let routes = routes.fallback(answer::not_found);
    routes.oneshot(request).await.unwrap_or_else(|never| match never {})
}

fn without_slash(uri: &Uri) -> Option<Uri> {
    let shorter = uri.path().strip_suffix('/').filter(|path| !path.is_empty())?;
    let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
    format!("{shorter}{query}").parse().ok()
}
