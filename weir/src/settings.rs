//! What `weir serve` is told, by flags and by the environment.
//!
//! The environment has Confluent's names, so that a container is replaced by changing its image. What of
//! it Weir does not have, and must not pass over, ends the start (`confluent::audit`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use weir_http::{AllowedHost, Identity};
use weir_proxy::{ClientSettings, RateLimits};
use weir_registry::{Limits, Options};
use weir_registry_api::CompatibilityLevel;

use crate::added_headers::AddedHeaders;
use crate::cli::{Role, ServeArgs, Store};
use crate::confluent::addresses::Addresses;
use crate::confluent::audit::{Notes, audit};
use crate::confluent::table::Server;
use crate::confluent::{Env, PROXY_PREFIX, REGISTRY_PREFIX, flag, number, var};
use crate::kafka_names::KafkaEnvironment;
use crate::kafkastore;
use crate::listeners::{Asked, Listener};

const RATE_LIMIT: &str = "KAFKA_REST_API_V3_PRODUCE_RATE_LIMIT_";

/// What Confluent's limit is where it is switched on and no number is given.
const CONFLUENT_BODY_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug)]
pub struct Settings {
    pub registry: Face,
    pub proxy: Face,
    pub store: Store,
    pub options: Options,
    pub kafka: weir_kafka::Settings,
    /// What the proxy's producers, consumers and questions about the cluster have beyond `kafka`.
    pub kafka_clients: ClientSettings,
    /// Settings of Kafka's clients that are ignored, and why.
    pub kafka_notes: Vec<String>,
    /// By commas, as Confluent's proxy has it.
    pub schema_registry_url: Option<String>,
    pub consumer_instance_timeout: Duration,
    pub rate_limits: RateLimits,
    /// Whether the proxy has API v2, and v3.
    pub apis: (bool, bool),
    /// What is to be said of settings once a log is there.
    pub notes: Notes,
}

/// How one of the servers is reached.
#[derive(Debug, Default)]
pub struct Face {
    pub listeners: Vec<Listener>,
    /// Of https listeners; there are none without.
    pub identity: Option<Identity>,
    /// Names by which clients may ask for it, beside those that its listeners have anyway.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Whose pages may write.
    pub allowed_origins: Vec<String>,
    /// On http and https listeners.
    pub headers: (Arc<AddedHeaders>, Arc<AddedHeaders>),
}

impl Settings {
    pub fn new(args: &ServeArgs, env: &Env) -> Result<Settings, String> {
        let runs = |role: Role| args.roles.contains(&role);
        let servers = [(Role::Registry, Server::Registry), (Role::Proxy, Server::Proxy)];
        let servers: Vec<_> =
            servers.into_iter().filter(|(role, _)| runs(*role)).map(|(_, server)| server).collect();
        let notes = audit(env, &servers, &args.ignore_settings)?;
        let mut clients = KafkaEnvironment::new(env)?;
        clients.overridden_by(&kafka_flags(&args.kafka)?);
        let kafka = kafka(args, env, std::mem::take(&mut clients.all))?;
        if kafka.bootstrap_servers.is_empty() && runs(Role::Proxy) {
            return Err(
                "the proxy needs --bootstrap-servers (or `weir dev`, which embeds a broker)"
                    .to_string(),
            );
        }
        let face = |role, flag, prefix, default_port| match runs(role) {
            true => face(
                args,
                Asked { flag, prefix, default_port, https: args.tls_cert.is_some() },
                env,
            ),
            false => Ok(Face::default()),
        };
        let timeout_ms = match args.consumer_instance_timeout_ms {
            Some(ms) => ms,
            None => number(env, "KAFKA_REST_CONSUMER_INSTANCE_TIMEOUT_MS")?.unwrap_or(300_000),
        };
        clients.clients.instances_connected = match args.consumer_instances_connected {
            Some(count) => Some(usize::try_from(count).unwrap_or(usize::MAX)),
            None => instances_connected(env)?,
        };
        let api = |name: &str| flag(env, name).map(|enabled| enabled.unwrap_or(true));
        Ok(Settings {
            registry: face(Role::Registry, args.registry_listener, REGISTRY_PREFIX, 8081)?,
            proxy: face(Role::Proxy, args.proxy_listener, PROXY_PREFIX, 8082)?,
            store: store(args, env)?,
            options: options(args, env)?,
            kafka,
            kafka_clients: clients.clients,
            kafka_notes: clients.notes,
            schema_registry_url: args
                .schema_registry_url
                .clone()
                .or_else(|| var(env, "KAFKA_REST_SCHEMA_REGISTRY_URL").map(str::to_string)),
            consumer_instance_timeout: Duration::from_millis(timeout_ms),
            rate_limits: rate_limits(args, env)?,
            apis: (api("KAFKA_REST_API_V2_ENABLE")?, api("KAFKA_REST_API_V3_ENABLE")?),
            notes,
        })
    }
}

