//! A core in memory that is asked arbitrary things, at arbitrary times.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use weir_broker::apis::{Request, Response, SUPPORTED};
use weir_broker::core::{Call, Caller, ConnectionId, Core, CoreSettings, Effect, Now, Ticket};
use weir_broker::files::MemoryFiles;

use super::requests;

/// An answer may be this long: what a core has in memory is far less.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;

pub struct Session {
    core: Core,
    now: Now,
    asked: u64,
    /// The versions in which answers are expected.
    waiting: HashMap<Ticket, i16>,
}

impl Session {
    pub fn new() -> Session {
        let files = Arc::new(MemoryFiles::default());
        let core = Core::open(CoreSettings::default(), files).expect("a core in memory");
        let now = Now { elapsed: Duration::ZERO, wall_ms: 1_750_000_000_000 };
        Session { core, now, asked: 0, waiting: HashMap::new() }
    }

    /// Asks one thing: the first three bytes say who asks, which API and which version.
    pub fn step(&mut self, choices: &[u8]) {
        let [who, api, version, rest @ ..] = choices else { return };
        let api = SUPPORTED[usize::from(*api) % SUPPORTED.len()];
        let versions = api.max - api.min + 1;
        let version = api.min + i16::from(*version) % versions;
        let key = api.key as i16;
        let Some(mut body) = requests::body(key, version, rest) else { return };
        let request = Request::decode(key, version, &mut body).expect("what was invented is read");
        self.ask(*who, version, request);
    }

    /// Reads any bytes as a request.
    pub fn raw(&mut self, key: i16, version: i16, body: Bytes) {
        if let Ok(request) = Request::decode(key, version, &mut body.clone()) {
            self.ask(0, version, request);
        }
    }

    fn ask(&mut self, who: u8, version: i16, request: Request) {
        self.asked += 1;
        let ticket = Ticket(self.asked);
        let connection = ConnectionId(u64::from(who % 4));
        let caller = Caller {
            connection,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_id: (!who.is_multiple_of(3)).then(|| "invented".into()),
            principal: "User:ANONYMOUS".into(),
        };
        self.waiting.insert(ticket, version);
        let call = Call { ticket, caller, version, now: self.now };
        let effects = self.core.handle(&call, request);
        self.look_at(effects);
        if who >= 128 {
            self.pass(Duration::from_millis(u64::from(who) * 50));
        }
        if who % 64 == 63 {
            let effects = self.core.disconnected(connection, self.now);
            self.look_at(effects);
        }
    }

    /// Lets time go on, and does what is due.
    pub fn pass(&mut self, time: Duration) {
        self.now.elapsed += time;
        self.now.wall_ms += i64::try_from(time.as_millis()).expect("a short time");
        if self.core.next_deadline().is_some_and(|deadline| deadline <= self.now.elapsed) {
            let effects = self.core.tick(self.now);
            self.look_at(effects);
        }
    }

    /// Every answer can be written in its request's version, and is one.
    fn look_at(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Answer { ticket, response } = effect {
                let version = self.waiting.remove(&ticket).expect("one answer to each request");
                self.encode(&response, version);
            }
        }
    }

    fn encode(&self, response: &Response, version: i16) {
        let mut bytes = BytesMut::new();
        if let Err(error) = response.encode(version, &mut bytes) {
            panic!("{error} in version {version}: {response:?}");
        }
        assert!(bytes.len() <= ANSWER_MAX_BYTES, "an answer of {} bytes", bytes.len());
    }
}
