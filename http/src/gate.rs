//! Who may come in: connections in all and from each address. Where they run short, those that are idle make
//! room: first those that were never used, of each kind the longest first. Then those that are slow.
#![expect(clippy::disallowed_types, reason = "`clock` counts in it")]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::budget::WORTH_CUTTING;
use crate::connection::{Connection, End};

/// Connections that were told to make room and may still be open when the next is let in.
const ENDING_MAX: usize = 32;

/// How long it is waited for them.
const ROOM_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Gate {
    max: usize,
    per_address_max: usize,
    open: Mutex<Open>,
    /// Connections whose descriptors are not given back yet, also those that were told to end.
    count: AtomicUsize,
    /// Told when a descriptor was given back.
    closed: Notify,
    pub(crate) accepted: AtomicU64,
    pub(crate) refused_all: AtomicU64,
    pub(crate) refused_address: AtomicU64,
    pub(crate) refused_descriptors: AtomicU64,
    pub(crate) evicted: AtomicU64,
}

#[derive(Default)]
struct Open {
    connections: HashMap<u64, Arc<Connection>>,
    per_address: HashMap<IpAddr, usize>,
    next: u64,
}

/// What a connection is refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// As many connections are open as may be, and all are being answered.
    All,
    /// As many connections of its address are open as may be, and all are being answered.
    Address,
}

/// A connection's place, given back when it is dropped.
pub(crate) struct Place {
    gate: Arc<Gate>,
    id: u64,
}

impl Gate {
    pub(crate) fn new(max: usize, per_address_max: usize) -> Gate {
        Gate { max: max.max(1), per_address_max: per_address_max.max(1), ..Gate::default() }
    }

