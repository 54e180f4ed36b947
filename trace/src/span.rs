//! Spans that are exported, and the bounded queue that they wait in.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::context::TraceContext;
use crate::sampler::Sampler;

/// Spans that wait to be exported; what comes beyond is counted and dropped.
const WAITING_MAX: usize = 4096;

/// Spans that are exported at once, without waiting for more.
const BATCH: usize = 512;

/// Letters of a text in a span; the rest is cut off.
const TEXT_MAX: usize = 512;

/// Who is on the other side of what a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
}

/// A name, as OpenTelemetry's semantic conventions have it where they do, and a value.
pub type Attribute = (&'static str, Value);

/// What happened from when to when, as a part of a trace.
#[derive(Clone, Debug)]
pub struct Span {
    pub context: TraceContext,
    pub parent: Option<u64>,
    pub name: String,
    pub kind: Kind,
    /// Nanoseconds since 1970.
    pub begun_ns: u64,
    pub ended_ns: u64,
    pub attributes: Vec<Attribute>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(shortened(text))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number)
    }
}

/// At most so many letters as a span may have in one place.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

/// Nanoseconds since 1970 at a moment that has been.
pub fn since_1970_ns(moment: Instant) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(moment.elapsed()).as_nanos() as u64
}

/// Spans on their way to whoever exports them.
#[derive(Default)]
pub struct Spans {
    waiting: Mutex<Waiting>,
    /// Told when there is a batch.
    full: Notify,
}

#[derive(Default)]
struct Waiting {
    spans: Vec<Span>,
    dropped: u64,
}

impl Spans {
    /// Takes all spans that wait, once a batch of them does or the time is over. Returns with them how many were dropped since
    /// this was asked the last time.
    pub async fn take(&self, at_most: Duration) -> (Vec<Span>, u64) {
        let _ = tokio::time::timeout(at_most, self.full.notified()).await;
        self.take_now()
    }

    /// As [`Spans::take`], at once.
    pub fn take_now(&self) -> (Vec<Span>, u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { spans, dropped } = std::mem::take(&mut *waiting);
        (spans, dropped)
    }

    fn push(&self, span: Span) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.spans.len() < WAITING_MAX {
            true => waiting.spans.push(span),
            false => waiting.dropped += 1,
        }
        let is_batch = waiting.spans.len() == BATCH;
        drop(waiting);
        if is_batch {
            self.full.notify_one();
        }
    }
}

static TRACING: OnceLock<(Sampler, Arc<Spans>)> = OnceLock::new();

/// From now on spans are recorded as a sampler says. They wait in what this returns. Once for a process: a second sampler has
/// no effect.
pub fn start_tracing(sampler: Sampler) -> Arc<Spans> {
    TRACING.get_or_init(|| (sampler, Arc::default())).1.clone()
}

/// None if no spans are recorded.
pub(crate) fn sampler() -> Option<&'static Sampler> {
    TRACING.get().map(|(sampler, _)| sampler)
}

impl Span {
    /// Has it exported, if spans are.
    pub fn record(self) {
        if let Some((_, spans)) = TRACING.get() {
            spans.push(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span() -> Span {
        let context = TraceContext { trace_id: 1, span_id: 1, is_sampled: true };
        let (name, kind) = (String::new(), Kind::Internal);
        let (attributes, error) = (Vec::new(), None);
        Span { context, parent: None, name, kind, begun_ns: 0, ended_ns: 0, attributes, error }
    }

    #[tokio::test(start_paused = true)]
    async fn spans_that_nobody_exports_are_dropped_and_counted() {
        let spans = Spans::default();
        (0..WAITING_MAX + 3).for_each(|_| spans.push(span()));
        let (taken, dropped) = spans.take(Duration::from_secs(60)).await;
        assert_eq!((taken.len(), dropped), (WAITING_MAX, 3));
        spans.push(span());
        let (taken, dropped) = spans.take(Duration::from_secs(60)).await;
        assert_eq!((taken.len(), dropped), (1, 0));
    }
}
