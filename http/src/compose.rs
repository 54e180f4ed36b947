//! Several services on one listener, each below a prefix of its own.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};
use weir_errors::ErrorBody;

use crate::answer::Json;
use crate::origin::Prefix;

type Mounted = BoxCloneSyncService<Request, Response, Infallible>;

/// The services of a listener.
#[derive(Clone, Default)]
pub struct Services {
    /// The longest prefix first.
    below: Arc<[(Prefix, Mounted)]>,
}

impl Services {
    /// With a service below a prefix: `/registry`, or nothing for all that is below no other.
    pub fn with<S>(self, prefix: &str, service: S) -> Services
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        let mounted = (Prefix(prefix.trim_end_matches('/').into()), Mounted::new(service));
        let mut below: Vec<_> = self.below.iter().cloned().chain([mounted]).collect();
        below.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.0.len()));
        Services { below: below.into() }
    }
}

impl Service<Request> for Services {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(())) // each is asked when it is called
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if let [(prefix, service)] = &*self.below
            && prefix.0.is_empty()
        {
            return Box::pin(service.clone().oneshot(request));
        }
        let found = self.below.iter().find_map(|(prefix, service)| {
            let uri = without(request.uri(), &prefix.0)?;
            Some((prefix.clone(), service.clone(), uri))
        });
        let Some((prefix, service, uri)) = found else { return Box::pin(async { Ok(nothing()) }) };
        *request.uri_mut() = uri;
        if !prefix.0.is_empty() {
            request.extensions_mut().insert(prefix);
        }
        Box::pin(service.oneshot(request))
    }
}

/// An address without a prefix, if it has it.
fn without(uri: &Uri, prefix: &str) -> Option<Uri> {
    if prefix.is_empty() {
        return Some(uri.clone());
    }
    let rest = uri.path().strip_prefix(prefix)?;
    let path = match rest {
        "" => "/",
        rest if rest.starts_with('/') => rest,
        _ => return None,
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{path}{query}")).ok();
    Uri::from_parts(parts).ok()
}

fn nothing() -> Response {
    let message = "There is no service at this address.".to_string();
    (StatusCode::NOT_FOUND, Json(ErrorBody { error_code: 404, message })).into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;

    use super::*;
    use crate::origin::Origin;

    async fn asked(services: &Services, path: &str) -> (u16, String) {
        let request = Request::get(path).header("host", "a").body(Body::empty()).unwrap();
        let response = services.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Answers with its name, the path and query as it sees them, and its address.
    fn service(name: &'static str) -> Router {
        let answer =
            move |origin: Origin, uri: Uri| async move { format!("{name} {uri} {}", origin.url()) };
        Router::new().fallback(get(answer))
    }

    #[tokio::test]
    async fn each_service_is_below_its_prefix_and_knows_it() {
        let services = Services::default()
            .with("/registry", service("registry"))
            .with("/rest", service("rest"));
        for (path, answer) in [
            (
                "/registry/subjects?deleted=true",
                "registry /subjects?deleted=true http://a/registry",
            ),
            ("/registry", "registry / http://a/registry"),
            ("/rest/", "rest / http://a/rest"),
        ] {
            assert_eq!(asked(&services, path).await, (200, answer.to_string()));
        }
        assert_eq!(asked(&services, "/registryx").await.0, 404);
        assert_eq!(asked(&services, "/").await.0, 404);
    }

    #[tokio::test]
    async fn a_service_without_a_prefix_has_what_is_below_no_other() {
        let services = Services::default().with("", service("root")).with("/rest", service("rest"));
        assert_eq!(asked(&services, "/rest/v3").await.1, "rest /v3 http://a/rest");
        assert_eq!(asked(&services, "/subjects").await.1, "root /subjects http://a");
    }
}
