//! Paths that do not say clearly what they name. They are refused before anything is looked for, so that none of
//! them becomes a name. What a path is refused for is what the references' server, Jetty, refuses it for.

use percent_encoding::percent_decode_str;

/// Why a path names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// Two slashes follow each other.
    EmptySegment,
    /// `%` is not followed by two hexadecimal digits.
    BadEscape,
    /// What is escaped is not UTF-8.
    BadUtf8,
    /// It has a control character or a backslash, escaped or not.
    SuspiciousCharacter,
    /// A segment is `.` or `..` once its escapes are read.
    EscapedDots,
}

/// Looks at a path, which may have escapes.
pub fn check(path: &str) -> Result<(), PathFault> {
    if path.contains("//") {
        return Err(PathFault::EmptySegment);
    }
    if path.contains('\\') {
        return Err(PathFault::SuspiciousCharacter);
    }
    if !path.contains('%') {
        return Ok(());
    }
    if !escapes_are_whole(path) {
        return Err(PathFault::BadEscape);
    }
    let Ok(decoded) = percent_decode_str(path).decode_utf8() else {
        return Err(PathFault::BadUtf8);
    };
    if decoded.chars().any(|c| c.is_control() || c == '\\') {
        return Err(PathFault::SuspiciousCharacter);
    }
    match path.split('/').any(is_escaped_dots) {
        true => Err(PathFault::EscapedDots),
        false => Ok(()),
    }
}

fn escapes_are_whole(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Returns true if a segment is `.` or `..` once it is decoded, but not as it stands.
fn is_escaped_dots(segment: &str) -> bool {
    segment.contains('%') && matches!(&*percent_decode_str(segment).decode_utf8_lossy(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_can_be_read_in_two_ways_names_nothing() {
        for (path, fault) in [
            ("//subjects", PathFault::EmptySegment),
            ("/subjects//versions", PathFault::EmptySegment),
            ("/topics//", PathFault::EmptySegment),
            ("/a%", PathFault::BadEscape),
            ("/a%2", PathFault::BadEscape),
            ("/%ZZ", PathFault::BadEscape),
            ("/%E9", PathFault::BadUtf8),
            ("/a%5Cb", PathFault::SuspiciousCharacter),
            ("/a\\b", PathFault::SuspiciousCharacter),
            ("/%00", PathFault::SuspiciousCharacter),
            ("/a%0Ab", PathFault::SuspiciousCharacter),
            ("/a%7f", PathFault::SuspiciousCharacter),
            ("/%2e", PathFault::EscapedDots),
            ("/x/%2E%2e/y", PathFault::EscapedDots),
            ("/.%2e", PathFault::EscapedDots),
        ] {
            assert_eq!(check(path), Err(fault), "{path}");
        }
    }

    #[test]
    fn other_paths_name_one_thing() {
        for path in
            ["/", "/subjects/", "/a%2Fb", "/a%2F..%2Fb", "/../x", "/%C3%A9", "/a%25b", "/%20"]
        {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }
}
