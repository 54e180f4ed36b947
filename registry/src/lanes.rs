//! Where work goes that may take long: beside the runtime's workers, in turns.
//!
//! Everybody's short work comes before anybody's long, and clients take turns: whoever asks much waits
//! for himself. Nothing says of a request beforehand how long it takes, not even its size, so that work
//! begins with few steps; what needs more begins again where more are granted: first on the request's own
//! task, then in a lane for short work, then in one for long.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::Extensions;
use tokio::sync::oneshot;
use weir_registry_api::RegistryError;
use weir_schema::{Budget, Limits, OverBudget};

/// What is done on a request's own task: about a millisecond.
pub(crate) const INLINE: Limits = Limits { steps: 20_000, bytes: 4 << 20 };

/// Steps of work that is short: some 50 ms.
pub(crate) const SHORT_STEPS: u64 = 1_000_000;

/// Requests that wait for a lane, in all and of one client. Each holds its body.
const WAITING_MAX: usize = 256;
const WAITING_OF_CLIENT_MAX: usize = 64;

/// Who asks, as far as turns go: an address, of IPv6 the network, which is one host's to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    /// Whoever has no address is one client with all others who have none.
    pub(crate) fn of(extensions: &Extensions) -> Client {
        match weir_http::client_address(extensions) {
            None => Client(Ipv4Addr::UNSPECIFIED.into()),
            Some(IpAddr::V6(address)) => {
                let network = u128::from(address) >> 64 << 64;
                Client(Ipv6Addr::from(network).into())
            }
            Some(address) => Client(address),
        }
    }
}

/// A request, and what it has used: all that it asks for, one thing after the other, is paid from the
/// steps of one request.
pub(crate) struct Asker {
    pub(crate) client: Client,
    steps: AtomicU64,
}

impl Asker {
    pub(crate) fn of(extensions: &Extensions) -> Asker {
        Asker { client: Client::of(extensions), steps: AtomicU64::new(0) }
    }

    pub(crate) fn has_used(&self, steps: u64) {
        self.steps.fetch_add(steps, Relaxed);
    }

    /// Steps that are left of so many.
    pub(crate) fn left_of(&self, steps: u64) -> u64 {
        steps.saturating_sub(self.steps.load(Relaxed))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Short,
    Long,
}

/// The lanes of one registry.
pub(crate) struct Lanes {
    queue: Mutex<Queue>,
    pub(crate) limits: Limits,
    pub(crate) counts: Counts,
}

/// What the metrics count, since the start.
#[derive(Default)]
pub(crate) struct Counts {
    /// Requests that were told to come back later.
    pub(crate) refused: AtomicU64,
    /// Requests whose clients did not wait for the answer.
    pub(crate) abandoned: AtomicU64,
    /// Requests that wanted more than one may use.
    pub(crate) over_budget: AtomicU64,
    /// Those of them that wanted more memory, and not more work.
    pub(crate) over_bytes: AtomicU64,
}

struct Queue {
    /// How many lanes there are: two at least, so that short work never waits for long.
    lanes: usize,
    short: Waiting,
    long: Waiting,
}

/// Who waits for one class of lanes.
#[derive(Default)]
struct Waiting {
    running: usize,
    of_clients: HashMap<Client, VecDeque<oneshot::Sender<Turn>>>,
    /// Clients that wait, the next first.
    turns: VecDeque<Client>,
    count: usize,
}

/// A lane while it is used.
pub(crate) struct Turn {
    lanes: Arc<Lanes>,
    class: Class,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queue = self.lanes.queue();
        queue.of(self.class).running -= 1;
        self.lanes.start_waiting(queue);
    }
}

impl Lanes {
    pub(crate) fn new(limits: Limits) -> Lanes {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Lanes::with(limits, processors.max(2))
    }

    fn with(limits: Limits, lanes: usize) -> Lanes {
        let queue = Queue { lanes, short: Waiting::default(), long: Waiting::default() };
        Lanes { queue: Mutex::new(queue), limits, counts: Counts::default() }
    }

