//! What a server is called: the header `Host`, and the names that a listener answers to.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A name by which clients may ask for a server, beside those that its listener has anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// `*`: any name.
    Any,
    /// `registry.example`, on any port, or `registry.example:443`.
    Named { name: String, port: Option<u16> },
}

impl FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(AllowedHost::Any);
        }
        match split(text.as_bytes()) {
            Some((name, port)) => Ok(AllowedHost::Named { name: canonical(name), port }),
            None => Err(format!("{text}: expected a name, NAME:PORT, or *")),
        }
    }
}

/// The names of a listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Vec<(String, Port)>);

/// The ports on which a name is one of the listener's. A `Host` without a port always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Any,
    Only(u16),
}

impl Hosts {
    /// This machine's names for itself, with the listener's port.
    pub(crate) fn of_loopback(address: SocketAddr) -> Hosts {
        let own = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let mut names = vec!["localhost".to_string(), "127.0.0.1".to_string(), "[::1]".to_string()];
        if !names.contains(&own) {
            names.push(own);
        }
        Hosts(names.into_iter().map(|name| (name, Port::Only(address.port()))).collect())
    }

    pub(crate) fn extend(&mut self, allowed: &[AllowedHost]) {
        self.0.extend(allowed.iter().filter_map(|allowed| match allowed {
            AllowedHost::Any => None,
            AllowedHost::Named { name, port } => {
                Some((name.clone(), port.map_or(Port::Any, Port::Only)))
            }
        }));
    }

    pub(crate) fn have(&self, name: &[u8], port: Option<u16>) -> bool {
        let fits = |known: Port| match (known, port) {
            (Port::Any, _) | (_, None) => true,
            (Port::Only(known), Some(port)) => known == port,
        };
        let is = |known: &str| {
            let known = known.as_bytes();
            known.eq_ignore_ascii_case(name)
                || (name.starts_with(b"[") || name.ends_with(b"."))
                    && known == canonical(name).as_bytes()
        };
        self.0.iter().any(|(known, on)| fits(*on) && is(known))
    }
}

/// The one way to write a name: small letters, no dot at the end, IPv6 as short as it gets.
pub(crate) fn canonical(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let inside = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match inside.and_then(|inside| inside.parse::<Ipv6Addr>().ok()) {
        Some(address) => format!("[{address}]"),
        None => name.strip_suffix('.').unwrap_or(&name).to_string(),
    }
}

/// Name and port of a `Host` or of what stands behind `http://`, if it is one.
pub(crate) fn split(host: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let name_end = match host.first()? {
        b'[' => {
            let end = host.iter().position(|byte| *byte == b']')? + 1;
            let inside = &host[1..end - 1];
            let is_address = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
            (!inside.is_empty() && inside.iter().all(is_address)).then_some(end)?
        }
        _ => {
            let end = host.iter().position(|byte| *byte == b':').unwrap_or(host.len());
            (end > 0 && host[..end].iter().all(is_of_name)).then_some(end)?
        }
    };
    let port = match host[name_end..].split_first() {
        None => None,
        Some((b':', [])) => None,
        Some((b':', digits)) if digits.iter().all(u8::is_ascii_digit) => {
            Some(std::str::from_utf8(digits).ok()?.parse().ok()?)
        }
        Some(_) => return None,
    };
    Some((&host[..name_end], port))
}

/// What RFC 3986 lets a registered name have.
fn is_of_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(hosts: &Hosts, host: &str) -> bool {
        split(host.as_bytes()).is_some_and(|(name, port)| hosts.have(name, port))
    }

    #[test]
    fn a_listener_on_loopback_has_this_machines_names_on_its_own_port() {
        let hosts = Hosts::of_loopback("127.0.0.1:8081".parse().unwrap());
        for host in
            ["127.0.0.1:8081", "localhost:8081", "LocalHost.", "[::1]:8081", "[0:0::1]:8081"]
        {
            assert!(has(&hosts, host), "{host}");
        }
        for host in ["rebound.example:8081", "localhost:8082", "localhost.example", "127.0.0.2", ""]
        {
            assert!(!has(&hosts, host), "{host}");
        }
        assert!(has(&Hosts::of_loopback("127.0.0.2:1".parse().unwrap()), "127.0.0.2:1"));
    }

    #[test]
    fn names_that_are_allowed_are_so_on_any_port_or_on_theirs() {
        let mut hosts = Hosts::of_loopback("127.0.0.1:8081".parse().unwrap());
        hosts.extend(&["Registry.example".parse().unwrap(), "other.example:443".parse().unwrap()]);
        for host in ["registry.example", "registry.example:9", "other.example:443", "other.example"]
        {
            assert!(has(&hosts, host), "{host}");
        }
        assert!(!has(&hosts, "other.example:444"));
        assert_eq!("*".parse(), Ok(AllowedHost::Any));
        for wrong in ["", "a b", "http://a", "a:b"] {
            assert!(wrong.parse::<AllowedHost>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_is_a_name_and_perhaps_a_port() {
        assert_eq!(split(b"a.b:80"), Some((&b"a.b"[..], Some(80))));
        assert_eq!(split(b"a:"), Some((&b"a"[..], None)));
        assert_eq!(split(b"[::1]:80"), Some((&b"[::1]"[..], Some(80))));
        for wrong in
            ["", ":80", "a:b", "a:65536", "a:+1", "[]", "[::1", "[::1]80", "a/b", "a@b", "a b"]
        {
            assert_eq!(split(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
