//! How registry and proxy are reached: listeners, certificates, names, and headers of all answers.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use weir_http::{AllowedHost, Identity};

use crate::added_headers::AddedHeaders;
use crate::clusters::more;
use crate::config::Surroundings;
use crate::config::problem::Problem;
use crate::config::source::Source;
use crate::config::tree::Tree;
use crate::config::value::{Role, Scheme, Sourced, TlsVersion};
use crate::confluent::{PROXY_PREFIX, REGISTRY_PREFIX};
use crate::listeners::ListenerUrl;

/// How one of the servers is reached.
#[derive(Debug, Default)]
pub struct Face {
    pub listeners: Vec<FaceListener>,
    /// What https listeners show; there are none without.
    pub identity: Option<Identity>,
    /// Names by which clients may ask for it, beside those that its listeners have anyway.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Whose pages may write.
    pub allowed_origins: Vec<String>,
    /// What is added to answers of http listeners.
    pub http_headers: Arc<AddedHeaders>,
    /// What is added to answers of https listeners.
    pub https_headers: Arc<AddedHeaders>,
}

/// A listener, and what it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaceListener {
    pub url: ListenerUrl,
    pub https: bool,
}

/// What one server is told of its face.
pub struct FaceSettings<'a> {
    runs: bool,
    section: &'static str,
    /// A variable that names a certificate in a format that cannot be read.
    unreadable: Option<&'a str>,
    tree: &'a Tree,
    listeners: &'a Sourced<Vec<ListenerUrl>>,
    cert: &'a Sourced<Option<PathBuf>>,
    key: &'a Sourced<Option<PathBuf>>,
    versions: &'a Sourced<Vec<TlsVersion>>,
    headers: &'a Sourced<Option<String>>,
    nosniff: bool,
    hsts: bool,
    origins: &'a [String],
    /// What clients and others call it.
    names: [Option<&'a str>; 2],
}

impl Face {
    /// Returns true if a listener asks clients for certificates.
    pub fn asks_for_certificates(&self) -> bool {
        false
    }
}

