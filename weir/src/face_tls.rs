//! TLS of a server's listeners: which settings count, and what is missing among them.

use std::path::{Path, PathBuf};

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use weir_http::{ClientAuth, Identity, Password};

use crate::clusters::more;
use crate::config::problem::Problem;
use crate::config::source::Source;
use crate::config::tree::Tree;
use crate::config::value::{ClientAuthMode, Sourced, TlsVersion};
use crate::confluent::{PROXY_PREFIX, REGISTRY_PREFIX};
use crate::listeners::ListenerUrl;

/// What an https listener shows, and what it asks of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    pub identity: Identity,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// None: clients are not asked for certificates.
    pub clients: Option<ClientAuth>,
}

/// What one server is told of its TLS.
pub struct TlsSettings<'a> {
    pub section: &'static str,
    /// A setting of Confluent's that names a certificate in a format that cannot be read.
    pub unreadable: Option<&'a Source>,
    pub tree: &'a Tree,
    pub listeners: &'a Sourced<Vec<ListenerUrl>>,
    pub cert: &'a Sourced<Option<PathBuf>>,
    pub key: &'a Sourced<Option<PathBuf>>,
    pub key_password: &'a Sourced<Option<Password>>,
    pub versions: &'a [TlsVersion],
    pub client_auth: &'a Sourced<Option<ClientAuthMode>>,
    pub client_ca: &'a Sourced<Vec<PathBuf>>,
    pub client_ca_password: &'a Sourced<Option<Password>>,
    pub client_crl: &'a Sourced<Option<PathBuf>>,
}

/// Returns true if a file's name says that it is PKCS#12.
pub fn is_pkcs12(file: &Path) -> bool {
    file.extension().is_some_and(|end| ["p12", "pfx"].iter().any(|it| end.eq_ignore_ascii_case(it)))
}

/// What is said of a store with a listener's certificate that cannot be read, and what to do.
pub fn unreadable_store(section: &str) -> String {
    let prefix = if section == "proxy" { PROXY_PREFIX } else { REGISTRY_PREFIX };
    format!(
        "stores of this type are not read. Write it as PKCS#12, with \
         `keytool -importkeystore -srckeystore STORE -destkeystore STORE.p12 -deststoretype PKCS12`, and say \
         {prefix}SSL_KEYSTORE_TYPE=PKCS12; or as PEM, with `openssl pkcs12 -in STORE.p12 -nodes -out STORE.pem`, \
         and say {prefix}SSL_KEYSTORE_TYPE=PEM"
    )
}

impl TlsSettings<'_> {
    /// TLS of one https listener; none if something is missing, which is a problem then.
    pub fn of_listener(
        &self,
        url: &ListenerUrl,
        problems: &mut Vec<Problem>,
    ) -> Option<ListenerTls> {
        let identity = self.identity(url, problems)?;
        let version = |version: &TlsVersion| match version {
            TlsVersion::Tls12 => &TLS12,
            TlsVersion::Tls13 => &TLS13,
        };
        let versions = self.versions.iter().rev().map(version).collect();
        Some(ListenerTls { identity, versions, clients: self.clients(url, problems)? })
    }

    /// Settings that only https listeners have, of one that is none.
    pub fn of_clear_listener(&self, url: &ListenerUrl, problems: &mut Vec<Problem>) {
        if let Some(name) = url.params.of_tls() {
            let text = format!("{url}: {name} is for https listeners");
            problems.push(Problem::at(&self.listeners.source, text));
        }
    }

    /// A server that is to ask its clients for certificates has a listener that can.
    pub fn complete(&self, https: bool, problems: &mut Vec<Problem>) {
        let own = &self.client_auth.value;
        if let Some(ClientAuthMode::Optional | ClientAuthMode::Required) = own
            && !https
        {
            let section = self.section;
            let text = format!(
                "{section}.tls_client_auth is for https listeners, and {section}.listeners has none"
            );
            problems.push(Problem::at(&self.client_auth.source, text));
        }
    }

    /// What a listener shows.
    fn identity(&self, url: &ListenerUrl, problems: &mut Vec<Problem>) -> Option<Identity> {
        let tls = &self.tree.tls;
        let password = || more(self.key_password, &tls.key_password)?.value.clone();
        if let Some(cert) = &url.params.cert {
            let key = url.params.key.clone().unwrap_or_else(|| cert.clone());
            return Some(Identity { cert: cert.clone(), key, password: password() });
        }
        if url.params.key.is_some() {
            let text = format!("{url}: key needs cert");
            problems.push(Problem::at(&self.listeners.source, text));
            return None;
        }
        let Some(cert) = more(self.cert, &tls.cert) else {
            let problem = self.no_certificate();
            if !problems.contains(&problem) {
                problems.push(problem);
            }
            return None;
        };
        // the key is the one beside the certificate
        let key = if cert == self.cert { self.key } else { &tls.key };
        let cert = cert.value.clone()?;
        let key = key.value.clone().unwrap_or_else(|| cert.clone());
        Some(Identity { cert, key, password: password() })
    }

    /// What a listener asks of its clients. The outer option is none if something is missing.
    #[expect(clippy::option_option, reason = "nothing is asked, or it cannot be")]
    fn clients(
        &self,
        url: &ListenerUrl,
        problems: &mut Vec<Problem>,
    ) -> Option<Option<ClientAuth>> {
        let (tls, params) = (&self.tree.tls, &url.params);
        let (mode, source) = match (params.client_auth, self.client_auth.value) {
            (Some(mode), _) => (mode, &self.listeners.source),
            (None, Some(mode)) => (mode, &self.client_auth.source),
            (None, None) => (tls.client_auth.value, &tls.client_auth.source),
        };
        if mode == ClientAuthMode::None {
            return Some(None);
        }
        let lists = [&params.client_ca, &self.client_ca.value, &tls.client_ca.value];
        let Some(authorities) = lists.into_iter().find(|list| !list.is_empty()) else {
            let text = format!(
                "{url} asks clients for certificates, and nothing says who signs them: say --tls-client-ca or {}.tls_client_ca",
                self.section
            );
            problems.push(Problem::at(source, text));
            return None;
        };
        let revoked = || more(self.client_crl, &tls.client_crl)?.value.clone();
        let password = || more(self.client_ca_password, &tls.client_ca_password)?.value.clone();
        Some(Some(ClientAuth {
            required: mode == ClientAuthMode::Required,
            authorities: authorities.clone(),
            password: password(),
            revoked: params.client_crl.clone().or_else(revoked),
        }))
    }

    fn no_certificate(&self) -> Problem {
        let prefix = if self.section == "proxy" { PROXY_PREFIX } else { REGISTRY_PREFIX };
        if let Some(source) = self.unreadable {
            return Problem::at(source, unreadable_store(self.section));
        }
        let section = self.section;
        let text = format!(
            "{section}.listeners has an https listener, and there is no certificate: say --tls-cert and --tls-key, \
             {section}.tls_cert and {section}.tls_key, or {prefix}SSL_KEYSTORE_LOCATION with \
             {prefix}SSL_KEYSTORE_TYPE=PEM"
        );
        Problem::at(&self.listeners.source, text)
    }
}
