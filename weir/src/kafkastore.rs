//! What `--store kafka` is told: where the log is, and who this node is among the others.
//!
//! The environment has Confluent's names (`SCHEMA_REGISTRY_KAFKASTORE_...`).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use weir_registry::NodeConfig;
use weir_registry::log::KafkaConfig;

use crate::cli::ServeArgs;
use crate::confluent::{Env, flag, jaas, number, property, var};
use crate::listeners::Listener;
use crate::settings::{kafka_flags, read_file, with_addresses};

/// Environment variables that begin so are about the log.
pub const PREFIX: &str = "SCHEMA_REGISTRY_KAFKASTORE_";

/// Of them, those that begin so are settings of the topic.
const TOPIC_PREFIX: &str = "SCHEMA_REGISTRY_KAFKASTORE_TOPIC_CONFIG_";

/// Where the log is and how it is written.
pub fn log(
    args: &ServeArgs,
    env: &Env,
    kafka: &weir_kafka::Settings,
) -> Result<KafkaConfig, String> {
    let setting = |name: &str| format!("{PREFIX}{name}");
    let own_servers = setting("BOOTSTRAP_SERVERS");
    let kafka = match (&args.bootstrap_servers, var(env, &own_servers)) {
        // which may be another cluster than the proxy's, and is reached in another way
        (None, Some(servers)) => {
            let mut librdkafka = security(env)?;
            librdkafka.extend(kafka_flags(&args.kafka)?);
            with_addresses(&own_servers, servers, librdkafka)?
        }
        _ => {
            let mut librdkafka = security(env)?;
            librdkafka.extend(kafka.librdkafka.clone());
            weir_kafka::Settings { librdkafka, ..kafka.clone() }
        }
    };
    if kafka.bootstrap_servers.is_empty() {
        return Err("--store kafka needs --bootstrap-servers".to_string());
    }
    let mut log = KafkaConfig::new(kafka);
    let replication_factor: Option<u16> = number(env, &setting("TOPIC_REPLICATION_FACTOR"))?;
    let replication_factor = args.schemas_topic_replication_factor.or(replication_factor);
    let init_timeout: Option<u32> = number(env, &setting("INIT_TIMEOUT_MS"))?;
    let group = var(env, "SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID");
    let skip = flag(env, &setting("TOPIC_SKIP_VALIDATION"))?.unwrap_or(false);
    if let Some(topic) = args.schemas_topic.as_deref().or(var(env, &setting("TOPIC"))) {
        log.topic = topic.to_string();
    }
    if let Some(group) = args.registry_group.as_deref().or(group) {
        log.group = group.to_string();
    }
    log.topic_configs = env
        .iter()
        .filter_map(|(name, value)| {
            Some((property(name.strip_prefix(TOPIC_PREFIX)?), value.clone()))
        })
        .filter(|(name, _)| name != "cleanup.policy")
        .collect();
    if let Some(factor) = replication_factor.and_then(|factor| i16::try_from(factor).ok()) {
        log.replication_factor = factor;
    }
    if let Some(timeout) = init_timeout {
        log.init_timeout = Duration::from_millis(timeout.into());
    }
    log.fenced = !args.unfenced;
    log.beside_other_registries = args.beside_other_registries;
    log.skip_topic_validation = args.skip_topic_validation || skip;
    Ok(log)
}

/// Who this node is. `listeners` are where it listens; `certificate`, what https ones show.
pub fn node(
    args: &ServeArgs,
    env: &Env,
    listeners: &[Listener],
    certificate: Option<&Path>,
) -> Result<NodeConfig, String> {
    let listener = told_to_nodes(env, listeners)?;
    let (scheme, address) = (listener.scheme(), listener.address);
    let host = var(env, "SCHEMA_REGISTRY_HOST_NAME").or_else(|| {
        // what containers are called among themselves
        var(env, "HOSTNAME").filter(|_| address.ip().is_unspecified())
    });
    let port = number(env, "SCHEMA_REGISTRY_HOST_PORT")?.unwrap_or(address.port());
    let advertised_url = match (&args.registry_advertised_url, host) {
        (Some(url), _) => url.trim_end_matches('/').to_string(),
        (None, Some(host)) => format!("{scheme}://{host}:{port}"),
        (None, None) if address.ip().is_unspecified() => {
            return Err("the other nodes need a name for this one: --registry-advertised-url, or \
                        SCHEMA_REGISTRY_HOST_NAME"
                .to_string());
        }
        (None, None) => format!("{scheme}://{address}"),
    };
    let parsed = reqwest::Url::parse(&advertised_url).ok();
    if parsed.as_ref().is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
        return Err("--registry-advertised-url: everybody can read it: it must not have a user or a password"
            .to_string());
    }
    if parsed.is_none_or(|url| !["http", "https"].contains(&url.scheme())) {
        return Err(format!(
            "the other nodes cannot reach this one at {advertised_url}: expected http://host:port or \
             https://host:port"
        ));
    }
    let ineligible = ["SCHEMA_REGISTRY_LEADER_ELIGIBILITY", "SCHEMA_REGISTRY_MASTER_ELIGIBILITY"];
    let mut eligible = !args.never_lead;
    for name in ineligible {
        eligible &= flag(env, name)?.unwrap_or(true);
    }
    // nodes mostly have one authority, or the same certificate
    let mut ca_pem = Vec::new();
    for path in args.schema_registry_ca.as_deref().into_iter().chain(certificate) {
        ca_pem.extend(read_file(path)?);
        ca_pem.push(b'\n');
    }
    Ok(NodeConfig { advertised_url, eligible, ca_pem: Some(ca_pem).filter(|pem| !pem.is_empty()) })
}

