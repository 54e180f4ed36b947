//! How registry and proxy are reached: listeners, certificates, names, and headers of all answers.

use std::path::PathBuf;
use std::sync::Arc;

use weir_http::{AllowedHost, ClientAuth, Password};

use crate::added_headers::AddedHeaders;
use crate::config::Surroundings;
use crate::config::problem::Problem;
use crate::config::source::Source;
use crate::config::tree::Tree;
use crate::config::value::{Authentication, ClientAuthMode, Role, Scheme, Sourced, TlsVersion};
use crate::cors::{Cors, CorsSettings};
use crate::face_tls::{ListenerTls, TlsSettings};
use crate::listeners::ListenerUrl;

/// How one of the servers is reached.
#[derive(Debug, Default)]
pub struct Face {
    pub listeners: Vec<FaceListener>,
    /// Names by which clients may ask for it, beside those that its listeners have anyway.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Whose pages may write.
    pub allowed_origins: Vec<String>,
    /// What pages of these origins are told by headers.
    pub cors: Arc<Cors>,
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
    /// What an https listener shows, and what it asks of its clients.
    pub tls: Option<ListenerTls>,
    /// Whether its clients have to log in, where that is not as everywhere.
    pub authentication: Option<Authentication>,
    /// Whether it may be open to whoever reaches it, because Confluent's settings name it: it was before.
    pub as_before: bool,
}

/// A value that nothing sets.
const fn unset<T>(value: T) -> Sourced<T> {
    Sourced { value, source: Source::Default }
}

/// What one server is told of its face.
pub struct FaceSettings<'a> {
    runs: bool,
    section: &'static str,
    tree: &'a Tree,
    listeners: &'a Sourced<Vec<ListenerUrl>>,
    tls: TlsSettings<'a>,
    headers: &'a Sourced<Option<String>>,
    nosniff: bool,
    hsts: bool,
    origins: &'a [String],
    cors: CorsSettings<'a>,
    /// What clients and others call it.
    names: [Option<&'a str>; 2],
}

impl Face {
    /// How its https listeners ask clients for certificates, where they do.
    pub fn client_auth(&self) -> impl Iterator<Item = &ClientAuth> {
        self.listeners.iter().filter_map(|listener| listener.tls.as_ref()?.clients.as_ref())
    }
}

impl FaceListener {
    /// Returns true if it says that its clients have to log in.
    pub fn needs_login(&self) -> bool {
        self.authentication == Some(Authentication::Required)
    }
}

