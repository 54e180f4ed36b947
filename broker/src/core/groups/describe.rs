//! DescribeGroups, of the classic protocol.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use kafka_protocol::protocol::StrBytes;

use super::Group;
use super::classic::{ClassicGroup, ClassicMember, ClassicState};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled};

/// From this version on, a group that is not there is an error.
const NOT_FOUND_FROM: i16 = 6;
/// From this version on, members have instances.
const INSTANCE_FROM: i16 = 4;

/// What can be done to a group, with the number that each operation has in Kafka's ACLs.
const OPERATIONS: [(Operation, u32); 5] = [
    (Operation::Read, 3),
    (Operation::Delete, 6),
    (Operation::Describe, 8),
    (Operation::DescribeConfigs, 10),
    (Operation::AlterConfigs, 11),
];

impl Core {
    pub(crate) fn describe_groups(
        &mut self,
        call: &Call,
        request: DescribeGroupsRequest,
    ) -> Handled<DescribeGroupsResponse> {
        let mut groups = Vec::new();
        for id in request.groups {
            let mut group = self.described_group(call, &id);
            if request.include_authorized_operations && group.error_code == 0 {
                group.authorized_operations = self.operations_on_group(call, &id);
            }
            groups.push(group.with_group_id(id));
        }
        Handled::Now(DescribeGroupsResponse::default().with_groups(groups))
    }

    /// What the caller may do to a group, as bits.
    pub(super) fn operations_on_group(&self, call: &Call, id: &str) -> i32 {
        OPERATIONS
            .into_iter()
            .filter(|(operation, _)| self.may(call, *operation, Resource::Group(id)))
            .fold(0, |bits, (_, bit)| bits | 1 << bit)
    }

    fn described_group(&self, call: &Call, id: &GroupId) -> DescribedGroup {
        if !self.may(call, Operation::Describe, Resource::Group(id)) {
            return DescribedGroup::default()
                .with_error_code(ResponseError::GroupAuthorizationFailed.code());
        }
        let why = match self.groups.groups.get(id.as_str()) {
            Some(Group::Classic(group)) => return described(group, call.version),
            Some(Group::Consumer(_)) => format!("Group {} is not a classic group.", id.as_str()),
            None => format!("Group {} not found.", id.as_str()),
        };
        let dead = DescribedGroup::default().with_group_state(StrBytes::from_static_str("Dead"));
        match call.version >= NOT_FOUND_FROM {
            true => dead
                .with_error_code(ResponseError::GroupIdNotFound.code())
                .with_error_message(Some(StrBytes::from_string(why))),
            false => dead,
        }
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn described(group: &ClassicGroup, version: i16) -> DescribedGroup {
    let is_stable = group.state == ClassicState::Stable;
    let protocol = group.protocol.as_deref().filter(|_| is_stable);
    let members = group.members.values().map(|member| described_member(member, protocol, version));
    DescribedGroup::default()
        .with_group_state(text(group.state.name()))
        .with_protocol_type(text(group.protocol_type.as_deref().unwrap_or_default()))
        .with_protocol_data(text(protocol.unwrap_or_default()))
        .with_members(members.collect())
}

/// What a member has said and got is told only while the group is stable.
fn described_member(
    member: &ClassicMember,
    protocol: Option<&str>,
    version: i16,
) -> DescribedGroupMember {
    let described = DescribedGroupMember::default()
        .with_member_id(text(&member.id))
        .with_group_instance_id(
            member.instance.as_deref().filter(|_| version >= INSTANCE_FROM).map(text),
        )
        .with_client_id(text(&member.client_id))
        .with_client_host(text(&member.client_host));
    match protocol {
        Some(protocol) => described
            .with_member_metadata(member.metadata(protocol).cloned().unwrap_or_default())
            .with_member_assignment(member.assignment.clone()),
        None => described,
    }
}
