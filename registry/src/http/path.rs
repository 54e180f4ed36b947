//! Paths that do not say clearly what they name, in the words of the reference's server, Jetty.

use weir_http::PathFault;

/// Why a path is refused, if it is.
pub(super) fn refused(path: &str) -> Option<&'static str> {
    let fault = weir_http::path::check(path).err()?;
    Some(match fault {
        PathFault::EmptySegment => "Ambiguous URI empty segment",
        PathFault::BadEscape => "Bad escape in the path",
        PathFault::BadUtf8 => "Bad UTF-8 encoding",
        PathFault::SuspiciousCharacter => "Suspicious Path Character",
        PathFault::EscapedDots => "Ambiguous URI path segment",
    })
}
