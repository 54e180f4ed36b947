//! What outlives a restart: a group of the consumer protocol with its epochs, members and target.

use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Assignment, ClassicSide, ConsumerGroup, ConsumerMember, Identity, MemberState, TopicShape,
};
use crate::core::groups::timers::Timer;

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::core::groups) struct KeptConsumerGroup {
    epoch: i32,
    assignment_epoch: i32,
    assignor: String,
    empty_since_ms: i64,
    members: Vec<KeptMember>,
    topics: BTreeMap<String, TopicShape>,
    matched: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptMember {
    identity: Identity,
    rebalance_timeout_ms: i32,
    assignor: Option<String>,
    topics: BTreeSet<String>,
    regex: Option<String>,
    epoch: i32,
    previous_epoch: i32,
    state: MemberState,
    assigned: Vec<KeptTopic>,
    revoking: Vec<KeptTopic>,
    target: Option<Vec<KeptTopic>>,
    classic: Option<ClassicSide>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptTopic {
    #[serde(with = "id")]
    id: Uuid,
    partitions: BTreeSet<i32>,
}

impl ConsumerGroup {
    pub fn kept(&self) -> KeptConsumerGroup {
        let member = |member: &ConsumerMember| KeptMember {
            identity: member.identity.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            assignor: member.assignor.clone(),
            topics: member.topics.clone(),
            regex: member.regex.clone(),
            epoch: member.epoch,
            previous_epoch: member.previous_epoch,
            state: member.state,
            assigned: kept(&member.assigned),
            revoking: kept(&member.revoking),
            target: self.target.get(&member.identity.id).map(kept),
            classic: member.classic.clone(),
        };
        KeptConsumerGroup {
            epoch: self.epoch,
            assignment_epoch: self.assignment_epoch,
            assignor: self.assignor.clone(),
            empty_since_ms: self.empty_since_ms,
            members: self.members.values().map(member).collect(),
            topics: self.topics.clone(),
            matched: self.matched.clone(),
        }
    }

    pub fn from_kept(id: String, kept: KeptConsumerGroup, session: Duration) -> ConsumerGroup {
        let mut group = ConsumerGroup::new(id, session, kept.empty_since_ms);
        group.epoch = kept.epoch;
        group.assignment_epoch = kept.assignment_epoch;
        group.assignor = kept.assignor;
        group.topics = kept.topics;
        group.matched = kept.matched;
        for member in kept.members {
            let id = member.identity.id.clone();
            if let Some(instance) = &member.identity.instance {
                group.instances.insert(instance.clone(), id.clone());
            }
            if let Some(target) = member.target {
                group.target.insert(id.clone(), assignment(target));
            }
            let member = ConsumerMember {
                identity: member.identity,
                rebalance_timeout_ms: member.rebalance_timeout_ms,
                assignor: member.assignor,
                topics: member.topics,
                regex: member.regex,
                epoch: member.epoch,
                previous_epoch: member.previous_epoch,
                state: member.state,
                assigned: assignment(member.assigned),
                revoking: assignment(member.revoking),
                classic: member.classic,
            };
            group.members.insert(id, member);
        }
        group
    }
}

impl ConsumerGroup {
    /// What a group waits for when the broker starts.
    pub fn timers(&self) -> Vec<(Timer, Duration)> {
        let mut timers = Vec::new();
        for (id, member) in &self.members {
            let session = member.classic.as_ref().map(|classic| classic.session);
            timers.push((self.session_timer(id), session.unwrap_or(self.session)));
            if member.state == MemberState::Unrevoked {
                let millis = u64::try_from(member.rebalance_timeout_ms).unwrap_or(0);
                timers.push((self.revocation_timer(id), Duration::from_millis(millis)));
            }
        }
        timers
    }
}

fn kept(assignment: &Assignment) -> Vec<KeptTopic> {
    let topics = assignment
        .iter()
        .map(|(id, partitions)| KeptTopic { id: *id, partitions: partitions.clone() });
    topics.collect()
}

fn assignment(kept: Vec<KeptTopic>) -> Assignment {
    kept.into_iter().map(|topic| (topic.id, topic.partitions)).collect()
}

/// A topic's id as text, for `#[serde(with)]`.
pub(super) mod id {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use uuid::Uuid;

    pub fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
