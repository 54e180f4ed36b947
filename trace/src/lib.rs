//! What a request is while it is being answered: its id, its place in a distributed trace, and what it waits for.
//!
//! [`Ongoing`] is one request. It is the [`current`] one wherever its future is polled, so that log lines, requests to other
//! servers and spans find it without being handed it. [`wait`] wraps a future that may have to wait: the time counts for a
//! [`Phase`] of the request, and is a [`Span`] where traces are exported. [`Outage`] folds log lines that would repeat.
//!
//! A request that never waits pays for one small allocation: no clock is read, and nothing is locked.

mod context;
mod current;
mod ids;
mod ongoing;
mod outage;
mod phase;
mod sampler;
mod span;
mod wait;

pub use context::{TRACEPARENT, TRACESTATE, TraceContext};
pub use current::{
    Current, Within, carry, current, is_recorded, made_within, outgoing, poll_within, with_current,
    within,
};
pub use ids::new_request_id;
pub use ongoing::{Ongoing, RequestTrace};
pub use outage::{Outage, elapsed, without_numbers};
pub use phase::{PHASES, Phase};
pub use sampler::Sampler;
pub use span::{Attribute, Kind, Span, Spans, Value, since_1970_ns, start_tracing};
pub use wait::{Step, Waiting, wait};