fn face(args: &ServeArgs, asked: Asked<'_>, env: &Env) -> Result<Face, String> {
    let listeners = asked.listeners(env)?;
    let identity = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => {
            let (cert, key) = (cert.clone(), key.clone());
            Some(Identity { cert, key, versions: vec![&TLS13, &TLS12] })
        }
        _ if listeners.iter().any(|listener| listener.https) => Some(asked.identity(env)?),
        _ => None,
    };
    let headers = |https| AddedHeaders::read(env, asked.prefix, https).map(Arc::new);
    Ok(Face {
        listeners,
        identity,
        allowed_hosts: allowed_hosts(args, &asked, env),
        allowed_origins: allowed_origins(args, asked.prefix, env),
        headers: (headers(false)?, headers(true)?),
    })
}

/// What a server is called: what is allowed, what its listeners were named by, and what is advertised.
fn allowed_hosts(args: &ServeArgs, asked: &Asked<'_>, env: &Env) -> Vec<AllowedHost> {
    let advertised = match asked.prefix {
        REGISTRY_PREFIX => &args.registry_advertised_url,
        _ => &args.advertised_url,
    };
    let advertised = advertised.as_deref().and_then(|url| reqwest::Url::parse(url).ok());
    let advertised = advertised.as_ref().and_then(reqwest::Url::host_str).map(str::to_string);
    let host_name = var(env, &format!("{}HOST_NAME", asked.prefix)).map(str::to_string);
    let named = advertised.into_iter().chain(host_name).filter_map(|name| name.parse().ok());
    let mut hosts = args.browsers.allowed_hosts.clone();
    hosts.extend(named.filter(|name| *name != AllowedHost::Any));
    hosts.extend(asked.names(env));
    hosts
}

fn allowed_origins(args: &ServeArgs, prefix: &str, env: &Env) -> Vec<String> {
    let of_env = var(env, &format!("{prefix}ACCESS_CONTROL_ALLOW_ORIGIN")).unwrap_or_default();
    let of_env = of_env.split(',').map(|origin| origin.trim().to_string());
    let given = args.browsers.allowed_origins.iter().cloned();
    given.chain(of_env).filter(|origin| !origin.is_empty()).collect()
}

/// Where the registry's log is. Who names brokers in Confluent's environment has it on Kafka: another
/// place would be an empty registry.
fn store(args: &ServeArgs, env: &Env) -> Result<Store, String> {
    if let Some(store) = args.store {
        return Ok(store);
    }
    if !args.roles.contains(&Role::Registry) {
        return Ok(Store::Sled);
    }
    let brokers = format!("{}BOOTSTRAP_SERVERS", kafkastore::PREFIX);
    if var(env, &brokers).is_some() {
        return Ok(Store::Kafka);
    }
    let is_about_kafka = |name: &&String| {
        name.starts_with(kafkastore::PREFIX)
            && var(env, name).is_some()
            && !args.ignore_settings.contains(name)
    };
    match env.keys().find(is_about_kafka) {
        Some(name) => Err(format!(
            "{name} is set, so the registry's log seems to be on Kafka, and there is no address: say {brokers}, or \
             --store sled for a registry that begins empty"
        )),
        None => Ok(Store::Sled),
    }
}

