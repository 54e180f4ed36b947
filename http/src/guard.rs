//! Requests that a browser was tricked into. A page elsewhere can have a browser send them: to a name of its
//! own that it has pointed to this machine (DNS rebinding), or straight to us, in forms that no browser asks for
//! permission for. Also what HTTP itself says of `Host`.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};

use crate::connection::Arrival;
use crate::host::{canonical, split};
use crate::origin::Forwarded;
use crate::shared::{Shared, Site};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Letters of a header that an answer repeats.
const SHOWN_MAX: usize = 100;

/// Why a request is refused before anything is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: `Host` is missing, stands there twice, or is none.
    Host(&'static str),
    /// 421: the request is for a name that the listener does not have.
    Misdirected { host: String },
    /// 403: a page elsewhere may not change anything.
    ForeignOrigin { origin: String },
    /// 415: a page's body of no media type.
    NoMediaType,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Host(why) => f.write_str(why),
            Refusal::Misdirected { host } => write!(
                f,
                "The server is not called '{host}'. If it is, say so with --allowed-host."
            ),
            Refusal::ForeignOrigin { origin } => write!(
                f,
                "A page of '{origin}' may not change anything here. If it may, say so with --allowed-origin."
            ),
            Refusal::NoMediaType => f.write_str("A page's request has to have a Content-Type."),
        }
    }
}

/// Looks at a request's head. What it finds is counted.
pub fn check<B>(request: &Request<B>) -> Result<(), Refusal> {
    let arrival = request.extensions().get::<Arrival>();
    let site = arrival.map(|arrival| &*arrival.0.site);
    let count = |counter: fn(&Shared) -> &AtomicU64| {
        if let Some(site) = site {
            counter(&site.shared).fetch_add(1, Ordering::Relaxed);
        }
    };
    let host = check_host(request, site).inspect_err(|_| count(|shared| &shared.refused_hosts))?;
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let forwarded = request.extensions().get::<Forwarded>();
    let forwarded = forwarded.and_then(|forwarded| forwarded.host.as_deref());
    let hosts = [host.map(HeaderValue::as_bytes), forwarded.map(str::as_bytes)];
    check_origin(request.method(), request.headers(), hosts, site)
        .inspect_err(|_| count(|shared| &shared.refused_origins))
}

/// The one `Host` that a request has; requests of HTTP/1.0 may have none.
fn check_host<'r, B>(
    request: &'r Request<B>,
    site: Option<&Site>,
) -> Result<Option<&'r HeaderValue>, Refusal> {
    let mut given = request.headers().get_all(HOST).iter();
    let host = match (given.next(), given.next()) {
        (Some(host), None) => host,
        (Some(_), Some(_)) => return Err(Refusal::Host("The header Host stands there twice.")),
        (None, _) if request.version() < Version::HTTP_11 => return Ok(None),
        (None, _) => return Err(Refusal::Host("The header Host is missing.")),
    };
    let known = |host: &[u8]| {
        let (name, port) = split(host).ok_or(Refusal::Host("The header Host is not a name."))?;
        match site.and_then(|site| site.hosts.as_ref()).is_none_or(|hosts| hosts.have(name, port)) {
            true => Ok(()),
            false => Err(Refusal::Misdirected { host: shown(host) }),
        }
    };
    known(host.as_bytes())?;
    // who names the server in the request's first line means that name
    if let Some(authority) = request.uri().authority() {
        if request.version() == Version::HTTP_2 && host != authority.as_str() {
            return Err(Refusal::Host("The header Host and :authority differ."));
        }
        known(authority.as_str().as_bytes())?;
    }
    Ok(Some(host))
}

/// Checks that a write comes from no page, or from one that may. `hosts` are the names that the server was asked by.
fn check_origin(
    method: &Method,
    headers: &HeaderMap,
    hosts: [Option<&[u8]>; 2],
    site: Option<&Site>,
) -> Result<(), Refusal> {
    let fetch_site = headers.get(&SEC_FETCH_SITE);
    let mut origins = headers.get_all(ORIGIN).iter().peekable();
    if origins.peek().is_none() {
        let is_foreign = |site: &HeaderValue| site == "cross-site" || site == "same-site";
        return match fetch_site {
            None => Ok(()),
            Some(site) if is_foreign(site) => {
                Err(Refusal::ForeignOrigin { origin: shown(site.as_bytes()) })
            }
            Some(_) => check_media_type(method, headers),
        };
    }
    let may = |origin: &HeaderValue| {
        hosts.into_iter().flatten().any(|host| is_same(origin.as_bytes(), host, site))
            || site.is_some_and(|site| site.origins.allow(origin))
    };
    match origins.find(|origin| !may(origin)) {
        Some(origin) => Err(Refusal::ForeignOrigin { origin: shown(origin.as_bytes()) }),
        None => check_media_type(method, headers),
    }
}

