//! `/` and `/brokers`.

use std::collections::HashMap;

use axum::extract::State;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use weir_http::Caller;

use super::control::Control;
use crate::Proxy;
use crate::error::ProxyError;
use crate::http::answer::{Answer, Json};
use crate::http::rights::{Cluster, Read};

/// `GET /`: is it alive?
///
/// Answers `{}`.
pub(crate) async fn root() -> Json<Value> {
    Json(json!({}))
}

/// `POST /`: the same, of a body that can be read.
///
/// Answers `{}`. 400 · 413 · 415.
pub(crate) async fn root_of(body: Control) -> Answer<Json<Value>> {
    if !body.is_empty() {
        body.json::<HashMap<String, IgnoredAny>>()?;
    }
    Ok(Json(json!({})))
}

/// `GET /brokers`: ids of the brokers.
///
/// Answers `{"brokers": [..]}`. 50003 Kafka does not answer.
pub(crate) async fn list(
    State(proxy): State<Proxy>,
    _: Cluster<Read>,
    caller: Caller,
) -> Answer<Json<Value>> {
    let brokers: Vec<i32> = proxy
        .brokers
        .of(&caller)
        .cluster
        .cluster()
        .await
        .map_err(ProxyError::from)?
        .brokers
        .into_keys()
        .collect();
    Ok(Json(json!({"brokers": brokers})))
}
