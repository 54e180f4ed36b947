//! How Confluent's proxy reaches its registry: the URLs, the login and TLS, of which Weir's proxy has the same.

use super::Env;
use super::table::Server;
use super::translate::{Scope, Translation};
use super::variables::{Property, Variables};
use crate::config::problem::Problem;
use crate::confluent::{jaas, login};

const URL: &str = "proxy.schema_registry_url";

/// Where the reference looks for a registry if nobody says.
const USUAL_URL: &str = "http://localhost:8081";

/// What a setting of the registry's client may begin with: it counts in all these forms.
const LOGIN_PREFIXES: [&str; 3] = ["schema.registry.", "client.schema.registry.", "client."];

fn find<'a>(variables: &'a Variables, name: &str) -> Option<&'a Property> {
    // `client.ssl.*` is about Kafka
    let prefixes = LOGIN_PREFIXES.iter().take(if name.starts_with("ssl.") { 2 } else { 3 });
    let mut found =
        prefixes.filter_map(|prefix| variables.text(Server::Proxy, &format!("{prefix}{name}")));
    found.next()
}

impl Translation {
    pub(super) fn registry_client(&mut self, variables: &Variables, scope: &Scope, env: &Env) {
        let said = variables.get(Server::Proxy, "schema.registry.url");
        let nobody_says = said.is_none() && !scope.others.has(URL) && !scope.runs(Server::Registry);
        let usual = variables.brokers(Server::Proxy).filter(|_| nobody_says).map(|brokers| {
            let (value, source) = (USUAL_URL.to_string(), brokers.source());
            Property { source, name: "schema.registry.url".to_string(), value }
        });
        if let Some(usual) = &usual {
            self.set(URL, &usual.value, &usual.source);
        }
        let urls = said.or(usual.as_ref()).filter(|urls| !urls.value.trim().is_empty());
        self.basic(variables, urls, env);
        self.bearer(variables);
        self.registry_stores(variables);
    }

    /// User and password stand in the URLs.
    fn basic(&mut self, variables: &Variables, urls: Option<&Property>, env: &Env) {
        let Some(from) = find(variables, "basic.auth.credentials.source") else { return };
        let login = match from.value.trim().to_ascii_uppercase().as_str() {
            "URL" => return,
            "USER_INFO" => {
                let info = find(variables, "basic.auth.user.info");
                let parts = info.and_then(|info| info.value.trim().split_once(':'));
                parts.map(|(user, password)| (user.to_string(), password.to_string()))
            }
            "SASL_INHERIT" => sasl_login(variables, env),
            _ => {
                let text = "it is none of URL, USER_INFO, SASL_INHERIT";
                self.problems.push(Problem::at(&from.source, text));
                return;
            }
        };
        let Some((user, password)) = login else {
            let text = "there is no user with a password: say schema.registry.basic.auth.user.info=USER:PASSWORD";
            self.problems.push(Problem::at(&from.source, text));
            return;
        };
        if let Some(urls) = urls {
            let all: Vec<String> =
                urls.value.split(',').map(|url| with_login(url.trim(), &user, &password)).collect();
            self.set(URL, &all.join(","), &urls.source);
        }
    }

    fn bearer(&mut self, variables: &Variables) {
        let Some(from) = find(variables, "bearer.auth.credentials.source") else { return };
        match (
            from.value.trim().to_ascii_uppercase().as_str(),
            find(variables, "bearer.auth.token"),
        ) {
            ("STATIC_TOKEN", Some(token)) => {
                self.set("proxy.schema_registry_token", token.value.trim(), &token.source);
            }
            ("STATIC_TOKEN", None) => {
                let text = "there is no token: say schema.registry.bearer.auth.token";
                self.problems.push(Problem::at(&from.source, text));
            }
            _ => {
                let text = "tokens for the registry are not fetched: say STATIC_TOKEN and schema.registry.bearer.auth.token, or \
                            schema.registry.basic.auth.*";
                self.problems.push(Problem::at(&from.source, text));
            }
        }
    }

    fn registry_stores(&mut self, variables: &Variables) {
        for (store, key) in [
            ("truststore", "proxy.schema_registry_ca"),
            ("keystore", "proxy.schema_registry_client_cert"),
        ] {
            let text = |what: &str| find(variables, &format!("ssl.{store}.{what}"));
            let Some(location) = text("location") else { continue };
            let kind = text("type").map_or("JKS".to_string(), |it| it.value.trim().to_uppercase());
            if !["JKS", "PKCS12", "PEM"].contains(&kind.as_str()) {
                let text = format!(
                    "stores of this type are not read: write it as PKCS12 or PEM, and say so in schema.registry.ssl.{store}.type"
                );
                self.problems.push(Problem::at(&location.source, text));
                continue;
            }
            self.set(key, location.value.trim(), &location.source);
            // in Java's own format, the key may have another password than the store
            let of_key = find(variables, "ssl.key.password").filter(|_| store == "keystore");
            if let Some(password) = of_key.or_else(|| text("password")).filter(|_| kind != "PEM") {
                self.set(&format!("{key}_password"), &password.value, &password.source);
            }
        }
    }
}

