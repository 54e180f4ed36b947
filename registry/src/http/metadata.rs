//! `/` and `/v1/metadata`.

use serde::Serialize;
use serde_json::{Map, Value, json};
use weir_registry_api::RegistryError;

use super::answer::{Answer, Json, Refused};
use super::request::Body;
use super::rights::AnyCaller;

/// `GET /`: is it alive?
///
/// Answers `{}`.
pub(super) async fn root(_: AnyCaller) -> Json<Value> {
    Json(json!({}))
}

/// `POST /`: is it alive, and does it read what it is sent?
///
/// Answers `{}`. 400 if there is a body that is no JSON object.
pub(super) async fn post_root(
    _: AnyCaller,
    body: Result<Body<Map<String, Value>>, Refused>,
) -> Answer {
    match body {
        Ok(_) | Err(weir_http::Refused(RegistryError::MissingBody { .. })) => Ok(Json(json!({}))),
        Err(refused) => Err(refused),
    }
}

/// `GET /v1/metadata/id`: which cluster is this?
///
/// Answers `{"scope": ..}`. Source: Confluent ServerMetadataResource.
pub(super) async fn id(_: AnyCaller) -> Json<Value> {
    let clusters = json!({"kafka-cluster": "weir", "schema-registry-cluster": "schema-registry"});
    Json(json!({"scope": {"path": [], "clusters": clusters}}))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Build {
    version: &'static str,
    commit_id: &'static str,
}

/// `GET /v1/metadata/version`: which build is this?
///
/// Answers `{"version", "commitId"}`; the version is Weir's own.
pub(super) async fn version(_: AnyCaller) -> Json<Build> {
    let build = weir_http::BuildInfo::get();
    Json(Build { version: build.version, commit_id: build.commit })
}

/// `GET /v1/metadata/deployment`: attributes of the deployment.
///
/// Answers `{"attributes": []}`.
pub(super) async fn deployment(_: AnyCaller) -> Json<Value> {
    Json(json!({"attributes": []}))
}
