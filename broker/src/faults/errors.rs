//! Kafka's errors by the names that its documentation has.

use kafka_protocol::error::ResponseError;

/// Codes that Kafka has given out; those that are not errors among them name none.
const CODES: std::ops::RangeInclusive<i16> = -1..=200;

/// The error of a name or a number: `NOT_LEADER_OR_FOLLOWER`, `6`.
pub fn error_named(name: &str) -> Option<ResponseError> {
    if let Ok(code) = name.parse::<i16>() {
        return ResponseError::try_from_code(code);
    }
    let wanted = folded(name);
    known().find(|error| folded(&format!("{error:?}")) == wanted)
}

/// The name of an error as Kafka writes it.
pub fn name_of(error: ResponseError) -> String {
    let mut name = String::new();
    for letter in format!("{error:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    if known().any(|known| known == error) { name } else { error.code().to_string() }
}

fn known() -> impl Iterator<Item = ResponseError> {
    let of_code = |code| ResponseError::try_from_code(code);
    CODES.filter_map(of_code).filter(|error| !matches!(error, ResponseError::Unknown(_)))
}

fn folded(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_lowercase()).collect()
}
