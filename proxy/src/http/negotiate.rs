//! Media types: of bodies, of answers, and which embedded format they mean.

use axum::extract::{FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::Refused;
use crate::error::ProxyError;
use crate::format::Format;

/// The media type without embedded data: metadata, control, answers to produce requests, errors.
const V2: &str = "application/vnd.kafka.v2+json";

/// Names the media type of answers that have none yet.
pub(super) async fn negotiate(request: Request, next: Next) -> Response {
    let media_type = match ranges(request.headers()) {
        Some(ranges) if !ranges.iter().any(|r| r == V2 || r == "*/*") => "application/json",
        _ => V2,
    };
    let mut response = next.run(request).await;
    if response.status() != StatusCode::NO_CONTENT {
        let headers = response.headers_mut();
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
    }
    response
}

/// The embedded format of a produce request, from its `Content-Type`. 406 if the client accepts no
/// answer to it · 415.
pub(super) struct Produced(pub(super) Format);

impl<S: Send + Sync> FromRequestParts<S> for Produced {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let given = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let format = given.and_then(|given| Format::of_media_type(&essence(given)));
        let format = format.ok_or(Refused(ProxyError::UnsupportedMediaType))?;
        if let Some(ranges) = ranges(&parts.headers)
            && !ranges.iter().any(|r| is_general(r))
        {
            return Err(Refused(ProxyError::NotAcceptable));
        }
        Ok(Produced(format))
    }
}

/// The embedded formats that a client accepts of a read; none named means whichever the consumer
/// instance has.
pub(super) struct Accepted(Option<Vec<Format>>);

impl<S: Send + Sync> FromRequestParts<S> for Accepted {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Some(ranges) = ranges(&parts.headers) else { return Ok(Accepted(None)) };
        if ranges.iter().any(|r| is_general(r)) {
            return Ok(Accepted(None));
        }
        let formats: Vec<Format> = ranges.iter().filter_map(|r| Format::of_media_type(r)).collect();
        if formats.is_empty() {
            return Err(Refused(ProxyError::NotAcceptable));
        }
        Ok(Accepted(Some(formats)))
    }
}

impl Accepted {
    /// 40601.
    pub(super) fn check(&self, format: Format) -> Result<(), ProxyError> {
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
pub(super) fn check_control(headers: &HeaderMap) -> Result<(), ProxyError> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let given = essence(given.to_str().unwrap_or_default());
    let known = given == V2
        || given == "application/json"
        || ["binary", "json", "avro", "jsonschema", "protobuf"]
            .iter()
            .any(|format| given == format!("application/vnd.kafka.{format}.v2+json"));
    if known { Ok(()) } else { Err(ProxyError::UnsupportedMediaType) }
}

fn ranges(headers: &HeaderMap) -> Option<Vec<String>> {
    let accept = headers.get(ACCEPT)?.to_str().ok()?;
    Some(accept.split(',').map(essence).collect())
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
