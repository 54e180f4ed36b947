//! JoinGroup.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{ClassicGroup, ClassicMember, ClassicState, Protocol};
use crate::core::Call;
use crate::core::groups::timers::Timer;
use crate::core::groups::turn::{Turn, Waiting};

/// A dynamic member is told its id before it joins from this version on.
const ID_REQUIRED_FROM: i16 = 4;
/// From this version on, the type of the protocol is in the answer, and its name may be null.
const NULL_PROTOCOL_FROM: i16 = 7;
/// From this version on, a leader can be told not to make a new assignment.
const SKIP_ASSIGNMENT_FROM: i16 = 9;
/// A member whose id nobody was told is forgotten if its group takes this long to rebalance.
const NEW_MEMBER_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// A member says at most this much of itself.
const METADATA_MAX_BYTES: usize = 4 * 1024 * 1024;

/// A JoinGroup request: somebody who wants to be a member.
#[derive(Debug)]
pub(in crate::core::groups) struct Joining {
    pub waiting: Waiting,
    pub member_id: String,
    pub instance: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub protocol_type: String,
    pub protocols: Vec<Protocol>,
    pub session_timeout: Duration,
    pub rebalance_timeout: Duration,
}

/// Why a member may not join, and the id that it is told.
#[derive(Debug)]
pub(in crate::core::groups) struct JoinRefused {
    pub error: ResponseError,
    pub member_id: String,
}

impl Joining {
    pub fn new(call: &Call, request: JoinGroupRequest) -> Joining {
        let session_timeout = millis(request.session_timeout_ms);
        let rebalance_timeout = match call.version {
            0 => session_timeout,
            _ => millis(request.rebalance_timeout_ms),
        };
        let protocols = request.protocols.into_iter().map(|protocol| Protocol {
            name: protocol.name.to_string(),
            metadata: Bytes::copy_from_slice(&protocol.metadata),
        });
        Joining {
            waiting: Waiting::new(call),
            member_id: request.member_id.to_string(),
            instance: request.group_instance_id.map(|instance| instance.to_string()),
            client_id: call.caller.client_id.as_deref().unwrap_or_default().to_owned(),
            client_host: format!("/{}", call.caller.host),
            protocol_type: request.protocol_type.to_string(),
            protocols: protocols.collect(),
            session_timeout,
            rebalance_timeout,
        }
    }

    pub fn refused(&self, error: ResponseError) -> JoinRefused {
        JoinRefused { error, member_id: self.member_id.clone() }
    }

    /// An id for somebody who has none yet.
    fn new_id(&self) -> String {
        let begin = self.instance.as_ref().unwrap_or(&self.client_id);
        format!("{begin}-{}", Uuid::new_v4())
    }

    fn can_skip_assignment(&self) -> bool {
        self.waiting.version >= SKIP_ASSIGNMENT_FROM
    }

    fn is_too_large(&self) -> bool {
        let sizes = self.protocols.iter().map(|own| own.name.len() + own.metadata.len());
        sizes.sum::<usize>() > METADATA_MAX_BYTES
    }
}

impl JoinRefused {
    pub fn response(self, version: i16) -> JoinGroupResponse {
        let protocol = (version < NULL_PROTOCOL_FROM).then(StrBytes::default);
        JoinGroupResponse::default()
            .with_error_code(self.error.code())
            .with_generation_id(-1)
            .with_protocol_name(protocol)
            .with_member_id(StrBytes::from_string(self.member_id))
    }
}

