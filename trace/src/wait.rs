//! Futures that may have to wait: the time counts for the request, and is a span of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::context::TraceContext;
use crate::current::{Current, Entered, current, with_current};
use crate::ids;
use crate::phase::Phase;
use crate::span::{Attribute, Kind, Span, Value, shortened, since_1970_ns};

/// What a request does that takes time.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What the time counts for.
    pub phase: Phase,
    /// What a span of it is called.
    pub name: &'static str,
    pub kind: Kind,
}

impl Step {
    pub const fn new(phase: Phase, name: &'static str, kind: Kind) -> Step {
        Step { phase, name, kind }
    }

    /// A step that was done for a request elsewhere, by a thread that works for many. Its time counts for its phase and not
    /// for `whole`, which the request counts as long as it waits.
    pub fn done_for(self, current: &Current, whole: Phase, from: Instant, until: Instant) {
        current.ongoing.add_out_of(whole, self.phase, until.duration_since(from));
        if let (Some(parent), Some(context)) = (current.span, current.context()) {
            let mut open = Open::new(self, context, Some(parent));
            open.begun = from;
            open.end(until, None);
        }
    }
}

/// Waits for a future. If it is not ready at once, the time until it is counts for the current request. The clock is not
/// read otherwise, but for a span.
pub fn wait<F: Future>(step: Step, future: F) -> Waiting<F> {
    Waiting {
        future,
        step,
        error_of: |_| None,
        attributes: Vec::new(),
        name: None,
        state: State {
            step,
            own: None,
            waiting_since: None,
            open: None,
            is_begun: false,
            only_if_it_waits: false,
        },
    }
}

pin_project! {
    /// See [`wait`].
    pub struct Waiting<F: Future> {
        #[pin]
        future: F,
        step: Step,
        error_of: fn(&F::Output) -> Option<String>,
        attributes: Vec<Attribute>,
        name: Option<String>,
        state: State,
    }
}

/// What is known of a future that is waited for. Whoever drops it earlier has given it up.
struct State {
    step: Step,
    /// The request, with the step's own span as the innermost; while the future is polled, the request as it was before.
    own: Option<Current>,
    waiting_since: Option<Instant>,
    open: Option<Open>,
    is_begun: bool,
    /// Whether a span of what was ready at once is nobody's interest.
    only_if_it_waits: bool,
}

/// A span that has not ended.
struct Open {
    name: String,
    kind: Kind,
    context: TraceContext,
    parent: Option<u64>,
    begun: Instant,
    attributes: Vec<Attribute>,
}

impl<F: Future> Waiting<F> {
    /// Adds an attribute to the span. `value` is asked for only if there is one.
    pub fn attribute<V: Into<Value>>(
        mut self,
        name: &'static str,
        value: impl FnOnce() -> V,
    ) -> Self {
        if crate::current::is_recorded() {
            self.attributes.push((name, value().into()));
        }
        self
    }

    /// Gives the span another name than the step's. `name` is asked for only if there is a span.
    pub fn named(mut self, name: impl FnOnce() -> String) -> Self {
        if crate::current::is_recorded() {
            self.name = Some(name());
        }
        self
    }

    /// Has no span if it is ready at once, as what is found in a cache.
    pub fn unless_ready(mut self) -> Self {
        self.state.only_if_it_waits = true;
        self
    }

    /// Says which outcomes are failures, for the span.
    pub fn failing_as(mut self, error_of: fn(&F::Output) -> Option<String>) -> Self {
        self.error_of = error_of;
        self
    }
}

impl<F: Future> Future for Waiting<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let state = this.state;
        if !state.is_begun {
            state.begin(*this.step, this.name.take(), std::mem::take(this.attributes));
        }
        let polled = match state.own.is_some() {
            true => {
                let _entered = Entered::new(&mut state.own);
                this.future.poll(context)
            }
            false => this.future.poll(context),
        };
        match &polled {
            Poll::Pending if state.waiting_since.is_none() => {
                state.waiting_since = Some(Instant::now());
            }
            Poll::Pending => {}
            Poll::Ready(output) => state.end(|| (this.error_of)(output)),
        }
        polled
    }
}

impl State {
    fn begin(&mut self, step: Step, name: Option<String>, attributes: Vec<Attribute>) {
        self.is_begun = true;
        if with_current(|current| current.span.is_some()) != Some(true) {
            return;
        }
        let Some(mut own) = current() else { return };
        if let Some(context) = own.context() {
            let mut open = Open::new(step, context, own.span);
            open.attributes = attributes;
            open.name = name.unwrap_or(open.name);
            own.span = Some(open.context.span_id);
            (self.own, self.open) = (Some(own), Some(open));
        }
    }

    fn end(&mut self, error: impl FnOnce() -> Option<String>) {
        let since = self.waiting_since.take();
        if since.is_none() && self.open.is_none() {
            return;
        }
        let now = Instant::now();
        if let Some(since) = since {
            let time = now.duration_since(since);
            let count = |current: &Current| current.ongoing.add(self.step.phase, time);
            // whoever drops it may do so elsewhere
            match &self.own {
                Some(own) => count(own),
                None => drop(with_current(count)),
            }
        }
        let is_ready = since.is_none();
        if let Some(open) = self.open.take().filter(|_| !(is_ready && self.only_if_it_waits)) {
            open.end(now, error());
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.end(|| Some("given up".to_string()));
    }
}

impl Open {
    /// A span that begins now, below another one of a trace.
    fn new(step: Step, within: TraceContext, parent: Option<u64>) -> Open {
        let context = TraceContext { span_id: ids::span_id(), ..within };
        let (name, kind) = (step.name.to_string(), step.kind);
        Open { name, kind, context, parent, begun: Instant::now(), attributes: Vec::new() }
    }

    fn end(self, now: Instant, error: Option<String>) {
        let Open { name, kind, context, parent, begun, attributes } = self;
        Span {
            context,
            parent,
            name,
            kind,
            begun_ns: since_1970_ns(begun),
            ended_ns: since_1970_ns(now),
            attributes,
            error: error.map(|error| shortened(&error)),
        }
        .record();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::ongoing::Ongoing;
    use crate::within;

    const STEP: Step = Step::new(Phase::Kafka, "kafka", Kind::Client);

    #[tokio::test(start_paused = true)]
    async fn time_that_is_waited_counts_for_its_phase_also_if_it_is_given_up() {
        let ongoing = Arc::new(Ongoing::default());
        let second = Duration::from_secs(1);
        let work = async {
            wait(STEP, async {}).await;
            assert_eq!(wait(STEP, async { sleep(second).await }).await, ());
            let given_up = timeout(second, wait(STEP, sleep(3 * second))).await;
            assert!(given_up.is_err());
        };
        within(Some(Current::new(ongoing.clone())), work).await;
        assert_eq!(ongoing.time(Phase::Kafka), 2 * second);
        assert_eq!(ongoing.time(Phase::Queue), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_elsewhere_counts_once() {
        let ongoing = Arc::new(Ongoing::default());
        let current = Current::new(ongoing.clone());
        let second = Duration::from_secs(1);
        let queue = Step::new(Phase::Queue, "write", Kind::Internal);
        let append = Step::new(Phase::Append, "append", Kind::Internal);
        let writer = current.clone();
        let submitted = async {
            let from = Instant::now() + second;
            sleep(3 * second).await;
            append.done_for(&writer, Phase::Queue, from, Instant::now());
        };
        within(Some(current), wait(queue, submitted)).await;
        assert_eq!(ongoing.time(Phase::Append), 2 * second);
        assert_eq!(ongoing.time(Phase::Queue), second);
    }
}
