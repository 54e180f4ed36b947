//! How many clients of librdkafka there may be at once. Each has threads and descriptors, and librdkafka
//! ends the process where it gets no thread: so what is left is measured before a client is made, and what
//! those that exist have not taken yet is kept for them.

mod system;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::error::KafkaError;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::ProxyError;
use system::{Limit, Measured, can_start_threads};

/// Brokers of a cluster of which nothing is known yet.
const BROKERS_ASSUMED: usize = 3;

/// Clients of consumer instances where neither threads nor descriptors are short: each is half a megabyte.
const CONNECTED_MAX: usize = 1000;

/// Consumers lent to reads without an instance.
const READERS_MAX: usize = 16;

/// Threads that are left to others, of a limit that has room for them: the runtime's blocking calls.
const THREADS_SPARE: usize = 64;

/// Threads that are left when a client is made; fewer of a small limit.
const THREADS_MARGIN: usize = 8;

/// Descriptors that are left when a client is made.
const DESCRIPTORS_MARGIN: usize = 16;

/// How long a measurement counts. Clients that are made meanwhile count with all that they may need.
const MEASURED_FOR: Duration = Duration::from_millis(250);

/// How often those who wait for a client look whether there is room for another reason than one that is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a client of librdkafka is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A consumer instance.
    Instance,
    /// Reads without an instance.
    Read,
    /// Producing.
    Produce,
    /// Questions about the cluster.
    Ask,
}

/// Threads and descriptors that a client may need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Need {
    threads: usize,
    descriptors: usize,
    /// Threads with a pair of descriptors to wake them.
    broker_threads: usize,
}

impl Need {
    /// What a client needs in a cluster with so many brokers, each of which has a thread.
    fn of(purpose: Purpose, brokers: usize) -> Need {
        let broker_threads = 1 + brokers + usize::from(purpose.has_coordinator());
        // the main thread, and one that polls a producer or waits for a consumer to leave its group
        let threads = broker_threads + 2;
        // a pair for each broker's thread, and a connection for each but the one that has no broker
        let descriptors = broker_threads * 3 - 1;
        Need { threads, descriptors, broker_threads }
    }

    fn plus(self, other: Need) -> Need {
        Need {
            threads: self.threads + other.threads,
            descriptors: self.descriptors + other.descriptors,
            broker_threads: self.broker_threads + other.broker_threads,
        }
    }

    fn minus(self, other: Need) -> Need {
        Need {
            threads: self.threads.saturating_sub(other.threads),
            descriptors: self.descriptors.saturating_sub(other.descriptors),
            broker_threads: self.broker_threads.saturating_sub(other.broker_threads),
        }
    }

    fn times(self, count: usize) -> Need {
        Need {
            threads: self.threads * count,
            descriptors: self.descriptors * count,
            broker_threads: self.broker_threads * count,
        }
    }
}

impl Purpose {
    fn has_coordinator(self) -> bool {
        matches!(self, Purpose::Instance | Purpose::Read)
    }
}

/// The clients of librdkafka that this proxy has.
pub(crate) struct Clients {
    /// What the settings say of those of instances.
    connected_max: Option<usize>,
    counts: Mutex<Counts>,
    /// Held while a client's room is looked for.
    measured: Mutex<Option<(Instant, Measured)>>,
    /// Whose turn it is to measure.
    turn: tokio::sync::Mutex<()>,
    /// Brokers that a client may have threads for.
    brokers: AtomicUsize,
    refused: AtomicU64,
    /// A client is gone.
    freed: Notify,
    /// Somebody waits for the client of another instance.
    wanted: Notify,
    waiting: AtomicUsize,
    /// Clients that are ending.
    leaving: AtomicUsize,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    instances: usize,
    reads: usize,
    others: usize,
}

impl Counts {
    fn of(&mut self, purpose: Purpose) -> &mut usize {
        match purpose {
            Purpose::Instance => &mut self.instances,
            Purpose::Read => &mut self.reads,
            Purpose::Produce | Purpose::Ask => &mut self.others,
        }
    }
}

/// The right to one client, which ends when this is dropped: after the client.
pub(crate) struct Permit {
    clients: Arc<Clients>,
    purpose: Purpose,
    is_leaving: AtomicBool,
}

impl Permit {
    /// The client has begun to end, which takes a while.
    pub(crate) fn note_leaving(&self) {
        if !self.is_leaving.swap(true, Ordering::SeqCst) {
            self.clients.leaving.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if *self.is_leaving.get_mut() {
            self.clients.leaving.fetch_sub(1, Ordering::SeqCst);
        }
        *lock(&self.clients.counts).of(self.purpose) -= 1;
        self.clients.freed.notify_one();
    }
}

impl Clients {
    /// `connected_max`: of consumer instances; what there is room for, if nothing is said.
    pub(crate) fn new(connected_max: Option<usize>) -> Arc<Clients> {
        Arc::new(Clients {
            connected_max,
            counts: Mutex::default(),
            measured: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            brokers: AtomicUsize::new(BROKERS_ASSUMED),
            refused: AtomicU64::new(0),
            freed: Notify::new(),
            wanted: Notify::new(),
            waiting: AtomicUsize::new(0),
            leaving: AtomicUsize::new(0),
        })
    }

