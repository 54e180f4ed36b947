//! What keeps an instance from reading, by what librdkafka has said.

use serde::{Deserialize, Serialize};
use weir_kafka::{Code, Fault};

use crate::error::ProxyError;

/// What librdkafka said that is not over yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// Rights that are missing, told to each read until Kafka says otherwise.
    pub(super) denied: Option<Denied>,
    /// Why nothing will come until the client changes something; told once.
    pub(super) refused: Option<Refusal>,
    /// Brokers could not be reached since the last record.
    pub(super) is_unreachable: bool,
}

/// What the proxy's principal has no rights on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Denied {
    Group,
    Topics,
}

/// What stays as it is until the client changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// Nothing is committed, and the instance is not to begin anywhere else.
    NoOffset {
        reason: String,
    },
    Unauthenticated {
        reason: String,
    },
    /// The client of Kafka cannot go on.
    Fatal {
        reason: String,
    },
}

impl From<Refusal> for ProxyError {
    fn from(refusal: Refusal) -> ProxyError {
        match refusal {
            Refusal::Unauthenticated { reason } => {
                Fault::new(Code::SaslAuthenticationFailed, reason).into()
            }
            Refusal::NoOffset { reason } | Refusal::Fatal { reason } => {
                Fault::new(Code::Librdkafka, reason).into()
            }
        }
    }
}

/// An error of librdkafka's, as far as an instance minds it. Most errors pass: librdkafka goes on trying, and a read
/// finds nothing meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    Passes,
    Unreachable,
    Denied(Denied),
    Refused(Refusal),
}

impl Trouble {
    pub(super) fn note(&mut self, fault: Mishap) {
        match fault {
            Mishap::Passes => {}
            Mishap::Unreachable => self.is_unreachable = true,
            Mishap::Denied(denied) => self.denied = Some(denied),
            Mishap::Refused(refusal) => self.refused = Some(refusal),
        }
    }

    /// A record has come: brokers can be reached, and the group has let the instance in.
    pub(super) fn note_record(&mut self) {
        self.is_unreachable = false;
        if self.denied == Some(Denied::Group) {
            self.denied = None;
        }
    }
}