impl<'a> FaceSettings<'a> {
    pub fn of_registry(tree: &'a Tree, surroundings: &'a Surroundings) -> FaceSettings<'a> {
        let registry = &tree.registry;
        FaceSettings {
            runs: tree.process.roles.contains(&Role::Registry),
            section: "registry",
            unreadable: surroundings.unreadable_stores.get("registry").map(String::as_str),
            tree,
            listeners: &registry.listeners,
            cert: &registry.tls_cert,
            key: &registry.tls_key,
            versions: &registry.tls_versions,
            headers: &registry.response_headers,
            nosniff: *registry.nosniff,
            hsts: *registry.hsts,
            origins: &registry.allowed_origins,
            names: [registry.advertised_url.as_deref(), registry.host_name.as_deref()],
        }
    }

    pub fn of_proxy(tree: &'a Tree, surroundings: &'a Surroundings) -> FaceSettings<'a> {
        let proxy = &tree.proxy;
        FaceSettings {
            runs: tree.process.roles.contains(&Role::Proxy),
            section: "proxy",
            unreadable: surroundings.unreadable_stores.get("proxy").map(String::as_str),
            tree,
            listeners: &proxy.listeners,
            cert: &proxy.tls_cert,
            key: &proxy.tls_key,
            versions: &proxy.tls_versions,
            headers: &proxy.response_headers,
            nosniff: *proxy.nosniff,
            hsts: *proxy.hsts,
            origins: &proxy.allowed_origins,
            names: [proxy.advertised_url.as_deref(), proxy.host_name.as_deref()],
        }
    }

    /// The face of a server that runs.
    pub fn face(&self, problems: &mut Vec<Problem>) -> Face {
        if !self.runs {
            return Face::default();
        }
        let listeners = self.served();
        if listeners.is_empty() {
            let text = format!("{}.listeners: there is no listener", self.section);
            problems.push(Problem::at(&self.listeners.source, text));
        }
        let https = listeners.iter().any(|listener| listener.https);
        let origins = [&self.tree.browsers.allowed_origins.value[..], self.origins].concat();
        Face {
            identity: if https { self.identity(problems) } else { None },
            allowed_hosts: self.allowed_hosts(),
            allowed_origins: origins.into_iter().filter(|origin| !origin.is_empty()).collect(),
            http_headers: self.added_headers(false, problems),
            https_headers: self.added_headers(self.hsts, problems),
            listeners,
        }
    }

    /// All listeners speak https if there is a certificate for all and none of them says so itself; else each
    /// speaks what it says.
    fn served(&self) -> Vec<FaceListener> {
        let says_https = |url: &ListenerUrl| url.scheme == Some(Scheme::Https);
        let literal = self.listeners.iter().any(says_https) || self.tree.tls.cert.is_none();
        let served = |url: &ListenerUrl| FaceListener {
            url: url.clone(),
            https: !literal || says_https(url),
        };
        self.listeners.iter().map(served).collect()
    }

    /// What https listeners show.
    fn identity(&self, problems: &mut Vec<Problem>) -> Option<Identity> {
        let tls = &self.tree.tls;
        let Some(cert) = more(self.cert, &tls.cert) else {
            problems.push(self.no_certificate());
            return None;
        };
        // the key is the one beside the certificate
        let key = if cert == self.cert { self.key } else { &tls.key };
        let (cert, key) = (cert.value.clone()?, key.value.clone()?);
        let version = |version: &TlsVersion| match version {
            TlsVersion::Tls12 => &TLS12,
            TlsVersion::Tls13 => &TLS13,
        };
        Some(Identity { cert, key, versions: self.versions.iter().rev().map(version).collect() })
    }

    fn no_certificate(&self) -> Problem {
        let prefix = if self.section == "proxy" { PROXY_PREFIX } else { REGISTRY_PREFIX };
        if let Some(variable) = self.unreadable {
            let text = format!(
                "a Java key store cannot be read. Write it as PEM, with \
                 `keytool -importkeystore -srckeystore STORE -destkeystore STORE.p12 -deststoretype PKCS12` and \
                 `openssl pkcs12 -in STORE.p12 -nodes -out STORE.pem`, and say {prefix}SSL_KEYSTORE_TYPE=PEM"
            );
            return Problem::at(&Source::Confluent(variable.to_string()), text);
        }
        let section = self.section;
        let text = format!(
            "{section}.listeners has an https listener, and there is no certificate: say --tls-cert and --tls-key, \
             {section}.tls_cert and {section}.tls_key, or {prefix}SSL_KEYSTORE_LOCATION with \
             {prefix}SSL_KEYSTORE_TYPE=PEM"
        );
        Problem::at(&self.listeners.source, text)
    }

    fn added_headers(&self, hsts: bool, problems: &mut Vec<Problem>) -> Arc<AddedHeaders> {
        let added = AddedHeaders::new(self.headers.as_deref(), self.nosniff, hsts);
        Arc::new(added.unwrap_or_else(|why| {
            let text = format!("{}.response_headers: {why}", self.section);
            let problem = Problem::at(&self.headers.source, text);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
            AddedHeaders::default()
        }))
    }

    /// What a server is called: what is allowed, advertised, and what its listeners were named by.
    fn allowed_hosts(&self) -> Vec<AllowedHost> {
        let [advertised, host_name] = self.names;
        let advertised = advertised.and_then(|url| reqwest::Url::parse(url).ok());
        let advertised = advertised.as_ref().and_then(reqwest::Url::host_str).map(str::to_string);
        let names = advertised.into_iter().chain(host_name.map(str::to_string));
        let names = names.filter_map(|name| name.parse().ok());
        let mut hosts = self.tree.browsers.allowed_hosts.value.clone();
        hosts.extend(names.filter(|name| *name != AllowedHost::Any));
        hosts.extend(self.listeners.iter().filter_map(ListenerUrl::name));
        hosts
    }
}
