//! What the core knows of the connections that are open.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

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

/// Says why clients cannot be told to connect to a host, if it is one that stands for every address.
pub fn check_advertised_host(host: &str) -> Result<(), String> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) if address.to_canonical().is_unspecified() => Err(format!(
            "{host} is no address that a client can connect to: advertise the name or the address of this machine"
        )),
        _ => Ok(()),
    }
}

impl Core {
    /// Announces a connection, before its first request.
    pub fn connected(&mut self, id: ConnectionId, arrival: Arrival) {
        let login = arrival.needs_login.then(Login::default);
        self.connections.open.insert(id, Connection { reached: arrival.reached, login });
    }

    /// Where a client is told to connect to: what was set, otherwise the address that it reached.
    ///
    /// A client that came by a loopback address is told that one, whatever is set: a program on this machine, as this process is
    /// one, need not know the name by which containers find it.
    pub(crate) fn advertised(&self, id: ConnectionId) -> (String, u16) {
        let reached = self.connections.open.get(&id);
        let reached = reached.map(|connection| connection.reached);
        if let Some(local) = reached.filter(|reached| reached.ip().to_canonical().is_loopback()) {
            return (local.ip().to_canonical().to_string(), local.port());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::CoreSettings;
    use crate::core::harness::Harness;

    fn told(reached: &str, needs_login: bool) -> (String, u16) {
        let settings = CoreSettings {
            advertised_host: Some("host.docker.internal".into()),
            advertised_port: 19092,
            ..CoreSettings::default()
        };
        let mut broker = Harness::new(settings);
        let arrival = Arrival { reached: reached.parse().unwrap(), needs_login };
        broker.core.connected(ConnectionId(7), arrival);
        broker.core.advertised(ConnectionId(7))
    }

    #[test]
    fn who_came_from_elsewhere_is_told_the_advertised_address() {
        assert_eq!(told("192.0.2.1:9092", false), ("host.docker.internal".into(), 19092));
        assert_eq!(told("192.0.2.1:9093", true), ("host.docker.internal".into(), 9093));
    }

    #[test]
    fn who_came_by_a_loopback_address_is_told_that() {
        assert_eq!(told("127.0.0.1:9092", false), ("127.0.0.1".into(), 9092));
        assert_eq!(told("[::1]:9092", false), ("::1".into(), 9092));
        assert_eq!(told("[::ffff:127.0.0.2]:9093", true), ("127.0.0.2".into(), 9093));
    }

    #[test]
    fn an_address_that_stands_for_all_of_them_cannot_be_advertised() {
        for host in ["0.0.0.0", "::", "[::]", "::ffff:0.0.0.0"] {
            assert!(check_advertised_host(host).unwrap_err().contains(host));
        }
        for host in ["localhost", "127.0.0.1", "::1", "[2001:db8::1]", "kafka.example"] {
            assert_eq!(check_advertised_host(host), Ok(()));
        }
    }
}
