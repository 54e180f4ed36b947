//! Whose turn it is to drive an instance's client of Kafka. A read that waits for records has the turn, and gives way
//! to every other request, which interrupts it. The turn guards no data: nobody has it while records are rendered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::futures::Notified;
use tokio::sync::{Mutex, MutexGuard, Notify};

#[derive(Default)]
pub(super) struct Turn {
    holder: Mutex<()>,
    /// Requests other than reads that want the turn.
    wanted: AtomicUsize,
    interrupt: Notify,
    /// No read waits any more: the instance is removed, or the process ends.
    is_ending: AtomicBool,
}

/// The turn, until this is dropped.
pub(super) type Held<'a> = MutexGuard<'a, ()>;

impl Turn {
    /// For a read: waits until it is its turn.
    pub(super) async fn take(&self) -> Held<'_> {
        self.holder.lock().await
    }

    /// For work between requests: None if somebody has the turn.
    pub(super) fn try_take(&self) -> Option<Held<'_>> {
        self.holder.try_lock().ok()
    }

    /// For a request that does not read: a read that waits gives way to it.
    pub(super) async fn take_over(&self) -> Held<'_> {
        let _wanted = Wanted::new(&self.wanted);
        self.interrupt();
        self.holder.lock().await
    }

    /// For a read: lets those go first who have asked for the turn meanwhile.
    pub(super) async fn give_way<'a>(&'a self, held: Held<'a>) -> Held<'a> {
        if self.wanted.load(Ordering::SeqCst) == 0 {
            return held;
        }
        drop(held);
        self.holder.lock().await
    }

    /// Resolves when a read that waits is to look at what has changed. To be enabled before it looks.
    pub(super) fn interrupted(&self) -> Notified<'_> {
        self.interrupt.notified()
    }

    pub(super) fn interrupt(&self) {
        self.interrupt.notify_waiters();
    }

    /// Reads that wait are answered with what there is, now and from now on.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.interrupt();
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }
}

/// Counts a request that wants the turn while this lives.
struct Wanted<'a>(&'a AtomicUsize);

impl<'a> Wanted<'a> {
    fn new(count: &'a AtomicUsize) -> Wanted<'a> {
        count.fetch_add(1, Ordering::SeqCst);
        Wanted(count)
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    /// Waits for a minute, giving way to others. Returns how often it was interrupted.
    async fn read(turn: &Turn) -> usize {
        let over = sleep(Duration::from_secs(60));
        tokio::pin!(over);
        let mut interruptions = 0;
        let mut held = turn.take().await;
        while !turn.is_ending() {
            let interrupted = turn.interrupted();
            tokio::pin!(interrupted);
            interrupted.as_mut().enable();
            held = turn.give_way(held).await;
            tokio::select! {
                () = &mut interrupted => interruptions += 1,
                () = &mut over => break,
            }
        }
        drop(held);
        interruptions
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_waits_gives_way_to_other_requests() {
        let turn = Turn::default();
        let others = async {
            for _ in 0..3 {
                sleep(Duration::from_secs(1)).await;
                let held = timeout(Duration::from_secs(1), turn.take_over()).await;
                assert!(held.is_ok());
            }
        };
        let (interruptions, ()) = tokio::join!(read(&turn), others);
        assert!(interruptions >= 3, "{interruptions}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_waits_is_over_when_the_instance_ends() {
        let turn = Turn::default();
        let end = async {
            sleep(Duration::from_secs(1)).await;
            turn.end();
        };
        assert!(
            timeout(Duration::from_secs(2), async { tokio::join!(read(&turn), end) }).await.is_ok()
        );
    }

    #[tokio::test]
    async fn work_between_requests_does_not_wait_for_the_turn() {
        let turn = Turn::default();
        let held = turn.take().await;
        assert!(turn.try_take().is_none());
        drop(held);
        assert!(turn.try_take().is_some());
    }
}
