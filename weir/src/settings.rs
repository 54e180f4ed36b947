//! What the parts of `weir serve` are told: the settings that count, put together for each part.

use std::time::Duration;

use weir_proxy::{ClientSettings, ConsumerDefaults, RateLimits};
use weir_registry::{Limits, Options};

use crate::clusters::{Clusters, of_kind};
use crate::config::Surroundings;
use crate::config::problem::{Problem, Problems};
use crate::config::tree::Tree;
use crate::config::value::{Role, Store};
use crate::face::{Face, FaceSettings};
use crate::kafkastore;

/// What registry and proxy are told.
#[derive(Debug)]
pub struct Settings {
    pub registry: Face,
    pub proxy: Face,
    pub management: Face,
    pub store: Store,
    pub options: Options,
    pub clusters: Clusters,
    /// What the proxy's producers, consumers and questions about the cluster have beyond its cluster's settings.
    pub kafka_clients: ClientSettings,
    pub rate_limits: RateLimits,
    pub consumer_defaults: ConsumerDefaults,
}

impl Settings {
    /// Puts the settings together; all that is wrong among them is found.
    pub fn new(tree: &Tree, surroundings: &Surroundings) -> Result<Settings, Problems> {
        let mut problems = Vec::new();
        let clusters = Clusters::new(tree).unwrap_or_else(|problem| {
            problems.push(problem);
            Clusters::default()
        });
        problems.extend(clusters.problems.iter().cloned());
        let registry = FaceSettings::of_registry(tree, surroundings).face(&mut problems);
        let proxy = FaceSettings::of_proxy(tree, surroundings).face(&mut problems);
        let management = FaceSettings::of_management(tree).face(&mut problems);
        let settings = Settings {
            registry,
            proxy,
            management,
            store: store(tree),
            options: options(tree),
            clusters,
            kafka_clients: ClientSettings {
                instances_connected: *tree.proxy.consumer_instances_connected,
                producer: of_kind(&tree.proxy.producer, tree),
                consumer: of_kind(&tree.proxy.consumer, tree),
                admin: of_kind(&tree.proxy.admin, tree),
                trace_records: *tree.proxy.produce_traceparent,
            },
            consumer_defaults: consumer_defaults(tree),
            rate_limits: RateLimits {
                requests_per_s: *tree.proxy.rate_limit_requests_per_sec,
                bytes_per_s: *tree.proxy.rate_limit_bytes_per_sec,
            },
        };
        settings.complete(tree, surroundings, &mut problems);
        if problems.is_empty() { Ok(settings) } else { Err(Problems::new(problems)) }
    }

    /// Finds what is missing.
    fn complete(&self, tree: &Tree, surroundings: &Surroundings, problems: &mut Vec<Problem>) {
        let runs = |role| tree.process.roles.contains(&role);
        if runs(Role::Proxy) && self.clusters.proxy.bootstrap_servers.is_empty() {
            problems.push(Problem::missing(
                "the proxy needs --bootstrap-servers (or `weir dev`, which embeds a broker)",
            ));
        }
        if runs(Role::Registry) && self.store == Store::Kafka {
            if self.clusters.log.bootstrap_servers.is_empty() {
                problems.push(Problem::missing("--store kafka needs --bootstrap-servers"));
            }
            let assumed = kafkastore::assumed(&self.registry.listeners);
            let url = kafkastore::advertised_url(tree, surroundings, &assumed);
            problems.extend(url.err());
        }
    }
}

/// Where the registry's log is: who names brokers for the registry has it there, since another place would be an
/// empty registry.
pub fn store(tree: &Tree) -> Store {
    let implied = match tree.registry.bootstrap_servers.is_some() {
        true => Store::Kafka,
        false => Store::Sled,
    };
    match tree.process.roles.contains(&Role::Registry) {
        true => tree.registry.store.value.unwrap_or(implied),
        false => tree.registry.store.value.unwrap_or(Store::Sled),
    }
}

fn options(tree: &Tree) -> Options {
    let registry = &tree.registry;
    Options {
        default_level: *registry.compatibility_level,
        mode_mutable: *registry.mode_mutable,
        reject_empty_subject: *registry.reject_empty_subject,
        body_bytes_max: *registry.body_bytes_max,
        request_limits: Limits {
            steps: *registry.request_steps_max,
            bytes: *registry.request_bytes_max,
        },
    }
}

fn consumer_defaults(tree: &Tree) -> ConsumerDefaults {
    let proxy = &tree.proxy;
    // 0 is -1 in the proxy's API
    let min_bytes =
        proxy.consumer_fetch_min_bytes.map(|bytes| if bytes == 0 { -1 } else { bytes.into() });
    ConsumerDefaults {
        min_bytes,
        request_timeout: Duration::from_millis(*proxy.consumer_request_timeout_ms),
        request_bytes_max: *proxy.consumer_request_bytes_max,
    }
}

/// How long a consumer instance may be left alone.
pub fn consumer_instance_timeout(tree: &Tree) -> Duration {
    Duration::from_millis(*tree.proxy.consumer_instance_timeout_ms)
}

#[cfg(test)]
mod tests {
    use weir_http::AllowedHost;
    use weir_registry_api::CompatibilityLevel;

    use super::*;
    use crate::config::Configuration;
    use crate::config::tests::{env, flags};

    fn configured(given: &[&str], vars: &[(&str, &str)]) -> Result<Configuration, String> {
        Configuration::of_serve(&flags(given), &env(vars)).map_err(|error| error.to_string())
    }

    fn settings(given: &[&str], vars: &[(&str, &str)]) -> Result<Settings, String> {
        configured(given, vars).map(|configuration| configuration.settings)
    }

    const STORE: &str = "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS";

    #[test]
    fn confluents_environment_is_understood() {
        let env = [
            ("SCHEMA_REGISTRY_LISTENERS", "http://0.0.0.0:18081,http://0.0.0.0:18082"),
            (STORE, "SASL_SSL://kafka:9092"),
            ("KAFKA_REST_CLIENT_SECURITY_PROTOCOL", "SASL_SSL"),
            ("SCHEMA_REGISTRY_KAFKASTORE_SASL_MECHANISM", "PLAIN"),
            ("KAFKA_REST_SCHEMA_REGISTRY_URL", "http://sr:8081"),
            ("HOSTNAME", "container"),
        ];
        let Configuration { tree, settings, .. } = configured(&[], &env).unwrap();
        let listeners: Vec<_> = settings
            .registry
            .listeners
            .iter()
            .map(|listener| listener.url.resolve().unwrap().to_string())
            .collect();
        assert_eq!(listeners, ["0.0.0.0:18081", "0.0.0.0:18082"]);
        assert_eq!(settings.clusters.proxy.bootstrap_servers, "kafka:9092");
        assert_eq!(settings.clusters.proxy.librdkafka["security.protocol"], "sasl_ssl");
        assert_eq!(tree.proxy.schema_registry_url.as_deref().unwrap(), "http://sr:8081");
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
        assert_eq!(settings.clusters.proxy.bootstrap_servers, "b:2");
        assert_eq!(settings.clusters.proxy.librdkafka["sasl.username"], "flag");
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
    fn a_setting_that_is_missing_or_wrong_is_named() {
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
