//! What can go wrong between a payload and a value.

use std::fmt;

use weir_schema::avro::codec::CodecError;

use crate::frame::FrameError;

/// An error of the client, a serializer or a deserializer.
#[derive(Clone, Debug)]
pub enum ClientError {
    /// The client was configured with what cannot work: a URL, a certificate, a schema.
    Configuration(String),
    /// The registry could not be reached, or did not answer in time.
    Transport(String),
    /// The registry refused.
    Registry {
        /// The HTTP status.
        status: u16,
        /// The API's code, `40403` for an id that is not known.
        code: u32,
        /// What the registry says about it.
        message: String,
    },
    /// The registry's answer is not what the API promises.
    Protocol(String),
    /// The registry's schema cannot be used.
    Schema(String),
    /// The payload does not begin as the wire format has it.
    Frame(FrameError),
    /// The value does not fit the Avro schema, or the payload is damaged.
    Codec(CodecError),
    /// The value is not as its JSON Schema has it, or the payload is no such value or message.
    Invalid(String),
}

impl ClientError {
    /// Whether the registry would say the same if it were asked again at once.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            ClientError::Registry { status, .. } => {
                (400..500).contains(status) && !matches!(status, 401 | 408 | 429)
            }
            ClientError::Schema(_) => true,
            _ => false,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(why) => write!(f, "the client's configuration: {why}"),
            Self::Transport(why) => write!(f, "the schema registry cannot be reached: {why}"),
            Self::Registry { code, message, .. } => {
                write!(f, "{message}; error code: {code}")
            }
            Self::Protocol(why) => write!(f, "the schema registry's answer: {why}"),
            Self::Schema(why) => write!(f, "the schema cannot be used: {why}"),
            Self::Frame(error) => error.fmt(f),
            Self::Codec(error) => error.fmt(f),
            Self::Invalid(why) => write!(f, "the value is not valid: {why}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<CodecError> for ClientError {
    fn from(error: CodecError) -> Self {
        ClientError::Codec(error)
    }
}

impl From<FrameError> for ClientError {
    fn from(error: FrameError) -> Self {
        ClientError::Frame(error)
    }
}
