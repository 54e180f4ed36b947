//! What the proxy refuses: one table of its errors, their codes, statuses and texts.
//! What Kafka refuses is sorted in `faults`, and keeps its fault. Source: Confluent REST Proxy's `Errors`.

use rdkafka::error::KafkaError;
use weir_errors::{HttpError, error_table};
use weir_http::Denied;
use weir_kafka::{Code, Fallible, Fault};

/// Seconds after which another try may pass, where nothing says more.
pub(crate) const RETRY_AFTER_S: u64 = 1;

error_table! {
    /// What the proxy refuses.
    pub enum ProxyError;
    /// The `error_code` of a proxy's answer.
    pub enum ErrorCode;

    /// A consumer instance's setting is out of its bounds.
    ConsumerConfigOutOfRange 40001 422 {
        ConsumerConfigOutOfRange { reason: String }
            => "Invalid consumer configuration. It does not abide by the constraints: {reason}";
    }
    /// Kafka does not do this.
    Refused 40002 400 {
        /// The proxy refuses it: a value is missing, or a name stands there twice.
        Refused { reason: String } => "{reason}";
        /// Kafka refuses it: it cannot be, it is there already, a policy forbids it.
        KafkaRefused { fault: Fault } => "{fault}";
        /// The broker does not know the request.
        Unsupported { fault: Fault } => "{fault}";
    }
    /// Kafka does not know who asks.
    Unauthenticated 40101 401 {
        Unauthenticated { fault: Fault } => "{fault}";
    }
    /// There is no such topic.
    TopicNotFound 40401 404 {
        TopicNotFound => "Topic not found.";
        /// A record is for a topic or a partition that Kafka does not have.
        NotInMetadata { reason: String } => "{reason}";
    }
    /// The topic has no such partition.
    PartitionNotFound 40402 404 {
        PartitionNotFound => "Partition not found.";
    }
    /// There is no such consumer instance.
    ConsumerNotFound 40403 404 {
        ConsumerNotFound => "Consumer instance not found.";
        /// Kafka does not have the topic or the partition; the code is that of another error, as in the reference.
        UnknownPartition { fault: Fault } => "{fault}";
    }
    /// The consumer instance has another embedded format.
    FormatMismatch 40601 406 {
        FormatMismatch
            => "The requested embedded data format does not match the deserializer for this consumer instance";
    }
    /// A record cannot be read in the instance's format, or the registry cannot be asked.
    Unreadable 40801 408 {
        Unreadable { reason: String } => "{reason}";
    }
    /// The consumer group has an instance of this name.
    ConsumerExists 40902 409 {
        ConsumerExists
            => "Consumer with specified consumer ID already exists in the specified consumer group.";
    }
    /// The consumer instance is subscribed, or assigned, and cannot be both.
    IllegalState 40903 409 {
        IllegalState { reason: String } => "Illegal state: {reason}";
    }
    /// The records have keys, and no schema for them is named.
    KeySchemaMissing 42201 422 {
        KeySchemaMissing => "Request includes keys but does not include key schema";
    }
    /// The records have values, and no schema for them is named.
    ValueSchemaMissing 42202 422 {
        ValueSchemaMissing => "Request includes values but does not include value schema";
    }
    /// A consumer instance cannot have this setting.
    InvalidConsumerConfig 42204 422 {
        InvalidConsumerConfig { reason: String } => "Invalid consumer configuration: {reason}";
    }
    /// The schema cannot be read.
    InvalidSchema 42205 422 {
        InvalidSchema { schema: String } => "Invalid schema: {schema}";
    }
    /// There is no body, or no record in it.
    Payload 42206 422 {
        Payload { reason: String } => "Payload error. {reason}";
    }
    /// A record does not fit its schema.
    Serialization 42207 422 {
        Serialization { reason: String } => "Error serializing message. {reason}";
    }
    /// A batch of records cannot be.
    Batch 42208 422 {
        Batch { reason: String } => "{reason}";
    }
    /// A field's value cannot be, or the body's object does not have the field.
    Invalid 422 422 {
        Invalid { reason: String } => "{reason}";
        InvalidFormat => "Invalid format type.";
        UnrecognizedField { field: String } => "Unrecognized field: {field}";
    }
    /// The client is over Kafka's quota.
    Throttled 42901 429 {
        Throttled { fault: Fault } => "{fault}";
    }
    /// Kafka has answered with an error that a later try does not mend.
    Kafka 50002 500 {
        Kafka { fault: Fault } => "{fault}";
    }
    /// Kafka has answered with an error, or not at all; a later try may pass.
    Retriable 50003 500 {
        Retriable { fault: Fault } => "{fault}";
    }
    /// A record may be written or not.
    OutcomeUnknown 50004 500 {
        OutcomeUnknown { reason: String }
            => "The record may be written or not, and a second try may write it twice: {reason}";
    }
    /// There are as many clients of Kafka as may be, or as there are threads and descriptors for.
    TooManyClients 50301 503 {
        TooManyClients { reason: String } => "No client of Kafka is free for this request: {reason}.";
    }
    /// The broker is not available.
    BrokerNotAvailable 50302 503 {
        BrokerNotAvailable { fault: Fault } => "{fault}";
    }

    http "Bad Request: {}"

    also Forbidden 40301 403 {
        /// Kafka does not allow it.
        Forbidden { fault: Fault } => "{fault}";
        /// The registry does not let the proxy's principal do this.
        RegistryDenied { reason: String } => "{reason}";
    }
    also RateLimited 429 429 {
        /// A principal has as many consumer instances as it may have.
        InstanceQuota { max: u32 }
            => "There are {max} consumer instances of this user, as many as may be. Delete one, or wait until one expires.";
    }
    also NotFound 404 404 {
        /// Something that the path names is not there.
        Missing { reason: String } => "{reason}";
    }
    also BodyTimeout 408 408 {
        /// API v3: a stream of records is open for longer than it may.
        StreamTooOld => "Streaming connection open for longer than allowed: Connection will be closed.";
    }
    also BodyTooLarge 413 413 {
        RecordTooLarge { fault: Fault } => "{fault}";
    }
}