/// Which listener the other nodes are told: the last of the protocol that is wanted, http unless another is
/// said or there is none.
fn told_to_nodes(env: &Env, listeners: &[Listener]) -> Result<Listener, String> {
    let names = [
        "SCHEMA_REGISTRY_SCHEMA_REGISTRY_INTER_INSTANCE_PROTOCOL",
        "SCHEMA_REGISTRY_INTER_INSTANCE_PROTOCOL",
    ];
    let wanted = names.into_iter().find_map(|name| Some((name, var(env, name)?)));
    let last =
        |scheme: &str| listeners.iter().rev().find(|l| l.scheme().eq_ignore_ascii_case(scheme));
    match wanted {
        Some((name, scheme)) => last(scheme).cloned().ok_or_else(|| {
            format!("{name}: there is no listener of this protocol (SCHEMA_REGISTRY_LISTENERS)")
        }),
        None => {
            let found = last("http").or_else(|| last("https")).cloned();
            found.ok_or_else(|| "SCHEMA_REGISTRY_LISTENERS has no listener".to_string())
        }
    }
}

/// Java's settings of the connection, in librdkafka's words.
pub fn security(env: &Env) -> Result<BTreeMap<String, String>, String> {
    let mut settings = BTreeMap::new();
    for (name, value) in env {
        let Some(name) = name.strip_prefix(PREFIX) else { continue };
        let mut set = |name: &str| drop(settings.insert(name.to_string(), value.clone()));
        match name {
            _ if value.is_empty() && name != "SSL_ENDPOINT_IDENTIFICATION_ALGORITHM" => {}
            "SECURITY_PROTOCOL" => set("security.protocol"),
            "SSL_TRUSTSTORE_CERTIFICATES" => set("ssl.ca.pem"),
            "SSL_KEYSTORE_CERTIFICATE_CHAIN" => set("ssl.certificate.pem"),
            "SSL_KEYSTORE_KEY" => set("ssl.key.pem"),
            "SASL_MECHANISM" => set("sasl.mechanism"),
            "SSL_ENDPOINT_IDENTIFICATION_ALGORITHM" if value.is_empty() => {
                settings.insert("ssl.endpoint.identification.algorithm".into(), "none".into());
            }
            "SSL_TRUSTSTORE_LOCATION" if is_pem(env, "TRUSTSTORE") => set("ssl.ca.location"),
            "SSL_KEYSTORE_LOCATION" if is_pem(env, "KEYSTORE") => {
                set("ssl.certificate.location");
                set("ssl.key.location");
            }
            "SSL_TRUSTSTORE_LOCATION" | "SSL_KEYSTORE_LOCATION" => {
                return Err(format!(
                    "{PREFIX}{name}: a Java key store cannot be read; export it as PEM and say \
                     --kafka ssl.ca.location=FILE (or ssl.certificate.location, ssl.key.location)"
                ));
            }
            "SASL_JAAS_CONFIG" => {
                let mut options =
                    jaas::options(value).map_err(|why| format!("{PREFIX}{name}: {why}"))?;
                for (jaas, ours) in [("username", "sasl.username"), ("password", "sasl.password")] {
                    let found = options.remove(jaas).ok_or_else(|| {
                        format!(
                            "{PREFIX}{name}: there is no {jaas}: PLAIN and SCRAM are the mechanisms that are known"
                        )
                    })?;
                    settings.insert(ours.to_string(), found);
                }
            }
            _ => {}
        }
    }
    Ok(settings)
}

