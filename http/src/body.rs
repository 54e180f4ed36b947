//! Bodies of requests, bounded in bytes, in time, and in the sum of all that are under way.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Body as _;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Sleep, sleep, timeout};
use weir_trace::{Kind, Phase, Step};

use crate::budget::Held;
use crate::connection::Arrival;
use crate::exchange::Exchange;

/// Bytes of a body that is too large which are still read, so that the client gets to read the
/// answer instead of a reset connection.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long a body that finds no room is still read, for the same reason.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a body is not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// 413: it has more bytes than it may have.
    TooLarge,
    /// 408: it did not arrive in time.
    TooSlow,
    /// 503: other bodies take all the room that there is.
    NoRoom,
    /// 400: the client has not sent all of it, or not in the encoding that it said.
    Broken(String),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::TooLarge => f.write_str("The body has too many bytes."),
            BodyError::TooSlow => f.write_str("The body has not arrived in time."),
            BodyError::NoRoom => {
                f.write_str("Other requests' bodies take all the room that there is.")
            }
            BodyError::Broken(why) => write!(f, "the body ends early: {why}"),
        }
    }
}

/// What reading a body is for its request.
const STEP: Step = Step::new(Phase::Body, "read body", Kind::Internal);

/// Reads a whole body. It counts until its request is answered.
pub async fn read(
    body: Body,
    arrival: Option<&Arrival>,
    bytes_max: usize,
) -> Result<Vec<u8>, BodyError> {
    weir_trace::wait(STEP, read_whole(body, arrival, bytes_max)).await
}

async fn read_whole(
    body: Body,
    arrival: Option<&Arrival>,
    bytes_max: usize,
) -> Result<Vec<u8>, BodyError> {
    let mut incoming = IncomingBody::new(body, arrival);
    let (mut bytes, mut total) = (Vec::new(), 0);
    while let Some(chunk) = incoming.chunk().await {
        let chunk = chunk?;
        total += chunk.len();
        if total > bytes_max {
            bytes = Vec::new();
            incoming.hold(0).await?;
            if total > DISCARDED_BYTES_MAX {
                break;
            }
            continue;
        }
        if let Err(no_room) = incoming.hold(total).await {
            drop(bytes);
            incoming.discard().await;
            return Err(no_room);
        }
        bytes.extend_from_slice(&chunk);
    }
    if total > bytes_max {
        incoming.note_too_large();
        return Err(BodyError::TooLarge);
    }
    incoming.keep();
    Ok(bytes)
}

/// A body that is read piece by piece.
pub struct IncomingBody {
    body: Body,
    exchange: Option<Arc<Exchange>>,
    held: Option<Held>,
    /// Once a piece had to be waited for.
    slow: Option<Slow>,
    /// Whether nothing is waited for.
    rests: bool,
}

struct Slow {
    timer: Pin<Box<Sleep>>,
    cut: Pin<Box<OwnedNotified>>,
}

impl IncomingBody {
    pub fn new(body: Body, arrival: Option<&Arrival>) -> IncomingBody {
        let exchange = arrival.map(|arrival| arrival.0.clone());
        // whoever reads a body a second time reads what is counted already
        let counted = exchange.clone().filter(|exchange| !exchange.keeps());
        IncomingBody { body, exchange, held: counted.map(Held::new), slow: None, rests: false }
    }

    /// The next piece, nothing at the end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(_trailers) => {}
                },
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(BodyError::Broken(error.to_string()))));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return self.poll_patience(context).map(|error| Some(Err(error))),
            }
        }
    }

    /// Ready once a body that has to be waited for has had its time, or has to make room for others.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        let Some(connection) = self.exchange.as_ref().filter(|_| !self.rests) else {
            return Poll::Pending;
        };
        let shared = connection.shared();
        let slow = self.slow.get_or_insert_with(|| {
            connection.body_is_slow();
            Slow {
                timer: Box::pin(sleep(shared.limits.body_timeout)),
                cut: Box::pin(connection.cut.clone().notified_owned()),
            }
        });
        if slow.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(BodyError::NoRoom);
        }
        ready!(slow.timer.as_mut().poll(context));
        shared.bodies.too_slow.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(BodyError::TooSlow)
    }

    /// Says how many bytes of it are held: they count in the sum of all bodies, which may have to be waited for.
    pub async fn hold(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.rests = false;
        match &mut self.held {
            Some(held) => held.set(bytes).await.map_err(|_| BodyError::NoRoom),
            None => Ok(()),
        }
    }

    /// Says that nothing is held or waited for: what comes next may come at any time, and then has all its time.
    pub fn rest(&mut self) {
        self.is_not_slow();
        self.rests = true;
        if let Some(held) = &mut self.held {
            held.shrink(0);
        }
    }

    fn note_too_large(&self) {
        if let Some(exchange) = &self.exchange {
            exchange.shared().bodies.too_large.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is held counts until the request is answered.
    fn keep(mut self) {
        if let Some(held) = self.held.take() {
            held.keep();
        }
    }

    /// Reads on for a moment.
    async fn discard(mut self) {
        drop(self.held.take());
        let reading = async {
            let mut total = 0;
            while let Some(Ok(chunk)) = self.chunk().await {
                total += chunk.len();
                if total > DISCARDED_BYTES_MAX {
                    return;
                }
            }
        };
        let _ = timeout(DISCARD_TIMEOUT, reading).await; // it may end as it likes
    }

    fn is_not_slow(&mut self) {
        if self.slow.take().is_some()
            && let Some(connection) = &self.exchange
        {
            connection.body_is_whole();
        }
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        self.is_not_slow();
    }
}
