//! Registries of another make on the same log.
//!
//! Confluent's registry and Karapace elect their leader in a group of Kafka's, with the protocol type `sr`,
//! and do not read our announcements. Two leaders give one id to two schemas, so no node leads while that
//! group has members. A member that joins later is noticed within a second, or as soon as it writes the
//! `NOOP` with which it takes the lead.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use weir_kafka::{Coordinated, Fault};
use weir_trace::Outage;

use super::Cluster;
use crate::log::KafkaConfig;
use crate::log::kafka::{Member, Topic, members_at};

/// How often Kafka is asked who is in the group.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a node that is about to lead waits for the answer; without one, the last answer counts.
const LAST_LOOK_TIMEOUT: Duration = Duration::from_millis(300);

/// After so many questions without an answer it is said that Kafka does not say who is in the group.
const COMPLAINT_AFTER: u32 = 10;

/// Members that are named in a fault.
const NAMED_MAX: usize = 5;

/// What is known of the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Others {
    /// Kafka has not said yet who is in it.
    #[default]
    Unknown,
    /// Kafka does not let this node know who is in it.
    Hidden {
        group: String,
        why: String,
    },
    /// There are none, or they do not matter.
    Absent,
    Present {
        group: String,
        members: Vec<Member>,
    },
}

impl Others {
    /// Returns true if a node may lead beside them.
    pub(super) fn permit_leading(&self) -> bool {
        *self == Others::Absent
    }

    /// What keeps writes away, with what mends it.
    pub(super) fn fault(&self) -> Option<String> {
        match self {
            Others::Unknown | Others::Absent => None,
            Others::Hidden { group, why } => Some(format!(
                "Kafka does not say who is in the group {group}: {why} Another registry that writes the topic \
                 would not be noticed. Allow this user to describe that group, or say \
                 --beside-other-registries if there is none"
            )),
            Others::Present { group, members } => {
                let names: Vec<_> = members.iter().take(NAMED_MAX).map(Member::to_string).collect();
                let more = match members.len().saturating_sub(NAMED_MAX) {
                    0 => String::new(),
                    count => format!(" and {count} more"),
                };
                Some(format!(
                    "another registry is in the group {group}: {}{more}. It elects a leader that knows nothing \
                     of this one, and two leaders give one id to two schemas. Stop it: what it has written is \
                     in the topic, and this node takes writes at once. If it writes another topic, give one of \
                     the two another group (--registry-group)",
                    names.join(", ")
                ))
            }
        }
    }
}

/// Asks Kafka for the group.
pub(crate) struct Lookout {
    topic: Arc<Topic>,
    group: String,
    /// Where the group was found last.
    coordinator: Mutex<Option<String>>,
    /// Somebody may have joined.
    hint: Notify,
}

impl Lookout {
    /// None if other registries do not matter.
    pub(super) fn new(topic: &Arc<Topic>, config: &KafkaConfig) -> Option<Lookout> {
        let lookout = || Lookout {
            topic: topic.clone(),
            group: config.group.clone(),
            coordinator: Mutex::default(),
            hint: Notify::new(),
        };
        (!config.beside_other_registries).then(lookout)
    }

    /// The group is to be looked at now.
    pub(super) fn hint(&self) {
        self.hint.notify_one();
    }

    async fn look(&self) -> Result<Others, Fault> {
        let client = &self.topic.client;
        let known = self.known().clone();
        let address = match known {
            Some(address) => address,
            None => client.coordinator(Coordinated::Group, &self.group).await?.address(),
        };
        let found = members_at(client, &address, &self.group).await;
        *self.known() = found.is_ok().then_some(address);
        let group = self.group.clone();
        match found {
            Ok(members) if members.is_empty() => Ok(Others::Absent),
            Ok(members) => Ok(Others::Present { group, members }),
            Err(error) => Err(error),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.coordinator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the group again and again.
pub(super) async fn watch(lookout: Arc<Lookout>, cluster: Weak<Cluster>) {
    let mut failures = 0;
    let outage =
        Outage::new("Kafka does not say who is in the group", "Kafka says who is in the group");
    loop {
        let looked = lookout.look().await;
        let Some(cluster) = cluster.upgrade() else { return };
        match looked {
            Ok(others) => {
                failures = 0;
                outage.is_over();
                cluster.found_others(others);
            }
            Err(error) if error.is_retriable() => {
                failures += 1;
                if failures >= COMPLAINT_AFTER && !cluster.health().others.permit_leading() {
                    outage.fails(format_args!("group {}: {error}", lookout.group));
                }
            }
            Err(error) => {
                let (group, why) = (lookout.group.clone(), error.to_string());
                cluster.found_others(Others::Hidden { group, why });
            }
        }
        drop(cluster);
        let _ = timeout(INTERVAL, lookout.hint.notified()).await;
    }
}

impl Cluster {
    /// Asks Kafka who is in the group. Returns true if this node may lead.
    pub(super) async fn is_alone(&self) -> bool {
        if let Some(lookout) = &self.lookout
            && let Ok(Ok(others)) = timeout(LAST_LOOK_TIMEOUT, lookout.look()).await
        {
            self.found_others(others);
        }
        self.health().others.permit_leading()
    }

    /// Somebody has written as another registry does that takes the lead.
    pub(super) fn hint_of_others(&self) {
        if let Some(lookout) = &self.lookout {
            lookout.hint();
        }
    }

    fn found_others(&self, others: Others) {
        let (before, led) = self.change_health(|health| {
            let led = match others.permit_leading() {
                true => None,
                false => health.leading.take(),
            };
            (std::mem::replace(&mut health.others, others.clone()), led)
        });
        if before == others {
            return;
        }
        if let Some(epoch) = led {
            tracing::warn!(epoch, "this node leads no more: another registry is on the topic");
        }
        match others.fault() {
            Some(fault) => tracing::error!(%fault, "no writes are taken"),
            None if matches!(before, Others::Present { .. } | Others::Hidden { .. }) => {
                tracing::info!("the other registries are gone");
            }
            None => {}
        }
    }
}
