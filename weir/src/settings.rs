//! What `weir serve` is told, by flags and by the environment.
//!
//! The environment has Confluent's names, so that a container is replaced by changing its image.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use weir_proxy::{ClientSettings, RateLimits};

use crate::cli::{Role, ServeArgs};
use crate::kafka_names::KafkaEnvironment;

const RATE_LIMIT: &str = "KAFKA_REST_API_V3_PRODUCE_RATE_LIMIT_";

#[derive(Debug)]
pub struct Settings {
    pub registry_listener: SocketAddr,
    pub proxy_listener: SocketAddr,
    pub kafka: weir_kafka::Settings,
    /// What the proxy's producers, consumers and questions about the cluster have beyond `kafka`.
    pub kafka_clients: ClientSettings,
    /// Settings that are ignored, and why.
    pub notes: Vec<String>,
    pub schema_registry_url: Option<String>,
    pub consumer_instance_timeout: Duration,
    pub rate_limits: RateLimits,
}

impl Settings {
    pub fn new(
        args: &ServeArgs,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Settings, String> {
        let env: BTreeMap<String, String> = env.collect();
        let var = |name: &str| env.get(name).filter(|v| !v.is_empty()).cloned();
        let bootstrap_servers = args
            .bootstrap_servers
            .clone()
            .or_else(|| var("KAFKA_REST_BOOTSTRAP_SERVERS"))
            .or_else(|| var("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS"));
        if bootstrap_servers.is_none() && args.roles.contains(&Role::Proxy) {
            return Err(
                "the proxy needs --bootstrap-servers (or `weir dev`, which embeds a broker)"
                    .to_string(),
            );
        }
        let timeout_ms = match args.consumer_instance_timeout_ms {
            Some(ms) => ms,
            None => match var("KAFKA_REST_CONSUMER_INSTANCE_TIMEOUT_MS") {
                None => 300_000,
                Some(text) => text.parse().map_err(|_| {
                    format!("KAFKA_REST_CONSUMER_INSTANCE_TIMEOUT_MS: {text} is not a number")
                })?,
            },
        };
        let mut kafka = KafkaEnvironment::new(&env)?;
        kafka.overridden_by(&kafka_flags(&args.kafka)?);
        Ok(Settings {
            registry_listener: listener(
                args.registry_listener,
                "SCHEMA_REGISTRY_LISTENERS",
                &env,
                8081,
            )?,
            proxy_listener: listener(args.proxy_listener, "KAFKA_REST_LISTENERS", &env, 8082)?,
            kafka: weir_kafka::Settings {
                bootstrap_servers: bootstrap_servers.unwrap_or_default(),
                librdkafka: kafka.all,
            },
            kafka_clients: kafka.clients,
            notes: kafka.notes,
            schema_registry_url: args
                .schema_registry_url
                .clone()
                .or_else(|| var("KAFKA_REST_SCHEMA_REGISTRY_URL")),
            consumer_instance_timeout: Duration::from_millis(timeout_ms),
            rate_limits: rate_limits(args, &env)?,
        })
    }
}

/// Those of the environment count only where it says that there are some, as in the reference.
fn rate_limits(args: &ServeArgs, env: &BTreeMap<String, String>) -> Result<RateLimits, String> {
    let enabled = env.get(&format!("{RATE_LIMIT}ENABLED")).is_some_and(|on| on == "true");
    let limit = |flag: Option<u32>, name: &str| {
        let name = format!("{RATE_LIMIT}{name}");
        match (flag, env.get(&name).filter(|_| enabled)) {
            (None, Some(text)) => {
                text.parse().map(Some).map_err(|_| format!("{name}: {text} is not a number"))
            }
            (flag, _) => Ok(flag),
        }
    };
    Ok(RateLimits {
        requests_per_s: limit(args.rate_limit_requests_per_sec, "MAX_REQUESTS_PER_SEC")?,
        bytes_per_s: limit(args.rate_limit_bytes_per_sec, "MAX_BYTES_PER_SEC")?,
    })
}

/// What `--kafka` says, each time that it is given.
pub fn kafka_flags(given: &[String]) -> Result<BTreeMap<String, String>, String> {
    let setting = |setting: &String| {
        let (name, value) = setting
            .split_once('=')
            .ok_or_else(|| format!("--kafka {setting}: expected NAME=VALUE"))?;
        Ok((name.to_string(), value.to_string()))
    };
    given.iter().map(setting).collect()
}

/// The file that a flag names.
pub fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// Confluent's listeners are URLs, of which the first counts.
fn listener(
    flag: Option<SocketAddr>,
    name: &str,
    env: &BTreeMap<String, String>,
    port: u16,
) -> Result<SocketAddr, String> {
    if let Some(address) = flag {
        return Ok(address);
    }
    let Some(value) = env.get(name) else { return Ok(SocketAddr::from(([127, 0, 0, 1], port))) };
    let first = value.split(',').next().unwrap_or_default().trim();
    let host = first.split_once("://").map_or(first, |(_, host)| host);
    host.parse().map_err(|_| format!("{name}: {first} is not http://ADDRESS:PORT"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn settings(flags: &[&str], env: &[(&str, &str)]) -> Result<Settings, String> {
        let Command::Serve(args) = Cli::parse_from(["weir", "serve"].iter().chain(flags)).command
        else {
            unreachable!("serve was asked for")
        };
        Settings::new(&args, env.iter().map(|(k, v)| (k.to_string(), v.to_string())))
    }

    #[test]
    fn confluents_environment_is_understood() {
        let env = [
            ("SCHEMA_REGISTRY_LISTENERS", "http://0.0.0.0:18081,https://0.0.0.0:18082"),
            ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "PLAINTEXT://kafka:9092"),
            ("KAFKA_REST_CLIENT_SECURITY_PROTOCOL", "SASL_SSL"),
            ("KAFKA_REST_SCHEMA_REGISTRY_URL", "http://sr:8081"),
        ];
        let settings = settings(&[], &env).unwrap();
        assert_eq!(settings.registry_listener.to_string(), "0.0.0.0:18081");
        assert_eq!(settings.kafka.bootstrap_servers, "PLAINTEXT://kafka:9092");
        assert_eq!(settings.kafka.librdkafka["security.protocol"], "sasl_ssl");
        assert_eq!(settings.schema_registry_url.unwrap(), "http://sr:8081");
    }

    #[test]
    fn flags_win_over_the_environment() {
        let env =
            [("KAFKA_REST_BOOTSTRAP_SERVERS", "a:1"), ("KAFKA_REST_CLIENT_SASL_USERNAME", "env")];
        let flags = ["--bootstrap-servers", "b:2", "--kafka", "sasl.username=flag"];
        let settings = settings(&flags, &env).unwrap();
        assert_eq!(settings.kafka.bootstrap_servers, "b:2");
        assert_eq!(settings.kafka.librdkafka["sasl.username"], "flag");
    }

    #[test]
    fn limits_of_the_environment_have_to_be_switched_on() {
        let limit = ("KAFKA_REST_API_V3_PRODUCE_RATE_LIMIT_MAX_REQUESTS_PER_SEC".to_string(), "7");
        let kafka = ("KAFKA_REST_BOOTSTRAP_SERVERS", "a:1");
        let env = [kafka, (&limit.0, limit.1)];
        assert_eq!(settings(&[], &env).unwrap().rate_limits.requests_per_s, None);
        let on = ("KAFKA_REST_API_V3_PRODUCE_RATE_LIMIT_ENABLED", "true");
        let env = [kafka, (&limit.0, limit.1), on];
        assert_eq!(settings(&[], &env).unwrap().rate_limits.requests_per_s, Some(7));
        let flags = ["--rate-limit-requests-per-sec", "8"];
        assert_eq!(settings(&flags, &env).unwrap().rate_limits.requests_per_s, Some(8));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(settings(&[], &[]).unwrap_err().contains("--bootstrap-servers"));
        let wrong = ["--bootstrap-servers", "a:1", "--kafka", "novalue"];
        assert!(settings(&wrong, &[]).unwrap_err().contains("novalue"));
        let env =
            [("SCHEMA_REGISTRY_LISTENERS", "everywhere"), ("KAFKA_REST_BOOTSTRAP_SERVERS", "a:1")];
        assert!(settings(&[], &env).unwrap_err().contains("everywhere"));
    }
}
