//! A line of the audit log. No line has a secret: queries, headers and bodies are in none.

use std::net::IpAddr;

use axum::http::{Method, StatusCode};
use jiff::fmt::temporal::DateTimePrinter;
use serde::Serialize;

use super::caller::{Caller, Note};
use super::refusal::Refusal;

/// Times have microseconds, also if these are zeros, so that lines are sorted as texts are.
const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// What all lines of a request say.
pub(super) struct Request<'a> {
    pub(super) service: &'static str,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) address: Option<IpAddr>,
    /// None: it was not answered.
    pub(super) status: Option<StatusCode>,
    pub(super) id: Option<&'a str>,
}

/// A line, as it is written.
#[derive(Serialize)]
struct Line<'a> {
    /// RFC 3339, in UTC.
    time: String,
    principal: Option<&'a str>,
    proof: Option<&'static str>,
    groups: Option<Vec<&'a str>>,
    address: Option<IpAddr>,
    service: &'a str,
    method: &'a str,
    path: &'a str,
    action: Option<&'static str>,
    resource: Option<&'a str>,
    /// `allowed`, `denied`, or `refused` before it was known what was asked for.
    verdict: &'static str,
    rule: Option<String>,
    reason: Option<&'a str>,
    status: Option<u16>,
    request_id: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// The line of a right that was demanded.
    pub(super) fn of_note(&self, caller: &Caller, note: &Note) -> Vec<u8> {
        let identity = caller.identity();
        let groups = identity.filter(|identity| !identity.groups.is_empty());
        written(&Line {
            principal: identity.map(|identity| &*identity.name),
            proof: identity.map(|identity| identity.proof.name()),
            groups: groups.map(|it| it.groups.iter().map(|group| &**group).collect()),
            action: Some(note.action.name()),
            resource: Some(&note.resource),
            verdict: if note.allowed { "allowed" } else { "denied" },
            rule: note.rule.as_ref().map(ToString::to_string),
            ..self.line()
        })
    }

    /// The line of a request that did not come in.
    pub(super) fn of_refusal(&self, refusal: &Refusal) -> Vec<u8> {
        let reason = Some(refusal.reason());
        written(&Line { principal: refusal.principal(), reason, ..self.line() })
    }

    fn line<'l>(&'l self) -> Line<'l> {
        Line {
            time: TIME.timestamp_to_string(&jiff::Timestamp::now()),
            principal: None,
            proof: None,
            groups: None,
            address: self.address,
            service: self.service,
            method: self.method.as_str(),
            path: self.path,
            action: None,
            resource: None,
            verdict: "refused",
            rule: None,
            reason: None,
            status: self.status.map(|status| status.as_u16()),
            request_id: self.id,
        }
    }
}

fn written(line: &Line<'_>) -> Vec<u8> {
    let mut written = serde_json::to_vec(line).unwrap_or_default();
    written.push(b'\n');
    written
}
