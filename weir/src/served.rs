//! The listeners of a process, and the services that they carry: most carry one, and some several, each below the
//! path of its listener's URL.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tower::Service;
use weir_broker::Faults;
use weir_http::{Certificate, Services, Shared, Site, Tls};

use crate::added_headers::{AddedHeaders, Adding};
use crate::admission::Access;
use crate::config::tree::Tree;
use crate::config::value::{Authentication, Role};
use crate::cors::Sharing;
use crate::error::Error;
use crate::face::{Face, FaceListener};
use crate::listen;
use crate::listeners::Listener;
use crate::management::Management;
use crate::parts::Parts;
use crate::tls::Certificates;

/// The services that a listener can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    Registry,
    Proxy,
    /// How the process is: for who runs it.
    Management,
}

impl From<Role> for ServiceKind {
    fn from(role: Role) -> ServiceKind {
        match role {
            Role::Registry => ServiceKind::Registry,
            Role::Proxy => ServiceKind::Proxy,
        }
    }
}

/// Listeners whose addresses are taken.
pub struct Served<'a> {
    open: Vec<Open<'a>>,
}

/// A listener whose address is taken.
struct Open<'a> {
    wanted: &'a FaceListener,
    address: SocketAddr,
    /// None once it is served.
    socket: Option<TcpListener>,
    site: Arc<Site>,
    certificate: Option<Arc<Certificate>>,
    tls: Option<Arc<Tls>>,
    /// Whose services it carries, and below which path.
    carries: Vec<Carried<'a>>,
    /// The services that are known.
    services: Services,
}

struct Carried<'a> {
    wanted: &'a FaceListener,
    kind: ServiceKind,
    face: &'a Face,
    prefix: &'a str,
    is_there: bool,
}

/// A listener before it is open: what it is to carry.
struct Planned<'a> {
    wanted: &'a FaceListener,
    carries: Vec<Carried<'a>>,
}

/// This process's registry, as its proxy reaches it.
pub struct OwnRegistry {
    pub url: String,
    /// The path of the URL, which the registry does not see.
    pub prefix: String,
    pub certificate: Option<Arc<Certificate>>,
}

impl<'a> Served<'a> {
    /// Takes the addresses of all listeners. Listeners of one address are one, if they are for different paths.
    pub fn open(
        faces: &[(ServiceKind, &'a Face)],
        tree: &Tree,
        shared: &Arc<Shared>,
        access: &Access,
        certificates: &mut Certificates<'_>,
    ) -> Result<Served<'a>, Error> {
        let planned = plan(faces)?;
        let open =
            planned.into_iter().map(|planned| open(planned, tree, shared, access, certificates));
        Ok(Served { open: open.collect::<Result<_, _>>()? })
    }

    /// The listeners that carry a service, in the order of its settings.
    pub fn listeners(&self, kind: impl Into<ServiceKind>) -> Vec<Listener> {
        let kind = kind.into();
        let carry = |open: &Open<'_>| {
            let carried = open.carries.iter().find(|carried| carried.kind == kind)?;
            let prefix = carried.prefix.to_string();
            Some(Listener { address: open.address, https: open.wanted.https, prefix })
        };
        self.open.iter().filter_map(carry).collect()
    }

    /// What the first https listener shows that carries a role's service.
    pub fn certificate(&self, role: Role) -> Option<Arc<Certificate>> {
        let kind = ServiceKind::from(role);
        let mut of_role =
            self.open.iter().filter(|open| open.carries.iter().any(|it| it.kind == kind));
        of_role.find_map(|open| open.certificate.clone())
    }

    /// How the proxy of this process reaches its registry: at the address that was taken, where nobody else can listen. Its
    /// certificate is known by itself, whatever names are in it.
    pub fn own_registry(&self) -> Option<OwnRegistry> {
        let listener = self.listeners(ServiceKind::Registry).into_iter().next()?;
        let open = self.open.iter().find(|open| open.address == listener.address)?;
        let (scheme, prefix, mut address) = (listener.scheme(), &listener.prefix, listener.address);
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let url = format!("{scheme}://{address}{prefix}");
        let (prefix, certificate) = (prefix.clone(), open.certificate.clone());
        Some(OwnRegistry { url, prefix, certificate })
    }