fn options(args: &ServeArgs, env: &Env) -> Result<Options, String> {
    let default = Options::default();
    // the old name wins, as in the reference
    let names =
        ["SCHEMA_REGISTRY_AVRO_COMPATIBILITY_LEVEL", "SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL"];
    let level = names.into_iter().find_map(|name| Some((name, var(env, name)?)));
    let default_level = match level {
        None => default.default_level,
        Some((name, level)) => level.parse::<CompatibilityLevel>().map_err(|_| {
            format!(
                "{name}: {level} is not a compatibility level: expected none, backward, forward, full, \
                 backward_transitive, forward_transitive or full_transitive"
            )
        })?,
    };
    let limit = number(env, "SCHEMA_REGISTRY_SIZE_LIMIT_FILTER_MAX_REQUEST_BODY_SIZE")?;
    let body_bytes_max = match flag(env, "SCHEMA_REGISTRY_SIZE_LIMIT_FILTER_ENABLED")? {
        Some(true) => limit.unwrap_or(CONFLUENT_BODY_BYTES_MAX).min(default.body_bytes_max),
        _ => default.body_bytes_max,
    };
    Ok(Options {
        default_level,
        mode_mutable: flag(env, "SCHEMA_REGISTRY_MODE_MUTABILITY")?.unwrap_or(true),
        reject_empty_subject: flag(env, "SCHEMA_REGISTRY_SCHEMA_REJECT_EMPTY_SUBJECT")?
            .unwrap_or(false),
        body_bytes_max,
        request_limits: Limits { steps: args.request_steps_max, bytes: args.request_bytes_max },
    })
}

/// Consumer instances that have a client of Kafka at once.
fn instances_connected(env: &Env) -> Result<Option<usize>, String> {
    const NAME: &str = "KAFKA_REST_CONSUMER_INSTANCES_CONNECTED";
    let count: Option<usize> = number(env, NAME)?;
    match count {
        Some(0) => Err(format!("{NAME}: expected 1 or more, found 0")),
        count => Ok(count),
    }
}

/// Those of the environment count only where it says that there are some, as in the reference.
fn rate_limits(args: &ServeArgs, env: &Env) -> Result<RateLimits, String> {
    let enabled = flag(env, &format!("{RATE_LIMIT}ENABLED"))?.unwrap_or(false);
    let limit = |given: Option<u32>, name: &str| match given {
        None if enabled => number(env, &format!("{RATE_LIMIT}{name}")),
        given => Ok(given),
    };
    Ok(RateLimits {
        requests_per_s: limit(args.rate_limit_requests_per_sec, "MAX_REQUESTS_PER_SEC")?,
        bytes_per_s: limit(args.rate_limit_bytes_per_sec, "MAX_BYTES_PER_SEC")?,
    })
}

/// Where Kafka is for the proxy, and for a registry that is told nothing else. `librdkafka`: what all
/// clients are told.
fn kafka(
    args: &ServeArgs,
    env: &Env,
    mut librdkafka: BTreeMap<String, String>,
) -> Result<weir_kafka::Settings, String> {
    let of_proxy = var(env, "KAFKA_REST_BOOTSTRAP_SERVERS");
    let (setting, servers) = match (&args.bootstrap_servers, of_proxy) {
        (Some(servers), _) => ("--bootstrap-servers", servers.as_str()),
        (None, Some(servers)) => ("KAFKA_REST_BOOTSTRAP_SERVERS", servers),
        (None, None) => {
            let name = "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS";
            let Some(servers) = var(env, name) else {
                return Ok(weir_kafka::Settings { bootstrap_servers: String::new(), librdkafka });
            };
            // the cluster is the registry's, and so is the way to it
            let mut of_registry = kafkastore::security(env)?;
            of_registry.extend(librdkafka);
            librdkafka = of_registry;
            (name, servers)
        }
    };
    with_addresses(setting, servers, librdkafka)
}