fn is_pem(env: &Env, store: &str) -> bool {
    env.get(&format!("{PREFIX}SSL_{store}_TYPE")).is_some_and(|t| t.eq_ignore_ascii_case("PEM"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn args(flags: &[&str]) -> Box<ServeArgs> {
        let Command::Serve(args) = Cli::parse_from(["weir", "serve"].iter().chain(flags)).command
        else {
            unreachable!("serve was asked for")
        };
        args
    }

    fn env(vars: &[(&str, &str)]) -> Env {
        vars.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    fn at(address: &str) -> Vec<Listener> {
        vec![Listener { address: address.parse().unwrap(), https: false }]
    }

    fn kafka() -> weir_kafka::Settings {
        weir_kafka::Settings { bootstrap_servers: "a:1".into(), ..Default::default() }
    }

    #[test]
    fn confluents_environment_is_understood() {
        let jaas = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="a b";"#;
        let env = env(&[
            ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "PLAINTEXT://p:1,SASL_SSL://k:9092"),
            ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC", "_other"),
            ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC_CONFIG_MIN_INSYNC_REPLICAS", "2"),
            ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR", "2"),
            ("SCHEMA_REGISTRY_KAFKASTORE_SECURITY_PROTOCOL", "SASL_SSL"),
            ("SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG", jaas),
            ("SCHEMA_REGISTRY_HOST_NAME", "registry-1"),
            ("SCHEMA_REGISTRY_LEADER_ELIGIBILITY", "False"),
        ]);
        let log = log(&args(&[]), &env, &kafka()).unwrap();
        assert_eq!(log.kafka.bootstrap_servers, "k:9092");
        assert_eq!((log.topic.as_str(), log.replication_factor), ("_other", 2));
        assert_eq!(log.kafka.librdkafka["security.protocol"], "sasl_ssl");
        let configs = [("min.insync.replicas".to_string(), "2".to_string())];
        assert_eq!(log.topic_configs, configs);
        assert_eq!(log.kafka.librdkafka["sasl.username"], "me");
        let node = node(&args(&[]), &env, &at("0.0.0.0:8081"), None).unwrap();
        assert_eq!(node.advertised_url, "http://registry-1:8081");
        assert!(!node.eligible);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let store = env(&[("SCHEMA_REGISTRY_KAFKASTORE_SSL_TRUSTSTORE_LOCATION", "/a.jks")]);
        assert!(log(&args(&[]), &store, &kafka()).unwrap_err().contains("PEM"));
        let number = env(&[("SCHEMA_REGISTRY_KAFKASTORE_INIT_TIMEOUT_MS", "soon")]);
        assert!(log(&args(&[]), &number, &kafka()).unwrap_err().contains("soon"));
        assert!(log(&args(&[]), &Env::new(), &weir_kafka::Settings::default()).is_err());
        let everywhere = at("0.0.0.0:8081");
        let error = node(&args(&[]), &Env::new(), &everywhere, None).unwrap_err();
        assert!(error.contains("--registry-advertised-url"), "{error}");
        for url in ["nonsense", "registry-1:8081", "ftp://registry-1", "http://", "http://a b"] {
            let args = args(&["--registry-advertised-url", url]);
            let error = node(&args, &Env::new(), &everywhere, None).unwrap_err();
            assert!(error.contains(url.trim_end_matches('/')), "{error}");
        }
    }

    #[test]
    fn the_nodes_are_told_the_listener_that_they_are_to_use() {
        let listener = |port, https| Listener { address: ([127, 0, 0, 1], port).into(), https };
        let all = [listener(1, false), listener(2, true), listener(3, false)];
        let url = |vars: &[(&str, &str)], listeners: &[Listener]| {
            node(&args(&[]), &env(vars), listeners, None).map(|node| node.advertised_url)
        };
        assert_eq!(url(&[], &all).unwrap(), "http://127.0.0.1:3");
        let https = ("SCHEMA_REGISTRY_INTER_INSTANCE_PROTOCOL", "https");
        assert_eq!(url(&[https], &all).unwrap(), "https://127.0.0.1:2");
        assert_eq!(url(&[], &all[1..2]).unwrap(), "https://127.0.0.1:2");
        assert!(url(&[https], &all[..1]).unwrap_err().contains("LISTENERS"));
        let host = [("SCHEMA_REGISTRY_HOST_NAME", "sr"), ("SCHEMA_REGISTRY_HOST_PORT", "9")];
        assert_eq!(url(&host, &all).unwrap(), "http://sr:9");
        let args = args(&["--registry-advertised-url", "http://me:hunter2@sr:8081"]);
        let error = node(&args, &Env::new(), &all, None).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
