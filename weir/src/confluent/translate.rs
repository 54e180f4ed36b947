//! Confluent's environment as a layer of our settings. Where a setting is the same as one of ours, the table says so; the
//! others are here.

use std::collections::BTreeMap;

use super::Env;
use super::login::Login;
use super::table::{Server, TABLE, find as find_confluents};
use super::variables::{Property, Variables};
use crate::config::layers::Layers;
use crate::config::problem::Problem;
use crate::config::setting::Shape;
use crate::config::source::Source;
use crate::config::tree::find;
use crate::config::value::{Given, Text};
use crate::kafka_names::{Clients, translate as translate_clients};

const SERVERS: [Server; 2] = [Server::Registry, Server::Proxy];

/// What Confluent's limit is where it is switched on and no number is given.
const CONFLUENT_BODY_BYTES_MAX: u64 = 1024 * 1024;

/// The largest body that the registry takes.
const BODY_BYTES_MAX: u64 = 10 * 1024 * 1024;

const LIMIT: &str = "api.v3.produce.rate.limit.";

/// What became of the environment.
#[derive(Debug, Default)]
pub struct Translation {
    pub layers: Layers,
    /// Variables that are ignored, and why.
    pub notes: Vec<String>,
    pub problems: Vec<Problem>,
    /// Variables that name a key store in a format that cannot be read, by the server's section.
    pub unreadable_stores: BTreeMap<&'static str, String>,
}

/// Whose variables count.
#[derive(Debug)]
pub struct Scope {
    /// The servers that run.
    pub servers: Vec<Server>,
    /// Whether another layer says where the brokers are.
    pub brokers_are_known: bool,
    /// Variables to pass over.
    pub waived: Vec<String>,
}

impl Scope {
    fn runs(&self, server: Server) -> bool {
        self.servers.contains(&server)
    }

    /// Whether a server's way to Kafka counts: if it runs, or if the one that runs has none of its own.
    fn reaches_kafka(&self, server: Server, variables: &Variables) -> bool {
        let (running, brokers) = match server {
            Server::Proxy => (Server::Registry, "kafkastore.bootstrap.servers"),
            _ => (Server::Proxy, "bootstrap.servers"),
        };
        let knows_brokers = self.brokers_are_known || variables.text(running, brokers).is_some();
        self.runs(server) || !knows_brokers
    }
}

/// Translates the environment of the servers that run.
pub fn translate(env: &Env, scope: &Scope) -> Translation {
    let mut translation = Translation::default();
    let variables = Variables::new(env, &scope.waived);
    translation.same(&variables, scope);
    for server in SERVERS.into_iter().filter(|server| scope.runs(*server)) {
        translation.key_store(&variables, server);
        translation.client_auth(&variables, server);
    }
    translation.logins(&variables, scope, env);
    translation.connections(&variables);
    translation.idle_timeout(&variables);
    translation.log_level(&variables);
    if scope.runs(Server::Registry) {
        translation.eligibility(&variables);
        translation.size_limit(&variables);
        translation.topic_config(&variables);
    }
    if scope.runs(Server::Proxy) {
        translation.rate_limits(&variables);
    }
    translation.clients(&variables, scope);
    translation
}

/// The section of a server's settings.
fn section(server: Server) -> &'static str {
    if server == Server::Proxy { "proxy" } else { "registry" }
}

/// How certificates are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StoreType {
    Pem,
    Pkcs12,
}

/// The type that a setting names; none if it is one that cannot be read, as Java's own is, which is the default.
fn store_type(variables: &Variables, server: Server, name: &str) -> Option<StoreType> {
    match variables.text(server, name)?.value.trim().to_ascii_uppercase().as_str() {
        "PEM" => Some(StoreType::Pem),
        "PKCS12" => Some(StoreType::Pkcs12),
        _ => None,
    }
}

impl Translation {
    fn set(&mut self, key: &str, text: &str, source: &Source) {
        if let Some(setting) = find(key) {
            self.layers.push(setting, Given::of_text(setting, text, source));
        }
    }

    /// The value of a reading; none if it is wrong, which is a problem then.
    fn good<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// Settings that ours are the same as. Of two names for one, the first of the table counts. An empty text is as
    /// none; an empty number or switch is wrong.
    fn same(&mut self, variables: &Variables, scope: &Scope) {
        let rows = TABLE.iter().filter(|row| !row.becomes.is_empty());
        let of_servers = rows.flat_map(|row| {
            let servers = SERVERS.into_iter();
            let servers = servers.filter(|server| [*server, Server::Both].contains(&row.server));
            servers.map(move |server| (row, server))
        });
        let counts = |name: &str, server| match name {
            "bootstrap.servers" | "kafkastore.bootstrap.servers" => {
                scope.reaches_kafka(server, variables)
            }
            _ => scope.runs(server),
        };
        for (row, server) in of_servers.filter(|(row, server)| counts(row.name, *server)) {
            let key = row.becomes.replace('*', section(server));
            let Some(setting) = find(&key).filter(|_| !self.layers.has(&key)) else { continue };
            let property = match setting.shape {
                Shape::Switch | Shape::Integer => variables.get(server, row.name),
                _ => variables.text(server, row.name),
            };
            if let Some(property) = property {
                self.set(&key, &property.value, &property.source());
            }
        }
    }

