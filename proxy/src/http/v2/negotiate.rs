//! Media types: of bodies, of answers, and which embedded format they mean.

use axum::body::HttpBody;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use weir_http::media::{self, essence};

use crate::Proxy;
use crate::error::ProxyError;
use crate::format::Format;
use crate::http::answer::Refused;

/// The media type without embedded data: metadata, control, answers to produce requests, errors.
const V2: &str = "application/vnd.kafka.v2+json";

const JSON: &str = "application/json";

/// Names the media type of answers that have none yet. 406 if the client accepts none of the API's.
/// API v3 has JSON only.
pub(crate) async fn negotiate(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_beside_apis(path) {
        let mut response = next.run(request).await;
        if response.status().is_client_error() {
            response.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(JSON));
        }
        return response;
    }
    let media_type = match is_v3(path) {
        true => accepts_json(request.headers()).then_some(JSON),
        false => accepted_v2(request.headers()),
    };
    let method = request.method().clone();
    let mut response = match media_type {
        Some(_) => next.run(request).await,
        None => Refused::from(ProxyError::NotAcceptable).into_response(),
    };
    if !response.body().is_end_stream() || method == Method::HEAD {
        let media_type = HeaderValue::from_static(media_type.unwrap_or(V2));
        response.headers_mut().entry(CONTENT_TYPE).or_insert(media_type);
    }
    response
}

/// Returns true of paths whose answers are none of the APIs': they have media types of their own.
fn is_beside_apis(path: &str) -> bool {
    let paths =
        ["/metrics", "/healthz", "/readyz", "/startupz", "/openapi.json", "/openapi.yaml", "/docs"];
    paths.contains(&path) || path.starts_with("/docs/")
}

/// The media type of an error before anybody has looked at what the client accepts.
pub(crate) fn of_errors(path: &str) -> &'static str {
    if is_v3(path) { JSON } else { V2 }
}

/// Returns true if an answer of API v3 will do. Without a quality, as the reference.
fn accepts_json(headers: &HeaderMap) -> bool {
    let Some(ranges) = media::accepted(headers) else { return true };
    ranges.iter().any(|range| [JSON, "application/*", "*/*"].contains(&range.media_type.as_str()))
}

/// The media type of API v2's answers that have none of their own.
fn accepted_v2(headers: &HeaderMap) -> Option<&'static str> {
    let Some(ranges) = ranges(headers) else { return Some(V2) };
    ranges.iter().find_map(|range| match range.as_str() {
        JSON => Some(JSON),
        V2 | "application/*" | "*/*" => Some(V2),
        range => Format::of_media_type(range).map(|_| V2),
    })
}

fn is_v3(path: &str) -> bool {
    ["/v3", "/kafka/v3"].iter().any(|prefix| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The embedded format of a produce request, from its `Content-Type`: none means `binary`, plain JSON
/// means `json`. 406 if the client accepts no answer to it · 415.
pub(crate) struct Produced(pub(crate) Format);

impl FromRequestParts<Proxy> for Produced {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, proxy: &Proxy) -> Result<Self, Refused> {
        let given = parts.headers.get(CONTENT_TYPE).map(|given| given.to_str().unwrap_or_default());
        let format = match given.map(essence).as_deref() {
            None => Some(Format::Binary),
            Some(JSON) if !proxy.config.confluent_quirks => Some(Format::Json),
            Some(given) => Format::of_media_type(given),
        };
        let format = format.ok_or(Refused::from(ProxyError::UnsupportedMediaType))?;
        if let Some(ranges) = ranges(&parts.headers)
            && !ranges.iter().any(|r| is_general(r))
        {
            return Err(Refused::from(ProxyError::NotAcceptable));
        }
        Ok(Produced(format))
    }
}

/// The embedded formats that a client accepts of a read; none named means whichever the consumer
/// instance has.
pub(crate) struct Accepted(Option<Vec<Format>>);

impl<S: Send + Sync> FromRequestParts<S> for Accepted {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Some(ranges) = ranges(&parts.headers) else { return Ok(Accepted(None)) };
        if ranges.iter().any(|r| is_general(r)) {
            return Ok(Accepted(None));
        }
        let formats: Vec<Format> = ranges.iter().filter_map(|r| Format::of_media_type(r)).collect();
        if formats.is_empty() {
            return Err(Refused::from(ProxyError::NotAcceptable));
        }
        Ok(Accepted(Some(formats)))
    }
}

impl Accepted {
    /// 40601.
    pub(crate) fn check(&self, format: Format) -> Result<(), ProxyError> {
        match &self.0 {
            Some(formats) if !formats.contains(&format) => Err(ProxyError::FormatMismatch),
            _ => Ok(()),
        }
    }
}

/// A media type that says nothing of embedded data.
fn is_general(range: &str) -> bool {
    [V2, "application/json", "application/*", "*/*"].contains(&range)
}

/// Whether a body may be read as JSON without embedded data. 415.
pub(crate) fn check_control(headers: &HeaderMap) -> Result<(), ProxyError> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let given = essence(given.to_str().unwrap_or_default());
    let known =
        given == V2 || given == "application/json" || Format::of_media_type(&given).is_some();
    if known { Ok(()) } else { Err(ProxyError::UnsupportedMediaType) }
}

/// What a client accepts, the best first; none if it does not say.
fn ranges(headers: &HeaderMap) -> Option<Vec<String>> {
    let mut ranges = media::accepted(headers)?;
    ranges.retain(|range| range.quality > 0.0);
    ranges.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    Some(ranges.into_iter().map(|range| range.media_type).collect())
}
