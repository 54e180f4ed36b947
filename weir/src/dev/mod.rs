//! `weir dev`: registry, proxy and broker in one process, with what to try printed.
//!
//! The broker is one of our own, for development. It is reached over a socket, as any other, and any client of Kafka can
//! connect to it too.

mod broker;
pub mod faults;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use weir_broker::Faults;
use weir_http::{Limits, Shared};
use weir_proxy::{Broker, Proxy, ProxyConfig};
use weir_registry::log::{MemoryLog, SledLog};
use weir_registry::{NodeConfig, Options, Registry};
use weir_serde::RegistryClient;

use crate::admission::Access;
use crate::config::Surroundings;
use crate::config::problem::Problems;
use crate::config::tree::Tree;
use crate::config::value::{Role, Store};
use crate::error::Error;
use crate::face::FaceSettings;
use crate::health;
use crate::kafkastore;
use crate::listen::{Hangups, StopSignals};
use crate::listeners::Listener;
use crate::log;
use crate::metrics;
use crate::otlp::Telemetry;
use crate::parts::Parts;
use crate::served::{Served, ServiceKind};
use crate::tls::Certificates;
use crate::version;
use broker::{DevBroker, topics_folder};

#[cfg(test)]
pub use broker::faults_of_toml;

/// Runs until the process is told to stop.
pub async fn run(tree: Tree, hangups: Hangups) -> Result<(), Error> {
    let limits = Limits {
        slow_request: Duration::from_millis(*tree.process.slow_request_ms),
        ..Limits::for_descriptors(weir_http::raise_descriptors())
    };
    // from here on, whoever stops the process has it drain
    let signals = StopSignals::new()?;
    let shared = Arc::new(Shared::new(limits));
    metrics::add_process(&shared);
    let mut problems = Vec::new();
    let surroundings = Surroundings::default();
    let of_registry = FaceSettings::of_registry(&tree, &surroundings).face(&mut problems);
    let of_proxy = FaceSettings::of_proxy(&tree, &surroundings).face(&mut problems);
    let of_management = FaceSettings::of_management(&tree).face(&mut problems);
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    let mut certificates = Certificates::new(&shared, &hangups);
    let faces = [
        (ServiceKind::Registry, &of_registry),
        (ServiceKind::Proxy, &of_proxy),
        (ServiceKind::Management, &of_management),
    ];
    let access = Access::none()?;
    let mut served = Served::open(&faces, &tree, &shared, &access, &mut certificates)?;
    let dev = broker::start(&tree).await?;
    let url = |role| served.listeners(role).first().map(Listener::url).unwrap_or_default();
    let (registry_url, proxy_url) = (url(Role::Registry), url(Role::Proxy));
    let proxy = proxy(&dev, &registry_url)?;

    let (version, pid) = (version::LONG, std::process::id());
    tracing::info!(pid, "weir {version} starts for development");
    health::begin(&shared, &access);
    if *tree.process.api_docs {
        shared.serve_api_docs(weir_openapi::api_docs());
    }
    let mut parts = Parts::new(shared.clone(), &tree);
    let registry = registry(&tree, &dev, &registry_url, &mut parts)?;
    health::watch_registry(&shared, &registry);
    health::watch_proxy(&shared, &proxy, Some(registry.clone()));
    let listeners = served.listeners(ServiceKind::Management);
    let faults = changeable_faults(&dev, &listeners);
    let management = served.manage(&tree, faults, &mut parts);
    parts.telemetry(Telemetry::start(&tree, management.service(), &shared)?);
    let service = weir_registry::service(registry.clone());
    management.measures(registry.clone());
    let service = weir_http::admitted("registry", service);
    let service = weir_http::observed("registry", service);
    served.carry_registry(&service, &mut parts);
    parts.registry(registry);
    let service = weir_proxy::router(proxy.clone());
    management.measures(proxy.clone());
    let service = weir_http::admitted("proxy", service);
    let service = weir_http::observed("proxy", service);
    served.carry(ServiceKind::Proxy, &service, &mut parts);
    parts.proxy(proxy);
    management.measures(dev.broker.clone());
    let welcome = welcome(&registry_url, &proxy_url, &dev, &tree);
    let _ = std::io::stdout().write_all(welcome.as_bytes()); // nobody may be reading
    let broker = dev.broker.clone();
    parts.start(async move {
        broker.stopped().await;
        Err(Error::BrokerStopped)
    });
    let ended = parts.run(signals).await;
    log::end_of_librdkafka();
    dev.broker.shutdown().await;
    ended
}

/// The faults, if only this machine can reach what changes them.
fn changeable_faults(dev: &DevBroker, management: &[Listener]) -> Option<Faults> {
    let is_here = management.iter().all(|listener| listener.address.ip().is_loopback());
    is_here.then(|| dev.broker.faults().clone())
}

