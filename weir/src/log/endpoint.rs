//! `/v1/log` of the management listener: which lines are written, and how that is changed.

use std::time::Duration;

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;
use serde_json::json;
use weir_http::{Action, Arrival, Caller, Json, Resource};

use super::control::{Control, FOR_MAX};

/// Bytes of a request's body.
const BODY_BYTES_MAX: usize = 16 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What `PUT /v1/log` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// `info,weir_registry=debug`; null takes back what was changed.
    filter: Option<String>,
    /// Seconds after which the filter of the settings counts again.
    for_s: Option<u64>,
}

/// The methods of the path.
pub fn methods<S: Clone + Send + Sync + 'static>() -> MethodRouter<S> {
    get(show).put(change)
}

/// `GET /v1/log`: the filter that counts, that of the settings, and when that counts again.
///
/// Where the listener asks for a login: 40301 without the right to administer the clusters.
async fn show(caller: Caller) -> Response {
    if may_not(&caller) { denied() } else { filters() }
}

/// `PUT /v1/log`: another filter, for `for_s` seconds or until it is changed again; null takes the settings' again.
///
/// 400 what is no such object, or no filter · 40301 as for `GET`.
async fn change(caller: Caller, request: Request) -> Response {
    if may_not(&caller) {
        return denied();
    }
    let (parts, body) = request.into_parts();
    let arrival = parts.extensions.get::<Arrival>();
    let body = match weir_http::body::read(body, arrival, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(error) => return refused(StatusCode::BAD_REQUEST, 400, &error.to_string()),
    };
    match changed(&body) {
        Ok(()) => filters(),
        Err(why) => refused(StatusCode::BAD_REQUEST, 400, &why),
    }
}

fn changed(body: &[u8]) -> Result<(), String> {
    let expected = r#"expected {"filter": "info,weir_registry=debug", "for_s": 600}"#;
    let Change { filter, for_s } =
        serde_json::from_slice(body).map_err(|error| format!("{error}: {expected}"))?;
    let Some(control) = Control::get() else { return Err("there is no log".to_string()) };
    let for_time = for_s.map(Duration::from_secs);
    if for_time.is_some_and(|time| time.is_zero() || time > FOR_MAX) {
        return Err(format!("for_s: expected 1 to {} seconds", FOR_MAX.as_secs()));
    }
    match filter {
        Some(filter) => control.change(&filter, for_time),
        None => {
            control.go_back();
            Ok(())
        }
    }
}

fn filters() -> Response {
    match Control::get() {
        Some(control) => ([(CONTENT_TYPE, JSON)], Json(control.filters())).into_response(),
        None => refused(StatusCode::NOT_FOUND, 404, "there is no log"),
    }
}

/// Returns true if a caller may not administer the clusters.
fn may_not(caller: &Caller) -> bool {
    let clusters = [Resource::REGISTRY, Resource::KAFKA];
    clusters.into_iter().any(|cluster| caller.demand(Action::Admin, cluster).is_err())
}

fn denied() -> Response {
    refused(StatusCode::FORBIDDEN, 40301, "User is denied operation on this server.")
}

fn refused(status: StatusCode, error_code: u32, message: &str) -> Response {
    let body = Json(json!({"error_code": error_code, "message": message}));
    (status, [(CONTENT_TYPE, JSON)], body).into_response()
}