/// The login to Kafka, which counts for the registry too.
fn sasl_login(variables: &Variables, env: &Env) -> Option<(String, String)> {
    let line = variables.text(Server::Proxy, "client.sasl.jaas.config").cloned();
    let of_file = || login::kafka_client(Server::Proxy, variables, env)?.ok();
    let mut options = jaas::options(&line.or_else(of_file)?.value).ok()?;
    Some((options.remove("username")?, options.remove("password")?))
}

/// A text that is no URL is left as it is: who reads it says so.
fn with_login(url: &str, user: &str, password: &str) -> String {
    let Ok(mut parsed) = reqwest::Url::parse(url) else { return url.to_string() };
    let done = parsed.set_username(user).and_then(|()| parsed.set_password(Some(password)));
    match done {
        Ok(()) => parsed.as_str().trim_end_matches('/').to_string(),
        Err(()) => url.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Configuration;
    use crate::config::tests::{env, flags};

    const KAFKA: (&str, &str) = ("KAFKA_REST_BOOTSTRAP_SERVERS", "k:9092");
    const REGISTRY: (&str, &str) = ("KAFKA_REST_SCHEMA_REGISTRY_URL", "http://a:1, http://b:2");

    fn read(vars: &[(&str, &str)]) -> Result<Configuration, String> {
        let vars = [&[KAFKA], vars].concat();
        Configuration::of_serve(&flags(&[]), &env(&vars)).map_err(|error| error.to_string())
    }

    fn url(vars: &[(&str, &str)]) -> Option<String> {
        read(vars).unwrap().tree.proxy.schema_registry_url.value
    }

    #[test]
    fn the_registry_is_where_the_reference_looks_for_it() {
        assert_eq!(url(&[]).as_deref(), Some("http://localhost:8081"));
        assert_eq!(url(&[("KAFKA_REST_SCHEMA_REGISTRY_URL", "")]), None);
        assert_eq!(url(&[REGISTRY]).as_deref(), Some("http://a:1, http://b:2"));
    }

    #[test]
    fn the_login_to_the_registry_is_in_its_urls() {
        for prefix in ["SCHEMA_REGISTRY_", "CLIENT_SCHEMA_REGISTRY_", "CLIENT_"] {
            let source = format!("KAFKA_REST_{prefix}BASIC_AUTH_CREDENTIALS_SOURCE");
            let info = format!("KAFKA_REST_{prefix}BASIC_AUTH_USER_INFO");
            let found = url(&[REGISTRY, (&source, "USER_INFO"), (&info, "me:s@c:t")]);
            let expected = "http://me:s%40c%3At@a:1,http://me:s%40c%3At@b:2";
            assert_eq!(found.as_deref(), Some(expected), "{prefix}");
            let error = read(&[REGISTRY, (&source, "USER_INFO")]).unwrap_err();
            assert!(error.contains(&source) && error.contains("user.info"), "{error}");
        }
        let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"me\" password=\"pw\";";
        let inherited = [
            REGISTRY,
            ("KAFKA_REST_SCHEMA_REGISTRY_BASIC_AUTH_CREDENTIALS_SOURCE", "SASL_INHERIT"),
            ("KAFKA_REST_CLIENT_SASL_MECHANISM", "PLAIN"),
            ("KAFKA_REST_CLIENT_SASL_JAAS_CONFIG", jaas),
        ];
        assert_eq!(url(&inherited).as_deref(), Some("http://me:pw@a:1,http://me:pw@b:2"));
    }

    #[test]
    fn a_token_and_stores_in_pem_are_taken_and_others_are_refused() {
        let all = [
            REGISTRY,
            ("KAFKA_REST_SCHEMA_REGISTRY_BEARER_AUTH_CREDENTIALS_SOURCE", "STATIC_TOKEN"),
            ("KAFKA_REST_SCHEMA_REGISTRY_BEARER_AUTH_TOKEN", "hunter2"),
            ("KAFKA_REST_SCHEMA_REGISTRY_SSL_TRUSTSTORE_LOCATION", "/ca.pem"),
            ("KAFKA_REST_SCHEMA_REGISTRY_SSL_TRUSTSTORE_TYPE", "PEM"),
        ];
        let proxy = read(&all).unwrap().tree.proxy;
        assert_eq!(proxy.schema_registry_ca.value, Some("/ca.pem".into()));
        assert!(proxy.schema_registry_token.is_some());
        let password = ("KAFKA_REST_SCHEMA_REGISTRY_SSL_TRUSTSTORE_PASSWORD", "hunter2");
        let proxy = read(&[&all[..4], &[password]].concat()).unwrap().tree.proxy;
        assert!(proxy.schema_registry_ca_password.is_some());
        let other = ("KAFKA_REST_SCHEMA_REGISTRY_SSL_TRUSTSTORE_TYPE", "BCFKS");
        let error = read(&[&all[..4], &[other]].concat()).unwrap_err();
        assert!(error.contains("KAFKA_REST_SCHEMA_REGISTRY_SSL_TRUSTSTORE_LOCATION"), "{error}");
        assert!(error.contains("PEM") && !error.contains("hunter2"), "{error}");
        let fetched = ("KAFKA_REST_SCHEMA_REGISTRY_BEARER_AUTH_CREDENTIALS_SOURCE", "OAUTHBEARER");
        assert!(read(&[fetched]).unwrap_err().contains("STATIC_TOKEN"));
    }
}
