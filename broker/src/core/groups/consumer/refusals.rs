//! Words for what a heartbeat of the consumer protocol is refused for.

use kafka_protocol::error::ResponseError;

use crate::core::refusal::Refusal;

impl Refusal {
    pub(in crate::core::groups) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(ResponseError::InvalidRequest, message)
    }

    pub(super) fn unknown_member(group: &str, member: &str) -> Refusal {
        let message = format!("Member {member} is not a member of group {group}.");
        Refusal::new(ResponseError::UnknownMemberId, message)
    }

    pub(super) fn unknown_instance(instance: &str) -> Refusal {
        let message = format!("Instance id {instance} is unknown.");
        Refusal::new(ResponseError::UnknownMemberId, message)
    }

    pub(super) fn fenced_instance(member: &str, instance: &str, by: &str) -> Refusal {
        let message = format!(
            "Static member {member} with instance id {instance} was fenced by member {by}."
        );
        Refusal::new(ResponseError::FencedInstanceId, message)
    }
}