impl ProxyError {
    /// Seconds after which the same request may be answered otherwise, where `Retry-After` says so.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_s } | Self::LoginUnavailable { retry_after_s } => {
                Some(*retry_after_s)
            }
            Self::BrokerNotAvailable { .. }
            | Self::OutcomeUnknown { .. }
            | Self::InstanceQuota { .. }
            | Self::Crowded
            | Self::TooManyClients { .. } => Some(RETRY_AFTER_S),
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

    /// Returns true if Kafka does not let the proxy's principal do this.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Forbidden { .. })
    }

    /// Returns true if a record that has come to this is not written, or may not be: its sender may send it again,
    /// now or once it knows whether it is there.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        matches!(
            self,
            Self::Retriable { .. } | Self::BrokerNotAvailable { .. } | Self::OutcomeUnknown { .. }
        )
    }
}

impl Fallible for ProxyError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::KafkaRefused { fault }
            | Self::Unsupported { fault }
            | Self::Unauthenticated { fault }
            | Self::Forbidden { fault }
            | Self::UnknownPartition { fault }
            | Self::Throttled { fault }
            | Self::Kafka { fault }
            | Self::Retriable { fault }
            | Self::BrokerNotAvailable { fault }
            | Self::RecordTooLarge { fault } => Some(fault),
            _ => None,
        }
    }
}

impl From<Denied> for ProxyError {
    fn from(denied: Denied) -> Self {
        HttpError::from(denied).into()
    }
}

impl From<Code> for ProxyError {
    /// Kafka's refusal in the words of its own clients.
    fn from(code: Code) -> Self {
        Fault::from(code).into()
    }
}

impl From<KafkaError> for ProxyError {
    fn from(error: KafkaError) -> Self {
        Fault::from(error).into()
    }
}
