//! What goes wrong between us and a broker.

use std::fmt;

use kafka_protocol::error::ResponseError;
use kafka_protocol::protocol::StrBytes;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It cannot be reached, or it does not answer: whether it has done what was asked is not known.
    Unreachable {
        reason: String,
    },
    /// The broker does not know the request.
    Unsupported {
        request: String,
    },
    /// Our settings or the protocol do not allow to ask so.
    Refused {
        reason: String,
    },
    Unauthenticated {
        reason: String,
    },
    /// An answer that cannot be understood.
    Unreadable {
        reason: String,
    },
    /// The broker's own answer; what it says of it, if it says more than the code.
    Code {
        error: ResponseError,
        message: Option<String>,
    },
}

impl Error {
    /// Whether the same request may succeed a little later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Error::Unreachable { .. } => true,
            Error::Code { error, .. } => error.is_retriable(),
            _ => false,
        }
    }

    /// The broker's code, if that is what it is.
    pub fn code(&self) -> Option<ResponseError> {
        match self {
            Error::Code { error, .. } => Some(*error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unsupported { request } => {
                write!(f, "The broker does not know this request ({request}).")
            }
            Error::Unreachable { reason }
            | Error::Refused { reason }
            | Error::Unauthenticated { reason }
            | Error::Unreadable { reason } => f.write_str(reason),
            Error::Code { message: Some(message), .. } => f.write_str(message),
            Error::Code { error, message: None } => text(f, *error),
        }
    }
}

impl std::error::Error for Error {}

/// Kafka's code and text; 0 is none.
pub fn check(code: i16, message: Option<StrBytes>) -> Result<(), Error> {
    let message = message.filter(|m| !m.is_empty()).map(|m| m.to_string());
    match ResponseError::try_from_code(code) {
        None => Ok(()),
        Some(error) => Err(Error::Code { error, message }),
    }
}

/// Where the broker says no more than the code: what Kafka's own clients say, for those that users
/// meet.
fn text(f: &mut fmt::Formatter<'_>, error: ResponseError) -> fmt::Result {
    use ResponseError as Kafka;
    let text = match error {
        Kafka::UnknownTopicOrPartition => "This server does not host this topic-partition.",
        Kafka::OffsetOutOfRange => {
            "The requested offset is not within the range of offsets maintained by the server."
        }
        Kafka::GroupIdNotFound => "The group id does not exist.",
        Kafka::NonEmptyGroup => "The group is not empty.",
        Kafka::UnknownMemberId => "The group has active members.",
        Kafka::LeaderNotAvailable => {
            "There is no leader for this topic-partition as we are in the middle of a leadership election."
        }
        Kafka::NotLeaderOrFollower => {
            "For requests intended only for the leader, this error indicates that the broker is not the current leader."
        }
        Kafka::CoordinatorNotAvailable => "The coordinator is not available.",
        Kafka::NotCoordinator => "This is not the correct coordinator.",
        Kafka::RequestTimedOut => "The request timed out.",
        Kafka::TopicAlreadyExists => "Topic with this name already exists.",
        Kafka::InvalidTopicException => {
            "The request attempted to perform an operation on an invalid topic."
        }
        Kafka::TopicAuthorizationFailed => "Topic authorization failed.",
        Kafka::GroupAuthorizationFailed => "Group authorization failed.",
        Kafka::ClusterAuthorizationFailed => "Cluster authorization failed.",
        Kafka::PolicyViolation => "Request parameters do not satisfy the configured policy.",
        Kafka::SecurityDisabled => "Security features are disabled.",
        other => return write!(f, "Kafka answers {other}."),
    };
    f.write_str(text)
}
