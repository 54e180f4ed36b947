//! `weir serve`: the registry, the proxy or both, against a real Kafka. It never falls back to the
//! embedded broker.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::Service;
use weir_http::{Certificate, Shared, Site};
use weir_proxy::{Broker, BrokerConfig, Proxy, ProxyConfig};
use weir_registry::Registry;
use weir_registry::log::{MemoryLog, SledLog};
use weir_serde::RegistryClient;

use crate::added_headers::Adding;
use crate::config::Configuration;
use crate::config::value::{Role, Store};
use crate::error::Error;
use crate::face::Face;
use crate::files::read_file;
use crate::kafkastore;
use crate::limits::limits;
use crate::listen::{self, Hangups};
use crate::listeners::Listener;
use crate::parts::Parts;
use crate::settings::consumer_instance_timeout;
use crate::tls::{Certificates, own_client};
use weir_serde::without_password;

/// Runs until the process is told to stop. All addresses are taken before anything else is done.
pub async fn run(configuration: Configuration, hangups: Hangups) -> Result<(), Error> {
    let limits = limits(&configuration.tree.limits, weir_http::raise_descriptors());
    let shared = Arc::new(Shared::new(limits));
    let mut certificates = Certificates::new(&shared, &hangups);
    let mut bound = |role| match configuration.tree.process.roles.contains(&role) {
        true => Bound::new(&configuration, role, &shared, &mut certificates).map(Some),
        false => Ok(None),
    };
    let (registry, proxy) = (bound(Role::Registry)?, bound(Role::Proxy)?);
    say(&configuration);
    let mut parts = Parts::default();
    let own_registry = registry.as_ref().and_then(Bound::own_registry);
    if let Some(bound) = registry {
        serve_registry(&configuration, bound, &mut parts)?;
    }
    if let Some(bound) = proxy {
        serve_proxy(&configuration, bound, own_registry, &mut parts)?;
    }
    parts.run().await
}

/// Says which file was read, and what of the settings has no effect.
fn say(configuration: &Configuration) {
    match &configuration.file {
        Some(file) => tracing::info!("settings from {}", file.display()),
        None => tracing::info!(
            "no file with settings: neither ./weir.toml nor /etc/weir/weir.toml is there"
        ),
    }
    configuration.notes.say();
}

/// Starts the registry on its listeners.
fn serve_registry(
    configuration: &Configuration,
    bound: Bound<'_>,
    parts: &mut Parts,
) -> Result<(), Error> {
    let registry = match configuration.settings.store {
        Store::Kafka => joined(configuration, &bound, parts)?,
        Store::Sled | Store::Memory => open(configuration)?,
    };
    parts.registry(registry.clone());
    let service = weir_http::observed("registry", weir_registry::service(registry));
    bound.serve(parts, &service, |url| {
        tracing::info!("registry on {url}");
    });
    Ok(())
}

/// Starts the proxy on its listeners. `own` is this process's registry, which it asks if no other is named.
fn serve_proxy(
    configuration: &Configuration,
    bound: Bound<'_>,
    own: Option<OwnRegistry>,
    parts: &mut Parts,
) -> Result<(), Error> {
    let told = configuration.tree.proxy.schema_registry_url.value.clone();
    let (urls, certificate) = match (told, own) {
        (Some(urls), _) => (urls, None),
        (None, Some(own)) => (own.url, own.certificate),
        // settings without either are not complete
        (None, None) => (String::new(), None),
    };
    let client = registry_client(configuration, &urls, certificate)?;
    let proxy = proxy(configuration, client)?;
    let router = weir_http::observed("proxy", weir_proxy::router(proxy.clone()));
    parts.proxy(proxy);
    let schemas: Vec<_> = registries(&urls).map(without_password).collect();
    let schemas = schemas.join(",");
    bound.serve(parts, &router, |url| {
        tracing::info!("REST proxy on {url}, schemas from {schemas}");
    });
    Ok(())
}

/// This process's registry, as its proxy reaches it.
struct OwnRegistry {
    url: String,
    certificate: Option<Arc<Certificate>>,
}

/// The listeners of a server, whose addresses are taken.
struct Bound<'a> {
    sockets: Vec<(TcpListener, Arc<Site>)>,
    /// The listeners of the sockets, in their order.
    addresses: Vec<Listener>,
    certificate: Option<Arc<Certificate>>,
    tls: Option<TlsAcceptor>,
    face: &'a Face,
}

