//! Paths before they are routed: what the reference's server refuses or leaves out of them. Clients write
//! a slash at the end, and parameters behind `;`. A path that could be read in two ways names nothing.

use axum::http::Uri;

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

/// 400.
fn check(path: &str) -> Result<(), ProxyError> {
    if path.contains("//") {
        return Err(ambiguous("it has an empty segment"));
    }
    if path.contains('\\') {
        return Err(ambiguous("it has a backslash"));
    }
    if !path.contains('%') {
        return Ok(());
    }
    path.split('/').try_for_each(check_escapes)
}

fn check_escapes(segment: &str) -> Result<(), ProxyError> {
    let mut rest = segment;
    while let Some((_, escape)) = rest.split_once('%') {
        let digits = escape.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            None => return Err(ambiguous("% is followed by two hexadecimal digits")),
            Some(b'\\') => return Err(ambiguous("it has a backslash")),
            Some(byte) if byte.is_ascii_control() => {
                return Err(ambiguous("it has a control character"));
            }
            Some(_) => rest = &escape[2..],
        }
    }
    let dots = segment.replace("%2E", ".").replace("%2e", ".");
    match segment.contains('%') && (dots == "." || dots == "..") {
        true => Err(ambiguous("it has a segment of dots")),
        false => Ok(()),
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
        for path in [
            "//topics",
            "/topics//a",
            "/topics//",
            "/topics/%ZZ",
            "/topics/%4",
            "/topics/%",
            "/topics/a%5Cb",
            "/topics/a%00",
            "/topics/a%0A",
            "/topics/%7F",
            "/topics/%2E%2e",
            "/topics/%2e/x",
            "/topics/.%2E",
        ] {
            assert_eq!(read(path), Err(400), "{path}");
        }
    }
}
