//! TLS of Confluent's listeners in our words: stores of keys and of authorities, what clients are asked for, versions, suites.

use super::table::Server;
use super::translate::{Translation, section};
use super::variables::{Property, Variables};
use crate::config::problem::Problem;
use crate::config::source::Source;
use crate::face_tls::unreadable_store;

/// How certificates are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum StoreType {
    Pem,
    Pkcs12,
    /// Java's own, or whatever the file is: newer tools of Java write PKCS#12 and call it so.
    Jks,
}

/// The type that a setting names, which is Java's own where it names none; none if it is one that cannot be read.
pub fn store_type(variables: &Variables, server: Server, name: &str) -> Option<StoreType> {
    let Some(named) = variables.text(server, name) else { return Some(StoreType::Jks) };
    match named.value.trim().to_ascii_uppercase().as_str() {
        "PEM" => Some(StoreType::Pem),
        "PKCS12" => Some(StoreType::Pkcs12),
        "JKS" => Some(StoreType::Jks),
        _ => None,
    }
}

impl Translation {
    /// Certificate and key of https listeners are in one file, in PEM or PKCS#12.
    pub(super) fn key_store(&mut self, variables: &Variables, server: Server) {
        let section = section(server);
        if let Some(location) = variables.text(server, "ssl.keystore.location") {
            match store_type(variables, server, "ssl.keystore.type") {
                Some(kind) => {
                    for key in ["tls_cert", "tls_key"] {
                        let key = format!("{section}.{key}");
                        self.set(&key, &location.value, &location.source());
                    }
                    self.key_password(variables, server, kind);
                }
                None => {
                    self.unreadable_stores.insert(section, location.source());
                    let listeners = variables.text(server, "listeners");
                    if listeners.is_some_and(|it| it.value.to_lowercase().contains("https://")) {
                        let text = unreadable_store(section);
                        self.problems.push(Problem::at(&location.source, text));
                    }
                }
            }
        }
        self.protocols(variables, server);
    }

    /// A store in PKCS#12 has one password; a key in PEM has none here.
    fn key_password(&mut self, variables: &Variables, server: Server, kind: StoreType) {
        let store = variables.text(server, "ssl.keystore.password");
        let of_key = variables.text(server, "ssl.key.password");
        let problem = match (kind, of_key) {
            (StoreType::Pem, Some(_)) => "write the key without a password: openssl pkey -in FILE",
            (StoreType::Pkcs12, Some(key)) if store.is_none_or(|it| it.value != key.value) => {
                "it is another than ssl.keystore.password: a store in PKCS#12 has one for all"
            }
            (StoreType::Pkcs12 | StoreType::Jks, _) => {
                // in Java's own format, the key may have another password than the store
                if let Some(password) = of_key.or(store) {
                    let key = format!("{}.tls_key_password", section(server));
                    self.set(&key, &password.value, &password.source());
                }
                return;
            }
            (StoreType::Pem, None) => return,
        };
        let source = of_key.map_or(Source::Default, Property::source);
        self.problems.push(Problem::at(&source, problem));
    }

    /// What https listeners ask of their clients, and who signs their certificates.
    pub(super) fn client_auth(&mut self, variables: &Variables, server: Server) {
        let Some((mode, source)) = self.client_auth_mode(variables, server) else { return };
        let section = section(server);
        self.set(&format!("{section}.tls_client_auth"), mode, &source);
        let Some(location) = variables.text(server, "ssl.truststore.location") else { return };
        match store_type(variables, server, "ssl.truststore.type") {
            Some(kind) => {
                let key = format!("{section}.tls_client_ca");
                self.set(&key, &location.value, &location.source());
                let password = variables.text(server, "ssl.truststore.password");
                if let Some(password) = password.filter(|_| kind != StoreType::Pem) {
                    let key = format!("{section}.tls_client_ca_password");
                    self.set(&key, &password.value, &password.source());
                }
            }
            None if mode == "none" => {}
            None => self.problems.push(Problem::at(
                &location.source(),
                "stores of this type are not read: write it as PKCS#12, with keytool -importkeystore -srckeystore STORE \
                 -destkeystore STORE.p12 -deststoretype PKCS12, and say .._SSL_TRUSTSTORE_TYPE=PKCS12",
            )),
        }
    }

    /// What the newer setting says, else the older.
    fn client_auth_mode(
        &mut self,
        variables: &Variables,
        server: Server,
    ) -> Option<(&'static str, Source)> {
        let asked = variables.text(server, "ssl.client.authentication");
        let bitnamis = || variables.text(Server::Registry, "client.authentication");
        if let Some(asked) = asked.or_else(|| bitnamis().filter(|_| server == Server::Registry)) {
            let mode = match client_auth_word(&asked.value) {
                Some(mode) => mode,
                None => {
                    let text = "it is none of NONE, REQUESTED, REQUIRED";
                    self.problems.push(Problem::at(&asked.source(), text));
                    return None;
                }
            };
            return Some((mode, asked.source()));
        }
        let old = variables.text(server, "ssl.client.auth")?;
        let required = self.good(old.switch())?;
        Some((if required { "required" } else { "none" }, old.source()))
    }

    fn protocols(&mut self, variables: &Variables, server: Server) {
        if let Some(suites) = variables.text(server, "ssl.cipher.suites")
            && !suites.value.split(',').any(|suite| is_spoken(suite.trim()))
        {
            let text = "none of them is spoken: expected suites of TLS 1.3, or of TLS 1.2 with ECDHE and GCM or ChaCha20";
            self.problems.push(Problem::at(&suites.source, text));
        }
        if let Some(protocols) = variables.text(server, "ssl.enabled.protocols") {
            let known = protocols.value.split(',').filter_map(|name| match name.trim() {
                "TLSv1.2" => Some("1.2"),
                "TLSv1.3" => Some("1.3"),
                _ => None,
            });
            let known = known.collect::<Vec<_>>().join(",");
            match known.is_empty() {
                true => self.problems.push(Problem::at(
                    &protocols.source(),
                    "neither TLSv1.2 nor TLSv1.3 is among them",
                )),
                false => {
                    let key = format!("{}.tls_versions", section(server));
                    self.set(&key, &known, &protocols.source());
                }
            }
        }
    }
}

/// What listeners ask of their clients, in our words.
pub fn client_auth_word(value: &str) -> Option<&'static str> {
    match value.trim().to_ascii_lowercase().as_str() {
        "none" => Some("none"),
        "requested" => Some("optional"),
        "required" => Some("required"),
        _ => None,
    }
}

/// Whether a suite is among those of our TLS, by its name in Java.
fn is_spoken(suite: &str) -> bool {
    let is_13 =
        ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
    let is_12 = ["_AES_128_GCM_SHA256", "_AES_256_GCM_SHA384", "_CHACHA20_POLY1305_SHA256"];
    is_13.contains(&suite)
        || suite.starts_with("TLS_ECDHE_") && is_12.iter().any(|it| suite.ends_with(it))
}
