//! What `--store kafka` is told: where the log is, and who this node is among the others.
//!
//! The environment has Confluent's names (`SCHEMA_REGISTRY_KAFKASTORE_...`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use weir_registry::NodeConfig;
use weir_registry::log::KafkaConfig;

use crate::cli::ServeArgs;
use crate::settings::read_file;

/// Environment variables that begin so are about the log.
const PREFIX: &str = "SCHEMA_REGISTRY_KAFKASTORE_";

type Env = BTreeMap<String, String>;

/// Where the log is and how it is written.
pub fn log(
    args: &ServeArgs,
    env: &Env,
    kafka: &weir_kafka::Settings,
) -> Result<KafkaConfig, String> {
    if kafka.bootstrap_servers.is_empty() {
        return Err("--store kafka needs --bootstrap-servers".to_string());
    }
    let var = |name: &str| env.get(&format!("{PREFIX}{name}")).filter(|v| !v.is_empty());
    let number = |name: &str| {
        let text = var(name);
        text.map(|text| text.parse().map_err(|_| format!("{PREFIX}{name}: {text} is no number")))
            .transpose()
    };
    let mut librdkafka = security(env)?;
    librdkafka.extend(kafka.librdkafka.clone());
    let bootstrap_servers = match &args.bootstrap_servers {
        Some(servers) => servers.clone(),
        None => var("BOOTSTRAP_SERVERS").unwrap_or(&kafka.bootstrap_servers).clone(),
    };
    let kafka = weir_kafka::Settings { bootstrap_servers, librdkafka };
    let mut log = KafkaConfig::new(kafka);
    let replication_factor: Option<u16> = number("TOPIC_REPLICATION_FACTOR")?;
    let replication_factor = args.schemas_topic_replication_factor.or(replication_factor);
    let init_timeout: Option<u64> = number("INIT_TIMEOUT_MS")?.map(u64::from);
    let group = env.get("SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID");
    let skip = var("TOPIC_SKIP_VALIDATION").is_some_and(|skip| skip == "true");
    if let Some(topic) = args.schemas_topic.as_ref().or(var("TOPIC")) {
        log.topic.clone_from(topic);
    }
    if let Some(group) = args.registry_group.as_ref().or(group) {
        log.group.clone_from(group);
    }
    if let Some(factor) = replication_factor.and_then(|factor| i16::try_from(factor).ok()) {
        log.replication_factor = factor;
    }
    if let Some(timeout) = init_timeout {
        log.init_timeout = Duration::from_millis(timeout);
    }
    log.fenced = !args.unfenced;
    log.skip_topic_validation = args.skip_topic_validation || skip;
    Ok(log)
}

/// Who this node is. `address` is where it listens.
pub fn node(args: &ServeArgs, env: &Env, address: SocketAddr) -> Result<NodeConfig, String> {
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    let host = env.get("SCHEMA_REGISTRY_HOST_NAME").or_else(|| {
        // what containers are called among themselves
        env.get("HOSTNAME").filter(|_| address.ip().is_unspecified())
    });
    let advertised_url = match (&args.registry_advertised_url, host) {
        (Some(url), _) => url.trim_end_matches('/').to_string(),
        (None, Some(host)) => format!("{scheme}://{host}:{}", address.port()),
        (None, None) if address.ip().is_unspecified() => {
            return Err("the other nodes need a name for this one: --registry-advertised-url, or \
                        SCHEMA_REGISTRY_HOST_NAME"
                .to_string());
        }
        (None, None) => format!("{scheme}://{address}"),
    };
    let parsed = reqwest::Url::parse(&advertised_url).ok();
    if parsed.is_none_or(|url| !["http", "https"].contains(&url.scheme())) {
        return Err(format!(
            "the other nodes cannot reach this one at {advertised_url}: expected http://host:port or \
             https://host:port"
        ));
    }
    let ineligible = ["SCHEMA_REGISTRY_LEADER_ELIGIBILITY", "SCHEMA_REGISTRY_MASTER_ELIGIBILITY"];
    let ineligible = ineligible.iter().any(|name| env.get(*name).is_some_and(|v| v == "false"));
    // nodes mostly have one authority, or the same certificate
    let mut ca_pem = Vec::new();
    for path in args.schema_registry_ca.iter().chain(&args.tls_cert) {
        ca_pem.extend(read_file(path)?);
        ca_pem.push(b'\n');
    }
    Ok(NodeConfig {
        advertised_url,
        eligible: !(args.never_lead || ineligible),
        ca_pem: Some(ca_pem).filter(|pem| !pem.is_empty()),
    })
}

/// Java's settings of the connection, in librdkafka's words.
fn security(env: &Env) -> Result<BTreeMap<String, String>, String> {
    let mut settings = BTreeMap::new();
    for (name, value) in env {
        let Some(name) = name.strip_prefix(PREFIX) else { continue };
        let mut set = |name: &str| drop(settings.insert(name.to_string(), value.clone()));
        match name {
            "SECURITY_PROTOCOL" => set("security.protocol"),
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
                for (jaas, ours) in [("username", "sasl.username"), ("password", "sasl.password")] {
                    let found = jaas_option(value, jaas)
                        .ok_or_else(|| format!("{PREFIX}{name}: there is no {jaas}"))?;
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

/// `name="value"` of a line for Java's login.
fn jaas_option(config: &str, name: &str) -> Option<String> {
    let (_, rest) = config.split_once(&format!(" {name}="))?;
    let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c))?;
    rest[1..].split_once(quote).map(|(value, _)| value.to_string())
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

    fn kafka() -> weir_kafka::Settings {
        weir_kafka::Settings { bootstrap_servers: "a:1".into(), ..Default::default() }
    }

    #[test]
    fn confluents_environment_is_understood() {
        let jaas = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="a \"b";"#;
        let env = env(&[
            ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "PLAINTEXT://k:9092"),
            ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC", "_other"),
            ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR", "2"),
            ("SCHEMA_REGISTRY_KAFKASTORE_SECURITY_PROTOCOL", "SASL_SSL"),
            ("SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG", jaas),
            ("SCHEMA_REGISTRY_HOST_NAME", "registry-1"),
            ("SCHEMA_REGISTRY_LEADER_ELIGIBILITY", "false"),
        ]);
        let log = log(&args(&[]), &env, &kafka()).unwrap();
        assert_eq!(log.kafka.bootstrap_servers, "PLAINTEXT://k:9092");
        assert_eq!((log.topic.as_str(), log.replication_factor), ("_other", 2));
        assert_eq!(log.kafka.librdkafka["security.protocol"], "SASL_SSL");
        assert_eq!(log.kafka.librdkafka["sasl.username"], "me");
        let node = node(&args(&[]), &env, "0.0.0.0:8081".parse().unwrap()).unwrap();
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
        let everywhere = "0.0.0.0:8081".parse().unwrap();
        let error = node(&args(&[]), &Env::new(), everywhere).unwrap_err();
        assert!(error.contains("--registry-advertised-url"), "{error}");
        for url in ["nonsense", "registry-1:8081", "ftp://registry-1", "http://", "http://a b"] {
            let args = args(&["--registry-advertised-url", url]);
            let error = node(&args, &Env::new(), everywhere).unwrap_err();
            assert!(error.contains(url.trim_end_matches('/')), "{error}");
        }
    }
}
