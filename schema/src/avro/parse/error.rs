//! Why a text is not an Avro schema.

use std::fmt;

use crate::budget::Budget;
use crate::json::JsonError;

/// Why a text is not an Avro schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub message: String,
    /// Line and column, from 1, where the text is not even JSON.
    pub position: Option<(usize, usize)>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

impl From<JsonError> for ParseError {
    fn from(error: JsonError) -> Self {
        ParseError { message: error.to_string(), position: Some((error.line, error.column)) }
    }
}

/// The value, or why there is none once the budget is used up.
pub(in super::super) fn within<T>(budget: &Budget, value: T) -> Result<T, ParseError> {
    match budget.over() {
        None => Ok(value),
        Some(over) => wrong(over.to_string()),
    }
}

/// What is wrong with a text that is JSON.
pub(in super::super) fn wrong<T>(message: impl Into<String>) -> Result<T, ParseError> {
    Err(ParseError { message: message.into(), position: None })
}
