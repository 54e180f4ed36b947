//! What a registry whose log is on Kafka is told: where the log is, and who this node is among the others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use weir_http::Certificate;
use weir_registry::NodeConfig;
use weir_registry::log::KafkaConfig;

use crate::clusters::more;
use crate::config::Surroundings;
use crate::config::problem::Problem;
use crate::config::source::Source;
use crate::config::tree::Tree;
use crate::config::value::Scheme;
use crate::error::Error;
use crate::face::FaceListener;
use crate::files::{read_secret, trusted_by_clients};
use crate::listeners::{Host, Listener};

/// Where the log is and how it is written.
pub fn log(tree: &Tree, kafka: &weir_kafka::Settings) -> KafkaConfig {
    let registry = &tree.registry;
    let configs = registry.schemas_topic_config.iter();
    let mut log = KafkaConfig::new(kafka.clone());
    log.topic.clone_from(&registry.schemas_topic);
    log.group.clone_from(&registry.group);
    log.topic_configs = configs.map(|(name, text)| (name.clone(), text.text.clone())).collect();
    log.replication_factor =
        i16::try_from(*registry.schemas_topic_replication_factor).unwrap_or(i16::MAX);
    log.init_timeout = Duration::from_millis((*registry.kafka_init_timeout_ms).into());
    log.fenced = !*registry.unfenced;
    log.beside_other_registries = *registry.beside_other_registries;
    log.skip_topic_validation = *registry.skip_topic_validation;
    log
}

/// What this node tells the others of itself. `listeners` are where it listens; `certificate` is what https ones show.
pub fn node(
    tree: &Tree,
    surroundings: &Surroundings,
    listeners: &[Listener],
    certificate: Option<Arc<Certificate>>,
) -> Result<NodeConfig, Error> {
    let advertised_url = advertised_url(tree, surroundings, listeners)
        .map_err(|problem| Error::Settings(problem.into()))?;
    let ca_pem = trusted_by_clients(tree)?.map(String::into_bytes);
    let secret = tree.registry.node_secret.as_deref().map(read_secret).transpose()?;
    let secret = secret.unwrap_or_default();
    Ok(NodeConfig {
        advertised_url,
        eligible: !*tree.registry.never_lead,
        ca_pem,
        certificate,
        secret,
    })
}

/// Listeners as they may be once they are open, before any is: names are taken for addresses of this machine.
pub fn assumed(listeners: &[FaceListener]) -> Vec<Listener> {
    let assumed = |listener: &FaceListener| {
        let ip = match &listener.url.host {
            Host::Address(ip) => *ip,
            Host::All => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            Host::Name(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
        };
        let address = SocketAddr::new(ip, listener.url.port);
        Listener { address, https: listener.https, prefix: listener.url.prefix.clone() }
    };
    listeners.iter().map(assumed).collect()
}

/// Where the other nodes reach this one: what is said, else the listener that they are told, with a name if there is
/// one.
pub fn advertised_url(
    tree: &Tree,
    surroundings: &Surroundings,
    listeners: &[Listener],
) -> Result<String, Problem> {
    let registry = &tree.registry;
    let listener = told_to_nodes(tree, listeners)?;
    let said = more(&registry.advertised_url, &registry.host_name);
    let url = match said {
        Some(said) if said == &registry.advertised_url => {
            said.as_deref().unwrap_or_default().trim_end_matches('/').to_string()
        }
        said => of_listener(tree, said.and_then(|said| said.as_deref()), surroundings, &listener)?,
    };
    let source = said.map_or(&Source::Default, |said| &said.source);
    let parsed = reqwest::Url::parse(&url).ok();
    if parsed.as_ref().is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
        let text =
            "registry.advertised_url: everybody can read it: it must not have a user or a password";
        return Err(Problem::at(source, text));
    }
    if parsed.is_none_or(|url| !["http", "https"].contains(&url.scheme())) {
        let text = format!(
            "the other nodes cannot reach this one at {url}: expected http://host:port or https://host:port"
        );
        return Err(Problem::at(source, text));
    }
    Ok(url)
}

fn of_listener(
    tree: &Tree,
    host_name: Option<&str>,
    surroundings: &Surroundings,
    listener: &Listener,
) -> Result<String, Problem> {
    let (scheme, address, prefix) = (listener.scheme(), listener.address, &listener.prefix);
    let unspecified = address.ip().is_unspecified();
    let host = host_name.or(surroundings.hostname.as_deref().filter(|_| unspecified));
    let port = tree.registry.host_port.value.unwrap_or(address.port());
    match host {
        Some(host) => Ok(format!("{scheme}://{host}:{port}{prefix}")),
        None if unspecified => Err(Problem::missing(
            "the other nodes need a name for this one: --registry-advertised-url, or \
             SCHEMA_REGISTRY_HOST_NAME",
        )),
        None => Ok(listener.url()),
    }
}

