//! Answers: JSON, bytes that are ready, errors in the API's shape. Their media type is set by
//! `negotiate`, from what the client accepts.

use axum::body::{Body, Bytes};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use weir_registry_api::{RegistryError, SchemaText};

/// Room for an answer; most schemas are no longer.
const ANSWER_BYTES: usize = 2048;

/// What a handler returns.
pub(super) type Answer<T = Json<serde_json::Value>> = Result<T, Refused>;

/// An error on its way out.
#[derive(Debug)]
pub(super) struct Refused(pub(super) RegistryError);

impl From<RegistryError> for Refused {
    fn from(error: RegistryError) -> Self {
        Refused(error)
    }
}

/// Of an answer: nothing was done, because another node leads.
#[derive(Clone, Copy)]
pub(super) struct Elsewhere;

impl IntoResponse for Refused {
    fn into_response(self) -> axum::response::Response {
        let status = StatusCode::from_u16(self.0.status()).expect("the table has statuses of HTTP");
        let mut response = (status, Json(self.0.body())).into_response();
        if self.0.is_passing() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.0 == RegistryError::NoLeader {
            response.extensions_mut().insert(Elsewhere);
        }
        response
    }
}

/// A value as the body.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        let mut bytes = Vec::with_capacity(ANSWER_BYTES);
        match serde_json::to_writer(&mut bytes, &self.0) {
            Ok(()) => Response::new(Body::from(bytes)),
            Err(_) => Refused(RegistryError::Internal).into_response(),
        }
    }
}

/// A long array as the body, made while it is sent.
pub(super) struct JsonArray<I>(pub(super) I);

impl<I> IntoResponse for JsonArray<I>
where
    I: Iterator<Item: Serialize> + Send + 'static,
{
    fn into_response(self) -> axum::response::Response {
        let items = self.0.enumerate().map(|(index, item)| {
            let mut bytes = Vec::new();
            if index > 0 {
                bytes.push(b',');
            }
            serde_json::to_writer(&mut bytes, &item)?;
            Ok(Bytes::from(bytes))
        });
        let begin = std::iter::once(Ok::<_, serde_json::Error>(Bytes::from_static(b"[")));
        let end = std::iter::once(Ok(Bytes::from_static(b"]")));
        let chunks = begin.chain(items).chain(end);
        Response::new(Body::from_stream(futures_util::stream::iter(chunks)))
    }
}

/// A schema's text as the body.
pub(super) struct RawText(pub(super) SchemaText);

impl IntoResponse for RawText {
    fn into_response(self) -> axum::response::Response {
        Response::new(Body::from(self.0.text().into_owned()))
    }
}

pub(super) async fn not_found() -> Refused {
    Refused(RegistryError::NotFound)
}

/// `OPTIONS` is answered with the methods of the path, in the header `Allow`.
pub(super) async fn method_not_allowed(method: Method) -> axum::response::Response {
    match method {
        Method::OPTIONS => StatusCode::OK.into_response(),
        _ => Refused(RegistryError::MethodNotAllowed).into_response(),
    }
}
