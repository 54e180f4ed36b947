//! Paths that do not say clearly what they name. They are refused before anything is looked for, so
//! that none of them becomes a subject's name. Source: the reference's server, Jetty.

use percent_encoding::percent_decode_str;

/// Why a path is refused, if it is.
pub(super) fn refused(path: &str) -> Option<&'static str> {
    if path.contains("//") {
        return Some("Ambiguous URI empty segment");
    }
    if !path.contains('%') {
        return None;
    }
    if !escapes_are_whole(path) {
        return Some("Bad escape in the path");
    }
    let Ok(decoded) = percent_decode_str(path).decode_utf8() else {
        return Some("Bad UTF-8 encoding");
    };
    if decoded.chars().any(|c| c.is_control() || c == '\\') {
        return Some("Suspicious Path Character");
    }
    path.split('/').any(is_escaped_dots).then_some("Ambiguous URI path segment")
}

fn escapes_are_whole(path: &str) -> bool {
    let is_hex = |digit: &u8| digit.is_ascii_hexdigit();
    path.split('%')
        .skip(1)
        .all(|rest| rest.as_bytes().iter().take(2).filter(|d| is_hex(d)).count() == 2)
}

/// Whether a segment is `.` or `..` once it is decoded, but not as it stands.
fn is_escaped_dots(segment: &str) -> bool {
    segment.contains('%') && matches!(&*percent_decode_str(segment).decode_utf8_lossy(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_thing_or_is_refused() {
        for path in ["//subjects", "/subjects//versions", "/a%", "/a%2", "/%ZZ", "/%E9", "/a%5Cb"] {
            assert!(refused(path).is_some(), "{path}");
        }
        for path in ["/%00", "/a%0Ab", "/a%7f", "/%2e", "/x/%2E%2e/y", "/.%2e"] {
            assert!(refused(path).is_some(), "{path}");
        }
        for path in
            ["/", "/subjects/", "/a%2Fb", "/a%2F..%2Fb", "/../x", "/%C3%A9", "/a%25b", "/%20"]
        {
            assert_eq!(refused(path), None, "{path}");
        }
    }
}
