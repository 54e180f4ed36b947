//! Requests of one protocol to groups of the other.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ConsumerProtocolSubscription, SyncGroupRequest};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::classic::{ClassicGroup, JoinRefused, Joining, Leaving};
use super::consumer::{
    Assignment, Beat, ClassicSide, ConsumerGroup, Identity, JOIN_EPOCH, TopicShape,
};
use super::timers::Timer;
use super::turn::{Turn, Waiting};
use super::{Group, Groups, subscription};
use crate::core::refusal::Refusal;
use crate::core::{Call, Catalog, Core, Now};

/// The answer to JoinGroup has the type of the protocol from this version on.
const JOIN_TYPE_FROM: i16 = 7;
/// A dynamic member is told its id before it joins from this version on.
const ID_REQUIRED_FROM: i16 = 4;

impl Core {
    /// Somebody joins a group of the consumer protocol by JoinGroup.
    pub(super) fn join_consumer_group(
        &mut self,
        call: &Call,
        group: &str,
        joining: Joining,
    ) -> Result<(), JoinRefused> {
        let id = self.groups.id_in_consumer_group(group, &joining)?;
        let subscription = joining
            .protocols
            .iter()
            .find_map(|protocol| subscription::decode(&protocol.metadata))
            .ok_or_else(|| joining.refused(ResponseError::InconsistentGroupProtocol))?;
        let owned = owned(&subscription, &self.catalog);
        let beat = classic_beat(id, &joining, subscription, owned);
        let now = call.now;
        let subscribed =
            self.groups.with_consumer(group, now, |group, turn| group.subscribe(&beat, turn));
        subscribed
            .and_then(|subscribed| subscribed)
            .map_err(|refused| joining.refused(refused.error))?;
        let topics = self.topics_of_group(call, group);
        let waiting = joining.waiting;
        let answered = self.groups.with_consumer(group, now, |group, turn| {
            group.proceed(&beat, topics, turn);
            let mut response = group.joined_classic(&beat.identity.id, turn);
            if waiting.version >= JOIN_TYPE_FROM {
                response.protocol_type = Some(StrBytes::from_static_str("consumer"));
            }
            turn.answer(waiting, response);
        });
        answered.map_err(|refused| joining.refused(refused.error))
    }
}

impl Groups {
    /// Returns true if a group speaks the consumer protocol and has members.
    pub(super) fn is_consumer_in_use(&self, id: &str) -> bool {
        matches!(self.groups.get(id), Some(Group::Consumer(group)) if !group.members.is_empty())
    }

    /// The id of somebody who joins by JoinGroup.
    fn id_in_consumer_group(&self, id: &str, joining: &Joining) -> Result<String, JoinRefused> {
        let Some(Group::Consumer(group)) = self.groups.get(id) else {
            return Err(joining.refused(ResponseError::UnknownMemberId));
        };
        if !group.supports_classic(&joining.protocol_type, &joining.protocols) {
            return Err(joining.refused(ResponseError::InconsistentGroupProtocol));
        }
        let is_new = joining.member_id.is_empty();
        match &joining.instance {
            Some(instance) if !is_new => group
                .validate_instance(&joining.member_id, instance)
                .map_err(|error| joining.refused(error))?,
            None if is_new && joining.waiting.version >= ID_REQUIRED_FROM => {
                let error = ResponseError::MemberIdRequired;
                return Err(JoinRefused { error, member_id: Uuid::new_v4().to_string() });
            }
            _ => {}
        }
        Ok(if is_new { Uuid::new_v4().to_string() } else { joining.member_id.clone() })
    }

    pub(super) fn sync_consumer(
        group: &ConsumerGroup,
        request: &SyncGroupRequest,
        waiting: Waiting,
        turn: &mut Turn,
    ) -> Result<(), ResponseError> {
        let mut response = group.sync_classic(request, turn)?;
        if waiting.version < super::classic::SYNC_PROTOCOL_FROM {
            response.protocol_type = None;
            response.protocol_name = None;
        }
        turn.answer(waiting, response);
        Ok(())
    }

