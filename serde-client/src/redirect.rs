//! Redirects: where they lead, and what may go along. Credentials and headers are given for the registries
//! that a client was told of; no redirect takes them to another scheme, host or port.

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Url};

use crate::error::ClientError;

/// Redirects of one request.
pub(crate) const REDIRECTS_MAX: usize = 10;

/// Where an answer sends a request, if it does. The method stays what it was, for a registry answers a
/// `GET` of a path with something else than a `POST`; a 303 to what was no `GET` is an error.
pub(crate) fn target(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Url,
    method: &Method,
) -> Result<Option<Url>, ClientError> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get("location") else { return Ok(None) };
    let text = String::from_utf8_lossy(location.as_bytes()).into_owned();
    let wrong = |why: &str| {
        let (status, text) = (status.as_u16(), without_password(&text));
        Err(ClientError::Protocol(format!("HTTP {status} names {text}: {why}").into()))
    };
    let Ok(mut to) = from.join(&text) else { return wrong("that is no URL") };
    match to.scheme() {
        "https" => {}
        "http" if from.scheme() == "http" => {}
        "http" => return wrong("a redirect from https to http is not followed"),
        _ => return wrong("that is neither http:// nor https://"),
    }
    if status == StatusCode::SEE_OTHER && method != Method::GET {
        return wrong(&format!("that is to be read, and does not answer a {method}"));
    }
    // who redirects does not say who we are
    let _ = (to.set_username(""), to.set_password(None));
    Ok(Some(to))
}

/// Returns a URL as it may be shown: without a name and a password. What is no URL is taken for one without a scheme.
pub fn without_password(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    match url[start..end].rfind('@') {
        Some(at) => format!("{}{}", &url[..start], &url[start + at + 1..]),
        None => url.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(
        status: u16,
        location: &str,
        from: &str,
        method: Method,
    ) -> Result<String, String> {
        let headers = HeaderMap::from_iter([(
            reqwest::header::LOCATION,
            location.parse().expect("a header"),
        )]);
        let status = StatusCode::from_u16(status).expect("a status");
        let from = Url::parse(from).expect("a URL");
        match target(status, &headers, &from, &method) {
            Ok(to) => Ok(to.map(String::from).unwrap_or_default()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_redirect_leads_to_its_location() {
        let from = "https://a.example/sr/subjects?deleted=true";
        for status in [301, 302, 303, 307, 308] {
            let get = |location| redirected(status, location, from, Method::GET);
            assert_eq!(get("/other").unwrap(), "https://a.example/other");
            assert_eq!(get("https://b.example/x").unwrap(), "https://b.example/x");
            assert_eq!(get("https://ada:pw@b.example/x").unwrap(), "https://b.example/x");
            assert!(get("http://a.example/sr").unwrap_err().contains("from https to http"));
            assert!(get("file:///etc/passwd").unwrap_err().contains("neither"));
            assert!(get("https://ada:pw@[").unwrap_err().ends_with("https://[: that is no URL"));
            let post = redirected(status, "/other", from, Method::POST);
            assert_eq!(post.is_err(), status == 303, "{status}");
        }
        for status in [200, 300, 304, 404] {
            assert_eq!(redirected(status, "/other", from, Method::GET).unwrap(), "");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("http://ada:secret@a.example:8081/x@y", "http://a.example:8081/x@y"),
            ("http://ada:sec@ret@a.example", "http://a.example"),
            ("ada:secret@a.example", "a.example"),
            ("http://a.example/?q=a@b", "http://a.example/?q=a@b"),
            ("http://", "http://"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
