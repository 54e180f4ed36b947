//! `/openapi.json`, `/openapi.yaml` and `/docs`: this API's document, and a page to try it. The same for every caller.

use axum::response::Response;
use weir_http::api_docs::{DocsRequest, DocumentedApi, Form};
use weir_registry_api::RegistryError;

use super::answer::{Answer, Refused};
use super::request::Named;

const API: DocumentedApi = DocumentedApi::Registry;

/// `GET /openapi.json`: the document in JSON. 404 where documents are not served.
pub(super) async fn json(asked: DocsRequest) -> Answer<Response> {
    asked.document(API, Form::Json).ok_or(Refused::from(RegistryError::NotFound))
}

/// `GET /openapi.yaml`: the document in YAML. 404 where documents are not served.
pub(super) async fn yaml(asked: DocsRequest) -> Answer<Response> {
    asked.document(API, Form::Yaml).ok_or(Refused::from(RegistryError::NotFound))
}

/// `GET /docs`: a page that shows the document, and where the API can be tried. 404 where documents are not served.
pub(super) async fn page(asked: DocsRequest) -> Answer<Response> {
    asked.page(API, "/openapi.json", true).ok_or(Refused::from(RegistryError::NotFound))
}

/// `GET /docs/{file}`: a file of that page. 404.
pub(super) async fn file(Named(file): Named<String>, asked: DocsRequest) -> Answer<Response> {
    asked.asset(&file).ok_or(Refused::from(RegistryError::NotFound))
}