    pub(super) fn leave_consumer_group(
        group: &mut ConsumerGroup,
        leaving: &[Leaving],
        turn: &mut Turn,
    ) -> Vec<Result<(), ResponseError>> {
        leaving.iter().map(|one| group.leave_classic(one, turn)).collect()
    }

    /// A group of the classic protocol takes its members over to the consumer protocol.
    pub(super) fn upgrade(&mut self, id: &str, catalog: &Catalog, now: Now) -> Result<(), Refusal> {
        let shape = |name: &str| {
            let topic = catalog.get(name)?;
            Some(TopicShape { id: topic.id, partitions: topic.partitions.len() })
        };
        let session = self.settings.consumer_session;
        let made = match self.groups.get(id) {
            Some(Group::Classic(group)) if !group.is_empty() => {
                let made = ConsumerGroup::from_classic(group, shape, session, now.wall_ms);
                made.ok_or_else(|| not_upgraded(id, group))?
            }
            _ => return Ok(()),
        };
        self.with_classic(id, now, ClassicGroup::refuse_everybody);
        self.timers.forget(id);
        for (timer, after) in made.timers() {
            self.timers.set(timer, now.elapsed.saturating_add(after));
        }
        self.groups.insert(id.to_owned(), Group::Consumer(made));
        self.changed.insert(id.to_owned());
        Ok(())
    }

    /// Groups that have only members of the classic protocol left go back to it.
    pub(super) fn downgrade(&mut self, now: Now) {
        let changed: Vec<String> = self.changed.iter().cloned().collect();
        for id in changed {
            let made = match self.groups.get(&id) {
                Some(Group::Consumer(group)) if group.is_all_classic() => {
                    group.to_classic(now.wall_ms)
                }
                _ => continue,
            };
            self.timers.forget(&id);
            for member in made.members.values() {
                let timer = Timer::Session { group: id.clone(), member: member.id.clone() };
                let at = now.elapsed.saturating_add(member.session_timeout);
                self.timers.set(timer, at);
            }
            self.groups.insert(id.clone(), Group::Classic(made));
            if let Some(entry) = self.entry(id.clone()) {
                self.migrated.push(entry);
            }
            self.with_classic(&id, now, ClassicGroup::rebalance);
        }
    }
}

fn not_upgraded(id: &str, group: &ClassicGroup) -> Refusal {
    let why = match group.protocol_type.as_deref() {
        Some("consumer") => "the embedded consumer protocol is malformed",
        _ => "the group does not use the consumer embedded protocol",
    };
    let message = format!("Cannot upgrade classic group {id} to consumer group because {why}.");
    Refusal::new(ResponseError::GroupIdNotFound, message)
}

/// The partitions that a member of the classic protocol says that it has.
fn owned(subscription: &ConsumerProtocolSubscription, catalog: &Catalog) -> Assignment {
    let mut owned = Assignment::new();
    for topic in &subscription.owned_partitions {
        if let Some(found) = catalog.get(&topic.topic).filter(|_| !topic.partitions.is_empty()) {
            owned.entry(found.id).or_default().extend(topic.partitions.iter().copied());
        }
    }
    owned
}

fn classic_beat(
    id: String,
    joining: &Joining,
    subscription: ConsumerProtocolSubscription,
    owned: Assignment,
) -> Beat {
    let timeout = i32::try_from(joining.rebalance_timeout.as_millis()).unwrap_or(i32::MAX);
    Beat {
        identity: Identity {
            id,
            instance: joining.instance.clone(),
            rack: subscription.rack_id.map(|rack| rack.to_string()),
            client_id: joining.client_id.clone(),
            client_host: joining.client_host.clone(),
        },
        epoch: JOIN_EPOCH,
        rebalance_timeout_ms: Some(timeout),
        topics: Some(subscription.topics.iter().map(ToString::to_string).collect()),
        regex: None,
        assignor: None,
        owned: Some(owned),
        classic: Some(ClassicSide {
            session: joining.session_timeout,
            protocols: joining.protocols.clone(),
        }),
    }
}
