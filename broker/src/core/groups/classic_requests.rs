//! The requests of the classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};

use super::classic::{JoinRefused, Joining, Leaving, SYNC_PROTOCOL_FROM, sync_refused};
use super::turn::Waiting;
use super::{Group, Groups};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled};

/// From this version on, several members leave with one request.
const LEAVE_BATCHED_FROM: i16 = 3;

impl Core {
    pub(crate) fn join_group(
        &mut self,
        call: &Call,
        request: JoinGroupRequest,
    ) -> Handled<JoinGroupResponse> {
        let group = request.group_id.to_string();
        let joining = Joining::new(call, request);
        let joined = match self.may_join(call, &group, &joining) {
            Ok(()) if self.groups.is_consumer_in_use(&group) => {
                self.join_consumer_group(call, &group, joining)
            }
            Ok(()) => self.groups.join(&group, joining, call),
            Err(error) => Err(joining.refused(error)),
        };
        self.settle_groups(call.now);
        match joined {
            Ok(()) => Handled::Later,
            Err(refused) => Handled::Now(refused.response(call.version)),
        }
    }

    fn may_join(&self, call: &Call, group: &str, joining: &Joining) -> Result<(), ResponseError> {
        self.may_read_group(call, group)?;
        let settings = &self.groups.settings;
        let sessions = settings.session_min..=settings.session_max;
        match sessions.contains(&joining.session_timeout) {
            true => Ok(()),
            false => Err(ResponseError::InvalidSessionTimeout),
        }
    }

    /// Checks what every request of a member has to fulfil.
    fn may_read_group(&self, call: &Call, group: &str) -> Result<(), ResponseError> {
        if !self.may(call, Operation::Read, Resource::Group(group)) {
            return Err(ResponseError::GroupAuthorizationFailed);
        }
        match group.is_empty() {
            true => Err(ResponseError::InvalidGroupId),
            false => Ok(()),
        }
    }

    pub(crate) fn sync_group(
        &mut self,
        call: &Call,
        request: SyncGroupRequest,
    ) -> Handled<SyncGroupResponse> {
        let synced = self.synced(call, request);
        self.settle_groups(call.now);
        match synced {
            Ok(()) => Handled::Later,
            Err(error) => Handled::Now(sync_refused(error)),
        }
    }

    fn synced(&mut self, call: &Call, request: SyncGroupRequest) -> Result<(), ResponseError> {
        let is_incomplete = request.protocol_type.is_none() || request.protocol_name.is_none();
        if call.version >= SYNC_PROTOCOL_FROM && is_incomplete {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        let group = request.group_id.to_string();
        self.may_read_group(call, &group)?;
        let waiting = Waiting::new(call);
        self.groups
            .with_group(&group, call.now, |group, turn| match group {
                Group::Classic(group) => group.sync(request, waiting, turn),
                Group::Consumer(group) => Groups::sync_consumer(group, &request, waiting, turn),
            })
            .unwrap_or(Err(ResponseError::UnknownMemberId))
    }

    pub(crate) fn heartbeat(
        &mut self,
        call: &Call,
        request: HeartbeatRequest,
    ) -> Handled<HeartbeatResponse> {
        let error = match self.beaten(call, &request) {
            Ok(()) => 0,
            Err(error) => error.code(),
        };
        self.settle_groups(call.now);
        Handled::Now(HeartbeatResponse::default().with_error_code(error))
    }

    fn beaten(&mut self, call: &Call, request: &HeartbeatRequest) -> Result<(), ResponseError> {
        self.may_read_group(call, &request.group_id)?;
        let (member, instance) = (&request.member_id, request.group_instance_id.as_deref());
        let generation = request.generation_id;
        self.groups
            .with_group(&request.group_id, call.now, |group, turn| match group {
                Group::Classic(group) => group.heartbeat(member, instance, generation, turn),
                Group::Consumer(group) => {
                    group.heartbeat_classic(member, instance, generation, turn)
                }
            })
            .unwrap_or(Err(ResponseError::UnknownMemberId))
    }

    pub(crate) fn leave_group(
        &mut self,
        call: &Call,
        request: LeaveGroupRequest,
    ) -> Handled<LeaveGroupResponse> {
        let leaving = leaving(call.version, &request);
        let left = self.left(call, &request.group_id, &leaving);
        self.settle_groups(call.now);
        let code = |result: &Result<(), ResponseError>| {
            result.as_ref().err().map_or(0, ResponseError::code)
        };
        let response = LeaveGroupResponse::default();
        let response = match left {
            Err(error) => response.with_error_code(error.code()),
            Ok(results) if call.version < LEAVE_BATCHED_FROM => {
                response.with_error_code(results.first().map_or(0, code))
            }
            Ok(results) => {
                let members = request.members.into_iter().zip(&results).map(|(member, result)| {
                    MemberResponse::default()
                        .with_member_id(member.member_id)
                        .with_group_instance_id(member.group_instance_id)
                        .with_error_code(code(result))
                });
                response.with_members(members.collect())
            }
        };
        Handled::Now(response)
    }

    fn left(
        &mut self,
        call: &Call,
        group: &str,
        leaving: &[Leaving],
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        self.may_read_group(call, group)?;
        let left = self.groups.with_group(group, call.now, |group, turn| match group {
            Group::Classic(group) => group.leave(leaving, turn),
            Group::Consumer(group) => Groups::leave_consumer_group(group, leaving, turn),
        });
        let nobody = || leaving.iter().map(|_| Err(ResponseError::UnknownMemberId)).collect();
        Ok(left.unwrap_or_else(nobody))
    }
}

impl Groups {
    /// Makes the group if somebody without an id wants to join it.
    fn join(&mut self, group: &str, joining: Joining, call: &Call) -> Result<(), JoinRefused> {
        if joining.member_id.is_empty() && !self.make_classic(group, call.now) {
            return Err(joining.refused(ResponseError::GroupMaxSizeReached));
        }
        let unknown = joining.refused(ResponseError::UnknownMemberId);
        self.with_classic(group, call.now, |group, turn| group.join(joining, turn))
            .unwrap_or(Err(unknown))
    }
}

fn leaving(version: i16, request: &LeaveGroupRequest) -> Vec<Leaving> {
    if version < LEAVE_BATCHED_FROM {
        return vec![Leaving { member: request.member_id.to_string(), instance: None }];
    }
    let members = request.members.iter().map(|member| Leaving {
        member: member.member_id.to_string(),
        instance: member.group_instance_id.as_ref().map(ToString::to_string),
    });
    members.collect()
}
