//! `weir dev`: registry, proxy and broker in one process, with what to try printed.
//!
//! The broker is librdkafka's mock cluster. It is reached over a socket, as any other, and a native
//! client can connect to it too.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use weir_http::{Limits, Shared, Site};
use weir_proxy::{Broker, BrokerConfig, EmbeddedBroker, Proxy, ProxyConfig};
use weir_registry::Registry;
use weir_registry::log::SledLog;
use weir_serde::RegistryClient;

use crate::cli::{BrowserArgs, DevArgs};
use crate::listen::{self, Hangups};
use crate::parts::Parts;

pub async fn run(args: DevArgs, _: Hangups) -> Result<(), String> {
    let limits = Limits::for_descriptors(weir_http::raise_descriptors());
    let shared = Arc::new(Shared::new(limits));
    let registry_listener = listen::bind(args.registry_listener, args.insecure)?;
    let proxy_listener = listen::bind(args.proxy_listener, args.insecure)?;
    let (registry_address, proxy_address) =
        (address(&registry_listener)?, address(&proxy_listener)?);
    let sites = [&registry_listener, &proxy_listener]
        .map(|listener| site(listener, &shared, &args.browsers));
    let log = SledLog::open_accepting(&args.data_dir, args.accept_loss_after);
    let log = log.map_err(|e| e.to_string())?;
    let registry = Registry::open(log).map_err(|e| e.to_string())?;
    let embedded = EmbeddedBroker::start().map_err(|e| format!("cannot embed a broker: {e}"))?;
    let brokers = embedded.bootstrap_servers().to_string();
    let broker = Broker::new(BrokerConfig {
        kafka: weir_kafka::Settings {
            bootstrap_servers: brokers.clone(),
            librdkafka: BTreeMap::new(),
        },
        embedded: Some(embedded),
    })
    .map_err(|e| e.to_string())?;
    let client =
        RegistryClient::new(&format!("http://{registry_address}")).map_err(|e| e.to_string())?;
    let proxy = Proxy::new(broker, client, ProxyConfig::default());

    let mut parts = Parts::default();
    let [of_registry, of_proxy] = sites;
    let service = weir_http::observed("registry", weir_registry::service(registry.clone()));
    parts.serve(registry_listener, of_registry?, None, service);
    parts.registry(registry);
    let service = weir_http::observed("proxy", weir_proxy::router(proxy.clone()));
    parts.serve(proxy_listener, of_proxy?, None, service);
    parts.proxy(proxy);
    let welcome = welcome(&registry_address, &proxy_address, &brokers, &args);
    let _ = std::io::stdout().write_all(welcome.as_bytes()); // nobody may be reading
    parts.run().await
}

fn address(listener: &tokio::net::TcpListener) -> Result<String, String> {
    listener.local_addr().map(|a| a.to_string()).map_err(|e| e.to_string())
}

fn site(
    listener: &tokio::net::TcpListener,
    shared: &Arc<Shared>,
    browsers: &BrowserArgs,
) -> Result<Arc<Site>, String> {
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let site = Site::new(shared.clone(), address, false);
    let site = site.allowing_hosts(&browsers.allowed_hosts);
    Ok(Arc::new(site.allowing_origins(&browsers.allowed_origins)))
}

const FLIGHT: &str = r#"{\"type\":\"record\",\"name\":\"Flight\",\"fields\":[{\"name\":\"origin\",\"type\":\"string\"},{\"name\":\"delay\",\"type\":\"int\"}]}"#;
const OTHER_FLIGHT: &str = r#"{\"type\":\"record\",\"name\":\"Flight\",\"fields\":[{\"name\":\"origin\",\"type\":\"string\"},{\"name\":\"delay\",\"type\":\"string\"}]}"#;

/// Addresses, limits, and five lines that work as they stand.
fn welcome(registry: &str, proxy: &str, brokers: &str, args: &DevArgs) -> String {
    let data = args.data_dir.display();
    let group = format!("http://{proxy}/consumers/readers");
    let me = format!("{group}/instances/me");
    let avro = "application/vnd.kafka.avro.v2+json";
    let v2 = "content-type: application/vnd.kafka.v2+json";
    format!(
        r#"weir dev is ready
  registry    http://{registry}   (kept in {data})
  REST proxy  http://{proxy}
  broker      {brokers}   (embedded, for development: memory only, the last 5 MiB of each partition, topics appear when produced to)

# register a schema
curl -s http://{registry}/subjects/flights-value/versions -H 'content-type: application/vnd.schemaregistry.v1+json' -d '{{"schema":"{FLIGHT}"}}'
# produce JSON as Avro
curl -s http://{proxy}/topics/flights -H 'content-type: {avro}' -d '{{"value_schema":"{FLIGHT}","records":[{{"value":{{"origin":"SFO","delay":14}}}}]}}'
# produce base64
curl -s http://{proxy}/topics/photos -H 'content-type: application/vnd.kafka.binary.v2+json' -d '{{"records":[{{"key":"U0ZP","value":"AAEC/w=="}}]}}'
# consume
curl -s {group} -H '{v2}' -d '{{"name":"me","format":"avro","auto.offset.reset":"earliest"}}' && curl -s {me}/subscription -H '{v2}' -d '{{"topics":["flights"]}}' && curl -s '{me}/records?timeout=10000' -H 'accept: {avro}'
# an incompatible schema is refused
curl -s http://{registry}/subjects/flights-value/versions -H 'content-type: application/vnd.schemaregistry.v1+json' -d '{{"schema":"{OTHER_FLIGHT}"}}'

"#
    )
}
