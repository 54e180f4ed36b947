//! Confluent's listeners, which may have names and settings by these names, as URLs of ours.

use std::collections::BTreeMap;

use super::table::Server;
use super::translate::{Scope, Translation, section};
use super::translate_tls::{StoreType, client_auth_word, store_type};
use super::variables::{Property, Variables};
use crate::config::problem::Problem;

/// Settings of one listener that say nothing here.
const NOT_NEEDED: [&str; 6] = [
    "ssl.keymanager.algorithm",
    "ssl.trustmanager.algorithm",
    "ssl.protocol",
    "ssl.provider",
    "ssl.keystore.reload",
    "ssl.endpoint.identification.algorithm",
];

const OF_ONE: &str = "of one listener, ssl.keystore.*, ssl.truststore.* and ssl.client.authentication are understood: say it for all, without \
                      listener.name.NAME";

const OTHER_STORE: &str = "stores of this type are not read: write it as PEM or PKCS12, and say so in ssl.keystore.type or \
                           ssl.truststore.type of the listener";

impl Translation {
    /// Where a server listens. Without a word about it, where the reference does, if Confluent's settings say where Kafka is: who
    /// sets them had that server.
    pub(super) fn listeners(&mut self, variables: &Variables, server: Server, scope: &Scope) {
        let key = format!("{}.listeners", section(server));
        if let Some(listeners) = variables.text(server, "listeners") {
            if let Some(urls) = self.urls(variables, server, listeners) {
                self.set(&key, &urls.join(","), &listeners.source());
            }
            return;
        }
        if scope.others.has(&key) {
            return;
        }
        let port = variables.text(server, "port");
        let Some(source) = port.or_else(|| variables.brokers(server)) else { return };
        let usual = if server == Server::Proxy { "8082" } else { "8081" };
        let number = port.map_or(usual, |port| port.value.trim());
        match number.parse::<u16>() {
            Ok(_) => self.set(&key, &format!("http://0.0.0.0:{number}"), &source.source()),
            Err(_) => {
                let text = "expected a port, from 0 to 65535";
                self.problems.push(Problem::at(&source.source, text));
            }
        }
    }

    /// The listeners as URLs; the one that the other nodes are told is the last.
    fn urls(
        &mut self,
        variables: &Variables,
        server: Server,
        listeners: &Property,
    ) -> Option<Vec<String>> {
        let names = protocols(variables, server);
        let told = variables.text(server, "inter.instance.listener.name");
        let told = told.filter(|_| server == Server::Registry);
        let (mut urls, mut last) = (Vec::new(), None);
        for entry in listeners.value.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let Some((name, rest)) = entry.split_once("://") else {
                urls.push(entry.to_string());
                continue;
            };
            let name = name.to_ascii_lowercase();
            let known = ["http", "https"].into_iter().find(|scheme| *scheme == name);
            let Some(scheme) = names.get(&name).map(String::as_str).or(known) else {
                let text = format!("listener.protocol.map does not say what {name} speaks");
                self.problems.push(Problem::at(&listeners.source, text));
                return None;
            };
            let params = self.params(variables, server, &name);
            let url = format!("{scheme}://{}{params}", rest.trim_end_matches('/'));
            match told.is_some_and(|told| told.value.trim().eq_ignore_ascii_case(&name)) {
                true => last = Some((scheme.to_string(), url)),
                false => urls.push(url),
            }
        }
        match (told, last) {
            (_, Some((scheme, url))) => {
                let source = told.unwrap_or(listeners).source();
                self.set("registry.inter_instance_protocol", &scheme, &source);
                urls.push(url);
            }
            (Some(told), None) => {
                let text = "listeners has none with this name";
                self.problems.push(Problem::at(&told.source, text));
            }
            (None, None) => {}
        }
        Some(urls)
    }

    /// What is for one listener alone, as its URL has it.
    fn params(&mut self, variables: &Variables, server: Server, name: &str) -> String {
        let prefix = format!("listener.name.{name}.");
        let mut params = Vec::new();
        for property in variables.below(server, &prefix) {
            let location = property.value.trim();
            let store = |of: &str| store_type(variables, server, &format!("{prefix}ssl.{of}.type"));
            match property.name.as_str() {
                "ssl.keystore.type" | "ssl.truststore.type" => {}
                name if NOT_NEEDED.contains(&name) => {}
                "ssl.keystore.location" if store("keystore").is_some() => {
                    params.extend([format!("cert={location}"), format!("key={location}")]);
                }
                "ssl.truststore.location" if store("truststore").is_some() => {
                    params.push(format!("client-ca={location}"));
                }
                "ssl.keystore.location" | "ssl.truststore.location" => {
                    self.problems.push(Problem::at(&property.source, OTHER_STORE));
                }
                // files in PEM have none
                "ssl.keystore.password" | "ssl.key.password" | "ssl.truststore.password" => {
                    let is_key = property.name != "ssl.truststore.password";
                    let of = if is_key { "keystore" } else { "truststore" };
                    if store(of).is_some_and(|kind| kind != StoreType::Pem) {
                        let key =
                            if is_key { "tls_key_password" } else { "tls_client_ca_password" };
                        let key = format!("{}.{key}", section(server));
                        self.set(&key, &property.value, &property.source);
                    }
                }
                "ssl.client.authentication" => match client_auth_word(&property.value) {
                    Some(word) => params.push(format!("client-auth={word}")),
                    None => {
                        let text = "it is none of NONE, REQUESTED, REQUIRED";
                        self.problems.push(Problem::at(&property.source, text));
                    }
                },
                _ => self.problems.push(Problem::at(&property.source, OF_ONE)),
            }
        }
        if params.is_empty() { String::new() } else { format!("?{}", params.join("&")) }
    }

    /// Where links of the proxy lead: of several addresses the one whose scheme its first listener has.
    pub(super) fn advertised_listeners(&mut self, variables: &Variables) {
        let server = Server::Proxy;
        let Some(advertised) = variables.text(server, "advertised.listeners") else { return };
        let names = protocols(variables, server);
        let scheme = |entry: &str| {
            let name = entry.split_once("://").map_or("", |(name, _)| name).to_ascii_lowercase();
            names.get(&name).cloned().unwrap_or(name)
        };
        let first = variables.text(server, "listeners");
        let first = first.and_then(|text| text.value.split(',').next());
        let wanted = first.map_or("http".to_string(), |entry| scheme(entry.trim()));
        let entries: Vec<&str> = advertised.value.split(',').map(str::trim).collect();
        let same = entries.iter().find(|entry| scheme(entry) == wanted);
        let Some(entry) = same.or(entries.first()) else { return };
        let address = entry.split_once("://").map_or(*entry, |(_, address)| address);
        let url = format!("{}://{}", scheme(entry), address.trim_end_matches('/'));
        self.set("proxy.advertised_url", &url, &advertised.source);
    }
}

