//! What stands before the routes: paths are made plain, and `OPTIONS` is answered for all of them.

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

use super::answer::Refused;
use super::path;
use super::v2::negotiate::of_errors;

/// Serves `routes` under paths as clients of the reference write them, and says what methods a path has.
pub(super) fn tolerant(routes: Router) -> Router {
    Router::new().fallback(move |request| serve(routes.clone(), request))
}

async fn serve(routes: Router, mut request: Request) -> Response {
    match path::plain(request.uri()) {
        Ok(None) => {}
        Ok(Some(uri)) => *request.uri_mut() = uri,
        Err(error) => {
            let mut response = Refused(error).into_response();
            let media_type = HeaderValue::from_static(of_errors(request.uri().path()));
            response.headers_mut().insert(CONTENT_TYPE, media_type);
            return response;
        }
    }
    let asks_for_methods = request.method() == Method::OPTIONS;
    let response = routes.oneshot(request).await.unwrap_or_else(|never| match never {});
    match asks_for_methods && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        true => methods(&response),
        false => response,
    }
}

/// The methods of a path, as the answer to one that it does not have names them.
fn methods(refused: &Response) -> Response {
    let known = refused.headers().get(ALLOW).and_then(|allow| allow.to_str().ok());
    let mut methods: Vec<&str> = known.unwrap_or_default().split(',').map(str::trim).collect();
    methods.retain(|method| !method.is_empty());
    methods.push("OPTIONS");
    let methods = methods.join(", ");
    let mut response = ([(ALLOW, methods.clone())], methods).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
