//! An answer's body that is followed to its end: how many bytes of it were sent, and whether all were.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use weir_trace::{Current, poll_within};

/// Whoever hears of the end of a body.
pub(crate) trait Sent {
    /// So many bytes were taken, and these were all of them or not.
    fn sent(self, bytes: u64, is_whole: bool);
}

/// A body, and who hears of its end.
pub(crate) struct Sending<S: Sent> {
    body: Body,
    bytes: u64,
    listener: Option<S>,
    /// The request, which what makes the body belongs to.
    request: Option<Current>,
}

impl<S: Sent> Sending<S> {
    pub(crate) fn new(body: Body, request: Current, listener: S) -> Sending<S> {
        Sending { body, bytes: 0, listener: Some(listener), request: Some(request) }
    }

    fn end(&mut self, is_whole: bool) {
        if let Some(listener) = self.listener.take() {
            listener.sent(self.bytes, is_whole);
        }
    }
}

impl<S: Sent + Unpin> HttpBody for Sending<S> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let body = Pin::new(&mut this.body);
        let polled = poll_within(&mut this.request, || body.poll_frame(context));
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
                // nobody asks again after the last of it
                if this.body.is_end_stream() {
                    this.end(true);
                }
            }
            Poll::Ready(Some(Err(_))) => this.end(false),
            Poll::Ready(None) => this.end(true),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<S: Sent> Drop for Sending<S> {
    fn drop(&mut self) {
        let is_whole = self.body.is_end_stream();
        self.end(is_whole);
    }
}
