//! Tables of errors: what an API refuses, declared once with its codes, statuses and texts.
//!
//! [`error_table!`] makes of one table the error that a server answers with, the code that a client matches
//! on, and [`ErrorRow`]s for documents and tests. Every table ends with what HTTP itself refuses
//! ([`HttpError`]), so that what all services share of HTTP can refuse in each service's own words.

use std::fmt;

use serde::{Deserialize, Serialize};

mod table;

/// The body of every error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    pub error_code: u32,
    pub message: String,
}

/// An error as an API answers with it. [`error_table!`] implements it.
pub trait ApiError: fmt::Display + From<HttpError> {
    /// The `error_code` of the answer.
    fn code(&self) -> u32;

    /// The HTTP status of the answer.
    fn status(&self) -> u16;

    /// Seconds after which the same request may be answered otherwise, if `Retry-After` is to say so.
    fn retry_after_s(&self) -> Option<u64>;

    /// The body of the answer.
    fn body(&self) -> ErrorBody {
        ErrorBody { error_code: self.code(), message: self.to_string() }
    }
}

/// An error of an API, as its table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// The name of the error's variant.
    pub name: &'static str,
    /// The `error_code` of the answer.
    pub code: u32,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The text of the answer, with the error's fields in braces.
    pub text: &'static str,
}

/// What is refused of a request before it is known what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpError {
    BadRequest { reason: String },
    Unauthorized,
    Denied,
    ForeignOrigin { reason: String },
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    BodyTimeout,
    BodyTooLarge,
    UnsupportedMediaType,
    Misdirected { reason: String },
    RateLimited { retry_after_s: u64 },
    Internal,
    Crowded,
    LoginUnavailable { retry_after_s: u64 },
}