    /// Certificate and key of https listeners are in one file, in PEM or PKCS#12.
    fn key_store(&mut self, variables: &Variables, server: Server) {
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
                    self.unreadable_stores.insert(section, location.variable.clone());
                }
            }
        }
        self.protocols(variables, server);
    }

    /// A store in PKCS#12 has one password; a key in PEM has none.
    fn key_password(&mut self, variables: &Variables, server: Server, kind: StoreType) {
        let store = variables.text(server, "ssl.keystore.password");
        let of_key = variables.text(server, "ssl.key.password");
        let problem = match (kind, of_key) {
            (StoreType::Pem, Some(_)) => "write the key without a password: openssl pkey -in FILE",
            (StoreType::Pkcs12, Some(key)) if store.is_none_or(|it| it.value != key.value) => {
                "it is another than ssl.keystore.password: a store in PKCS#12 has one for all"
            }
            (StoreType::Pkcs12, _) => {
                if let Some(password) = store {
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
    fn client_auth(&mut self, variables: &Variables, server: Server) {
        let Some((mode, source)) = self.client_auth_mode(variables, server) else { return };
        let section = section(server);
        self.set(&format!("{section}.tls_client_auth"), mode, &source);
        let Some(location) = variables.text(server, "ssl.truststore.location") else { return };
        match store_type(variables, server, "ssl.truststore.type") {
            Some(kind) => {
                let key = format!("{section}.tls_client_ca");
                self.set(&key, &location.value, &location.source());
                let password = variables.text(server, "ssl.truststore.password");
                if let Some(password) = password.filter(|_| kind == StoreType::Pkcs12) {
                    let key = format!("{section}.tls_client_ca_password");
                    self.set(&key, &password.value, &password.source());
                }
            }
            None if mode == "none" => {}
            None => self.problems.push(Problem::at(
                &location.source(),
                "a Java key store cannot be read: write it as PKCS#12, with keytool -importkeystore -srckeystore STORE \
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
        if let Some(asked) = variables.text(server, "ssl.client.authentication") {
            let mode = match asked.value.trim().to_ascii_lowercase().as_str() {
                "none" => "none",
                "requested" => "optional",
                "required" => "required",
                _ => {
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

    /// Users and paths of the servers that ask for passwords, which have to be the same for all that run.
    fn logins(&mut self, variables: &Variables, scope: &Scope, env: &Env) {
        let mut first: Option<Login> = None;
        for server in SERVERS.into_iter().filter(|server| scope.runs(*server)) {
            let Some(Some(login)) = self.good(Login::of(server, variables, env)) else { continue };
            match &first {
                None => {
                    for (key, text) in [
                        ("access.users", login.users.as_str()),
                        ("access.users_format", "jetty"),
                        ("access.realm", &login.realm),
                        ("access.required_roles", &login.roles),
                        ("access.open_paths", &login.open_paths),
                    ] {
                        self.set(key, text, &login.source);
                    }
                    first = Some(login);
                }
                Some(other) if Login { source: login.source.clone(), ..other.clone() } == login => {
                }
                Some(_) => {
                    let text = "registry and proxy of one process have the same users, realm, roles and skipped paths";
                    self.problems.push(Problem::at(&login.source, text));
                }
            }
        }
    }

    /// The numbers of both servers that are not 0.
    fn numbers<'a>(&mut self, variables: &'a Variables, name: &str) -> Vec<(u64, &'a Property)> {
        let found = SERVERS.iter().filter_map(|server| variables.get(*server, name));
        let numbers = found.filter_map(|found| Some((self.good(found.number())?, found)));
        numbers.filter(|(number, _)| *number > 0).collect()
    }

    /// The smallest limit counts: who limits one server's connections has them limited.
    fn connections(&mut self, variables: &Variables) {
        let mut limits = self.numbers(variables, "server.connection.limit");
        limits.extend(self.numbers(variables, "connector.connection.limit"));
        if let Some((max, property)) = limits.into_iter().min_by_key(|(max, _)| *max) {
            self.set("limits.connections_max", &max.to_string(), &property.source());
        }
    }

    /// The longer time counts: nobody's connections are closed too early.
    fn idle_timeout(&mut self, variables: &Variables) {
        let times = self.numbers(variables, "idle.timeout.ms");
        if let Some((ms, property)) = times.into_iter().max_by_key(|(ms, _)| *ms) {
            self.set("limits.idle_timeout_ms", &ms.to_string(), &property.source());
        }
    }

    fn eligibility(&mut self, variables: &Variables) {
        let mut eligible = None;
        for name in ["leader.eligibility", "master.eligibility"] {
            let Some(property) = variables.get(Server::Registry, name) else { continue };
            let Some(switch) = self.good(property.switch()) else { continue };
            if eligible.as_ref().is_none_or(|(before, _)| *before) {
                eligible = Some((switch, property.source()));
            }
        }
        if let Some((eligible, source)) = eligible {
            self.set("registry.never_lead", &(!eligible).to_string(), &source);
        }
    }

    fn size_limit(&mut self, variables: &Variables) {
        let name = "size.limit.filter.max.request.body.size";
        let limit = variables.get(Server::Registry, name);
        let bytes = limit.and_then(|limit| Some((self.good(limit.number())?, limit)));
        let Some(enabled) = variables.get(Server::Registry, "size.limit.filter.enabled") else {
            return;
        };
        if self.good(enabled.switch()) == Some(true) {
            let (bytes, property) = bytes.unwrap_or((CONFLUENT_BODY_BYTES_MAX, enabled));
            let bytes = bytes.min(BODY_BYTES_MAX).to_string();
            self.set("registry.body_bytes_max", &bytes, &property.source());
        }
    }

    /// The limits count only where they are switched on, as in the reference.
    fn rate_limits(&mut self, variables: &Variables) {
        let enabled = variables.get(Server::Proxy, &format!("{LIMIT}enabled"));
        if enabled.and_then(|enabled| self.good(enabled.switch())) != Some(true) {
            return;
        }
        for (name, key) in [
            ("max.requests.per.sec", "proxy.rate_limit_requests_per_sec"),
            ("max.bytes.per.sec", "proxy.rate_limit_bytes_per_sec"),
        ] {
            if let Some(property) = variables.get(Server::Proxy, &format!("{LIMIT}{name}")) {
                self.set(key, &property.value, &property.source());
            }
        }
    }

    /// The level of Java's root logger, in our words; the finer one of the two servers'.
    fn log_level(&mut self, variables: &Variables) {
        const LEVELS: [(&str, &str); 7] = [
            ("off", "off"),
            ("fatal", "error"),
            ("error", "error"),
            ("warn", "warn"),
            ("info", "info"),
            ("debug", "debug"),
            ("trace", "trace"),
        ];
        let found = SERVERS.iter().filter_map(|s| variables.text(*s, "log4j.root.loglevel"));
        let levels = found.filter_map(|property| {
            let level = property.value.trim().to_ascii_lowercase();
            let at = LEVELS.iter().position(|(java, _)| *java == level);
            if at.is_none() {
                self.notes
                    .push(format!("{} is ignored: it is no level of a log", property.variable));
            }
            Some((at?, property))
        });
        if let Some((at, property)) = levels.max_by_key(|(at, _)| *at) {
            let filter = format!("{},rdkafka=off", LEVELS[at].1);
            self.set("log", &filter, &property.source());
        }
    }

    fn topic_config(&mut self, variables: &Variables) {
        let configs = variables.below(Server::Registry, "kafkastore.topic.config.");
        self.named(
            "registry.schemas_topic_config",
            configs
                .into_iter()
                .filter_map(|config| {
                    let source = config.source();
                    Some((config.name, Text { text: config.value, source }))
                        .filter(|(name, _)| name != "cleanup.policy")
                })
                .collect(),
        );
    }

    fn named(&mut self, key: &str, names: BTreeMap<String, Text>) {
        if let Some(setting) = find(key).filter(|_| !names.is_empty()) {
            self.layers.push(setting, Given::Named(names));
        }
    }

    fn clients(&mut self, variables: &Variables, scope: &Scope) {
        for (server, prefix, key, clients) in [
            (Server::Registry, "kafkastore.", "registry.kafka", Clients::Log),
            (Server::Proxy, "client.", "proxy.kafka", Clients::Proxy),
            (Server::Proxy, "producer.", "proxy.producer", Clients::Proxy),
            (Server::Proxy, "consumer.", "proxy.consumer", Clients::ProxyConsumers),
            (Server::Proxy, "admin.", "proxy.admin", Clients::Proxy),
        ] {
            if !scope.reaches_kafka(server, variables) {
                continue;
            }
            let mut properties = variables.below(server, prefix);
            if clients == Clients::Log {
                // the table has what is the store's own
                let table = format!("{prefix}*");
                properties.retain(|property| {
                    let name = format!("{prefix}{}", property.name);
                    find_confluents(server, &name).is_some_and(|row| row.name == table)
                });
            }
            let translated = translate_clients(&properties, clients);
            self.named(key, translated.names);
            self.notes.extend(translated.notes);
            self.problems.extend(translated.problems);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table names settings that there are.
    #[test]
    fn what_the_table_says_is_ours_is_there() {
        for row in TABLE.iter().filter(|row| !row.becomes.is_empty()) {
            for server in SERVERS {
                let key = row.becomes.replace('*', section(server));
                assert!(find(&key).is_some(), "{key}");
            }
        }
    }
}