    /// Lets a connection in, possibly in the place of one that is idle.
    pub(crate) fn admit(self: &Arc<Self>, connection: &Arc<Connection>) -> Result<Place, Full> {
        let address = network(connection.peer.ip());
        let mut open = self.open();
        let of_address = open.per_address.get(&address).copied().unwrap_or(0);
        if of_address >= self.per_address_max {
            if !self.evict_one(&mut open, Some(address)) {
                self.refused_address.fetch_add(1, Ordering::Relaxed);
                return Err(Full::Address);
            }
        } else if open.connections.len() >= self.max && !self.evict_one(&mut open, None) {
            self.refused_all.fetch_add(1, Ordering::Relaxed);
            return Err(Full::All);
        }
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, connection.clone());
        *open.per_address.entry(address).or_default() += 1;
        self.count.fetch_add(1, Ordering::Relaxed);
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Ok(Place { gate: self.clone(), id })
    }

    /// Ends the connection that is idle for the longest time, and waits a moment until some connection has given its
    /// descriptor back. Returns true if one has.
    pub(crate) async fn make_room(&self) -> bool {
        let mut closed = std::pin::pin!(self.closed.notified());
        closed.as_mut().enable();
        let evicted = self.evict_one(&mut self.open(), None);
        evicted && timeout(ROOM_TIMEOUT, closed).await.is_ok()
    }

    /// Cuts off the body that is under way for the longest time, if one is so for long.
    pub(crate) fn evict_slow_body(&self) -> bool {
        let now = Instant::now();
        let mut open = self.open();
        let holds_much = |c: &Connection| c.held_bytes().load(Ordering::Relaxed) > WORTH_CUTTING;
        let slow = first(&open, |c| c.slow_body_since(now).filter(|_| holds_much(c)));
        slow.is_some_and(|id| open.end(id))
    }

    /// Waits a moment, if many connections are still open that were told to end.
    pub(crate) async fn settle(&self) {
        while self.count() >= self.max + ENDING_MAX {
            let mut closed = std::pin::pin!(self.closed.notified());
            closed.as_mut().enable();
            if self.count() >= self.max + ENDING_MAX && timeout(ROOM_TIMEOUT, closed).await.is_err()
            {
                return;
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn addresses(&self) -> usize {
        self.open().per_address.len()
    }

    /// Ends a connection of an address, or any one: an idle one first, then one whose body is under way for long, then
    /// one whose client does not read. Returns false if there is none.
    fn evict_one(&self, open: &mut Open, address: Option<IpAddr>) -> bool {
        let now = Instant::now();
        let is_asked = |c: &Connection| address.is_none_or(|a| network(c.peer.ip()) == a);
        let idle = first(open, |c| c.idle_since(now).filter(|_| is_asked(c)));
        let found = idle
            .or_else(|| first(open, |c| c.slow_body_since(now).filter(|_| is_asked(c))))
            .or_else(|| first(open, |c| c.stalled_since(now).filter(|_| is_asked(c))));
        let Some(id) = found else { return false };
        self.evicted.fetch_add(1, Ordering::Relaxed);
        open.end(id)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection that is the first in this order.
fn first<T: Ord>(open: &Open, since: impl Fn(&Connection) -> Option<T>) -> Option<u64> {
    let numbered = open.connections.iter();
    let numbered = numbered.filter_map(|(id, connection)| Some((since(connection)?, *id)));
    numbered.min().map(|(_, id)| id)
}

impl Open {
    /// Tells a connection to end; its place is free at once.
    fn end(&mut self, id: u64) -> bool {
        let Some(connection) = self.remove(id) else { return false };
        connection.end(End::Evicted);
        true
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Connection>> {
        let connection = self.connections.remove(&id)?;
        let address = network(connection.peer.ip());
        if let Some(count) = self.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&address);
            }
        }
        Some(connection)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.open().remove(self.id);
        self.gate.count.fetch_sub(1, Ordering::Relaxed);
        self.gate.closed.notify_waiters();
    }
}

/// Whose address it is: who has one of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    const PREFIX: u128 = !0 << 64;
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) if address == Ipv6Addr::LOCALHOST => IpAddr::V6(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & PREFIX)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::Receiver;

    use super::*;
    use crate::limits::Limits;
    use crate::shared::{Shared, Site};

    fn connection(address: &str) -> (Arc<Connection>, Receiver<End>) {
        let shared = Arc::new(Shared::new(Limits::for_descriptors(1024)));
        let site = Arc::new(Site::new(shared, "127.0.0.1:1".parse().unwrap(), false));
        Connection::new(format!("{address}:1").parse().unwrap(), site)
    }

    #[test]
    fn the_connection_that_is_idle_for_the_longest_time_makes_room() {
        let gate = Arc::new(Gate::new(3, 2));
        let start = Instant::now();
        let idle = ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(connection);
        let mut places = Vec::new();
        for ((connection, _), seconds) in idle.iter().zip([2, 1, 3]) {
            connection.begin_answering();
            connection.begin_waiting(start + Duration::from_secs(seconds));
            places.push(gate.admit(connection).unwrap());
        }
        let (other, _end) = connection("127.0.0.4");
        let place = gate.admit(&other).unwrap();
        let mut ends = idle.map(|(_, end)| end);
        assert_eq!(ends[1].try_recv(), Ok(End::Evicted));
        assert!(ends[0].try_recv().is_err() && ends[2].try_recv().is_err());
        // that one was never used
        let (unused, mut end) = connection("127.0.0.5");
        drop(place);
        let place = gate.admit(&unused).unwrap();
        let last = gate.admit(&other).unwrap();
        assert_eq!(end.try_recv(), Ok(End::Evicted));
        // the place is free at once, the descriptor when the connection has ended
        assert_eq!(gate.count(), 5);
        drop((places, place));
        assert_eq!(gate.count(), 1);
        drop(last);
        assert_eq!((gate.count(), gate.addresses()), (0, 0));
    }

    #[test]
    fn connections_that_are_being_answered_keep_their_places() {
        let gate = Arc::new(Gate::new(3, 2));
        let busy = ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3"].map(connection);
        busy.iter().for_each(|(connection, _)| connection.begin_answering());
        let _first = gate.admit(&busy[0].0).unwrap();
        let _second = gate.admit(&busy[1].0).unwrap();
        assert_eq!(gate.admit(&connection("127.0.0.1").0).err(), Some(Full::Address));
        let _third = gate.admit(&busy[2].0).unwrap();
        assert_eq!(gate.admit(&busy[3].0).err(), Some(Full::All));
        busy[0].0.begin_waiting(Instant::now());
        assert!(gate.admit(&busy[3].0).is_ok());
    }

    #[test]
    fn a_client_that_is_behind_with_its_answer_is_not_idle() {
        let gate = Arc::new(Gate::new(1, 1));
        let (reader, _end) = connection("127.0.0.1");
        let now = Instant::now();
        reader.is_behind(now);
        let _place = gate.admit(&reader).unwrap();
        assert_eq!(gate.admit(&connection("127.0.0.2").0).err(), Some(Full::All));
        // but it must not stay so
        assert_eq!(reader.stalled_since(now + Duration::from_secs(1)), None);
        assert!(reader.stalled_since(now + Duration::from_secs(9)).is_some());
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let of = |address: &str| network(address.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:127.0.0.1"), of("127.0.0.1"));
        assert_ne!(of("::1"), of("::2"));
    }
}
