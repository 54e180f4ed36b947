//! One request and its answer: what counts for them alone, where a connection may carry several at once.
#![expect(clippy::disallowed_types, reason = "`clock` counts in it")]

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::connection::Connection;

/// A request that is being answered. HTTP/1 has one at a time, so one of these serves all requests of such a connection;
/// HTTP/2 has one for each.
pub(crate) struct Exchange {
    pub(crate) connection: Arc<Connection>,
    /// Bytes of a body which is there as a whole: they count until the request is answered.
    kept_bytes: AtomicUsize,
    /// The route that has taken the request.
    route: Mutex<Option<&'static str>>,
    /// Whether it is a stream of HTTP/2.
    is_stream: bool,
}

impl Exchange {
    /// What all requests of a connection of HTTP/1 have in turn.
    pub(crate) fn in_turn(connection: Arc<Connection>) -> Arc<Exchange> {
        Exchange::new(connection, false)
    }

    /// A stream of HTTP/2, which is answered when nobody holds this any more.
    pub(crate) fn of_stream(connection: Arc<Connection>) -> Arc<Exchange> {
        connection.begin_stream();
        Exchange::new(connection, true)
    }

    fn new(connection: Arc<Connection>, is_stream: bool) -> Arc<Exchange> {
        let (kept_bytes, route) = (AtomicUsize::new(0), Mutex::default());
        Arc::new(Exchange { connection, kept_bytes, route, is_stream })
    }

    /// The request before is answered, or there was none.
    pub(crate) fn begin_waiting(&self, now: Instant) {
        self.connection.begin_waiting(now);
        if self.keeps() {
            self.give_back_kept();
        }
    }

    /// The request that is being answered is this route's.
    pub(crate) fn take_route(&self, path: &'static str) {
        *self.route.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    }

    /// The route that has taken the request, which is answered now.
    pub(crate) fn give_route(&self) -> Option<&'static str> {
        self.route.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps so many bytes of the sum of bodies until the request is answered.
    pub(crate) fn keep(&self, bytes: usize) {
        self.kept_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether the whole body of the request is counted already.
    pub(crate) fn keeps(&self) -> bool {
        self.kept_bytes.load(Ordering::Relaxed) != 0
    }

    fn give_back_kept(&self) {
        let kept = self.kept_bytes.swap(0, Ordering::Relaxed);
        self.connection.held_bytes().fetch_sub(kept, Ordering::Relaxed);
        self.connection.shared().bodies.give_back(kept);
    }
}

/// Whoever has an exchange has its connection.
impl Deref for Exchange {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.keeps() {
            self.give_back_kept();
        }
        if self.is_stream {
            self.connection.end_stream();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::limits::Limits;
    use crate::shared::{Shared, Site};

    #[test]
    fn a_connection_of_several_requests_waits_when_the_last_is_answered() {
        let shared = Arc::new(Shared::new(Limits::for_descriptors(64)));
        let site = Arc::new(Site::new(shared.clone(), "127.0.0.1:1".parse().unwrap(), false));
        let (connection, _ending) = Connection::new("127.0.0.1:2".parse().unwrap(), site);
        let [first, second] = [(); 2].map(|()| Exchange::of_stream(connection.clone()));
        assert!(!connection.is_idle_for(Duration::ZERO));
        second.take_route("/a");
        assert_eq!((first.give_route(), second.give_route()), (None, Some("/a")));
        drop(first);
        assert!(!connection.is_idle_for(Duration::ZERO));
        drop(second);
        assert!(connection.is_idle_for(Duration::ZERO));
    }
}
