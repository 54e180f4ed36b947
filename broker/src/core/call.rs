//! The frame of a request: its caller, its time, and how it is answered.

use std::net::IpAddr;
use std::time::Duration;

use kafka_protocol::protocol::StrBytes;

/// The time, which the state machine is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the start, for deadlines. It never goes back.
    pub elapsed: Duration,
    /// Milliseconds since 1970, for timestamps.
    pub wall_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Names a request until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// The client that has sent a request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub connection: ConnectionId,
    pub host: IpAddr,
    pub client_id: Option<StrBytes>,
    /// As ACLs name it: `User:alice`, `User:ANONYMOUS`.
    pub principal: String,
}

/// The frame of a request.
#[derive(Clone, Debug)]
pub struct Call {
    pub ticket: Ticket,
    pub caller: Caller,
    /// The version of the API.
    pub version: i16,
    pub now: Now,
}

/// How a request was handled.
#[derive(Debug)]
pub enum Handled<R> {
    Now(R),
    /// It will be answered through `Core::answer`.
    Later,
    /// There is no answer, as for a Produce request with `acks=0`.
    Silently,
}

impl<R> Handled<R> {
    pub fn map<T>(self, to: impl FnOnce(R) -> T) -> Handled<T> {
        match self {
            Handled::Now(response) => Handled::Now(to(response)),
            Handled::Later => Handled::Later,
            Handled::Silently => Handled::Silently,
        }
    }
}
