//! The time that a client has for a request's headers, without a timer for each request: setting one
//! takes a lock that all connections share.
#![expect(clippy::disallowed_types, reason = "hyper's timers count in it")]

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

use crate::connection::Connection;

/// A connection's own timer. hyper asks it for a deadline at each request and drops it once the
/// headers are there; underneath, one timer of the runtime is moved only when it has run out.
///
/// That hyper asks is also how a connection knows that its last request is answered, and that it waits.
pub(crate) struct HeadTimer {
    timer: Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>,
    timeout: Duration,
    connection: Arc<Connection>,
}

impl HeadTimer {
    /// For deadlines that are `timeout` away when they are asked for.
    pub(crate) fn new(timeout: Duration, connection: Arc<Connection>) -> HeadTimer {
        let timer = Arc::new(Mutex::new(Box::pin(tokio::time::sleep(timeout))));
        HeadTimer { timer, timeout, connection }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let now = deadline.checked_sub(self.timeout).unwrap_or(deadline);
        self.connection.begin_waiting(now);
        Box::pin(Deadline { timer: Arc::clone(&self.timer), deadline })
    }
}

struct Deadline {
    timer: Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>,
    deadline: Instant,
}

impl Sleep for Deadline {}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(self.deadline.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::shared::{Shared, Site};

    fn connection() -> Arc<Connection> {
        let shared = Arc::new(Shared::new(Limits::for_descriptors(64)));
        let site = Arc::new(Site::new(shared, "127.0.0.1:1".parse().unwrap(), false));
        Connection::new("127.0.0.1:2".parse().unwrap(), site).0
    }

    #[tokio::test]
    async fn each_deadline_is_kept_whatever_came_before() {
        let shortest = Duration::from_millis(20);
        let timer = HeadTimer::new(shortest, connection());
        let start = Instant::now();
        drop(timer.sleep(shortest)); // headers that came in time
        for _ in 0..3 {
            let asked = Instant::now();
            timer.sleep(shortest * 2).await;
            assert!(asked.elapsed() >= shortest * 2);
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
