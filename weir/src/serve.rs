//! `weir serve`: the registry, the proxy or both, against a real Kafka. It never falls back to the
//! broker of `weir dev`.

use std::sync::Arc;
use std::time::Duration;

use weir_http::{Certificate, Shared};
use weir_proxy::{Broker, Proxy, ProxyConfig, RegistryFor};
use weir_registry::Registry;
use weir_registry::log::{MemoryLog, SledLog};
use weir_serde::{ClientBuilder, RegistryClient, without_password};

use crate::admission::Access;
use crate::config::Configuration;
use crate::config::value::{Role, Store};
use crate::error::Error;
use crate::files::{store_file, trusted_by_clients};
use crate::health;
use crate::kafkastore;
use crate::limits::limits;
use crate::listen::{Hangups, StopSignals};
use crate::listeners::Listener;
use crate::management::Management;
use crate::metrics;
use crate::otlp::Telemetry;
use crate::parts::Parts;
use crate::served::{OwnRegistry, Served, ServiceKind};
use crate::settings::consumer_instance_timeout;
use crate::systemd;
use crate::tls::{Certificates, own_client};
use crate::version;

/// Runs until the process is told to stop. All addresses are taken before anything else is done.
pub async fn run(configuration: Configuration, hangups: Hangups) -> Result<(), Error> {
    let mut limits = limits(&configuration.tree.limits, weir_http::raise_descriptors());
    limits.slow_request = Duration::from_millis(*configuration.tree.process.slow_request_ms);
    // from here on, whoever stops the process has it drain
    let signals = StopSignals::new()?;
    let shared = Arc::new(Shared::new(limits));
    metrics::add_process(&shared);
    let mut certificates = Certificates::new(&shared, &hangups);
    let faces = [
        (ServiceKind::Registry, &configuration.settings.registry),
        (ServiceKind::Proxy, &configuration.settings.proxy),
        (ServiceKind::Management, &configuration.settings.management),
    ];
    let access = Access::open(&configuration.tree, &faces, &hangups)?;
    let mut served =
        Served::open(&faces, &configuration.tree, &shared, &access, &mut certificates)?;
    say(&configuration);
    health::begin(&shared, &access);
    systemd::begin(shared.clone(), hangups.subscribe());
    if *configuration.tree.process.api_docs {
        shared.serve_api_docs(weir_openapi::api_docs());
    }
    let mut parts = Parts::new(shared.clone(), &configuration.tree);
    let management = served.manage(&configuration.tree, None, &mut parts);
    parts.telemetry(Telemetry::start(&configuration.tree, management.service(), &shared)?);
    let runs = |role| configuration.tree.process.roles.contains(&role);
    let mut own_registry = None;
    if runs(Role::Registry) {
        let registry =
            serve_registry(&configuration, &access, &mut served, &management, &shared, &mut parts)?;
        own_registry = Some(registry);
    }
    if runs(Role::Proxy) {
        let proxy = open_proxy(&configuration, &access, &served)?;
        watch_proxy(&configuration, &shared, &proxy.0, own_registry)?;
        serve_proxy(proxy, &mut served, &management, &mut parts);
    }
    parts.run(signals).await
}

/// Says which file was read, and what of the settings has no effect.
fn say(configuration: &Configuration) {
    let tree = &configuration.tree;
    let log = match configuration.settings.store {
        Store::Memory => "in memory".to_string(),
        Store::Sled => format!("in {}", tree.registry.data_dir.display()),
        Store::Kafka => format!("in topic {}", tree.registry.schemas_topic.value),
    };
    let roles = tree.process.roles.iter().map(|role| match role {
        Role::Registry => format!("a registry whose log is {log}"),
        Role::Proxy => "a REST proxy".to_string(),
    });
    let roles = roles.collect::<Vec<_>>().join(" and ");
    let settings = match &configuration.file {
        Some(file) => format!("settings from {}", file.display()),
        None => {
            "no file with settings: neither ./weir.toml nor /etc/weir/weir.toml is there".into()
        }
    };
    let (version, pid) = (version::LONG, std::process::id());
    tracing::info!(pid, "weir {version} starts, with {roles}; {settings}");
    let (registry, proxy) = (&configuration.tree.registry, &configuration.tree.proxy);
    for file in [&registry.properties, &proxy.properties].into_iter().filter_map(|it| it.as_ref()) {
        tracing::info!("Confluent's settings from {}", file.display());
    }
    for file in &configuration.properties {
        tracing::info!("Confluent's settings from {file}");
    }
    configuration.notes.say();
}

