//! `weir serve`: the registry, the proxy or both, against a real Kafka. It never falls back to the
//! embedded broker.

use weir_proxy::{Broker, BrokerConfig, Proxy, ProxyConfig};
use weir_registry::Registry;
use weir_registry::log::{MemoryLog, SledLog};
use weir_serde::RegistryClient;

use crate::cli::{Role, ServeArgs, Store};
use crate::kafkastore;
use crate::listen;
use crate::parts::Parts;
use crate::settings::{Settings, read_file};

pub async fn run(args: Box<ServeArgs>) -> Result<(), String> {
    let settings = Settings::new(&args, std::env::vars())?;
    settings.notes.iter().for_each(|note| tracing::warn!("{note}"));
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(listen::tls(cert, key)?),
        _ => None,
    };
    let mut parts = Parts::default();
    let mut registry_url = settings.schema_registry_url.clone();
    let scheme = if tls.is_some() { "https" } else { "http" };
    if args.roles.contains(&Role::Registry) {
        let listener = listen::bind(settings.registry_listener, args.insecure)?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let registry = match args.store {
            Store::Kafka => {
                let env = std::env::vars().collect();
                let log = kafkastore::log(&args, &env, &settings.kafka)?;
                let node = kafkastore::node(&args, &env, address)?;
                let (registry, reading) = Registry::join(log, node);
                parts.start(async move { reading.await.map_err(|e| e.to_string()) });
                registry
            }
            Store::Sled | Store::Memory => open(&args)?,
        };
        parts.serve(listener, tls.clone(), weir_registry::service(registry));
        // the proxy of this process reaches it by loopback's name, which certificates can have
        registry_url.get_or_insert_with(|| format!("{scheme}://localhost:{}", address.port()));
        tracing::info!("registry on {scheme}://{address}");
    }
    if args.roles.contains(&Role::Proxy) {
        let listener = listen::bind(settings.proxy_listener, args.insecure)?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let url = registry_url.ok_or("the proxy needs --schema-registry-url")?;
        let proxy = proxy(&args, settings, &url)?;
        parts.serve(listener, tls, weir_proxy::router(proxy.clone()));
        parts.proxy(proxy);
        tracing::info!("REST proxy on {scheme}://{address}, schemas from {url}");
    }
    parts.run().await
}

/// A registry of its own.
fn open(args: &ServeArgs) -> Result<Registry, String> {
    let opened = match args.store {
        Store::Memory => Registry::open(MemoryLog::default()),
        _ => Registry::open(SledLog::open(&args.data_dir).map_err(|e| e.to_string())?),
    };
    opened.map_err(|e| e.to_string())
}

fn proxy(args: &ServeArgs, settings: Settings, registry_url: &str) -> Result<Proxy, String> {
    let mut client = RegistryClient::builder(registry_url);
    // our own certificate is the one to trust where the registry is ours
    let own = args.tls_cert.as_ref().filter(|_| settings.schema_registry_url.is_none());
    if let Some(path) = args.schema_registry_ca.as_ref().or(own) {
        client = client.ca_pem(read_file(path)?);
    }
    let client = client.build().map_err(|e| e.to_string())?;
    let config = BrokerConfig { kafka: settings.kafka, embedded: None };
    let broker = Broker::with_settings(config, settings.kafka_clients)
        .map_err(|e| format!("Kafka's settings: {}", weir_kafka::refusal(&e)))?;
    let config = ProxyConfig {
        consumer_instance_timeout: settings.consumer_instance_timeout,
        advertised_url: args.advertised_url.clone(),
        scheme: if args.tls_cert.is_some() { "https" } else { "http" },
        confluent_quirks: args.confluent_quirks,
        rate_limits: settings.rate_limits,
    };
    Ok(Proxy::new(broker, client, config))
}
