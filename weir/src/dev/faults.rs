//! `/v1/faults` of the management listener: what goes wrong at the broker of `weir dev`, and how that is changed.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use weir_broker::{Faults, Rule, RuleId};
use weir_http::{Arrival, Json, Routes};

use super::broker::rules_of;

/// Bytes of a request's body.
const BODY_BYTES_MAX: usize = 1024 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The paths below `/v1/faults`.
pub fn routes(faults: Faults) -> Router {
    Routes::new("management")
        .route("/v1/faults", get(show).post(add).put(replace).delete(clear))
        .route("/v1/faults/{id}", get(show_one).delete(remove))
        .into_router()
        .with_state(faults)
}

/// `GET /v1/faults`: all rules in their order, each with how many requests it is about (`matched`) and has struck (`hits`).
async fn show(State(faults): State<Faults>) -> Response {
    all(&faults)
}

/// `POST /v1/faults`: adds a rule after the others; the answer is the rule with its `id`. 400 what is no rule.
async fn add(State(faults): State<Faults>, request: Request) -> Response {
    let rule = match body(request).await.and_then(rule_of) {
        Ok(rule) => rule,
        Err(why) => return refused(StatusCode::BAD_REQUEST, &why),
    };
    match faults.add(rule) {
        Ok(id) => one(&faults, id, StatusCode::CREATED),
        Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// `PUT /v1/faults`: these rules, `{"rules": [..]}`, in the place of all others. 400 what are no rules; then nothing is changed.
async fn replace(State(faults): State<Faults>, request: Request) -> Response {
    let rules = match body(request).await.and_then(rules_of) {
        Ok(rules) => rules,
        Err(why) => return refused(StatusCode::BAD_REQUEST, &why),
    };
    match faults.replace(rules) {
        Ok(_) => all(&faults),
        Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// `DELETE /v1/faults`: takes all rules away. What they held is handled.
async fn clear(State(faults): State<Faults>) -> Response {
    faults.clear();
    all(&faults)
}

/// `GET /v1/faults/{id}`: one rule. 404.
async fn show_one(State(faults): State<Faults>, Path(id): Path<u64>) -> Response {
    one(&faults, RuleId(id), StatusCode::OK)
}

/// `DELETE /v1/faults/{id}`: takes one rule away, and answers what it has done. 404.
async fn remove(State(faults): State<Faults>, Path(id): Path<u64>) -> Response {
    match faults.remove(RuleId(id)) {
        Some(report) => answer(StatusCode::OK, json!(report)),
        None => no_rule(),
    }
}

fn all(faults: &Faults) -> Response {
    answer(StatusCode::OK, json!({"rules": faults.report()}))
}

fn one(faults: &Faults, id: RuleId, status: StatusCode) -> Response {
    match faults.report().into_iter().find(|report| report.id == id) {
        Some(report) => answer(status, json!(report)),
        None => no_rule(),
    }
}

async fn body(request: Request) -> Result<Value, String> {
    let (parts, body) = request.into_parts();
    let arrival = parts.extensions.get::<Arrival>();
    let body = weir_http::body::read(body, arrival, BODY_BYTES_MAX).await;
    let body = body.map_err(|error| error.to_string())?;
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

fn rule_of(value: Value) -> Result<Rule, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn no_rule() -> Response {
    refused(StatusCode::NOT_FOUND, "There is no such rule.")
}

fn refused(status: StatusCode, message: &str) -> Response {
    answer(status, json!({"error_code": status.as_u16(), "message": message}))
}

fn answer(status: StatusCode, body: Value) -> Response {
    (status, [(CONTENT_TYPE, JSON)], Json(body)).into_response()
}