    /// Serves how the process is, before anything of it has started: what is asked is told of later.
    ///
    /// `faults` are those of this process's broker, if they can be changed there.
    pub fn manage(&mut self, tree: &Tree, faults: Option<Faults>, parts: &mut Parts) -> Management {
        let url = |role| {
            let advertised = match role {
                Role::Registry => &tree.registry.advertised_url.value,
                Role::Proxy => &tree.proxy.advertised_url.value,
            };
            let first = || self.listeners(role).first().map(Listener::url).unwrap_or_default();
            advertised.clone().unwrap_or_else(first)
        };
        let management = Management::new(tree, url, faults);
        let open = weir_http::observed("management", management.service());
        let closed = weir_http::admitted("management", management.service());
        let closed = weir_http::observed("management", closed);
        let kind = ServiceKind::Management;
        self.carry_where(kind, FaceListener::needs_login, &closed, parts);
        self.carry_where(kind, |listener| !listener.needs_login(), &open, parts);
        for listener in self.listeners(ServiceKind::Management) {
            tracing::info!("management on {}", listener.url());
        }
        management
    }

    /// Has the registry carried by the listeners that are to carry it.
    ///
    /// A read of it is so short that a box for each answer would count. So a listener that has only the registry to carry, and
    /// nothing to add to answers, is served with code of its own; all others share code, which is a megabyte for each type of service.
    pub fn carry_registry<S>(&mut self, service: &S, parts: &mut Parts)
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        for open in self.open.iter_mut().filter(|open| open.is_plain(ServiceKind::Registry)) {
            open.serve(service.clone(), parts);
        }
        self.carry(ServiceKind::Registry, service, parts);
    }

    /// Has a service carried by the listeners that are to carry it. Each is served once it has all its services.
    pub fn carry<S>(&mut self, kind: ServiceKind, service: &S, parts: &mut Parts)
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        self.carry_where(kind, |_| true, service, parts);
    }

    /// Has a service carried by some of the listeners that are to carry it.
    fn carry_where<S>(
        &mut self,
        kind: ServiceKind,
        is_meant: impl Fn(&FaceListener) -> bool,
        service: &S,
        parts: &mut Parts,
    ) where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        for open in self.open.iter_mut().filter(|open| is_meant(open.wanted)) {
            let https = open.wanted.https;
            let Some(carried) = open.carries.iter_mut().find(|it| it.kind == kind) else {
                continue;
            };
            carried.is_there = true;
            let (face, prefix) = (carried.face, carried.prefix);
            let headers = carried.headers(https).clone();
            let (service, cors) = (service.clone(), face.cors.clone());
            // nobody pays for what is not asked for
            match (headers.is_empty(), cors.is_off()) {
                (true, true) => open.add(prefix, service, parts),
                (false, true) => open.add(prefix, Adding { service, headers }, parts),
                (true, false) => open.add(prefix, Sharing { service, cors }, parts),
                (false, false) => {
                    let service = Sharing { service, cors };
                    open.add(prefix, Adding { service, headers }, parts);
                }
            }
        }
    }
}

impl Carried<'_> {
    /// What is added to its answers.
    fn headers(&self, https: bool) -> &Arc<AddedHeaders> {
        if https { &self.face.https_headers } else { &self.face.http_headers }
    }
}

impl Open<'_> {
    /// Returns true if there is only this service, at no path of its own, and nothing is added to its answers.
    fn is_plain(&self, kind: ServiceKind) -> bool {
        let [carried] = self.carries.as_slice() else { return false };
        carried.kind == kind
            && carried.prefix.is_empty()
            && carried.headers(self.wanted.https).is_empty()
            && carried.face.cors.is_off()
    }

    fn add<S>(&mut self, prefix: &str, service: S, parts: &mut Parts)
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        self.services = std::mem::take(&mut self.services).with(prefix, service);
        if self.carries.iter().all(|carried| carried.is_there) {
            let services = self.services.clone();
            self.serve(services, parts);
        }
    }

    /// Serves it, if that is not done yet.
    fn serve<S>(&mut self, service: S, parts: &mut Parts)
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send>,
        S: Clone + Send + Sync + 'static,
    {
        if let Some(socket) = self.socket.take() {
            parts.serve(socket, self.site.clone(), self.tls.clone(), service);
        }
    }
}

