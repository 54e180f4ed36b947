//! The access log: a line for each request, with who asked for what, and what was answered. Where traces are exported, the
//! request's span says the same.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri, Version, header};
use axum::response::Response;
use tokio::time::Instant;
use weir_trace::{Attribute, Ongoing, Span, Value, since_1970_ns};

use crate::access::Caller;
use crate::counts::NO_ROUTE;
use crate::origin::client_address;
use crate::principal::Principal;

/// The target of the access log's lines, which have the level `info`. Filters go by how a target begins, so that no module that logs
/// may begin so.
pub const ACCESS_LOG: &str = "weir::access";

/// Letters of a path with its query, and of a client's name for itself, that a line has.
const SHOWN_MAX: usize = 2048;

/// Parameters of the APIs: their values are shown. Of others nobody knows what they are, so that their values are not.
const PARAMETERS: [&str; 52] = [
    "acks",
    "action",
    "aliases",
    "associationType",
    "async",
    "cascadeLifecycle",
    "context",
    "contextPrefix",
    "decimals",
    "defaultToGlobal",
    "deleted",
    "deletedAsNegative",
    "deletedOnly",
    "dryRun",
    "fetchMaxId",
    "findTags",
    "force",
    "format",
    "from",
    "group",
    "host",
    "includeSchemas",
    "include_authorized_operations",
    "key_format",
    "latestOnly",
    "lifecycle",
    "limit",
    "max_bytes",
    "normalize",
    "offset",
    "offset_type",
    "operation",
    "page_size",
    "partition",
    "pattern_type",
    "permanent",
    "permission",
    "principal",
    "recursive",
    "referenceFormat",
    "resource",
    "resourceType",
    "resource_name",
    "resource_type",
    "ruleType",
    "subject",
    "subjectPrefix",
    "timeout",
    "timestamp",
    "topic",
    "verbose",
    "wait_ms",
];

/// Returns true if there is an access log at the moment.
pub(crate) fn is_on() -> bool {
    tracing::enabled!(target: ACCESS_LOG, tracing::Level::INFO)
}

/// What is known of a request when it comes.
pub(crate) struct Head {
    began: Instant,
    principal: Principal,
    client: Option<IpAddr>,
    version: Version,
    user_agent: Option<String>,
}

/// What is known of an answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) error_code: Option<u32>,
    pub(crate) bytes: Option<u64>,
    /// Whether its client has taken all of it.
    pub(crate) is_whole: bool,
    /// The principal that has asked, if that was found out on the way.
    pub(crate) principal: Option<Principal>,
}

/// The principal that has asked, as the answer says.
pub(crate) fn known(response: &Response) -> Option<Principal> {
    response.extensions().get::<Caller>().and_then(Caller::principal)
}

impl Head {
    pub(crate) fn of(request: &Request) -> Head {
        let agent = request.headers().get(header::USER_AGENT);
        let agent = agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        Head {
            began: Instant::now(),
            principal: Principal::of(request.extensions()),
            client: client_address(request.extensions()),
            version: request.version(),
            user_agent: agent.map(|agent| shortened(&agent).into_owned()),
        }
    }

