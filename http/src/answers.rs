//! Answers of HTTP/2 under way: a client may take everything that its connection sends, and leave one answer where it is.
//! [`Watched`](crate::watched::Watched) does not see that, so each answer says itself when it waits for its client.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::exchange::Exchange;
use crate::limits::Limits;

/// Bytes of an answer that are handed on at a time.
const PIECE_BYTES: usize = 16 * 1024;

/// The answers of a connection that its client has not taken yet.
#[derive(Default)]
pub(crate) struct Answers {
    untaken: Mutex<HashMap<u64, Untaken>>,
    next: AtomicU64,
}

#[derive(Clone, Copy)]
struct Untaken {
    /// Since when its client is behind with it.
    behind_since: Instant,
    /// When its client took something for the last time.
    progress: Instant,
}

impl Answers {
    /// Returns true if a client has been behind with an answer for longer than it may.
    pub(crate) fn are_left(&self, limits: &Limits) -> bool {
        let now = Instant::now();
        self.untaken().values().any(|answer| {
            now.duration_since(answer.progress) >= limits.answer_stall_timeout
                || now.duration_since(answer.behind_since) >= limits.answer_timeout
        })
    }

    /// An answer is the client's to take, or a piece more of it.
    fn wait_for_client(&self, number: u64) {
        let now = Instant::now();
        let new = Untaken { behind_since: now, progress: now };
        self.untaken().entry(number).or_insert(new).progress = now;
    }

    /// An answer has been taken, or nothing more of it is there yet.
    fn wait_for_server(&self, number: u64) {
        self.untaken().remove(&number);
    }

    fn untaken(&self) -> MutexGuard<'_, HashMap<u64, Untaken>> {
        self.untaken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer, in pieces. hyper asks for the next when the client has room for it.
pub(crate) struct Sent {
    body: Body,
    /// What is left of a large piece.
    rest: Bytes,
    exchange: Arc<Exchange>,
    number: u64,
}

impl Sent {
    /// The body of an exchange's answer. The exchange is over when it is dropped.
    pub(crate) fn new(body: Body, exchange: Arc<Exchange>) -> Sent {
        let number = exchange.answers.next.fetch_add(1, Ordering::Relaxed);
        exchange.answers.wait_for_client(number);
        Sent { body, rest: Bytes::new(), exchange, number }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        self.exchange.answers.wait_for_client(self.number);
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE_BYTES)))
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            self.exchange.answers.wait_for_server(self.number);
        }
        Poll::Ready(match ready!(polled) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    self.rest = data;
                    Some(Ok(self.piece()))
                }
                Err(trailers) => Some(Ok(trailers)),
            },
            other => other,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut all = SizeHint::new();
        all.set_lower(hint.lower().saturating_add(rest));
        if let Some(upper) = hint.upper() {
            all.set_upper(upper.saturating_add(rest));
        }
        all
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.exchange.answers.wait_for_server(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;
    use crate::connection::Connection;
    use crate::shared::{Shared, Site};

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_sent_in_pieces_and_its_client_has_its_time_for_each() {
        let shared = Arc::new(Shared::new(Limits::for_descriptors(64)));
        let limits = shared.limits.clone();
        let site = Arc::new(Site::new(shared, "127.0.0.1:1".parse().unwrap(), false));
        let (connection, _ending) = Connection::new("127.0.0.1:2".parse().unwrap(), site);
        let exchange = Exchange::of_stream(connection.clone());
        let mut sent = Sent::new(Body::from(vec![0; PIECE_BYTES * 2 + 1]), exchange);
        let pause = limits.answer_stall_timeout - Duration::from_secs(1);
        for bytes in [PIECE_BYTES, PIECE_BYTES, 1] {
            tokio::time::advance(pause).await;
            assert!(!connection.answers.are_left(&limits));
            assert!(!sent.is_end_stream());
            let frame = poll_fn(|context| Pin::new(&mut sent).poll_frame(context)).await;
            assert_eq!(frame.unwrap().unwrap().into_data().unwrap().len(), bytes);
        }
        assert!(sent.is_end_stream());
        tokio::time::advance(limits.answer_stall_timeout).await;
        assert!(connection.answers.are_left(&limits));
        drop(sent);
        assert!(!connection.answers.are_left(&limits));
    }
}