/// Which listeners there are to be, and what each carries.
fn plan<'a>(faces: &[(ServiceKind, &'a Face)]) -> Result<Vec<Planned<'a>>, Error> {
    let mut all: Vec<Planned<'a>> = Vec::new();
    for (kind, face) in faces.iter().copied() {
        for wanted in &face.listeners {
            let prefix = wanted.url.prefix.as_str();
            let carried = Carried { wanted, kind, face, prefix, is_there: false };
            match all.iter_mut().find(|planned| planned.is_at(wanted)) {
                None => all.push(Planned { wanted, carries: vec![carried] }),
                Some(planned) if planned.can_carry(&carried) => planned.carries.push(carried),
                Some(_) => return Err(Error::SharedListener(wanted.url.to_string())),
            }
        }
    }
    Ok(all)
}

impl Planned<'_> {
    fn is_at(&self, other: &FaceListener) -> bool {
        let (url, other_url) = (&self.wanted.url, &other.url);
        let is_same = (&url.host, url.port) == (&other_url.host, other_url.port);
        is_same && url.port != 0 && self.wanted.https == other.https
    }

    /// Returns true if what another service needs of the listener is what those before it need.
    fn can_carry(&self, other: &Carried<'_>) -> bool {
        let (own, its) = (&self.wanted, &other.wanted);
        own.tls == its.tls
            && own.authentication == its.authentication
            && self
                .carries
                .iter()
                .all(|carried| carried.kind != other.kind && carried.prefix != other.prefix)
    }
}

/// A listener of Confluent's settings is as open as it was; whoever runs it may not know.
fn warn_of_exposure(wanted: &FaceListener, address: SocketAddr, has_door: bool) {
    match has_door {
        false => tracing::warn!(
            "{address} is open to whoever reaches it, as Confluent's server is with these settings: say who may come in \
             (docs/login), or --insecure=false to end such a start"
        ),
        true if !wanted.https => tracing::warn!(
            "{address} asks for passwords without HTTPS, as Confluent's server does with these settings: they can be \
             read on their way"
        ),
        true => {}
    }
}

fn open<'a>(
    planned: Planned<'a>,
    tree: &Tree,
    shared: &Arc<Shared>,
    access: &Access,
    certificates: &mut Certificates<'_>,
) -> Result<Open<'a>, Error> {
    let Planned { wanted, carries } = planned;
    let tls = wanted.tls.as_ref().map(|tls| certificates.tls(tls)).transpose()?;
    let (certificate, tls) = tls.unzip();
    let manages = carries.iter().all(|carried| carried.kind == ServiceKind::Management);
    let door = match manages && !wanted.needs_login() {
        true => None,
        false => access.door_for(wanted.authentication, &wanted.url)?,
    };
    // who runs the process has said that anybody may look how it is
    let is_open = manages && wanted.authentication == Some(Authentication::None);
    let is_safe = is_open || wanted.https && door.is_some();
    let may_be_exposed = *tree.process.insecure || wanted.as_before || is_safe;
    let (socket, address) = listen::bind(&wanted.url, may_be_exposed)?;
    if wanted.as_before && !is_safe && !address.ip().is_loopback() {
        warn_of_exposure(wanted, address, door.is_some());
    }
    let mut site = Site::new(shared.clone(), address, wanted.https);
    site = site.trusting_proxies(&tree.process.trusted_proxies);
    let all = |list: fn(&Face) -> &[String]| -> Vec<String> {
        carries.iter().flat_map(|carried| list(carried.face).iter().cloned()).collect()
    };
    site = site.allowing_origins(&all(|face| &face.allowed_origins));
    if let Some(door) = door {
        site = site.behind(door.clone());
    }
    for carried in &carries {
        site = site.called(&carried.wanted.url.params.hosts);
    }
    for carried in &carries {
        site = site.allowing_hosts(&carried.face.allowed_hosts);
    }
    Ok(Open {
        wanted,
        address,
        socket: Some(socket),
        site: Arc::new(site),
        certificate,
        tls,
        carries,
        services: Services::default(),
    })
}
