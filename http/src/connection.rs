//! A connection, as all that serve it see it: where it comes from, what it waits for, what it holds.
#![expect(clippy::disallowed_types, reason = "`clock` counts in it")]

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use rustls::pki_types::CertificateDer;
use tokio::sync::{Notify, oneshot};

use crate::answers::Answers;
use crate::clock::Moment;
use crate::exchange::Exchange;
use crate::shared::{Shared, Site};

/// How long a body has to be under way before it may have to make room for others.
const SLOW_BODY_MIN: Duration = Duration::from_secs(1);

/// How long a client has to take nothing of its answer before its connection may have to make room for others.
const STALLED_MIN: Duration = Duration::from_secs(2);

/// The exchange that a request is part of, and with it the connection that it came on; an extension of the request.
#[derive(Clone)]
pub struct Arrival(pub(crate) Arc<Exchange>);

impl Arrival {
    /// The arrival of a request that this process makes of itself, on no connection: for what answers with what all connections share.
    pub fn of_process(shared: Arc<Shared>) -> Arrival {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let site = Arc::new(Site::new(shared, nowhere, false));
        Arrival(Exchange::in_turn(Connection::new(nowhere, site).0))
    }
}

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
    /// Requests of HTTP/2 that are being answered.
    streams: AtomicUsize,
    /// Since when bodies of its requests are under way that did not come at once.
    body_since: Moment,
    /// Bodies that are under way and did not come at once.
    slow_bodies: AtomicUsize,
    /// Whether a request has come on it, ever.
    was_used: AtomicBool,
    /// When its client took something for the last time, if it is behind with what it is sent.
    behind_since: Moment,
    /// Bytes of its requests' bodies that are held.
    held_bytes: AtomicUsize,
    /// Whether something of the next request's head has come.
    head_has_begun: AtomicBool,
    /// Answers of HTTP/2 that its client has not taken yet.
    pub(crate) answers: Answers,
    /// The subject of the client's certificate, as RFC 2253 writes it, if it has shown one that the listener trusts.
    pub(crate) client_subject: OnceLock<String>,
    /// The certificates that the client has shown, its own first.
    pub(crate) client_chain: OnceLock<Vec<CertificateDer<'static>>>,
    end: Mutex<Option<oneshot::Sender<End>>>,
    /// Told when the bodies that are under way have to make room for others.
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
            streams: AtomicUsize::new(0),
            body_since: Moment::default(),
            slow_bodies: AtomicUsize::new(0),
            was_used: AtomicBool::new(false),
            behind_since: Moment::default(),
            held_bytes: AtomicUsize::new(0),
            head_has_begun: AtomicBool::new(false),
            answers: Answers::default(),
            client_subject: OnceLock::new(),
            client_chain: OnceLock::new(),
            end: Mutex::new(Some(end)),
            cut: Arc::default(),
        };
        connection.waiting_since.set(Instant::now());
        (Arc::new(connection), ending)
    }

    /// The last request is answered, or there was none yet.
    pub(crate) fn begin_waiting(&self, now: Instant) {
        self.waiting_since.set(now);
        self.head_has_begun.store(false, Ordering::Relaxed);
    }

    /// A request's head has come.
    pub(crate) fn begin_answering(&self) {
        self.waiting_since.unset();
        self.was_used.store(true, Ordering::Relaxed);
    }

    /// A request of HTTP/2 has come: it may be one of several.
    pub(crate) fn begin_stream(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
        self.begin_answering();
    }

    /// A request of HTTP/2 is answered, or given up.
    pub(crate) fn end_stream(&self) {
        if self.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.waiting_since.set(Instant::now());
        }
    }

    /// Something has come from the client.
    pub(crate) fn has_come(&self) {
        self.head_has_begun.store(true, Ordering::Relaxed);
    }

    /// Returns true if something of the next request's head has come.
    pub(crate) fn head_has_begun(&self) -> bool {
        self.head_has_begun.load(Ordering::Relaxed)
    }

    /// Returns true if it has been idle for at least so long.
    pub(crate) fn is_idle_for(&self, least: Duration) -> bool {
        self.is_idle() && self.waiting_since.since(Instant::now(), least).is_some()
    }

    /// Whether it can end without a client that misses anything: no request has come, no answer is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting_since.is_set()
            && !self.behind_since.is_set()
            && self.streams.load(Ordering::Relaxed) == 0
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

    /// A body did not come at once.
    pub(crate) fn body_is_slow(&self) {
        if self.slow_bodies.fetch_add(1, Ordering::Relaxed) == 0 {
            self.body_since.set(Instant::now());
        }
    }

    /// A body that did not come at once is there, or is not waited for any more.
    pub(crate) fn body_is_whole(&self) {
        if self.slow_bodies.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.body_since.unset();
        }
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

    /// Tells it to end; whoever is first says why.
    pub(crate) fn end(&self, why: End) {
        if let Some(end) = self.end.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = end.send(why); // it may have ended by itself
        }
        if why == End::Evicted {
            self.cut.notify_one();
            self.cut.notify_waiters(); // HTTP/2 may have several
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.site.shared
    }
}

/// The other end of the connection that a request has come on, by a listener of ours or by one of axum's.
pub(crate) fn peer(request: &Extensions) -> Option<IpAddr> {
    let peer = match request.get::<Arrival>() {
        Some(Arrival(exchange)) => Some(exchange.peer),
        None => request.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer),
    };
    peer.map(|peer| peer.ip().to_canonical())
}
