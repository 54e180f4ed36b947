//! The HTTP face: Confluent's REST Proxy API v2 and v3.

mod answer;
mod front;
pub(crate) mod json;
mod limit;
mod metrics;
mod path;
mod request;
mod router;
mod v2;
mod v3;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) use json::Object;
pub use router::router;

/// What stands in a URL as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a URL's path or query.
fn encoded(part: &str) -> String {
    utf8_percent_encode(part, UNRESERVED).to_string()
}
