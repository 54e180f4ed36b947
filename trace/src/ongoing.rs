//! One request that is being answered.

use std::sync::OnceLock;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use crate::context::{self, TraceContext};
use crate::ids;
use crate::phase::{Phase, Phases};
use crate::span;

/// A request that is being answered: its id, its place in a trace, and the time that it has spent on what.
#[derive(Default)]
pub struct Ongoing {
    id: OnceLock<HeaderValue>,
    trace: Option<RequestTrace>,
    /// The route that answers it.
    route: OnceLock<&'static str>,
    phases: Phases,
}

/// The place of a request in a trace.
#[derive(Clone, Debug)]
pub struct RequestTrace {
    /// The request's own span; where none is recorded, the caller's.
    pub context: TraceContext,
    /// The caller's span, if the caller has said it.
    pub parent: Option<u64>,
    /// Whether spans of this request are exported.
    pub is_recorded: bool,
    state: Option<HeaderValue>,
}

impl Ongoing {
    /// A request that has come with these headers. `id` is its client's own id, where that can be used. `may_record` is false
    /// for requests that are in no trace of this process's, whatever their headers say.
    pub fn begin(id: Option<HeaderValue>, headers: &HeaderMap, may_record: bool) -> Ongoing {
        let of_id = OnceLock::new();
        if let Some(id) = id {
            let _ = of_id.set(id); // it is new
        }
        let trace = RequestTrace::of(headers, may_record);
        Ongoing { id: of_id, trace, ..Ongoing::default() }
    }

    /// The request's id: its client's own, or a new one that is made when it is asked for.
    pub fn id(&self) -> &HeaderValue {
        self.id.get_or_init(ids::new_request_id)
    }

    /// None if neither the caller nor this process has a trace of it.
    pub fn trace(&self) -> Option<&RequestTrace> {
        self.trace.as_ref()
    }

    /// The request is answered by a route; the first one that says so counts.
    pub fn take_route(&self, route: &'static str) {
        let _ = self.route.set(route);
    }

    /// The route that answers it, if one does.
    pub fn route(&self) -> Option<&'static str> {
        self.route.get().copied()
    }

    /// Counts time for a phase.
    pub fn add(&self, phase: Phase, time: Duration) {
        self.phases.add(phase, time);
    }

    /// Counts time for a phase that another one has counted, or will count, too.
    pub fn add_out_of(&self, whole: Phase, part: Phase, time: Duration) {
        self.phases.take(whole, time);
        self.phases.add(part, time);
    }

    /// The time that was counted for a phase.
    pub fn time(&self, phase: Phase) -> Duration {
        self.phases.get(phase)
    }
}

impl RequestTrace {
    fn of(headers: &HeaderMap, may_record: bool) -> Option<RequestTrace> {
        let parent = TraceContext::of(headers);
        let sampler = span::sampler().filter(|_| may_record);
        if parent.is_none() && sampler.is_none() {
            return None;
        }
        let trace_id = parent.map_or_else(ids::random, |parent| parent.trace_id);
        let is_recorded = sampler.is_some_and(|sampler| sampler.records(parent.as_ref(), trace_id));
        let context = match parent {
            // who records nothing passes on what came
            Some(parent) if !is_recorded => parent,
            _ => TraceContext { trace_id, span_id: ids::span_id(), is_sampled: is_recorded },
        };
        let state = parent.and_then(|_| context::state_of(headers));
        Some(RequestTrace { context, parent: parent.map(|it| it.span_id), is_recorded, state })
    }

    pub(crate) fn state(&self) -> Option<&HeaderValue> {
        self.state.as_ref()
    }
}
