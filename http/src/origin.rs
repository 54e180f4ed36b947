//! Where a service is, as its client reached it, and where the client is: what the connection and the request say, and
//! what proxies in between say whom the listener trusts.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{FORWARDED, HOST};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName};

use crate::connection::{Arrival, peer};
use crate::host;
use crate::shared::Site;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Proxies that a request may have come through and that are looked at; what those before them say is not.
const HOPS_MAX: usize = 16;

/// The prefix that a request's service is below, as an extension of the request; the path has it no more.
#[derive(Clone, Debug)]
pub(crate) struct Prefix(pub(crate) Arc<str>);

/// What a service's links begin with: scheme, host and the prefix that the service is below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    https: bool,
    authority: String,
    prefix: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Origin, Infallible> {
        Ok(Origin::of(&parts.headers, &parts.extensions))
    }
}

impl Origin {
    pub fn of(headers: &HeaderMap, extensions: &Extensions) -> Origin {
        let forwarded = extensions.get::<Forwarded>().cloned().unwrap_or_default();
        let site = extensions.get::<Arrival>().map(|arrival| &*arrival.0.site);
        let own = || headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_string);
        let mut prefix = forwarded.prefix.unwrap_or_default();
        prefix.push_str(extensions.get::<Prefix>().map_or("", |prefix| &prefix.0));
        Origin {
            https: forwarded.https.unwrap_or_else(|| site.is_some_and(|site| site.https)),
            authority: forwarded.host.or_else(own).unwrap_or_else(|| "localhost".to_string()),
            prefix,
        }
    }

    /// The address that paths of the service are appended to: `https://kafka.example/rest`, without a slash at its end.
    pub fn url(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.prefix)
    }

    /// The prefix that the service is below, as the client sees it: empty, or `/rest`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// The address of the client that a request comes from: the peer of its connection, or whom a proxy that the listener
/// trusts has it from. None if it has come by no listener.
pub fn client_address(extensions: &Extensions) -> Option<IpAddr> {
    extensions
        .get::<Forwarded>()
        .and_then(|forwarded| forwarded.client)
        .or_else(|| peer(extensions))
}

/// What trusted proxies say of a request, as an extension of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded {
    client: Option<IpAddr>,
    https: Option<bool>,
    pub(crate) host: Option<String>,
    prefix: Option<String>,
}

impl Forwarded {
    /// Reads what a peer says of a request; none if the listener does not trust it.
    pub(crate) fn read(headers: &HeaderMap, site: &Site, peer: IpAddr) -> Option<Forwarded> {
        if !site.trusts(peer.to_canonical()) {
            return None;
        }
        Some(match headers.contains_key(FORWARDED) {
            true => standard(headers, site),
            false => customary(headers, site),
        })
    }
}

/// `Forwarded` (RFC 7239). Each proxy appends an element, so the last was written by our peer.
fn standard(headers: &HeaderMap, site: &Site) -> Forwarded {
    let elements = list(headers, &FORWARDED);
    let mut found = Forwarded { prefix: prefix(headers), ..Forwarded::default() };
    for element in elements.iter().rev().take(HOPS_MAX) {
        let mut from = None;
        for pair in element.split(';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => from = address(value),
                "proto" => found.https = scheme(value).or(found.https),
                "host" => found.host = authority(value).or(found.host),
                _ => {}
            }
        }
        found.client = from.or(found.client);
        if !from.is_some_and(|from| site.trusts(from)) {
            break;
        }
    }
    found
}

/// `X-Forwarded-For` and its like. Each proxy appends the address of its own peer; the other headers have one value, or
/// one for each proxy.
fn customary(headers: &HeaderMap, site: &Site) -> Forwarded {
    let clients = list(headers, &FORWARDED_FOR);
    let (mut client, mut hops) = (None, 0);
    for text in clients.iter().rev().take(HOPS_MAX) {
        let Some(from) = address(text) else { break };
        (client, hops) = (Some(from), hops + 1);
        if !site.trusts(from) {
            break;
        }
    }
    let of_outermost = |name: &HeaderName| {
        let values = list(headers, name);
        let at = values.len().saturating_sub(hops.max(1));
        values.get(at).map(|value| value.to_string())
    };
    Forwarded {
        client,
        https: of_outermost(&FORWARDED_PROTO).and_then(|proto| scheme(&proto)),
        host: of_outermost(&FORWARDED_HOST).and_then(|host| authority(&host)),
        prefix: prefix(headers),
    }
}