/// Starts the registry on its listeners.
fn serve_registry(
    configuration: &Configuration,
    access: &Access,
    served: &mut Served<'_>,
    management: &Management,
    shared: &Shared,
    parts: &mut Parts,
) -> Result<Registry, Error> {
    let listeners = served.listeners(Role::Registry);
    let registry = match configuration.settings.store {
        Store::Kafka => {
            let certificate = served.certificate(Role::Registry);
            joined(configuration, &listeners, certificate, parts)?
        }
        Store::Sled | Store::Memory => open(configuration)?,
    };
    parts.registry(registry.clone());
    health::watch_registry(shared, &registry);
    access.believe_nodes_of(registry.clone());
    management.measures(registry.clone());
    let service = weir_registry::service(registry.clone());
    let service = weir_http::admitted("registry", service).believing_vouchers();
    let service = weir_http::observed("registry", service);
    served.carry_registry(&service, parts);
    listeners.iter().for_each(|listener| tracing::info!("registry on {}", listener.url()));
    Ok(registry)
}

/// Makes the proxy, and says which registries it asks: this process's, if no other is named.
fn open_proxy(
    configuration: &Configuration,
    access: &Access,
    served: &Served<'_>,
) -> Result<(Proxy, String), Error> {
    let told = configuration.tree.proxy.schema_registry_url.value.clone();
    let (urls, own) = match (told, served.own_registry()) {
        (Some(urls), _) => (urls, None),
        (None, Some(own)) => (own.url.clone(), Some(own)),
        // formats with schemas are refused
        (None, None) => (String::new(), None),
    };
    let client = registry_client(configuration, &urls, own, access)?;
    Ok((proxy(configuration, client)?, urls))
}

/// Starts the proxy on its listeners.
fn serve_proxy(
    (proxy, urls): (Proxy, String),
    served: &mut Served<'_>,
    management: &Management,
    parts: &mut Parts,
) {
    let service = weir_proxy::router(proxy.clone());
    management.measures(proxy.clone());
    let service = weir_http::admitted("proxy", service);
    let service = weir_http::observed("proxy", service);
    parts.proxy(proxy);
    served.carry(ServiceKind::Proxy, &service, parts);
    let schemas: Vec<_> = registries(&urls).map(without_password).collect();
    let schemas = match schemas.is_empty() {
        true => "no schemas: no registry is named (--schema-registry-url)".to_string(),
        false => format!("schemas from {}", schemas.join(",")),
    };
    for listener in served.listeners(Role::Proxy) {
        tracing::info!("REST proxy on {}, {schemas}", listener.url());
    }
}

/// Lets probes know how the proxy is, and the registry that it asks: this process's, or others.
fn watch_proxy(
    configuration: &Configuration,
    shared: &Shared,
    proxy: &Proxy,
    own_registry: Option<Registry>,
) -> Result<(), Error> {
    let urls = configuration.tree.proxy.schema_registry_url.value.as_deref();
    health::watch_proxy(shared, proxy, own_registry.filter(|_| urls.is_none()));
    let Some(urls) = urls else { return Ok(()) };
    if registries(urls).next().is_none() {
        return Ok(());
    }
    let client = registry_clients(configuration, urls, None)?;
    let client = client().build().map_err(Error::RegistryClient)?;
    health::watch_other_registry(shared, client);
    Ok(())
}

/// A registry whose log is on Kafka, and which other nodes share.
fn joined(
    configuration: &Configuration,
    listeners: &[Listener],
    certificate: Option<Arc<Certificate>>,
    parts: &mut Parts,
) -> Result<Registry, Error> {
    let (tree, settings) = (&configuration.tree, &configuration.settings);
    let log = kafkastore::log(tree, &settings.clusters.log);
    let surroundings = &configuration.surroundings;
    let node = kafkastore::node(tree, surroundings, listeners, certificate)?;
    let (registry, reading) = Registry::join(log, node, settings.options.clone());
    parts.start(async move { reading.await.map_err(Error::Registry) });
    Ok(registry)
}

