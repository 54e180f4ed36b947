//! The time that a client has until a request's head is there, without a timer for each request: setting one
//! takes a lock that all connections share.
#![expect(clippy::disallowed_types, reason = "hyper's timers count in it")]

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

use crate::exchange::Exchange;

/// A connection's own timer. hyper asks it for a deadline at each request and drops it once the
/// head is there; underneath, one timer of the runtime is moved only when it has run out.
///
/// A connection may be idle for longer than a head may take once its first byte is there. That hyper asks is also how a
/// connection knows that its last request is answered, and that it waits.
pub(crate) struct HeadTimer(Arc<ConnectionTimer>);

struct ConnectionTimer {
    sleep: Mutex<Pin<Box<tokio::time::Sleep>>>,
    idle_timeout: Duration,
    header_timeout: Duration,
    exchange: Arc<Exchange>,
}

impl HeadTimer {
    /// For deadlines that are the idle time-out away when they are asked for.
    pub(crate) fn new(exchange: Arc<Exchange>) -> HeadTimer {
        let limits = &exchange.shared().limits;
        let (idle_timeout, header_timeout) = (limits.idle_timeout, limits.header_timeout);
        let sleep = Mutex::new(Box::pin(tokio::time::sleep(idle_timeout)));
        HeadTimer(Arc::new(ConnectionTimer { sleep, idle_timeout, header_timeout, exchange }))
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let now = deadline.checked_sub(self.0.idle_timeout).unwrap_or(deadline);
        self.0.exchange.begin_waiting(now);
        Box::pin(Deadline { timer: self.0.clone(), deadline, head_has_begun: false })
    }
}

struct Deadline {
    timer: Arc<ConnectionTimer>,
    deadline: Instant,
    /// Whether the first byte of the head was there when this was looked at.
    head_has_begun: bool,
}

impl Sleep for Deadline {}

impl Future for Deadline {
    type Output = ();

    /// hyper polls it when it has read what is there, and the head is not whole.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.clone();
        let mut sleep = timer.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.head_has_begun && timer.exchange.head_has_begun() {
            self.head_has_begun = true;
            self.deadline = self.deadline.min(Instant::now() + timer.header_timeout);
            sleep.as_mut().reset(self.deadline.into());
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if Instant::now() >= self.deadline {
                if self.head_has_begun {
                    let shared = timer.exchange.shared();
                    shared.slow_heads.fetch_add(1, Ordering::Relaxed);
                }
                return Poll::Ready(());
            }
            sleep.as_mut().reset(self.deadline.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Connection;
    use crate::limits::Limits;
    use crate::shared::{Shared, Site};

    fn timer(idle_timeout: Duration, header_timeout: Duration) -> HeadTimer {
        let limits = Limits { idle_timeout, header_timeout, ..Limits::for_descriptors(64) };
        let shared = Arc::new(Shared::new(limits));
        let site = Arc::new(Site::new(shared, "127.0.0.1:1".parse().unwrap(), false));
        let (connection, _) = Connection::new("127.0.0.1:2".parse().unwrap(), site);
        HeadTimer::new(Exchange::in_turn(connection))
    }

    #[tokio::test]
    async fn a_head_that_has_begun_has_less_time_than_an_idle_connection() {
        let (idle, head) = (Duration::from_secs(3_600), Duration::from_millis(20));
        let timer = timer(idle, head);
        let mut waiting = timer.sleep(idle);
        assert!(tokio::time::timeout(head * 2, &mut waiting).await.is_err());
        timer.0.exchange.has_come();
        let begun = Instant::now();
        waiting.await;
        assert!(begun.elapsed() >= head);
    }

    #[tokio::test]
    async fn each_deadline_is_kept_whatever_came_before() {
        let shortest = Duration::from_millis(20);
        let timer = timer(shortest, shortest * 10);
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
