//! Consumer instances: a Kafka consumer each, kept between requests.

mod client;
mod follow;
mod instance;
mod offsets;
mod outlook;
mod pattern;
mod reading;
mod rights;
mod seek;
mod spec;
mod wake;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

pub(crate) use follow::follow;
pub(crate) use instance::Instance;
pub(crate) use offsets::Commit;
pub(crate) use pattern::TopicPattern;
pub(crate) use reading::{Outlook, size};
pub(crate) use seek::Position;
pub(crate) use spec::{ConsumerSpec, MIN_BYTES, MIN_BYTES_DISABLED};

use crate::clients::Clients;
use crate::error::ProxyError;

/// How often instances are looked after: idle ones are closed, the others keep up with their group.
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

/// How long an instance that leaves its group is waited for.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// The instances of this proxy, by group and name.
#[derive(Default)]
pub(crate) struct Instances {
    by_name: Mutex<HashMap<(String, String), Arc<Instance>>>,
}

impl Instances {
    /// 40902 if the name is taken in the group. 50301 there are too many.
    pub(crate) fn add(&self, instance: Instance) -> Result<(), ProxyError> {
        let name = (instance.group().to_string(), instance.name().to_string());
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if by_name.contains_key(&name) {
            return Err(ProxyError::ConsumerExists);
        }
        if by_name.len() >= INSTANCES_MAX {
            let reason = format!("there are {INSTANCES_MAX} consumer instances, as many as may be");
            return Err(ProxyError::TooManyClients { reason });
        }
        by_name.insert(name, Arc::new(instance));
        Ok(())
    }

    /// The instance, which is not idle any more. 40403.
    pub(crate) fn get(&self, group: &str, name: &str) -> Result<Arc<Instance>, ProxyError> {
        let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let instance = by_name
            .get(&(group.to_string(), name.to_string()))
            .ok_or(ProxyError::ConsumerNotFound)?;
        instance.touch();
        Ok(instance.clone())
    }

    /// 40403.
    pub(crate) fn remove(&self, group: &str, name: &str) -> Result<Arc<Instance>, ProxyError> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        by_name.remove(&(group.to_string(), name.to_string())).ok_or(ProxyError::ConsumerNotFound)
    }

    /// All instances leave their groups.
    pub(crate) fn clear(&self) -> Vec<Arc<Instance>> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        by_name.drain().map(|(_, instance)| instance).collect()
    }

    /// All instances, as they are now.
    pub(crate) fn all(&self) -> Vec<Arc<Instance>> {
        let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        by_name.values().cloned().collect()
    }
}

/// Looks after instances until the proxy is gone.
pub(crate) async fn keep(instances: Weak<Instances>, timeout: Duration) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let Some(instances) = instances.upgrade() else { return };
        for instance in instances.all() {
            if instance.idle() >= timeout {
                tracing::info!(
                    group = instance.group(),
                    instance = instance.name(),
                    "the consumer instance is idle and is closed"
                );
                let removed = instances.remove(instance.group(), instance.name());
                drop(instance);
                if let Ok(instance) = removed {
                    tokio::spawn(close(instance));
                }
            } else {
                instance.keep_up();
            }
        }
        rest(&instances);
    }
}

/// Has instances that nobody asks for give their clients up to those that are asked for, the longest idle
/// first, until the proxy is gone.
pub(crate) async fn make_room(instances: Weak<Instances>, clients: Arc<Clients>) {
    loop {
        let wanted = clients.wanted().await;
        let Some(instances) = instances.upgrade() else { return };
        let mut idle: Vec<_> = instances.all().into_iter().filter(|i| i.can_rest()).collect();
        drop(instances);
        idle.sort_by_key(|instance| std::cmp::Reverse(instance.idle()));
        idle.into_iter().filter(|instance| instance.rest()).take(wanted).for_each(drop);
        tokio::time::sleep(MAKE_ROOM_PAUSE).await;
    }
}

/// Has the longest idle instances give up their clients where there are too many.
fn rest(instances: &Instances) {
    let mut awake: Vec<_> = instances.all().into_iter().filter(|i| i.is_awake()).collect();
    if awake.len() <= CLIENTS {
        return;
    }
    let after = if awake.len() > CLIENTS_CROWDED { REST_AFTER_CROWDED } else { REST_AFTER };
    awake.sort_by_key(|instance| std::cmp::Reverse(instance.idle()));
    let beyond = awake.len() - CLIENTS;
    for instance in awake.into_iter().take(beyond).filter(|i| i.idle() >= after) {
        instance.rest();
    }
}

/// Closes an instance that was removed, and returns when it has left its group. A read that waits is
/// answered; the instance is closed when that is done.
pub(crate) async fn close(instance: Arc<Instance>) {
    instance.end_waiting();
    if let Ok(instance) = Arc::try_unwrap(instance) {
        // without Kafka librdkafka goes on trying, which it may do alone
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, instance.close()).await;
    }
}