    /// Waits for a lane. 503 if too many wait already.
    pub(crate) async fn turn(
        self: &Arc<Lanes>,
        client: Client,
        class: Class,
    ) -> Result<Turn, RegistryError> {
        let turn = {
            let mut queue = self.queue();
            let Some(turn) = queue.wait(client, class) else {
                self.counts.refused.fetch_add(1, Relaxed);
                return Err(RegistryError::Busy);
            };
            self.start_waiting(queue);
            turn
        };
        turn.await.map_err(|_| RegistryError::Internal)
    }

    /// Gives lanes to those whose turn it is. A lane that nobody takes any more comes back here, so that
    /// none is given while the queue is locked.
    fn start_waiting(self: &Arc<Lanes>, mut queue: MutexGuard<'_, Queue>) {
        let mut given = Vec::new();
        while let Some((class, waiting)) = queue.next() {
            if waiting.is_closed() {
                continue; // gone
            }
            queue.of(class).running += 1;
            given.push((waiting, Turn { lanes: Arc::clone(self), class }));
        }
        drop(queue);
        for (waiting, turn) in given {
            let _ = waiting.send(turn); // one that has gone drops its turn
        }
    }

    /// Lanes that are used, and requests that wait for one.
    pub(crate) fn load(&self) -> (usize, usize) {
        let queue = self.queue();
        (queue.short.running + queue.long.running, queue.short.count + queue.long.count)
    }

    /// What is behind the lock is whole at any time.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn of(&mut self, class: Class) -> &mut Waiting {
        match class {
            Class::Short => &mut self.short,
            Class::Long => &mut self.long,
        }
    }

    /// Takes a place in the queue; none if there is none left.
    fn wait(&mut self, client: Client, class: Class) -> Option<oneshot::Receiver<Turn>> {
        let of_client = |queue: &Queue| {
            let of = |waiting: &Waiting| waiting.of_clients.get(&client).map_or(0, VecDeque::len);
            of(&queue.short) + of(&queue.long)
        };
        let is_full = |queue: &Queue| {
            queue.short.count + queue.long.count >= WAITING_MAX
                || of_client(queue) >= WAITING_OF_CLIENT_MAX
        };
        if is_full(self) {
            self.short.forget_gone();
            self.long.forget_gone();
            if is_full(self) {
                return None;
            }
        }
        let (turn, waiting) = oneshot::channel();
        let queue = self.of(class);
        let of_client = queue.of_clients.entry(client).or_default();
        if of_client.is_empty() {
            queue.turns.push_back(client);
        }
        of_client.push_back(turn);
        queue.count += 1;
        Some(waiting)
    }

    /// Who is next, if there is a lane: short work first. Neither kind gets all lanes while the other
    /// waits.
    fn next(&mut self) -> Option<(Class, oneshot::Sender<Turn>)> {
        let running = self.short.running + self.long.running;
        if running >= self.lanes {
            return None;
        }
        let shared = self.lanes - 1;
        if (self.short.running < shared || self.long.count == 0)
            && let Some(next) = self.short.next()
        {
            return Some((Class::Short, next));
        }
        match self.long.running < shared {
            true => self.long.next().map(|next| (Class::Long, next)),
            false => None,
        }
    }
}

impl Waiting {
    /// The first of the client whose turn it is, who goes to the end.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let client = self.turns.pop_front()?;
        let of_client = self.of_clients.get_mut(&client)?;
        let next = of_client.pop_front()?;
        self.count -= 1;
        match of_client.is_empty() {
            true => drop(self.of_clients.remove(&client)),
            false => self.turns.push_back(client),
        }
        Some(next)
    }

    fn forget_gone(&mut self) {
        for of_client in self.of_clients.values_mut() {
            of_client.retain(|waiting| !waiting.is_closed());
        }
        self.of_clients.retain(|_, of_client| !of_client.is_empty());
        self.turns.retain(|client| self.of_clients.contains_key(client));
        self.count = self.of_clients.values().map(VecDeque::len).sum();
    }
}