impl<'a> FaceSettings<'a> {
    pub fn of_registry(tree: &'a Tree, surroundings: &'a Surroundings) -> FaceSettings<'a> {
        let registry = &tree.registry;
        FaceSettings {
            runs: tree.process.roles.contains(&Role::Registry),
            section: "registry",
            tree,
            listeners: &registry.listeners,
            tls: TlsSettings {
                section: "registry",
                unreadable: surroundings.unreadable_stores.get("registry"),
                tree,
                listeners: &registry.listeners,
                cert: &registry.tls_cert,
                key: &registry.tls_key,
                key_password: &registry.tls_key_password,
                versions: &registry.tls_versions,
                client_auth: &registry.tls_client_auth,
                client_ca: &registry.tls_client_ca,
                client_ca_password: &registry.tls_client_ca_password,
                client_crl: &registry.tls_client_crl,
            },
            headers: &registry.response_headers,
            nosniff: *registry.nosniff,
            hsts: *registry.hsts,
            origins: &registry.allowed_origins,
            cors: CorsSettings {
                methods: &registry.cors_methods,
                headers: &registry.cors_headers,
                exposed: &registry.cors_exposed_headers,
                skip_preflights: *registry.cors_skip_preflights,
                reject_options: *registry.reject_options,
            },
            names: [registry.advertised_url.as_deref(), registry.host_name.as_deref()],
        }
    }

    pub fn of_proxy(tree: &'a Tree, surroundings: &'a Surroundings) -> FaceSettings<'a> {
        let proxy = &tree.proxy;
        FaceSettings {
            runs: tree.process.roles.contains(&Role::Proxy),
            section: "proxy",
            tree,
            listeners: &proxy.listeners,
            tls: TlsSettings {
                section: "proxy",
                unreadable: surroundings.unreadable_stores.get("proxy"),
                tree,
                listeners: &proxy.listeners,
                cert: &proxy.tls_cert,
                key: &proxy.tls_key,
                key_password: &proxy.tls_key_password,
                versions: &proxy.tls_versions,
                client_auth: &proxy.tls_client_auth,
                client_ca: &proxy.tls_client_ca,
                client_ca_password: &proxy.tls_client_ca_password,
                client_crl: &proxy.tls_client_crl,
            },
            headers: &proxy.response_headers,
            nosniff: *proxy.nosniff,
            hsts: *proxy.hsts,
            origins: &proxy.allowed_origins,
            cors: CorsSettings {
                methods: &proxy.cors_methods,
                headers: &proxy.cors_headers,
                exposed: &proxy.cors_exposed_headers,
                skip_preflights: *proxy.cors_skip_preflights,
                reject_options: *proxy.reject_options,
            },
            names: [proxy.advertised_url.as_deref(), proxy.host_name.as_deref()],
        }
    }

    /// Of what is only for who runs the process: its listeners have the TLS of all, or their own.
    pub fn of_management(tree: &'a Tree) -> FaceSettings<'a> {
        const NO_TEXT: &Sourced<Option<String>> = &unset(None);
        const NO_FILE: &Sourced<Option<PathBuf>> = &unset(None);
        const NO_PASSWORD: &Sourced<Option<Password>> = &unset(None);
        const NO_MODE: &Sourced<Option<ClientAuthMode>> = &unset(None);
        const NO_FILES: &Sourced<Vec<PathBuf>> = &unset(Vec::new());
        const NO_NAMES: &Sourced<Vec<String>> = &unset(Vec::new());
        let listeners = &tree.management.listeners;
        FaceSettings {
            runs: !listeners.is_empty(),
            section: "management",
            tree,
            listeners,
            tls: TlsSettings {
                section: "management",
                unreadable: None,
                tree,
                listeners,
                cert: NO_FILE,
                key: NO_FILE,
                key_password: NO_PASSWORD,
                versions: &[TlsVersion::Tls12, TlsVersion::Tls13],
                client_auth: NO_MODE,
                client_ca: NO_FILES,
                client_ca_password: NO_PASSWORD,
                client_crl: NO_FILE,
            },
            headers: NO_TEXT,
            nosniff: false,
            hsts: false,
            origins: &[],
            cors: CorsSettings {
                methods: NO_NAMES,
                headers: NO_NAMES,
                exposed: NO_NAMES,
                skip_preflights: true,
                reject_options: false,
            },
            names: [None, None],
        }
    }

    /// The face of a server that runs.
    pub fn face(&self, problems: &mut Vec<Problem>) -> Face {
        if !self.runs {
            return Face::default();
        }
        let listeners = self.served(problems);
        if listeners.is_empty() {
            let text = format!("{}.listeners: there is no listener", self.section);
            problems.push(Problem::at(&self.listeners.source, text));
        }
        self.tls.complete(listeners.iter().any(|listener| listener.https), problems);
        let common = &self.tree.browsers.allowed_origins.value[..];
        let origins = [common, self.origins].concat();
        let origins: Vec<_> = origins.into_iter().filter(|origin| !origin.is_empty()).collect();
        Face {
            allowed_hosts: self.allowed_hosts(),
            cors: Arc::new(Cors::new(&origins, &self.cors, self.section, problems)),
            allowed_origins: origins,
            http_headers: self.added_headers(false, problems),
            https_headers: self.added_headers(self.hsts, problems),
            listeners,
        }
    }

    /// All listeners speak https if there is a certificate for all and none of them says so itself; else each
    /// speaks what it says.
    fn served(&self, problems: &mut Vec<Problem>) -> Vec<FaceListener> {
        let says_https = |url: &ListenerUrl| url.scheme == Some(Scheme::Https);
        let literal = self.listeners.iter().any(says_https) || self.tree.tls.cert.is_none();
        let unsaid = self.tree.process.insecure.source == Source::Default;
        let as_before = self.listeners.source.is_confluents() && unsaid;
        let mut served = |url: &ListenerUrl| {
            let https = !literal || says_https(url);
            let tls = match https {
                true => self.tls.of_listener(url, problems),
                false => {
                    self.tls.of_clear_listener(url, problems);
                    None
                }
            };
            let authentication = url.params.authentication;
            FaceListener { url: url.clone(), https, tls, authentication, as_before }
        };
        self.listeners.iter().map(&mut served).collect()
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
