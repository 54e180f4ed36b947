//! What the core knows of the connections that are open.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::sasl::Login;
use super::{ConnectionId, Core};

/// A connection as it begins.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The address of the broker that the client reached.
    pub reached: SocketAddr,
    /// Nothing is answered before a login.
    pub needs_login: bool,
}

/// The open connections. One that was not announced needs no login.
#[derive(Debug, Default)]
pub struct Connections {
    open: HashMap<ConnectionId, Connection>,
}

#[derive(Debug)]
struct Connection {
    reached: SocketAddr,
    /// `None` on a listener without logins.
    login: Option<Login>,
}

impl Connections {
    pub(super) fn login(&self, id: ConnectionId) -> Option<&Login> {
        self.open.get(&id)?.login.as_ref()
    }

    pub(super) fn login_mut(&mut self, id: ConnectionId) -> Option<&mut Login> {
        self.open.get_mut(&id)?.login.as_mut()
    }

    pub(super) fn disconnected(&mut self, id: ConnectionId) {
        self.open.remove(&id);
    }
}

impl Core {
    /// Announces a connection, before its first request.
    pub fn connected(&mut self, id: ConnectionId, arrival: Arrival) {
        let login = arrival.needs_login.then(Login::default);
        self.connections.open.insert(id, Connection { reached: arrival.reached, login });
    }

    /// Where a client is told to connect to: what was set, otherwise the address that it reached.
    pub(crate) fn advertised(&self, id: ConnectionId) -> (String, u16) {
        let reached = self.connections.open.get(&id);
        let reached = reached.map(|connection| connection.reached);
        let host = match (&self.settings.advertised_host, reached) {
            (Some(host), _) => host.clone(),
            (None, Some(reached)) => reached.ip().to_canonical().to_string(),
            (None, None) => "127.0.0.1".to_owned(),
        };
        let is_login = self.connections.login(id).is_some();
        let port = match self.settings.advertised_port {
            port if port != 0 && !is_login => port,
            port => reached.map_or(port, |reached| reached.port()),
        };
        (host, port)
    }
}
