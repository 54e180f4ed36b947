//! The time that a client has for a request's headers, without a timer for each request: setting one
//! takes a lock that all connections share.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// A connection's own timer. hyper asks it for a deadline at each request and drops it once the
/// headers are there; underneath, one timer of the runtime is moved only when it has run out.
pub struct HeadTimer(Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>);

impl HeadTimer {
    /// For deadlines that are at least `shortest` away when they are asked for.
    pub fn new(shortest: Duration) -> HeadTimer {
        HeadTimer(Arc::new(Mutex::new(Box::pin(tokio::time::sleep(shortest)))))
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Deadline { timer: Arc::clone(&self.0), deadline })
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

    #[tokio::test]
    async fn each_deadline_is_kept_whatever_came_before() {
        let shortest = Duration::from_millis(20);
        let timer = HeadTimer::new(shortest);
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
