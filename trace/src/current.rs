//! The request whose future is being polled on this thread.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName};
use pin_project_lite::pin_project;

use crate::context::{TRACEPARENT, TRACESTATE, TraceContext};
use crate::ongoing::Ongoing;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// A request, and which of its spans is open.
#[derive(Clone)]
pub struct Current {
    pub ongoing: Arc<Ongoing>,
    /// The innermost span that is open, where spans of the request are recorded.
    pub(crate) span: Option<u64>,
}

impl Current {
    /// A request whose own span is the innermost.
    pub fn new(ongoing: Arc<Ongoing>) -> Current {
        let trace = ongoing.trace().filter(|trace| trace.is_recorded);
        let span = trace.map(|trace| trace.context.span_id);
        Current { ongoing, span }
    }

    /// Where whatever happens now stands in a trace. None if the request is in no trace.
    pub fn context(&self) -> Option<TraceContext> {
        let context = self.ongoing.trace()?.context;
        Some(TraceContext { span_id: self.span.unwrap_or(context.span_id), ..context })
    }

    /// Does something that does not wait, and belongs to this request.
    pub fn enter<T>(self, work: impl FnOnce() -> T) -> T {
        poll_within(&mut Some(self), work)
    }
}

/// The request that whoever calls this belongs to; none on threads and tasks that belong to no request.
pub fn current() -> Option<Current> {
    with_current(Current::clone)
}

/// Looks at the current request, if there is one.
pub fn with_current<T>(look: impl FnOnce(&Current) -> T) -> Option<T> {
    // a thread that ends has none any more
    CURRENT.try_with(|current| current.borrow().as_ref().map(look)).ok().flatten()
}

/// Returns true if spans of the current request are exported.
pub fn is_recorded() -> bool {
    with_current(|current| current.span.is_some()) == Some(true)
}

/// The headers with which the current request is followed to another server: `X-Request-Id`, and `traceparent` and
/// `tracestate` if it is in a trace. Empty if there is none.
pub fn outgoing() -> HeaderMap {
    let mut headers = HeaderMap::new();
    with_current(|current| {
        headers.insert(REQUEST_ID.clone(), current.ongoing.id().clone());
        let (Some(trace), Some(context)) = (current.ongoing.trace(), current.context()) else {
            return;
        };
        headers.insert(TRACEPARENT.clone(), context.header());
        headers.extend(trace.state().map(|state| (TRACESTATE.clone(), state.clone())));
    });
    headers
}

/// A future that belongs to the request that is current when this is called, wherever it is polled: for tasks that a request
/// starts.
pub fn carry<F>(future: F) -> Within<F> {
    within(current(), future)
}

/// A future that belongs to a request. None: it belongs to none.
pub fn within<F>(current: Option<Current>, future: F) -> Within<F> {
    Within { future, current }
}

/// A future that belongs to a request, as `make` makes it: that is the request's, too.
pub fn made_within<F>(current: Current, make: impl FnOnce() -> F) -> Within<F> {
    let mut current = Some(current);
    let future = poll_within(&mut current, make);
    Within { future, current }
}

/// Does something, such as polling, for the request in a slot. It is there again afterwards.
pub fn poll_within<T>(current: &mut Option<Current>, work: impl FnOnce() -> T) -> T {
    let _entered = Entered::new(current);
    work()
}

impl<F> Within<F> {
    /// The request that the future belongs to, while the future is not being polled.
    pub fn request(&self) -> Option<&Current> {
        self.current.as_ref()
    }
}

pin_project! {
    /// See [`within`].
    pub struct Within<F> {
        #[pin]
        future: F,
        current: Option<Current>,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::new(this.current);
        this.future.poll(context)
    }
}

/// Until this is dropped, what is in a slot is current, and what was current before is in the slot.
pub(crate) struct Entered<'a>(&'a mut Option<Current>);

impl<'a> Entered<'a> {
    pub(crate) fn new(slot: &'a mut Option<Current>) -> Entered<'a> {
        exchange(slot);
        Entered(slot)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        exchange(self.0);
    }
}

fn exchange(slot: &mut Option<Current>) {
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), slot));
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    fn ongoing(id: &'static str) -> Current {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT.clone(), HeaderValue::from_static(PARENT));
        headers.insert(TRACESTATE.clone(), HeaderValue::from_static("a=1"));
        let id = Some(HeaderValue::from_static(id));
        Current::new(Arc::new(Ongoing::begin(id, &headers, true)))
    }

    fn id() -> Option<String> {
        with_current(|current| current.ongoing.id().to_str().unwrap().to_string())
    }

    #[tokio::test]
    async fn a_future_finds_its_request_wherever_it_is_polled() {
        let inner = async {
            tokio::task::yield_now().await;
            assert_eq!(id().as_deref(), Some("inner"));
            let carried = tokio::spawn(carry(async { id() }));
            (carried.await.unwrap(), tokio::spawn(async { id() }).await.unwrap())
        };
        let outer = async {
            let found = within(Some(ongoing("inner")), inner).await;
            assert_eq!(id().as_deref(), Some("outer"));
            found
        };
        let found = within(Some(ongoing("outer")), outer).await;
        assert_eq!(found, (Some("inner".to_string()), None));
        assert_eq!(id(), None);
    }

    #[tokio::test]
    async fn a_panic_leaves_no_request_behind() {
        let panicking = within(Some(ongoing("inner")), async { panic!("on purpose") });
        let caught = std::panic::AssertUnwindSafe(panicking);
        assert!(tokio::spawn(caught.0).await.is_err());
        assert_eq!(id(), None);
    }

    #[test]
    fn who_records_nothing_passes_on_what_came() {
        assert!(outgoing().is_empty());
        let headers = ongoing("order-4711").enter(outgoing);
        assert_eq!(headers[&REQUEST_ID], "order-4711");
        assert_eq!(headers[&TRACEPARENT], PARENT);
        assert_eq!(headers[&TRACESTATE], "a=1");
    }
}
