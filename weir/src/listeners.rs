//! Where the servers listen, as Confluent's `listeners` says it: URLs of which all are served, `https` with
//! the certificate of `ssl.keystore.location`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use weir_http::{AllowedHost, Identity};

use crate::confluent::{Env, var};

/// An address to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub address: SocketAddr,
    pub https: bool,
}

impl Listener {
    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

/// What a server is told of its listeners.
pub struct Asked<'a> {
    pub flag: Option<SocketAddr>,
    /// Of its variables: `SCHEMA_REGISTRY_` or `KAFKA_REST_`.
    pub prefix: &'a str,
    pub default_port: u16,
    /// Whether --tls-cert has made all listeners speak https.
    pub https: bool,
}

impl Asked<'_> {
    /// The flag's, else the environment's, else one on loopback.
    pub fn listeners(&self, env: &Env) -> Result<Vec<Listener>, String> {
        let https = self.https;
        if let Some(address) = self.flag {
            return Ok(vec![Listener { address, https }]);
        }
        let name = format!("{}LISTENERS", self.prefix);
        let Some(value) = var(env, &name) else {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.default_port));
            return Ok(vec![Listener { address, https }]);
        };
        value
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let listener = listener(entry).map_err(|why| format!("{name}: {entry} {why}"))?;
                Ok(Listener { https: listener.https || https, ..listener })
            })
            .collect()
    }

    /// The hosts that the environment's listeners are named by: what a name resolves to is not the name any more.
    pub fn names(&self, env: &Env) -> Vec<AllowedHost> {
        let entries = var(env, &format!("{}LISTENERS", self.prefix)).unwrap_or_default().split(',');
        let hosts = entries.filter_map(|entry| {
            let host = entry.trim().split_once("://").map_or(entry.trim(), |(_, rest)| rest);
            host.trim_end_matches('/').parse().ok()
        });
        hosts.filter(|host| *host != AllowedHost::Any).collect()
    }

    /// What https listeners of the environment show; an error says what is missing.
    pub fn identity(&self, env: &Env) -> Result<Identity, String> {
        let prefix = self.prefix;
        let Some(location) = var(env, &format!("{prefix}SSL_KEYSTORE_LOCATION")) else {
            return Err(format!(
                "{prefix}LISTENERS has an https listener, and there is no certificate: say --tls-cert and \
                 --tls-key, or {prefix}SSL_KEYSTORE_LOCATION with {prefix}SSL_KEYSTORE_TYPE=PEM"
            ));
        };
        let kind = var(env, &format!("{prefix}SSL_KEYSTORE_TYPE")).unwrap_or("JKS");
        if !kind.eq_ignore_ascii_case("PEM") {
            return Err(format!(
                "{prefix}SSL_KEYSTORE_LOCATION: a Java key store cannot be read. Write it as PEM, with \
                 `keytool -importkeystore -srckeystore STORE -destkeystore STORE.p12 -deststoretype PKCS12` and \
                 `openssl pkcs12 -in STORE.p12 -nodes -out STORE.pem`, and say {prefix}SSL_KEYSTORE_TYPE=PEM"
            ));
        }
        let path = PathBuf::from(location);
        let versions = versions(env, &format!("{prefix}SSL_ENABLED_PROTOCOLS"))?;
        Ok(Identity { cert: path.clone(), key: path, versions })
    }
}

/// What TLS versions a setting allows, in Java's names.
fn versions(env: &Env, name: &str) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let Some(value) = var(env, name) else { return Ok(vec![&TLS13, &TLS12]) };
    let version = |name: &str| match name.trim() {
        "TLSv1.3" => Some(&TLS13),
        "TLSv1.2" => Some(&TLS12),
        _ => None,
    };
    let versions: Vec<_> = value.split(',').filter_map(version).collect();
    match versions.is_empty() {
        true => Err(format!("{name}: neither TLSv1.2 nor TLSv1.3 is among them")),
        false => Ok(versions),
    }
}

fn listener(entry: &str) -> Result<Listener, &'static str> {
    const FORM: &str = "is not http://HOST:PORT or https://HOST:PORT";
    let (scheme, rest) = entry.split_once("://").unwrap_or(("http", entry));
    let https = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err(FORM),
    };
    let host = rest.strip_suffix('/').unwrap_or(rest);
    if let Ok(address) = host.parse() {
        return Ok(Listener { address, https });
    }
    let (name, port) = host.rsplit_once(':').ok_or(FORM)?;
    let port: u16 = port.parse().map_err(|_| FORM)?;
    // Java takes an address without a host for all
    if name.is_empty() {
        let everywhere = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        return Ok(Listener { address: SocketAddr::new(everywhere, port), https });
    }
    let mut found = (name, port).to_socket_addrs().map_err(|_| "names a host that is not known")?;
    let address = found.next().ok_or("names a host that is not known")?;
    Ok(Listener { address, https })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(vars: &[(&str, &str)]) -> Env {
        vars.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    const ASKED: Asked<'static> =
        Asked { flag: None, prefix: "SCHEMA_REGISTRY_", default_port: 8081, https: false };

    fn listeners(value: &str) -> Result<Vec<String>, String> {
        let found = ASKED.listeners(&env(&[("SCHEMA_REGISTRY_LISTENERS", value)]))?;
        Ok(found.iter().map(|l| format!("{}://{}", l.scheme(), l.address)).collect())
    }

    #[test]
    fn all_listeners_are_found_and_their_scheme_counts() {
        let two = listeners("http://0.0.0.0:8081/, https://127.0.0.1:8082").unwrap();
        assert_eq!(two, ["http://0.0.0.0:8081", "https://127.0.0.1:8082"]);
        assert_eq!(listeners("").unwrap(), ["http://127.0.0.1:8081"]);
        assert_eq!(listeners("http://:8085").unwrap(), ["http://0.0.0.0:8085"]);
        assert_eq!(listeners("http://[::1]:8085").unwrap(), ["http://[::1]:8085"]);
        let named = listeners("http://localhost:8085").unwrap();
        assert!(named == ["http://127.0.0.1:8085"] || named == ["http://[::1]:8085"], "{named:?}");
        for wrong in ["everywhere", "ftp://127.0.0.1:1", "http://127.0.0.1", "http://127.0.0.1:x"] {
            assert!(listeners(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_https_listener_needs_a_certificate_that_can_be_read() {
        let without = ASKED.identity(&Env::new()).unwrap_err();
        assert!(without.contains("SCHEMA_REGISTRY_SSL_KEYSTORE_LOCATION"), "{without}");
        let location = ("SCHEMA_REGISTRY_SSL_KEYSTORE_LOCATION", "/a/store");
        let java = ASKED.identity(&env(&[location])).unwrap_err();
        assert!(java.contains("openssl pkcs12"), "{java}");
        let pem = ("SCHEMA_REGISTRY_SSL_KEYSTORE_TYPE", "pem");
        let identity = ASKED.identity(&env(&[location, pem])).unwrap();
        assert_eq!((identity.cert.to_str(), identity.versions.len()), (Some("/a/store"), 2));
        let newest = ("SCHEMA_REGISTRY_SSL_ENABLED_PROTOCOLS", "TLSv1.1, TLSv1.3");
        assert_eq!(ASKED.identity(&env(&[location, pem, newest])).unwrap().versions.len(), 1);
        let old = ("SCHEMA_REGISTRY_SSL_ENABLED_PROTOCOLS", "TLSv1.1");
        assert!(ASKED.identity(&env(&[location, pem, old])).is_err());
    }
}
