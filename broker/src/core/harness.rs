//! A core in memory for tests, with a clock that stands still until it is moved.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Arrival, Call, Caller, ConnectionId, Core, CoreSettings, Effect, Now, Ticket};
use crate::apis::{Request, Response};
use crate::files::{Files, MemoryFiles};

/// A core, and what its callers have.
pub struct Harness {
    pub core: Core,
    pub files: Arc<dyn Files>,
    settings: CoreSettings,
    elapsed: Duration,
    tickets: u64,
}

impl Harness {
    pub fn new(settings: CoreSettings) -> Harness {
        let files: Arc<dyn Files> = Arc::new(MemoryFiles::default());
        let core = Core::open(settings.clone(), files.clone()).unwrap();
        Harness { core, files, settings, elapsed: Duration::ZERO, tickets: 0 }
    }

    /// Opens the core again on the same files, as a restart does.
    pub fn restart(mut self) -> Harness {
        self.core.close();
        let core = Core::open(self.settings.clone(), self.files.clone()).unwrap();
        Harness { core, ..self }
    }

    pub fn now(&self) -> Now {
        let passed = i64::try_from(self.elapsed.as_millis()).unwrap();
        Now { elapsed: self.elapsed, wall_ms: 1_700_000_000_000 + passed }
    }

    /// Lets time pass, and the core do what is due.
    pub fn pass(&mut self, time: Duration) -> Vec<Effect> {
        self.elapsed += time;
        let now = self.now();
        self.core.tick(now)
    }

    pub fn call(&mut self, connection: u64, principal: &str, version: i16) -> Call {
        self.tickets += 1;
        let caller = Caller {
            connection: ConnectionId(connection),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_id: None,
            principal: principal.to_owned(),
        };
        Call { ticket: Ticket(self.tickets), caller, version, now: self.now() }
    }

    /// Announces a connection that has to log in.
    pub fn connect_to_login(&mut self, connection: u64) {
        let reached = SocketAddr::from(([127, 0, 0, 1], 9093));
        let arrival = Arrival { reached, needs_login: true };
        self.core.connected(ConnectionId(connection), arrival);
    }

    pub fn effects(&mut self, connection: u64, version: i16, request: Request) -> Vec<Effect> {
        let call = self.call(connection, "User:ANONYMOUS", version);
        self.core.handle(&call, request)
    }

    /// The answer to a request of a user, which has to come at once.
    pub fn ask_as(&mut self, principal: &str, version: i16, request: Request) -> Response {
        let call = self.call(1, principal, version);
        answer(self.core.handle(&call, request)).unwrap()
    }

    pub fn ask(&mut self, version: i16, request: Request) -> Response {
        self.ask_as("User:ANONYMOUS", version, request)
    }
}

/// The first answer among effects.
pub fn answer(effects: Vec<Effect>) -> Option<Response> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Answer { response, .. } => Some(response),
        _ => None,
    })
}

/// Returns true if a connection is closed.
pub fn is_closed(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Close(_)))
}

/// Takes the answer of one API out of all of them.
macro_rules! response_of {
    ($api:ident, $response:expr) => {
        match $response {
            $crate::apis::Response::$api(response) => response,
            other => panic!("another answer: {other:?}"),
        }
    };
}
pub(crate) use response_of;
