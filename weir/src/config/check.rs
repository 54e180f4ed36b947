//! What is wrong with settings together, and what librdkafka thinks of its own.

use std::path::PathBuf;

use weir_broker::core::check_start_config;
use weir_kafka::{Verdict, judge};

use super::problem::Problem;
use super::tree::{Tree, find};
use super::value::{Names, Role, Scheme, Sourced, Store};
use crate::confluent::REGISTRY_PREFIX;
use crate::confluent::table::Server;
use crate::confluent::variables::Variables;
use crate::face_tls::is_pkcs12;
use crate::settings;

/// Confluent's settings that begin so are about the registry's log on Kafka.
const LOG_PREFIX: &str = "kafkastore.";

/// Configs of a Kafka broker which `weir dev` has in another place.
const BROKER_FLAGS: [(&str, &str); 7] = [
    ("advertised.listeners", "--broker-advertised-listener"),
    ("auto.create.topics.enable", "--broker-auto-create-topics-enable"),
    ("listeners", "--broker-listener"),
    ("log.dirs", "--data-dir"),
    ("log.retention.hours", "log.retention.ms"),
    ("log.retention.minutes", "log.retention.ms"),
    ("num.partitions", "--broker-num-partitions"),
];

/// Settings that need each other, and those that exclude each other.
pub fn exclusions(tree: &Tree, problems: &mut Vec<Problem>) {
    pair(("tls.cert", &tree.tls.cert), ("tls.key", &tree.tls.key), problems);
    let (registry, proxy) = (&tree.registry, &tree.proxy);
    pair(
        ("registry.tls_cert", &registry.tls_cert),
        ("registry.tls_key", &registry.tls_key),
        problems,
    );
    pair(("proxy.tls_cert", &proxy.tls_cert), ("proxy.tls_key", &proxy.tls_key), problems);
    let accepts_loss = &registry.accept_loss_after;
    if accepts_loss.is_some() && settings::store(tree) != Store::Sled {
        let text =
            "registry.accept_loss_after is for a log on disk: say --store sled, or leave it out";
        problems.push(Problem::at(&accepts_loss.source, text));
    }
    if let Some(policy) = registry.schemas_topic_config.get("cleanup.policy") {
        let text = "registry.schemas_topic_config: the topic is always compacted: leave cleanup.policy out";
        problems.push(Problem::at(&policy.source, text));
    }
    if tree.process.roles.is_empty() {
        let text = "roles: expected registry, proxy or both";
        problems.push(Problem::at(&tree.process.roles.source, text));
    }
}

/// What `weir dev` does not have.
pub fn dev(tree: &Tree, problems: &mut Vec<Problem>) {
    let (registry, proxy) = (&tree.registry.listeners, &tree.proxy.listeners);
    for listeners in [registry, proxy].into_iter().filter(|listeners| listeners.is_empty()) {
        problems.push(Problem::at(&listeners.source, "there is no listener"));
    }
    for broker in [&tree.broker.listener, &tree.broker.sasl_listener] {
        let is_exposed = broker.is_some_and(|listener| !listener.0.ip().is_loopback());
        if is_exposed && !*tree.process.insecure {
            let text = "the broker would be reachable from elsewhere, without a certificate: say --insecure if that is \
                        meant, or listen on 127.0.0.1";
            problems.push(Problem::at(&broker.source, text));
        }
    }
    broker_access(tree, problems);
    for (name, text) in &*tree.broker.configs {
        if let Err(why) = check_start_config(name, &text.text) {
            let why = match BROKER_FLAGS.iter().find(|(config, _)| config == name) {
                Some((_, instead)) => format!("{name} is set by {instead}"),
                None => why,
            };
            problems.push(Problem::at(&text.source, why));
        }
    }
    let store = &tree.registry.store;
    if *tree.process.ephemeral && store.value == Some(Store::Sled) {
        let text = "store: sled is on disk, and --ephemeral keeps everything in memory: leave out one of them";
        problems.push(Problem::at(&store.source, text));
    }
    for listeners in [registry, proxy, &tree.management.listeners] {
        if listeners.iter().any(|url| url.scheme == Some(Scheme::Https)) {
            let text = "weir dev has no certificate: say http://, or use weir serve";
            problems.push(Problem::at(&listeners.source, text));
        }
    }
}

