//! The API's table of contents, in the order of the reference.

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower::ServiceExt;

use super::{answer, compatibility, config, metadata, mode, negotiate, schemas, subjects};
use crate::Registry;

/// The registry's API.
pub fn router(registry: Registry) -> Router {
    let routes = Router::new()
        // Root and metadata
        .route("/", get(metadata::root).post(metadata::root))
        .route("/v1/metadata/id", get(metadata::id))
        .route("/v1/metadata/version", get(metadata::version))
        .route("/v1/metadata/deployment", get(metadata::deployment))
        // Subjects
        .route("/subjects", get(subjects::list))
        .route("/subjects/{subject}", post(subjects::lookup).delete(subjects::delete))
        .route("/subjects/{subject}/versions", get(subjects::versions).post(subjects::register))
        .route(
            "/subjects/{subject}/versions/{version}",
            get(subjects::version).delete(subjects::delete_version),
        )
        .route("/subjects/{subject}/versions/{version}/schema", get(subjects::schema))
        .route("/subjects/{subject}/versions/{version}/referencedby", get(subjects::referenced_by))
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
        .method_not_allowed_fallback(answer::method_not_allowed)
        .with_state(registry);
    let again = routes.clone();
    routes
        .fallback(move |request| without_slash(again, request))
        .layer(from_fn(negotiate::negotiate))
}

/// A slash at the end does not count: clients of the reference send it.
async fn without_slash(routes: Router, mut request: Request) -> Response {
    let path = request.uri().path();
    let Some(shorter) = path.strip_suffix('/').filter(|p| !p.is_empty()) else {
        return answer::not_found().await.into_response();
    };
    let query = request.uri().query().map(|q| format!("?{q}")).unwrap_or_default();
    let Ok(uri) = format!("{shorter}{query}").parse::<Uri>() else {
        return answer::not_found().await.into_response();
    };
    *request.uri_mut() = uri;
    let routes = routes.fallback(answer::not_found);
    routes.oneshot(request).await.unwrap_or_else(|never| match never {})
}
