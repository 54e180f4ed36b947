//! The consumer instances of one proxy, and what is done for them between requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::session::{Owner, Session, SessionName, close};
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

/// The sessions of this proxy, by group and name.
pub(crate) struct Instances {
    by_name: Mutex<HashMap<SessionName, Arc<Session>>>,
    owner: Owner,
    /// Sessions count time from here.
    epoch: Instant,
}

impl Default for Instances {
    fn default() -> Instances {
        Instances { by_name: Mutex::default(), owner: Owner::new(), epoch: Instant::now() }
    }
}

impl Instances {
    fn by_name(&self) -> MutexGuard<'_, HashMap<SessionName, Arc<Session>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, which is kept for `timeout` without a use. 40902 if the name is taken in the group · 50301
    /// there are too many.
    pub(crate) fn add(&self, instance: Instance, timeout: Duration) -> Result<(), ProxyError> {
        let session = Session::new(instance, self.owner.clone(), timeout, self.epoch);
        let mut by_name = self.by_name();
        if by_name.contains_key(session.name()) {
            return Err(ProxyError::ConsumerExists);
        }
        if by_name.len() >= INSTANCES_MAX {
            let reason = format!("there are {INSTANCES_MAX} consumer instances, as many as may be");
            return Err(ProxyError::TooManyClients { reason });
        }
        by_name.insert(session.name().clone(), Arc::new(session));
        Ok(())
    }

    /// The session, which is not idle any more. 40403 there is none, or it has expired.
    pub(crate) fn get(&self, group: &str, name: &str) -> Result<Arc<Session>, ProxyError> {
        let name = named(group, name);
        let session = self.by_name().get(&name).cloned().ok_or(ProxyError::ConsumerNotFound)?;
        session.renew()?;
        Ok(session)
    }

    /// Ends a session, which the caller closes. 40403 there is none.
    pub(crate) fn remove(&self, group: &str, name: &str) -> Result<Arc<Session>, ProxyError> {
        self.by_name().remove(&named(group, name)).ok_or(ProxyError::ConsumerNotFound)
    }

    /// Ends all sessions, which the caller closes.
    pub(crate) fn clear(&self) -> Vec<Arc<Session>> {
        self.by_name().drain().map(|(_, session)| session).collect()
    }

    /// All sessions, as they are now.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.by_name().values().cloned().collect()
    }
}

fn named(group: &str, instance: &str) -> SessionName {
    SessionName { group: group.to_string(), instance: instance.to_string() }
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
    let SessionName { group, instance } = session.name();
    tracing::info!(
        group,
        instance,
        owner = %session.owner(),
        uncommitted_partitions = session.instance().uncommitted(),
        "the consumer instance is idle and is closed"
    );
    let removed = instances.remove(group, instance);
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
