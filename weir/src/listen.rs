//! Addresses that are taken before anything else, and the signals that the process hears.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

/// Its number on Linux and macOS.
const SIGXFSZ: i32 = 25;

/// How long requests that are being answered may take once the process is told to stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Signals to stop that come this soon after the first say the same: `timeout` and others signal the process and its group.
const SAME_STOP: Duration = Duration::from_millis(500);

/// Takes an address. Loopback is for everybody on this machine; other addresses are for anyone who
/// reaches them, which has to be said.
pub fn bind(address: SocketAddr, insecure: bool) -> Result<TcpListener, String> {
    if !address.ip().is_loopback() && !insecure {
        return Err(format!(
            "{address} is reachable from elsewhere and there is no authentication: \
             say --insecure if that is meant, or listen on 127.0.0.1"
        ));
    }
    weir_http::bind(address).map_err(|e| format!("cannot listen on {address}: {e}"))
}

/// SIGTERM and SIGINT (Ctrl-C), from when this is made.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub fn new() -> Result<StopSignals, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("cannot hear signals: {error}"));
        let terminate = listen(SignalKind::terminate())?;
        Ok(StopSignals { terminate, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Returns when the process is told to stop, once for each time.
    pub async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
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

/// From now on these do not end the process. They are sent where a terminal is closed, or by those who expect that logs are
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

/// SIGHUP is for whoever subscribes.
fn hear_hangups() -> Hangups {
    let hangups = Hangups::new(0);
    match signal(SignalKind::hangup()) {
        Ok(mut signals) => {
            let told = hangups.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    if told.receiver_count() == 0 {
                        tracing::info!(
                            "SIGHUP is ignored: there is no certificate to be read anew"
                        );
                    }
                    told.send_modify(|count| *count += 1);
                }
            });
        }
        Err(error) => tracing::warn!("SIGHUP would end the process: {error}"),
    }
    hangups
}
