//! A connection, as all that serve it see it: where it comes from, what it waits for, what it holds.
#![expect(clippy::disallowed_types, reason = "`clock` counts in it")]

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use tokio::sync::{Notify, oneshot};

use crate::clock::Moment;
use crate::shared::{Shared, Site};

/// How long a body has to be under way before it may have to make room for others.
const SLOW_BODY_MIN: Duration = Duration::from_secs(1);

/// How long a client has to take nothing of its answer before its connection may have to make room for others.
const STALLED_MIN: Duration = Duration::from_secs(2);

/// The connection that a request came on; an extension of the request.
#[derive(Clone)]
pub struct Arrival(pub(crate) Arc<Connection>);

/// Why a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The process stops: what is being answered is answered.
    Drain,
    /// Others need its place.
    Evicted,
}

pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) site: Arc<Site>,
    /// Since when no request has come, if none is being answered.
    waiting_since: Moment,
    /// Since when the body of its request is under way, if that did not come at once.
    body_since: Moment,
    /// Whether a request has come on it, ever.
    was_used: AtomicBool,
    /// When its client took something for the last time, if it is behind with what it is sent.
    behind_since: Moment,
    /// Bytes of its request's body that are held.
    held_bytes: AtomicUsize,
    /// The bytes of `held_bytes` that are of a body which is there as a whole: they count until its request is
    /// answered.
    kept_bytes: AtomicUsize,
    /// The route that has taken the request which is being answered: one at a time, as HTTP/1 has it.
    route: Mutex<Option<&'static str>>,
    /// The subject of the client's certificate, as RFC 2253 writes it, if it has shown one that the listener trusts.
    pub(crate) client_subject: OnceLock<String>,
    end: Mutex<Option<oneshot::Sender<End>>>,
    /// Told when the body that is under way has to make room for others.
    pub(crate) cut: Arc<Notify>,
}

impl Connection {
    /// A connection, and what it is told when it is to end.
    pub(crate) fn new(
        peer: SocketAddr,
        site: Arc<Site>,
    ) -> (Arc<Connection>, oneshot::Receiver<End>) {
        let (end, ending) = oneshot::channel();
        let connection = Connection {
            peer,
            site,
            waiting_since: Moment::default(),
            body_since: Moment::default(),
            was_used: AtomicBool::new(false),
            behind_since: Moment::default(),
            held_bytes: AtomicUsize::new(0),
            kept_bytes: AtomicUsize::new(0),
            route: Mutex::default(),
            client_subject: OnceLock::new(),
            end: Mutex::new(Some(end)),
            cut: Arc::default(),
        };
        connection.waiting_since.set(Instant::now());
        (Arc::new(connection), ending)
    }

    /// The last request is answered, or there was none yet.
    pub(crate) fn begin_waiting(&self, now: Instant) {
        self.waiting_since.set(now);
        if self.keeps() {
            self.give_back_kept();
        }
    }

    fn give_back_kept(&self) {
        self.held_bytes.store(0, Ordering::Relaxed);
        self.shared().bodies.give_back(self.kept_bytes.swap(0, Ordering::Relaxed));
    }

    /// A request's head has come.
    pub(crate) fn begin_answering(&self) {
        self.waiting_since.unset();
        self.was_used.store(true, Ordering::Relaxed);
    }

    /// The request that is being answered is this route's.
    pub(crate) fn take_route(&self, path: &'static str) {
        *self.route.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    }

    /// The route that has taken the request, which is answered now.
    pub(crate) fn give_route(&self) -> Option<&'static str> {
        self.route.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether it can end without a client that misses anything: no request has come, no answer is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting_since.is_set() && !self.behind_since.is_set()
    }

    /// Whether it may be cut off where others need its place: its client has taken nothing for a while.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled_since(Instant::now()).is_some()
    }

    /// Since when its client takes nothing: what is smaller the longer it is.
    pub(crate) fn stalled_since(&self, now: Instant) -> Option<u64> {
        self.behind_since.since(now, STALLED_MIN)
    }

    /// Since when it is idle: what is smaller the sooner it may make room for others. One that was never used is of
    /// nobody who would miss it.
    pub(crate) fn idle_since(&self, now: Instant) -> Option<(bool, u64)> {
        let since = self.waiting_since.since(now, Duration::ZERO).filter(|_| self.is_idle())?;
        Some((self.was_used.load(Ordering::Relaxed), since))
    }

    /// Since when a body is under way that has been so for long: what is smaller the longer it is.
    pub(crate) fn slow_body_since(&self, now: Instant) -> Option<u64> {
        self.body_since.since(now, SLOW_BODY_MIN)
    }

    pub(crate) fn body_is_slow(&self) {
        if !self.body_since.is_set() {
            self.body_since.set(Instant::now());
        }
    }

    pub(crate) fn body_is_whole(&self) {
        self.body_since.unset();
    }

    /// The client is behind, and takes nothing from now on.
    pub(crate) fn is_behind(&self, now: Instant) {
        self.behind_since.set(now);
    }

    pub(crate) fn has_caught_up(&self) {
        self.behind_since.unset();
    }

    pub(crate) fn held_bytes(&self) -> &AtomicUsize {
        &self.held_bytes
    }

    /// Keeps so many bytes of the sum of bodies until the request is answered.
    pub(crate) fn keep(&self, bytes: usize) {
        self.kept_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether the whole body of its request is counted already.
    pub(crate) fn keeps(&self) -> bool {
        self.kept_bytes.load(Ordering::Relaxed) != 0
    }

    /// Tells it to end; whoever is first says why.
    pub(crate) fn end(&self, why: End) {
        if let Some(end) = self.end.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = end.send(why); // it may have ended by itself
        }
        if why == End::Evicted {
            self.cut.notify_one();
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.site.shared
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.give_back_kept();
    }
}

/// The other end of the connection that a request has come on, by a listener of ours or by one of axum's.
pub(crate) fn peer(request: &Extensions) -> Option<IpAddr> {
    let peer = match request.get::<Arrival>() {
        Some(Arrival(connection)) => Some(connection.peer),
        None => request.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer),
    };
    peer.map(|peer| peer.ip().to_canonical())
}
