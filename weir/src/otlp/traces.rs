//! Spans as OTLP has them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use weir_trace::{Kind, Span, Spans, Value};

use super::exporter::Exporter;
use super::message::{self, KeyValue, Resource, Scope, SpanKind, Status, StatusCode};

/// How long spans wait for more to be sent with.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Sends spans until the process ends.
pub async fn send(
    spans: Arc<Spans>,
    exporter: Exporter,
    resource: Arc<Resource>,
    mut ending: watch::Receiver<bool>,
) {
    loop {
        let (taken, dropped) = tokio::select! {
            taken = spans.take(WAIT_MAX) => taken,
            _ = ending.wait_for(|is_ending| *is_ending) => spans.take_now(),
        };
        if dropped > 0 {
            tracing::warn!(
                spans = dropped,
                "spans were dropped: the collector is too slow for them"
            );
        }
        if !taken.is_empty() {
            exporter.send(&exported(&resource, taken)).await;
        }
        if *ending.borrow() {
            return;
        }
    }
}

fn exported(resource: &Resource, spans: Vec<Span>) -> message::ExportTraces {
    let spans = spans.into_iter().map(span).collect();
    let scope_spans = vec![message::ScopeSpans { scope: Some(Scope::own()), spans }];
    let resource = Some(resource.clone());
    message::ExportTraces { resource_spans: vec![message::ResourceSpans { resource, scope_spans }] }
}

fn span(span: Span) -> message::Span {
    let attribute = |(name, value): (&str, Value)| match value {
        Value::Text(text) => KeyValue::text(name, &text),
        Value::Number(number) => KeyValue::number(name, number),
    };
    let kind = match span.kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    };
    let failed = |message| Status { message, code: StatusCode::Error.into() };
    message::Span {
        trace_id: span.context.trace_id.to_be_bytes().to_vec(),
        span_id: span.context.span_id.to_be_bytes().to_vec(),
        parent_span_id: span.parent.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec()),
        name: span.name,
        kind: kind.into(),
        start_time_unix_nano: span.begun_ns,
        end_time_unix_nano: span.ended_ns,
        attributes: span.attributes.into_iter().map(attribute).collect(),
        status: span.error.map(failed),
        flags: u32::from(span.context.is_sampled),
    }
}