/// The registry, whose log is on disk, in memory, or in a topic of the broker.
fn registry(tree: &Tree, dev: &DevBroker, url: &str, parts: &mut Parts) -> Result<Registry, Error> {
    match store(tree) {
        Store::Memory => Registry::open(MemoryLog::default()).map_err(Error::Registry),
        Store::Sled => {
            let (folder, loss) = (&tree.registry.data_dir, *tree.registry.accept_loss_after);
            let log = SledLog::open_accepting(folder, loss).map_err(Error::Log)?;
            Registry::open(log).map_err(Error::Registry)
        }
        Store::Kafka => {
            let log = kafkastore::log(tree, &kafka(dev));
            let node = NodeConfig {
                advertised_url: url.to_string(),
                eligible: true,
                ca_pem: None,
                certificate: None,
                secret: String::new(),
            };
            let (registry, reading) = Registry::join(log, node, Options::default());
            parts.start(async move { reading.await.map_err(Error::Registry) });
            Ok(registry)
        }
    }
}

/// Where the registry keeps its log.
fn store(tree: &Tree) -> Store {
    let unsaid = if *tree.process.ephemeral { Store::Memory } else { Store::Sled };
    tree.registry.store.value.unwrap_or(unsaid)
}

fn kafka(dev: &DevBroker) -> weir_kafka::Settings {
    weir_kafka::Settings {
        bootstrap_servers: dev.broker.bootstrap_servers(),
        librdkafka: BTreeMap::new(),
    }
}

fn proxy(dev: &DevBroker, registry_url: &str) -> Result<Proxy, Error> {
    let broker =
        Broker::new(kafka(dev)).map_err(|error| Error::Kafka(weir_kafka::refusal(&error)))?;
    let client = RegistryClient::new(registry_url).map_err(Error::RegistryClient)?;
    Ok(Proxy::new(broker, client, ProxyConfig::default()))
}

const FLIGHT: &str = r#"{\"type\":\"record\",\"name\":\"Flight\",\"fields\":[{\"name\":\"origin\",\"type\":\"string\"},{\"name\":\"delay\",\"type\":\"int\"}]}"#;
const OTHER_FLIGHT: &str = r#"{\"type\":\"record\",\"name\":\"Flight\",\"fields\":[{\"name\":\"origin\",\"type\":\"string\"},{\"name\":\"delay\",\"type\":\"string\"}]}"#;

/// Addresses, limits, and five lines that work as they stand.
fn welcome(registry: &str, proxy: &str, dev: &DevBroker, tree: &Tree) -> String {
    let schemas = match store(tree) {
        Store::Memory => "in memory: gone when it ends".to_string(),
        Store::Sled => format!("kept in {}", tree.registry.data_dir.display()),
        Store::Kafka => format!("kept in topic {} of the broker", *tree.registry.schemas_topic),
    };
    let topics = match topics_folder(tree) {
        Some(folder) => format!("kept in {}", folder.display()),
        None => "in memory: gone when it ends".to_string(),
    };
    let elsewhere = match dev.is_elsewhere {
        true => "; port 9092 is taken",
        false => "",
    };
    let brokers = dev.broker.bootstrap_servers();
    let login = match dev.broker.login_address() {
        Some(address) => {
            format!("\n              {address}   (the same, with a login: SASL_PLAINTEXT)")
        }
        None => String::new(),
    };
    let advertised = match &tree.broker.advertised_listener.value {
        Some(advertised) => {
            format!(
                "\n              {advertised}   (what clients on other machines are told to connect to)"
            )
        }
        None => String::new(),
    };
    let group = format!("{proxy}/consumers/readers");
    let me = format!("{group}/instances/me");
    let avro = "application/vnd.kafka.avro.v2+json";
    let v2 = "content-type: application/vnd.kafka.v2+json";
    format!(
        r#"weir dev is ready
  registry    {registry}   ({schemas})
  REST proxy  {proxy}
  broker      {brokers}   ({topics}; one node for development, for any client of Kafka{elsewhere}){advertised}{login}

# register a schema
curl -s {registry}/subjects/flights-value/versions -H 'content-type: application/vnd.schemaregistry.v1+json' -d '{{"schema":"{FLIGHT}"}}'
# produce JSON as Avro
curl -s {proxy}/topics/flights -H 'content-type: {avro}' -d '{{"value_schema":"{FLIGHT}","records":[{{"value":{{"origin":"SFO","delay":14}}}}]}}'
# produce base64
curl -s {proxy}/topics/photos -H 'content-type: application/vnd.kafka.binary.v2+json' -d '{{"records":[{{"key":"U0ZP","value":"AAEC/w=="}}]}}'
# consume
curl -s {group} -H '{v2}' -d '{{"name":"me","format":"avro","auto.offset.reset":"earliest"}}' && curl -s {me}/subscription -H '{v2}' -d '{{"topics":["flights"]}}' && curl -s '{me}/records?timeout=10000' -H 'accept: {avro}'; curl -s -X DELETE {me} -H '{v2}'
# an incompatible schema is refused
curl -s {registry}/subjects/flights-value/versions -H 'content-type: application/vnd.schemaregistry.v1+json' -d '{{"schema":"{OTHER_FLIGHT}"}}'

"#
    )
}
