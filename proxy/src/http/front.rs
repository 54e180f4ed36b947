//! What stands before the routes: requests that a browser was tricked into are refused, paths are made plain,
//! `OPTIONS` is answered for all of them, and every answer has a request id.

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;
use weir_http::guard;
use weir_http::request_id::{self, REQUEST_ID};

use super::answer::Refused;
use super::path;
use super::v2::negotiate::of_errors;

/// Serves `routes` under paths as clients of the reference write them, and says what methods a path has.
pub(super) fn tolerant(routes: Router) -> Router {
    Router::new().fallback(move |request| serve(routes.clone(), request))
}

async fn serve(routes: Router, request: Request) -> Response {
    let id = request_id::of(request.headers());
    let media_type = HeaderValue::from_static(of_errors(request.uri().path()));
    let answered = answer(routes, request).await;
    let mut response = answered.unwrap_or_else(|refused| {
        let mut response = refused.into_response();
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        response
    });
    response.headers_mut().insert(REQUEST_ID.clone(), id);
    response
}

async fn answer(routes: Router, mut request: Request) -> Result<Response, Refused> {
    guard::check(&request)?;
    if let Some(uri) = path::plain(request.uri())? {
        *request.uri_mut() = uri;
    }
    let asks_for_methods = request.method() == Method::OPTIONS;
    let response = routes.oneshot(request).await.unwrap_or_else(|never| match never {});
    Ok(match asks_for_methods && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        true => methods(&response),
        false => response,
    })
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
