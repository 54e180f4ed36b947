//! Media types and request ids, around every request.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use tower::Service;
use weir_http::guard;
use weir_http::media::{self, Accepted, essence};
use weir_http::request_id::{self, REQUEST_ID};
use weir_registry_api::{MEDIA_TYPES, RegistryError};

use super::answer::Refused;
use super::{forward, path};
use crate::Registry;

/// Routes between which and the network stand the media types and request ids: refuses bodies that
/// are not JSON (415) and clients that accept none (406), names the answer's media type, and gives
/// every answer a request id: the client's own, or a new one. A service of its own and no `from_fn`,
/// which would box a future and clone the routes' services for every request.
#[derive(Clone)]
pub(super) struct Negotiated {
    routes: Router,
    /// If others write its log too.
    clustered: Option<Registry>,
}

impl Negotiated {
    pub(super) fn new(registry: Registry, routes: Router) -> Negotiated {
        Negotiated { routes, clustered: Some(registry).filter(Registry::is_clustered) }
    }

    fn answer(&mut self, request: Request) -> Routed {
        match &self.clustered {
            None => Routed::Here(self.routes.call(request)),
            Some(registry) => {
                let answer = forward::answer(registry.clone(), self.routes.clone(), request);
                Routed::Clustered(Box::pin(answer))
            }
        }
    }
}

/// Paths whose answers are none of the API's: whoever asks there accepts other media types.
fn is_beside_api(path: &str) -> bool {
    let paths =
        ["/metrics", "/healthz", "/readyz", "/startupz", "/openapi.json", "/openapi.yaml", "/docs"];
    paths.contains(&path) || path.starts_with("/docs/")
}

impl Service<Request> for Negotiated {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(())) // routes always are
    }

    fn call(&mut self, mut request: Request) -> Answering {
        let id = request_id::of(request.headers());
        let media_type = best_accepted(request.headers());
        let answer = match media_type {
            _ if let Err(refusal) = guard::check(&request) => Err(Refused::from(refusal).0),
            None if !is_beside_api(request.uri().path()) => Err(RegistryError::NotAcceptable),
            _ if let Some(reason) = path::refused(request.uri().path()) => {
                Err(RegistryError::BadRequest { reason: reason.into() })
            }
            _ if let Err(refused) = readable(request.headers()) => Err(refused),
            _ => {
                if self.clustered.is_some() {
                    // whoever it is forwarded to answers under the same id
                    request.headers_mut().insert(REQUEST_ID.clone(), id.clone());
                }
                Ok(self.answer(request))
            }
        };
        Answering { answer, media_type: media_type.unwrap_or(MEDIA_TYPES[2]), id: Some(id) }
    }
}

/// An answer that is being made.
#[allow(clippy::large_enum_variant)] // the large one is the one that must not be boxed
enum Routed {
    Here(RouteFuture<Infallible>),
    Clustered(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Future for Routed {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response> {
        match self.get_mut() {
            Routed::Here(routes) => Pin::new(routes)
                .poll(context)
                .map(|answer| answer.unwrap_or_else(|never| match never {})),
            Routed::Clustered(answer) => answer.as_mut().poll(context),
        }
    }
}

/// An answer on its way to its headers.
pub(super) struct Answering {
    answer: Result<Routed, RegistryError>,
    media_type: &'static str,
    id: Option<HeaderValue>,
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = match &mut self.answer {
            Ok(routes) => match Pin::new(routes).poll(context) {
                Poll::Ready(response) => response,
                Poll::Pending => return Poll::Pending,
            },
            Err(error) => Refused::from(error.clone()).into_response(),
        };
        let has_body = response.status() != StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        if has_body {
            // only what is not the API's has its own
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(self.media_type));
        }
        if let Some(id) = self.id.take() {
            headers.insert(REQUEST_ID.clone(), id);
        }
        Poll::Ready(Ok(response))
    }
}

/// 400 if the body's media type is none, 415 if it is another than JSON.
fn readable(headers: &HeaderMap) -> Result<(), RegistryError> {
    let has_body = headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    let Some(given) = headers.get(CONTENT_TYPE).filter(|_| has_body) else { return Ok(()) };
    let essence = essence(given.to_str().unwrap_or_default());
    if !essence.contains('/') {
        let reason = "Bad Request".to_string();
        return Err(RegistryError::BadRequest { reason });
    }
    match MEDIA_TYPES.contains(&&*essence) || essence == "application/octet-stream" {
        true => Ok(()),
        false => Err(RegistryError::UnsupportedMediaType),
    }
}

/// The best media type that the client accepts: its preference times ours.
fn best_accepted(headers: &HeaderMap) -> Option<&'static str> {
    const OURS: [f32; 3] = [1.0, 0.9, 0.5];
    let Some(accepted) = media::accepted(headers) else { return Some(MEDIA_TYPES[0]) };
    let preference = |media_type: &str| {
        let fits = |range: &&Accepted| {
            [media_type, "*/*", "application/*"].contains(&range.media_type.as_str())
        };
        accepted.iter().filter(fits).map(|range| range.quality).fold(0.0, f32::max)
    };
    let mut best = None;
    let mut best_score = 0.0;
    for (media_type, ours) in MEDIA_TYPES.into_iter().zip(OURS) {
        let score = preference(media_type) * ours;
        if score > best_score {
            (best, best_score) = (Some(media_type), score);
        }
    }
    best
}
