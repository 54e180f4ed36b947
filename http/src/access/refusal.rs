//! Why a request does not come in, and what it is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use weir_access::LoginFailure;
use weir_errors::ErrorBody;

use crate::answer::{AnsweredCode, Json};

/// Why a request does not come in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// 400: it shows two credentials, and nobody can say which one is meant.
    Ambiguous,
    /// 401: it shows nothing.
    Nobody,
    /// 401, 429 or 503.
    Login(LoginFailure),
    /// 403: the principal has none of the roles that one needs to come in.
    NotAdmitted(Arc<str>),
    /// 429: the principal has asked for more than it may; seconds after which a try may pass.
    OverQuota(Arc<str>, u64),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Refusal::Ambiguous => StatusCode::BAD_REQUEST,
            Refusal::Nobody | Refusal::Login(LoginFailure::Refused { .. }) => {
                StatusCode::UNAUTHORIZED
            }
            Refusal::NotAdmitted(_) => StatusCode::FORBIDDEN,
            Refusal::OverQuota(..) | Refusal::Login(LoginFailure::Slowed { .. }) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Refusal::Login(LoginFailure::Unavailable { .. }) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Who is refused, if that is known.
    pub(super) fn principal(&self) -> Option<&str> {
        match self {
            Refusal::NotAdmitted(name) | Refusal::OverQuota(name, _) => Some(name),
            _ => None,
        }
    }

    /// What the audit log says of it; callers hear no more than the answer.
    pub(super) fn reason(&self) -> &str {
        match self {
            Refusal::Ambiguous => "two credentials",
            Refusal::Nobody => "no credentials",
            Refusal::Login(LoginFailure::Refused { reason }) => reason,
            Refusal::Login(LoginFailure::Slowed { .. }) => "too many failed logins",
            Refusal::Login(LoginFailure::Unavailable { reason, .. }) => reason,
            Refusal::NotAdmitted(_) => "none of the roles that are needed",
            Refusal::OverQuota(..) => "over its quota",
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        let seconds = |wait: &Duration| wait.as_secs_f64().ceil().max(1.0) as u64;
        match self {
            Refusal::OverQuota(_, seconds) => Some(*seconds),
            Refusal::Login(LoginFailure::Slowed { retry_after }) => Some(seconds(retry_after)),
            Refusal::Login(LoginFailure::Unavailable { retry_after, .. }) => {
                Some(seconds(retry_after))
            }
            _ => None,
        }
    }

    /// The answer: JSON for every method and every `Accept`.
    pub(super) fn answer(&self, challenges: &[String]) -> Response {
        let status = self.status();
        let (error_code, message) = match status {
            StatusCode::BAD_REQUEST => (400, "There are two headers Authorization."),
            StatusCode::FORBIDDEN => (40301, "User is denied operation on this server."),
            StatusCode::TOO_MANY_REQUESTS => (429, "Too Many Requests"),
            StatusCode::SERVICE_UNAVAILABLE => (503, "It cannot be found out now who asks."),
            _ => return unauthorized(challenges),
        };
        let mut response = answer(status, error_code, message);
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// 401, with what a client may log in with.
pub(super) fn unauthorized(challenges: &[String]) -> Response {
    let mut response = answer(StatusCode::UNAUTHORIZED, 401, "Unauthorized");
    for challenge in challenges {
        if let Ok(challenge) = HeaderValue::from_str(challenge) {
            response.headers_mut().append(WWW_AUTHENTICATE, challenge);
        }
    }
    response
}

fn answer(status: StatusCode, error_code: u32, message: &str) -> Response {
    let body = ErrorBody { error_code, message: message.to_string() };
    let mut response = (status, Json(body)).into_response();
    response.extensions_mut().insert(AnsweredCode(error_code));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("must-revalidate,no-cache,no-store"));
    response
}
