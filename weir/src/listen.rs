//! Addresses that are taken before anything else, and the signals that the process hears.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Error;
use crate::listeners::ListenerUrl;

/// The number of SIGXFSZ on Linux and macOS.
const SIGXFSZ: i32 = 25;

/// How long requests that are being answered may take once the process is told to stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Signals to stop that come this soon after the first say the same: `timeout` and others signal the process and its group.
const SAME_STOP: Duration = Duration::from_millis(500);

/// Takes the address of a listener. Loopback is for everybody on this machine; other addresses are for anyone who
/// reaches them, which has to be said, or `may_be_exposed` because logins are asked for.
pub fn bind(url: &ListenerUrl, may_be_exposed: bool) -> Result<(TcpListener, SocketAddr), Error> {
    let address =
        url.resolve().map_err(|source| Error::Resolve { listener: url.to_string(), source })?;
    if !address.ip().is_loopback() && !may_be_exposed {
        return Err(Error::Exposed(address));
    }
    let failed = |source| Error::Listen { address, source };
    let socket = weir_http::bind(address).map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}

/// What has told the process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopSignal::Terminate => "SIGTERM",
            StopSignal::Interrupt => "SIGINT",
        })
    }
}

/// SIGTERM and SIGINT (Ctrl-C), from when this is made.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// An error is the system's.
    pub fn new() -> Result<StopSignals, Error> {
        let listen = |kind| signal(kind).map_err(Error::Signals);
        let terminate = listen(SignalKind::terminate())?;
        Ok(StopSignals { terminate, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Returns when the process is told to stop, once for each time.
    pub async fn told(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }

    /// Returns when the process, which was told to stop just now, is told again.
    pub async fn told_again(&mut self) {
        let told = Instant::now();
        loop {
            self.told().await;
            if told.elapsed() >= SAME_STOP {
                return;
            }
        }
    }
}

/// Counts how often the process was told to read anew what can be read anew.
pub type Hangups = watch::Sender<u64>;

/// From now on SIGQUIT, SIGUSR1, SIGUSR2 and SIGXFSZ do not end the process; SIGHUP is counted. They are sent where a terminal is closed, or by those who expect that logs are
/// rotated, settings are read anew or threads are listed.
pub fn outlive_signals() -> Hangups {
    for (name, kind) in [
        ("SIGQUIT", SignalKind::quit()),
        ("SIGUSR1", SignalKind::user_defined1()),
        ("SIGUSR2", SignalKind::user_defined2()),
        // a limit on the size of files is reached: the write fails, and says so
        ("SIGXFSZ", SignalKind::from_raw(SIGXFSZ)),
    ] {
        match signal(kind) {
            Ok(mut signals) => {
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        tracing::info!("{name} is ignored");
                    }
                });
            }
            Err(error) => tracing::warn!("{name} would end the process: {error}"),
        }
    }
    hear_hangups()
}

/// Counts SIGHUP for whoever subscribes.
fn hear_hangups() -> Hangups {
    let hangups = Hangups::new(0);
    match signal(SignalKind::hangup()) {
        Ok(mut signals) => {
            let told = hangups.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    tracing::info!("SIGHUP: what can be read anew is read");
                    told.send_modify(|count| *count += 1);
                }
            });
        }
        Err(error) => tracing::warn!("SIGHUP would end the process: {error}"),
    }
    hangups
}
