//! What all connections of a process share, and what a listener knows of itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ipnet::IpNet;
use weir_metrics::Collect;

use crate::access::Door;
use crate::api_docs::ApiDocs;
use crate::budget::Budget;
use crate::certificate::Certificate;
use crate::clients::ClientAuthorities;
use crate::counts::Requests;
use crate::gate::Gate;
use crate::health::Health;
use crate::host::{AllowedHost, Hosts};
use crate::limits::Limits;
use crate::origins::Origins;

/// Limits, what is left of them, and what is counted. One for a process.
pub struct Shared {
    pub(crate) limits: Limits,
    pub(crate) gate: Arc<Gate>,
    pub(crate) bodies: Budget,
    /// Connections that were closed because their clients did not read.
    pub(crate) slow_readers: AtomicU64,
    /// Connections that were closed because a request's head did not come in time.
    pub(crate) slow_heads: AtomicU64,
    /// TLS handshakes that were refused by either side, and those that did not come to an end in time.
    pub(crate) failed_handshakes: AtomicU64,
    pub(crate) slow_handshakes: AtomicU64,
    /// Requests that were refused for their `Host`, and for where a browser was when it sent them.
    pub(crate) refused_hosts: AtomicU64,
    pub(crate) refused_origins: AtomicU64,
    /// Requests that were given up because they took too long.
    pub(crate) late_requests: AtomicU64,
    pub(crate) requests: Requests,
    /// How the process is, for probes.
    pub health: Health,
    /// What is served of the APIs' documents, where they are.
    pub(crate) api_docs: OnceLock<ApiDocs>,
    /// Counts logins and refusals, where there is access control.
    pub(crate) door: OnceLock<Arc<Door>>,
    certificates: Mutex<Vec<Arc<Certificate>>>,
    authorities: Mutex<Vec<Arc<ClientAuthorities>>>,
    /// What else of the process stands in every scrape.
    sources: Mutex<Vec<Arc<dyn Collect>>>,
}

impl Shared {
    pub fn new(limits: Limits) -> Shared {
        Shared {
            gate: Arc::new(Gate::new(limits.connections_max, limits.connections_per_address_max)),
            bodies: Budget::new(limits.body_bytes_sum_max),
            slow_readers: AtomicU64::new(0),
            slow_heads: AtomicU64::new(0),
            failed_handshakes: AtomicU64::new(0),
            slow_handshakes: AtomicU64::new(0),
            refused_hosts: AtomicU64::new(0),
            refused_origins: AtomicU64::new(0),
            late_requests: AtomicU64::new(0),
            requests: Requests::default(),
            health: Health::default(),
            api_docs: OnceLock::new(),
            door: OnceLock::new(),
            certificates: Mutex::default(),
            authorities: Mutex::default(),
            sources: Mutex::default(),
            limits,
        }
    }

    /// Counts a certificate among those of the metrics.
    pub fn add_certificate(&self, certificate: Arc<Certificate>) {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner).push(certificate);
    }

    /// Counts authorities of clients among those of the metrics.
    pub fn add_client_authorities(&self, authorities: Arc<ClientAuthorities>) {
        self.authorities.lock().unwrap_or_else(PoisonError::into_inner).push(authorities);
    }

    /// Has something of the process stand in the metrics of all its listeners.
    pub fn add_metrics(&self, source: Arc<dyn Collect>) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    pub(crate) fn sources(&self) -> Vec<Arc<dyn Collect>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves documents of the APIs, and pages to try them. To be called once.
    pub fn serve_api_docs(&self, docs: ApiDocs) {
        let _ = self.api_docs.set(docs); // the first ones stay
    }

    pub(crate) fn client_authorities(&self) -> Vec<Arc<ClientAuthorities>> {
        self.authorities.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn certificates(&self) -> Vec<Arc<Certificate>> {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A listener: what it is called, and whose pages may write.
pub struct Site {
    pub(crate) shared: Arc<Shared>,
    pub(crate) https: bool,
    /// None: any name will do.
    pub(crate) hosts: Option<Hosts>,
    pub(crate) origins: Origins,
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// None: everybody comes in.
    pub(crate) door: Option<Arc<Door>>,
}

impl Site {
    /// A listener at an address. On loopback, requests have to be for one of its names: a page elsewhere can have its
    /// own name point to this machine.
    pub fn new(shared: Arc<Shared>, address: SocketAddr, https: bool) -> Site {
        let hosts = address.ip().is_loopback().then(|| Hosts::of_loopback(address));
        Site {
            shared,
            https,
            hosts,
            origins: Origins::default(),
            trusted_proxies: Vec::new(),
            door: None,
        }
    }

    /// With names of its own: requests have to be for one of them, or of those that it is allowed besides.
    pub fn called(mut self, names: &[AllowedHost]) -> Site {
        if !names.is_empty() && !names.contains(&AllowedHost::Any) {
            self.hosts.get_or_insert_default();
        }
        self.allowing_hosts(names)
    }

    /// With more names.
    pub fn allowing_hosts(mut self, names: &[AllowedHost]) -> Site {
        if names.contains(&AllowedHost::Any) {
            self.hosts = None;
        }
        if let Some(hosts) = &mut self.hosts {
            hosts.extend(names);
        }
        self
    }

    /// With pages elsewhere that may write: `https://ui.example`, with `*` for any letters.
    pub fn allowing_origins(mut self, origins: &[String]) -> Site {
        self.origins = Origins::new(origins);
        self
    }

    /// Believing proxies in these networks what they say of where a request comes from, and of how its client reached
    /// them.
    pub fn trusting_proxies(mut self, networks: &[IpNet]) -> Site {
        self.trusted_proxies = networks.to_vec();
        self
    }

    /// Letting in who comes through a door.
    pub fn behind(mut self, door: Arc<Door>) -> Site {
        let _ = self.shared.door.set(door.clone()); // there is one in a process
        self.door = Some(door);
        self
    }

    /// Returns true if what a proxy at this address says of a request is believed.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}
