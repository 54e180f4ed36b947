//! Groups that go from one protocol to the other while they have members.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Buf, Bytes};
use kafka_protocol::messages::ConsumerProtocolAssignment;
use kafka_protocol::protocol::Decodable;
use uuid::Uuid;

use super::classic_side::CONSUMER;
use super::{
    Assignment, ClassicSide, ConsumerGroup, ConsumerMember, Identity, MemberState, TopicShape,
};
use crate::core::groups::classic::{ClassicGroup, ClassicMember};
use crate::core::groups::subscription;

/// The newest version of an assignment that the broker reads.
const ASSIGNMENT_VERSION_MAX: i16 = 3;

impl ConsumerGroup {
    /// A group whose members joined by the classic protocol. `None` if they do not say what consumers
    /// say.
    pub fn from_classic(
        group: &ClassicGroup,
        shape: impl Fn(&str) -> Option<TopicShape>,
        session: Duration,
        now_ms: i64,
    ) -> Option<ConsumerGroup> {
        let protocol = group.protocol.as_deref()?;
        if group.protocol_type.as_deref() != Some(CONSUMER) {
            return None;
        }
        let mut made = ConsumerGroup::new(group.id.clone(), session, now_ms);
        made.epoch = group.generation;
        made.assignment_epoch = group.generation;
        for member in group.members.values() {
            let member = migrated(member, protocol, group.generation, &shape)?;
            let id = member.identity.id.clone();
            if let Some(instance) = &member.identity.instance {
                made.instances.insert(instance.clone(), id.clone());
            }
            made.target.insert(id.clone(), member.assigned.clone());
            made.members.insert(id, member);
        }
        let topics = made.subscribed_topics().into_iter();
        made.topics = topics.filter_map(|name| Some((name.clone(), shape(&name)?))).collect();
        Some(made)
    }

    /// A group of the classic protocol with the same members, all of which speak it. The caller lets
    /// it rebalance.
    ///
    /// Its generation is the epoch that members know: they go on to commit until they join anew.
    pub fn to_classic(&self, now_ms: i64) -> ClassicGroup {
        let members = self.members.values().filter_map(|member| {
            let classic = member.classic.as_ref()?;
            let millis = u64::try_from(member.rebalance_timeout_ms).unwrap_or(0);
            let identity = &member.identity;
            Some(ClassicMember {
                id: identity.id.clone(),
                instance: identity.instance.clone(),
                client_id: identity.client_id.clone(),
                client_host: identity.client_host.clone(),
                session_timeout: classic.session,
                rebalance_timeout: Duration::from_millis(millis),
                protocols: classic.protocols.clone(),
                assignment: self.encoded(&member.assigned),
                joining: None,
                syncing: None,
                is_new: false,
            })
        });
        ClassicGroup::stable(
            self.id.clone(),
            self.assignment_epoch,
            CONSUMER,
            members.collect(),
            now_ms,
        )
    }
}

fn migrated(
    member: &ClassicMember,
    protocol: &str,
    epoch: i32,
    shape: &impl Fn(&str) -> Option<TopicShape>,
) -> Option<ConsumerMember> {
    let subscription = subscription::decode(member.metadata(protocol)?)?;
    let timeout = i32::try_from(member.rebalance_timeout.as_millis()).unwrap_or(i32::MAX);
    Some(ConsumerMember {
        identity: Identity {
            id: member.id.clone(),
            instance: member.instance.clone(),
            rack: subscription.rack_id.map(|rack| rack.to_string()),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
        },
        rebalance_timeout_ms: timeout,
        assignor: None,
        topics: subscription.topics.iter().map(ToString::to_string).collect(),
        regex: None,
        epoch,
        previous_epoch: epoch,
        state: MemberState::Stable,
        assigned: assigned(&member.assignment, shape)?,
        revoking: Assignment::new(),
        classic: Some(ClassicSide {
            session: member.session_timeout,
            protocols: member.protocols.clone(),
        }),
    })
}

/// The partitions that a member was given by its leader; topics that are gone are left out.
fn assigned(bytes: &Bytes, shape: &impl Fn(&str) -> Option<TopicShape>) -> Option<Assignment> {
    if bytes.is_empty() {
        return Some(Assignment::new());
    }
    let mut bytes = bytes.clone();
    if bytes.remaining() < 2 {
        return None;
    }
    let version = bytes.get_i16();
    if version < 0 {
        return None;
    }
    let assignment =
        ConsumerProtocolAssignment::decode(&mut bytes, version.min(ASSIGNMENT_VERSION_MAX)).ok()?;
    let mut topics: BTreeMap<Uuid, _> = BTreeMap::new();
    for topic in assignment.assigned_partitions {
        if let Some(shape) = shape(&topic.topic).filter(|_| !topic.partitions.is_empty()) {
            topics.insert(shape.id, topic.partitions.into_iter().collect());
        }
    }
    Some(topics)
}
