//! What the proxy refuses: one variant a fact, its text on the wire, and one table of codes.
//! Source: Confluent REST Proxy's `Errors` and rest-utils' `KafkaExceptionMapper`.

use std::fmt;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Seconds after which another try may pass, where nothing says more.
pub(crate) const RETRY_AFTER_S: u64 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyError {
    TopicNotFound,
    PartitionNotFound,
    ConsumerNotFound,
    /// Kafka does not have the topic or the partition; the code is that of another error, as in the
    /// reference.
    UnknownPartition {
        reason: String,
    },
    /// A record is for a topic or a partition that Kafka does not have.
    NotInMetadata {
        reason: String,
    },
    /// Something that the path names is not there.
    Missing {
        reason: String,
    },
    FormatMismatch,
    /// A record that cannot be read in the instance's format, or a registry that cannot be asked.
    Unreadable {
        reason: String,
    },
    ConsumerExists,
    IllegalState {
        reason: String,
    },
    KeySchemaMissing,
    ValueSchemaMissing,
    ConsumerConfigOutOfRange {
        reason: String,
    },
    InvalidConsumerConfig {
        reason: String,
    },
    InvalidSchema {
        schema: String,
    },
    Serialization {
        reason: String,
    },
    /// A field's value that cannot be.
    Invalid {
        reason: String,
    },
    InvalidFormat,
    /// A field that a body's object does not have.
    UnrecognizedField {
        field: String,
    },
    Unauthenticated {
        reason: String,
    },
    Forbidden {
        reason: String,
    },
    /// Kafka does not do this: it cannot be, it is there already, a policy forbids it.
    Refused {
        reason: String,
    },
    /// The broker does not know the request.
    Unsupported {
        request: String,
    },
    RecordTooLarge {
        reason: String,
    },
    /// Kafka's quota.
    Throttled {
        reason: String,
    },
    /// The proxy's own limit.
    RateLimited {
        retry_after_s: u64,
    },
    BrokerNotAvailable {
        reason: String,
    },
    Kafka {
        reason: String,
    },
    Retriable {
        reason: String,
    },
    /// A record may be written or not.
    OutcomeUnknown {
        reason: String,
    },
    /// There are as many clients of Kafka as may be, or as there are threads and descriptors for.
    TooManyClients {
        reason: String,
    },
    // API v3's produce requests
    /// There is no body, or no record in it.
    Payload {
        reason: String,
    },
    /// A batch that cannot be.
    Batch {
        reason: String,
    },
    StreamTooOld,
    // what the HTTP layer itself refuses
    BadRequest {
        reason: String,
    },
    /// A page of another site may not write.
    ForeignOrigin {
        reason: String,
    },
    /// The body has not come in time.
    BodyTimeout,
    /// The request is for a name that the server does not have.
    Misdirected {
        reason: String,
    },
    /// Other requests' bodies take all the room.
    Crowded,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    BodyTooLarge,
    UnsupportedMediaType,
    Internal,
}

/// code, HTTP status, variant
macro_rules! codes {
    ($($code:literal $status:literal $variant:ident)*) => {
        impl ProxyError {
            /// The `error_code` of the answer.
            pub fn code(&self) -> u32 {
                match self { $(Self::$variant { .. } => $code,)* }
            }

            /// The HTTP status of the answer.
            pub fn status(&self) -> u16 {
                match self { $(Self::$variant { .. } => $status,)* }
            }
        }
    };
}

