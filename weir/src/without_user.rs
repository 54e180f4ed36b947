//! URLs without what logs must not have.

/// A URL, or an address without a scheme, without the user and the password that may stand in it.
pub fn without_user(url: &str) -> String {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..authority_end].rfind('@').map_or(0, |at| at + 1);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{}", &rest[host..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_not_in_it() {
        for (url, expected) in [
            ("http://me:hunter2@sr:8081/a@b", "http://sr:8081/a@b"),
            (" ftp://me@sr", "ftp://sr"),
            ("http://sr:8081", "http://sr:8081"),
            ("sr:8081", "sr:8081"),
            ("me:hunter2@sr:8081", "sr:8081"),
        ] {
            assert_eq!(without_user(url), expected);
        }
    }
}