    /// So many brokers may each have a thread of a client; those of them that the settings name may be the
    /// same by another name.
    pub(crate) fn note_brokers(&self, brokers: usize) {
        self.brokers.store(brokers.max(1), Ordering::Relaxed);
    }

    /// The right to a client now. Blocks while it measures. 50301.
    pub(crate) fn take(self: &Arc<Clients>, purpose: Purpose) -> Result<Permit, ProxyError> {
        let crowded = |reason| ProxyError::TooManyClients { reason };
        let mut measured = lock(&self.measured);
        if measured.as_ref().is_none_or(|(at, _)| at.elapsed() >= MEASURED_FOR) {
            *measured = Some((Instant::now(), Measured::now()));
        }
        let found = measured.as_ref().map(|(_, found)| found.clone()).unwrap_or_default();
        let counts = *lock(&self.counts);
        self.is_allowed(purpose, counts, &found).map_err(crowded)?;
        self.room(purpose, counts, &found).map_err(crowded)?;
        let threads = Need::of(purpose, self.brokers()).threads + margin(&found.threads);
        if !can_start_threads(threads) {
            return Err(crowded("no more threads can be started".to_string()));
        }
        *lock(&self.counts).of(purpose) += 1;
        Ok(Permit { clients: self.clone(), purpose, is_leaving: AtomicBool::new(false) })
    }

    /// As [`Clients::take`], which blocks, on a thread that may.
    async fn take_beside(self: &Arc<Clients>, purpose: Purpose) -> Result<Permit, ProxyError> {
        // many may wait: most of them learn without a measurement that it is not their turn
        let found = lock(&self.measured).as_ref().map(|(_, found)| found.clone());
        if let Some(found) = found {
            let counts = *lock(&self.counts);
            let allowed = self.is_allowed(purpose, counts, &found);
            allowed.map_err(|reason| ProxyError::TooManyClients { reason })?;
        }
        // one at a time, so that those who wait take no threads to do so
        let _turn = self.turn.lock().await;
        let clients = self.clone();
        let taken = tokio::task::spawn_blocking(move || clients.take(purpose)).await;
        taken.map_err(|_| ProxyError::Internal)?
    }

