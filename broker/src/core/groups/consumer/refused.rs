//! Why a heartbeat of the consumer protocol is refused.

use kafka_protocol::error::ResponseError;

/// An error code with the words that a client shows.
#[derive(Clone, Debug)]
pub(in crate::core::groups) struct Refused {
    pub error: ResponseError,
    pub message: String,
}

impl Refused {
    pub fn new(error: ResponseError, message: impl Into<String>) -> Refused {
        Refused { error, message: message.into() }
    }

    pub fn invalid(message: impl Into<String>) -> Refused {
        Refused::new(ResponseError::InvalidRequest, message)
    }

    pub fn unknown_member(group: &str, member: &str) -> Refused {
        let message = format!("Member {member} is not a member of group {group}.");
        Refused::new(ResponseError::UnknownMemberId, message)
    }

    pub fn unknown_instance(instance: &str) -> Refused {
        let message = format!("Instance id {instance} is unknown.");
        Refused::new(ResponseError::UnknownMemberId, message)
    }

    pub fn fenced_instance(member: &str, instance: &str, by: &str) -> Refused {
        let message = format!(
            "Static member {member} with instance id {instance} was fenced by member {by}."
        );
        Refused::new(ResponseError::FencedInstanceId, message)
    }
}
