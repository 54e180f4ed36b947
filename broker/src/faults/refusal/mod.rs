//! The answer to a request that is refused, with the error where clients of its API look for it.

mod access;
mod cluster;
mod groups;
mod offsets;
mod records;
mod topics;
mod transactions;

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::Subject;

/// A request that can be refused as a whole.
pub trait Refusable {
    type Response;

    /// The answer, in a version of the API, that says nothing but an error of this code.
    fn refusal(&self, version: i16, code: i16) -> Self::Response;

    /// The answer that ends the session on which the request stands; none if it stands for itself.
    fn session_lost(&self) -> Option<Self::Response> {
        None
    }

    /// What the request is about.
    fn subject(&self) -> Subject {
        Subject::default()
    }
}

/// Answers whose only error is at their top.
macro_rules! refused_at_the_top {
    ($($request:ident => $response:ident),* $(,)?) => {$(
        impl super::Refusable for kafka_protocol::messages::$request {
            type Response = kafka_protocol::messages::$response;

            fn refusal(&self, _version: i16, code: i16) -> Self::Response {
                Self::Response::default().with_error_code(code)
            }
        }
    )*};
}

use refused_at_the_top;

impl Refusable for ApiVersionsRequest {
    type Response = ApiVersionsResponse;

    fn refusal(&self, _version: i16, code: i16) -> ApiVersionsResponse {
        crate::core::all_versions().with_error_code(code)
    }
}
