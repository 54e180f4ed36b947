//! ListGroups.

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Group;
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Core, Handled};

/// From this version on, a group has a state.
const STATE_FROM: i16 = 4;
/// From this version on, a group has a type.
const TYPE_FROM: i16 = 5;

impl Core {
    pub(crate) fn list_groups(
        &mut self,
        call: &Call,
        request: ListGroupsRequest,
    ) -> Handled<ListGroupsResponse> {
        let sees_all = self.may(call, Operation::Describe, Resource::Cluster);
        let is_wanted = |filter: &[StrBytes], value: &str| {
            filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        let groups = self
            .groups
            .groups
            .iter()
            .filter(|(_, group)| is_wanted(&request.states_filter, group.state()))
            .filter(|(_, group)| is_wanted(&request.types_filter, group.kind()))
            .filter(|(id, _)| sees_all || self.may(call, Operation::Describe, Resource::Group(id)))
            .map(|(id, group)| listed(id, group, call.version));
        Handled::Now(ListGroupsResponse::default().with_groups(groups.collect()))
    }
}

fn listed(id: &str, group: &Group, version: i16) -> ListedGroup {
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let mut listed = ListedGroup::default()
        .with_group_id(GroupId(text(id)))
        .with_protocol_type(text(group.protocol_type()));
    if version >= STATE_FROM {
        listed = listed.with_group_state(text(group.state()));
    }
    if version >= TYPE_FROM {
        listed = listed.with_group_type(text(group.kind()));
    }
    listed
}

impl Group {
    fn state(&self) -> &'static str {
        match self {
            Group::Classic(group) => group.state.name(),
            Group::Consumer(group) => group.state(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Group::Classic(_) => "classic",
            Group::Consumer(_) => "consumer",
        }
    }

    fn protocol_type(&self) -> &str {
        match self {
            Group::Classic(group) => group.protocol_type.as_deref().unwrap_or_default(),
            Group::Consumer(_) => "consumer",
        }
    }
}
