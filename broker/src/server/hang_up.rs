//! The end of a client that waits for an answer.

use std::time::Duration;

use tokio::io::Interest;
use tokio::net::tcp::ReadHalf;
use tokio::time::sleep;

/// A client that has ended what it sends may still read the answer, if that comes so soon. One that is gone looks alike.
const HALF_CLOSED_MAX: Duration = Duration::from_secs(1);
/// How often a socket is looked at in which further requests wait.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Returns when the client is gone, whatever it has sent before. Reads nothing.
pub async fn hung_up(socket: &ReadHalf<'_>) {
    loop {
        let Ok(ready) = socket.ready(Interest::READABLE | Interest::ERROR).await else { return };
        if ready.is_error() {
            return;
        }
        if ready.is_read_closed() {
            break;
        }
        sleep(LOOK_INTERVAL).await;
    }
    sleep(HALF_CLOSED_MAX).await;
}
