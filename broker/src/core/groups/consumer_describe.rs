//! ConsumerGroupDescribe.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::consumer_group_describe_response::{
    Assignment as DescribedAssignment, DescribedGroup, Member, TopicPartitions,
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::Group;
use super::consumer::{Assignment, ConsumerGroup, ConsumerMember};
use crate::core::acls::{Operation, Resource};
use crate::core::{Call, Catalog, Core, Handled};

/// From this version on, a member says whether it speaks the classic protocol.
const MEMBER_TYPE_FROM: i16 = 1;
const CLASSIC_MEMBER: i8 = 0;
const CONSUMER_MEMBER: i8 = 1;

impl Core {
    pub(crate) fn consumer_group_describe(
        &mut self,
        call: &Call,
        request: ConsumerGroupDescribeRequest,
    ) -> Handled<ConsumerGroupDescribeResponse> {
        let mut groups = Vec::new();
        for id in request.group_ids {
            let mut group = self.described_consumer_group(call, &id);
            if request.include_authorized_operations && group.error_code == 0 {
                group.authorized_operations = self.operations_on_group(call, &id);
            }
            groups.push(group.with_group_id(id));
        }
        Handled::Now(ConsumerGroupDescribeResponse::default().with_groups(groups))
    }

    fn described_consumer_group(&self, call: &Call, id: &str) -> DescribedGroup {
        let refused = |error: ResponseError, message: Option<String>| {
            DescribedGroup::default()
                .with_error_code(error.code())
                .with_error_message(message.map(StrBytes::from_string))
        };
        if !self.may(call, Operation::Describe, Resource::Group(id)) {
            return refused(ResponseError::GroupAuthorizationFailed, None);
        }
        if id.is_empty() {
            return refused(ResponseError::InvalidGroupId, None);
        }
        match self.groups.groups.get(id) {
            Some(Group::Consumer(group)) => self.described_if_visible(call, group),
            Some(Group::Classic(_)) => {
                let message = format!("Group {id} is not a consumer group.");
                refused(ResponseError::GroupIdNotFound, Some(message))
            }
            None => refused(ResponseError::GroupIdNotFound, Some(format!("Group {id} not found."))),
        }
    }

    /// A group is told of only to those who may see every topic of it.
    fn described_if_visible(&self, call: &Call, group: &ConsumerGroup) -> DescribedGroup {
        let mut topics = group.subscribed_topics().into_iter();
        match topics.all(|topic| self.may(call, Operation::Describe, Resource::Topic(&topic))) {
            true => described(group, &self.catalog, call.version),
            false => {
                let message = "The group has described topic(s) that the client is not authorized to describe.";
                DescribedGroup::default()
                    .with_error_code(ResponseError::TopicAuthorizationFailed.code())
                    .with_error_message(Some(StrBytes::from_static_str(message)))
            }
        }
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn described(group: &ConsumerGroup, catalog: &Catalog, version: i16) -> DescribedGroup {
    let members = group.members.values().map(|member| {
        let target = group.target.get(&member.identity.id).cloned().unwrap_or_default();
        described_member(member, &target, catalog, version)
    });
    DescribedGroup::default()
        .with_group_state(text(group.state()))
        .with_group_epoch(group.epoch)
        .with_assignment_epoch(group.assignment_epoch)
        .with_assignor_name(text(&group.assignor))
        .with_members(members.collect())
}

fn described_member(
    member: &ConsumerMember,
    target: &Assignment,
    catalog: &Catalog,
    version: i16,
) -> Member {
    let identity = &member.identity;
    let topics = member.topics.iter().map(|topic| TopicName(text(topic)));
    let described = Member::default()
        .with_member_id(text(&identity.id))
        .with_instance_id(identity.instance.as_deref().map(text))
        .with_rack_id(identity.rack.as_deref().map(text))
        .with_member_epoch(member.epoch)
        .with_client_id(text(&identity.client_id))
        .with_client_host(text(&identity.client_host))
        .with_subscribed_topic_names(topics.collect())
        .with_subscribed_topic_regex(Some(text(member.regex.as_deref().unwrap_or_default())))
        .with_assignment(described_assignment(&member.assigned, catalog))
        .with_target_assignment(described_assignment(target, catalog));
    match member.classic {
        _ if version < MEMBER_TYPE_FROM => described,
        Some(_) => described.with_member_type(CLASSIC_MEMBER),
        None => described.with_member_type(CONSUMER_MEMBER),
    }
}

/// Topics that are gone have no name, and are left out.
fn described_assignment(assignment: &Assignment, catalog: &Catalog) -> DescribedAssignment {
    let topics = assignment.iter().filter_map(|(id, partitions)| {
        let name = catalog.name_of(*id)?;
        let topic = TopicPartitions::default()
            .with_topic_id(*id)
            .with_topic_name(TopicName(text(name)))
            .with_partitions(partitions.iter().copied().collect());
        Some(topic)
    });
    DescribedAssignment::default().with_topic_partitions(topics.collect())
}
