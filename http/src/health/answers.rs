//! `/healthz`, `/readyz` and `/startupz`, as every service answers them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use weir_access::Proof;

use super::{Check, Health, Readiness};
use crate::access::Caller;
use crate::answer::Json;
use crate::connection::Arrival;
use crate::shared::Shared;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A probe: where it has come in, and how much it is told.
pub struct Probed {
    arrival: Option<Arrival>,
    /// Whether it is told what was found of each dependency: who has logged in, who needs no login, and everybody where
    /// the path was opened.
    is_told_why: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Probed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Probed, Infallible> {
        let arrival = parts.extensions.get::<Arrival>().cloned();
        let door = arrival.as_ref().and_then(|arrival| arrival.0.site.door.clone());
        let caller = Caller::of(&parts.extensions);
        let has_login = caller.identity().is_some_and(|who| who.proof != Proof::Nothing);
        let is_told_why = has_login || door.is_none_or(|door| door.has_opened(parts.uri.path()));
        Ok(Probed { arrival, is_told_why })
    }
}

impl Probed {
    fn shared(&self) -> Option<&Shared> {
        self.arrival.as_ref().map(|arrival| &*arrival.0.site.shared)
    }

    fn health(&self) -> Option<&Health> {
        self.shared().map(|shared| &shared.health)
    }
}

#[derive(Serialize)]
struct Said<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<SaidCheck>>,
}

impl Said<'_> {
    const fn of(status: &'static str) -> Said<'static> {
        Said { status, since: None, reason: None, checks: None }
    }

    fn answer(&self, is_good: bool) -> Response {
        let status = if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, [(CONTENT_TYPE, JSON), (CACHE_CONTROL, NO_STORE)], Json(self)).into_response()
    }
}

#[derive(Serialize)]
struct SaidCheck {
    name: &'static str,
    ok: bool,
    required: bool,
    /// When it began to work or to fail, RFC 3339 in UTC.
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<&Arc<Check>> for SaidCheck {
    fn from(check: &Arc<Check>) -> SaidCheck {
        let seen = check.seen();
        SaidCheck {
            name: check.name(),
            ok: seen.is_well(),
            required: check.is_required(),
            since: to_the_second(seen.since),
            reason: seen.reason().map(str::to_string),
        }
    }
}

fn to_the_second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// `GET /healthz`: 200 as long as the process answers, its runtime moves, and nothing has ended that it cannot do without;
/// else 503 with why. What it depends on outside does not count.
pub fn healthz(probed: &Probed) -> Response {
    match probed.health().map_or(Ok(()), Health::alive) {
        Ok(()) => Said::of("ok").answer(true),
        Err(why) => {
            let reason = Some(why.as_str()).filter(|_| probed.is_told_why);
            Said { reason, ..Said::of("stuck") }.answer(false)
        }
    }
}

/// `GET /readyz`: 200 if all that a service needs works, else 503 with why; 503 also while the process stops.
///
/// `own` is what the service itself knows of its dependencies. None: those of all services are meant.
pub fn readyz(probed: &Probed, own: Option<(&'static str, Vec<Arc<Check>>)>) -> Response {
    let known = probed.health();
    let mut checks = Vec::new();
    match own {
        None => checks.extend(known.into_iter().flat_map(|health| health.checks(None))),
        Some((service, own)) => {
            checks.extend(own);
            let of_service = known.into_iter().flat_map(|health| health.checks(Some(service)));
            for check in of_service {
                if !checks.iter().any(|known| Arc::ptr_eq(known, &check)) {
                    checks.push(check);
                }
            }
        }
    }
    let is_draining = known.is_some_and(Health::is_draining);
    let is_well = known.is_none_or(Health::is_complete)
        && checks.iter().all(|check| !check.is_required() || check.seen().is_well());
    let readiness = match (is_draining, is_well) {
        (true, _) => Readiness::Draining,
        (false, true) => Readiness::Ready,
        (false, false) => Readiness::NotReady,
    };
    let since = known.and_then(|health| health.draining_since.get());
    let said = Said {
        since: since.map(|since| to_the_second(*since)),
        checks: probed.is_told_why.then(|| checks.iter().map(SaidCheck::from).collect()),
        ..Said::of(readiness.name())
    };
    said.answer(readiness == Readiness::Ready)
}

/// `GET /startupz`: 200 once everything has started, and from then on; before, 503 with what is waited for.
pub fn startupz(probed: &Probed) -> Response {
    let waits_for = match probed.health() {
        Some(health) if health.has_started() => None,
        Some(health) => {
            Some(health.still_starting().unwrap_or_else(|| "not all parts are there".into()))
        }
        None => None,
    };
    match waits_for {
        None => Said::of("started").answer(true),
        Some(why) => {
            let reason = Some(why.as_str()).filter(|_| probed.is_told_why);
            Said { reason, ..Said::of("starting") }.answer(false)
        }
    }
}