/// Addresses, with the protocol that they name where nothing else does.
pub fn with_addresses(
    setting: &str,
    servers: &str,
    mut librdkafka: BTreeMap<String, String>,
) -> Result<weir_kafka::Settings, String> {
    let said = librdkafka.get("security.protocol").map(String::as_str);
    let addresses = Addresses::read(setting, servers, said.filter(|said| !said.is_empty()))?;
    if !addresses.left_out.is_empty() {
        let servers = addresses.left_out.join(", ");
        tracing::warn!(servers, "{setting}: addresses of another protocol are left out");
    }
    if let Some(protocol) = addresses.protocol {
        librdkafka.insert("security.protocol".to_string(), protocol);
    }
    Ok(weir_kafka::Settings { bootstrap_servers: addresses.servers, librdkafka })
}

/// What `--kafka` says, each time that it is given.
pub fn kafka_flags(given: &[String]) -> Result<BTreeMap<String, String>, String> {
    let setting = |setting: &String| {
        // what is no name may be a password
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let (name, value) = setting.split_once('=').ok_or_else(|| {
            let name = setting.split(|c| !is_name(c)).next().unwrap_or_default();
            format!("--kafka {name}: expected NAME=VALUE")
        })?;
        Ok((name.to_string(), value.to_string()))
    };
    given.iter().map(setting).collect()
}

