//! `/openapi.json`, `/openapi.yaml` and `/docs`: this API's document, and a page to try it. The same for every caller.
#![expect(clippy::disallowed_types, reason = "the files of a page are for everybody")]

use axum::response::Response;
use weir_http::Named;
use weir_http::api_docs::{DocsRequest, DocumentedApi, Form};

use super::answer::Refused;
use crate::error::ProxyError;

const API: DocumentedApi = DocumentedApi::Proxy;

/// `GET /openapi.json`: the document in JSON. 404 where documents are not served.
pub(super) async fn json(asked: DocsRequest) -> Result<Response, Refused> {
    asked.document(API, Form::Json).ok_or(Refused::from(ProxyError::NotFound))
}

/// `GET /openapi.yaml`: the document in YAML. 404 where documents are not served.
pub(super) async fn yaml(asked: DocsRequest) -> Result<Response, Refused> {
    asked.document(API, Form::Yaml).ok_or(Refused::from(ProxyError::NotFound))
}

/// `GET /docs`: a page that shows the document, and where the API can be tried. 404 where documents are not served.
pub(super) async fn page(asked: DocsRequest) -> Result<Response, Refused> {
    asked.page(API, "/openapi.json", true).ok_or(Refused::from(ProxyError::NotFound))
}

/// `GET /docs/{file}`: a file of that page. 404.
pub(super) async fn file(
    Named(file): Named<String>,
    asked: DocsRequest,
) -> Result<Response, Refused> {
    asked.asset(&file).ok_or(Refused::from(ProxyError::NotFound))
}
