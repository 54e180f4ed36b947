//! Why a request, or a part of it, is refused: Kafka's code, and words for people.

use kafka_protocol::error::ResponseError;
use kafka_protocol::protocol::StrBytes;

/// An error code with the message that goes with it, if there is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub error: ResponseError,
    pub message: Option<String>,
}

impl Refusal {
    pub fn new(error: ResponseError, message: impl Into<String>) -> Refusal {
        Refusal { error, message: Some(message.into()) }
    }

    /// With the message that Kafka has where it says one.
    pub fn unauthorized(error: ResponseError) -> Refusal {
        let what = match error {
            ResponseError::GroupAuthorizationFailed => "Group",
            ResponseError::TopicAuthorizationFailed => "Topic",
            _ => "Cluster",
        };
        Refusal::new(error, format!("{what} authorization failed."))
    }

    pub fn code(&self) -> i16 {
        self.error.code()
    }

    pub fn text(&self) -> Option<StrBytes> {
        self.message.clone().map(StrBytes::from_string)
    }
}

impl From<ResponseError> for Refusal {
    /// Without a message.
    fn from(error: ResponseError) -> Refusal {
        Refusal { error, message: None }
    }
}

impl From<std::io::Error> for Refusal {
    /// The journal or a log cannot be written.
    fn from(error: std::io::Error) -> Refusal {
        tracing::error!(%error, "the broker cannot write to its folder");
        Refusal::new(ResponseError::KafkaStorageError, error.to_string())
    }
}

/// A string of the protocol.
pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// The code and message of a result: 0 and nothing if it went well.
pub(crate) fn verdict<T>(result: &Result<T, Refusal>) -> (i16, Option<StrBytes>) {
    match result {
        Ok(_) => (0, None),
        Err(refusal) => (refusal.code(), refusal.text()),
    }
}