/// That a page's body says what it is: without, a browser sends it to anybody.
fn check_media_type(method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let has_body = headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    match *method != Method::DELETE && has_body && !headers.contains_key(CONTENT_TYPE) {
        true => Err(Refusal::NoMediaType),
        false => Ok(()),
    }
}

/// Whether an origin is the server that was asked. Its `https` may end before us, in a proxy.
fn is_same(origin: &[u8], host: &[u8], site: Option<&Site>) -> bool {
    let https = site.is_some_and(|site| site.https);
    let (of_origin, default_port) = match origin {
        [b'h', b't', b't', b'p', b's', b':', b'/', b'/', rest @ ..] => (rest, 443),
        [b'h', b't', b't', b'p', b':', b'/', b'/', rest @ ..] if !https => (rest, 80),
        _ => return false,
    };
    let parts =
        |host| split(host).map(|(name, port)| (canonical(name), port.unwrap_or(default_port)));
    parts(of_origin).is_some_and(|origin| parts(host) == Some(origin))
}

/// A header in an answer: its beginning, as text.
fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::connection::Connection;
    use crate::exchange::Exchange;
    use crate::limits::Limits;

    fn arrival(https: bool) -> Arrival {
        let shared = Arc::new(Shared::new(Limits::for_descriptors(64)));
        let site = Site::new(shared, "127.0.0.1:8081".parse().unwrap(), https);
        let site = site.allowing_hosts(&["r.example".parse().unwrap()]);
        let site = site.allowing_origins(&["https://*.ui.example".to_string()]);
        let (connection, _) = Connection::new("127.0.0.1:9".parse().unwrap(), Arc::new(site));
        Arrival(Exchange::in_turn(connection))
    }

    fn checked(method: Method, headers: &[(&str, &str)], https: bool) -> Result<(), Refusal> {
        let mut request = Request::builder().method(method).uri("/subjects");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.extension(arrival(https)).body(()).unwrap())
    }

    fn get(headers: &[(&str, &str)]) -> Result<(), Refusal> {
        checked(Method::GET, headers, false)
    }

    #[test]
    fn a_request_has_one_host_which_is_a_name_of_the_listener() {
        assert!(matches!(get(&[]), Err(Refusal::Host(_))));
        let host = ("host", "localhost:8081");
        assert_eq!(get(&[host]), Ok(()));
        assert!(matches!(get(&[host, host]), Err(Refusal::Host(_))));
        assert!(matches!(get(&[("host", "a b")]), Err(Refusal::Host(_))));
        let foreign = "rebound.example:8081".to_string();
        assert_eq!(get(&[("host", &foreign)]), Err(Refusal::Misdirected { host: foreign }));
        let old = Request::builder().version(Version::HTTP_10).extension(arrival(false));
        assert_eq!(check(&old.body(()).unwrap()), Ok(()));
    }

    #[test]
    fn a_page_elsewhere_may_read_and_not_write() {
        let host = ("host", "localhost:8081");
        for origin in [
            "http://evil.example",
            "http://localhost:8082",
            "http://localhost",
            "null",
            "",
            "file://",
            "https://ui.example",
            "https://a.ui.example.evil",
        ] {
            let headers = [host, ("origin", origin), ("content-type", "application/json")];
            assert_eq!(checked(Method::GET, &headers, false), Ok(()), "{origin}");
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                let refused = Err(Refusal::ForeignOrigin { origin: origin.to_string() });
                assert_eq!(checked(method, &headers, false), refused, "{origin}");
            }
        }
        for site in ["cross-site", "same-site"] {
            let headers = [host, ("sec-fetch-site", site)];
            assert!(checked(Method::DELETE, &headers, false).is_err(), "{site}");
        }
    }

    #[test]
    fn the_servers_own_pages_and_those_that_are_allowed_may_write() {
        for (host, origin, https) in [
            ("localhost:8081", "http://localhost:8081", false),
            ("r.example", "http://r.example", false),
            // TLS ends in a proxy before us
            ("r.example", "https://r.example", false),
            ("r.example:443", "https://R.example", true),
            ("localhost:8081", "https://a.ui.example", true),
        ] {
            let headers = [("host", host), ("origin", origin)];
            assert_eq!(checked(Method::DELETE, &headers, https), Ok(()), "{origin}");
        }
        // what anybody in between may have written
        let headers = [("host", "r.example"), ("origin", "http://r.example")];
        assert!(checked(Method::DELETE, &headers, true).is_err());
    }

    #[test]
    fn a_pages_body_says_what_it_is() {
        let own = [("host", "localhost:8081"), ("content-length", "2")];
        assert_eq!(checked(Method::POST, &own, false), Ok(()));
        for browser in [("origin", "http://localhost:8081"), ("sec-fetch-site", "same-origin")] {
            let headers = [own[0], own[1], browser];
            assert_eq!(checked(Method::POST, &headers, false), Err(Refusal::NoMediaType));
            let typed = [own[0], own[1], browser, ("content-type", "application/json")];
            assert_eq!(checked(Method::POST, &typed, false), Ok(()));
        }
    }
}
