//! The access log: a line for each request, with who asked for what, and what was answered.

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{Method, Version, header};
use axum::response::Response;
use tokio::time::Instant;

use crate::access::Caller;
use crate::answer::AnsweredCode;
use crate::counts::METHODS;
use crate::principal::Principal;
use crate::request_id::REQUEST_ID;

/// The target of the access log's lines, which are written at the level `debug`.
pub const ACCESS_LOG: &str = "weir::access";

/// What the access log says of a request.
pub(crate) struct Line {
    began: Instant,
    principal: Principal,
    path: String,
    version: Version,
    user_agent: Option<String>,
}

impl Line {
    /// What is known when the request comes.
    pub(crate) fn of(request: &Request) -> Line {
        let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        Line {
            began: Instant::now(),
            principal: Principal::of(request.extensions()),
            path,
            version: request.version(),
            user_agent: agent.map(str::to_string),
        }
    }

    /// Writes the line of a request that is answered. `method` is its place in [`METHODS`].
    pub(crate) fn write(self, service: &str, method: usize, route: &str, response: &Response) {
        let known = response.extensions().get::<Caller>().and_then(Caller::principal);
        let id = response.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
        tracing::debug!(
            target: ACCESS_LOG,
            service,
            principal = %known.unwrap_or(self.principal),
            method = METHODS.get(method).map_or("other", Method::as_str),
            path = self.path,
            version = ?self.version,
            status = response.status().as_u16(),
            error_code = response.extensions().get::<AnsweredCode>().map(|code| code.0),
            bytes = response.body().size_hint().exact(),
            duration_us = self.began.elapsed().as_micros() as u64,
            route,
            request_id = id,
            user_agent = self.user_agent,
        );
    }
}
