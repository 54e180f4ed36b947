//! Members that speak the classic protocol in a group of the consumer protocol, as while a deployment
//! goes from one to the other.
//!
//! They join, sync and beat as they are used to; the broker is the leader that they never see.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition;
use kafka_protocol::messages::{
    ConsumerProtocolAssignment, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse, TopicName,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use serde::{Deserialize, Serialize};

use super::{Assignment, ConsumerGroup, ConsumerMember, MemberState};
use crate::core::groups::classic::{Leaving, Protocol};
use crate::core::groups::timers::Timer;
use crate::core::groups::turn::Turn;

/// The protocol type of consumers.
pub(in crate::core::groups) const CONSUMER: &str = "consumer";
/// Assignments are written in this version, which every client reads.
const ASSIGNMENT_VERSION: i16 = 0;

/// What a member of the classic protocol has told when it joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::core::groups) struct ClassicSide {
    pub session: Duration,
    pub protocols: Vec<Protocol>,
}

impl ConsumerMember {
    /// The protocol that the member is told to use: the one that it likes best.
    fn protocol(&self) -> Option<&str> {
        self.classic.as_ref()?.protocols.first().map(|protocol| protocol.name.as_str())
    }
}

impl ConsumerGroup {
    /// Returns true if every member speaks the classic protocol.
    pub fn is_all_classic(&self) -> bool {
        !self.members.is_empty() && self.members.values().all(|member| member.classic.is_some())
    }

    /// Returns true if somebody with these protocols can be a member beside those who are there.
    pub fn supports_classic(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        let sides: Vec<_> = self.members.values().filter_map(|own| own.classic.as_ref()).collect();
        let is_common = |name: &str| {
            sides.iter().all(|side| side.protocols.iter().any(|protocol| protocol.name == name))
        };
        protocol_type == CONSUMER && protocols.iter().any(|protocol| is_common(&protocol.name))
    }

    /// Checks a static member that knows its id.
    pub fn validate_instance(&self, id: &str, instance: &str) -> Result<(), ResponseError> {
        match self.instances.get(instance) {
            None => Err(ResponseError::UnknownMemberId),
            Some(current) if current != id => Err(ResponseError::FencedInstanceId),
            Some(_) => Ok(()),
        }
    }

    /// The answer to JoinGroup. The member has the time of a rebalance to ask for its assignment.
    pub fn joined_classic(&self, id: &str, turn: &mut Turn) -> JoinGroupResponse {
        let Some(member) = self.members.get(id) else { return JoinGroupResponse::default() };
        self.await_member(member, turn);
        JoinGroupResponse::default()
            .with_generation_id(member.epoch)
            .with_protocol_name(member.protocol().map(text))
            .with_member_id(text(id))
    }

    /// The member has to do something within the time of a rebalance.
    fn await_member(&self, member: &ConsumerMember, turn: &mut Turn) {
        let millis = u64::try_from(member.rebalance_timeout_ms).unwrap_or(0);
        turn.set(self.rejoin_timer(&member.identity.id), Duration::from_millis(millis));
        self.keep_alive(member, turn);
    }

    pub fn keep_alive(&self, member: &ConsumerMember, turn: &mut Turn) {
        let session = member.classic.as_ref().map(|classic| classic.session);
        let session = session.unwrap_or(self.session);
        turn.set(self.session_timer(&member.identity.id), session);
    }

    fn classic_member(
        &self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<&ConsumerMember, ResponseError> {
        if let Some(instance) = instance {
            self.validate_instance(id, instance)?;
        }
        let member = self.members.get(id).filter(|member| member.classic.is_some());
        let member = member.ok_or(ResponseError::UnknownMemberId)?;
        match member.epoch == generation {
            true => Ok(member),
            false => Err(ResponseError::IllegalGeneration),
        }
    }

    pub fn sync_classic(
        &self,
        request: &SyncGroupRequest,
        turn: &mut Turn,
    ) -> Result<SyncGroupResponse, ResponseError> {
        let instance = request.group_instance_id.as_deref();
        let member = self.classic_member(&request.member_id, instance, request.generation_id)?;
        let is_other = |told: Option<&str>, own: &str| told.is_some_and(|told| told != own);
        let protocol = member.protocol().unwrap_or_default();
        if is_other(request.protocol_type.as_deref(), CONSUMER)
            || is_other(request.protocol_name.as_deref(), protocol)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        if self.epoch > member.epoch && member.state != MemberState::Unrevoked {
            self.await_member(member, turn);
            return Err(ResponseError::RebalanceInProgress);
        }
        turn.timers.cancel(&self.rejoin_timer(&member.identity.id));
        self.keep_alive(member, turn);
        Ok(SyncGroupResponse::default()
            .with_protocol_type(Some(text(CONSUMER)))
            .with_protocol_name(Some(text(protocol)))
            .with_assignment(self.encoded(&member.assigned)))
    }

    /// A member is alive. It is told to join anew when there is something else for it.
    pub fn heartbeat_classic(
        &self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        turn: &mut Turn,
    ) -> Result<(), ResponseError> {
        let member = self.classic_member(id, instance, generation)?;
        self.keep_alive(member, turn);
        let has_news = match member.state {
            MemberState::Stable => member.epoch < self.epoch,
            MemberState::Unrevoked => true,
            MemberState::Unreleased => member.epoch < self.epoch || self.can_get_more(member),
        };
        if !has_news {
            return Ok(());
        }
        if !turn.timers.is_set(&self.rejoin_timer(id)) {
            self.await_member(member, turn);
        }
        Err(ResponseError::RebalanceInProgress)
    }

    /// A member leaves by LeaveGroup, whatever protocol it speaks.
    pub fn leave_classic(
        &mut self,
        leaving: &Leaving,
        turn: &mut Turn,
    ) -> Result<(), ResponseError> {
        let mut id = leaving.member.clone();
        if let Some(instance) = &leaving.instance {
            let current = self.instances.get(instance).ok_or(ResponseError::UnknownMemberId)?;
            if !id.is_empty() && id != *current {
                return Err(ResponseError::FencedInstanceId);
            }
            id = current.clone();
        }
        if !self.members.contains_key(&id) {
            return Err(ResponseError::UnknownMemberId);
        }
        self.fence(&id, turn);
        Ok(())
    }

    /// An assignment as members of the classic protocol read it.
    pub(super) fn encoded(&self, assignment: &Assignment) -> Bytes {
        let topics = self.topics.iter().filter_map(|(name, shape)| {
            let partitions = assignment.get(&shape.id)?.iter().copied().collect();
            let topic = TopicPartition::default();
            Some(topic.with_topic(TopicName(text(name))).with_partitions(partitions))
        });
        let assignment =
            ConsumerProtocolAssignment::default().with_assigned_partitions(topics.collect());
        let mut bytes = BytesMut::new();
        bytes.put_i16(ASSIGNMENT_VERSION);
        match assignment.encode(&mut bytes, ASSIGNMENT_VERSION) {
            Ok(()) => bytes.freeze(),
            Err(_) => Bytes::new(),
        }
    }

    pub(super) fn rejoin_timer(&self, member: &str) -> Timer {
        Timer::Rejoin { group: self.id.clone(), member: member.to_owned() }
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
