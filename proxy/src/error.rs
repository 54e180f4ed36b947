//! What the proxy refuses: one variant a fact, its text on the wire, and one table of codes. What Kafka refuses
//! keeps its own code until it is answered (`faults`). Source: Confluent REST Proxy's `Errors`.

use std::fmt;

use rdkafka::error::KafkaError;
use weir_kafka::{Code, Fallible, Fault};

use crate::faults;

/// Seconds after which another try may pass, where nothing says more.
pub(crate) const RETRY_AFTER_S: u64 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyError {
    /// Kafka refuses, or does not answer.
    Kafka(Fault),
    TopicNotFound,
    PartitionNotFound,
    ConsumerNotFound,
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
    /// The registry does not let the proxy's principal do this.
    RegistryDenied {
        reason: String,
    },
    /// The proxy refuses what Kafka would take or answer without a reason: a value that is missing, a name that stands
    /// there twice.
    Refused {
        reason: String,
    },
    /// The proxy's own limit.
    RateLimited {
        retry_after_s: u64,
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
                match self {
                    Self::Kafka(fault) => faults::answer(fault.code).0,
                    $(Self::$variant { .. } => $code,)*
                }
            }

            /// The HTTP status of the answer.
            pub fn status(&self) -> u16 {
                match self {
                    Self::Kafka(fault) => faults::answer(fault.code).1,
                    $(Self::$variant { .. } => $status,)*
                }
            }
        }
    };
}

codes! {
    40001 422 ConsumerConfigOutOfRange
    40002 400 Refused
    40401 404 TopicNotFound
    40401 404 NotInMetadata
    40402 404 PartitionNotFound
    40403 404 ConsumerNotFound
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
    40301 403 RegistryDenied
    408   408 StreamTooOld
    429   429 RateLimited
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
            Self::Kafka(fault) if fault.code == Code::UnsupportedRequest => {
                write!(f, "{fault} The embedded broker is for development: a real Kafka does.")
            }
            Self::Kafka(fault) => write!(f, "{fault}"),
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
            Self::NotInMetadata { reason }
            | Self::Missing { reason }
            | Self::Unreadable { reason }
            | Self::Invalid { reason }
            | Self::Batch { reason }
            | Self::RegistryDenied { reason }
            | Self::Refused { reason }
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
            Self::Kafka(fault) if fault.code == Code::BrokerNotAvailable => Some(RETRY_AFTER_S),
            Self::OutcomeUnknown { .. } | Self::Crowded | Self::TooManyClients { .. } => {
                Some(RETRY_AFTER_S)
            }
            _ => None,
        }
    }

    /// 40301, in the words of Kafka's Java client.
    pub(crate) fn topics_denied<T: AsRef<str>>(topics: &[T]) -> ProxyError {
        Fault::topics_denied(topics).into()
    }

    /// 40301, in the words of Kafka's Java client.
    pub(crate) fn group_denied(group: &str) -> ProxyError {
        Fault::group_denied(group).into()
    }
}

impl ProxyError {
    /// Kafka's code, if it is Kafka that refuses.
    pub(crate) fn kafka_code(&self) -> Option<Code> {
        self.fault().map(|fault| fault.code)
    }

    /// Returns true if Kafka does not let the proxy's principal do this.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.kafka_code().is_some_and(Code::is_unauthorized)
    }

    /// Returns true if a record that has come to this is not written, or may not be: its sender may send it again,
    /// now or once it knows whether it is there.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        match self {
            Self::OutcomeUnknown { .. } => true,
            Self::Kafka(fault) => faults::is_worth_another_try(fault.code),
            _ => false,
        }
    }
}

impl Fallible for ProxyError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Kafka(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for ProxyError {
    fn from(fault: Fault) -> Self {
        match fault.code {
            // the path names it
            Code::BrokerIdNotRegistered => Self::NotFound,
            _ => Self::Kafka(fault),
        }
    }
}

impl From<Code> for ProxyError {
    /// In the words of Kafka's own clients.
    fn from(code: Code) -> Self {
        Fault::from(code).into()
    }
}

impl From<KafkaError> for ProxyError {
    fn from(error: KafkaError) -> Self {
        Fault::from(error).into()
    }
}
