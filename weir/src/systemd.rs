//! What systemd is told of a `Type=notify` service: that it has started, what it waits for, that it reloads and stops, and,
//! where it has a watchdog, that it is alive. Nothing where `NOTIFY_SOCKET` is not set.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use weir_http::Shared;
use weir_http::health::{Health, Readiness};
use weir_trace::Outage;

/// How often it is looked whether there is something to tell, while the process starts and afterwards.
const LOOK_STARTING: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(1);

/// How much longer a start may take each time that it is told to go on: a log may be long, and Kafka may come later.
const MORE_TIME: Duration = Duration::from_secs(30);

/// How long files are given to be read anew before the reload counts as done. They are read at once; a file that is not read by
/// then is read all the same.
const RELOAD_TIME: Duration = Duration::from_millis(500);

/// Begins to tell systemd how the process is, if it wants to know.
pub fn begin(shared: Arc<Shared>, hangups: watch::Receiver<u64>) {
    if std::env::var_os("NOTIFY_SOCKET").is_some() {
        tokio::spawn(async move { Told::new(shared).keep_telling(hangups).await });
    }
}

/// Tells that the process stops.
pub async fn stopping() {
    if std::env::var_os("NOTIFY_SOCKET").is_some() {
        tell(vec![NotifyState::Stopping, NotifyState::Status("draining")]).await;
    }
}

/// What was told so far.
struct Told {
    shared: Arc<Shared>,
    is_ready: bool,
    status: String,
    more_time: Option<Instant>,
}

impl Told {
    fn new(shared: Arc<Shared>) -> Told {
        Told { shared, is_ready: false, status: String::new(), more_time: None }
    }

    async fn keep_telling(mut self, mut hangups: watch::Receiver<u64>) {
        let half = sd_notify::watchdog_enabled().map(|period| period / 2);
        let mut alive = interval(half.unwrap_or(Duration::MAX / 4).max(Duration::from_millis(1)));
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let look = if self.is_ready { LOOK } else { LOOK_STARTING };
            tokio::select! {
                _ = alive.tick(), if half.is_some() => self.tell_if_alive().await,
                told = hangups.changed() => match told {
                    Ok(()) => self.reload().await,
                    Err(_) => return, // the process ends
                },
                () = tokio::time::sleep(look) => self.look().await,
            }
        }
    }

    fn health(&self) -> &Health {
        &self.shared.health
    }

    /// Who hears nothing for the watchdog's time ends the process: it hears nothing from one that is stuck.
    async fn tell_if_alive(&self) {
        match self.health().alive() {
            Ok(()) => tell(vec![NotifyState::Watchdog]).await,
            Err(why) => tracing::error!("the watchdog is told nothing: {why}"),
        }
    }

    async fn reload(&self) {
        let now = NotifyState::monotonic_usec_now();
        tell(std::iter::once(NotifyState::Reloading).chain(now.ok()).collect()).await;
        tokio::time::sleep(RELOAD_TIME).await;
        if self.is_ready {
            tell(vec![NotifyState::Ready]).await;
        }
    }

    async fn look(&mut self) {
        let (readiness, failing) = self.health().readiness();
        if readiness == Readiness::Draining {
            return; // that is told already
        }
        let begins = !self.is_ready && self.health().has_started();
        let status = match (self.health().still_starting(), readiness) {
            (Some(what), _) => format!("starting: {what}"),
            (None, Readiness::NotReady) => format!("not ready: {}", failing.join("; ")),
            (None, readiness) => readiness.name().to_string(),
        };
        let mut states = Vec::new();
        if begins {
            self.is_ready = true;
            states.push(NotifyState::Ready);
        }
        let is_due = |at: Instant| at.elapsed() > MORE_TIME / 3;
        if !self.is_ready && self.more_time.is_none_or(is_due) {
            self.more_time = Some(Instant::now());
            let more = u32::try_from(MORE_TIME.as_micros()).unwrap_or(u32::MAX);
            states.push(NotifyState::ExtendTimeoutUsec(more));
        }
        let line = status.replace(['\n', '\r'], " ");
        let is_new = line != self.status;
        self.status = line;
        if is_new {
            return tell_with_status(states, self.status.clone()).await;
        }
        if !states.is_empty() {
            tell(states).await;
        }
    }
}

/// Tells states and a line for `systemctl status` in one message.
async fn tell_with_status(states: Vec<NotifyState<'static>>, status: String) {
    send(move || {
        let mut states = states;
        states.push(NotifyState::Status(&status));
        sd_notify::notify(&states)
    })
    .await;
}

async fn tell(states: Vec<NotifyState<'static>>) {
    send(move || sd_notify::notify(&states)).await;
}

/// While the socket of `NOTIFY_SOCKET` takes nothing.
static FAILED: Outage = Outage::new("systemd is not told", "systemd is told again");

/// The socket may make its sender wait.
async fn send(notify: impl FnOnce() -> std::io::Result<()> + Send + 'static) {
    match tokio::task::spawn_blocking(notify).await {
        Ok(Ok(())) => drop(FAILED.is_over()),
        Ok(Err(error)) => FAILED.fails(error),
        Err(panic) => tracing::error!(%panic, "systemd is not told"),
    }
}