/// Users and rights of the broker of `weir dev` that cannot be meant.
fn broker_access(tree: &Tree, problems: &mut Vec<Problem>) {
    let broker = &tree.broker;
    for (name, password) in &*broker.users {
        if password.text.is_empty() {
            let text = format!("{name} has no password: say {name}=PASSWORD");
            problems.push(Problem::at(&password.source, text));
        }
    }
    let nameless = |user: &&String| user.strip_prefix("User:").is_none_or(str::is_empty);
    for user in broker.super_users.iter().filter(nameless) {
        let text = format!("{user} is not of the form User:NAME");
        problems.push(Problem::at(&broker.super_users.source, text));
    }
    if *broker.acls && broker.users.is_empty() && broker.sasl_listener.is_none() {
        let text = "ACLs are about users who log in, and nobody can: add --broker-user NAME=PASSWORD, or --broker-sasl-listener";
        problems.push(Problem::at(&broker.acls.source, text));
    }
}

/// What to say of a registry that Confluent's settings start, and that none of them leads to Kafka.
pub fn note_of_store(tree: &Tree, variables: &Variables) -> Option<String> {
    let registry = &tree.registry;
    let is_said = registry.store.is_some() || registry.bootstrap_servers.is_some();
    let runs = tree.process.roles.contains(&Role::Registry);
    if is_said || !runs || variables.below(Server::Registry, "").is_empty() {
        return None;
    }
    Some(format!(
        "no address of Kafka is set ({REGISTRY_PREFIX}KAFKASTORE_BOOTSTRAP_SERVERS): schemas are kept on the disk of this machine, in {}",
        registry.data_dir.display()
    ))
}

/// Two settings of which each needs the other.
///
/// A file in PKCS#12 has its key with it.
fn pair(
    (one_key, one): (&str, &Sourced<Option<PathBuf>>),
    (other_key, other): (&str, &Sourced<Option<PathBuf>>),
    problems: &mut Vec<Problem>,
) {
    if one.as_deref().is_some_and(is_pkcs12) {
        return;
    }
    let (source, there, missing) = match (&one.value, &other.value) {
        (Some(_), None) => (&one.source, one_key, other_key),
        (None, Some(_)) => (&other.source, other_key, one_key),
        _ => return,
    };
    let flag = find(missing).map_or("", |setting| setting.flag);
    let text = format!("{there} needs {missing} (--{flag})");
    problems.push(Problem::at(source, text));
}

/// Confluent's settings may be about a log on Kafka and not say where: then the registry would begin empty.
pub fn store(tree: &Tree, variables: &Variables, problems: &mut Vec<Problem>) {
    let registry = &tree.registry;
    let undecided = registry.store.is_none() && registry.bootstrap_servers.is_none();
    if !undecided || !tree.process.roles.contains(&Role::Registry) {
        return;
    }
    let mut of_log = variables.below(Server::Registry, LOG_PREFIX).into_iter();
    if let Some(found) = of_log.find(|property| !property.value.trim().is_empty()) {
        let (name, prefix) = (&found.source, format!("{REGISTRY_PREFIX}KAFKASTORE_"));
        problems.push(Problem::missing(format!(
            "{name} is set, so the registry's log seems to be on Kafka, and there is no address: say \
             {prefix}BOOTSTRAP_SERVERS, or --store sled for a registry that begins empty"
        )));
    }
}

/// Settings of librdkafka's that it does not have, or that do not take their value. The value is not said.
pub fn librdkafka(tree: &Tree, problems: &mut Vec<Problem>) {
    let tables: [(&str, &Names); 6] = [
        ("kafka.client", &tree.kafka.client),
        ("registry.kafka", &tree.registry.kafka),
        ("proxy.kafka", &tree.proxy.kafka),
        ("proxy.producer", &tree.proxy.producer),
        ("proxy.consumer", &tree.proxy.consumer),
        ("proxy.admin", &tree.proxy.admin),
    ];
    for (key, names) in tables {
        for (name, text) in names {
            let why = match judge(name, &text.text) {
                Verdict::Known => continue,
                Verdict::UnknownName => format!("{key}: librdkafka has no setting {name}"),
                Verdict::BadValue => format!("{key}: librdkafka's {name} does not take its value"),
            };
            problems.push(Problem::at(&text.source, why));
        }
    }
}
