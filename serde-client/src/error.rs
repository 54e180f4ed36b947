//! What can go wrong between a payload and a value.

use std::error::Error;
use std::fmt;

use weir_registry_api::ErrorCode;
use weir_schema::avro::codec::CodecError;

use crate::frame::{FrameError, SchemaName};
use crate::reason::Reason;
use crate::subject::Part;

/// An error of the client, a serializer or a deserializer.
///
/// [`is_retryable`](Self::is_retryable) says whether the same call may succeed later, and
/// [`source`](Error::source) has the error of another library that is behind this one: its text is in this
/// one's already.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The client or the call was configured with what cannot work: a URL, a certificate, an empty topic
    /// name, a token endpoint that does not know the client. Nothing will help but another configuration.
    Configuration(Reason),
    /// The registry could not be reached, or did not answer in time, or a gateway before it answered in its
    /// place. The client has tried again as [`retries`](crate::ClientBuilder::retries) says.
    Transport(Reason),
    /// The registry refused. [`ClientError::code`] has the code as a type.
    Registry {
        /// The HTTP status.
        status: u16,
        /// The API's code, `40403` for an id that is not known.
        code: u32,
        /// What the registry says about it.
        message: String,
    },
    /// The registry's answer is not what the API promises: no JSON, a redirect that cannot be followed, a
    /// schema without a GUID where one is needed.
    Protocol(Reason),
    /// A schema cannot be used: the registry's is wrong, of another language, or of an id that no registry
    /// gives; or the one that a serializer was made with is wrong.
    Schema(Reason),
    /// The payload, or the header, does not begin as the wire format has it.
    Frame(FrameError),
    /// The value does not fit the Avro schema, or the payload is damaged.
    Codec(DataError),
    /// The value is not as its JSON Schema has it, or the payload is no such value or message.
    Invalid(DataError),
}

/// Data that does not fit its schema: why, and in which record.
#[derive(Clone, Debug)]
pub struct DataError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    reason: Reason,
    path: String,
    record: Record,
}

/// A record as far as whoever reads or writes it knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) schema: Option<SchemaName>,
    /// Known of what is written.
    pub(crate) topic: Option<(String, Part)>,
}

impl DataError {
    pub(crate) fn new(reason: Reason) -> DataError {
        DataError(Box::new(Inner { reason, path: String::new(), record: Record::default() }))
    }

    /// What is wrong, with the place in front: `orders[3].email: a string is not a double`.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Where in Avro data: `orders[3].email`. Empty for the value itself, and in other languages.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The schema that was written or read with.
    pub fn schema(&self) -> Option<SchemaName> {
        self.0.record.schema
    }

    /// The topic and the part of the record that was written. A deserializer is told neither.
    pub fn topic(&self) -> Option<(&str, Part)> {
        self.0.record.topic.as_ref().map(|(topic, part)| (topic.as_str(), *part))
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())?;
        let part = |part| match part {
            Part::Key => "key",
            Part::Value => "value",
        };
        match (self.schema(), self.topic()) {
            (None, None) => Ok(()),
            (Some(schema), None) => write!(f, " (schema {schema})"),
            (None, Some((topic, of))) => write!(f, " ({} of topic {topic})", part(of)),
            (Some(schema), Some((topic, of))) => {
                write!(f, " (schema {schema}, {} of topic {topic})", part(of))
            }
        }
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.reason.source()
    }
}

impl ClientError {
    /// Whether the same call may succeed a little later, without anything else being done: the registry was
    /// not reached, has too much to do, or is not itself at the moment.
    pub fn is_retryable(&self) -> bool {
        match self {
            ClientError::Transport(_) => true,
            ClientError::Registry { status, .. } => matches!(status, 408 | 429 | 500..),
            _ => false,
        }
    }

    /// The HTTP status of the answer, if there was one and it is the error: the registry's refusal, or what a gateway before
    /// it has answered in its place.
    pub fn status(&self) -> Option<u16> {
        match self {
            ClientError::Registry { status, .. } => Some(*status),
            ClientError::Transport(why) | ClientError::Protocol(why) => why.status(),
            _ => None,
        }
    }

    /// The code of the registry's refusal, [`ErrorCode::SubjectNotFound`] for 40401.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ClientError::Registry { code, .. } => Some(ErrorCode::from(*code)),
            _ => None,
        }
    }

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

    pub(crate) fn invalid(reason: impl Into<Reason>) -> ClientError {
        ClientError::Invalid(DataError::new(reason.into()))
    }

    /// The same error of data, of this record.
    #[cold]
    pub(crate) fn of_record(mut self, record: impl FnOnce() -> Record) -> ClientError {
        if let ClientError::Codec(data) | ClientError::Invalid(data) = &mut self {
            data.0.record = record();
        }
        self
    }

    /// The same error of a schema, of this one.
    #[cold]
    pub(crate) fn of_schema(self, name: &str) -> ClientError {
        match self {
            ClientError::Schema(why) => ClientError::Schema(why.inside(&format!("schema {name}"))),
            other => other,
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
            Self::Invalid(error) => write!(f, "the value is not valid: {error}"),
        }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Configuration(why)
            | Self::Transport(why)
            | Self::Protocol(why)
            | Self::Schema(why) => why.source(),
            Self::Registry { .. } => None,
            Self::Frame(error) => Some(error),
            Self::Codec(error) | Self::Invalid(error) => error.source(),
        }
    }
}

impl From<CodecError> for ClientError {
    #[cold]
    fn from(error: CodecError) -> Self {
        let path = error.path();
        let mut data = DataError::new(Reason::of(error));
        data.0.path = path;
        ClientError::Codec(data)
    }
}

impl From<FrameError> for ClientError {
    fn from(error: FrameError) -> Self {
        ClientError::Frame(error)
    }
}