impl<'a> Bound<'a> {
    fn new(
        configuration: &'a Configuration,
        role: Role,
        shared: &Arc<Shared>,
        certificates: &mut Certificates<'_>,
    ) -> Result<Bound<'a>, Error> {
        let face = match role {
            Role::Registry => &configuration.settings.registry,
            Role::Proxy => &configuration.settings.proxy,
        };
        let identity = face.identity.as_ref();
        let certificate = identity.map(|identity| certificates.get(identity)).transpose()?;
        let tls = certificate.as_ref().zip(identity);
        let tls = tls.map(|(certificate, identity)| certificate.acceptor(&identity.versions));
        let (mut sockets, mut addresses) = (Vec::new(), Vec::new());
        for listener in &face.listeners {
            let insecure = *configuration.tree.process.insecure;
            let (socket, address) = listen::bind(&listener.url, insecure)?;
            let site = Site::new(shared.clone(), address, listener.https);
            let site = site.allowing_hosts(&face.allowed_hosts);
            let site = site.allowing_origins(&face.allowed_origins);
            sockets.push((socket, Arc::new(site)));
            addresses.push(Listener { address, https: listener.https });
        }
        Ok(Bound { sockets, addresses, certificate, tls, face })
    }

    /// How the proxy of this process reaches the registry that listens here: by loopback's name, which certificates
    /// can have.
    fn own_registry(&self) -> Option<OwnRegistry> {
        let listener = self.addresses.first()?;
        let (scheme, port) = (listener.scheme(), listener.address.port());
        let url = format!("{scheme}://localhost:{port}");
        Some(OwnRegistry { url, certificate: self.certificate.clone() })
    }

    /// Serves a service on all of them. `say` is told the URL of each.
    fn serve<S>(self, parts: &mut Parts, service: &S, say: impl Fn(&str))
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        for ((socket, site), listener) in self.sockets.into_iter().zip(self.addresses) {
            let tls = self.tls.clone().filter(|_| listener.https);
            let headers =
                if listener.https { &self.face.https_headers } else { &self.face.http_headers };
            let service = service.clone();
            match headers.is_empty() {
                true => parts.serve(socket, site, tls, service),
                false => {
                    let service = Adding { service, headers: headers.clone() };
                    parts.serve(socket, site, tls, service);
                }
            }
            say(&format!("{}://{}", listener.scheme(), listener.address));
        }
    }
}

/// A registry whose log is on Kafka, and which other nodes share.
fn joined(
    configuration: &Configuration,
    bound: &Bound<'_>,
    parts: &mut Parts,
) -> Result<Registry, Error> {
    let (tree, settings) = (&configuration.tree, &configuration.settings);
    let log = kafkastore::log(tree, &settings.clusters.log);
    let certificate = settings.registry.identity.as_ref().map(|identity| identity.cert.as_path());
    let surroundings = &configuration.surroundings;
    let node = kafkastore::node(tree, surroundings, &bound.addresses, certificate)?;
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

/// What asks the registries. `own` is what this process's registry shows, if that is the one to ask.
fn registry_client(
    configuration: &Configuration,
    registry_urls: &str,
    own: Option<Arc<Certificate>>,
) -> Result<RegistryClient, Error> {
    let mut urls = registries(registry_urls);
    let mut client = RegistryClient::builder(urls.next().unwrap_or_default());
    for url in urls {
        client = client.or_url(url);
    }
    match (&configuration.tree.proxy.schema_registry_ca.value, own) {
        (Some(path), _) => client = client.ca_pem(read_file(path)?),
        (None, Some(own)) => client = client.http_client(own_client(own)?),
        (None, None) => {}
    }
    client.build().map_err(Error::RegistryClient)
}

fn proxy(configuration: &Configuration, client: RegistryClient) -> Result<Proxy, Error> {
    let (tree, settings) = (&configuration.tree, &configuration.settings);
    let config = BrokerConfig { kafka: settings.clusters.proxy.clone(), embedded: None };
    let broker = Broker::with_settings(config, settings.kafka_clients.clone())
        .map_err(|error| Error::Kafka(weir_kafka::refusal(&error)))?;
    let config = ProxyConfig {
        consumer_instance_timeout: consumer_instance_timeout(tree),
        advertised_url: tree.proxy.advertised_url.value.clone(),
        confluent_quirks: *tree.proxy.confluent_quirks,
        rate_limits: settings.rate_limits,
        v2: *tree.proxy.api_v2,
        v3: *tree.proxy.api_v3,
    };
    Ok(Proxy::new(broker, client, config))
}