/// What listeners with names speak.
fn protocols(variables: &Variables, server: Server) -> BTreeMap<String, String> {
    let map = variables.text(server, "listener.protocol.map");
    let entries = map.map_or("", |map| &map.value).split(',').filter_map(|entry| {
        let (name, protocol) = entry.trim().split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), protocol.trim().to_ascii_lowercase()))
    });
    entries.filter(|(_, protocol)| ["http", "https"].contains(&protocol.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::Configuration;
    use crate::config::tests::{env, flags};

    /// The listeners and the URL that the other nodes are told, of a registry with these variables.
    fn listeners(vars: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let vars: Vec<_> = vars
            .iter()
            .map(|(name, value)| (format!("SCHEMA_REGISTRY_{name}"), (*value).to_string()))
            .collect();
        let vars: Vec<_> = vars.iter().map(|(name, value)| (&**name, &**value)).collect();
        let read = Configuration::of_serve(&flags(&["--store", "memory"]), &env(&vars));
        let found = read.map_err(|error| error.to_string())?.tree.registry.listeners;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_server_without_listeners_listens_where_the_reference_does() {
        let kafka = ("KAFKASTORE_BOOTSTRAP_SERVERS", "k:9092");
        assert_eq!(listeners(&[kafka]).unwrap(), ["http://0.0.0.0:8081"]);
        assert_eq!(listeners(&[kafka, ("PORT", "81")]).unwrap(), ["http://0.0.0.0:81"]);
        assert_eq!(
            listeners(&[kafka, ("PORT", "tcp://1.2.3.4:81")]).unwrap()[0],
            "http://0.0.0.0:8081"
        );
        assert_eq!(listeners(&[("MODE_MUTABILITY", "true")]).unwrap(), ["127.0.0.1:8081"]);
        assert!(listeners(&[kafka, ("PORT", "70000")]).unwrap_err().contains("REGISTRY_PORT"));
    }

    #[test]
    fn listeners_have_names_and_settings_by_their_names() {
        let named = ("LISTENERS", "INTERNAL://127.0.0.1:1,external://127.0.0.1:2/");
        let map = ("LISTENER_PROTOCOL_MAP", "internal:http,EXTERNAL:http");
        let told = ("INTER_INSTANCE_LISTENER_NAME", "internal");
        let found = listeners(&[named, map, told]).unwrap();
        assert_eq!(found, ["http://127.0.0.1:2", "http://127.0.0.1:1"]);
        let error = listeners(&[named]).unwrap_err();
        assert!(
            error.contains("listener.protocol.map does not say what internal speaks"),
            "{error}"
        );
        let error = listeners(&[named, map, ("INTER_INSTANCE_LISTENER_NAME", "x")]).unwrap_err();
        assert!(error.contains("listeners has none with this name"), "{error}");
        let https = ("LISTENER_PROTOCOL_MAP", "internal:http,external:https");
        let store = ("LISTENER_NAME_EXTERNAL_SSL_KEYSTORE_LOCATION", "/a");
        let found = listeners(&[named, https, store]).unwrap();
        assert_eq!(found, ["http://127.0.0.1:1", "https://127.0.0.1:2"]);
        let other = ("LISTENER_NAME_EXTERNAL_SSL_KEYSTORE_TYPE", "BCFKS");
        let error = listeners(&[named, https, store, other]);
        assert!(
            error.unwrap_err().contains("_EXTERNAL_SSL_KEYSTORE_LOCATION: stores of this type")
        );
        let error = listeners(&[named, map, ("LISTENER_NAME_EXTERNAL_SSL_CIPHER_SUITES", "x")]);
        assert!(error.unwrap_err().contains("of one listener"));
    }
}
