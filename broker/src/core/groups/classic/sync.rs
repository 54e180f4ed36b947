//! SyncGroup.

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::{ClassicGroup, ClassicState};
use crate::core::groups::turn::{Turn, Waiting};

/// From this version on, the protocol is in the request and in the answer.
pub(in crate::core::groups) const PROTOCOL_FROM: i16 = 5;
/// An assignment of a whole group is at most this large.
const ASSIGNMENT_MAX_BYTES: usize = 32 * 1024 * 1024;

pub(in crate::core::groups) fn refused(error: ResponseError) -> SyncGroupResponse {
    SyncGroupResponse::default().with_error_code(error.code())
}

impl ClassicGroup {
    /// Answers the request now or when the leader has made the assignment.
    pub fn sync(
        &mut self,
        request: SyncGroupRequest,
        waiting: Waiting,
        turn: &mut Turn,
    ) -> Result<(), ResponseError> {
        let id = request.member_id.to_string();
        self.validate_member(&id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        let differs = |told: Option<&str>, own: &Option<String>| {
            told.is_some() && own.is_some() && told != own.as_deref()
        };
        if differs(request.protocol_type.as_deref(), &self.protocol_type)
            || differs(request.protocol_name.as_deref(), &self.protocol)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        match self.state {
            ClassicState::Empty => Err(ResponseError::UnknownMemberId),
            ClassicState::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            ClassicState::CompletingRebalance => self.wait_for_assignment(request, waiting, turn),
            ClassicState::Stable => {
                self.has_synced(&id, turn);
                self.answer_assignment(&id, waiting, turn);
                Ok(())
            }
        }
    }

    fn wait_for_assignment(
        &mut self,
        request: SyncGroupRequest,
        waiting: Waiting,
        turn: &mut Turn,
    ) -> Result<(), ResponseError> {
        let id = request.member_id.to_string();
        let size: usize = request.assignments.iter().map(|one| one.assignment.len()).sum();
        if size > ASSIGNMENT_MAX_BYTES {
            return Err(ResponseError::UnknownServerError);
        }
        self.has_synced(&id, turn);
        let earlier = self.members.get_mut(&id).and_then(|own| own.syncing.replace(waiting));
        if let Some(earlier) = earlier {
            turn.answer(earlier, refused(ResponseError::RebalanceInProgress));
        }
        if self.is_leader(&id) {
            let assigned = request
                .assignments
                .into_iter()
                .map(|one| (one.member_id.to_string(), Bytes::copy_from_slice(&one.assignment)));
            self.assign(assigned.collect(), turn);
        }
        Ok(())
    }

    /// Gives every member what the leader has for it; who was forgotten gets nothing.
    fn assign(&mut self, mut assigned: HashMap<String, Bytes>, turn: &mut Turn) {
        for member in self.members.values_mut() {
            member.assignment = assigned.remove(&member.id).unwrap_or_default();
        }
        self.state = ClassicState::Stable;
        self.state_since_ms = turn.now.wall_ms;
        turn.changed(&self.id);
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let waiting = self.members.get_mut(&id).and_then(|member| member.syncing.take());
            if let Some(waiting) = waiting {
                self.answer_assignment(&id, waiting, turn);
            }
        }
    }

    fn answer_assignment(&self, id: &str, waiting: Waiting, turn: &mut Turn) {
        let Some(member) = self.members.get(id) else { return };
        let of = |text: &Option<String>| text.clone().map(StrBytes::from_string);
        let mut response = SyncGroupResponse::default().with_assignment(member.assignment.clone());
        if waiting.version >= PROTOCOL_FROM {
            response = response
                .with_protocol_type(of(&self.protocol_type))
                .with_protocol_name(of(&self.protocol));
        }
        turn.set(self.session_timer(id), member.session_timeout);
        turn.answer(waiting, response);
    }
}
