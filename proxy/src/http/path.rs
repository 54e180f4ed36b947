//! Paths before they are routed: what the reference's server refuses or leaves out of them. Clients write
//! a slash at the end, and parameters behind `;`. A path that could be read in two ways names nothing.

use axum::http::Uri;
use weir_http::PathFault;

use crate::error::ProxyError;

/// The address with a plain path, if it has not one already. 400.
pub(super) fn plain(uri: &Uri) -> Result<Option<Uri>, ProxyError> {
    let path = uri.path();
    check(path)?;
    if !path.contains(';') && (path == "/" || !path.ends_with('/')) {
        return Ok(None);
    }
    let segments: Vec<&str> =
        path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    let plain = segments.join("/");
    let plain = match plain.trim_end_matches('/') {
        "" => "/",
        plain => plain,
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = format!("{plain}{query}").parse();
    uri.map(Some).map_err(|_| ambiguous("it is none"))
}

/// 400. What is not UTF-8 is left to the routes, which have no such names.
fn check(path: &str) -> Result<(), ProxyError> {
    match weir_http::path::check(path) {
        Ok(()) | Err(PathFault::BadUtf8) => Ok(()),
        Err(PathFault::EmptySegment) => Err(ambiguous("it has an empty segment")),
        Err(PathFault::BadEscape) => Err(ambiguous("% is not followed by two hexadecimal digits")),
        Err(PathFault::SuspiciousCharacter) => {
            Err(ambiguous("it has a control character or a backslash"))
        }
        Err(PathFault::EscapedDots) => Err(ambiguous("it has a segment of dots")),
    }
}

fn ambiguous(why: &str) -> ProxyError {
    ProxyError::BadRequest { reason: format!("The path cannot be read: {why}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Result<Option<String>, u32> {
        let uri = path.parse().unwrap();
        plain(&uri).map(|uri| uri.map(|uri| uri.to_string())).map_err(|error| error.code())
    }

    #[test]
    fn a_slash_at_the_end_and_parameters_are_left_out() {
        for (given, plain) in [
            ("/topics/", "/topics"),
            ("/topics/a;v=1/partitions;w/?x=/", "/topics/a/partitions?x=/"),
            ("/;a", "/"),
        ] {
            assert_eq!(read(given), Ok(Some(plain.to_string())), "{given}");
        }
        for path in ["/", "/topics", "/topics?x=/", "/consumers/a%2Fb%3B/instances/%25"] {
            assert_eq!(read(path), Ok(None), "{path}");
        }
    }

    #[test]
    fn a_path_that_can_be_read_in_two_ways_is_refused() {
        for path in ["//topics", "/topics/%4", "/topics/a%5Cb", "/topics/a%00", "/topics/%2e/x"] {
            assert_eq!(read(path), Err(400), "{path}");
        }
    }
}
