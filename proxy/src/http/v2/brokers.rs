//! `/` and `/brokers`.

use axum::extract::State;
use serde_json::{Value, json};

use crate::Proxy;
use crate::http::answer::{Answer, Json};

/// `GET /`, `POST /`: is it alive?
///
/// Answers `{}`.
pub(crate) async fn root() -> Json<Value> {
    Json(json!({}))
}

/// `GET /brokers`: ids of the brokers.
///
/// Answers `{"brokers": [..]}`. 50003 Kafka does not answer.
pub(crate) async fn list(State(proxy): State<Proxy>) -> Answer<Json<Value>> {
    Ok(Json(json!({"brokers": proxy.broker.brokers().await?})))
}
