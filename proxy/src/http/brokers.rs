//! `/` and `/brokers`.

use axum::extract::State;
use serde_json::{Value, json};

use super::answer::{Answer, Json};
use crate::Proxy;

/// `GET /`, `POST /`: is it alive?
///
/// Answers `{}`.
pub(super) async fn root() -> Json<Value> {
    Json(json!({}))
}

/// `GET /brokers`: ids of the brokers.
///
/// Answers `{"brokers": [..]}`. 50003 Kafka does not answer.
pub(super) async fn list(State(proxy): State<Proxy>) -> Answer<Json<Value>> {
    Ok(Json(json!({"brokers": proxy.broker.brokers().await?})))
}
