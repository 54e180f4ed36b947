//! What a request shows of who sends it. Source: RFC 9110 section 11, RFC 7617, RFC 6750.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use weir_access::{Credentials, Secret};

/// Bytes of an `Authorization` that is looked at; tokens with many groups have some thousands.
const AUTHORIZATION_BYTES_MAX: usize = 16 * 1024;

/// What is wrong with what a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// 400: there are two, and nobody can say which one is meant.
    Twice,
    /// 401: no scheme that is known, or no base64.
    Malformed,
}

/// The one `Authorization` of a request, if it has one.
pub(super) fn shown(headers: &HeaderMap) -> Result<Option<&HeaderValue>, Unreadable> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    match (all.next(), all.next()) {
        (shown, None) => Ok(shown),
        _ => Err(Unreadable::Twice),
    }
}

/// Reads an `Authorization`. The scheme may be in small letters.
pub(super) fn read(value: &HeaderValue) -> Result<Credentials, Unreadable> {
    if value.len() > AUTHORIZATION_BYTES_MAX {
        return Err(Unreadable::Malformed);
    }
    let text = value.to_str().map_err(|_| Unreadable::Malformed)?;
    let (scheme, rest) = text.split_once(' ').ok_or(Unreadable::Malformed)?;
    let rest = rest.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("basic") {
        basic(rest)
    } else if scheme.eq_ignore_ascii_case("bearer") && is_token(rest) {
        Ok(Credentials::Bearer(Secret(rest.to_string())))
    } else {
        Err(Unreadable::Malformed)
    }
}

fn basic(encoded: &str) -> Result<Credentials, Unreadable> {
    let bytes = STANDARD.decode(encoded).map_err(|_| Unreadable::Malformed)?;
    let text = String::from_utf8(bytes).map_err(|_| Unreadable::Malformed)?;
    let (user, password) = text.split_once(':').ok_or(Unreadable::Malformed)?;
    if user.is_empty() || text.contains('\0') {
        return Err(Unreadable::Malformed);
    }
    let password = Secret(password.to_string());
    Ok(Credentials::Basic { user: user.to_string(), password })
}

/// RFC 6750's `b64token`.
fn is_token(text: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Credentials, Unreadable> {
        read(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn a_name_and_a_password_are_read_whatever_letters_the_scheme_has() {
        for scheme in ["Basic", "basic", "BASIC"] {
            let encoded = STANDARD.encode("jürg:a:b");
            match of(&format!("{scheme} {encoded}")) {
                Ok(Credentials::Basic { user, password }) => {
                    assert_eq!((user.as_str(), password.0.as_str()), ("jürg", "a:b"));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(
            matches!(of("bearer a.b-c_d="), Ok(Credentials::Bearer(Secret(it))) if it == "a.b-c_d=")
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_no_error_of_the_server() {
        let encoded = |text: &[u8]| format!("Basic {}", STANDARD.encode(text));
        for text in [
            "Basic",
            "Basic !!!",
            "Basic ",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Digest a=b",
            "a",
            "",
            &encoded(b"no colon"),
            &encoded(b":x"),
            &encoded(b"a:\0"),
            &encoded(b"\xff:x"),
            &format!("Basic {}, Bearer x", STANDARD.encode("a:b")),
        ] {
            assert!(matches!(of(text), Err(Unreadable::Malformed)), "{text}");
        }
        let long = format!("Bearer {}", "a".repeat(AUTHORIZATION_BYTES_MAX));
        assert!(matches!(of(&long), Err(Unreadable::Malformed)));
    }

    #[test]
    fn of_two_none_is_taken() {
        let mut headers = HeaderMap::new();
        assert_eq!(shown(&headers), Ok(None));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Basic YTpi"));
        assert!(shown(&headers).is_ok_and(|shown| shown.is_some()));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Basic YTpi"));
        assert_eq!(shown(&headers), Err(Unreadable::Twice));
    }
}
