//! Requests that take long: a line for each, which says what it has waited for.

use std::time::Duration;

use axum::http::Method;
use weir_trace::{Ongoing, PHASES, Phase};

/// The target of the lines about slow requests, whose level is `warn`.
pub const SLOW: &str = "weir::slow";

/// What is said of a slow request.
pub(crate) struct Slow<'a> {
    pub(crate) service: &'static str,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) status: Option<u16>,
    /// From its head to the end of its answer.
    pub(crate) took: Duration,
}

impl Slow<'_> {
    /// Writes the line if the request has taken `limit` or longer, without the time for which it was asked to wait for records.
    pub(crate) fn write(&self, limit: Duration, ongoing: &Ongoing) {
        let own = self.took.saturating_sub(ongoing.time(Phase::Poll));
        if limit.is_zero() || own < limit {
            return;
        }
        let ms = |phase| {
            let ms = ongoing.time(phase).as_millis() as u64;
            (ms > 0).then_some(ms)
        };
        let waited: Duration = PHASES.iter().map(|(phase, _)| ongoing.time(*phase)).sum();
        let rest = self.took.saturating_sub(waited).as_millis() as u64;
        tracing::warn!(
            target: SLOW,
            service = self.service,
            method = self.method.as_str(),
            path = self.path,
            route = ongoing.route(),
            status = self.status,
            duration_ms = self.took.as_millis() as u64,
            body_ms = ms(Phase::Body),
            lane_ms = ms(Phase::Lane),
            queue_ms = ms(Phase::Queue),
            append_ms = ms(Phase::Append),
            leader_ms = ms(Phase::Leader),
            catch_up_ms = ms(Phase::CatchUp),
            kafka_ms = ms(Phase::Kafka),
            poll_ms = ms(Phase::Poll),
            registry_ms = ms(Phase::Registry),
            sending_ms = ms(Phase::Sending),
            work_ms = ms(Phase::Work),
            rest_ms = Some(rest).filter(|ms| *ms > 0),
            "a slow request: {} {} {} took {}",
            self.method,
            self.path,
            self.status.map_or_else(|| "-".to_string(), |status| status.to_string()),
            weir_trace::elapsed(self.took),
        );
    }
}