/// The file that a flag names.
pub fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
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
        let env = env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Settings::new(&args, &env)
    }

    const STORE: &str = "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS";

    #[test]
    fn confluents_environment_is_understood() {
        let env = [
            ("SCHEMA_REGISTRY_LISTENERS", "http://0.0.0.0:18081,http://0.0.0.0:18082"),
            (STORE, "SASL_SSL://kafka:9092"),
            ("KAFKA_REST_CLIENT_SECURITY_PROTOCOL", "SASL_SSL"),
            ("KAFKA_REST_SCHEMA_REGISTRY_URL", "http://sr:8081"),
        ];
        let settings = settings(&[], &env).unwrap();
        let listeners: Vec<_> =
            settings.registry.listeners.iter().map(|l| l.address.to_string()).collect();
        assert_eq!(listeners, ["0.0.0.0:18081", "0.0.0.0:18082"]);
        assert_eq!(settings.kafka.bootstrap_servers, "kafka:9092");
        assert_eq!(settings.kafka.librdkafka["security.protocol"], "sasl_ssl");
        assert_eq!(settings.schema_registry_url.unwrap(), "http://sr:8081");
        assert_eq!(settings.store, Store::Kafka);
    }

    #[test]
    fn the_store_is_where_the_environment_has_it() {
        let registry = ["--roles", "registry"];
        let store = |flags: &[&str], env: &[(&str, &str)]| {
            settings(&[&registry[..], flags].concat(), env).map(|settings| settings.store)
        };
        assert_eq!(store(&[], &[]), Ok(Store::Sled));
        assert_eq!(store(&[], &[(STORE, "k:9092")]), Ok(Store::Kafka));
        assert_eq!(store(&["--store", "memory"], &[(STORE, "k:9092")]), Ok(Store::Memory));
        assert_eq!(store(&["--bootstrap-servers", "k:9092"], &[]), Ok(Store::Sled));
        let topic = ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC", "_schemas");
        let error = store(&[], &[topic]).unwrap_err();
        assert!(error.contains(topic.0) && error.contains("--store sled"), "{error}");
        assert_eq!(store(&["--store", "sled"], &[topic]), Ok(Store::Sled));
        let zookeeper = ("SCHEMA_REGISTRY_KAFKASTORE_CONNECTION_URL", "zk:2181");
        let error = store(&[], &[zookeeper]).unwrap_err();
        assert!(error.contains("ZooKeeper") && error.contains(STORE), "{error}");
    }

    #[test]
    fn what_confluents_registry_is_told_of_its_behaviour_counts() {
        let options = |env: &[(&str, &str)]| {
            settings(&["--roles", "registry"], env).map(|settings| settings.options)
        };
        let found = options(&[
            ("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL", "full_transitive"),
            ("SCHEMA_REGISTRY_MODE_MUTABILITY", "False"),
            ("SCHEMA_REGISTRY_SCHEMA_REJECT_EMPTY_SUBJECT", "true"),
            ("SCHEMA_REGISTRY_SIZE_LIMIT_FILTER_ENABLED", "true"),
        ]);
        let found = found.unwrap();
        assert_eq!(found.default_level, CompatibilityLevel::FullTransitive);
        assert!(!found.mode_mutable && found.reject_empty_subject);
        assert_eq!(found.body_bytes_max, 1024 * 1024);
        let both = [
            ("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL", "full"),
            ("SCHEMA_REGISTRY_AVRO_COMPATIBILITY_LEVEL", "none"),
        ];
        assert_eq!(options(&both).unwrap().default_level, CompatibilityLevel::None);
        for wrong in [
            ("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL", "sideways"),
            ("SCHEMA_REGISTRY_MODE_MUTABILITY", "perhaps"),
        ] {
            assert!(options(&[wrong]).unwrap_err().contains(wrong.0));
        }
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
        let on = ("KAFKA_REST_API_V3_PRODUCE_RATE_LIMIT_ENABLED", "TRUE");
        let env = [kafka, (&limit.0, limit.1), on];
        assert_eq!(settings(&[], &env).unwrap().rate_limits.requests_per_s, Some(7));
        let flags = ["--rate-limit-requests-per-sec", "8"];
        assert_eq!(settings(&flags, &env).unwrap().rate_limits.requests_per_s, Some(8));
    }

    #[test]
    fn a_server_has_the_names_that_it_is_given_and_advertised_by() {
        let env = [
            ("SCHEMA_REGISTRY_LISTENERS", "http://localhost:8081,http://[::1]:8085/"),
            ("SCHEMA_REGISTRY_HOST_NAME", "sr"),
            (
                "SCHEMA_REGISTRY_ACCESS_CONTROL_ALLOW_ORIGIN",
                "https://a.example, https://*.b.example",
            ),
        ];
        let flags = [
            "--roles",
            "registry",
            "--allowed-host",
            "one.example,two.example:443",
            "--registry-advertised-url",
            "https://registry.example/",
            "--allowed-origin",
            "https://c.example",
        ];
        let face = settings(&flags, &env).unwrap().registry;
        let expected = [
            "one.example",
            "two.example:443",
            "registry.example",
            "sr",
            "localhost:8081",
            "[::1]:8085",
        ];
        let expected = expected.map(|host| host.parse::<AllowedHost>().unwrap());
        assert_eq!(face.allowed_hosts, expected);
        let origins = ["https://c.example", "https://a.example", "https://*.b.example"];
        assert_eq!(face.allowed_origins, origins);
    }

    #[test]
    fn instances_with_a_client_are_counted_by_flag_or_environment() {
        let name = "KAFKA_REST_CONSUMER_INSTANCES_CONNECTED";
        let kafka = ("KAFKA_REST_BOOTSTRAP_SERVERS", "a:1");
        let of = |flags: &[&str], value: &str| {
            let settings = settings(flags, &[kafka, (name, value)]);
            settings.map(|settings| settings.kafka_clients.instances_connected)
        };
        assert_eq!(of(&[], "7"), Ok(Some(7)));
        assert_eq!(of(&["--consumer-instances-connected", "8"], "7"), Ok(Some(8)));
        for wrong in ["0", "many", "-1"] {
            assert!(of(&[], wrong).unwrap_err().contains(name));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(settings(&[], &[]).unwrap_err().contains("--bootstrap-servers"));
        let wrong = ["--bootstrap-servers", "a:1", "--kafka", "novalue"];
        assert!(settings(&wrong, &[]).unwrap_err().contains("novalue"));
        let wrong = ["--bootstrap-servers", "a:1", "--kafka", "sasl.password hunter2"];
        let error = settings(&wrong, &[]).unwrap_err();
        assert!(error.contains("sasl.password") && !error.contains("hunter2"), "{error}");
        let env =
            [("SCHEMA_REGISTRY_LISTENERS", "everywhere"), ("KAFKA_REST_BOOTSTRAP_SERVERS", "a:1")];
        assert!(settings(&[], &env).unwrap_err().contains("everywhere"));
    }
}