/// A registry whose log nobody shares.
fn open(configuration: &Configuration) -> Result<Registry, Error> {
    let (registry, settings) = (&configuration.tree.registry, &configuration.settings);
    let options = settings.options.clone();
    let opened = match settings.store {
        Store::Memory => Registry::open_with(MemoryLog::default(), options),
        _ => {
            let log = SledLog::open_accepting(&registry.data_dir, *registry.accept_loss_after);
            Registry::open_with(log.map_err(Error::Log)?, options)
        }
    };
    opened.map_err(Error::Registry)
}

/// The registries of one setting, as Confluent's proxy has it: by commas.
fn registries(urls: &str) -> impl Iterator<Item = &str> {
    urls.split(',').map(str::trim).filter(|url| !url.is_empty())
}

/// What asks the registries. `own` is this process's registry, if that is the one to ask: it is told on whose behalf.
fn registry_client(
    configuration: &Configuration,
    registry_urls: &str,
    own: Option<OwnRegistry>,
    access: &Access,
) -> Result<RegistryFor, Error> {
    if registries(registry_urls).next().is_none() {
        return Ok(RegistryFor::none());
    }
    let prefix = own.as_ref().map(|own| own.prefix.clone());
    let client = registry_clients(configuration, registry_urls, own)?;
    let shared = client().build().map_err(Error::RegistryClient)?;
    let Some(prefix) = prefix.filter(|_| access.door().is_some()) else { return Ok(shared.into()) };
    let access = access.clone();
    Ok(RegistryFor::each(move |caller| {
        let own = client().signed_by(access.signer_for(caller, &prefix)).build();
        // a client of these settings was made before; without a voucher it is let in nowhere
        own.unwrap_or_else(|_| shared.clone())
    }))
}

/// Makes clients of the registries, with the login and the certificates that the settings name.
fn registry_clients(
    configuration: &Configuration,
    registry_urls: &str,
    own: Option<OwnRegistry>,
) -> Result<impl Fn() -> ClientBuilder + Send + Sync + 'static, Error> {
    let proxy = &configuration.tree.proxy;
    let shown = proxy.schema_registry_client_cert.as_deref();
    let shown_password = proxy.schema_registry_client_cert_password.as_ref();
    let shown = shown.map(|file| store_file(file, shown_password)).transpose()?;
    let shown = shown.map(|store| match store.key {
        // of a file in PEM, both are in one text
        Some(key) if store.certificates.contains("PRIVATE KEY-----") => key.text().to_string(),
        Some(key) => format!("{}{}", store.certificates, key.text()),
        None => store.certificates,
    });
    let token = proxy.schema_registry_token.value.clone();
    let ca = trusted_by_clients(&configuration.tree)?;
    let http = own.and_then(|own| own.certificate).map(own_client).transpose()?;
    let all: Vec<String> = registries(registry_urls).map(str::to_string).collect();
    Ok(move || {
        let (first, others) =
            all.split_first().map_or(("", [].as_slice()), |(first, others)| (first, others));
        let mut client = RegistryClient::builder(first);
        for url in others {
            client = client.or_url(url);
        }
        if let Some(http) = &http {
            return client.http_client(http.clone());
        }
        if let Some(pem) = &ca {
            client = client.ca_pem(pem.clone());
        }
        if let Some(pem) = &shown {
            client = client.identity_pem(pem.clone());
        }
        if let Some(token) = &token {
            client = client.bearer_token(token.text());
        }
        client
    })
}

fn proxy(configuration: &Configuration, client: RegistryFor) -> Result<Proxy, Error> {
    let (tree, settings) = (&configuration.tree, &configuration.settings);
    let kafka = settings.clusters.proxy.clone();
    let broker = Broker::with_settings(kafka, settings.kafka_clients.clone())
        .map_err(|error| Error::Kafka(weir_kafka::refusal(&error)))?;
    let config = ProxyConfig {
        consumer_instance_timeout: consumer_instance_timeout(tree),
        advertised_url: tree.proxy.advertised_url.value.clone(),
        confluent_quirks: *tree.proxy.confluent_quirks,
        rate_limits: settings.rate_limits,
        consumers: settings.consumer_defaults.clone(),
        batch_entries_max: *tree.proxy.batch_entries_max,
        resource_name_authority: tree
            .proxy
            .resource_name_authority
            .as_deref()
            .unwrap_or_default()
            .into(),
        v2: *tree.proxy.api_v2,
        v3: *tree.proxy.api_v3,
    };
    Ok(Proxy::new(broker, client, config))
}
