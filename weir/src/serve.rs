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

use crate::added_headers::{AddedHeaders, Adding};
use crate::cli::{Role, ServeArgs, Store};
use crate::confluent::environment;
use crate::kafkastore;
use crate::limits::limits;
use crate::listen::{self, Hangups};
use crate::listeners::Listener;
use crate::parts::Parts;
use crate::settings::{Face, Settings, read_file};
use crate::tls::{Certificates, own_client};

pub async fn run(args: Box<ServeArgs>, hangups: Hangups) -> Result<(), String> {
    let env = environment();
    let settings = Settings::new(&args, &env)?;
    let limits = limits(&args.limits, &env, weir_http::raise_descriptors())?;
    let shared = Arc::new(Shared::new(limits));
    settings.notes.say();
    settings.kafka_notes.iter().for_each(|note| tracing::warn!("{note}"));
    let mut certificates = Certificates::new(&shared, &hangups);
    let mut own_certificate = None;
    let mut parts = Parts::default();
    let mut registry_url = settings.schema_registry_url.clone();
    if args.roles.contains(&Role::Registry) {
        let bound = Bound::new(&settings.registry, args.insecure, &shared, &mut certificates)?;
        let registry = match settings.store {
            Store::Kafka => {
                let log = kafkastore::log(&args, &env, &settings.kafka)?;
                let certificate = settings.registry.identity.as_ref().map(|it| it.cert.as_path());
                let node = kafkastore::node(&args, &env, &bound.addresses, certificate)?;
                let (registry, reading) = Registry::join(log, node, settings.options.clone());
                parts.start(async move { reading.await.map_err(|e| e.to_string()) });
                registry
            }
            Store::Sled | Store::Memory => open(&args, &settings)?,
        };
        if let Some(listener) = bound.addresses.first() {
            // the proxy of this process reaches it by loopback's name, which certificates can have
            let (scheme, port) = (listener.scheme(), listener.address.port());
            if registry_url.is_none() {
                registry_url = Some(format!("{scheme}://localhost:{port}"));
                own_certificate = bound.certificate.clone();
            }
        }
        parts.registry(registry.clone());
        let service = weir_http::observed("registry", weir_registry::service(registry));
        bound.serve(&mut parts, &service, |url| {
            tracing::info!("registry on {url}");
        });
    }
    if args.roles.contains(&Role::Proxy) {
        let bound = Bound::new(&settings.proxy, args.insecure, &shared, &mut certificates)?;
        let urls = registry_url.ok_or("the proxy needs --schema-registry-url")?;
        let proxy = proxy(&args, &settings, &urls, own_certificate)?;
        let router = weir_proxy::router(proxy.clone());
        parts.proxy(proxy);
        let schemas: Vec<_> = registries(&urls).map(weir_serde::without_password).collect();
        let schemas = schemas.join(",");
        bound.serve(&mut parts, &weir_http::observed("proxy", router), |url| {
            tracing::info!("REST proxy on {url}, schemas from {schemas}");
        });
    }
    parts.run().await
}

/// The listeners of a server, taken before anything else is done.
struct Bound {
    sockets: Vec<(TcpListener, Arc<Site>)>,
    /// Of the sockets, in their order.
    addresses: Vec<Listener>,
    certificate: Option<Arc<Certificate>>,
    tls: Option<TlsAcceptor>,
    headers: (Arc<AddedHeaders>, Arc<AddedHeaders>),
}

impl Bound {
    fn new(
        face: &Face,
        insecure: bool,
        shared: &Arc<Shared>,
        certificates: &mut Certificates<'_>,
    ) -> Result<Bound, String> {
        let identity = face.identity.as_ref();
        let certificate = identity.map(|identity| certificates.get(identity)).transpose()?;
        let tls = certificate.as_ref().zip(identity);
        let tls = tls.map(|(certificate, identity)| certificate.acceptor(&identity.versions));
        let (mut sockets, mut addresses) = (Vec::new(), Vec::new());
        for listener in &face.listeners {
            let socket = listen::bind(listener.address, insecure)?;
            let address = socket.local_addr().map_err(|e| e.to_string())?;
            let site = Site::new(shared.clone(), address, listener.https);
            let site = site.allowing_hosts(&face.allowed_hosts);
            let site = site.allowing_origins(&face.allowed_origins);
            sockets.push((socket, Arc::new(site)));
            addresses.push(Listener { address, ..*listener });
        }
        let headers = face.headers.clone();
        Ok(Bound { sockets, addresses, certificate, tls, headers })
    }

    /// `say` is told the URL of each.
    fn serve<S>(self, parts: &mut Parts, service: &S, say: impl Fn(&str))
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        for ((socket, site), listener) in self.sockets.into_iter().zip(self.addresses) {
            let tls = self.tls.clone().filter(|_| listener.https);
            let headers = if listener.https { &self.headers.1 } else { &self.headers.0 };
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

/// A registry of its own.
fn open(args: &ServeArgs, settings: &Settings) -> Result<Registry, String> {
    let options = settings.options.clone();
    let opened = match settings.store {
        Store::Memory => Registry::open_with(MemoryLog::default(), options),
        _ => {
            let log = SledLog::open_accepting(&args.data_dir, args.accept_loss_after);
            Registry::open_with(log.map_err(|e| e.to_string())?, options)
        }
    };
    opened.map_err(|e| e.to_string())
}

/// Confluent's proxy takes several registries in one setting.
fn registries(urls: &str) -> impl Iterator<Item = &str> {
    urls.split(',').map(str::trim).filter(|url| !url.is_empty())
}

/// `own` is what this process's registry shows, if that is the one to ask.
fn proxy(
    args: &ServeArgs,
    settings: &Settings,
    registry_urls: &str,
    own: Option<Arc<Certificate>>,
) -> Result<Proxy, String> {
    let mut urls = registries(registry_urls);
    let mut client = RegistryClient::builder(urls.next().unwrap_or_default());
    for url in urls {
        client = client.or_url(url);
    }
    match (&args.schema_registry_ca, own) {
        (Some(path), _) => client = client.ca_pem(read_file(path)?),
        (None, Some(own)) => client = client.http_client(own_client(own)?),
        (None, None) => {}
    }
    let client = client.build().map_err(|e| e.to_string())?;
    let config = BrokerConfig { kafka: settings.kafka.clone(), embedded: None };
    let broker = Broker::with_settings(config, settings.kafka_clients.clone())
        .map_err(|e| format!("Kafka's settings: {}", weir_kafka::refusal(&e)))?;
    let config = ProxyConfig {
        consumer_instance_timeout: settings.consumer_instance_timeout,
        advertised_url: args.advertised_url.clone(),
        confluent_quirks: args.confluent_quirks,
        rate_limits: settings.rate_limits,
        v2: settings.apis.0,
        v3: settings.apis.1,
    };
    Ok(Proxy::new(broker, client, config))
}
