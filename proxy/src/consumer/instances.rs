//! The consumer instances of one proxy, and what is done for them between requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;
use weir_http::Principal;

use super::session::{Owner, Session, SessionKey, SessionName, close};
use super::task::Instance;
use crate::clients::Clients;
use crate::error::ProxyError;

/// How often expired sessions are closed and the others' clients are polled.
const TICK: Duration = Duration::from_millis(500);

/// Consumer instances of one proxy, with a client or without: each that rests has some kilobytes.
const INSTANCES_MAX: usize = 100_000;

/// Clients of Kafka beyond which those of instances that nobody has asked for in [`REST_AFTER`] are
/// given up: each is some half a megabyte.
const CLIENTS: usize = 100;
const REST_AFTER: Duration = Duration::from_secs(30);

/// Clients beyond which [`REST_AFTER_CROWDED`] is enough.
const CLIENTS_CROWDED: usize = 400;
const REST_AFTER_CROWDED: Duration = Duration::from_secs(1);

/// How long clients that are given up have to be gone before more are given up for the same waiting requests.
const MAKE_ROOM_PAUSE: Duration = Duration::from_millis(50);

/// The sessions of this proxy.
pub(crate) struct Instances {
    sessions: Mutex<Sessions>,
    owner: Owner,
    /// Sessions count time from here.
    epoch: Instant,
}

/// Sessions, each by who has made it, its group and its name.
#[derive(Default)]
struct Sessions {
    by_key: HashMap<SessionKey, Arc<Session>>,
    /// How many each principal has made.
    by_maker: HashMap<Principal, u32>,
}

/// Who makes an instance.
pub(crate) struct MakerOfInstance {
    /// None without access control.
    pub(crate) principal: Option<Principal>,
    /// How many instances it may have.
    pub(crate) instances_max: Option<u32>,
}

impl Default for Instances {
    fn default() -> Instances {
        Instances { sessions: Mutex::default(), owner: Owner::new(), epoch: Instant::now() }
    }
}

impl Instances {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, which is kept for `timeout` without a use. 40902 if its maker has one of this name in the
    /// group · 429 its maker has too many · 50301 there are too many.
    pub(crate) fn add(
        &self,
        instance: Instance,
        maker: MakerOfInstance,
        timeout: Duration,
    ) -> Result<(), ProxyError> {
        let MakerOfInstance { principal, instances_max } = maker;
        let session = Session::new(instance, principal, self.owner.clone(), timeout, self.epoch);
        self.sessions().add(session, instances_max)
    }

    /// The session, which is not idle any more. 40403 there is none, or it has expired.
    pub(crate) fn get(&self, key: &SessionKey) -> Result<Arc<Session>, ProxyError> {
        let found = self.sessions().by_key.get(key).cloned();
        let session = found.ok_or(ProxyError::ConsumerNotFound)?;
        session.renew()?;
        Ok(session)
    }

    /// Ends a session, which the caller closes. 40403 there is none.
    pub(crate) fn remove(&self, key: &SessionKey) -> Result<Arc<Session>, ProxyError> {
        self.sessions().remove(key).ok_or(ProxyError::ConsumerNotFound)
    }

    /// Ends all sessions, which the caller closes.
    pub(crate) fn clear(&self) -> Vec<Arc<Session>> {
        std::mem::take(&mut *self.sessions()).by_key.into_values().collect()
    }

    /// All sessions, as they are now.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.sessions().by_key.values().cloned().collect()
    }
}

impl Sessions {
    fn add(&mut self, session: Session, instances_max: Option<u32>) -> Result<(), ProxyError> {
        let key = session.key().clone();
        if self.by_key.contains_key(&key) {
            return Err(ProxyError::ConsumerExists);
        }
        if self.by_key.len() >= INSTANCES_MAX {
            let reason = format!("there are {INSTANCES_MAX} consumer instances, as many as may be");
            return Err(ProxyError::TooManyClients { reason });
        }
        if let Some(maker) = &key.maker {
            let made = self.by_maker.get(maker).copied().unwrap_or_default();
            if let Some(max) = instances_max.filter(|max| made >= *max) {
                return Err(ProxyError::InstanceQuota { max });
            }
            self.by_maker.insert(maker.clone(), made + 1);
        }
        self.by_key.insert(key, Arc::new(session));
        Ok(())
    }

    fn remove(&mut self, key: &SessionKey) -> Option<Arc<Session>> {
        let session = self.by_key.remove(key)?;
        if let Some(maker) = &key.maker
            && let Some(made) = self.by_maker.get_mut(maker)
        {
            *made -= 1;
            if *made == 0 {
                self.by_maker.remove(maker);
            }
        }
        Some(session)
    }
}

/// Closes sessions that have expired, has the others keep up with their groups, and has the longest idle of too many
/// give their clients up, until the proxy is gone.
pub(crate) async fn reap(instances: Weak<Instances>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let Some(instances) = instances.upgrade() else { return };
        for session in instances.all() {
            if session.is_expired() {
                expire(&instances, session);
            } else {
                session.instance().poll();
            }
        }
        shed_clients(&instances);
    }
}

fn expire(instances: &Instances, session: Arc<Session>) {
    let key = session.key().clone();
    let SessionName { group, instance } = &key.name;
    tracing::info!(
        group,
        instance,
        owner = %session.owner(),
        uncommitted_partitions = session.instance().uncommitted(),
        "the consumer instance is idle and is closed"
    );
    let removed = instances.remove(&key);
    drop(session);
    if let Ok(session) = removed {
        tokio::spawn(close(session));
    }
}

/// Has instances that nobody asks for give their clients up to those that are asked for, the longest idle
/// first, until the proxy is gone.
pub(crate) async fn make_room(instances: Weak<Instances>, clients: Arc<Clients>) {
    loop {
        let wanted = clients.wanted().await;
        let Some(instances) = instances.upgrade() else { return };
        let mut idle: Vec<_> = instances.all().into_iter().filter(|s| s.can_rest()).collect();
        drop(instances);
        idle.sort_by_cached_key(|session| std::cmp::Reverse(session.idle()));
        idle.into_iter().filter(|session| session.instance().rest()).take(wanted).for_each(drop);
        tokio::time::sleep(MAKE_ROOM_PAUSE).await;
    }
}

/// Has the longest idle instances give up their clients where there are too many.
fn shed_clients(instances: &Instances) {
    let mut awake: Vec<_> = instances.all().into_iter().filter(|s| s.is_awake()).collect();
    if awake.len() <= CLIENTS {
        return;
    }
    let after = if awake.len() > CLIENTS_CROWDED { REST_AFTER_CROWDED } else { REST_AFTER };
    awake.sort_by_cached_key(|session| std::cmp::Reverse(session.idle()));
    let beyond = awake.len() - CLIENTS;
    for session in awake.into_iter().take(beyond).filter(|s| s.idle() >= after) {
        session.instance().rest();
    }
}