/// The elements of a header that is a list, also over several lines.
fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h str> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|e| !e.is_empty()).collect()
}

fn prefix(headers: &HeaderMap) -> Option<String> {
    let prefix = headers.get(&FORWARDED_PREFIX)?.to_str().ok()?.trim_end_matches('/');
    let is_of_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
    (prefix.starts_with('/') && !prefix.starts_with("//") && prefix.bytes().all(is_of_path))
        .then(|| prefix.to_string())
}

fn scheme(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "https" => Some(true),
        "http" => Some(false),
        _ => None,
    }
}

fn authority(value: &str) -> Option<String> {
    host::split(value.as_bytes()).map(|_| value.to_string())
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let parsed = text.parse::<IpAddr>().ok().or_else(|| {
        let (name, _) = host::split(text.as_bytes())?;
        let name = std::str::from_utf8(name).ok()?;
        name.trim_start_matches('[').trim_end_matches(']').parse().ok()
    });
    parsed.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::http::Request;

    use super::*;
    use crate::connection::Connection;
    use crate::exchange::Exchange;
    use crate::limits::Limits;
    use crate::shared::Shared;

    fn seen(peer: &str, headers: &[(&str, &str)]) -> (String, String) {
        let shared = Arc::new(Shared::new(Limits::for_descriptors(64)));
        let site = Site::new(shared, "192.0.2.1:80".parse().unwrap(), false);
        let site = Arc::new(site.trusting_proxies(&["10.0.0.0/8".parse().unwrap()]));
        let peer: SocketAddr = peer.parse().unwrap();
        let mut request = Request::builder().header("host", "inside:8082");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let connection = Connection::new(peer, site.clone()).0;
        parts.extensions.insert(Arrival(Exchange::in_turn(connection)));
        if let Some(forwarded) = Forwarded::read(&parts.headers, &site, peer.ip()) {
            parts.extensions.insert(forwarded);
        }
        let client = client_address(&parts.extensions).unwrap();
        (Origin::of(&parts.headers, &parts.extensions).url(), client.to_string())
    }

    const CUSTOMARY: [(&str, &str); 4] = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "kafka.example"),
        ("x-forwarded-prefix", "/rest/"),
    ];

    fn of(url: &str, client: &str) -> (String, String) {
        (url.to_string(), client.to_string())
    }

    #[test]
    fn a_stranger_says_nothing_of_where_it_is() {
        assert_eq!(seen("192.0.2.7:9", &CUSTOMARY), of("http://inside:8082", "192.0.2.7"));
        let standard = [("forwarded", "for=203.0.113.9;proto=https;host=kafka.example")];
        assert_eq!(seen("192.0.2.7:9", &standard), of("http://inside:8082", "192.0.2.7"));
    }

    #[test]
    fn a_trusted_proxy_says_how_the_client_reached_it() {
        let expected = of("https://kafka.example/rest", "203.0.113.9");
        assert_eq!(seen("10.0.0.1:9", &CUSTOMARY), expected);
        let standard =
            [("forwarded", r#"for="[2001:db8::7]:99";proto=https;host="kafka.example:8443""#)];
        assert_eq!(seen("10.0.0.1:9", &standard), of("https://kafka.example:8443", "2001:db8::7"));
        assert_eq!(seen("10.0.0.1:9", &[]), of("http://inside:8082", "10.0.0.1"));
    }

    #[test]
    fn what_a_client_has_made_up_stands_before_what_a_trusted_proxy_says() {
        let forged = [("x-forwarded-for", "127.0.0.1, 203.0.113.9, 10.0.0.2")];
        assert_eq!(seen("10.0.0.1:9", &forged), of("http://inside:8082", "203.0.113.9"));
        let forged =
            [("forwarded", "for=127.0.0.1;host=evil.example, for=203.0.113.9;host=kafka.example")];
        assert_eq!(seen("10.0.0.1:9", &forged), of("http://kafka.example", "203.0.113.9"));
    }

    #[test]
    fn what_is_no_host_or_prefix_is_passed_over() {
        let wrong = [
            ("x-forwarded-host", "a/b"),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-prefix", "//evil.example"),
            ("x-forwarded-for", "unknown"),
        ];
        assert_eq!(seen("10.0.0.1:9", &wrong), of("http://inside:8082", "10.0.0.1"));
    }
}
