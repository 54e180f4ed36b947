//! Groups and their members.

use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup as DescribedConsumerGroup;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse, DeleteGroupsRequest, DeleteGroupsResponse,
    DescribeGroupsRequest, DescribeGroupsResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{Refusable, refused_at_the_top};
use crate::faults::{Fenceable, Subject};

refused_at_the_top! {
    ListGroupsRequest => ListGroupsResponse,
}

/// The first version of FindCoordinator with several keys.
const COORDINATORS: i16 = 4;
/// The kind of a key that is a transactional id.
const KEY_OF_TRANSACTION: i8 = 1;

impl Refusable for FindCoordinatorRequest {
    type Response = FindCoordinatorResponse;

    fn refusal(&self, version: i16, code: i16) -> FindCoordinatorResponse {
        if version < COORDINATORS {
            return FindCoordinatorResponse::default()
                .with_error_code(code)
                .with_node_id((-1).into())
                .with_port(-1);
        }
        let coordinators = self.coordinator_keys.iter().map(|key| {
            Coordinator::default()
                .with_key(key.clone())
                .with_node_id((-1).into())
                .with_port(-1)
                .with_error_code(code)
        });
        FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
    }

    fn subject(&self) -> Subject {
        let keys = self.coordinator_keys.iter().chain([&self.key]).filter(|key| !key.is_empty());
        keys.fold(Subject::default(), |subject, key| match self.key_type {
            KEY_OF_TRANSACTION => subject.transactional_id(key),
            _ => subject.group(key),
        })
    }
}

/// The first version of JoinGroup in which a protocol may be null.
const JOIN_WITHOUT_PROTOCOL: i16 = 7;

impl Refusable for JoinGroupRequest {
    type Response = JoinGroupResponse;

    fn refusal(&self, version: i16, code: i16) -> JoinGroupResponse {
        let protocol = (version < JOIN_WITHOUT_PROTOCOL).then(StrBytes::default);
        JoinGroupResponse::default()
            .with_error_code(code)
            .with_generation_id(-1)
            .with_protocol_name(protocol)
            .with_member_id(self.member_id.clone())
    }

    fn subject(&self) -> Subject {
        Subject::default().member(&self.group_id, &self.member_id, self.group_instance_id.as_ref())
    }
}

impl Refusable for SyncGroupRequest {
    type Response = SyncGroupResponse;

    fn refusal(&self, _version: i16, code: i16) -> SyncGroupResponse {
        SyncGroupResponse::default().with_error_code(code)
    }

    fn subject(&self) -> Subject {
        Subject::default().member(&self.group_id, &self.member_id, self.group_instance_id.as_ref())
    }
}

impl Refusable for HeartbeatRequest {
    type Response = HeartbeatResponse;

    fn refusal(&self, _version: i16, code: i16) -> HeartbeatResponse {
        HeartbeatResponse::default().with_error_code(code)
    }

    fn subject(&self) -> Subject {
        Subject::default().member(&self.group_id, &self.member_id, self.group_instance_id.as_ref())
    }
}

impl Refusable for LeaveGroupRequest {
    type Response = LeaveGroupResponse;

    fn refusal(&self, _version: i16, code: i16) -> LeaveGroupResponse {
        LeaveGroupResponse::default().with_error_code(code)
    }

    fn subject(&self) -> Subject {
        Subject::default().group(&self.group_id)
    }
}

impl Refusable for DescribeGroupsRequest {
    type Response = DescribeGroupsResponse;

    fn refusal(&self, _version: i16, code: i16) -> DescribeGroupsResponse {
        let groups = self.groups.iter().map(|group| {
            DescribedGroup::default().with_group_id(group.clone()).with_error_code(code)
        });
        DescribeGroupsResponse::default().with_groups(groups.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().groups(self.groups.iter().map(|group| group.as_str()))
    }
}

impl Refusable for DeleteGroupsRequest {
    type Response = DeleteGroupsResponse;

    fn refusal(&self, _version: i16, code: i16) -> DeleteGroupsResponse {
        let results = self.groups_names.iter().map(|group| {
            DeletableGroupResult::default().with_group_id(group.clone()).with_error_code(code)
        });
        DeleteGroupsResponse::default().with_results(results.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().groups(self.groups_names.iter().map(|group| group.as_str()))
    }
}

impl Refusable for ConsumerGroupHeartbeatRequest {
    type Response = ConsumerGroupHeartbeatResponse;

    fn refusal(&self, _version: i16, code: i16) -> ConsumerGroupHeartbeatResponse {
        ConsumerGroupHeartbeatResponse::default().with_error_code(code)
    }

    fn subject(&self) -> Subject {
        let mut subject = Subject::default().group(&self.group_id);
        subject.fenceable = (self.member_epoch > 0).then(|| Fenceable::ConsumerMember {
            group: self.group_id.clone(),
            member: self.member_id.clone(),
        });
        subject
    }
}

impl Refusable for ConsumerGroupDescribeRequest {
    type Response = ConsumerGroupDescribeResponse;

    fn refusal(&self, _version: i16, code: i16) -> ConsumerGroupDescribeResponse {
        let groups = self.group_ids.iter().map(|group| {
            DescribedConsumerGroup::default().with_group_id(group.clone()).with_error_code(code)
        });
        ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
    }

    fn subject(&self) -> Subject {
        Subject::default().groups(self.group_ids.iter().map(|group| group.as_str()))
    }
}