    /// Writes the line of a request that has ended, and records its span. No answer: its client has gone before there was one.
    pub(crate) fn write(
        &self,
        service: &'static str,
        method: &Method,
        uri: &Uri,
        ongoing: &Ongoing,
        answer: Option<&Answer>,
        took: Duration,
    ) {
        let known = answer.and_then(|answer| answer.principal.as_ref());
        let status = answer.map(|answer| answer.status.as_u16());
        let (method, path) = (shortened(method.as_str()), shown(uri));
        if is_on() {
            tracing::info!(
                target: ACCESS_LOG,
                service,
                client = self.client.map(tracing::field::display),
                principal = %known.unwrap_or(&self.principal),
                method = &*method,
                path = &*path,
                protocol = ?self.version,
                status,
                error_code = answer.and_then(|answer| answer.error_code),
                bytes = answer.and_then(|answer| answer.bytes),
                duration_us = took.as_micros() as u64,
                route = ongoing.route().unwrap_or(NO_ROUTE),
                user_agent = self.user_agent,
                aborted = (!answer.is_some_and(|answer| answer.is_whole)).then_some(true),
                "{method} {path} {}",
                status.map_or(Cow::Borrowed("-"), |status| status.to_string().into()),
            );
        }
        if let Some(trace) = ongoing.trace().filter(|trace| trace.is_recorded) {
            let name = match ongoing.route() {
                Some(route) => format!("{method} {route}"),
                None => method.to_string(),
            };
            let failure = match answer {
                None => Some("its client has gone".to_string()),
                Some(answer) if answer.is_failure() => Some(answer.status.to_string()),
                Some(_) => None,
            };
            Span {
                context: trace.context,
                parent: trace.parent,
                name,
                kind: weir_trace::Kind::Server,
                begun_ns: since_1970_ns(self.began),
                ended_ns: since_1970_ns(self.began + took),
                attributes: self.attributes(service, &method, uri, ongoing, answer),
                error: failure,
            }
            .record();
        }
    }

    /// What OpenTelemetry's conventions for servers of HTTP name, and what is Weir's own.
    fn attributes(
        &self,
        service: &'static str,
        method: &str,
        uri: &Uri,
        ongoing: &Ongoing,
        answer: Option<&Answer>,
    ) -> Vec<Attribute> {
        let text = |name, text: &str| Some((name, Value::from(text)));
        let number = |name, number: i64| Some((name, Value::Number(number)));
        let version = match self.version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        };
        let query = uri.query().map(masked);
        let id = ongoing.id().to_str().unwrap_or_default();
        [
            text("http.request.method", method),
            text("url.path", uri.path()),
            query.and_then(|query| text("url.query", &query)),
            ongoing.route().and_then(|route| text("http.route", route)),
            text("network.protocol.version", version),
            self.client.and_then(|client| text("client.address", &client.to_string())),
            self.user_agent.as_ref().and_then(|agent| text("user_agent.original", agent)),
            answer.and_then(|it| number("http.response.status_code", it.status.as_u16().into())),
            answer
                .filter(|it| it.is_failure())
                .and_then(|it| text("error.type", it.status.as_str())),
            answer.and_then(|it| number("weir.error_code", it.error_code?.into())),
            text("weir.service", service),
            text("weir.request_id", id),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A path with its query, as lines show it: bounded, and without values that nobody knows to be harmless.
pub(crate) fn shown(uri: &Uri) -> Cow<'_, str> {
    match uri.query() {
        None => shortened(uri.path()),
        Some(query) => {
            let query = masked(shortened(query).as_ref()).into_owned();
            format!("{}?{query}", shortened(uri.path())).into()
        }
    }
}

/// A query, with `***` in the place of values whose names are no parameters of the APIs: they may be tokens.
fn masked(query: &str) -> Cow<'_, str> {
    let is_known = |part: &str| {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        part.is_empty() || PARAMETERS.contains(&name)
    };
    if query.split('&').all(is_known) {
        return query.into();
    }
    let shown = query.split('&').map(|part| match part.split_once('=') {
        _ if is_known(part) => part.to_string(),
        Some((name, _)) => format!("{}=***", name.chars().take(32).collect::<String>()),
        None => "***".to_string(),
    });
    shown.collect::<Vec<_>>().join("&").into()
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_unknown_parameters_are_not_shown() {
        for (query, expected) in [
            ("deleted=true&subjectPrefix=a%26b", "deleted=true&subjectPrefix=a%26b"),
            ("access_token=hunter2&deleted=true", "access_token=***&deleted=true"),
            ("hunter2", "***"),
            ("a=b=hunter2&&normalize", "a=***&&normalize"),
            ("", ""),
        ] {
            assert_eq!(masked(query), expected);
        }
        let uri = Uri::from_static("/subjects?key=hunter2");
        assert_eq!(shown(&uri), "/subjects?key=***");
        let long: Uri = format!("/{}", "a".repeat(2 * SHOWN_MAX)).parse().unwrap();
        assert_eq!(shown(&long).chars().count(), SHOWN_MAX + 1);
    }
}
