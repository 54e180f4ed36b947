//! Where passwords are hashed: beside the runtime, as many at a time as there are cores, within a bound of memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::hash::Stored;

/// Logins that wait for a core, at most: more are told to come again. At a twentieth of a second each, on two cores, the last one
/// waits for six seconds.
const WAITING_MAX: usize = 256;

/// The memory of all hashes that are being computed, in KiB. One hash takes at most this much (`MEMORY_KIB_MAX` of argon2id).
const MEMORY_KIB: u32 = 256 * 1024;

/// Too many logins wait already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// Hashes passwords.
pub(crate) struct Hashing {
    /// Those that wait, and those that are being computed.
    places: Arc<Semaphore>,
    /// Places that are kept for those who have logged in from where they are.
    own_places: Arc<Semaphore>,
    cores: Arc<Semaphore>,
    /// Cores that others may have: with them all at work, a login of somebody who is known there waits for one hash.
    others_cores: Arc<Semaphore>,
    memory_kib: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
}

/// What one computation holds until it has ended, whether or not somebody still waits for it.
struct Permits {
    _place: OwnedSemaphorePermit,
    _others_core: Option<OwnedSemaphorePermit>,
    _core: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
}

impl Hashing {
    pub(crate) fn new() -> Hashing {
        Hashing::bounded(std::thread::available_parallelism().map_or(1, usize::from), WAITING_MAX)
    }

    fn bounded(cores: usize, waiting: usize) -> Hashing {
        Hashing {
            places: Arc::new(Semaphore::new(cores + waiting)),
            own_places: Arc::new(Semaphore::new(cores + waiting)),
            cores: Arc::new(Semaphore::new(cores)),
            others_cores: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            memory_kib: Arc::new(Semaphore::new(MEMORY_KIB as usize)),
            computed: Arc::default(),
        }
    }

    /// Returns true if a password belongs to what is stored. `is_own` says that the user has logged in from there lately: a
    /// flood of others does not keep that one out.
    pub(crate) async fn matches(
        &self,
        stored: Arc<Stored>,
        password: String,
        is_own: bool,
    ) -> Result<bool, Busy> {
        let places = if is_own { &self.own_places } else { &self.places };
        let place = places.clone().try_acquire_owned().map_err(|_| Busy)?;
        let memory_kib = stored.cost().memory_kib();
        let permits = self.permits(place, memory_kib, is_own).await.map_err(|_| Busy)?;
        let computed = self.computed.clone();
        let hashing = tokio::task::spawn_blocking(move || {
            let matches = stored.matches(&password);
            computed.fetch_add(1, Ordering::Relaxed);
            drop(permits);
            matches
        });
        // a panic is no login
        Ok(hashing.await.unwrap_or(false))
    }

    /// How many passwords have been hashed.
    pub(crate) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// One that has no place for anybody.
    #[cfg(test)]
    pub(crate) fn full() -> Hashing {
        let none = || Arc::new(Semaphore::new(0));
        Hashing { places: none(), own_places: none(), ..Hashing::bounded(1, 0) }
    }

    /// An error is that the semaphores were closed, which nobody does.
    async fn permits(
        &self,
        place: OwnedSemaphorePermit,
        memory_kib: u32,
        is_own: bool,
    ) -> Result<Permits, AcquireError> {
        let others_core = match is_own {
            true => None,
            false => Some(self.others_cores.clone().acquire_owned().await?),
        };
        let core = self.cores.clone().acquire_owned().await?;
        let memory = self.memory_kib.clone().acquire_many_owned(memory_kib.min(MEMORY_KIB)).await?;
        Ok(Permits { _place: place, _others_core: others_core, _core: core, _memory: memory })
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::hash::Plain;

    fn plain() -> Arc<Stored> {
        Arc::new(Stored::Plain(Plain::of("secret").unwrap()))
    }

    #[tokio::test]
    async fn a_password_is_hashed_beside_the_runtime_and_counted() {
        let hashing = Hashing::new();
        assert_eq!(hashing.matches(plain(), "secret".into(), false).await, Ok(true));
        assert_eq!(hashing.matches(plain(), "other".into(), false).await, Ok(false));
        assert_eq!(hashing.computed(), 2);
    }

    #[tokio::test]
    async fn more_logins_than_may_wait_are_told_so_and_the_others_get_their_turn() {
        let hashing = Hashing::bounded(1, 2);
        let core = hashing.cores.clone().acquire_owned().await.unwrap();
        let waiting: Vec<_> =
            (0..3).map(|_| hashing.matches(plain(), "secret".into(), false)).collect();
        let mut waiting: Vec<_> = waiting.into_iter().map(Box::pin).collect();
        let mut context = Context::from_waker(Waker::noop());
        for login in &mut waiting {
            assert!(login.as_mut().poll(&mut context).is_pending());
        }
        let mut one_more = pin!(hashing.matches(plain(), "secret".into(), false));
        assert_eq!(one_more.as_mut().poll(&mut context), std::task::Poll::Ready(Err(Busy)));
        assert_eq!(hashing.computed(), 0);
        drop(core);
        for login in waiting {
            assert_eq!(login.await, Ok(true));
        }
        assert_eq!(hashing.computed(), 3);
    }

    #[tokio::test]
    async fn hashes_wait_for_memory() {
        let hashing = Hashing::bounded(2, 2);
        let all = hashing.memory_kib.clone().acquire_many_owned(MEMORY_KIB).await.unwrap();
        let mut login = Box::pin(hashing.matches(plain(), "secret".into(), false));
        let mut context = Context::from_waker(Waker::noop());
        assert!(login.as_mut().poll(&mut context).is_pending());
        drop(all);
        assert_eq!(login.await, Ok(true));
    }
}
