//! `weir dev`: registry, proxy and broker in one process, with what to try printed.
//!
//! The broker is librdkafka's mock cluster. It is reached over a socket, as any other, and a native
//! client can connect to it too.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use weir_http::{Limits, Shared};
use weir_proxy::{Broker, BrokerConfig, EmbeddedBroker, Proxy, ProxyConfig};
use weir_registry::Registry;
use weir_registry::log::SledLog;
use weir_serde::RegistryClient;

use crate::admission::Access;
use crate::config::Surroundings;
use crate::config::problem::Problems;
use crate::config::tree::Tree;
use crate::config::value::Role;
use crate::error::Error;
use crate::face::FaceSettings;
use crate::health;
use crate::listen::{Hangups, StopSignals};
use crate::listeners::Listener;
use crate::metrics;
use crate::otlp::Telemetry;
use crate::parts::Parts;
use crate::served::{Served, ServiceKind};
use crate::tls::Certificates;
use crate::version;

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
    let registry = registry(&tree)?;
    let embedded = EmbeddedBroker::start().map_err(|error| Error::Embedded(error.to_string()))?;
    let brokers = embedded.bootstrap_servers().to_string();
    let url = |role| served.listeners(role).first().map(Listener::url).unwrap_or_default();
    let (registry_url, proxy_url) = (url(Role::Registry), url(Role::Proxy));
    let proxy = proxy(embedded, &registry_url)?;

    let (version, pid) = (version::LONG, std::process::id());
    tracing::info!(pid, "weir {version} starts for development");
    health::begin(&shared, &access);
    if *tree.process.api_docs {
        shared.serve_api_docs(weir_openapi::api_docs());
    }
    health::watch_registry(&shared, &registry);
    health::watch_proxy(&shared, &proxy, Some(registry.clone()));
    let mut parts = Parts::new(shared.clone(), &tree);
    let management = served.manage(&tree, &mut parts);
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
    let welcome = welcome(&registry_url, &proxy_url, &brokers, &tree);
    let _ = std::io::stdout().write_all(welcome.as_bytes()); // nobody may be reading
    parts.run(signals).await
}

fn registry(tree: &Tree) -> Result<Registry, Error> {
    let (folder, loss) = (&tree.registry.data_dir, *tree.registry.accept_loss_after);
    let log = SledLog::open_accepting(folder, loss).map_err(Error::Log)?;
    Registry::open(log).map_err(Error::Registry)
}

fn proxy(embedded: EmbeddedBroker, registry_url: &str) -> Result<Proxy, Error> {
    let kafka = weir_kafka::Settings {
        bootstrap_servers: embedded.bootstrap_servers().to_string(),
        librdkafka: BTreeMap::new(),
    };
    let broker = Broker::new(BrokerConfig { kafka, embedded: Some(embedded) })
        .map_err(|error| Error::Kafka(weir_kafka::refusal(&error)))?;
    let client = RegistryClient::new(registry_url).map_err(Error::RegistryClient)?;
    Ok(Proxy::new(broker, client, ProxyConfig::default()))
}

const FLIGHT: &str = r#"{\"type\":\"record\",\"name\":\"Flight\",\"fields\":[{\"name\":\"origin\",\"type\":\"string\"},{\"name\":\"delay\",\"type\":\"int\"}]}"#;
const OTHER_FLIGHT: &str = r#"{\"type\":\"record\",\"name\":\"Flight\",\"fields\":[{\"name\":\"origin\",\"type\":\"string\"},{\"name\":\"delay\",\"type\":\"string\"}]}"#;

/// Addresses, limits, and five lines that work as they stand.
fn welcome(registry: &str, proxy: &str, brokers: &str, tree: &Tree) -> String {
    let data = tree.registry.data_dir.display();
    let group = format!("{proxy}/consumers/readers");
    let me = format!("{group}/instances/me");
    let avro = "application/vnd.kafka.avro.v2+json";
    let v2 = "content-type: application/vnd.kafka.v2+json";
    format!(
        r#"weir dev is ready
  registry    {registry}   (kept in {data})
  REST proxy  {proxy}
  broker      {brokers}   (embedded, for development: memory only, the last 5 MiB of each partition, topics appear when produced to)

# register a schema
curl -s {registry}/subjects/flights-value/versions -H 'content-type: application/vnd.schemaregistry.v1+json' -d '{{"schema":"{FLIGHT}"}}'
# produce JSON as Avro
curl -s {proxy}/topics/flights -H 'content-type: {avro}' -d '{{"value_schema":"{FLIGHT}","records":[{{"value":{{"origin":"SFO","delay":14}}}}]}}'
# produce base64
curl -s {proxy}/topics/photos -H 'content-type: application/vnd.kafka.binary.v2+json' -d '{{"records":[{{"key":"U0ZP","value":"AAEC/w=="}}]}}'
# consume
curl -s {group} -H '{v2}' -d '{{"name":"me","format":"avro","auto.offset.reset":"earliest"}}' && curl -s {me}/subscription -H '{v2}' -d '{{"topics":["flights"]}}' && curl -s '{me}/records?timeout=10000' -H 'accept: {avro}'
# an incompatible schema is refused
curl -s {registry}/subjects/flights-value/versions -H 'content-type: application/vnd.schemaregistry.v1+json' -d '{{"schema":"{OTHER_FLIGHT}"}}'

"#
    )
}