fn millis(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

impl ClassicGroup {
    /// Answers the request now or when the others have joined.
    pub fn join(&mut self, joining: Joining, turn: &mut Turn) -> Result<(), JoinRefused> {
        if !self.has_room(&joining.member_id, turn.settings.max_members) {
            self.remove(&joining.member_id, turn);
            let error = ResponseError::GroupMaxSizeReached;
            return Err(JoinRefused { error, member_id: String::new() });
        }
        if joining.is_too_large() {
            return Err(joining.refused(ResponseError::UnknownServerError));
        }
        if !self.supports(&joining.protocol_type, &joining.protocols) {
            return Err(joining.refused(ResponseError::InconsistentGroupProtocol));
        }
        match joining.member_id.is_empty() {
            true => self.join_new(joining, turn),
            false => self.join_known(joining, turn),
        }
    }

    fn has_room(&self, member_id: &str, max: usize) -> bool {
        let joining = self.members.values().filter(|member| member.joining.is_some()).count();
        let is_new = member_id.is_empty();
        match self.state {
            _ if is_new && self.pending_joins.len() >= max => false,
            ClassicState::Empty => true,
            ClassicState::PreparingRebalance => {
                let member = self.members.get(member_id);
                member.is_some_and(|member| member.joining.is_some()) || joining < max
            }
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                self.members.contains_key(member_id) || self.members.len() < max
            }
        }
    }

    fn join_new(&mut self, joining: Joining, turn: &mut Turn) -> Result<(), JoinRefused> {
        let id = joining.new_id();
        if let Some(instance) = joining.instance.clone() {
            match self.instances.get(&instance).cloned() {
                Some(old) => self.replace_static(&old, id, joining, turn),
                None => self.add(id, joining, turn),
            }
            return Ok(());
        }
        if joining.waiting.version < ID_REQUIRED_FROM {
            self.add(id, joining, turn);
            return Ok(());
        }
        self.pending_joins.insert(id.clone());
        turn.set(self.session_timer(&id), joining.session_timeout);
        Err(JoinRefused { error: ResponseError::MemberIdRequired, member_id: id })
    }

    fn join_known(&mut self, joining: Joining, turn: &mut Turn) -> Result<(), JoinRefused> {
        let id = joining.member_id.clone();
        if self.pending_joins.contains(&id) {
            if joining.instance.is_some() {
                return Err(joining.refused(ResponseError::UnknownServerError));
            }
            self.add(id, joining, turn);
            return Ok(());
        }
        self.validate_member(&id, joining.instance.as_deref())
            .map_err(|error| joining.refused(error))?;
        let is_same = self.members.get(&id).is_some_and(|own| own.protocols == joining.protocols);
        match self.state {
            ClassicState::Empty => return Err(joining.refused(ResponseError::UnknownMemberId)),
            ClassicState::CompletingRebalance if is_same => {
                let members = self.members_for(&id);
                self.answer_current(&id, members, joining.waiting, turn);
            }
            ClassicState::Stable if is_same && !self.is_leader(&id) => {
                self.answer_current(&id, Vec::new(), joining.waiting, turn);
            }
            _ => {
                self.update(&id, joining, turn);
                self.rebalance_or_complete_join(turn);
            }
        }
        Ok(())
    }

    /// Says how the group is; nothing changes.
    fn answer_current(
        &self,
        id: &str,
        members: Vec<JoinGroupResponseMember>,
        waiting: Waiting,
        turn: &mut Turn,
    ) {
        let response = self.joined(id, waiting.version).with_members(members);
        turn.answer(waiting, response);
    }

    /// Makes somebody a member, who is answered when everybody has joined.
    fn add(&mut self, id: String, joining: Joining, turn: &mut Turn) {
        if self.members.is_empty() {
            self.protocol_type = Some(joining.protocol_type.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(id.clone());
        }
        if let Some(instance) = &joining.instance {
            self.instances.insert(instance.clone(), id.clone());
        }
        self.pending_joins.remove(&id);
        if let Some(delay) = &mut self.initial_delay {
            delay.has_new_member = true;
        }
        let member = ClassicMember {
            id: id.clone(),
            instance: joining.instance,
            client_id: joining.client_id,
            client_host: joining.client_host,
            session_timeout: joining.session_timeout,
            rebalance_timeout: joining.rebalance_timeout,
            protocols: joining.protocols,
            assignment: Bytes::new(),
            joining: Some(joining.waiting),
            syncing: None,
            is_new: true,
        };
        self.members.insert(id.clone(), member);
        turn.set(self.session_timer(&id), NEW_MEMBER_TIMEOUT);
        self.rebalance_or_complete_join(turn);
    }

    /// Takes over what a member says when it joins anew. An earlier request of it is answered.
    pub(super) fn update(&mut self, id: &str, joining: Joining, turn: &mut Turn) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.protocols = joining.protocols;
        member.session_timeout = joining.session_timeout;
        member.rebalance_timeout = joining.rebalance_timeout;
        member.client_id = joining.client_id;
        member.client_host = joining.client_host;
        if let Some(earlier) = member.joining.replace(joining.waiting) {
            let error = ResponseError::RebalanceInProgress;
            let refused = JoinRefused { error, member_id: id.to_owned() };
            turn.answer(earlier, refused.response(earlier.version));
        }
    }

    /// Answers a static member that has come back and needs no rebalance.
    ///
    /// A client that cannot be told to skip the assignment must not learn that it leads.
    pub(super) fn answer_returned(
        &self,
        id: &str,
        leader_before: Option<String>,
        joining: &Joining,
        turn: &mut Turn,
    ) {
        let response = self.joined(id, joining.waiting.version);
        let response = match joining.can_skip_assignment() {
            true => {
                response.with_skip_assignment(self.is_leader(id)).with_members(self.members_for(id))
            }
            false => response.with_leader(StrBytes::from_string(leader_before.unwrap_or_default())),
        };
        turn.answer(joining.waiting, response);
    }

    /// All members if this is the leader, who assigns partitions to them.
    pub(super) fn members_for(&self, id: &str) -> Vec<JoinGroupResponseMember> {
        if !self.is_leader(id) {
            return Vec::new();
        }
        let protocol = self.protocol.as_deref();
        self.members.values().map(|member| member.described(protocol)).collect()
    }

    /// The answer to a member of the current generation.
    pub(super) fn joined(&self, id: &str, version: i16) -> JoinGroupResponse {
        let of = |text: &Option<String>| text.clone().map(StrBytes::from_string);
        let protocol_type = (version >= NULL_PROTOCOL_FROM).then(|| of(&self.protocol_type));
        JoinGroupResponse::default()
            .with_generation_id(self.generation)
            .with_protocol_type(protocol_type.flatten())
            .with_protocol_name(Some(of(&self.protocol).unwrap_or_default()))
            .with_leader(of(&self.leader).unwrap_or_default())
            .with_member_id(StrBytes::from_string(id.to_owned()))
    }

    pub(super) fn session_timer(&self, member: &str) -> Timer {
        Timer::Session { group: self.id.clone(), member: member.to_owned() }
    }
}
