//! Which names a topic can have.

use kafka_protocol::error::ResponseError;

use crate::core::refusal::Refusal;

const NAME_MAX: usize = 249;
/// The log of the cluster's metadata, which this broker has otherwise.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// Says what is wrong with the name of a topic, in Kafka's words.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let why = match name {
        "" => "the empty string is not allowed".to_owned(),
        "." | ".." => format!("'{name}' is not allowed"),
        name if name.chars().count() > NAME_MAX => {
            format!("the length of '{name}' is longer than the max allowed length {NAME_MAX}")
        }
        name if !name.chars().all(is_legal) => format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        ),
        _ => return Ok(()),
    };
    Err(Refusal::new(ResponseError::InvalidTopicException, format!("Topic name is invalid: {why}")))
}

/// Says why a topic of this name cannot be made, if clients must not.
pub(super) fn check_creatable(name: &str) -> Result<(), Refusal> {
    match name {
        METADATA_TOPIC => Err(Refusal::new(
            ResponseError::InvalidRequest,
            format!("Creation of internal topic {METADATA_TOPIC} is prohibited."),
        )),
        name => check_name(name),
    }
}

/// Returns true if two names are one in the metrics of Kafka, which has no dots in them.
pub(super) fn collide(one: &str, other: &str) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (a == b'.' && b == b'_') || (a == b'_' && b == b'.');
    one.len() == other.len() && one.bytes().zip(other.bytes()).all(same)
}