codes! {
    40001 422 ConsumerConfigOutOfRange
    40002 400 Refused
    40002 400 Unsupported
    40401 404 TopicNotFound
    40401 404 NotInMetadata
    40402 404 PartitionNotFound
    40403 404 ConsumerNotFound
    40403 404 UnknownPartition
    404   404 Missing
    40601 406 FormatMismatch
    40801 408 Unreadable
    40902 409 ConsumerExists
    40903 409 IllegalState
    42201 422 KeySchemaMissing
    42202 422 ValueSchemaMissing
    42204 422 InvalidConsumerConfig
    42205 422 InvalidSchema
    42206 422 Payload
    42207 422 Serialization
    42208 422 Batch
    422   422 Invalid
    422   422 InvalidFormat
    422   422 UnrecognizedField
    40101 401 Unauthenticated
    40301 403 Forbidden
    408   408 StreamTooOld
    413   413 RecordTooLarge
    42901 429 Throttled
    429   429 RateLimited
    50302 503 BrokerNotAvailable
    50002 500 Kafka
    50003 500 Retriable
    50004 500 OutcomeUnknown
    50301 503 TooManyClients
    400   400 BadRequest
    403   403 ForeignOrigin
    408   408 BodyTimeout
    421   421 Misdirected
    503   503 Crowded
    404   404 NotFound
    405   405 MethodNotAllowed
    406   406 NotAcceptable
    413   413 BodyTooLarge
    415   415 UnsupportedMediaType
    500   500 Internal
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TopicNotFound => f.write_str("Topic not found."),
            Self::PartitionNotFound => f.write_str("Partition not found."),
            Self::ConsumerNotFound => f.write_str("Consumer instance not found."),
            Self::FormatMismatch => f.write_str(
                "The requested embedded data format does not match the deserializer for this consumer instance",
            ),
            Self::ConsumerExists => f.write_str(
                "Consumer with specified consumer ID already exists in the specified consumer group.",
            ),
            Self::IllegalState { reason } => write!(f, "Illegal state: {reason}"),
            Self::KeySchemaMissing => {
                f.write_str("Request includes keys but does not include key schema")
            }
            Self::ValueSchemaMissing => {
                f.write_str("Request includes values but does not include value schema")
            }
            Self::ConsumerConfigOutOfRange { reason } => write!(
                f,
                "Invalid consumer configuration. It does not abide by the constraints: {reason}"
            ),
            Self::InvalidConsumerConfig { reason } => {
                write!(f, "Invalid consumer configuration: {reason}")
            }
            Self::InvalidSchema { schema } => write!(f, "Invalid schema: {schema}"),
            Self::Serialization { reason } => write!(f, "Error serializing message. {reason}"),
            Self::Payload { reason } => write!(f, "Payload error. {reason}"),
            Self::Unsupported { request } => write!(
                f,
                "The broker does not know this request ({request}). The embedded broker is for development: a real Kafka does."
            ),
            Self::OutcomeUnknown { reason } => write!(
                f,
                "The record may be written or not, and a second try may write it twice: {reason}"
            ),
            Self::TooManyClients { reason } => {
                write!(f, "No client of Kafka is free for this request: {reason}.")
            }
            Self::RateLimited { .. } => f.write_str(
                "Request rate limit exceeded: The rate limit of requests per second has been exceeded.",
            ),
            Self::StreamTooOld => f.write_str(
                "Streaming connection open for longer than allowed: Connection will be closed.",
            ),
            Self::InvalidFormat => f.write_str("Invalid format type."),
            Self::UnrecognizedField { field } => write!(f, "Unrecognized field: {field}"),
            Self::UnknownPartition { reason }
            | Self::NotInMetadata { reason }
            | Self::Missing { reason }
            | Self::Unreadable { reason }
            | Self::Invalid { reason }
            | Self::Batch { reason }
            | Self::Unauthenticated { reason }
            | Self::Forbidden { reason }
            | Self::Refused { reason }
            | Self::RecordTooLarge { reason }
            | Self::Throttled { reason }
            | Self::BrokerNotAvailable { reason }
            | Self::Kafka { reason }
            | Self::Retriable { reason }
            | Self::ForeignOrigin { reason }
            | Self::Misdirected { reason } => f.write_str(reason),
            Self::BodyTimeout => f.write_str("HTTP 408 Request Timeout"),
            Self::Crowded => {
                f.write_str("Other requests' bodies take all the room that there is.")
            }
            Self::BadRequest { reason } => write!(f, "Bad Request: {reason}"),
            Self::NotFound => f.write_str("HTTP 404 Not Found"),
            Self::MethodNotAllowed => f.write_str("HTTP 405 Method Not Allowed"),
            Self::NotAcceptable => f.write_str("HTTP 406 Not Acceptable"),
            Self::BodyTooLarge => f.write_str("HTTP 413 Request Entity Too Large"),
            Self::UnsupportedMediaType => f.write_str("HTTP 415 Unsupported Media Type"),
            Self::Internal => f.write_str("Internal Server Error"),
        }
    }
}

impl std::error::Error for ProxyError {}

impl ProxyError {
    /// Seconds after which the same request may be answered otherwise, where `Retry-After` says so.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_s } => Some(*retry_after_s),
            Self::BrokerNotAvailable { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Crowded
            | Self::TooManyClients { .. } => Some(RETRY_AFTER_S),
            _ => None,
        }
    }

    /// 40301, in the words of Kafka's Java client.
    pub(crate) fn topics_denied<T: AsRef<str>>(topics: &[T]) -> ProxyError {
        let topics: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
        ProxyError::Forbidden {
            reason: format!("Not authorized to access topics: [{}]", topics.join(", ")),
        }
    }

    /// 40301, in the words of Kafka's Java client.
    pub(crate) fn group_denied(group: &str) -> ProxyError {
        ProxyError::Forbidden { reason: format!("Not authorized to access group: {group}") }
    }
}

impl From<KafkaError> for ProxyError {
    /// Sorts Kafka's errors as the reference does: who are you, you may not, try again, the rest.
    fn from(error: KafkaError) -> Self {
        use RDKafkaErrorCode as Code;
        let reason = match error.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => error.to_string(),
        };
        match error.rdkafka_error_code() {
            Some(
                Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::UnsupportedSASLMechanism
                | Code::IllegalSASLState,
            ) => Self::Unauthenticated { reason },
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed,
            ) => Self::Forbidden { reason },
            Some(Code::MessageSizeTooLarge) => Self::RecordTooLarge { reason },
            Some(
                Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::BrokerDestroy
                | Code::Resolve
                | Code::OperationTimedOut
                | Code::MessageTimedOut
                | Code::RequestTimedOut
                | Code::UnknownTopic
                | Code::UnknownTopicOrPartition
                | Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::BrokerNotAvailable
                | Code::NotEnoughReplicas
                | Code::NotEnoughReplicasAfterAppend
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
                | Code::NetworkException
                | Code::QueueFull
                | Code::WaitingForCoordinator
                | Code::State
                | Code::KafkaStorageError,
            ) => Self::Retriable { reason },
            _ => Self::Kafka { reason },
        }
    }
}
