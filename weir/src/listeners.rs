//! Where the servers listen: URLs as Confluent's `listeners` has them, all of which are served.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use weir_http::AllowedHost;

use crate::config::problem::Reason;
use crate::config::setting::{Setting, Shape};
use crate::config::value::{Scalar, Scheme};
use crate::listener_params::ListenerParams;
use weir_serde::without_password;

/// A listener as it was written: `https://[::1]:8443`, `registry.example:8081`, `:8082`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerUrl {
    /// What it says to speak; none if it names an address only.
    pub scheme: Option<Scheme>,
    pub host: Host,
    pub port: u16,
    /// The path that its service is below: empty, or `/registry`.
    pub prefix: String,
    /// Settings of its own.
    pub params: ListenerParams,
}

/// The host of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Address(IpAddr),
    /// A name, which is looked up when the listener is opened.
    Name(String),
    /// No host, which Java takes for all addresses.
    All,
}

/// An address that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub address: SocketAddr,
    pub https: bool,
    /// The path that its service is below: empty, or `/registry`.
    pub prefix: String,
}

impl Listener {
    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Where clients on this machine reach its service.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.address, self.prefix)
    }
}

impl ListenerUrl {
    /// The address, which is the first one where a name has several.
    pub fn resolve(&self) -> std::io::Result<SocketAddr> {
        match &self.host {
            Host::Address(ip) => Ok(SocketAddr::new(*ip, self.port)),
            Host::All => Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, self.port))),
            Host::Name(name) => {
                let mut found = (name.as_str(), self.port).to_socket_addrs()?;
                found.next().ok_or_else(|| std::io::ErrorKind::NotFound.into())
            }
        }
    }

    /// Returns true if others than this machine may reach it, as far as can be seen before a name is looked up.
    pub fn is_exposed(&self) -> bool {
        match &self.host {
            Host::Address(ip) => !ip.is_loopback(),
            Host::Name(name) => name != "localhost",
            Host::All => true,
        }
    }

    /// The name by which clients may ask for it: what a name resolves to is not the name any more.
    pub fn name(&self) -> Option<AllowedHost> {
        let name = self.authority().parse().ok();
        name.filter(|name| self.host != Host::All && *name != AllowedHost::Any)
    }

    fn authority(&self) -> String {
        match &self.host {
            Host::Address(ip) => SocketAddr::new(*ip, self.port).to_string(),
            Host::Name(name) => format!("{name}:{}", self.port),
            Host::All => format!(":{}", self.port),
        }
    }
}

impl fmt::Display for ListenerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Some(Scheme::Http) => f.write_str("http://")?,
            Some(Scheme::Https) => f.write_str("https://")?,
            None => {}
        }
        write!(f, "{}{}", self.authority(), self.prefix)
    }
}

impl Scalar for ListenerUrl {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<ListenerUrl, Reason> {
        let text = text.trim();
        let (url, params) = text.split_once('?').unwrap_or((text, ""));
        let listener = parse(url).ok_or_else(|| {
            let expected = "http://HOST:PORT, https://HOST:PORT, HOST:PORT or :PORT, and perhaps a /PATH and ?SETTINGS";
            format!("{} is not a listener: expected {expected}", without_password(text))
        })?;
        let params = ListenerParams::parse(params)
            .map_err(|why| format!("{}: {why}", without_password(text)))?;
        Ok(ListenerUrl { params, ..listener })
    }
}

fn parse(text: &str) -> Option<ListenerUrl> {
    let (scheme, rest) = match text.split_once("://") {
        None => (None, text),
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "http" => (Some(Scheme::Http), rest),
            "https" => (Some(Scheme::Https), rest),
            _ => return None,
        },
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = authority.rsplit_once(':')?;
    let port = port.parse().ok().filter(|_| !port.starts_with('+'))?;
    let (host, prefix) = (parse_host(host)?, parse_prefix(path)?);
    Some(ListenerUrl { scheme, host, port, prefix, params: ListenerParams::default() })
}

fn parse_host(host: &str) -> Option<Host> {
    if host.is_empty() {
        return Some(Host::All);
    }
    if let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inside.parse::<Ipv6Addr>().ok().map(|ip| Host::Address(ip.into()));
    }
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Some(Host::Address(ip.into()));
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    host.chars().all(is_name).then(|| Host::Name(host.to_string()))
}

/// Letters that need no escape, in segments that are not empty.
fn parse_prefix(path: &str) -> Option<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '.');
    let is_segment = |segment: &str| {
        !segment.is_empty() && !segment.starts_with('.') && segment.chars().all(is_plain)
    };
    let mut segments = path.split('/').skip(1);
    segments.all(is_segment).then(|| path.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as it is written, and the address that it is.
    fn listener(text: &str) -> Result<(String, String), Reason> {
        let url = ListenerUrl::parse(text, &Setting::NEW)?;
        Ok((url.to_string(), url.resolve().unwrap().to_string()))
    }

    #[test]
    fn listeners_are_urls_addresses_and_ports() {
        for (text, written, address) in [
            ("http://0.0.0.0:8081/", "http://0.0.0.0:8081", "0.0.0.0:8081"),
            ("https://127.0.0.1:8082", "https://127.0.0.1:8082", "127.0.0.1:8082"),
            ("HTTPS://[::1]:8443", "https://[::1]:8443", "[::1]:8443"),
            ("http://:8085", "http://:8085", "0.0.0.0:8085"),
            (":8085", ":8085", "0.0.0.0:8085"),
            ("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:1", "[::1]:1", "[::1]:1"),
            ("http://[::1]:1/kafka/rest/", "http://[::1]:1/kafka/rest", "[::1]:1"),
        ] {
            assert_eq!(listener(text), Ok((written.to_string(), address.to_string())), "{text}");
        }
        let (_, named) = listener("http://localhost:8085").unwrap();
        assert!(["127.0.0.1:8085", "[::1]:8085"].contains(&named.as_str()), "{named}");
        for wrong in [
            "everywhere",
            "ftp://127.0.0.1:1",
            "http://127.0.0.1",
            "http://127.0.0.1:x",
            "a b:1",
            "::1:80x",
            "127.0.0.1:65536",
            "[::1:8080",
            "http://127.0.0.1:1//a",
            "http://127.0.0.1:1/a/../b",
            "http://127.0.0.1:1/a?b",
            "",
        ] {
            assert!(listener(wrong).unwrap_err().0.contains(wrong), "{wrong}");
        }
        let Reason(login) = listener("http://me:hunter2@a:1").unwrap_err();
        assert!(login.starts_with("http://a:1 is not") && !login.contains("hunter2"), "{login}");
    }

    #[test]
    fn clients_may_ask_by_the_name_of_a_listener() {
        let name = |text: &str| ListenerUrl::parse(text, &Setting::NEW).unwrap().name();
        assert_eq!(name("http://sr.example:8081"), "sr.example:8081".parse().ok());
        assert_eq!(name("https://[::1]:8443"), "[::1]:8443".parse().ok());
        assert_eq!(name(":8081"), None);
    }
}