/// Which listener the other nodes are told: the last of the protocol that is wanted, http unless another is
/// said or there is none.
fn told_to_nodes(tree: &Tree, listeners: &[Listener]) -> Result<Listener, Problem> {
    let last = |https: bool| listeners.iter().rev().find(|listener| listener.https == https);
    let wanted = &tree.registry.inter_instance_protocol;
    let found = match wanted.value {
        Some(scheme) => last(scheme == Scheme::Https),
        None => last(false).or_else(|| last(true)),
    };
    found.cloned().ok_or_else(|| match wanted.value {
        Some(_) => Problem::at(
            &wanted.source,
            "there is no listener of this protocol (registry.listeners, SCHEMA_REGISTRY_LISTENERS)",
        ),
        None => Problem::missing("registry.listeners: there is no listener"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;
    use crate::config::tests::{env, flags};

    /// A registry on Kafka, with these settings.
    fn configured(given: &[&str], vars: &[(&str, &str)]) -> Result<Configuration, String> {
        let all = ["--roles", "registry", "--store", "kafka"].iter().chain(given);
        let all: Vec<&str> = all.copied().collect();
        Configuration::of_serve(&flags(&all), &env(vars)).map_err(|error| error.to_string())
    }

    /// The URL that the other nodes are told, of a registry with these listeners.
    fn url(
        given: &[&str],
        vars: &[(&str, &str)],
        listeners: &[Listener],
    ) -> Result<String, String> {
        let kafka = ["--bootstrap-servers", "a:1"];
        let tls = ["--registry-tls-cert", "a", "--registry-tls-key", "a"];
        let configuration = configured(&[&kafka[..], &tls, given].concat(), vars)?;
        let (tree, surroundings) = (&configuration.tree, &configuration.surroundings);
        advertised_url(tree, surroundings, listeners).map_err(|problem| problem.to_string())
    }

    fn at(address: &str) -> Vec<Listener> {
        vec![Listener { address: address.parse().unwrap(), https: false, prefix: String::new() }]
    }

    #[test]
    fn confluents_environment_is_understood() {
        let jaas = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="a b";"#;
        let vars = [
            ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "PLAINTEXT://p:1,SASL_SSL://k:9092"),
            ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC", "_other"),
            ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC_CONFIG_MIN_INSYNC_REPLICAS", "2"),
            ("SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR", "2"),
            ("SCHEMA_REGISTRY_KAFKASTORE_SECURITY_PROTOCOL", "SASL_SSL"),
            ("SCHEMA_REGISTRY_KAFKASTORE_SASL_MECHANISM", "PLAIN"),
            ("SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG", jaas),
            ("SCHEMA_REGISTRY_HOST_NAME", "registry-1"),
            ("SCHEMA_REGISTRY_LEADER_ELIGIBILITY", "False"),
        ];
        let configuration = configured(&[], &vars).unwrap();
        let tree = &configuration.tree;
        let log = log(tree, &configuration.settings.clusters.log);
        assert_eq!(log.kafka.bootstrap_servers, "k:9092");
        assert_eq!((log.topic.as_str(), log.replication_factor), ("_other", 2));
        assert_eq!(log.kafka.librdkafka["security.protocol"], "sasl_ssl");
        let configs = [("min.insync.replicas".to_string(), "2".to_string())];
        assert_eq!(log.topic_configs, configs);
        assert_eq!(log.kafka.librdkafka["sasl.username"], "me");
        let node = node(tree, &configuration.surroundings, &at("0.0.0.0:8081"), None).unwrap();
        assert_eq!(node.advertised_url, "http://registry-1:8081");
        assert!(!node.eligible);
    }

    #[test]
    fn a_wrong_setting_of_the_log_is_named() {
        let brokers = ["--bootstrap-servers", "a:1"];
        let store = [("SCHEMA_REGISTRY_KAFKASTORE_SSL_TRUSTSTORE_LOCATION", "/no/a.jks")];
        assert!(configured(&brokers, &store).unwrap_err().contains("/no/a.jks: No such file"));
        let number = [("SCHEMA_REGISTRY_KAFKASTORE_INIT_TIMEOUT_MS", "soon")];
        assert!(configured(&brokers, &number).unwrap_err().contains("soon"));
        assert!(configured(&[], &[]).unwrap_err().contains("--bootstrap-servers"));
    }

    #[test]
    fn other_nodes_need_an_address_of_this_one() {
        let everywhere = at("0.0.0.0:8081");
        let error = url(&[], &[], &everywhere).unwrap_err();
        assert!(error.contains("--registry-advertised-url"), "{error}");
        for wrong in ["nonsense", "registry-1:8081", "ftp://registry-1", "http://", "http://a b"] {
            let error = url(&["--registry-advertised-url", wrong], &[], &everywhere).unwrap_err();
            assert!(error.contains(wrong.trim_end_matches('/')), "{error}");
        }
    }

    #[test]
    fn the_nodes_are_told_the_listener_that_they_are_to_use() {
        let listener = |port, https| Listener {
            address: ([127, 0, 0, 1], port).into(),
            https,
            prefix: String::new(),
        };
        let all = [listener(1, false), listener(2, true), listener(3, false)];
        let url = |vars: &[(&str, &str)], listeners: &[Listener]| {
            // the listeners of the settings are open to all
            url(&["--registry-listener", "http://127.0.0.1:1,https://127.0.0.1:2"], vars, listeners)
        };
        assert_eq!(url(&[], &all).unwrap(), "http://127.0.0.1:3");
        let https = ("SCHEMA_REGISTRY_INTER_INSTANCE_PROTOCOL", "https");
        assert_eq!(url(&[https], &all).unwrap(), "https://127.0.0.1:2");
        assert_eq!(url(&[], &all[1..2]).unwrap(), "https://127.0.0.1:2");
        assert!(url(&[https], &all[..1]).unwrap_err().contains("LISTENERS"));
        let host = [("SCHEMA_REGISTRY_HOST_NAME", "sr"), ("SCHEMA_REGISTRY_HOST_PORT", "9")];
        assert_eq!(url(&host, &all).unwrap(), "http://sr:9");
    }

    #[test]
    fn an_address_with_a_password_is_not_told() {
        let advertised = ["--registry-advertised-url", "http://me:hunter2@sr:8081"];
        let error = url(&advertised, &[], &at("127.0.0.1:1")).unwrap_err();
        assert!(error.contains("password") && !error.contains("hunter2"), "{error}");
    }
}
