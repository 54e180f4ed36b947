//! Takes connections, within bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::connection::Connection;
use super::frame::NoRequest;
use super::room::Room;
use super::shell::Shell;
use crate::settings::ConnectionSettings;

/// How long nothing is accepted after that has failed, as it does when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections share.
#[derive(Clone, Debug)]
pub struct Shared {
    pub shell: Arc<Shell>,
    pub settings: ConnectionSettings,
    /// Holds the bytes of requests.
    pub requests: Arc<Room>,
    /// Holds the bytes of answers.
    pub answers: Arc<Room>,
    open: Arc<AtomicUsize>,
    /// Held by every connection, so that an end can wait for all of them.
    alive: mpsc::Sender<()>,
}

impl Shared {
    /// The receiver ends when the last connection has ended, and everything else that has a copy.
    pub fn new(shell: Arc<Shell>, settings: ConnectionSettings) -> (Shared, mpsc::Receiver<()>) {
        let (alive, ended) = mpsc::channel(1);
        let requests = Arc::new(Room::new(settings.requests_max_bytes));
        let answers = Arc::new(Room::new(settings.answers_max_bytes));
        (Shared { shell, settings, requests, answers, open: Arc::default(), alive }, ended)
    }

    /// Counts a connection, if there may be one more.
    fn admit(&self) -> Option<Admitted> {
        let admitted = Admitted { open: self.open.clone(), _alive: self.alive.clone() };
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        (before < self.settings.max).then_some(admitted)
    }
}

/// One of the connections that there may be.
#[derive(Debug)]
struct Admitted {
    open: Arc<AtomicUsize>,
    _alive: mpsc::Sender<()>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Takes connections until the broker ends.
pub async fn accept(listener: TcpListener, shared: Shared, needs_login: bool) {
    let mut is_full = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.shell.stopped() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the broker cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(admitted) = shared.admit() else {
            if !is_full {
                let max = shared.settings.max;
                tracing::warn!(%peer, max, "the broker has as many connections as it may have");
            }
            is_full = true;
            continue;
        };
        is_full = false;
        let shared = shared.clone();
        tokio::spawn(async move {
            let connection = Connection::new(&shared, peer);
            if let Err(error) = connection.serve(stream, needs_login).await {
                tracing::debug!(%peer, %error, "a connection of the broker ends");
                let cause = error.get_ref().and_then(|error| error.downcast_ref::<NoRequest>());
                if let Some(no_request) = cause {
                    shared.shell.note_stranger(no_request.stranger, peer.ip());
                }
            }
            drop(admitted);
        });
    }
}