/// Ends work when nobody waits for it any more: when the request's future is dropped before it is done.
pub(crate) struct Watch<'l> {
    lanes: &'l Lanes,
    budget: Budget,
    is_done: bool,
}

impl<'l> Watch<'l> {
    pub(crate) fn new(lanes: &'l Lanes, limits: Limits) -> Watch<'l> {
        Watch { lanes, budget: Budget::new(limits), is_done: false }
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget.clone()
    }

    /// Why what was made is not to be used, if it is not.
    pub(crate) fn done(mut self) -> Option<OverBudget> {
        self.is_done = true;
        self.budget.over()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.budget.cancel();
            self.lanes.counts.abandoned.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::*;

    const A: Client = Client(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
    const B: Client = Client(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)));

    fn lanes() -> Arc<Lanes> {
        Arc::new(Lanes::with(INLINE, 2))
    }

    /// Asks once, so that it takes its place in the queue.
    fn is_waiting(asking: Pin<&mut impl Future>) -> bool {
        asking.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// The next of some that wait, in the order in which they get their lane.
    async fn order(
        lanes: &Arc<Lanes>,
        asked: &[(&'static str, Client, Class)],
        first: Turn,
    ) -> Vec<&'static str> {
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        for (name, client, class) in asked.iter().copied() {
            let (lanes, told) = (Arc::clone(lanes), told.clone());
            let mut asking = Box::pin(async move {
                let turn = lanes.turn(client, class).await.unwrap();
                told.send((name, turn)).unwrap();
            });
            assert!(is_waiting(asking.as_mut()));
            tokio::spawn(asking);
        }
        drop((first, told));
        let mut names = Vec::new();
        while let Some((name, turn)) = heard.recv().await {
            names.push(name);
            drop(turn);
        }
        names
    }

    #[tokio::test]
    async fn clients_take_turns() {
        let lanes = lanes();
        let first = lanes.turn(A, Class::Long).await.unwrap();
        let long = Class::Long;
        let asked =
            [("a1", A, long), ("a2", A, long), ("a3", A, long), ("b1", B, long), ("b2", B, long)];
        assert_eq!(order(&lanes, &asked, first).await, ["a1", "b1", "a2", "b2", "a3"]);
    }

    #[tokio::test]
    async fn short_work_does_not_wait_for_long() {
        let lanes = lanes();
        let _long = lanes.turn(A, Class::Long).await.unwrap();
        let mut another = Box::pin(lanes.turn(A, Class::Long));
        assert!(is_waiting(another.as_mut()), "long work has one lane of two");
        for _ in 0..3 {
            lanes.turn(B, Class::Short).await.unwrap();
        }
        assert_eq!(lanes.load(), (1, 1));
    }

    #[tokio::test]
    async fn who_has_gone_gets_no_lane_and_who_comes_too_late_no_place() {
        let lanes = lanes();
        let long = lanes.turn(A, Class::Long).await.unwrap();
        let mut gone = Box::pin(lanes.turn(A, Class::Long));
        assert!(is_waiting(gone.as_mut()));
        drop(gone);
        let mut waiting = Vec::new();
        for _ in 0..WAITING_OF_CLIENT_MAX {
            let mut asking = Box::pin(lanes.turn(A, Class::Long));
            assert!(is_waiting(asking.as_mut()));
            waiting.push(asking);
        }
        assert_eq!(lanes.turn(A, Class::Long).await.err(), Some(RegistryError::Busy));
        assert_eq!(lanes.counts.refused.load(Relaxed), 1);
        lanes.turn(B, Class::Short).await.unwrap();
        drop(long);
        let next = tokio::time::timeout(Duration::from_secs(60), waiting.remove(0)).await;
        assert!(next.is_ok_and(|turn| turn.is_ok()));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_told_so() {
        let lanes = lanes();
        let watch = Watch::new(&lanes, INLINE);
        let budget = watch.budget();
        assert!(budget.spend(1));
        drop(watch);
        assert!(!budget.spend(1));
        assert_eq!(lanes.counts.abandoned.load(Relaxed), 1);
    }
}