    /// The right to a client, for which room is made where that can be done in time. 50301.
    pub(crate) async fn wait(
        self: &Arc<Clients>,
        purpose: Purpose,
        until: tokio::time::Instant,
    ) -> Result<Permit, ProxyError> {
        let _waiting = Waiting::new(self);
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let error = match self.take_beside(purpose).await {
                Err(error @ ProxyError::TooManyClients { .. }) => error,
                taken => return taken,
            };
            if tokio::time::Instant::now() >= until {
                return Err(error);
            }
            self.wanted.notify_one();
            tokio::select! {
                () = &mut freed => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// Waits until somebody wants a client for which there is no room, and says how many have to be given up.
    pub(crate) async fn wanted(&self) -> usize {
        loop {
            self.wanted.notified().await;
            let waiting = self.waiting.load(Ordering::SeqCst);
            let wanted = waiting.saturating_sub(self.leaving.load(Ordering::SeqCst));
            if wanted > 0 {
                return wanted;
            }
        }
    }

    /// A request was refused because there was no room for its client.
    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many instances may have a client, as far as was measured.
    pub(crate) fn connected_max(&self) -> usize {
        let measured = lock(&self.measured).as_ref().map(|(_, found)| found.clone());
        self.most(&measured.unwrap_or_default())
    }

    fn brokers(&self) -> usize {
        self.brokers.load(Ordering::Relaxed)
    }

    fn most(&self, found: &Measured) -> usize {
        let most = self.connected_max;
        most.unwrap_or_else(|| affordable(found, Need::of(Purpose::Instance, self.brokers())))
    }

    /// Whether there may be one more by their number; if not, the reason.
    fn is_allowed(&self, purpose: Purpose, counts: Counts, found: &Measured) -> Result<(), String> {
        let most = match purpose {
            Purpose::Instance => self.most(found),
            Purpose::Read => READERS_MAX,
            Purpose::Produce | Purpose::Ask => usize::MAX,
        };
        let (mut counts, is_read) = (counts, purpose == Purpose::Read);
        if *counts.of(purpose) < most {
            return Ok(());
        }
        let what = if is_read { "reads" } else { "consumer instances" };
        Err(format!("{most} {what} have one, as many as may at once"))
    }

    /// Whether there are threads and descriptors for one more; if not, the reason.
    fn room(&self, purpose: Purpose, counts: Counts, found: &Measured) -> Result<(), String> {
        // what those that exist may still take
        let of = |purpose, count| Need::of(purpose, self.brokers()).times(count);
        let all = of(Purpose::Instance, counts.instances)
            .plus(of(Purpose::Read, counts.reads))
            .plus(of(Purpose::Produce, counts.others));
        let taken = Need {
            threads: found.client_threads,
            descriptors: found.broker_threads * 2,
            broker_threads: found.broker_threads,
        };
        let missing = all.minus(taken).plus(Need::of(purpose, self.brokers()));
        has(&found.threads, missing.threads + margin(&found.threads), "threads")?;
        has(&found.descriptors, missing.descriptors + DESCRIPTORS_MARGIN, "descriptors")
    }
}

/// As many clients as threads and descriptors allow, half of which are for connections and files.
fn affordable(found: &Measured, need: Need) -> usize {
    let of = |limit: &Option<Limit>, spare: usize, each: usize| {
        limit.as_ref().map_or(usize::MAX, |limit| {
            // a quarter of a small limit, as it is with nothing measured but this
            limit.max.saturating_sub(spare.min(limit.max / 4)) / each
        })
    };
    let threads = of(&found.threads, THREADS_SPARE, need.threads);
    let descriptors = found.descriptors.as_ref().map_or(usize::MAX, |limit| limit.max / 2);
    threads.min(descriptors / need.descriptors).clamp(1, CONNECTED_MAX)
}

fn margin(threads: &Option<Limit>) -> usize {
    threads.as_ref().map_or(THREADS_MARGIN, |limit| THREADS_MARGIN.min(limit.max / 16))
}

fn has(limit: &Option<Limit>, needed: usize, what: &str) -> Result<(), String> {
    match limit {
        Some(Limit { name, max, left }) if *left < needed => Err(format!(
            "another client of Kafka may need {needed} {what} with those before it, and {left} are left of {max} ({name})"
        )),
        _ => Ok(()),
    }
}

/// That a client has no room, where it is made at the start.
pub(crate) fn not_made(error: ProxyError) -> KafkaError {
    KafkaError::ClientCreation(error.to_string())
}

/// Counts somebody who waits.
struct Waiting<'a>(&'a Clients);

impl<'a> Waiting<'a> {
    fn new(clients: &'a Clients) -> Waiting<'a> {
        clients.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(clients)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(max: usize, left: usize) -> Option<Limit> {
        Some(Limit { name: "of a test".to_string(), max, left })
    }

    fn found(threads: Option<Limit>, descriptors: Option<Limit>) -> Measured {
        Measured { threads, descriptors, ..Measured::default() }
    }

    #[test]
    fn a_consumer_of_one_broker_needs_four_threads_and_one_to_leave() {
        let need = Need::of(Purpose::Instance, 1);
        assert_eq!((need.threads, need.descriptors), (5, 8));
        assert_eq!(Need::of(Purpose::Produce, 3).threads, 6);
    }

    #[test]
    fn the_default_follows_from_threads_and_descriptors() {
        let need = Need::of(Purpose::Instance, 1);
        let of = |threads, descriptors| affordable(&found(threads, descriptors), need);
        assert_eq!(of(limit(300, 290), limit(20_000, 19_000)), (300 - 64) / 5);
        assert_eq!(of(limit(100_000, 90_000), limit(1024, 1000)), 512 / 8);
        assert_eq!(of(None, None), CONNECTED_MAX);
        assert_eq!(of(limit(8, 1), None), 1);
    }

    #[test]
    fn what_clients_have_not_taken_yet_is_kept_for_them() {
        let clients = Clients::new(Some(100));
        clients.note_brokers(1);
        let counts = |instances| Counts { instances, ..Counts::default() };
        // ten clients that have started none of their threads need 50, and the next 5
        let found = |left| found(limit(1000, left), None);
        assert!(clients.room(Purpose::Instance, counts(10), &found(55 + 8)).is_ok());
        let refused = clients.room(Purpose::Instance, counts(10), &found(55 + 7)).unwrap_err();
        assert!(refused.contains("62 are left of 1000"), "{refused}");
        // those that have started theirs need the next's, and the threads to leave
        let started = Measured { client_threads: 40, broker_threads: 30, ..found(15 + 8) };
        assert!(clients.room(Purpose::Instance, counts(10), &started).is_ok());
    }

    #[test]
    fn no_more_clients_than_the_setting_says() {
        let clients = Clients::new(Some(1));
        let one = clients.take(Purpose::Instance).unwrap();
        assert!(clients.take(Purpose::Instance).is_err());
        assert!(clients.take(Purpose::Produce).is_ok());
        drop(one);
        assert!(clients.take(Purpose::Instance).is_ok());
    }

    #[tokio::test]
    async fn who_waits_gets_the_client_that_is_given_up() {
        let clients = Clients::new(Some(1));
        let one = clients.take(Purpose::Instance).unwrap();
        let far = tokio::time::Instant::now() + Duration::from_secs(60);
        let waiting = tokio::spawn({
            let clients = clients.clone();
            async move { clients.wait(Purpose::Instance, far).await.is_ok() }
        });
        assert_eq!(clients.wanted().await, 1);
        drop(one);
        assert!(waiting.await.unwrap());
        let now = tokio::time::Instant::now();
        let one = clients.take(Purpose::Instance).unwrap();
        assert!(clients.wait(Purpose::Instance, now).await.is_err());
        drop(one);
    }
}
