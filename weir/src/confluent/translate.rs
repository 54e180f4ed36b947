//! Confluent's settings as a layer of ours. Where a setting is the same as one of ours, the table says so; the
//! others are here, in `translate_listeners` and in `translate_registry_client`.

use std::collections::BTreeMap;

use super::Env;
use super::login::Login;
use super::table::{Server, TABLE};
use super::variables::{Property, Variables};
use crate::config::layers::Layers;
use crate::config::problem::Problem;
use crate::config::setting::Shape;
use crate::config::source::Source;
use crate::config::tree::find;
use crate::config::value::Given;

const SERVERS: [Server; 2] = [Server::Registry, Server::Proxy];

/// What Confluent's limit is where it is switched on and no number is given.
const CONFLUENT_BODY_BYTES_MAX: u64 = 1024 * 1024;

/// The largest body that the registry takes.
const BODY_BYTES_MAX: u64 = 10 * 1024 * 1024;

const LIMIT: &str = "api.v3.produce.rate.limit.";

/// A time that is none: a year.
const TIME_MS_MAX: u64 = 31_536_000_000;

/// What became of the environment.
#[derive(Debug, Default)]
pub struct Translation {
    pub layers: Layers,
    /// Variables that are ignored, and why.
    pub notes: Vec<String>,
    pub problems: Vec<Problem>,
    /// Settings that name a key store in a format that cannot be read, by the server's section.
    pub unreadable_stores: BTreeMap<&'static str, Source>,
}

/// Whose variables count.
#[derive(Debug)]
pub struct Scope {
    /// The servers that run.
    pub servers: Vec<Server>,
    /// What other layers say.
    pub others: Layers,
}

impl Scope {
    pub fn runs(&self, server: Server) -> bool {
        self.servers.contains(&server)
    }

    /// Whether a server's way to Kafka counts: if it runs, or if the one that runs has none of its own.
    pub fn reaches_kafka(&self, server: Server, variables: &Variables) -> bool {
        let running = if server == Server::Proxy { Server::Registry } else { Server::Proxy };
        let keys =
            ["kafka.bootstrap_servers", "registry.bootstrap_servers", "proxy.bootstrap_servers"];
        let is_known = keys.iter().any(|key| self.others.has(key));
        self.runs(server) || !is_known && variables.brokers(running).is_none()
    }
}

/// Translates the settings of the servers that run.
pub fn translate(variables: &Variables, env: &Env, scope: &Scope) -> Translation {
    let mut translation = Translation::default();
    translation.same(variables, scope);
    for server in SERVERS.into_iter().filter(|server| scope.runs(*server)) {
        translation.listeners(variables, server, scope);
        translation.key_store(variables, server);
        translation.client_auth(variables, server);
    }
    translation.logins(variables, scope, env);
    translation.connections(variables);
    translation.times(variables);
    translation.log_level(variables);
    if scope.runs(Server::Registry) {
        translation.eligibility(variables);
        translation.size_limit(variables);
        translation.topic_config(variables);
    }
    if scope.runs(Server::Proxy) {
        translation.rate_limits(variables);
        translation.fetch_min_bytes(variables);
        translation.advertised_listeners(variables);
        translation.registry_client(variables, scope, env);
    }
    translation.clients(variables, scope, env);
    translation
}

/// The section of a server's settings.
pub fn section(server: Server) -> &'static str {
    if server == Server::Proxy { "proxy" } else { "registry" }
}

impl Translation {
    pub(super) fn set(&mut self, key: &str, text: &str, source: &Source) {
        if let Some(setting) = find(key) {
            self.layers.push(setting, Given::of_text(setting, text, source));
        }
    }

    /// The value of a reading; none if it is wrong, which is a problem then.
    pub(super) fn good<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
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
    fn times(&mut self, variables: &Variables) {
        let times = self.numbers(variables, "idle.timeout.ms");
        if let Some((ms, property)) = times.into_iter().max_by_key(|(ms, _)| *ms) {
            self.set("limits.idle_timeout_ms", &ms.to_string(), &property.source());
        }
        let found = SERVERS.iter().filter_map(|it| variables.get(*it, "request.timeout.ms"));
        let times = found.filter_map(|found| Some((self.good(found.number())?, found)));
        let in_bounds = |ms| if ms == 0 { TIME_MS_MAX } else { TIME_MS_MAX.min(ms) };
        let times: Vec<_> = times.map(|(ms, property)| (in_bounds(ms), property)).collect();
        if let Some((ms, property)) = times.into_iter().max_by_key(|(ms, _)| *ms) {
            self.set("limits.request_timeout_ms", &ms.to_string(), &property.source());
        }
    }

    /// -1 is 0 with us; 0 is as 1: something is there.
    fn fetch_min_bytes(&mut self, variables: &Variables) {
        let Some(found) = variables.get(Server::Proxy, "fetch.min.bytes") else { return };
        let text = match found.value.trim() {
            "-1" => "0",
            "0" => "1",
            more => more,
        };
        self.set("proxy.consumer_fetch_min_bytes", text, &found.source());
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
                self.notes.push(format!("{} is ignored: it is no level of a log", property.source));
            }
            Some((at?, property))
        });
        let root = levels.max_by_key(|(at, _)| *at);
        let mut source = root.map(|(_, property)| property.source());
        let mut filter = format!("{},rdkafka=off", root.map_or("info", |(at, _)| LEVELS[at].1));
        for loggers in SERVERS.iter().filter_map(|s| variables.text(*s, "log4j.loggers")) {
            for (target, level) in loggers.value.split(',').filter_map(|one| {
                let (logger, level) = one.trim().split_once('=')?;
                let level = level.trim().to_ascii_lowercase();
                let (_, level) = LEVELS.iter().find(|(java, _)| *java == level)?;
                Some((target_of(logger.trim())?, level))
            }) {
                filter += &format!(",{target}={level}");
                source.get_or_insert_with(|| loggers.source());
            }
        }
        if let Some(source) = source {
            self.set("log", &filter, &source);
        }
    }
}

/// What we call whom a logger of Java's is about.
fn target_of(logger: &str) -> Option<&'static str> {
    let targets = [
        ("io.confluent.kafka.schemaregistry", "weir_registry"),
        ("io.confluent.kafkarest", "weir_proxy"),
        ("io.confluent.rest", "weir_http"),
        ("org.eclipse.jetty", "weir_http"),
        ("org.apache.kafka", "weir_kafka"),
        ("kafka", "weir_kafka"),
    ];
    let is_below = |(java, _): &&(&str, &str)| {
        logger.strip_prefix(*java).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    targets.iter().find(is_below).map(|(_, ours)| *ours)
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
